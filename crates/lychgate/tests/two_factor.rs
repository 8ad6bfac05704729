//! A second factor after the first.
#![allow(clippy::unwrap_used)]

use lychgate_testkit::{PASSWORD, TestApp};
use serde_json::json;

const ON: &str = r#"
[security]
two_factor = true
totp_issuer = "lychgate"
totp_secrets = { 1 = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
"#;

#[tokio::test]
async fn the_password_alone_signs_nobody_in_who_has_a_second_factor() {
    let app = TestApp::builder().toml(ON).start().await;
    let mut browser = app.browser();
    let token = browser.get_json("/login").await.csrf_token();
    let fields = json!({"email": "gal@lp.com", "password": PASSWORD, "csrf_token": token});
    let reply = browser.post_json("/login?include_auth_token", fields).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let mut response = reply.response();
    response.as_object_mut().unwrap().remove("csrf_token").unwrap();
    let asked = json!({
        "tf_required": true, "tf_method": "authenticator", "tf_primary_method": "authenticator", "tf_state": "ready",
    });
    assert_eq!(response, asked);
    assert_eq!(browser.who().await, "nobody");
    assert_eq!(browser.cookie("remember_token"), None);
    let session = app.session_of(&browser);
    assert_eq!(session["tf_state"].as_str(), Some("ready"));
    assert_eq!(session["tf_user_id"].as_str(), Some(app.user("gal@lp.com").await.fs_uniquifier.as_str()));
    // Back at the beginning it is forgotten.
    browser.get("/login").await;
    assert!(!app.session_of(&browser).contains_key("tf_user_id"));
}

#[tokio::test]
async fn everybody_may_have_to_set_one_up() {
    for rule in ["two_factor_required = true", "two_factor_required_roles = [\"editor\"]"] {
        let app = TestApp::builder().toml(&format!("{ON}{rule}\n")).start().await;
        let mut browser = app.browser();
        let token = browser.get_json("/login").await.csrf_token();
        let fields = json!({"email": "joe@lp.com", "password": PASSWORD, "csrf_token": token});
        let response = browser.post_json("/login", fields).await.response();
        assert_eq!(response["tf_state"], "setup_from_login", "{rule}");
        assert_eq!(browser.who().await, "nobody");
        let mut other = app.browser();
        let reply = other.call("GET", "/whoami").basic("joe@lp.com", PASSWORD).send().await;
        assert_eq!(reply.json()["email"], json!(null));
    }
    let app = TestApp::builder().toml(&format!("{ON}two_factor_required_roles = [\"editor\"]\n")).start().await;
    let mut browser = app.browser();
    browser.sign_in("matt@lp.com").await;
    assert_eq!(browser.who().await, "matt@lp.com");
}
