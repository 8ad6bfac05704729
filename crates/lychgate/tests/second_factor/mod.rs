//! What the tests of second factors share.
#![allow(dead_code)] // each file uses some of it

use lychgate::store::UserPatch;
use lychgate_otp::{Key, Totp};
use lychgate_testkit::{Browser, PASSWORD, Reply, TestApp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) const ON: &str = r#"
[csrf]
enabled = false
[security]
recoverable = false
two_factor = true
totp_issuer = "lychgate"
totp_secrets = { 1 = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
"#;

/// A key as the reference stores it under that secret.
pub(crate) const STORED: &str = concat!(
    r#"{"enckey":{"c":14,"k":"M5ZV7D5IRESWMXDFDU3TRBUGFTG5H23F","s":"AAAQEAYEAUDAOCAJBIFQ","t":"1","v":1},"#,
    r#""type":"totp","v":1}"#
);

const KEY: &[u8; 20] = b"12345678901234567890";

/// An application with second factors; `more` are settings, first those of the table `security`.
pub(crate) async fn app(more: &str) -> TestApp {
    // The profile stands above all tables.
    let (top, more) = match more.strip_prefix("profile = ") {
        Some(rest) => {
            let (profile, rest) = rest.split_once('\n').unwrap();
            (format!("profile = {profile}\n"), rest)
        }
        None => (String::new(), more),
    };
    let more = if more.starts_with('[') { more.to_owned() } else { format!("[security]\n{more}") };
    TestApp::builder().toml(ON).toml(&top).toml(&more).start().await
}

/// Gives a user a second factor.
pub(crate) async fn enrol(app: &TestApp, email: &str, method: &str) {
    let patch = UserPatch {
        tf_primary_method: Some(Some(method.to_owned())),
        tf_totp_secret: Some(Some(STORED.to_owned())),
        ..UserPatch::default()
    };
    app.update(email, patch).await;
}

/// The code of that key, so many seconds from now.
pub(crate) fn code(app: &TestApp, offset: i64) -> String {
    let at = u64::try_from(app.now().unix_timestamp() + offset).unwrap();
    Totp::new(Key::new(*KEY).unwrap()).code_at(at).as_str().to_owned()
}

/// The name under which the database remembers codes of that key.
pub(crate) fn mark_of_key() -> String {
    let digest = Sha256::new().chain_update("one-time codes\0").chain_update(KEY).finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// What a reply says, without the CSRF token.
pub(crate) fn plain(reply: &Reply) -> Value {
    let mut response = reply.response();
    assert!(response.as_object_mut().unwrap().remove("csrf_token").is_some(), "{}", reply.text());
    response
}

/// Signs in as far as the second factor.
pub(crate) async fn begin_as(browser: &mut Browser, email: &str) -> Value {
    let reply = browser.post_json("/login", json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let asked = plain(&reply);
    assert_eq!(asked["tf_required"], true, "{asked}");
    asked
}

/// A browser that waits for the second factor.
pub(crate) async fn begin(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.browser();
    begin_as(&mut browser, email).await;
    browser
}

/// The status of the reply to a code.
pub(crate) async fn validate(browser: &mut Browser, code: &str) -> u16 {
    browser.post_json("/tf-validate", json!({"code": code})).await.status()
}
