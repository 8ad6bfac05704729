//! An application with passkeys, and both steps of each ceremony.

use lychgate::store::Credential;
use lychgate_testkit::{AppBuilder, Authenticator, Browser, Lies, Reply, TestApp};
use serde_json::{Value, json};

pub(crate) const HERE: &str = "http://localhost";

pub(crate) fn app() -> AppBuilder {
    TestApp::builder().toml("[security]\nwebauthn = true\nwan_rp_name = \"Tests\"\n[csrf]\nenabled = false")
}

pub(crate) async fn signed_in(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(email).await;
    browser
}

/// The path of the second step.
pub(crate) fn second(page: &str, first: &Value) -> String {
    format!("{page}/{}", first["wan_state"].as_str().unwrap())
}

pub(crate) async fn begin(browser: &mut Browser, page: &str, body: Value) -> Value {
    let reply = browser.post_json(page, body).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    reply.response()
}

/// Registers a passkey of this usage for whoever is signed in.
pub(crate) async fn register(browser: &mut Browser, device: &mut Authenticator, name: &str, usage: &str) {
    let first = begin(browser, "/wan-register", json!({"name": name, "usage": usage})).await;
    let made = device.create(&first["credential_options"], HERE).unwrap();
    let reply = browser.post_json(&second("/wan-register", &first), json!({"credential": made})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
}

/// A device with a passkey of this usage for a user.
pub(crate) async fn device_of(app: &TestApp, email: &str, usage: &str) -> Authenticator {
    let mut device = Authenticator::default();
    register(&mut signed_in(app, email).await, &mut device, "key", usage).await;
    device
}

/// Both steps of a sign-in, with lies if so wished.
pub(crate) async fn sign_in_with(browser: &mut Browser, device: &mut Authenticator, lies: &Lies) -> Reply {
    let first = begin(browser, "/wan-signin", json!({})).await;
    let used = device.get_with(&first["credential_options"], HERE, lies).unwrap();
    browser.post_json(&second("/wan-signin", &first), json!({"credential": used})).await
}

pub(crate) async fn sign_in(browser: &mut Browser, device: &mut Authenticator) -> Reply {
    sign_in_with(browser, device, &Lies::default()).await
}

#[track_caller]
pub(crate) fn refused(reply: &Reply, field: &str, message: &str) {
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({field: [message]})), "{}", reply.text());
}

pub(crate) async fn passkeys_of(app: &TestApp, email: &str) -> Vec<Credential> {
    app.store().credentials_of(app.user(email).await.id).await.unwrap()
}

pub(crate) fn first_id(device: &Authenticator) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(&device.keys[0].id)
}

/// What a page hands to the script.
pub(crate) fn call(page: &Reply, function: &str) -> Value {
    let text = page.text().split(&format!("{function}('")).nth(1).unwrap().split("')").next().unwrap();
    serde_json::from_str(text).unwrap()
}

pub(crate) fn action(page: &Reply) -> String {
    page.text().split("<form action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}
