//! Unified sign-in: signing in and proving identity with whichever pass code a user has.
#![allow(clippy::unwrap_used)]

#[path = "unified_signin/fresh_proof.rs"]
mod fresh_proof;
#[path = "unified_signin/links.rs"]
mod links;
#[path = "unified_signin/second_factors.rs"]
mod second_factors;
mod unified;

use lychgate::{Event, store::UserPatch};
use lychgate_testkit::{Browser, Database, PASSWORD, TestApp, at_once, code_in, link_in};
use rstest::rstest;
use serde_json::{Value, json};
use unified::{ON, app, app_code, app_on, enrol, enrol_all, mailed_code, plain};

const GENERIC: &str = "return_generic_responses = true\n";

async fn sign_in(browser: &mut Browser, identity: &str, passcode: &str) -> lychgate_testkit::Reply {
    browser.post_json("/us-signin", json!({"identity": identity, "passcode": passcode})).await
}

async fn send(browser: &mut Browser, identity: &str, method: &str) -> lychgate_testkit::Reply {
    browser.post_json("/us-signin/send-code", json!({"identity": identity, "chosen_method": method})).await
}

#[tokio::test]
async fn programs_are_told_the_ways() {
    let app = app("").await;
    let mut browser = app.browser();
    let known = json!({
        "available_methods": ["password", "email", "authenticator", "sms"],
        "code_methods": ["email", "sms"],
        "identity_attributes": ["email", "us_phone_number"],
    });
    assert_eq!(plain(&browser.get_json("/us-signin").await), known);
    browser.sign_in("joe@lp.com").await;
    let mut here = known.clone();
    here["user"] = json!({"email": "joe@lp.com"});
    assert_eq!(plain(&browser.get_json("/us-signin").await), here);
    assert_eq!(browser.get("/us-signin").await.location(), "/");
    assert_eq!(browser.post_form("/us-signin", &[]).await.location(), "/");
    for path in ["/us-signin", "/us-signin/send-code"] {
        let reply = browser.post_json(path, json!({})).await;
        assert_eq!((reply.status(), &reply.response()["errors"]), (400, &json!(["ANONYMOUS_USER_REQUIRED"])), "{path}");
    }
}

#[tokio::test]
async fn without_the_setting_there_is_nothing() {
    let app = TestApp::builder().start().await;
    let mut browser = app.browser();
    for path in ["/us-signin", "/us-setup", "/us-verify", "/us-verify-link", "/us-verify-link/x"] {
        assert_eq!(browser.get(path).await.status(), 404, "{path}");
    }
}

#[rstest]
#[tokio::test]
async fn a_password_signs_in(#[values("flask", "modern")] profile: &str) {
    let app = app(&format!("profile = \"{profile}\"\n")).await;
    let mut browser = app.browser();
    let reply = browser
        .post_json("/us-signin?include_auth_token", json!({"identity": "JOE@lp.com", "passcode": PASSWORD}))
        .await;
    let mut said = plain(&reply);
    assert!(said["user"]["authentication_token"].is_string(), "{said}");
    said["user"].as_object_mut().unwrap().remove("authentication_token");
    assert_eq!(said, json!({"tf_required": false, "user": {"email": "joe@lp.com"}}));
    assert_eq!(browser.who().await, "joe@lp.com");
    let id = app.user("joe@lp.com").await.id;
    assert!(app.take_events().contains(&Event::UserAuthenticated { user_id: id, via: "password" }));
}

#[tokio::test]
async fn what_is_refused_and_how() {
    let app = app("confirmable = true\n").await;
    enrol_all(&app, "joe@lp.com").await;
    app.update("joe@lp.com", UserPatch { confirmed_at: Some(Some(app.now())), ..UserPatch::default() }).await;
    let mut browser = app.browser();
    for (fields, field, message) in [
        (json!({"identity": "joe@lp.com", "passcode": "wrong"}), "passcode", "INVALID_PASSWORD_CODE"),
        (json!({"identity": "joe@lp.com", "passcode": ""}), "passcode", "INVALID_PASSWORD_CODE"),
        (json!({"identity": "joe@lp.com", "passcode": 7}), "passcode", "INVALID_PASSWORD_CODE"),
        (json!({"identity": "joe@lp.com"}), "passcode", "INVALID_PASSWORD_CODE"),
        (json!({"identity": "joe@lp.com", "passcode": {}}), "passcode", "API_ERROR"),
        (json!({"identity": "joe@lp.com", "passcode": -1}), "passcode", "API_ERROR"),
        (json!({"identity": "joe@lp.com", "passcode": PASSWORD, "next": "//evil"}), "next", "INVALID_REDIRECT"),
        (json!({"identity": "nobody@lp.com", "passcode": PASSWORD}), "identity", "US_SPECIFY_IDENTITY"),
        (json!({"identity": "tiya@lp.com", "passcode": PASSWORD}), "identity", "DISABLED_ACCOUNT"),
        (json!({"identity": "matt@lp.com", "passcode": PASSWORD}), "identity", "CONFIRMATION_REQUIRED"),
        (json!({"passcode": PASSWORD}), "identity", "FIELD_REQUIRED"),
        (json!({"identity": "  ", "passcode": PASSWORD}), "identity", "FIELD_REQUIRED"),
    ] {
        let reply = browser.post_json("/us-signin", fields.clone()).await;
        assert_eq!((reply.status(), reply.field_errors()), (400, json!({field: [message]})), "{fields}");
        assert!(reply.response().get("available_methods").is_none());
    }
    for (fields, field, message) in [
        (json!({"identity": "nobody@lp.com", "chosen_method": "email"}), "identity", "US_SPECIFY_IDENTITY"),
        (json!({"identity": "tiya@lp.com", "chosen_method": "email"}), "identity", "DISABLED_ACCOUNT"),
        (json!({"identity": "matt@lp.com", "chosen_method": "email"}), "chosen_method", "US_METHOD_NOT_AVAILABLE"),
        (json!({"identity": "joe@lp.com"}), "chosen_method", "US_METHOD_NOT_AVAILABLE"),
        (json!({"identity": "joe@lp.com", "chosen_method": "pigeon"}), "chosen_method", "INVALID_CHOICE"),
        (json!({"identity": "joe@lp.com", "chosen_method": "authenticator"}), "chosen_method", "INVALID_CHOICE"),
        (json!({"chosen_method": "email"}), "identity", "FIELD_REQUIRED"),
    ] {
        let reply = browser.post_json("/us-signin/send-code", fields.clone()).await;
        assert_eq!((reply.status(), reply.field_errors()), (400, json!({field: [message]})), "{fields}");
    }
    assert_eq!((app.mails().await.len(), browser.who().await.as_str()), (0, "nobody"));
    let page = browser.post_form("/us-signin", &[("identity", "joe@lp.com"), ("passcode", "hunter2")]).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("INVALID_PASSWORD_CODE") && !page.text().contains("hunter2"), "{}", page.text());
    assert_eq!(page.input("identity").as_deref(), Some("joe@lp.com"));
}

#[rstest]
#[tokio::test]
async fn a_mailed_code_signs_in_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("flask", "modern")] profile: &str,
) {
    let app = app_on(database, &format!("profile = \"{profile}\"\nreturn_generic_responses = false\n")).await;
    enrol(&app, "jess@lp.com", &["email"]).await;
    let mut browser = app.browser();
    let reply = send(&mut browser, "jess@lp.com", "email").await;
    assert_eq!((reply.status(), plain(&reply)), (200, json!({})));
    let first = mailed_code(&app).await;
    send(&mut browser, "jess@lp.com", "email").await;
    let code = mailed_code(&app).await;
    assert_ne!(first, code, "each is a new one");
    assert_eq!(sign_in(&mut browser, "jess@lp.com", &first).await.status(), 400, "only the newest counts");
    // Of all who type it at once, one is in.
    let tries = (0..6).map(|_| {
        let (mut browser, code) = (app.browser(), code.clone());
        async move { sign_in(&mut browser, "jess@lp.com", &code).await.status() }
    });
    let statuses = at_once(tries.collect::<Vec<_>>()).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    // A late one is too late.
    send(&mut browser, "jess@lp.com", "email").await;
    let code = mailed_code(&app).await;
    app.advance(if profile == "flask" { 200 } else { 301 });
    assert_eq!(sign_in(&mut browser, "jess@lp.com", &code).await.status(), 400);
    // As typed by people, and with the address in other letters.
    send(&mut browser, "jess@lp.com", "email").await;
    let code = mailed_code(&app).await;
    let (left, right) = code.split_at(3);
    let reply = sign_in(&mut browser, "Jess@LP.com", &format!(" {left} {right}")).await;
    assert_eq!(plain(&reply)["tf_required"], false);
    assert_eq!(browser.who().await, "jess@lp.com");
}

#[tokio::test]
async fn codes_of_apps_and_text_messages_sign_in() {
    let app = app("").await;
    enrol_all(&app, "joe@lp.com").await;
    let mut browser = app.browser();
    let code = app_code(&app, 0);
    let reply = sign_in(&mut browser, "joe@lp.com", &code).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let id = app.user("joe@lp.com").await.id;
    assert!(app.take_events().contains(&Event::UserAuthenticated { user_id: id, via: "authenticator" }));
    assert_eq!(sign_in(&mut app.browser(), "joe@lp.com", &code).await.status(), 400, "once");

    let mut browser = app.browser();
    assert_eq!(send(&mut browser, "+16505551212", "sms").await.status(), 200);
    let texts = app.texts().await;
    let [text] = texts.as_slice() else { panic!("{texts:?}") };
    assert_eq!(text.to.to_string(), "+16505551212");
    let reply = sign_in(&mut browser, "650-555-1212", code_in(text)).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    assert!(app.take_events().contains(&Event::UserAuthenticated { user_id: id, via: "sms" }));
}

#[tokio::test]
async fn guesses_are_few_whatever_kinds_there_are() {
    let app = app("").await;
    enrol_all(&app, "joe@lp.com").await;
    let mut browser = app.browser();
    for n in 0..10 {
        let reply = sign_in(&mut browser, "joe@lp.com", &format!("{n:06}")).await;
        assert_eq!(reply.status(), 400, "{n}: {}", reply.text());
    }
    let right = app_code(&app, 0);
    let reply = sign_in(&mut browser, "joe@lp.com", &right).await;
    assert_eq!(reply.status(), 429, "{}", reply.text());
    assert!(reply.header("retry-after").parse::<u32>().unwrap() <= 900);
    let page = browser.post_form("/us-signin", &[("identity", "joe@lp.com"), ("passcode", &right)]).await;
    assert!(page.text().contains("TOO_MANY_REQUESTS"), "{}", page.text());
    // Passwords are no codes, and other people's codes are theirs.
    assert_eq!(sign_in(&mut browser, "joe@lp.com", PASSWORD).await.status(), 200);
    app.advance(901);
    assert_eq!(sign_in(&mut app.browser(), "joe@lp.com", &app_code(&app, 0)).await.status(), 200);
}

#[tokio::test]
async fn strangers_do_not_use_up_the_owners_guesses() {
    let app = app("notify_new_device = true\n").await;
    enrol_all(&app, "joe@lp.com").await;
    let mut known = app.browser();
    assert_eq!(sign_in(&mut known, "joe@lp.com", PASSWORD).await.status(), 200);
    known.post_json("/logout", json!({})).await;
    let from = |address: [u8; 4]| {
        let mut browser = app.browser();
        browser.peer = (address, 50_000).into();
        browser
    };
    let mut stranger = from([203, 0, 113, 1]);
    for n in 0..10 {
        assert_eq!(sign_in(&mut stranger, "joe@lp.com", &format!("{n:06}")).await.status(), 400);
        assert_eq!(send(&mut stranger, "joe@lp.com", "sms").await.status(), 200);
    }
    assert_eq!(sign_in(&mut stranger, "joe@lp.com", "000000").await.status(), 429);
    assert_eq!(send(&mut stranger, "joe@lp.com", "sms").await.status(), 429);
    // At another address there are guesses left, but only some.
    assert_eq!(sign_in(&mut from([203, 0, 113, 2]), "joe@lp.com", "000000").await.status(), 400);
    for last in 3..=21 {
        sign_in(&mut from([203, 0, 113, last]), "joe@lp.com", "000000").await;
    }
    assert_eq!(sign_in(&mut from([203, 0, 113, 22]), "joe@lp.com", "000000").await.status(), 429);
    // None of which keeps the owner out, in a browser that the account knows.
    assert_eq!(send(&mut known, "joe@lp.com", "email").await.status(), 200);
    assert_eq!(sign_in(&mut known, "joe@lp.com", &app_code(&app, 0)).await.status(), 200);
}

#[tokio::test]
async fn sendings_are_few() {
    let app = app("").await;
    enrol(&app, "joe@lp.com", &["email"]).await;
    let mut browser = app.browser();
    for _ in 0..10 {
        assert_eq!(send(&mut browser, "joe@lp.com", "email").await.status(), 200);
    }
    assert_eq!(send(&mut browser, "joe@lp.com", "email").await.status(), 429);
    assert_eq!(app.mails().await.len(), 10);
}

#[tokio::test]
async fn a_code_that_cannot_be_sent() {
    let app = app("delivery = \"inline\"\n").await;
    enrol(&app, "joe@lp.com", &["email", "sms"]).await;
    let mut browser = app.browser();
    let reply = send(&mut browser, "joe@lp.com", "sms").await;
    assert_eq!(reply.field_errors(), json!({"chosen_method": ["PHONE_INVALID"]}), "no number");
    app.inbox().set_down(true);
    let reply = send(&mut browser, "joe@lp.com", "email").await;
    let failed = json!({"chosen_method": ["FAILED_TO_SEND_CODE"]});
    assert_eq!((reply.status(), reply.field_errors()), (500, failed));
    let page = browser.post_form("/us-signin/send-code", &[("identity", "joe@lp.com"), ("chosen_method", "email")]);
    let page = page.await;
    assert!(page.status() == 200 && page.text().contains("FAILED_TO_SEND_CODE"), "{}", page.text());
}

/// Everything of a reply that somebody could tell replies apart by.
fn whole(reply: &lychgate_testkit::Reply, token: &str) -> (u16, String, Vec<String>, Vec<String>) {
    let headers = reply.headers().iter().filter(|(name, _)| *name != "set-cookie" && *name != "content-length");
    let mut headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort();
    let names = reply.set_cookies().iter().map(|cookie| cookie.split('=').next().unwrap().to_owned()).collect();
    (reply.status(), reply.text().replace(token, "TOKEN"), headers, names)
}

#[rstest]
#[tokio::test]
async fn generic_replies_are_the_same_for_everybody(#[values(true, false)] as_json: bool) {
    let app = app(GENERIC).await;
    enrol_all(&app, "joe@lp.com").await;
    enrol_all(&app, "tiya@lp.com").await;
    let identities =
        ["joe@lp.com", "matt@lp.com", "tiya@lp.com", "nobody@lp.com", "not an address", "", "+16505551212"];
    for (path, field, value) in [
        ("/us-signin", "passcode", "wrong"),
        ("/us-signin", "passcode", "000000"),
        ("/us-signin/send-code", "chosen_method", "email"),
        ("/us-signin/send-code", "chosen_method", "sms"),
        ("/us-signin/send-code", "chosen_method", "pigeon"),
    ] {
        let mut seen = Vec::new();
        for identity in identities {
            let mut browser = app.browser();
            let reply = if as_json {
                browser.post_json(path, json!({"identity": identity, field: value})).await
            } else {
                browser.post_form(path, &[("identity", identity), (field, value)]).await
            };
            let token = if as_json {
                reply.response()["csrf_token"].as_str().unwrap_or("-").to_owned()
            } else {
                "-".to_owned()
            };
            let mut said = whole(&reply, &token);
            // What was typed is shown again, for everybody.
            said.1 = if identity.is_empty() { said.1 } else { said.1.replace(identity, "") };
            said.1 = said.1.replace(" autofocus", "");
            seen.push((identity, said));
        }
        for (identity, said) in &seen {
            if !identity.is_empty() || as_json {
                assert_eq!(said, &seen[0].1, "{path} {value} {identity}");
            }
        }
        let (status, text, ..) = &seen[0].1;
        if path == "/us-signin" && as_json {
            assert_eq!(*status, 400);
            let said: Value = serde_json::from_str(text).unwrap();
            assert_eq!(said["response"]["field_errors"], json!({"": ["GENERIC_AUTHN_FAILED"]}));
        } else {
            assert_eq!(*status, 200, "{text}");
        }
    }
    assert_eq!((app.mails().await.len(), app.texts().await.len()), (2, 2), "only who can be sent one is sent one");
    let mut browser = app.browser();
    let code = {
        send(&mut browser, "joe@lp.com", "email").await;
        mailed_code(&app).await
    };
    assert_eq!(sign_in(&mut browser, "joe@lp.com", &code).await.status(), 200);
}

#[tokio::test]
async fn a_lock_is_not_told_where_replies_are_generic() {
    let app = app(GENERIC).await;
    enrol_all(&app, "joe@lp.com").await;
    let mut browser = app.browser();
    for n in 0..12 {
        for identity in ["joe@lp.com", "nobody@lp.com"] {
            let reply = sign_in(&mut browser, identity, &format!("{n:06}")).await;
            assert_eq!(reply.field_errors(), json!({"": ["GENERIC_AUTHN_FAILED"]}), "{n} {identity}");
        }
    }
    assert_eq!(sign_in(&mut browser, "joe@lp.com", &app_code(&app, 0)).await.status(), 400);
    for _ in 0..12 {
        assert_eq!(send(&mut browser, "joe@lp.com", "email").await.status(), 200);
    }
    assert_eq!(app.mails().await.len(), 10);
}

#[tokio::test]
async fn a_browser_asks_for_a_code_and_signs_in() {
    let app = TestApp::builder().toml(ON).toml("[csrf]\nenabled = true").start().await;
    enrol(&app, "jess@lp.com", &["email"]).await;
    let mut browser = app.browser();
    let page = browser.get("/us-signin?next=/after").await;
    for part in [
        r#"name="us_signin_form""#,
        r#"action="/us-signin?next=/after""#,
        r#"formaction="/us-signin/send-code?next=/after""#,
        r#"name="identity""#,
        r#"name="passcode""#,
        r#"name="remember""#,
        r#"name="submit_send_code""#,
        r#"value="sms""#,
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let token = page.csrf_token();
    let fields = [("identity", "jess@lp.com"), ("chosen_method", "email"), ("next", "/after")];
    let without = browser.post_form("/us-signin/send-code?next=/after", &fields).await;
    assert_eq!((without.status(), app.mails().await.len()), (200, 0), "no token, no mail");
    let fields = [fields.as_slice(), &[("csrf_token", &token)]].concat();
    let sent = browser.post_form("/us-signin/send-code?next=/after", &fields).await;
    assert!(sent.status() == 200 && sent.text().contains("CODE_HAS_BEEN_SENT"), "{}", sent.text());
    assert_eq!(sent.input("identity").as_deref(), Some("jess@lp.com"));
    let code = mailed_code(&app).await;
    let fields = [("identity", "jess@lp.com"), ("passcode", code.as_str()), ("remember", "y"), ("next", "/after")];
    let without = browser.post_form("/us-signin?next=/after", &fields).await;
    assert_eq!(without.status(), 200, "no token, no sign-in, and the code is not spent");
    let fields = [fields.as_slice(), &[("csrf_token", &token)]].concat();
    let done = browser.post_form("/us-signin?next=/after", &fields).await;
    assert_eq!((done.status(), done.location()), (302, "/after"), "{}", done.text());
    assert!(browser.cookie("remember_token").is_some());
    assert_eq!(browser.who().await, "jess@lp.com");
}

#[tokio::test]
async fn unconfirmed_people_are_told_where_to_go() {
    let app = app("confirmable = true\nrequires_confirmation_error_view = \"/why\"\n").await;
    enrol(&app, "joe@lp.com", &["email"]).await;
    let mut browser = app.browser();
    let reply = browser.post_form("/us-signin", &[("identity", "joe@lp.com"), ("passcode", PASSWORD)]).await;
    assert_eq!((reply.status(), reply.location()), (302, "/why?email=joe%40lp.com"));
    let fields = [("identity", "joe@lp.com"), ("chosen_method", "email")];
    assert_eq!(browser.post_form("/us-signin/send-code", &fields).await.location(), "/why?email=joe%40lp.com");
}

#[tokio::test]
async fn it_may_be_the_sign_in_page() {
    let app = app("us_signin_replaces_login = true\n").await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    assert!(page.text().contains(r#"name="us_signin_form""#), "{}", page.text());
    assert!(!page.text().contains("Sign in with a password instead"));
    let reply = browser.post_json("/login", json!({"identity": "joe@lp.com", "passcode": PASSWORD})).await;
    assert_eq!(plain(&reply)["user"]["email"], "joe@lp.com");
    assert_eq!(browser.get("/us-signin").await.location(), "/");
    // Who is not signed in is sent there.
    let mut stranger = app.browser();
    assert_eq!(stranger.get("/us-setup").await.location(), "/login?next=/us-setup");
}

#[tokio::test]
async fn the_sign_in_page_leads_to_codes_and_back() {
    let app = app("").await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    assert!(page.text().contains(r#"href="/us-signin""#), "{}", page.text());
    let page = browser.get("/us-signin").await;
    assert!(page.text().contains(r#"href="/login""#), "{}", page.text());
}

#[tokio::test]
async fn usernames_and_numbers_say_who_in_the_order_of_the_settings() {
    let app = app(
        "username_enable = true\nuser_identity_attributes = [{email = {mapper = \"uia_email_mapper\", case_insensitive = true}}, \
         {username = {mapper = \"uia_username_mapper\"}}]\n",
    )
    .await;
    for identity in ["joe@lp.com", "joe"] {
        assert_eq!(sign_in(&mut app.browser(), identity, PASSWORD).await.status(), 200, "{identity}");
    }
    assert_eq!(sign_in(&mut app.browser(), "+16505551212", PASSWORD).await.status(), 400);
    let page = app.browser().get("/us-signin").await;
    assert!(page.text().contains("Email or username"));
}

#[tokio::test]
async fn only_enabled_kinds_count() {
    let app = app("us_enabled_methods = [\"email\"]\n").await;
    enrol_all(&app, "joe@lp.com").await;
    let mut browser = app.browser();
    assert_eq!(sign_in(&mut browser, "joe@lp.com", PASSWORD).await.status(), 400);
    assert_eq!(sign_in(&mut browser, "joe@lp.com", &app_code(&app, 0)).await.status(), 400);
    let reply = send(&mut browser, "joe@lp.com", "sms").await;
    assert_eq!(reply.field_errors(), json!({"chosen_method": ["US_METHOD_NOT_AVAILABLE"]}));
    send(&mut browser, "joe@lp.com", "email").await;
    assert_eq!(sign_in(&mut browser, "joe@lp.com", &mailed_code(&app).await).await.status(), 200);
}

#[tokio::test]
async fn damaged_secrets_are_no_way_in_and_no_error() {
    let app = app("").await;
    for text in ["", "{", "[]", "{\"email\": 5}", "{\"email\": \"{}\"}", "{\"email\": \"\", \"sms\": \"x\"}"] {
        let patch = UserPatch { us_totp_secrets: Some(Some(text.to_owned())), ..UserPatch::default() };
        app.update("joe@lp.com", patch).await;
        assert_eq!(sign_in(&mut app.browser(), "joe@lp.com", "123456").await.status(), 400, "{text}");
        let reply = send(&mut app.browser(), "joe@lp.com", "email").await;
        assert!([400, 500].contains(&reply.status()), "{text}: {}", reply.text());
        assert_eq!(sign_in(&mut app.browser(), "joe@lp.com", PASSWORD).await.status(), 200, "{text}");
    }
}

#[tokio::test]
async fn people_without_a_password_register() {
    let app = app("registerable = true\npassword_required = false\nsend_register_email = false\n").await;
    let mut browser = app.browser();
    let reply = browser.post_json("/register", json!({"email": "new@lp.com"})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let user = app.user("new@lp.com").await;
    assert_eq!(user.password, None);
    assert!(user.us_totp_secrets.as_ref().unwrap().starts_with("{\"email\": \"{\\\"enckey\\\""));
    let mut browser = app.browser();
    for empty in ["", " "] {
        assert_eq!(sign_in(&mut browser, "new@lp.com", empty).await.status(), 400);
    }
    assert_eq!(send(&mut browser, "new@lp.com", "email").await.status(), 200);
    assert_eq!(sign_in(&mut browser, "new@lp.com", &mailed_code(&app).await).await.status(), 200);
    // Who gives one has one, and it has to be good.
    let short = json!({"email": "two@lp.com", "password": "x", "password_confirm": "x"});
    assert_eq!(app.browser().post_json("/register", short).await.status(), 400);
    let good = json!({"email": "two@lp.com", "password": "battery staple", "password_confirm": "battery staple"});
    assert_eq!(app.browser().post_json("/register", good).await.status(), 200);
    let user = app.user("two@lp.com").await;
    assert!(user.password.is_some() && user.us_totp_secrets.is_none());
    let page = app.browser().get("/register").await;
    assert!(!page.text().contains(r#"name="password" required"#), "{}", page.text());
}
