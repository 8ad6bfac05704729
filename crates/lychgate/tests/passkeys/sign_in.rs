//! What signs in and what does not.

use lychgate::{Event, store::UserPatch};
use lychgate_testkit::{Authenticator, Lies, TestApp, at_once};
use serde_json::{Value, json};

use crate::support::{HERE, app, begin, device_of, refused, register, second, sign_in, sign_in_with, signed_in};

#[tokio::test]
async fn what_does_not_verify_signs_nobody_in() {
    let app = app().start().await;
    let mut device = device_of(&app, "joe@lp.com", "first").await;
    let stranger = &mut Authenticator::default();
    let mut visitor = app.browser();
    let lies = |name: &str, value: Value| Lies {
        client_data: [(name.to_owned(), value)].into_iter().collect(),
        ..Lies::default()
    };
    for (lie, why) in [
        (lies("origin", json!("http://localhost:81")), "WEBAUTHN_NO_VERIFY"),
        (lies("origin", json!("https://localhost")), "WEBAUTHN_NO_VERIFY"),
        (lies("origin", json!("http://localhost.evil.example")), "WEBAUTHN_NO_VERIFY"),
        (lies("challenge", json!("c21DQ2k")), "WEBAUTHN_NO_VERIFY"),
        (lies("type", json!("webauthn.create")), "WEBAUTHN_NO_VERIFY"),
        (lies("crossOrigin", json!(true)), "WEBAUTHN_NO_VERIFY"),
        (lies("topOrigin", json!("https://evil.example")), "WEBAUTHN_NO_VERIFY"),
        (Lies { rp_id: Some("evil.example".to_owned()), ..Lies::default() }, "WEBAUTHN_NO_VERIFY"),
        (Lies { user_handle: Some(b"somebody else".to_vec()), ..Lies::default() }, "WEBAUTHN_MISMATCH_USER_HANDLE"),
    ] {
        refused(&sign_in_with(&mut visitor, &mut device, &lie).await, "credential", why);
    }
    let first = begin(&mut visitor, "/wan-signin", json!({})).await;
    let path = second("/wan-signin", &first);
    for wrong in [json!({}), json!({"credential": ""}), json!({"credential": "{}"}), json!({"credential": {"id": "x"}})]
    {
        refused(&visitor.post_json(&path, wrong).await, "credential", "API_ERROR");
    }
    // A key that nobody registered.
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let unfinished = begin(&mut joe, "/wan-register", json!({"name": "never", "usage": "first"})).await;
    stranger.create(&unfinished["credential_options"], HERE).unwrap();
    refused(&sign_in(&mut visitor, stranger).await, "credential", "WEBAUTHN_UNKNOWN_CREDENTIAL_ID");
    // Nobody touched it.
    device.user_present = false;
    refused(&sign_in(&mut visitor, &mut device).await, "credential", "WEBAUTHN_NO_VERIFY");
    device.user_present = true;
    // Backed up though it cannot be.
    device.backed_up = true;
    refused(&sign_in(&mut visitor, &mut device).await, "credential", "WEBAUTHN_NO_VERIFY");
    device.backed_up = false;
    assert_eq!(visitor.who().await, "nobody");
    let failed = app
        .take_events()
        .iter()
        .filter(|event| matches!(event, Event::UserFailedAuthentication { via: "webauthn", .. }))
        .count();
    assert_eq!(failed, 10);
    assert_eq!(sign_in(&mut visitor, &mut device).await.status(), 200);
}

#[tokio::test]
async fn a_counter_that_falls_back_is_a_copy() {
    let app = app().start().await;
    let mut device = device_of(&app, "joe@lp.com", "first").await;
    device.keys[0].sign_count = 41;
    assert_eq!(sign_in(&mut app.browser(), &mut device).await.status(), 200);
    for count in [41, 40, 0] {
        device.keys[0].sign_count = count;
        refused(&sign_in(&mut app.browser(), &mut device).await, "credential", "WEBAUTHN_NO_VERIFY");
    }
    device.keys[0].sign_count = 42;
    assert_eq!(sign_in(&mut app.browser(), &mut device).await.status(), 200);
}

/// The counter stays 0, so only the state keeps an answer from being used twice.
#[tokio::test]
async fn an_answer_works_once_and_in_one_session() {
    let app = app().start().await;
    let mut device = Authenticator { counts: false, ..Authenticator::default() };
    register(&mut signed_in(&app, "joe@lp.com").await, &mut device, "key", "first").await;
    let mut visitor = app.browser();
    let first = begin(&mut visitor, "/wan-signin", json!({})).await;
    let (path, body) =
        (second("/wan-signin", &first), json!({"credential": device.get(&first["credential_options"], HERE).unwrap()}));
    let copy = visitor.clone();
    let mut elsewhere = app.browser();
    begin(&mut elsewhere, "/wan-signin", json!({})).await;
    refused(&elsewhere.post_json(&path, body.clone()).await, "", "API_ERROR");
    refused(&app.browser().post_json(&path, body.clone()).await, "", "API_ERROR");

    let calls = (0..20).map(|_| {
        let (mut visitor, path, body) = (visitor.clone(), path.clone(), body.clone());
        async move { visitor.post_json(&path, body).await.status() }
    });
    let mut statuses = at_once(calls).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[400; 19]].concat());
    refused(&copy.clone().post_json(&path, body).await, "", "API_ERROR");

    let mut late = app.browser();
    let first = begin(&mut late, "/wan-signin", json!({})).await;
    app.advance(61);
    let body = json!({"credential": device.get(&first["credential_options"], HERE).unwrap()});
    refused(&late.post_json(&second("/wan-signin", &first), body).await, "", "WEBAUTHN_EXPIRED");
}

/// Nine tabs of one browser: the newest eight can finish.
#[tokio::test]
async fn several_sign_ins_of_one_browser() {
    let app = app().start().await;
    let mut device = device_of(&app, "joe@lp.com", "first").await;
    let mut visitor = app.browser();
    let mut tabs = Vec::new();
    for _ in 0..9 {
        tabs.push(begin(&mut visitor, "/wan-signin", json!({})).await);
    }
    for (tab, works) in [(0, false), (1, true)] {
        let body = json!({"credential": device.get(&tabs[tab]["credential_options"], HERE).unwrap()});
        let reply = visitor.clone().post_json(&second("/wan-signin", &tabs[tab]), body).await;
        assert_eq!(reply.status() == 200, works, "{tab}: {}", reply.text());
    }
}

#[tokio::test]
async fn accounts_that_may_not_be_used() {
    let app = app().toml("[security]\nconfirmable = true").start().await;
    for email in ["joe@lp.com", "dave@lp.com"] {
        app.update(email, UserPatch { confirmed_at: Some(Some(app.now())), ..UserPatch::default() }).await;
    }
    let mut joes = device_of(&app, "joe@lp.com", "first").await;
    let mut daves = device_of(&app, "dave@lp.com", "first").await;
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    refused(&sign_in(&mut app.browser(), &mut joes).await, "credential", "DISABLED_ACCOUNT");
    app.update("dave@lp.com", UserPatch { confirmed_at: Some(None), ..UserPatch::default() }).await;
    refused(&sign_in(&mut app.browser(), &mut daves).await, "credential", "CONFIRMATION_REQUIRED");
}

#[tokio::test]
async fn where_the_user_must_be_verified() {
    let app = app().toml("[webauthn]\nuser_verification = \"required\"").start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let mut device = Authenticator { user_verified: false, ..Authenticator::default() };
    let first = begin(&mut joe, "/wan-register", json!({"name": "key", "usage": "first"})).await;
    assert_eq!(first["credential_options"]["authenticatorSelection"]["userVerification"], "required");
    let made = device.create(&first["credential_options"], HERE).unwrap();
    refused(
        &joe.post_json(&second("/wan-register", &first), json!({"credential": made})).await,
        "credential",
        "WEBAUTHN_NO_VERIFY",
    );
    device = Authenticator::default();
    register(&mut joe, &mut device, "key", "first").await;
    device.user_verified = false;
    refused(&sign_in(&mut app.browser(), &mut device).await, "credential", "WEBAUTHN_NO_VERIFY");
    device.user_verified = true;
    assert_eq!(sign_in(&mut app.browser(), &mut device).await.status(), 200);
}

#[tokio::test]
async fn a_domain_of_ones_own_and_its_relatives() {
    let toml = "[security]\nurl_prefix = \"/auth\"\nwan_rp_id = \"example.com\"\nwan_related_origins = [\"https://example.de\"]";
    let app = app().toml(toml).start().await;
    let mut joe = app.browser();
    let reply = joe.post_json("/auth/login", json!({"email": "joe@lp.com", "password": "password"})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let first = begin(&mut joe, "/auth/wan-register", json!({"name": "key", "usage": "first"})).await;
    assert_eq!(first["credential_options"]["rp"]["id"], "example.com");
    let mut device = Authenticator::default();
    for (origin, works) in [("https://example.com", false), ("https://example.de", true)] {
        let made = device.create(&first["credential_options"], origin).unwrap();
        let reply = joe.post_json(&second("/auth/wan-register", &first), json!({"credential": made})).await;
        assert_eq!(reply.status() == 200, works, "{origin}: {}", reply.text());
        device.keys.retain(|_| works);
    }
    let mut anyone = app.browser();
    let related = anyone.get("/.well-known/webauthn").await;
    assert_eq!(
        (related.header("content-type"), related.json()),
        ("application/json", json!({"origins": ["https://example.de"]}))
    );
    let page = "http://localhost/auth/wan-register";
    assert_eq!(anyone.get("/.well-known/passkey-endpoints").await.json(), json!({"enroll": page, "manage": page}));
    let plain = TestApp::builder().toml("[security]\nwebauthn = true").start().await;
    assert_eq!(plain.browser().get("/.well-known/webauthn").await.status(), 404);
}
