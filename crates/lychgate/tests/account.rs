//! The account page: what it shows, and ending sessions from it.
#![allow(clippy::unwrap_used)]

#[path = "account/deletion.rs"]
mod deletion;

use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Version/19.0 Mobile/15E148 Safari/604.1";

/// With the page, without CSRF tokens.
fn app() -> AppBuilder {
    let changes = "changeable = true\nchange_email = true\nusername_enable = true\nchange_username = true";
    let toml = format!("[security]\naccount = true\nactivity = true\n{changes}\n[csrf]\nenabled = false");
    TestApp::builder().toml(&toml)
}

async fn signed_in(app: &TestApp, email: &str, user_agent: &str) -> Browser {
    let mut browser = app.browser();
    browser.user_agent = user_agent.to_owned();
    browser.sign_in(email).await;
    browser
}

async fn page(browser: &mut Browser) -> Value {
    let reply = browser.get_json("/account").await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    reply.response()
}

/// The ids of the sessions elsewhere.
async fn elsewhere(browser: &mut Browser) -> Vec<String> {
    let page = page(browser).await;
    let others = page["sessions"].as_array().unwrap().iter().filter(|session| session["current"] == false);
    others.map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

/// The kinds of what happened, the newest first.
async fn kinds(browser: &mut Browser) -> Vec<String> {
    let page = page(browser).await;
    let all = page["activity"].as_array().unwrap().iter();
    all.map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

/// Waits for what is noted beside requests.
async fn noted(app: &TestApp, email: &str, count: usize) {
    let id = app.user(email).await.id;
    let waiting = async {
        while app.store().activity_of(id, 1000).await.unwrap().len() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_person_sees_how_and_where_they_are_signed_in(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().real_texts().on(database).start().await;
    let mut phone = signed_in(&app, "joe@lp.com", IPHONE).await;
    app.advance(3 * 3600);
    let mut desk = signed_in(&app, "joe@lp.com", FIREFOX).await;
    let reply = desk.get("/account").await;
    let text = reply.text();
    for wanted in [
        "<h2 id=\"sign-in-title\">Sign-in</h2>",
        "joe@lp.com",
        "href=\"/change\"",
        "href=\"/change-email\"",
        "href=\"/change-username\"",
        "Change<span class=\"unseen\"> Password</span>",
        "Firefox on Linux <span class=\"badge good\">This device</span>",
        "Safari on iPhone",
        "last seen <time datetime=\"2025-06-15T15:06:40Z\" title=\"2025-06-15T15:06:40Z\">3 hours ago</time>",
        "Sign out everywhere else",
        "Signed in with the password",
        "href=\"/account\"",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    // Who has one session has nobody to sign out elsewhere.
    let form = [("session", elsewhere(&mut desk).await.remove(0))];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(desk.post_form("/account/sessions/end", &form).await.location(), "/account");
    assert_eq!((phone.who().await.as_str(), desk.who().await.as_str()), ("nobody", "joe@lp.com"));
    let reply = desk.get("/account").await;
    assert!(reply.text().contains("<li class=\"success\">That device is signed out.</li>"), "{}", reply.text());
    assert!(!reply.text().contains("Sign out everywhere else") && !reply.text().contains("Safari on iPhone ("));
}

#[tokio::test]
async fn a_program_sees_the_same_without_secrets() {
    let app = app().start().await;
    let mut phone = signed_in(&app, "joe@lp.com", IPHONE).await;
    let mut desk = signed_in(&app, "joe@lp.com", FIREFOX).await;
    let page = page(&mut desk).await;
    assert_eq!(page["user"], json!({"email": "joe@lp.com"}));
    assert_eq!(page["account"]["email"], "joe@lp.com");
    assert_eq!(page["account"]["has_password"], true);
    let keys: Vec<&str> =
        page["sections"][0]["rows"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["email", "password", "username"]);
    assert_eq!(page["sections"][0]["rows"][1]["actions"][0]["url"], "/change");
    let sessions = page["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!((&sessions[0]["current"], &sessions[0]["device"]), (&json!(true), &json!("Firefox on Linux")));
    assert_eq!((&sessions[1]["current"], &sessions[1]["device"]), (&json!(false), &json!("Safari on iPhone")));
    assert_eq!(sessions[1]["signed_in_at"], "2025-06-15T15:06:40Z");
    assert_eq!(sessions[1]["address"], "127.0.0.1");
    let user = app.user("joe@lp.com").await;
    let text = page.to_string();
    for session in app.store().sessions_of(user.id).await.unwrap() {
        assert!(!text.contains(&session.sid));
    }
    assert!(!text.contains(&user.fs_uniquifier) && !text.contains(user.password.as_deref().unwrap()));
    assert_eq!(page_of_token(&app).await["sessions"][0]["current"], false);
    assert_eq!(phone.who().await, "joe@lp.com");
}

/// The page as a program with an auth token sees it.
async fn page_of_token(app: &TestApp) -> Value {
    let token = app.auth_token("joe@lp.com").await;
    let mut program = app.browser();
    let call = program.call("GET", "/account").header("authentication-token", &token);
    call.header("accept", "application/json").send().await.response()
}

#[tokio::test]
async fn it_is_there_if_the_settings_say_so() {
    let off = TestApp::builder().start().await;
    let mut browser = signed_in(&off, "joe@lp.com", FIREFOX).await;
    assert_eq!(browser.get("/account").await.status(), 404);
    assert!(!browser.get("/verify").await.text().contains("/account"));
    let modern = TestApp::builder().toml("profile = \"modern\"\n[security]\naccount_url = \"/me/\"").start().await;
    let mut browser = signed_in(&modern, "joe@lp.com", FIREFOX).await;
    let reply = browser.get("/me/").await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    assert!(reply.text().contains("action=\"/me/sessions/end") || !reply.text().contains("Sign out everywhere else"));
    assert!(browser.get("/verify").await.text().contains("href=\"/me/\""));
    let quiet = app().toml("[security]\nactivity = false").start().await;
    let mut browser = signed_in(&quiet, "joe@lp.com", FIREFOX).await;
    assert_eq!(page(&mut browser).await.get("activity"), None);
}

#[tokio::test]
async fn strangers_see_nothing() {
    let app = app().start().await;
    assert_eq!(app.browser().get("/account").await.location(), "/login?next=/account");
    assert_eq!(app.browser().get_json("/account").await.status(), 401);
    for path in ["/account/sessions/end", "/account/sessions/end-others"] {
        assert_eq!(app.browser().post_json(path, json!({})).await.status(), 401);
        assert!(app.browser().post_form(path, &[]).await.location().starts_with("/login"));
    }
}

#[tokio::test]
async fn an_ended_session_is_out_at_its_next_request() {
    let app = app().start().await;
    let mut phone = signed_in(&app, "joe@lp.com", IPHONE).await;
    let mut desk = signed_in(&app, "joe@lp.com", FIREFOX).await;
    assert_eq!(phone.who().await, "joe@lp.com");
    let ids = elsewhere(&mut desk).await;
    assert_eq!(ids.len(), 1);
    let body = json!({"session": ids[0]});
    let reply = desk.post_json("/account/sessions/end", body.clone()).await;
    assert_eq!((reply.status(), reply.response()), (200, json!({"csrf_token": reply.csrf_token()})));
    assert_eq!((phone.who().await.as_str(), desk.who().await.as_str()), ("nobody", "joe@lp.com"));
    assert_eq!(kinds(&mut desk).await[0], "session-ended");
    let again = desk.post_json("/account/sessions/end", body).await;
    assert_eq!((again.status(), again.field_errors()), (400, json!({"session": ["ACCOUNT_SESSION_UNKNOWN"]})));
}

#[tokio::test]
async fn a_device_that_was_to_remember_is_out_as_well() {
    let app = app().toml("profile = \"modern\"").start().await;
    let mut phone = app.browser();
    phone.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let mut desk = signed_in(&app, "joe@lp.com", FIREFOX).await;
    let id = elsewhere(&mut desk).await.remove(0);
    assert_eq!(desk.post_json("/account/sessions/end", json!({"session": id})).await.status(), 200);
    phone.drop_cookie("session");
    assert_eq!((phone.who().await.as_str(), desk.who().await.as_str()), ("nobody", "joe@lp.com"));
}

#[tokio::test]
async fn nobody_ends_a_session_of_somebody_else() {
    let app = app().start().await;
    let mut matt = signed_in(&app, "matt@lp.com", IPHONE).await;
    let mut joe = signed_in(&app, "joe@lp.com", FIREFOX).await;
    let id = page(&mut matt).await["sessions"][0]["id"].as_str().unwrap().to_owned();
    let sid = app.store().sessions_of(app.user("matt@lp.com").await.id).await.unwrap().remove(0).sid;
    for (body, error) in [
        (json!({"session": id}), "ACCOUNT_SESSION_UNKNOWN"),
        (json!({"session": sid}), "ACCOUNT_SESSION_UNKNOWN"),
        (json!({"session": "x".repeat(9999)}), "ACCOUNT_SESSION_UNKNOWN"),
        (json!({"session": ""}), "FIELD_REQUIRED"),
        (json!({}), "FIELD_REQUIRED"),
        (json!({"session": 7}), "API_ERROR"),
    ] {
        let reply = joe.post_json("/account/sessions/end", body).await;
        assert_eq!((reply.status(), reply.field_errors()), (400, json!({"session": [error]})));
    }
    assert_eq!(joe.post_form("/account/sessions/end", &[("session", &id)]).await.location(), "/account");
    assert_eq!(app.flashes(&joe), ["ACCOUNT_SESSION_UNKNOWN"]);
    assert_eq!((matt.who().await.as_str(), joe.who().await.as_str()), ("matt@lp.com", "joe@lp.com"));
}

#[tokio::test]
async fn ending_ones_own_session_signs_out() {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    let id = page(&mut browser).await["sessions"][0]["id"].as_str().unwrap().to_owned();
    let copy = browser.clone();
    assert_eq!(browser.post_form("/account/sessions/end", &[("session", &id)]).await.location(), "/");
    for mut browser in [browser, copy] {
        assert_eq!(browser.who().await, "nobody");
    }
}

#[rstest]
#[tokio::test]
async fn everything_else_can_be_ended_at_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut remembered = app.browser();
    remembered.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let mut phone = signed_in(&app, "joe@lp.com", IPHONE).await;
    let mut matt = signed_in(&app, "matt@lp.com", FIREFOX).await;
    let mut desk = app.browser();
    desk.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let reply = desk.post_json("/account/sessions/end-others", json!({})).await;
    assert_eq!((reply.status(), reply.response()), (200, json!({"csrf_token": reply.csrf_token()})));
    // Not even the remember-me cookie of another device signs in again; the own one still does.
    remembered.drop_cookie("session");
    assert_eq!((remembered.who().await.as_str(), phone.who().await.as_str()), ("nobody", "nobody"));
    assert_eq!((desk.who().await.as_str(), matt.who().await.as_str()), ("joe@lp.com", "matt@lp.com"));
    assert_eq!(elsewhere(&mut desk).await, Vec::<String>::new());
    assert_eq!(kinds(&mut desk).await[0], "others-ended");
    desk.drop_cookie("session");
    assert_eq!(desk.who().await, "joe@lp.com");
}

#[tokio::test]
async fn auth_tokens_with_a_uniquifier_of_their_own_end_with_the_others() {
    let app = app().sql("ALTER TABLE \"user\" ADD COLUMN fs_token_uniquifier VARCHAR(64)").start().await;
    let token = app.auth_token("joe@lp.com").await;
    assert!(app.user("joe@lp.com").await.fs_token_uniquifier.is_some());
    let mut program = app.browser();
    let mut who = async || {
        let reply = program.call("GET", "/whoami").header("authentication-token", &token).send().await;
        reply.json()["email"].clone()
    };
    assert_eq!(who().await, "joe@lp.com");
    let mut desk = signed_in(&app, "joe@lp.com", FIREFOX).await;
    assert_eq!(desk.post_json("/account/sessions/end-others", json!({})).await.status(), 200);
    assert_eq!((who().await, desk.who().await.as_str()), (Value::Null, "joe@lp.com"));
}

#[tokio::test]
async fn of_two_who_end_the_others_one_stays() {
    let app = app().start().await;
    let mut browsers = Vec::new();
    for _ in 0..6 {
        browsers.push(signed_in(&app, "joe@lp.com", FIREFOX).await);
    }
    let calls = browsers.into_iter().map(|mut browser| async move {
        let status = browser.post_json("/account/sessions/end-others", json!({})).await.status();
        (status, browser)
    });
    let mut stayed = 0;
    for (status, mut browser) in at_once(calls).await {
        let is_in = browser.who().await == "joe@lp.com";
        assert_eq!(status == 200, is_in);
        stayed += usize::from(is_in);
    }
    assert_eq!(stayed, 1);
}

#[tokio::test]
async fn posts_need_the_token_of_the_session() {
    let app = app().toml("[csrf]\nenabled = true").start().await;
    let mut phone = signed_in(&app, "joe@lp.com", IPHONE).await;
    let mut desk = signed_in(&app, "joe@lp.com", FIREFOX).await;
    let id = elsewhere(&mut desk).await.remove(0);
    for (path, form) in
        [("/account/sessions/end", vec![("session", id.as_str())]), ("/account/sessions/end-others", vec![])]
    {
        assert_eq!(desk.post_form(path, &form).await.location(), "/account");
        assert_eq!(app.flashes(&desk).last().unwrap(), "CSRF_MISSING");
        assert_eq!(desk.call("POST", path).json(&json!({"session": id})).send().await.status(), 400);
    }
    assert_eq!(phone.who().await, "joe@lp.com");
    let token = desk.get("/account").await.csrf_token();
    let form = [("session", id.as_str()), ("csrf_token", &token)];
    assert_eq!(desk.post_form("/account/sessions/end", &form).await.location(), "/account");
    assert_eq!(phone.who().await, "nobody");
}

#[tokio::test]
async fn what_happens_is_noted() {
    let app = app().start().await;
    let mut thief = app.browser();
    thief.user_agent = "curl/8.0".to_owned();
    for _ in 0..3 {
        let reply = thief.post_json("/login", json!({"email": "joe@lp.com", "password": "wrong"})).await;
        assert_eq!(reply.status(), 400);
    }
    assert_eq!(thief.post_json("/login", json!({"email": "nobody@lp.com", "password": "wrong"})).await.status(), 400);
    noted(&app, "joe@lp.com", 3).await;
    app.advance(60);
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    app.advance(60);
    let body =
        json!({"password": PASSWORD, "new_password": "battery staple", "new_password_confirm": "battery staple"});
    assert_eq!(browser.post_json("/change", body).await.status(), 200);
    app.advance(60);
    assert_eq!(browser.post_json("/change-username", json!({"username": "joseph"})).await.status(), 200);
    app.advance(60);
    let shown = page(&mut browser).await;
    let all: Vec<(&str, &str, u64)> = shown["activity"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let of = |name: &str| entry[name].as_str().unwrap();
            (of("text"), of("device"), entry["times"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(
        all,
        [
            ("ACTIVITY_USERNAME_CHANGED", "Firefox on Linux", 1),
            ("ACTIVITY_PASSWORD_CHANGED", "Firefox on Linux", 1),
            ("ACTIVITY_SIGNED_IN_PASSWORD", "Firefox on Linux", 1),
            ("ACTIVITY_SIGN_IN_FAILED_OFTEN", "curl", 3),
        ]
    );
    assert_eq!(shown["activity"][0]["detail"], "joseph");
    let rows = &shown["sections"][0]["rows"];
    assert_eq!(rows[1]["value"], "ACCOUNT_PASSWORD_CHANGED");
    assert_eq!(rows[2]["value"], "joseph");
    browser.post_json("/logout", json!({})).await;
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": "battery staple"})).await;
    assert_eq!(kinds(&mut browser).await[..2], ["sign-in", "sign-out"]);
}

#[tokio::test]
async fn old_things_are_forgotten_and_used_sessions_stay() {
    let day = 86_400;
    let app = app().toml("[security]\nactivity_within = \"10 days\"").start().await;
    let mut used = signed_in(&app, "joe@lp.com", FIREFOX).await;
    let mut unused = signed_in(&app, "joe@lp.com", IPHONE).await;
    let id = app.user("joe@lp.com").await.id;
    for _ in 0..5 {
        app.advance(10 * day);
        let before = app.now();
        // The cookie of a browser that comes often is renewed; this one's is kept young by a change of the session.
        assert_eq!(used.post_json("/verify", json!({"password": PASSWORD})).await.status(), 200);
        let seen = async {
            while !app.store().sessions_of(id).await.unwrap().iter().any(|session| session.last_seen_at == before) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), seen).await.unwrap();
        app.gate().tidy().await.unwrap();
    }
    assert_eq!((used.who().await.as_str(), unused.who().await.as_str()), ("joe@lp.com", "nobody"));
    assert_eq!(app.store().sessions_of(id).await.unwrap().len(), 1);
    assert_eq!(app.store().activity_of(id, 100).await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_is_switched_off_is_not_there() {
    let app = app().toml("[security]\naccount_deletion = false\naccount_export = false").start().await;
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    for path in ["/account/delete", "/account/export"] {
        assert_eq!(browser.get(path).await.status(), 404);
    }
    assert!(!browser.get("/account").await.text().contains("Your data"));
}

#[tokio::test]
async fn the_download_holds_everything_but_secrets() {
    let app = app().start().await;
    let mut phone = signed_in(&app, "joe@lp.com", IPHONE).await;
    let secrets = lychgate::store::UserPatch {
        tf_totp_secret: Some(Some("HIDDEN-totp".to_owned())),
        us_totp_secrets: Some(Some("{\"email\": \"HIDDEN-us\"}".to_owned())),
        mf_recovery_codes: Some(vec!["HIDDEN-code-1".to_owned(), "HIDDEN-code-2".to_owned()]),
        tf_phone_number: Some(Some("+15551234567".to_owned())),
        ..Default::default()
    };
    app.update("joe@lp.com", secrets).await;
    let mut desk = signed_in(&app, "joe@lp.com", FIREFOX).await;
    assert_eq!(desk.post_json("/change-username", json!({"username": "joseph"})).await.status(), 200);
    app.mails().await;
    let reply = desk.get("/account/export").await;
    assert_eq!((reply.status(), reply.header("content-type")), (200, "application/json"));
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"account-2025-06-15.json\"");
    assert_eq!(reply.header("cache-control"), "private, no-store");
    let all = reply.json();
    assert_eq!(all["account"]["username"], "joseph");
    assert_eq!(
        (&all["account"]["recovery_codes_left"], &all["account"]["phone_number_of_second_factor"]),
        (&json!(2), &json!("+15551234567"))
    );
    assert_eq!(all["account"]["roles"], json!(["editor"]));
    assert_eq!(all["sessions"].as_array().unwrap().len(), 2);
    assert!(all["sessions"].to_string().contains("iPhone"));
    assert_eq!(all["activity"].as_array().unwrap().len(), 3);
    assert_eq!(all["messages"].as_array().unwrap().len(), 1);
    let user = app.user("joe@lp.com").await;
    let mut hidden = vec!["HIDDEN".to_owned(), user.fs_uniquifier.clone(), user.password.clone().unwrap()];
    hidden.extend(user.fs_webauthn_user_handle.clone());
    hidden.extend(app.store().sessions_of(user.id).await.unwrap().into_iter().map(|session| session.sid));
    for secret in hidden {
        assert!(!reply.text().contains(&secret), "{secret}");
    }
    assert_eq!(kinds(&mut desk).await[0], "data-exported");
    assert_eq!(phone.get_json("/account/export").await.json()["account"]["email"], "joe@lp.com");
    assert_eq!(phone.call("HEAD", "/account/export").send().await.status(), 200);
    assert_eq!(kinds(&mut desk).await.iter().filter(|kind| *kind == "data-exported").count(), 2);
}

#[tokio::test]
async fn who_has_not_confirmed_the_address_is_led_there() {
    let toml = "[security]\nconfirmable = true\nlogin_without_confirmation = true";
    let app = app().toml(toml).start().await;
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    let email = page(&mut browser).await["sections"][0]["rows"][0].take();
    assert_eq!(email["value"], "ACCOUNT_EMAIL_UNCONFIRMED");
    let urls: Vec<&str> = email["actions"].as_array().unwrap().iter().map(|a| a["url"].as_str().unwrap()).collect();
    assert_eq!(urls, ["/confirm?email=joe%40lp.com", "/change-email"]);
    let confirmed = lychgate::store::UserPatch { confirmed_at: Some(Some(app.now())), ..Default::default() };
    app.update("joe@lp.com", confirmed).await;
    let email = page(&mut browser).await["sections"][0]["rows"][0].take();
    assert_eq!(
        (email["value"].as_str(), email["actions"].as_array().unwrap().len()),
        (Some("ACCOUNT_EMAIL_CONFIRMED"), 1)
    );
}
