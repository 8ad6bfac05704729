//! Setting up, changing and switching off codes as a second factor.
#![allow(clippy::unwrap_used)]

mod second_factor;

use lychgate::{Event, store::UserPatch};
use lychgate_otp::{Key, Totp};
use lychgate_testkit::{Browser, PASSWORD, TestApp, at_once};
use rstest::rstest;
use second_factor::{STORED, app, begin, code, enrol, plain, validate};
use serde_json::{Value, json};

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

/// The code in the newest mail.
async fn mailed(app: &TestApp) -> String {
    let mails = app.mails().await;
    let text = mails.last().unwrap().text.clone().unwrap();
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    text.split_whitespace().find(is_code).unwrap().to_owned()
}

/// What is stored of a user's second factor.
async fn stored(app: &TestApp, email: &str) -> (Option<String>, bool, Option<String>) {
    let user = app.user(email).await;
    (user.tf_primary_method.clone(), user.tf_totp_secret.is_some(), user.tf_phone_number.clone())
}

const NOTHING: (Option<String>, bool, Option<String>) = (None, false, None);

#[rstest]
#[tokio::test]
async fn an_app_is_set_up(#[values("flask", "modern")] profile: &str) {
    let app = app(&format!("profile = \"{profile}\"\n")).await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let known = plain(&browser.get_json("/tf-setup").await);
    let expected = json!({
        "tf_required": false, "tf_primary_method": null, "tf_method": null, "tf_phone_number": null,
        "tf_available_methods": ["email", "authenticator", "sms"],
    });
    assert_eq!(known, expected);
    let begun = plain(&browser.post_json("/tf-setup", json!({"setup": "authenticator"})).await);
    assert_eq!(
        (begun["tf_state"].as_str(), begun["tf_method"].as_str()),
        (Some("validating_profile"), Some("authenticator"))
    );
    assert_eq!(begun["tf_primary_method"], "authenticator");
    let b32 = begun["tf_authr_b32key"].as_str().unwrap();
    assert_eq!((b32.len(), begun["tf_authr_key"].as_str().unwrap().replace('-', "")), (32, b32.to_owned()));
    assert_eq!((&begun["tf_authr_issuer"], &begun["tf_authr_username"]), (&json!("lychgate"), &json!("joe@lp.com")));
    let uri = format!("otpauth://totp/lychgate:joe@lp.com?secret={b32}&issuer=lychgate");
    assert_eq!(begun["tf_authr_uri"], uri);
    assert_eq!(stored(&app, "joe@lp.com").await, NOTHING, "nothing before the proof");
    let path = format!("/tf-setup/{}", begun["tf_state_token"].as_str().unwrap());
    let wrong = browser.post_json(&path, json!({"code": "000000"})).await;
    assert_eq!((wrong.status(), wrong.field_errors()), (400, json!({"code": ["TWO_FACTOR_INVALID_TOKEN"]})));
    assert_eq!(stored(&app, "joe@lp.com").await, NOTHING);
    let _ = app.take_events();
    let done = browser.post_json(&path, json!({"code": shown(&app, &begun["tf_authr_b32key"])})).await;
    let expected = json!({"tf_method": "authenticator", "tf_primary_method": "authenticator", "tf_phone": null});
    assert_eq!((done.status(), plain(&done)), (200, expected));
    let id = app.user("joe@lp.com").await.id;
    assert_eq!(app.take_events(), [Event::SecondFactorChanged { user_id: id, method: "authenticator" }]);
    // The secret is not told again, and is encrypted where it lies.
    let known = browser.get_json("/tf-setup").await;
    assert_eq!(plain(&known)["tf_available_methods"], json!(["disable", "email", "authenticator", "sms"]));
    assert!(!known.text().contains(b32));
    assert!(app.user("joe@lp.com").await.tf_totp_secret.as_ref().unwrap().contains("enckey"));
    // It is asked for from now on, and the code of the set-up is used up.
    let mut again = begin(&app, "joe@lp.com").await;
    assert_eq!(validate(&mut again, &shown(&app, &begun["tf_authr_b32key"])).await, 400);
    app.advance(30);
    assert_eq!(validate(&mut again, &shown(&app, &begun["tf_authr_b32key"])).await, 200);
    assert_eq!(browser.who().await, "joe@lp.com");
}

#[tokio::test]
async fn a_browser_sets_up() {
    let app = app("[csrf]\nenabled = true\n[security]\ntwo_factor_post_setup_view = \"/done\"\n").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let page = browser.get("/tf-setup").await;
    for part in [r#"name="two_factor_setup_form""#, r#"value="authenticator""#, r#"value="sms""#, r#"name="phone""#] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    assert!(!page.text().contains(r#"value="disable""#));
    let token = page.csrf_token();
    let without = browser.post_form("/tf-setup", &[("setup", "email")]).await;
    assert_eq!((without.status(), app.mails().await.len()), (200, 0));
    let page = browser.post_form("/tf-setup", &[("setup", "authenticator"), ("csrf_token", &token)]).await;
    assert!(page.text().contains(r#"id="qrcode""#) && page.text().contains("data:image/svg+xml;base64,"));
    assert!(page.text().contains(r#"name="two_factor_verify_code_form""#));
    let (_, rest) = page.text().split_once(r#"action="/tf-setup/"#).unwrap();
    let path = format!("/tf-setup/{}", rest.split_once('"').unwrap().0);
    let (_, rest) = page.text().split_once(r#"id="authr-key">"#).unwrap();
    let key = json!(rest.split_once('<').unwrap().0);
    let wrong = browser.post_form(&path, &[("code", "000000"), ("csrf_token", &token)]).await;
    assert!(wrong.status() == 200 && wrong.text().contains("TWO_FACTOR_INVALID_TOKEN"));
    assert!(wrong.text().contains(&path) && wrong.text().contains(key.as_str().unwrap()), "the same key again");
    let done = browser.post_form(&path, &[("code", &shown(&app, &key)), ("csrf_token", &token)]).await;
    assert_eq!((done.status(), done.location()), (302, "/done"));
    assert_eq!(app.flashes(&browser), ["TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL"]);
    let page = browser.get("/tf-setup").await;
    assert!(page.text().contains(r#"value="disable""#), "{}", page.text());
    let token = page.csrf_token();
    let off = browser.post_form("/tf-setup", &[("setup", "disable"), ("csrf_token", &token)]).await;
    assert_eq!(off.location(), "/done");
    assert_eq!(app.flashes(&browser), ["TWO_FACTOR_DISABLED"]);
    assert_eq!(stored(&app, "joe@lp.com").await, NOTHING);
}

#[tokio::test]
async fn a_number_is_stored_when_it_is_proved() {
    let app = app("").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    for phone in [json!(null), json!(""), json!("123"), json!("not a number"), json!("6".repeat(500))] {
        let reply = browser.post_json("/tf-setup", json!({"setup": "sms", "phone": phone})).await;
        assert_eq!((reply.status(), reply.field_errors()), (400, json!({"phone": ["PHONE_INVALID"]})), "{phone}");
    }
    let begun = plain(&browser.post_json("/tf-setup", json!({"setup": "sms", "phone": "650-555-1212"})).await);
    assert_eq!(stored(&app, "joe@lp.com").await, NOTHING);
    let texts = app.texts().await;
    assert_eq!((texts.len(), texts[0].to.as_str()), (1, "650-555-1212"));
    let path = format!("/tf-setup/{}", begun["tf_state_token"].as_str().unwrap());
    let code = lychgate_testkit::code_in(&texts[0]).to_owned();
    let done = browser.post_json(&path, json!({"code": code})).await;
    assert_eq!(plain(&done)["tf_phone"], "650-555-1212");
    let stored = stored(&app, "joe@lp.com").await;
    assert_eq!(stored, (Some("sms".to_owned()), true, Some("650-555-1212".to_owned())));
    // Begun and not finished, another number changes nothing: the next sign-in uses the one that was proved.
    browser.post_json("/tf-setup", json!({"setup": "sms", "phone": "650-555-1313"})).await;
    app.texts().await;
    begin(&app, "joe@lp.com").await;
    assert_eq!(app.texts().await[0].to, "650-555-1212");
}

#[tokio::test]
async fn codes_by_mail_are_proved_too() {
    let app = app("").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    for method in ["email", "mail"] {
        let begun = plain(&browser.post_json("/tf-setup", json!({"setup": method})).await);
        assert_eq!(begun["tf_method"], "email");
        let path = format!("/tf-setup/{}", begun["tf_state_token"].as_str().unwrap());
        assert_eq!(browser.post_json(&path, json!({"code": mailed(&app).await})).await.status(), 200, "{method}");
    }
    assert_eq!(stored(&app, "joe@lp.com").await.0.as_deref(), Some("email"));
    app.inbox().set_down(true);
    let reply = browser.post_json("/tf-setup", json!({"setup": "email"})).await;
    assert_eq!((reply.status(), reply.response()), (500, json!({"errors": ["FAILED_TO_SEND_CODE"]})));
    let page = browser.post_form("/tf-setup", &[("setup", "email")]).await;
    assert!(page.status() == 200 && page.text().contains("FAILED_TO_SEND_CODE"));
}

#[tokio::test]
async fn what_cannot_be_set_up() {
    let app = app("two_factor_enabled_methods = [\"authenticator\"]\n").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    for setup in [json!("email"), json!("sms"), json!("disable"), json!("webauthn"), json!(""), json!(null)] {
        let reply = browser.post_json("/tf-setup", json!({"setup": setup})).await;
        let errors = json!({"setup": ["TWO_FACTOR_METHOD_NOT_AVAILABLE"]});
        assert_eq!((reply.status(), reply.field_errors()), (400, errors), "{setup}");
    }
    assert_eq!(browser.post_json("/tf-setup", json!({})).await.status(), 400);
    assert_eq!(app.mails().await.len(), 0);
}

#[tokio::test]
async fn a_state_is_of_one_user_and_one_session_and_good_once() {
    let app = app("").await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let begun = plain(&joe.post_json("/tf-setup", json!({"setup": "authenticator"})).await);
    let path = format!("/tf-setup/{}", begun["tf_state_token"].as_str().unwrap());
    let fields = json!({"code": shown(&app, &begun["tf_authr_b32key"])});
    for (email, status) in [("matt@lp.com", 400), ("joe@lp.com", 400)] {
        let mut other = signed_in(&app, email).await;
        let reply = other.post_json(&path, fields.clone()).await;
        assert_eq!((reply.status(), reply.field_errors()), (status, json!({"": ["API_ERROR"]})), "{email}");
        let page = other.post_form(&path, &[("code", "123456")]).await;
        assert_eq!((page.location(), app.flashes(&other)), ("/tf-setup", vec!["API_ERROR".to_owned()]));
    }
    let token = app.auth_token("joe@lp.com").await;
    let mut program = app.browser();
    let call = program.call("POST", &path).header("authentication-token", &token).json(&fields);
    assert_eq!(call.send().await.field_errors(), json!({"": ["API_ERROR"]}));
    assert_eq!(app.browser().post_json(&path, fields.clone()).await.status(), 401);
    assert_eq!(joe.post_json("/tf-setup/nonsense", fields.clone()).await.field_errors(), json!({"": ["API_ERROR"]}));
    // Used at once from many tabs.
    let tabs = (0..10).map(|_| (joe.clone(), path.clone(), fields.clone()));
    let done = at_once(tabs.map(|(mut tab, path, fields)| async move { tab.post_json(&path, fields).await.status() }));
    assert_eq!(done.await.iter().filter(|status| **status == 200).count(), 1);
    // There is one now, and this session has not proved it.
    assert_eq!(joe.post_json(&path, fields.clone()).await.response()["proof_required"], "second_factor");
    app.advance(30);
    let proof = json!({"code": shown(&app, &begun["tf_authr_b32key"])});
    assert_eq!(joe.post_json("/tf-verify", proof).await.status(), 200);
    app.advance(30);
    let again = json!({"code": shown(&app, &begun["tf_authr_b32key"])});
    assert_eq!(joe.post_json(&path, again).await.field_errors(), json!({"": ["API_ERROR"]}), "used");
    // Or too late.
    let begun = plain(&joe.post_json("/tf-setup", json!({"setup": "authenticator"})).await);
    let path = format!("/tf-setup/{}", begun["tf_state_token"].as_str().unwrap());
    app.advance(1801);
    let late = joe.post_json(&path, json!({"code": shown(&app, &begun["tf_authr_b32key"])})).await;
    assert_eq!(late.field_errors(), json!({"": ["TWO_FACTOR_SETUP_EXPIRED"]}));
}

/// As clients of old do.
#[tokio::test]
async fn a_set_up_is_finished_where_a_sign_in_is() {
    let app = app("").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let begun = plain(&browser.post_json("/tf-setup", json!({"setup": "authenticator"})).await);
    let code = json!({"code": shown(&app, &begun["tf_authr_b32key"])});
    // Not in another session of the same user, and not by a second try.
    let mut other = signed_in(&app, "joe@lp.com").await;
    assert_eq!(other.post_json("/tf-validate", code.clone()).await.status(), 400);
    assert_eq!(stored(&app, "joe@lp.com").await, NOTHING);
    assert_eq!(plain(&browser.get_json("/tf-validate").await)["user"], json!({"email": "joe@lp.com"}));
    let wrong = browser.post_json("/tf-validate", json!({"code": "000000"})).await;
    assert_eq!((wrong.status(), wrong.field_errors()), (400, json!({"code": ["TWO_FACTOR_INVALID_TOKEN"]})));
    let mut copy = browser.clone();
    let done = browser.post_json("/tf-validate", code.clone()).await;
    assert_eq!((done.status(), plain(&done)), (200, json!({"user": {"email": "joe@lp.com"}})));
    assert_eq!(stored(&app, "joe@lp.com").await.0.as_deref(), Some("authenticator"));
    assert_eq!(browser.post_json("/tf-validate", code).await.status(), 400);
    // A copy of the cookie from before has not proved the second factor that is there now.
    assert_eq!(copy.post_json("/tf-validate", json!({"code": "123456"})).await.status(), 401);
    assert_eq!(browser.who().await, "joe@lp.com", "and stays signed in");
}

#[tokio::test]
async fn a_program_with_a_token_sets_up() {
    let app = app("").await;
    let token = app.auth_token("joe@lp.com").await;
    let mut program = app.browser();
    let call = program.call("POST", "/tf-setup").header("authentication-token", &token);
    let begun = plain(&call.json(&json!({"setup": "authenticator"})).send().await);
    let path = format!("/tf-setup/{}", begun["tf_state_token"].as_str().unwrap());
    let fields = json!({"code": shown(&app, &begun["tf_authr_b32key"])});
    let call = program.call("POST", &path).header("authentication-token", &token).json(&fields);
    assert_eq!(call.send().await.status(), 200);
    assert_eq!(stored(&app, "joe@lp.com").await.0.as_deref(), Some("authenticator"));
}

#[tokio::test]
async fn changes_need_a_fresh_proof() {
    let app = app("freshness = 60\nfreshness_grace_period = 0\n").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    app.advance(61);
    for method in ["GET", "POST"] {
        let reply = browser.call(method, "/tf-setup").json(&json!({"setup": "authenticator"})).send().await;
        assert_eq!((reply.status(), &reply.response()["reauth_required"]), (401, &json!(true)), "{method}");
        let page = browser.call(method, "/tf-setup").send().await;
        assert_eq!(page.location(), "/verify?next=/tf-setup");
    }
}

#[tokio::test]
async fn where_it_is_required_it_stays_on() {
    let app = app("two_factor_required = true\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = begin(&app, "gal@lp.com").await;
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
    let known = plain(&browser.get_json("/tf-setup").await);
    assert_eq!(
        (&known["tf_required"], &known["tf_available_methods"]),
        (&json!(true), &json!(["email", "authenticator", "sms"]))
    );
    let reply = browser.post_json("/tf-setup", json!({"setup": "disable"})).await;
    assert_eq!(reply.field_errors(), json!({"setup": ["TWO_FACTOR_METHOD_NOT_AVAILABLE"]}));
    assert_eq!(stored(&app, "gal@lp.com").await.0.as_deref(), Some("authenticator"));
}

#[tokio::test]
async fn one_is_set_up_at_sign_in() {
    let app = app("two_factor_required = true\n").await;
    let mut browser = begin(&app, "joe@lp.com").await;
    assert_eq!(browser.clone().get_json("/tf-validate").await.status(), 400, "there is nothing to prove yet");
    let known = plain(&browser.get_json("/tf-setup").await);
    assert_eq!((&known["tf_required"], &known["tf_phone_number"]), (&json!(true), &json!(null)));
    let begun = plain(&browser.post_json("/tf-setup", json!({"setup": "authenticator"})).await);
    assert_eq!(begun["tf_state_token"], json!(null));
    let session = app.session_of(&browser);
    assert_eq!(session["tf_state"].as_str(), Some("validating_profile"));
    assert_eq!(session["tf_primary_method"].as_str(), Some("authenticator"));
    assert!(session["tf_totp_secret"].as_str().unwrap().contains("enckey"), "only encrypted");
    assert_eq!(stored(&app, "joe@lp.com").await, NOTHING);
    assert_eq!(validate(&mut browser, "000000").await, 400);
    assert_eq!((stored(&app, "joe@lp.com").await, browser.who().await.as_str()), (NOTHING, "nobody"));
    // Two windows: whoever proves first has set it up, the other begins again.
    let mut other = begin(&app, "joe@lp.com").await;
    let theirs = plain(&other.post_json("/tf-setup", json!({"setup": "authenticator"})).await);
    assert_eq!(validate(&mut browser, &shown(&app, &begun["tf_authr_b32key"])).await, 200);
    assert_eq!(browser.who().await, "joe@lp.com");
    assert_eq!(validate(&mut other, &shown(&app, &theirs["tf_authr_b32key"])).await, 400);
    assert_eq!(other.who().await, "nobody");
    app.advance(30);
    let mut next = begin(&app, "joe@lp.com").await;
    assert_eq!(validate(&mut next, &shown(&app, &begun["tf_authr_b32key"])).await, 200);
}

#[tokio::test]
async fn a_browser_sets_one_up_at_sign_in() {
    let app = app("two_factor_required = true\n").await;
    let mut browser = app.browser();
    let reply = browser.post_form("/login?next=/x", &[("email", "joe@lp.com"), ("password", PASSWORD)]).await;
    assert_eq!(reply.location(), "/tf-setup");
    let page = browser.get("/tf-setup").await;
    assert!(page.text().contains(r#"name="two_factor_setup_form""#) && !page.text().contains("joe@lp"));
    let page = browser.post_form("/tf-setup", &[("setup", "sms"), ("phone", "650-555-1212")]).await;
    assert!(page.text().contains(r#"action="/tf-validate""#), "{}", page.text());
    let code = lychgate_testkit::code_in(&app.texts().await[0]).to_owned();
    let done = browser.post_form("/tf-validate", &[("code", &code)]).await;
    assert_eq!((done.status(), done.location()), (302, "/"));
    assert_eq!(browser.who().await, "joe@lp.com");
    let stored = stored(&app, "joe@lp.com").await;
    assert_eq!(stored, (Some("sms".to_owned()), true, Some("650-555-1212".to_owned())));
}

#[tokio::test]
async fn who_registers_sets_one_up() {
    let app = app("two_factor_required = true\nregisterable = true\nsend_register_email = false\n").await;
    let mut browser = app.browser();
    let fields = json!({"email": "new@lp.com", "password": "battery staple", "password_confirm": "battery staple"});
    let reply = browser.post_json("/register", fields).await;
    assert_eq!(plain(&reply), json!({"tf_required": true, "tf_state": "setup_from_login"}));
    assert_eq!(browser.who().await, "nobody");
    let begun = plain(&browser.post_json("/tf-setup", json!({"setup": "authenticator"})).await);
    assert_eq!(validate(&mut browser, &shown(&app, &begun["tf_authr_b32key"])).await, 200);
    assert_eq!(browser.who().await, "new@lp.com");
}

#[tokio::test]
async fn who_confirms_by_mail_sets_up_something_else() {
    let on = "two_factor_required = true\nconfirmable = true\nauto_login_after_confirm = true\n";
    let app = app(on).await;
    let unconfirmed = UserPatch { confirmed_at: Some(None), ..UserPatch::default() };
    app.update("joe@lp.com", unconfirmed).await;
    let mut browser = app.browser();
    browser.post_json("/confirm", json!({"email": "joe@lp.com"})).await;
    let link = app.mailed_link("/confirm").await;
    assert_eq!(browser.get(&link).await.location(), "/tf-setup");
    let known = plain(&browser.get_json("/tf-setup").await);
    assert_eq!(known["tf_available_methods"], json!(["authenticator", "sms"]));
    let reply = browser.post_json("/tf-setup", json!({"setup": "email"})).await;
    assert_eq!(reply.status(), 400);
}

#[tokio::test]
async fn a_set_up_of_the_reference_works_and_is_left_as_it_is() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = begin(&app, "gal@lp.com").await;
    assert_eq!(validate(&mut browser, "678608").await, 200);
    assert_eq!(app.user("gal@lp.com").await.tf_totp_secret.as_deref(), Some(STORED));
}

#[tokio::test]
async fn the_owner_is_told() {
    let app = app("profile = \"modern\"\n").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    app.mails().await;
    let begun = plain(&browser.post_json("/tf-setup", json!({"setup": "authenticator"})).await);
    let path = format!("/tf-setup/{}", begun["tf_state_token"].as_str().unwrap());
    assert!(app.mails().await.is_empty());
    browser.post_json(&path, json!({"code": shown(&app, &begun["tf_authr_b32key"])})).await;
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "joe@lp.com"));
    assert!(mails[0].text.as_ref().unwrap().contains("NOTICE_SECOND_FACTOR_CHANGED"), "{:?}", mails[0].text);
    browser.post_json("/tf-setup", json!({"setup": "disable"})).await;
    let mails = app.mails().await;
    assert!(mails[0].text.as_ref().unwrap().contains("NOTICE_SECOND_FACTOR_REMOVED"), "{:?}", mails[0].text);
}

#[rstest]
#[case("two_factor_required = true\n")]
#[case("")]
#[tokio::test]
async fn nothing_is_set_up_by_one_factor_alone(#[case] more: &str) {
    let app = app(more).await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = begin(&app, "gal@lp.com").await;
    for (path, fields) in [
        ("/tf-setup", json!({"setup": "email"})),
        ("/tf-setup", json!({"setup": "disable"})),
        ("/tf-setup/x", json!({"code": "123456"})),
    ] {
        let reply = browser.clone().post_json(path, fields).await;
        assert!(matches!(reply.status(), 400 | 401), "{path} {}", reply.text());
    }
    assert_eq!(stored(&app, "gal@lp.com").await.0.as_deref(), Some("authenticator"));
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
}
