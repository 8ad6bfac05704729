//! Letters that tell the owner of an account what happened to it.
#![allow(clippy::unwrap_used)]

use lychgate::mail::Message;
use lychgate_testkit::{AppBuilder, PASSWORD, TestApp};
use serde_json::json;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0";
const NEW_PASSWORD: &str = "nobody guesses this phrase";

fn app() -> AppBuilder {
    TestApp::builder().toml(
        "[security]\nchangeable = true\nrecoverable = true\nchange_username = true\nusername_enable = true\n\
         change_email = true\nsend_email_change_notice = true\n[csrf]\nenabled = false",
    )
}

async fn change_password(app: &TestApp, user_agent: &str) -> Message {
    let mut browser = app.browser();
    browser.user_agent = user_agent.to_owned();
    browser.sign_in("joe@lp.com").await;
    let fields = json!({"password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD});
    assert_eq!(browser.post_json("/change", fields).await.status(), 200);
    app.mails().await.remove(0)
}

#[tokio::test]
async fn a_notice_says_which_device_from_where_and_when() {
    let app = app().start().await;
    let mail = change_password(&app, FIREFOX).await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("joe@lp.com", "Your password has been changed"));
    for part in [mail.text.unwrap(), mail.html.unwrap()] {
        for fact in ["Firefox on Linux", "127.0.0.1", "15 June 2025, 15:06 UTC"] {
            assert!(part.contains(fact), "{fact}: {part}");
        }
    }
}

#[tokio::test]
async fn what_a_client_calls_itself_is_not_repeated() {
    let app = app().start().await;
    let text = change_password(&app, "<b>\u{fc} Your bank: call 555-0100 https://evil.example").await.text.unwrap();
    assert!(text.contains("Device: an unknown device\n") && !text.contains("evil"), "{text}");
}

#[tokio::test]
async fn both_addresses_hear_of_a_move() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    browser.post_json("/change-email", json!({"email": "new@lp.com"})).await;
    let link = app.mailed_link("/change-email").await;
    browser.get(&link).await;
    let mails = app.mails().await;
    let text_to = |to: &str| mails.iter().find(|mail| mail.to == to).unwrap().text.clone().unwrap();
    assert!(text_to("joe@lp.com").contains("New address: new@lp.com"));
    let new = text_to("new@lp.com");
    assert!(new.contains("from now on") && !new.contains("If this was"), "{new}");
}

#[tokio::test]
async fn a_username_and_a_reset_are_told() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.post_json("/change-username", json!({"username": "joseph"})).await.status(), 200);
    let mail = app.mails().await.remove(0);
    assert!(mail.text.unwrap().contains("is now joseph."));
    browser.post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let link = app.mailed_link("/reset").await;
    browser.post_json(&link, json!({"password": NEW_PASSWORD, "password_confirm": NEW_PASSWORD})).await;
    let mail = app.mails().await.remove(0);
    assert_eq!(mail.subject, "Your password has been reset");
    assert!(mail.text.unwrap().contains("Place: 127.0.0.1"));
}

#[tokio::test]
async fn settings_switch_notices_off() {
    let off = "[security]\nsend_password_change_email = false\nsend_username_change_email = false";
    let app = app().toml(off).start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    browser.post_json("/change-username", json!({"username": "joseph"})).await;
    let fields = json!({"password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD});
    assert_eq!(browser.post_json("/change", fields).await.status(), 200);
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn a_host_that_cannot_stand_in_a_link_gets_no_mail_written() {
    let app = app().toml("[security]\nregisterable = true\nconfirmable = true").start().await;
    for path in ["/reset", "/confirm", "/register", "/login", "/change-email", "/change"] {
        let mut browser = app.browser();
        let call = browser.call("POST", path).header("accept", "application/json");
        let reply = call.json(&json!({"email": "joe@lp.com"})).send().await;
        assert_ne!(reply.json()["response"]["errors"], json!(["API_ERROR"]), "{path}: this host is fine");
        app.mails().await;
        let request =
            http::Request::post(path).header("host", "evil\".example/x").header("content-type", "application/json");
        let request = request.body(axum::body::Body::from(r#"{"email": "joe@lp.com"}"#)).unwrap();
        let router = app.gate().mount(axum::Router::new().merge(app.gate().routes()).layer(app.gate().layer()));
        let reply = tower::ServiceExt::oneshot(router, request).await.unwrap();
        assert_eq!(reply.status(), 400, "{path}");
        assert!(app.mails().await.is_empty(), "{path}");
    }
}

/// The subjects of the mails since the last call.
async fn subjects(app: &TestApp) -> Vec<String> {
    app.mails().await.into_iter().map(|mail| mail.subject).collect()
}

fn with_devices() -> AppBuilder {
    app().toml("[security]\nnotify_new_device = true\nregisterable = true")
}

const NEW_DEVICE: &str = "New sign-in to your account";

#[tokio::test]
async fn a_browser_that_is_new_to_the_account_is_told_of() {
    let app = with_devices().start().await;
    let mut first = app.browser();
    first.sign_in("joe@lp.com").await;
    assert!(subjects(&app).await.is_empty(), "the first sign-in of all is no news");
    first.peer = ([10, 0, 0, 9], 1).into();
    first.user_agent = "something else".to_owned();
    first.drop_cookie("session");
    first.sign_in("joe@lp.com").await;
    assert!(subjects(&app).await.is_empty(), "a known browser may move and change its name");
    let mut second = app.browser();
    second.user_agent = FIREFOX.to_owned();
    second.sign_in("joe@lp.com").await;
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str(), mails[0].subject.as_str()), (1, "joe@lp.com", NEW_DEVICE));
    assert!(mails[0].text.as_deref().unwrap().contains("Device: Firefox on Linux\nPlace: 127.0.0.1\n"));
    second.drop_cookie("session");
    second.sign_in("joe@lp.com").await;
    assert!(subjects(&app).await.is_empty());
}

#[tokio::test]
async fn the_cookie_of_a_device_is_for_the_account_that_earned_it() {
    let app = with_devices().start().await;
    for email in ["joe@lp.com", "matt@lp.com"] {
        app.browser().sign_in(email).await;
    }
    app.mails().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(subjects(&app).await, [NEW_DEVICE]);
    let token = browser.get_json("/login").await.csrf_token();
    browser.call("POST", "/logout").header("x-csrftoken", &token).send().await;
    browser.sign_in("matt@lp.com").await;
    assert_eq!(subjects(&app).await, [NEW_DEVICE], "joe's browser is new to matt");
    for bad in ["nonsense", &format!("{}x", browser.cookie("known_device").unwrap())] {
        app.advance(86_400);
        let mut other = app.browser();
        other.set_cookie("known_device", bad);
        other.sign_in("joe@lp.com").await;
        assert_eq!(subjects(&app).await, [NEW_DEVICE], "{bad}");
    }
    app.advance(366 * 86_400);
    browser.drop_cookie("session");
    browser.sign_in("matt@lp.com").await;
    assert_eq!(subjects(&app).await, [NEW_DEVICE], "a year later it is forgotten");
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites() {
    let app = with_devices().toml("[session]\ncookie_secure = true\ncookie_path = \"/app\"").start().await;
    let mut browser = app.browser();
    let reply = browser.post_json("/login", json!({"email": "joe@lp.com", "password": PASSWORD})).await;
    let cookie = reply.set_cookies().into_iter().find(|cookie| cookie.starts_with("known_device=")).unwrap().to_owned();
    for attribute in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/app", "; Expires=Mon, 15 Jun 2026 "] {
        assert!(cookie.contains(attribute), "{attribute}: {cookie}");
    }
    let email = app.user("joe@lp.com").await.fs_uniquifier.clone();
    assert!(!cookie.contains(&email));
}

#[tokio::test]
async fn people_who_have_just_registered_are_not_told_of_themselves() {
    let app = with_devices().start().await;
    let mut browser = app.browser();
    let fields = json!({"email": "new@lp.com", "password": NEW_PASSWORD, "password_confirm": NEW_PASSWORD});
    assert_eq!(browser.post_json("/register", fields).await.status(), 200);
    assert_eq!(subjects(&app).await, ["Welcome"]);
    let mut other = app.browser();
    other.sign_in_with(json!({"email": "new@lp.com", "password": NEW_PASSWORD})).await;
    assert_eq!(subjects(&app).await, [NEW_DEVICE]);
}

#[tokio::test]
async fn programs_without_cookies_bring_one_letter_a_day() {
    let app = with_devices().start().await;
    app.browser().sign_in("joe@lp.com").await;
    for _ in 0..5 {
        app.browser().sign_in("joe@lp.com").await;
    }
    assert_eq!(subjects(&app).await, [NEW_DEVICE]);
    app.advance(86_400);
    app.browser().sign_in("joe@lp.com").await;
    assert_eq!(subjects(&app).await, [NEW_DEVICE]);
}

#[tokio::test]
async fn one_browser_is_known_to_a_few_people_only() {
    let app = with_devices().start().await;
    let mut browser = app.browser();
    for n in 0..9 {
        let mut new = lychgate::store::NewUser::new(format!("u{n}@lp.com"), format!("u{n}"));
        new.password = app.user("joe@lp.com").await.password.clone();
        app.store().create_user(new, app.now()).await.unwrap();
        browser.drop_cookie("session");
        browser.sign_in(&format!("u{n}@lp.com")).await;
    }
    assert!(browser.cookie("known_device").unwrap().len() < 400);
    for (email, told) in [("u8@lp.com", 0), ("u0@lp.com", 1)] {
        browser.drop_cookie("session");
        browser.sign_in(email).await;
        assert_eq!(subjects(&app).await.len(), told, "{email}");
    }
}

#[tokio::test]
async fn the_flask_profile_keeps_no_cookie_of_devices() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    app.browser().sign_in("joe@lp.com").await;
    assert!(browser.cookie("known_device").is_none() && app.mails().await.is_empty());
}

#[tokio::test]
async fn a_letter_that_cannot_be_written_keeps_nobody_out() {
    let broken = |builder: lychgate::Builder| {
        builder.template("security/email/new_device_notice.txt", "{% include 'nowhere' %}")
    };
    let app = with_devices().configure(broken).start().await;
    app.browser().sign_in("joe@lp.com").await;
    app.browser().sign_in("joe@lp.com").await;
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn once_it_was_not_them_every_device_is_new() {
    let app = with_devices().toml("[security]\nnot_me = true").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    app.browser().sign_in("joe@lp.com").await;
    let link = app.mailed_link("/not-me").await;
    assert_eq!(app.browser().post_json(&link, json!({})).await.status(), 200);
    let reset = app.mailed_link("/reset").await;
    browser.drop_cookie("session");
    browser.post_json(&reset, json!({"password": NEW_PASSWORD, "password_confirm": NEW_PASSWORD})).await;
    app.mails().await;
    app.advance(86_400);
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": NEW_PASSWORD})).await;
    assert_eq!(subjects(&app).await, [NEW_DEVICE]);
}

/// The text of a letter without what differs each time.
fn fixed(mail: &Message) -> String {
    let words = mail.text.as_deref().unwrap().split('\n').map(|line| match line.split_once("/not-me/") {
        Some((before, _)) => format!("{before}/not-me/TOKEN"),
        None => match line.split_once("/reset/") {
            Some((before, _)) => format!("{before}/reset/TOKEN"),
            None => line.to_owned(),
        },
    });
    format!("To: {}\nSubject: {}\n\n{}", mail.to, mail.subject, words.collect::<Vec<_>>().join("\n"))
}

#[tokio::test]
async fn the_letters() {
    let on = "[security]\nnotify_new_device = true\nnot_me = true";
    let app = app().real_texts().toml("app_name = \"Sample\"").toml(on).start().await;
    let mut letters = Vec::new();
    let mut browser = app.browser();
    browser.user_agent = FIREFOX.to_owned();
    app.browser().sign_in("joe@lp.com").await;
    browser.sign_in("joe@lp.com").await;
    letters.extend(app.mails().await);
    browser.post_json("/change-username", json!({"username": "joseph"})).await;
    letters.extend(app.mails().await);
    let fields = json!({"password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD});
    browser.post_json("/change", fields).await;
    letters.extend(app.mails().await);
    browser.post_json("/change-email", json!({"email": "new@lp.com"})).await;
    let link = app.mailed_link("/change-email").await;
    browser.get(&link).await;
    let moved = app.mails().await;
    let old = moved.iter().find(|mail| mail.to == "joe@lp.com").unwrap();
    let not_me = lychgate_testkit::link_in(old, "/not-me").unwrap();
    letters.extend(moved);
    app.browser().post_json(&not_me, json!({})).await;
    letters.extend(app.mails().await);
    let text: Vec<String> = letters.iter().map(fixed).collect();
    insta::assert_snapshot!("letters", text.join("\n\n----\n\n"));
}
