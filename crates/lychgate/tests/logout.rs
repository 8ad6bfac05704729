//! Signing out.
#![allow(clippy::unwrap_used)]

use lychgate::Event;
use lychgate_signing::session::Value;
use lychgate_testkit::{AppBuilder, Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::json;

fn app() -> AppBuilder {
    TestApp::builder().toml("[csrf]\nenabled = false")
}

#[rstest]
#[tokio::test]
async fn a_program_signs_out(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    drop(app.take_events());
    let reply = browser.post_json("/logout", json!({})).await;
    assert_eq!((reply.status(), reply.text()), (200, "{\"meta\":{\"code\":200},\"response\":{}}\n"));
    assert_eq!(reply.header("cache-control"), "private, no-store");
    assert_eq!(browser.who().await, "nobody");
    let user_id = app.user("joe@lp.com").await.id;
    let changed = Event::IdentityChanged { user_id: None, auth_type: None };
    assert_eq!(app.take_events(), [Event::UserSignedOut { user_id }, changed]);
}

#[tokio::test]
async fn a_person_signs_out_and_is_led_on() {
    let app = app().toml("[security]\npost_logout_view = \"/bye\"").start().await;
    for (path, field, leads_to) in [
        ("/logout", "", "/bye"),
        ("/logout", "/next", "/next"),
        ("/logout?next=/query", "", "/query"),
        ("/logout?next=/query", "/next", "/next"),
        ("/logout?next=//evil.com", "", "/bye"),
        ("/logout", "https://evil.com", "/bye"),
    ] {
        let mut browser = app.browser();
        browser.sign_in("joe@lp.com").await;
        assert_eq!(browser.post_form(path, &[("next", field)]).await.location(), leads_to, "{path} {field}");
        assert_eq!(browser.who().await, "nobody");
    }
}

#[tokio::test]
async fn strangers_may_sign_out_too() {
    let app = app().start().await;
    assert_eq!(app.browser().post_json("/logout", json!({})).await.status(), 200);
    assert_eq!(app.browser().post_form("/logout", &[]).await.location(), "/");
    assert_eq!(app.browser().call("POST", "/logout").send().await.location(), "/");
    assert_eq!(app.take_events(), []);
}

#[tokio::test]
async fn nothing_of_the_session_is_left_but_what_the_application_put_there() {
    let app = TestApp::builder().start().await;
    let mut browser = app.browser();
    let token = browser.sign_in("joe@lp.com").await;
    let mut session = app.session_of(&browser);
    session.insert("basket".to_owned(), Value::from("three apples"));
    session.insert("fs_gexp".to_owned(), Value::from(1_750_000_100));
    browser.set_cookie("session", &app.sessions().encode(&session, app.now().unix_timestamp()).unwrap());
    assert_eq!(browser.post_json("/logout", json!({"csrf_token": token})).await.status(), 200);
    let left = app.session_of(&browser);
    let names: Vec<&str> = left.keys().map(String::as_str).filter(|name| *name != "fs_cc").collect();
    assert_eq!(names, ["basket"]);
}

#[tokio::test]
async fn the_remember_cookie_goes_as_well() {
    let app = app().toml("[remember]\ncookie_path = \"/x\"\ncookie_domain = \"lp.com\"").start().await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let reply = browser.post_json("/logout", json!({})).await;
    let expected = "remember_token=; Domain=lp.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/x";
    assert_eq!(reply.set_cookie("remember_token"), Some(expected));
    assert_eq!(browser.cookie("remember_token"), None);
    let reply = browser.post_json("/logout", json!({})).await;
    assert_eq!(reply.set_cookie("remember_token"), None, "there is none to remove");
}

#[tokio::test]
async fn only_the_named_methods_sign_out() {
    let by_default = app().start().await;
    let mut browser = by_default.browser();
    browser.sign_in("joe@lp.com").await;
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        assert_eq!(browser.call(method, "/logout").send().await.status(), 405, "{method}");
        assert_eq!(browser.who().await, "joe@lp.com");
    }
    let by_link = app().toml("[security]\nlogout_methods = [\"GET\", \"POST\"]").start().await;
    let mut browser = by_link.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/logout").await.location(), "/");
    assert_eq!(browser.who().await, "nobody");
    let never = app().toml("[security]\nlogout_methods = []").start().await;
    assert_eq!(never.browser().post_json("/logout", json!({})).await.status(), 404);
    assert_eq!(never.browser().get("/login").await.status(), 200, "pages do without the link");
}

#[tokio::test]
async fn with_a_token_required_a_person_is_asked() {
    let app = TestApp::builder().toml("[security]\nlogout_csrf = true").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let refused = browser.post_json("/logout", json!({})).await;
    assert_eq!((refused.status(), refused.field_errors()), (400, json!({"csrf_token": ["CSRF_MISSING"]})));
    let page = browser.post_form("/logout", &[]).await;
    assert_eq!(page.status(), 200);
    assert_eq!(browser.who().await, "joe@lp.com");
    let token = page.csrf_token();
    assert!(page.text().contains("type=\"submit\""), "{}", page.text());
    assert_eq!(browser.post_form("/logout", &[("csrf_token", &token)]).await.location(), "/");
    assert_eq!(browser.who().await, "nobody");
}

#[tokio::test]
async fn every_page_offers_the_way_out() {
    let app = TestApp::builder().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let page = browser.get("/verify").await;
    assert!(page.text().contains(r#"<form action="/logout" method="post" name="logout_form">"#), "{}", page.text());
}
