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
