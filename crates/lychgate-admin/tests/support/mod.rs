//! An application with the panel, and an administrator in it.
#![allow(dead_code, unreachable_pub)]

use lychgate_testkit::{Browser, Reply, TestApp};
use serde_json::Value;

pub async fn panel(toml: &str) -> TestApp {
    TestApp::builder().toml(toml).mount(lychgate_admin::routes).start().await
}

/// The administrator's browser and CSRF token.
pub async fn admin(app: &TestApp) -> (Browser, String) {
    let mut browser = app.browser();
    let token = browser.sign_in("matt@lp.com").await;
    (browser, token)
}

pub async fn id_of(app: &TestApp, email: &str) -> i64 {
    app.user(email).await.id
}

/// Sends JSON with the token in it.
pub async fn change(browser: &mut Browser, path: &str, token: &str, mut body: Value) -> Reply {
    body["csrf_token"] = token.into();
    let call = browser.call("POST", path).header("accept", "application/json").header("x-csrftoken", token);
    call.json(&body).send().await
}

/// Sends a form with the token in it.
pub async fn post(browser: &mut Browser, path: &str, token: &str, fields: &[(&str, &str)]) -> Reply {
    let mut all = vec![("csrf_token", token)];
    all.extend_from_slice(fields);
    browser.call("POST", path).header("x-csrftoken", token).form(&all).send().await
}
