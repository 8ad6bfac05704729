//! Setting up the codes of unified sign-in, and taking them away.
#![allow(clippy::unwrap_used)]

mod unified;

use lychgate::{Event, store::UserPatch};
use lychgate_otp::{Key, Totp};
use lychgate_testkit::{Authenticator, Browser, Database, Reply, TestApp, at_once, code_in};
use rstest::rstest;
use serde_json::{Value, json};
use unified::{app, app_on, enrol, enrol_all, mailed_code, plain};

async fn signed_in(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(email).await;
    browser
}

/// The code that an app shows which was given this key.
fn shown(app: &TestApp, key: &Value) -> String {
    let totp = Totp::new(Key::from_base32(key.as_str().unwrap()).unwrap());
    totp.code_at(u64::try_from(app.now().unix_timestamp()).unwrap()).as_str().to_owned()
}

async fn begin(browser: &mut Browser, fields: Value) -> Value {
    let reply = browser.post_json("/us-setup", fields).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    plain(&reply)
}

async fn prove(browser: &mut Browser, begun: &Value, code: &str) -> Reply {
    let path = format!("/us-setup/{}", begun["state"].as_str().unwrap());
    browser.post_json(&path, json!({"passcode": code})).await
}

/// The kinds of code that a user has, and the number.
async fn stored(app: &TestApp, email: &str) -> (Vec<String>, Option<String>) {
    let user = app.user(email).await;
    let secrets = lychgate_otp::MethodSecrets::parse(user.us_totp_secrets.as_deref()).unwrap();
    (secrets.methods().map(str::to_owned).collect(), user.us_phone_number.clone())
}

#[rstest]
#[tokio::test]
async fn an_app_is_set_up(
    #[values("flask", "modern")] profile: &str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app_on(database, &format!("profile = \"{profile}\"\n")).await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let known = json!({
        "available_methods": ["password", "email", "authenticator", "sms"],
        "active_methods": ["password"],
        "setup_methods": ["email", "authenticator", "sms"],
        "identity_attributes": ["email", "us_phone_number"],
        "phone": null,
    });
    assert_eq!(plain(&browser.get_json("/us-setup").await), known);
    let begun = begin(&mut browser, json!({"chosen_method": "authenticator"})).await;
    let b32 = begun["authr_b32key"].as_str().unwrap();
    assert_eq!((b32.len(), begun["authr_key"].as_str().unwrap().replace('-', "")), (32, b32.to_owned()));
    assert_eq!((&begun["chosen_method"], &begun["phone"]), (&json!("authenticator"), &json!(null)));
    assert_eq!((&begun["authr_issuer"], &begun["authr_username"]), (&json!("lychgate"), &json!("joe@lp.com")));
    assert_eq!(begun["authr_uri"], format!("otpauth://totp/lychgate:joe@lp.com?secret={b32}&issuer=lychgate"));
    let wrong = prove(&mut browser, &begun, "000000").await;
    assert_eq!((wrong.status(), wrong.field_errors()), (400, json!({"passcode": ["INVALID_PASSWORD_CODE"]})));
    let missing = prove(&mut browser, &begun, " ").await;
    assert_eq!(missing.field_errors(), json!({"passcode": ["FIELD_REQUIRED"]}));
    assert_eq!(stored(&app, "joe@lp.com").await, (vec![], None), "nothing before the proof");
    let _ = app.take_events();
    app.mails().await;
    let code = shown(&app, &begun["authr_b32key"]);
    let done = prove(&mut browser, &begun, &code).await;
    assert_eq!((done.status(), plain(&done)), (200, json!({"chosen_method": "authenticator", "phone": null})));
    let user_id = app.user("joe@lp.com").await.id;
    let event = Event::SignInMethodsChanged { user_id, methods: vec!["authenticator"], removed: false };
    assert_eq!(app.take_events(), [event]);
    assert!(app.user("joe@lp.com").await.us_totp_secrets.as_ref().unwrap().contains("enckey"));
    let notices = app.mails().await.len();
    assert_eq!(notices, usize::from(profile == "modern"), "the owner is told");
    let known = browser.get_json("/us-setup").await;
    assert_eq!(plain(&known)["active_methods"], json!(["password", "authenticator"]));
    assert!(!known.text().contains(b32));
    // It signs in, and the code of the set-up is used up.
    let fields = |code: &str| json!({"identity": "joe@lp.com", "passcode": code});
    assert_eq!(app.browser().post_json("/us-signin", fields(&code)).await.status(), 400);
    app.advance(30);
    let code = shown(&app, &begun["authr_b32key"]);
    assert_eq!(app.browser().post_json("/us-signin", fields(&code)).await.status(), 200);
}

#[tokio::test]
async fn a_number_is_set_up() {
    let app = app("").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    for (phone, message) in [("", "PHONE_INVALID"), ("12", "PHONE_INVALID"), ("hello", "PHONE_INVALID")] {
        let reply = browser.post_json("/us-setup", json!({"chosen_method": "sms", "phone": phone})).await;
        assert_eq!((reply.status(), reply.field_errors()), (400, json!({"phone": [message]})), "{phone}");
    }
    let begun = begin(&mut browser, json!({"chosen_method": "sms", "phone": "650-555-1212"})).await;
    assert_eq!(begun["phone"], "+16505551212");
    assert_eq!(stored(&app, "joe@lp.com").await, (vec![], None), "nothing before the proof");
    let texts = app.texts().await;
    assert_eq!((texts.len(), texts[0].to.to_string().as_str()), (1, "+16505551212"));
    let done = prove(&mut browser, &begun, code_in(&texts[0])).await;
    assert_eq!(plain(&done), json!({"chosen_method": "sms", "phone": "+16505551212"}));
    assert_eq!(stored(&app, "joe@lp.com").await, (vec!["sms".to_owned()], Some("+16505551212".to_owned())));
    // One's own again, or another one; somebody else's not.
    begin(&mut browser, json!({"chosen_method": "sms", "phone": "+16505551212"})).await;
    let mut other = signed_in(&app, "matt@lp.com").await;
    app.texts().await;
    let reply = other.post_json("/us-setup", json!({"chosen_method": "sms", "phone": "+16505551212"})).await;
    assert_eq!(reply.field_errors(), json!({"phone": ["IDENTITY_ALREADY_ASSOCIATED"]}));
    assert_eq!(app.texts().await.len(), 0);
    // Taken away, the number goes with it.
    assert_eq!(begin(&mut browser, json!({"delete_method": "sms"})).await, json!({}));
    assert_eq!(stored(&app, "joe@lp.com").await, (vec![], None));
}

#[tokio::test]
async fn a_number_that_somebody_else_takes_meanwhile() {
    let app = app("").await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let mut matt = signed_in(&app, "matt@lp.com").await;
    let sms = json!({"chosen_method": "sms", "phone": "+16505551212"});
    let first = begin(&mut joe, sms.clone()).await;
    let code = code_in(&app.texts().await[0]).to_owned();
    let second = begin(&mut matt, sms).await;
    let other = code_in(&app.texts().await[0]).to_owned();
    assert_eq!(prove(&mut joe, &first, &code).await.status(), 200);
    let reply = prove(&mut matt, &second, &other).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"": ["IDENTITY_ALREADY_ASSOCIATED"]})));
    assert_eq!(stored(&app, "matt@lp.com").await, (vec![], None));
}

#[tokio::test]
async fn numbers_of_others_are_not_told_where_replies_are_generic() {
    let app = app("return_generic_responses = true\n").await;
    enrol_all(&app, "joe@lp.com").await;
    let mut matt = signed_in(&app, "matt@lp.com").await;
    let mut said = Vec::new();
    for phone in ["+16505551212", "+16505551313"] {
        let mut begun = begin(&mut matt, json!({"chosen_method": "sms", "phone": phone})).await;
        assert_eq!(begun["phone"], phone);
        begun["phone"] = json!(null);
        assert!(begun["state"].as_str().unwrap().len() > 50);
        begun["state"] = json!(null);
        said.push(begun);
    }
    assert_eq!(said[0], said[1]);
    let texts = app.texts().await;
    assert_eq!((texts.len(), texts[0].to.to_string().as_str()), (1, "+16505551313"));
}

#[tokio::test]
async fn what_is_refused() {
    let app = app("").await;
    enrol(&app, "joe@lp.com", &["email"]).await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    for (fields, field, message) in [
        (json!({}), "", "API_ERROR"),
        (json!({"chosen_method": ""}), "", "API_ERROR"),
        (json!({"delete_method": []}), "", "API_ERROR"),
        (json!({"chosen_method": "pigeon"}), "chosen_method", "US_METHOD_NOT_AVAILABLE"),
        (json!({"chosen_method": "password"}), "chosen_method", "US_METHOD_NOT_AVAILABLE"),
        (json!({"chosen_method": {}}), "", "API_ERROR"),
        (json!({"chosen_method": "sms", "phone": 5}), "phone", "API_ERROR"),
        (json!({"delete_method": "password"}), "delete_method", "US_METHOD_NOT_AVAILABLE"),
        (json!({"delete_method": "sms"}), "delete_method", "US_METHOD_NOT_AVAILABLE"),
        (json!({"delete_method": ["email", "sms"]}), "delete_method", "US_METHOD_NOT_AVAILABLE"),
        (json!({"delete_method": 5}), "delete_method", "API_ERROR"),
        (json!({"delete_method": [5]}), "delete_method", "API_ERROR"),
        (json!({"delete_method": {"a": 1}}), "delete_method", "API_ERROR"),
    ] {
        let reply = browser.post_json("/us-setup", fields.clone()).await;
        assert_eq!((reply.status(), reply.field_errors()), (400, json!({field: [message]})), "{fields}");
    }
    assert_eq!(stored(&app, "joe@lp.com").await.0, ["email"]);
}

#[tokio::test]
async fn kinds_are_taken_away_and_added_at_once() {
    let app = app("").await;
    enrol_all(&app, "joe@lp.com").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let _ = app.take_events();
    let fields = json!({"delete_method": ["email", "sms", "email"], "chosen_method": "email"});
    let begun = begin(&mut browser, fields).await;
    assert_eq!(stored(&app, "joe@lp.com").await, (vec!["authenticator".to_owned()], None));
    let user_id = app.user("joe@lp.com").await.id;
    let event = Event::SignInMethodsChanged { user_id, methods: vec!["email", "sms"], removed: true };
    assert!(app.take_events().contains(&event));
    assert_eq!(prove(&mut browser, &begun, &mailed_code(&app).await).await.status(), 200);
    assert_eq!(stored(&app, "joe@lp.com").await.0, ["authenticator", "email"]);
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let app = app("").await;
    enrol(&app, "jess@lp.com", &["email", "authenticator"]).await;
    let mut browser = app.browser();
    let fields = json!({"identity": "jess@lp.com", "chosen_method": "email"});
    browser.post_json("/us-signin/send-code", fields).await;
    let code = mailed_code(&app).await;
    let reply = browser.post_json("/us-signin", json!({"identity": "jess@lp.com", "passcode": code})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    assert_eq!(begin(&mut browser, json!({"delete_method": "authenticator"})).await, json!({}));
    let last = browser.post_json("/us-setup", json!({"delete_method": "email"})).await;
    assert_eq!((last.status(), last.field_errors()), (400, json!({"delete_method": ["US_LAST_WAY_IN"]})));
    assert_eq!(stored(&app, "jess@lp.com").await.0, ["email"]);
    // With a password it may go.
    let hash = app.user("joe@lp.com").await.password.clone();
    app.update("jess@lp.com", UserPatch { password: Some(hash), ..UserPatch::default() }).await;
    assert_eq!(begin(&mut browser, json!({"delete_method": "email"})).await, json!({}));
    assert_eq!(plain(&browser.get_json("/us-setup").await)["active_methods"], json!(["password"]));
}

#[tokio::test]
async fn a_passkey_is_a_way_in() {
    let app = app("webauthn = true\nwan_rp_name = \"Tests\"\n").await;
    enrol(&app, "joe@lp.com", &["email"]).await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let without = UserPatch { password: Some(None), ..UserPatch::default() };
    app.update("joe@lp.com", without).await;
    let last = browser.post_json("/us-setup", json!({"delete_method": "email"})).await;
    assert_eq!(last.field_errors(), json!({"delete_method": ["US_LAST_WAY_IN"]}));
    let first = browser.post_json("/wan-register", json!({"name": "key", "usage": "first"})).await.response();
    let made = Authenticator::default().create(&first["credential_options"], "http://localhost").unwrap();
    let path = format!("/wan-register/{}", first["wan_state"].as_str().unwrap());
    assert_eq!(browser.post_json(&path, json!({"credential": made})).await.status(), 200);
    assert_eq!(begin(&mut browser, json!({"delete_method": "email"})).await, json!({}));
    assert_eq!(plain(&browser.get_json("/us-setup").await)["active_methods"], json!([null]));
}

#[tokio::test]
async fn a_state_belongs_to_who_began_and_works_once() {
    let app = app("").await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let begun = begin(&mut joe, json!({"chosen_method": "authenticator"})).await;
    let code = || shown(&app, &begun["authr_b32key"]);
    let refused = json!({"": ["API_ERROR"]});
    // Somebody else, the same user elsewhere, a program with a token.
    for mut other in [signed_in(&app, "matt@lp.com").await, signed_in(&app, "joe@lp.com").await] {
        let reply = prove(&mut other, &begun, &code()).await;
        assert_eq!((reply.status(), reply.field_errors()), (400, refused.clone()));
    }
    let token = app.auth_token("joe@lp.com").await;
    let path = format!("/us-setup/{}", begun["state"].as_str().unwrap());
    let mut program = app.browser();
    let call = program.call("POST", &path).header("authentication-token", &token);
    assert_eq!(call.json(&json!({"passcode": code()})).send().await.field_errors(), refused);
    assert_eq!(app.browser().post_json(&path, json!({"passcode": code()})).await.status(), 401);
    assert_eq!(stored(&app, "joe@lp.com").await.0.len(), 0);
    let tries = (0..4).map(|_| {
        let (mut browser, begun, code) = (joe.clone(), begun.clone(), code());
        async move { prove(&mut browser, &begun, &code).await.status() }
    });
    let statuses = at_once(tries.collect::<Vec<_>>()).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    begin(&mut joe, json!({"delete_method": "authenticator"})).await;
    app.advance(30);
    let again = prove(&mut joe, &begun, &code()).await;
    assert_eq!((again.status(), again.field_errors()), (400, refused), "used");
    let begun = begin(&mut joe, json!({"chosen_method": "authenticator"})).await;
    app.advance(1801);
    let late = prove(&mut joe, &begun, &shown(&app, &begun["authr_b32key"])).await;
    assert_eq!(late.field_errors(), json!({"": ["US_SETUP_EXPIRED"]}));
    assert_eq!(joe.post_json("/us-setup/x", json!({"passcode": "1"})).await.field_errors(), json!({"": ["API_ERROR"]}));
}

#[tokio::test]
async fn a_program_with_a_token_sets_up() {
    let app = app("").await;
    let token = app.auth_token("joe@lp.com").await;
    let mut program = app.browser();
    let call = program.call("POST", "/us-setup").header("authentication-token", &token);
    let begun = call.json(&json!({"chosen_method": "authenticator"})).send().await.response();
    let path = format!("/us-setup/{}", begun["state"].as_str().unwrap());
    let code = shown(&app, &begun["authr_b32key"]);
    let call = program.call("POST", &path).header("authentication-token", &token);
    let done = call.json(&json!({"passcode": code.parse::<u64>().unwrap()})).send().await;
    assert_eq!(done.status(), 200, "{}", done.text());
    assert_eq!(stored(&app, "joe@lp.com").await.0, ["authenticator"]);
}

#[tokio::test]
async fn a_browser_sets_up() {
    let with_csrf = "[csrf]\nenabled = true\n[security]\nus_post_setup_view = \"/done\"\n";
    let app = TestApp::builder().toml(unified::ON).toml(with_csrf).start().await;
    enrol(&app, "joe@lp.com", &["email"]).await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let page = browser.get("/us-setup").await;
    for part in [
        r#"name="us_setup_form""#,
        r#"value="authenticator""#,
        r#"value="sms""#,
        r#"name="phone""#,
        r#"name="delete_method""#,
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let token = page.csrf_token();
    let without = browser.post_form("/us-setup", &[("chosen_method", "sms"), ("phone", "+16505551212")]).await;
    assert_eq!((without.status(), app.texts().await.len()), (200, 0));
    let fields = [("chosen_method", "authenticator"), ("csrf_token", &token)];
    let page = browser.post_form("/us-setup", &fields).await;
    assert!(page.text().contains(r#"id="qrcode""#) && page.text().contains("data:image/svg+xml;base64,"));
    assert!(page.text().contains(r#"name="us_setup_validate_form""#));
    let (_, rest) = page.text().split_once(r#"action="/us-setup/"#).unwrap();
    let path = format!("/us-setup/{}", rest.split_once('"').unwrap().0);
    let (_, rest) = page.text().split_once(r#"id="authr-key">"#).unwrap();
    let key = json!(rest.split_once('<').unwrap().0);
    let wrong = browser.post_form(&path, &[("passcode", "000000"), ("csrf_token", &token)]).await;
    assert!(wrong.status() == 200 && wrong.text().contains("INVALID_PASSWORD_CODE"), "{}", wrong.text());
    assert!(wrong.text().contains(&path) && wrong.text().contains(key.as_str().unwrap()), "the same key again");
    let done = browser.post_form(&path, &[("passcode", &shown(&app, &key)), ("csrf_token", &token)]).await;
    assert_eq!((done.status(), done.location()), (302, "/done"));
    assert_eq!(app.flashes(&browser), ["US_SETUP_SUCCESSFUL"]);
    let fields = [("delete_method", "email"), ("delete_method", "authenticator"), ("csrf_token", &token)];
    let page = browser.post_form("/us-setup", &fields).await;
    assert!(page.status() == 200 && !page.text().contains(r#"name="delete_method""#), "{}", page.text());
    assert_eq!(stored(&app, "joe@lp.com").await.0.len(), 0);
    let gone = browser.post_form("/us-setup/x", &[("passcode", "1"), ("csrf_token", &token)]).await;
    assert_eq!((gone.status(), gone.location()), (302, "/us-setup"));
}

#[tokio::test]
async fn the_account_page_says_what_there_is() {
    let app = app("profile = \"modern\"\n").await;
    enrol(&app, "joe@lp.com", &["email"]).await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let page = browser.get("/account").await;
    assert!(page.text().contains("ACCOUNT_CODES") && page.text().contains("CODE_BY_EMAIL"), "{}", page.text());
    assert!(page.text().contains(r#"href="/us-setup""#));
    begin(&mut browser, json!({"delete_method": "email"})).await;
    let page = browser.get("/account").await;
    assert!(page.text().contains("ACTIVITY_SIGN_IN_METHODS_CHANGED"), "{}", page.text());
}

#[tokio::test]
async fn guesses_at_a_first_code_are_few() {
    let app = app("").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let begun = begin(&mut browser, json!({"chosen_method": "authenticator"})).await;
    for _ in 0..10 {
        assert_eq!(prove(&mut browser, &begun, "000000").await.status(), 400);
    }
    assert_eq!(prove(&mut browser, &begun, &shown(&app, &begun["authr_b32key"])).await.status(), 429);
}

/// An intruder who set up an app and a number of their own must not keep them.
#[tokio::test]
async fn owners_are_told_and_can_undo_it() {
    let app = app("not_me = true\nnotify_access_change = true\n").await;
    enrol(&app, "joe@lp.com", &["email", "sms"]).await;
    app.advance(60);
    let mut browser = signed_in(&app, "joe@lp.com").await;
    app.mails().await;
    let begun = begin(&mut browser, json!({"chosen_method": "authenticator", "delete_method": "email"})).await;
    let first = app.mailed_link("/not-me").await;
    let code = shown(&app, &begun["authr_b32key"]);
    assert_eq!(prove(&mut browser, &begun, &code).await.status(), 200);
    let mails = app.mails().await;
    assert!(mails[0].text.as_ref().unwrap().contains("NOTICE_SIGN_IN_METHODS_CHANGED"), "{mails:?}");
    let begun = begin(&mut browser, json!({"chosen_method": "sms", "phone": "+16505551313"})).await;
    let code = code_in(&app.texts().await[0]).to_owned();
    assert_eq!(prove(&mut browser, &begun, &code).await.status(), 200);
    let mails = app.mails().await;
    assert!(mails[0].text.as_ref().unwrap().contains("NOTICE_PHONE_CHANGED"), "{mails:?}");
    assert_eq!(stored(&app, "joe@lp.com").await.0, ["sms", "authenticator"]);
    let late = lychgate_testkit::link_in(&mails[0], "/not-me").unwrap();
    // The newest notice undoes its own event, an older one all since.
    let mut owner = app.browser();
    assert_eq!(owner.post_json(&first, json!({})).await.status(), 200);
    assert_eq!(stored(&app, "joe@lp.com").await, (vec![], None));
    assert_eq!(owner.post_json(&late, json!({})).await.status(), 400);
    assert_eq!(browser.who().await, "nobody");
}

/// Who is left with nothing gets codes by mail.
#[tokio::test]
async fn an_owner_without_a_password_is_not_locked_out() {
    let app = app("not_me = true\nnotify_access_change = true\n").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    app.update("joe@lp.com", UserPatch { password: Some(None), ..UserPatch::default() }).await;
    app.mails().await;
    let begun = begin(&mut browser, json!({"chosen_method": "authenticator"})).await;
    assert_eq!(prove(&mut browser, &begun, &shown(&app, &begun["authr_b32key"])).await.status(), 200);
    let link = app.mailed_link("/not-me").await;
    assert_eq!(app.browser().post_json(&link, json!({})).await.status(), 200);
    assert_eq!(stored(&app, "joe@lp.com").await.0, ["email"]);
    let mut owner = app.browser();
    let fields = json!({"identity": "joe@lp.com", "chosen_method": "email"});
    assert_eq!(owner.post_json("/us-signin/send-code", fields).await.status(), 200);
    let fields = json!({"identity": "joe@lp.com", "passcode": mailed_code(&app).await});
    assert_eq!(owner.post_json("/us-signin", fields).await.status(), 200);
}

/// Who registers with an address that is not theirs must not keep a way in once its owner takes the account over.
#[tokio::test]
async fn recovery_removes_the_codes_of_whoever_proved_no_address() {
    let toml = "[security]\nrecoverable = true\nconfirmable = true\nlogin_without_confirmation = true\n\
                send_password_reset_notice_email = false\n";
    let app = TestApp::builder().toml(unified::ON).toml(toml).start().await;
    let confirmed = UserPatch { confirmed_at: Some(Some(app.now())), ..UserPatch::default() };
    app.update("dave@lp.com", confirmed).await;
    for (email, left) in [("joe@lp.com", vec!["email"]), ("dave@lp.com", vec!["email", "sms", "authenticator"])] {
        enrol_all(&app, email).await;
        let mut owner = app.browser();
        assert_eq!(owner.post_json("/reset", json!({"email": email})).await.status(), 200);
        let link = app.mailed_link("/reset").await;
        let new = json!({"password": "a new password", "password_confirm": "a new password"});
        assert_eq!(owner.post_json(&link, new).await.status(), 200);
        assert_eq!(stored(&app, email).await, (left.iter().map(|&kind| kind.to_owned()).collect(), None), "{email}");
    }
}
