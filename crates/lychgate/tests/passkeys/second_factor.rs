//! A passkey as the second factor, and as both.

use lychgate_testkit::{Authenticator, Lies, TestApp};
use serde_json::{Value, json};

use crate::support::{
    HERE, app, begin, device_of, first_id, passkeys_of, refused, register, second, sign_in, signed_in,
};

#[tokio::test]
async fn the_second_factor_is_the_pending_users_own() {
    let app = app().start().await;
    let mut joes = device_of(&app, "joe@lp.com", "secondary").await;
    let mut daves = device_of(&app, "dave@lp.com", "secondary").await;
    let mut first_of_joe = Authenticator::default();
    {
        // Whoever has a second factor needs it from now on, so this session is from before.
        let mut joe = app.browser();
        let asked = joe.post_json("/login", json!({"email": "joe@lp.com", "password": "password"})).await.response();
        assert_eq!((&asked["tf_method"], &asked["tf_signin_url"]), (&json!("webauthn"), &json!("/wan-signin")));
        assert_eq!(joe.who().await, "nobody");
        assert_eq!(joe.get_json("/wan-signin").await.response()["is_secondary"], true);
        let first = begin(&mut joe, "/wan-signin", json!({"identity": "dave@lp.com"})).await;
        let options = &first["credential_options"];
        assert_eq!(options["allowCredentials"][0]["id"], first_id(&joes), "joe's, whatever is said");
        assert_eq!(options["userVerification"], "discouraged");
        let path = second("/wan-signin", &first);
        let theirs = daves.get_by(0, options, HERE, &Lies::default());
        refused(
            &joe.post_json(&path, json!({"credential": theirs})).await,
            "credential",
            "WEBAUTHN_MISMATCH_USER_HANDLE",
        );
        let lie = Lies { user_handle: Some(Vec::new()), ..Lies::default() };
        let theirs = daves.get_by(0, options, HERE, &lie);
        refused(
            &joe.post_json(&path, json!({"credential": theirs})).await,
            "credential",
            "WEBAUTHN_MISMATCH_USER_HANDLE",
        );
        // The state is for the second factor of joe: nobody without his password can use it.
        let own = json!({"credential": joes.get(options, HERE).unwrap()});
        refused(&app.browser().post_json(&path, own.clone()).await, "", "API_ERROR");
        let reply = joe.post_json(&path, own).await;
        assert_eq!((reply.status(), &reply.response()["user"]["email"]), (200, &json!("joe@lp.com")));
        assert_eq!(joe.who().await, "joe@lp.com");
        register(&mut joe, &mut first_of_joe, "for sign-in", "first").await;
    }
    // Each passkey for its own step.
    refused(&sign_in(&mut app.browser(), &mut daves).await, "credential", "WEBAUTHN_CREDENTIAL_WRONG_USAGE");
    let mut joe = app.browser();
    joe.post_json("/login", json!({"email": "joe@lp.com", "password": "password"})).await;
    let first = begin(&mut joe, "/wan-signin", json!({})).await;
    let used = first_of_joe.get_by(0, &first["credential_options"], HERE, &Lies::default());
    let reply = joe.post_json(&second("/wan-signin", &first), json!({"credential": used})).await;
    refused(&reply, "credential", "WEBAUTHN_CREDENTIAL_WRONG_USAGE");
}

#[tokio::test]
async fn a_passkey_that_verified_its_user_is_both_factors() {
    let app = app().start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let (mut main, mut spare) = (Authenticator::default(), Authenticator::default());
    register(&mut joe, &mut main, "main", "first").await;
    register(&mut joe, &mut spare, "spare", "secondary").await;
    let reply = sign_in(&mut app.browser(), &mut main).await;
    assert_eq!(reply.response()["tf_required"], false);

    main.user_verified = false;
    let mut visitor = app.browser();
    let asked = sign_in(&mut visitor, &mut main).await.response();
    assert_eq!(
        (&asked["tf_required"], &asked["tf_state"], &asked["user"]),
        (&json!(true), &json!("ready"), &Value::Null)
    );
    assert_eq!(visitor.who().await, "nobody");
    assert_eq!(sign_in(&mut visitor, &mut spare).await.status(), 200);
    assert_eq!(visitor.who().await, "joe@lp.com");

    // Where it may not count for both, it never does.
    let strict = TestApp::builder()
        .sharing(&app)
        .toml("[security]\nwebauthn = true\nwan_allow_as_multi_factor = false\n[csrf]\nenabled = false");
    let strict = strict.start().await;
    main.user_verified = true;
    assert_eq!(sign_in(&mut strict.browser(), &mut main).await.response()["tf_required"], true);
}

#[tokio::test]
async fn where_a_passkey_may_not_be_the_first_factor() {
    let app = app().toml("[security]\nwan_allow_as_first_factor = false").start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let mut device = Authenticator::default();
    register(&mut joe, &mut device, "key", "first").await;
    assert_eq!(passkeys_of(&app, "joe@lp.com").await[0].usage, "secondary", "whatever was asked for");
    let mut visitor = app.browser();
    assert_eq!(visitor.get("/wan-signin").await.status(), 404);
    assert_eq!(visitor.post_json("/wan-signin", json!({})).await.status(), 404);
    let login = visitor.get("/login").await;
    assert!(!login.text().contains("wan-signin") && !login.text().contains("webauthn"));
    visitor.post_json("/login", json!({"email": "joe@lp.com", "password": "password"})).await;
    assert_eq!(sign_in(&mut visitor, &mut device).await.status(), 200);
    assert_eq!(visitor.who().await, "joe@lp.com");
}

#[tokio::test]
async fn a_passkey_that_was_only_touched_is_one_factor() {
    let hour = std::time::Duration::from_secs(3600);
    let app = app()
        .routes(move |routes| {
            let pay = axum::routing::get(async || "paid").route_layer(lychgate::guard::fresh_second_factor(hour));
            let keys = axum::routing::get(async || "shown").route_layer(lychgate::guard::phishing_resistant(hour));
            routes.route("/pay", pay).route("/keys", keys)
        })
        .start()
        .await;
    let mut device = device_of(&app, "joe@lp.com", "first").await;
    device.user_verified = false;
    let mut browser = app.browser();
    assert_eq!(sign_in(&mut browser, &mut device).await.status(), 200);
    assert_eq!(browser.get_json("/keys").await.status(), 200);
    assert_eq!(browser.get_json("/pay").await.status(), 401);
    assert_eq!(browser.get("/pay").await.location(), "/verify?next=/pay", "the password makes it two");
    assert_eq!(browser.post_json("/verify", json!({"password": lychgate_testkit::PASSWORD})).await.status(), 200);
    assert_eq!(browser.get_json("/pay").await.status(), 200);
    device.user_verified = true;
    let mut browser = app.browser();
    assert_eq!(sign_in(&mut browser, &mut device).await.status(), 200);
    assert_eq!(browser.get_json("/pay").await.status(), 200);
}
