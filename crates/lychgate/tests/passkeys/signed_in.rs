//! What somebody does who is signed in: prove it again, remove a passkey; with a session or a token.

use lychgate::{Event, store::UserPatch};
use lychgate_testkit::{Authenticator, Lies, TestApp, at_once};
use serde_json::{Value, json};

use crate::support::{
    HERE, app, begin, device_of, first_id, passkeys_of, refused, register, second, sign_in, signed_in,
};

#[tokio::test]
async fn a_renewed_proof_is_by_ones_own_passkey() {
    let app = app().toml("[security]\nfreshness = 60\nfreshness_grace_period = 0").start().await;
    let mut joes = device_of(&app, "joe@lp.com", "first").await;
    let mut daves = device_of(&app, "dave@lp.com", "first").await;
    let mut joe = app.browser();
    sign_in(&mut joe, &mut joes).await;
    app.advance(61);
    let stale = joe.get_json("/wan-register").await;
    let response = stale.response();
    assert_eq!((stale.status(), &response["has_webauthn_verify_credential"]), (401, &json!(true)));
    assert_eq!(joe.get_json("/verify").await.response()["has_webauthn_verify_credential"], true);
    let page = joe.get("/verify?next=/x").await;
    assert!(page.text().contains("<form action=\"/wan-verify\" method=\"get\""), "{}", page.text());

    let first = begin(&mut joe, "/wan-verify", json!({})).await;
    assert_eq!(first["credential_options"]["allowCredentials"][0]["id"], first_id(&joes));
    let path = second("/wan-verify", &first);
    let theirs = daves.get_by(0, &first["credential_options"], HERE, &Lies::default());
    refused(&joe.post_json(&path, json!({"credential": theirs})).await, "", "WEBAUTHN_MISMATCH_USER_HANDLE");
    assert_eq!(joe.get_json("/wan-register").await.status(), 401);
    let own = json!({"credential": joes.get(&first["credential_options"], HERE).unwrap()});
    // The state of a renewed proof signs nobody in, nor the other way round.
    let state = path.rsplit('/').next().unwrap().to_owned();
    refused(&joe.clone().post_json(&format!("/wan-signin/{state}"), own.clone()).await, "", "API_ERROR");
    let reply = joe.post_json(&path, own.clone()).await;
    assert_eq!((reply.status(), &reply.response()["user"]), (200, &json!({"email": "joe@lp.com"})));
    assert_eq!(joe.get_json("/wan-register").await.status(), 200);
    app.advance(61);
    refused(&joe.post_json(&path, own).await, "", "WEBAUTHN_EXPIRED");
    assert_eq!(joe.get_json("/wan-register").await.status(), 401);
    assert_eq!(app.browser().get_json("/wan-verify").await.status(), 401);

    let mut visitor = app.browser();
    let first = begin(&mut visitor, "/wan-signin", json!({})).await;
    let used = json!({"credential": joes.get(&first["credential_options"], HERE).unwrap()});
    let state = first["wan_state"].as_str().unwrap();
    refused(&joe.post_json(&format!("/wan-verify/{state}"), used).await, "", "API_ERROR");
}

#[tokio::test]
async fn a_renewed_proof_by_the_kinds_that_are_allowed() {
    let app = app().toml("[security]\nwan_allow_as_verify = [\"secondary\"]").start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let mut device = Authenticator::default();
    register(&mut joe, &mut device, "key", "first").await;
    assert_eq!(joe.get_json("/verify").await.response()["has_webauthn_verify_credential"], false);
    let first = begin(&mut joe, "/wan-verify", json!({})).await;
    assert_eq!(first["credential_options"]["allowCredentials"], json!([]));
    let used = device.get(&first["credential_options"], HERE).unwrap();
    let reply = joe.post_json(&second("/wan-verify", &first), json!({"credential": used})).await;
    refused(&reply, "credential", "WEBAUTHN_CREDENTIAL_WRONG_USAGE");
    for off in ["wan_allow_as_verify = []", "freshness = -1"] {
        let toml = format!("[security]\nwebauthn = true\n{off}");
        let app = TestApp::builder().toml(&toml).start().await;
        assert_eq!(signed_in(&app, "joe@lp.com").await.get("/wan-verify").await.status(), 404, "{off}");
    }
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let app = app().start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    register(&mut joe, &mut Authenticator::default(), "one", "first").await;
    register(&mut joe, &mut Authenticator::default(), "two", "first").await;
    app.update("joe@lp.com", UserPatch { password: Some(None), ..UserPatch::default() }).await;
    let before = app.now();
    let calls =
        (0..20).map(|at| {
            let mut joe = joe.clone();
            async move {
                joe.post_json("/wan-delete", json!({"name": if at % 2 == 0 { "one" } else { "two" }})).await.status()
            }
        });
    let done = at_once(calls).await.into_iter().filter(|status| *status == 200).count();
    assert_eq!((done, before), (1, app.now()));
    let left = passkeys_of(&app, "joe@lp.com").await;
    assert_eq!(left.len(), 1);
    refused(&joe.post_json("/wan-delete", json!({"name": left[0].name})).await, "name", "WEBAUTHN_LAST_WAY_IN");
    // One that does not sign in goes, and so does any where a mail would do.
    register(&mut joe, &mut Authenticator::default(), "second", "secondary").await;
    assert_eq!(joe.post_json("/wan-delete", json!({"name": "second"})).await.status(), 200);
    let by_mail = TestApp::builder()
        .sharing(&app)
        .toml("[security]\nwebauthn = true\nrecoverable = true\n[csrf]\nenabled = false");
    let by_mail = by_mail.start().await;
    let mut there = by_mail.browser();
    there.set_cookie("session", joe.cookie("session").unwrap());
    assert_eq!(there.post_json("/wan-delete", json!({"name": left[0].name})).await.status(), 200);
}

#[tokio::test]
async fn removal_is_of_ones_own() {
    let app = app().start().await;
    let _theirs = device_of(&app, "dave@lp.com", "first").await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    register(&mut joe, &mut Authenticator::default(), "mine", "first").await;
    refused(&joe.post_json("/wan-delete", json!({"name": "key"})).await, "name", "WEBAUTHN_NAME_NOT_FOUND");
    refused(&joe.post_json("/wan-delete", json!({})).await, "name", "WEBAUTHN_NAME_REQUIRED");
    let token = joe.get_json("/wan-delete").await;
    assert_eq!(token.response(), json!({"csrf_token": token.csrf_token()}));
    let _ = app.take_events();
    assert_eq!(joe.post_json("/wan-delete", json!({"name": "mine"})).await.status(), 200);
    let user_id = app.user("joe@lp.com").await.id;
    assert_eq!(app.take_events(), [Event::PasskeyRemoved { user_id, name: "mine".to_owned() }]);
    assert_eq!(passkeys_of(&app, "dave@lp.com").await.len(), 1);
    assert_eq!(app.browser().post_json("/wan-delete", json!({"name": "key"})).await.status(), 401);
}

#[tokio::test]
async fn a_program_with_a_token() {
    let app = app().start().await;
    let (joes, daves) = (app.auth_token("joe@lp.com").await, app.auth_token("dave@lp.com").await);
    let post = async |path: &str, token: &str, body: Value| {
        app.browser().call("POST", path).header("authentication-token", token).json(&body).send().await
    };
    let first = post("/wan-register", &joes, json!({"name": "key", "usage": "first"})).await.response();
    let mut device = Authenticator::default();
    let made = json!({"credential": device.create(&first["credential_options"], HERE).unwrap()});
    let path = second("/wan-register", &first);
    refused(&post(&path, &daves, made.clone()).await, "", "API_ERROR");
    let mut with_session = signed_in(&app, "joe@lp.com").await;
    refused(&with_session.post_json(&path, made.clone()).await, "", "API_ERROR");
    assert_eq!(post(&path, &joes, made).await.status(), 200);
    assert_eq!(post("/wan-delete", &joes, json!({"name": "key"})).await.status(), 200);
}

#[tokio::test]
async fn owners_are_told_and_can_undo_it() {
    let toml = "profile = \"modern\"\n[security]\nwebauthn = true\n[csrf]\nenabled = false";
    let app = TestApp::builder().toml(toml).start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let (mut own, mut foreign) = (Authenticator::default(), Authenticator::default());
    register(&mut joe, &mut own, "own", "first").await;
    app.advance(60);
    let _ = app.mails().await;
    register(&mut joe, &mut foreign, "not mine", "first").await;
    let mails = app.mails().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert!(mail.to == "joe@lp.com" && mail.text.as_ref().unwrap().contains("NOTICE_PASSKEY_ADDED"), "{mail:?}");
    let link = lychgate_testkit::link_in(mail, "/not-me").unwrap();
    let done = app.browser().post_json(&link, json!({})).await;
    assert_eq!(done.status(), 200, "{}", done.text());
    assert_eq!(passkeys_of(&app, "joe@lp.com").await[0].name, "own");
    refused(&sign_in(&mut app.browser(), &mut foreign).await, "", "GENERIC_AUTHN_FAILED");
    let mut joe = app.browser();
    assert_eq!(sign_in(&mut joe, &mut own).await.status(), 200);
    let _ = app.mails().await;
    joe.post_json("/wan-delete", json!({"name": "own"})).await;
    let mails = app.mails().await;
    assert!(mails.iter().any(|mail| mail.text.as_ref().unwrap().contains("NOTICE_PASSKEY_REMOVED")), "{mails:?}");
}

/// Who registers with an address that is not theirs must not keep a way in once its owner takes the account over.
#[tokio::test]
async fn recovery_removes_the_passkeys_of_whoever_proved_no_address() {
    let toml = "[security]\nconfirmable = true\nlogin_without_confirmation = true\nrecoverable = true\nsend_password_reset_notice_email = false";
    let app = app().toml(toml).start().await;
    let confirmed = UserPatch { confirmed_at: Some(Some(app.now())), ..UserPatch::default() };
    app.update("dave@lp.com", confirmed).await;
    for (email, left) in [("joe@lp.com", 0), ("dave@lp.com", 1)] {
        device_of(&app, email, "first").await;
        let mut owner = app.browser();
        assert_eq!(owner.post_json("/reset", json!({"email": email})).await.status(), 200);
        let link = app.mailed_link("/reset").await;
        let new = json!({"password": "a new password", "password_confirm": "a new password"});
        assert_eq!(owner.post_json(&link, new).await.status(), 200);
        assert_eq!(passkeys_of(&app, email).await.len(), left, "{email}");
    }
}
