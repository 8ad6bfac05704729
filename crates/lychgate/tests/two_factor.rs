//! Codes as a second factor at sign-in.
#![allow(clippy::unwrap_used)]

mod second_factor;
#[path = "two_factor/sent.rs"]
mod sent;

use lychgate::Event;
use lychgate::store::{Credential, UserPatch};
use lychgate_testkit::{Database, PASSWORD, TestApp, at_once};
use rstest::rstest;
use second_factor::{STORED, app, begin, begin_as, code, enrol, plain, validate};
use sent::mailed;
use serde_json::json;

#[tokio::test]
async fn the_password_alone_signs_nobody_in_who_has_a_second_factor() {
    let app = app("").await;
    let mut browser = app.browser();
    let fields = json!({"email": "gal@lp.com", "password": PASSWORD, "remember": true});
    let reply = browser.post_json("/login?include_auth_token", fields).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let asked = json!({
        "tf_required": true, "tf_method": "authenticator", "tf_primary_method": "authenticator", "tf_state": "ready",
    });
    assert_eq!(plain(&reply), asked);
    assert_eq!(browser.who().await, "nobody");
    assert_eq!(browser.cookie("remember_token"), None);
    let session = app.session_of(&browser);
    assert_eq!(session["tf_state"].as_str(), Some("ready"));
    assert_eq!(session["tf_user_id"].as_str(), Some(app.user("gal@lp.com").await.fs_uniquifier.as_str()));
    // The page of the next step says nothing of the account.
    let page = browser.get_json("/tf-validate").await;
    let ways = json!({"help": "/tf-rescue", "email": "/tf-rescue"});
    assert_eq!((page.status(), plain(&page)), (200, json!({"recovery_options": ways})));
    // Back at the beginning all is forgotten.
    browser.get("/login").await;
    assert!(!app.session_of(&browser).keys().any(|name| name.starts_with("tf_") || name == "lg_tf"));
    assert_eq!(browser.get_json("/tf-validate").await.status(), 400);
}

#[rstest]
#[tokio::test]
async fn the_code_finishes_the_sign_in(#[values("flask", "modern")] profile: &str) {
    let app = app(&format!("profile = \"{profile}\"\n")).await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let _ = app.take_events();
    let mut browser = begin(&app, "gal@lp.com").await;
    // What an authenticator shows for the key of the vectors at that time.
    assert_eq!(code(&app, 0), "678608");
    let reply = browser.post_json("/tf-validate?include_auth_token", json!({"code": "678 608"})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let user = &plain(&reply)["user"];
    assert_eq!(user["email"], "gal@lp.com");
    assert!(user["authentication_token"].as_str().unwrap().len() > 40);
    assert_eq!(plain(&reply).as_object().unwrap().len(), 1);
    assert_eq!(browser.who().await, "gal@lp.com");
    let session = app.session_of(&browser);
    assert!(!session.keys().any(|name| name.starts_with("tf_") || name == "lg_tf"), "{session:?}");
    let gal = app.user("gal@lp.com").await.id;
    let events = app.take_events();
    assert!(events.contains(&Event::UserAuthenticated { user_id: gal, via: "authenticator" }), "{events:?}");
    assert!(events.contains(&Event::SecondFactorConfirmed { user_id: gal, via: "authenticator" }));
}

#[tokio::test]
async fn a_browser_is_led_through_it() {
    let app = app("[csrf]\nenabled = true\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = app.browser();
    let token = browser.get("/login?next=/profile").await.csrf_token();
    let fields = [("email", "gal@lp.com"), ("password", PASSWORD), ("remember", "y"), ("csrf_token", token.as_str())];
    let reply = browser.post_form("/login?next=/profile", &fields).await;
    assert_eq!((reply.status(), reply.location()), (302, "/tf-validate?next=/profile"));
    let page = browser.get(reply.location()).await;
    assert_eq!(page.status(), 200);
    for part in [
        r#"name="two_factor_verify_code_form""#,
        r#"action="/tf-validate?next=/profile""#,
        r#"autocomplete="one-time-code""#,
        r#"inputmode="numeric""#,
        r#"name="two_factor_rescue_form""#,
        r#"value="help""#,
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    assert!(!page.text().contains("gal@lp"), "nothing of the account is shown");
    let token = page.csrf_token();
    let without = browser.post_form("/tf-validate?next=/profile", &[("code", "678608")]).await;
    assert_eq!((without.status(), browser.who().await.as_str()), (200, "nobody"), "no CSRF token");
    let wrong = browser.post_form("/tf-validate?next=/profile", &[("code", "000000"), ("csrf_token", &token)]).await;
    assert!(wrong.status() == 200 && wrong.text().contains("TWO_FACTOR_INVALID_TOKEN"), "{}", wrong.text());
    assert!(!wrong.text().contains("000000"), "a code is not sent back");
    let right = browser.post_form("/tf-validate?next=/profile", &[("code", "678608"), ("csrf_token", &token)]).await;
    assert_eq!((right.status(), right.location()), (302, "/profile"));
    assert_eq!(app.flashes(&browser), ["TWO_FACTOR_LOGIN_SUCCESSFUL"]);
    assert!(browser.cookie("remember_token").is_some());
    assert_eq!(browser.cookie("tf_validity"), None, "the second factor is asked for each time");
    assert_eq!(browser.who().await, "gal@lp.com");
}

#[rstest]
#[case(json!({}), "FIELD_REQUIRED")]
#[case(json!({"code": ""}), "FIELD_REQUIRED")]
#[case(json!({"code": null}), "FIELD_REQUIRED")]
#[case(json!({"code": "12345"}), "TWO_FACTOR_INVALID_TOKEN")]
#[case(json!({"code": "abcdef"}), "TWO_FACTOR_INVALID_TOKEN")]
#[case(json!({"code": 5}), "TWO_FACTOR_INVALID_TOKEN")]
#[case(json!({"code": u64::MAX}), "TWO_FACTOR_INVALID_TOKEN")]
#[case(json!({"code": "9".repeat(60_000)}), "TWO_FACTOR_INVALID_TOKEN")]
#[case(json!({"code": "67\u{0}8608"}), "TWO_FACTOR_INVALID_TOKEN")]
#[case(json!({"code": -678_608}), "API_ERROR")]
#[case(json!({"code": {"a": 1}}), "API_ERROR")]
#[case(json!({"code": [678_608]}), "API_ERROR")]
#[tokio::test]
async fn what_is_no_code(#[case] fields: serde_json::Value, #[case] error: &str) {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = begin(&app, "gal@lp.com").await;
    let reply = browser.post_json("/tf-validate", fields).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"code": [error]})));
    assert_eq!(browser.who().await, "nobody");
    assert_eq!(browser.post_json("/tf-validate", json!({"code": 678_608})).await.status(), 200, "as a number");
}

#[tokio::test]
async fn a_code_works_once_and_only_about_its_time() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let now = code(&app, 0);
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &now).await, 200);
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &now).await, 400, "used before");
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &code(&app, -30)).await, 400, "older than one used");
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &code(&app, 60)).await, 400, "two steps ahead");
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &code(&app, 30)).await, 200, "a clock that is fast");
    app.advance(90);
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &code(&app, -60)).await, 400, "two steps back");
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &code(&app, -30)).await, 200, "a clock that is slow");
}

#[rstest]
#[tokio::test]
async fn of_many_at_once_one_gets_in(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = TestApp::builder().toml(second_factor::ON).on(database).start().await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browsers = Vec::new();
    for _ in 0..8 {
        browsers.push(begin(&app, "gal@lp.com").await);
    }
    let code = code(&app, 0);
    let replies = at_once(browsers.into_iter().map(|mut browser| {
        let code = code.clone();
        async move { validate(&mut browser, &code).await }
    }))
    .await;
    assert_eq!(replies.iter().filter(|status| **status == 200).count(), 1, "{replies:?}");
}

#[tokio::test]
async fn one_sign_in_gets_in_once_whatever_the_codes() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = begin(&app, "gal@lp.com").await;
    let mut copy = browser.clone();
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
    let again = copy.post_json("/tf-validate", json!({"code": code(&app, 30)})).await;
    assert_eq!(again.status(), 400);
    assert_eq!(again.field_errors(), json!({"": ["TWO_FACTOR_PERMISSION_DENIED"]}));
    assert_eq!(copy.who().await, "nobody");
}

#[tokio::test]
async fn steps_out_of_turn() {
    let app = app("unified_signin = false\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    for path in ["/tf-validate", "/tf-rescue", "/tf-select", "/tf-setup"] {
        for method in ["GET", "POST"] {
            let mut browser = app.browser();
            let json = browser.call(method, path).json(&json!({})).send().await;
            let denied = json!({"": ["TWO_FACTOR_PERMISSION_DENIED"]});
            assert_eq!((json.status(), json.field_errors()), (400, denied.clone()), "{method} {path}");
            let page = browser.call(method, path).send().await;
            assert_eq!((page.status(), page.location()), (302, "/login"), "{method} {path}");
            assert_eq!(app.flashes(&browser), ["TWO_FACTOR_PERMISSION_DENIED"]);
            if path == "/tf-setup" {
                continue;
            }
            let mut browser = app.browser();
            browser.sign_in("joe@lp.com").await;
            let json = browser.call(method, path).json(&json!({})).send().await;
            assert_eq!(json.status(), 400, "{method} {path}");
            let page = browser.call(method, path).send().await;
            assert_eq!(page.status(), 302, "{method} {path}");
            assert_eq!(browser.who().await, "joe@lp.com", "nobody is signed out by a link");
        }
    }
    // Somebody who waits for the code can neither choose nor set up another.
    let mut browser = begin(&app, "gal@lp.com").await;
    assert_eq!(browser.clone().get_json("/tf-select").await.status(), 400);
    assert_eq!(browser.clone().post_json("/tf-setup", json!({"setup": "email"})).await.status(), 400);
    assert_eq!(browser.clone().post_json("/tf-setup/x", json!({"code": "123456"})).await.status(), 401);
    assert_eq!(browser.get("/whoami").await.json()["email"], json!(null));
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn a_waiting_sign_in_ends() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut in_time = begin(&app, "gal@lp.com").await;
    let mut late = begin(&app, "gal@lp.com").await;
    app.advance(600);
    assert_eq!(validate(&mut in_time, &code(&app, 0)).await, 200);
    app.advance(1);
    assert_eq!(late.get("/tf-validate").await.location(), "/login");
    // By signing out, and then in every copy of the cookie.
    let mut browser = begin(&app, "gal@lp.com").await;
    let mut copy = browser.clone();
    browser.post_json("/logout", json!({})).await;
    app.advance(30);
    for browser in [&mut browser, &mut copy] {
        assert_eq!(validate(browser, &code(&app, 0)).await, 400);
    }
    // By what happens to the account.
    let mut browser = begin(&app, "gal@lp.com").await;
    app.update("gal@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 400);
    app.update("gal@lp.com", UserPatch { active: Some(true), ..UserPatch::default() }).await;
    let mut browser = begin(&app, "gal@lp.com").await;
    let changed = UserPatch { fs_uniquifier: Some("another".to_owned()), ..UserPatch::default() };
    app.update("gal@lp.com", changed).await;
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 400);
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &code(&app, 0)).await, 200, "the code is still good");
}

#[tokio::test]
async fn guesses_are_limited_and_time_frees_them() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = begin(&app, "gal@lp.com").await;
    for _ in 0..10 {
        assert_eq!(validate(&mut browser, "000000").await, 400);
    }
    // The right code of another sign-in has to wait as well.
    let mut other = begin(&app, "gal@lp.com").await;
    let reply = other.post_json("/tf-validate", json!({"code": code(&app, 0)})).await;
    assert_eq!(reply.status(), 429, "{}", reply.text());
    assert_eq!(reply.header("retry-after"), "900");
    let page = other.post_form("/tf-validate", &[("code", &code(&app, 0))]).await;
    assert!(page.status() == 200 && page.text().contains("TOO_MANY_REQUESTS"), "{}", page.text());
    // Other accounts, and the password, have nothing to do with it.
    enrol(&app, "joe@lp.com", "authenticator").await;
    assert_eq!(validate(&mut begin(&app, "joe@lp.com").await, &code(&app, 0)).await, 200);
    // The first sign-in is over.
    assert_eq!(browser.get_json("/tf-validate").await.status(), 200);
    let reply = browser.post_json("/tf-validate", json!({"code": code(&app, 0)})).await;
    assert_eq!(reply.field_errors(), json!({"": ["TWO_FACTOR_PERMISSION_DENIED"]}));
    app.advance(900);
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &code(&app, 0)).await, 200);
    // A success gives all guesses back, and there are fifty a day.
    app.advance(30);
    for round in 0..5 {
        let mut browser = begin(&app, "gal@lp.com").await;
        for _ in 0..10 {
            assert_eq!(validate(&mut browser, "000000").await, 400, "{round}");
        }
        app.advance(900);
    }
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &code(&app, 0)).await, 429);
    app.advance(86_400);
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &code(&app, 0)).await, 200);
}

#[tokio::test]
async fn a_browser_that_is_remembered() {
    let app = app("two_factor_always_validate = false\ntwo_factor_login_validity = 3600\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    // Only for those who want to be remembered.
    let mut browser = begin(&app, "gal@lp.com").await;
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
    assert_eq!(browser.cookie("tf_validity"), None);
    app.advance(30);
    let mut browser = app.browser();
    let fields = json!({"email": "gal@lp.com", "password": PASSWORD, "remember": true});
    browser.post_json("/login", fields.clone()).await;
    let reply = browser.post_json("/tf-validate", json!({"code": code(&app, 0)})).await;
    let cookie = reply.set_cookie("tf_validity").unwrap();
    let attributes = cookie.split_once("; ").unwrap().1;
    assert_eq!(
        attributes,
        "Expires=Sun, 15 Jun 2025 16:07:10 GMT; Max-Age=3600; Secure; HttpOnly; Path=/; SameSite=Strict"
    );
    let token = browser.cookie("tf_validity").unwrap().to_owned();
    let sign_in = async |email: &str| {
        let mut browser = app.browser();
        browser.set_cookie("tf_validity", &token);
        let reply = browser.post_json("/login", json!({"email": email, "password": PASSWORD})).await;
        plain(&reply)["tf_required"].as_bool().unwrap()
    };
    assert!(!sign_in("gal@lp.com").await);
    enrol(&app, "joe@lp.com", "authenticator").await;
    assert!(sign_in("joe@lp.com").await, "it is gal's");
    // A changed second factor is asked for again.
    let mut browser = app.browser();
    browser.set_cookie("tf_validity", &token);
    browser.post_json("/login", fields).await;
    app.advance(30);
    assert_eq!(browser.post_json("/tf-verify", json!({"code": code(&app, 0)})).await.status(), 200);
    let reply = browser.post_json("/tf-setup", json!({"setup": "disable"})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    assert!(!sign_in("gal@lp.com").await);
    enrol(&app, "gal@lp.com", "authenticator").await;
    assert!(sign_in("gal@lp.com").await);
}

#[tokio::test]
async fn a_remembered_browser_is_forgotten_in_time() {
    let app = app("two_factor_always_validate = false\ntwo_factor_login_validity = 3600\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let fields = json!({"email": "gal@lp.com", "password": PASSWORD, "remember": true});
    let mut browser = app.browser();
    browser.post_json("/login", fields.clone()).await;
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
    for (seconds, asked) in [(3600, false), (1, true)] {
        app.advance(seconds);
        let mut again = app.browser();
        again.set_cookie("tf_validity", browser.cookie("tf_validity").unwrap());
        assert_eq!(plain(&again.post_json("/login", fields.clone()).await)["tf_required"], asked, "{seconds}");
    }
    // With a new setting nobody is remembered.
    let strict = TestApp::builder().toml(second_factor::ON).sharing(&app).start().await;
    let mut again = strict.browser();
    again.set_cookie("tf_validity", browser.cookie("tf_validity").unwrap());
    assert_eq!(plain(&again.post_json("/login", fields).await)["tf_required"], true);
}

#[tokio::test]
async fn without_a_code() {
    let app = app("two_factor_rescue_mail = \"help@lp.com\"\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = begin(&app, "gal@lp.com").await;
    let options = json!({"recovery_options": {"help": "/tf-rescue", "email": "/tf-rescue"}});
    assert_eq!(plain(&browser.get_json("/tf-rescue").await), options);
    let wrong = browser.post_json("/tf-rescue", json!({"help_setup": "recovery_code"})).await;
    assert_eq!((wrong.status(), wrong.field_errors()), (400, json!({"help_setup": ["INVALID_CHOICE"]})));
    // A code by mail.
    let reply = browser.post_json("/tf-rescue", json!({"help_setup": "email"})).await;
    assert_eq!((reply.status(), plain(&reply)), (200, options.clone()));
    let code = mailed(&app, 1).await;
    // Help.
    for _ in 0..3 {
        let reply = browser.post_json("/tf-rescue", json!({"help_setup": "help"})).await;
        assert_eq!((reply.status(), plain(&reply)), (200, options.clone()));
        let mails = app.mails().await;
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, "help@lp.com"));
        assert!(mails[0].text.as_ref().unwrap().contains("gal@lp.com"));
    }
    assert_eq!(browser.post_json("/tf-rescue", json!({"help_setup": "help"})).await.status(), 429);
    assert!(app.mails().await.is_empty());
    // By then the app shows another one.
    app.advance(61);
    let page = browser.post_form("/tf-rescue", &[("help_setup", "email")]).await;
    assert!(page.status() == 200 && page.text().contains(r#"name="code""#), "{}", page.text());
    assert_eq!(validate(&mut browser, &code).await, 400, "a newer one was mailed");
    assert_eq!(validate(&mut browser, &mailed(&app, 1).await).await, 200);
}

#[tokio::test]
async fn recovery_codes_are_offered_to_those_who_have_some() {
    let app = app("multi_factor_recovery_codes = true\ntwo_factor_rescue_email = false\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = begin(&app, "gal@lp.com").await;
    assert_eq!(plain(&browser.get_json("/tf-rescue").await), json!({"recovery_options": {"help": "/tf-rescue"}}));
    let codes = UserPatch { mf_recovery_codes: Some(vec!["71f3-0b8d-24aa".to_owned()]), ..UserPatch::default() };
    app.update("gal@lp.com", codes).await;
    let options = plain(&browser.get_json("/tf-rescue").await)["recovery_options"].clone();
    assert!(options.get("recovery_code").is_some() && options.get("email").is_none(), "{options}");
    let reply = browser.post_json("/tf-rescue", json!({"help_setup": "recovery_code"})).await;
    assert_eq!(reply.status(), 302);
}

#[tokio::test]
async fn one_of_several() {
    let app = app("webauthn = true\n").await;
    enrol(&app, "gal@lp.com", "email").await;
    let gal = app.user("gal@lp.com").await.id;
    let key = Credential {
        credential_id: vec![1; 16],
        public_key: vec![2; 16],
        sign_count: 0,
        transports: Vec::new(),
        backup_state: false,
        device_type: "single_device".to_owned(),
        extensions: None,
        created_at: app.now(),
        last_used_at: app.now(),
        name: "key".to_owned(),
        usage: "secondary".to_owned(),
        user_id: gal,
    };
    let mut batch = app.store().batch();
    batch.add_credential(&key);
    app.store().commit(batch).await.unwrap();
    let mut browser = app.browser();
    let reply = browser.post_json("/login", json!({"email": "gal@lp.com", "password": PASSWORD})).await;
    let asked = json!({"tf_required": true, "tf_select": true, "tf_setup_methods": ["email", "webauthn"]});
    assert_eq!(plain(&reply), asked);
    assert!(app.mails().await.is_empty(), "nothing is sent before the choice");
    assert_eq!(browser.clone().get_json("/tf-validate").await.status(), 400);
    let known = json!({"tf_select": true, "tf_setup_methods": ["email", "webauthn"]});
    assert_eq!(plain(&browser.get_json("/tf-select").await), known);
    let wrong = browser.post_json("/tf-select", json!({"which": "sms"})).await;
    assert_eq!((wrong.status(), wrong.field_errors()), (400, json!({"which": ["INVALID_CHOICE"]})));
    let reply = browser.post_json("/tf-select", json!({"which": "webauthn"})).await;
    assert_eq!(
        (plain(&reply)["tf_method"].as_str(), plain(&reply)["tf_state"].as_str()),
        (Some("webauthn"), Some("ready"))
    );
    assert!(plain(&reply).get("tf_signin_url").is_some());
    // One can choose again.
    let reply = browser.post_json("/tf-select", json!({"which": "email"})).await;
    assert_eq!(plain(&reply)["tf_primary_method"], "email");
    assert_eq!(validate(&mut browser, &mailed(&app, 1).await).await, 200);
    // A browser.
    let mut browser = app.browser();
    let fields = [("email", "gal@lp.com"), ("password", PASSWORD), ("next", "/x")];
    let reply = browser.post_form("/login", &fields).await;
    assert_eq!(reply.location(), "/tf-select?next=/x");
    let page = browser.get("/tf-select?next=/x").await;
    assert!(page.text().contains(r#"name="tf_select""#) && page.text().contains(r#"value="webauthn""#));
    let reply = browser.post_form("/tf-select?next=/x", &[("which", "email")]).await;
    assert_eq!(reply.location(), "/tf-validate?next=/x");
}

#[tokio::test]
async fn the_same_mailbox_is_no_second_factor() {
    let app = app("recoverable = true\nauto_login_after_reset = true\n").await;
    enrol(&app, "gal@lp.com", "email").await;
    let reset = async |email: &str| {
        let mut browser = app.browser();
        app.mails().await;
        browser.post_json("/reset", json!({"email": email})).await;
        let link = app.mailed_link("/reset").await;
        let fields = json!({"password": "battery staple", "password_confirm": "battery staple"});
        (browser.post_json(&link, fields).await, browser)
    };
    // The password is changed, and that is all.
    let (reply, mut browser) = reset("gal@lp.com").await;
    assert_eq!((reply.status(), reply.response()), (200, json!({})));
    assert_eq!(browser.who().await, "nobody");
    assert!(!app.session_of(&browser).contains_key("tf_user_id"));
    // An app is something else; but then no code is mailed.
    enrol(&app, "joe@lp.com", "authenticator").await;
    let (reply, mut browser) = reset("joe@lp.com").await;
    assert_eq!(plain(&reply)["tf_method"], "authenticator");
    assert_eq!(plain(&browser.get_json("/tf-rescue").await), json!({"recovery_options": {"help": "/tf-rescue"}}));
    let refused = browser.post_json("/tf-rescue", json!({"help_setup": "email"})).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
    assert_eq!(browser.who().await, "joe@lp.com");
    // Who has none is signed in as ever.
    let (reply, mut browser) = reset("matt@lp.com").await;
    assert_eq!(plain(&reply)["tf_required"], false);
    assert_eq!(browser.who().await, "matt@lp.com");
}

#[tokio::test]
async fn links_that_sign_in_ask_for_it_too() {
    let app = app("passwordless = true\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let follow = async |email: &str| {
        let mut browser = app.browser();
        browser.post_json("/login", json!({"email": email})).await;
        let link = app.mailed_link("/login").await;
        (browser.get(&link).await, browser)
    };
    let (reply, mut browser) = follow("gal@lp.com").await;
    assert_eq!(reply.location(), "/tf-validate");
    assert_eq!(browser.who().await, "nobody");
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
    enrol(&app, "joe@lp.com", "email").await;
    let (reply, browser) = follow("joe@lp.com").await;
    assert_eq!(reply.location(), "/login");
    assert_eq!(app.flashes(&browser), ["SECOND_FACTOR_SAME_WAY"]);
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn everybody_may_have_to_set_one_up() {
    for rule in ["two_factor_required = true\n", "two_factor_required_roles = [\"editor\"]\n"] {
        let app = app(rule).await;
        let mut browser = app.browser();
        let reply = browser.post_json("/login", json!({"email": "joe@lp.com", "password": PASSWORD})).await;
        assert_eq!(plain(&reply), json!({"tf_required": true, "tf_state": "setup_from_login"}), "{rule}");
        assert_eq!(browser.who().await, "nobody");
        let mut other = app.browser();
        let reply = other.call("GET", "/whoami").basic("joe@lp.com", PASSWORD).send().await;
        assert_eq!(reply.json()["email"], json!(null));
    }
    let app = app("two_factor_required_roles = [\"editor\"]\n").await;
    let mut browser = app.browser();
    browser.sign_in("matt@lp.com").await;
    assert_eq!(browser.who().await, "matt@lp.com");
}

#[tokio::test]
async fn switched_off_it_is_not_asked_for() {
    let app = TestApp::builder().toml("[csrf]\nenabled = false\n").start().await;
    enrol_plain(&app).await;
    let mut browser = app.browser();
    let reply = browser.post_json("/login", json!({"email": "gal@lp.com", "password": PASSWORD})).await;
    assert_eq!(plain(&reply)["tf_required"], false);
    for path in ["/tf-setup", "/tf-validate", "/tf-rescue", "/tf-select"] {
        assert_eq!(browser.get(path).await.status(), 404);
    }
}

async fn enrol_plain(app: &TestApp) {
    let patch = UserPatch { tf_totp_secret: Some(Some(STORED.to_owned())), ..UserPatch::default() };
    app.update("gal@lp.com", patch).await;
}
