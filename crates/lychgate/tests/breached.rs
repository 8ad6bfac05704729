//! Passwords known from breaches are refused: at registration, at a reset, at a change.
#![allow(clippy::unwrap_used)]

use axum::{Router, extract::Path, routing::get};
use lychgate_testkit::{AppBuilder, TestApp};
use rstest::rstest;
use serde_json::{Value, json};

/// Its SHA-1 is CBFDAC6008F9CAB4083784CBD1874F76618D2A97.
const KNOWN: &str = "password123";
const UNKNOWN: &str = "nobody guesses this phrase";

/// A service that knows one password, seen 5 times, and answers every question with `status`.
async fn service(status: u16) -> String {
    let answer = move |Path(prefix): Path<String>| async move {
        assert_eq!(prefix.len(), 5, "no more than five digits are told");
        let known = if prefix == "CBFDA" { "C6008F9CAB4083784CBD1874F76618D2A97:5\r\n" } else { "" };
        let body = format!("\u{feff}0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n{known}");
        (http::StatusCode::from_u16(status).unwrap(), body)
    };
    let router = Router::new().route("/range/{prefix}", get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/range/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

fn app(url: &str, more: &str) -> AppBuilder {
    TestApp::builder().toml("[csrf]\nenabled = false").toml(&format!(
        "[security]\nregisterable = true\nchangeable = true\nrecoverable = true\npassword_breached_url = \"{url}\"\n{more}"
    ))
}

async fn register(app: &TestApp, password: &str) -> (u16, Value) {
    let fields = json!({"email": "new@lp.com", "password": password, "password_confirm": password});
    let reply = app.browser().post_json("/register", fields).await;
    (reply.status(), if reply.status() == 200 { Value::Null } else { reply.field_errors() })
}

#[rstest]
#[case("password_check_breached = \"best-effort\"", 200, KNOWN, Some("PASSWORD_BREACHED"))]
#[case("password_check_breached = \"strict\"", 200, KNOWN, Some("PASSWORD_BREACHED"))]
#[case("password_check_breached = \"strict\"", 200, UNKNOWN, None)]
#[case("password_check_breached = \"strict\"\npassword_breached_count = 5", 200, KNOWN, Some("PASSWORD_BREACHED"))]
#[case("password_check_breached = \"strict\"\npassword_breached_count = 6", 200, KNOWN, None)]
#[case("password_check_breached = \"best-effort\"", 503, KNOWN, None)]
#[case("password_check_breached = \"strict\"", 503, UNKNOWN, Some("PASSWORD_BREACHED_SITE_ERROR"))]
#[case("password_check_breached = false", 200, KNOWN, None)]
#[case("password_check_breached = \"strict\"\npassword_length_min = 12", 503, "short", Some("PASSWORD_INVALID_LENGTH"))]
#[tokio::test]
async fn a_service_is_asked(
    #[case] settings: &str,
    #[case] status: u16,
    #[case] password: &str,
    #[case] error: Option<&str>,
) {
    let app = app(&service(status).await, settings).empty().start().await;
    let expected = error.map_or((200, Value::Null), |error| (400, json!({"password": [error]})));
    assert_eq!(register(&app, password).await, expected);
}

#[tokio::test]
async fn a_service_that_is_not_there_matters_only_where_it_must() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/range/", listener.local_addr().unwrap());
    drop(listener);
    let strict = app(&url, "password_check_breached = \"strict\"").empty().start().await;
    assert_eq!(register(&strict, UNKNOWN).await, (400, json!({"password": ["PASSWORD_BREACHED_SITE_ERROR"]})));
    let eager = app(&url, "password_check_breached = \"best-effort\"").start().await;
    assert_eq!(register(&eager, UNKNOWN).await.0, 200);
}

#[tokio::test]
async fn changed_passwords_are_compared_as_well() {
    let app = app(&service(200).await, "password_check_breached = \"strict\"").start().await;
    let mut browser = app.browser();
    browser.post_json("/login", json!({"email": "joe@lp.com", "password": "password"})).await;
    let fields = json!({"password": "password", "new_password": KNOWN, "new_password_confirm": KNOWN});
    let reply = browser.post_json("/change", fields).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"new_password": ["PASSWORD_BREACHED"]})));
    assert_eq!(app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await.status(), 200);
    let path = app.mailed_link("/reset").await;
    let reply = app.browser().post_json(&path, json!({"password": KNOWN, "password_confirm": KNOWN})).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"password": ["PASSWORD_BREACHED"]})));
}
