//! What the tests of unified sign-in share.
#![allow(dead_code)] // each file uses some of it

use lychgate::{mail::Message, store::UserPatch};
use lychgate_otp::{Key, MethodSecrets, Totp};
use lychgate_testkit::{Database, Reply, TestApp};
use serde_json::Value;

pub(crate) const ON: &str = r#"
[csrf]
enabled = false
[security]
recoverable = false
unified_signin = true
totp_issuer = "lychgate"
totp_secrets = { 1 = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
user_identity_attributes = [
    {email = {mapper = "uia_email_mapper", case_insensitive = true}},
    {us_phone_number = {mapper = "uia_phone_mapper"}},
]
"#;

/// A key as the reference stores it under that secret.
pub(crate) const STORED: &str = concat!(
    r#"{"enckey":{"c":14,"k":"M5ZV7D5IRESWMXDFDU3TRBUGFTG5H23F","s":"AAAQEAYEAUDAOCAJBIFQ","t":"1","v":1},"#,
    r#""type":"totp","v":1}"#
);

/// An application with unified sign-in; `more` are settings, first those of the table `security`.
pub(crate) async fn app(more: &str) -> TestApp {
    app_on(Database::Sqlite, more).await
}

pub(crate) async fn app_on(database: Database, more: &str) -> TestApp {
    // The profile stands above all tables.
    let (top, more) = match more.strip_prefix("profile = ") {
        Some(rest) => {
            let (profile, rest) = rest.split_once('\n').unwrap();
            (format!("profile = {profile}\n"), rest)
        }
        None => (String::new(), more),
    };
    let (top, more) = match more.strip_prefix("delivery = ") {
        Some(rest) => {
            let (delivery, rest) = rest.split_once('\n').unwrap();
            (format!("{top}delivery = {delivery}\n"), rest)
        }
        None => (top, more),
    };
    TestApp::builder().on(database).toml(ON).toml(&top).toml(&format!("[security]\n{more}")).start().await
}

/// Gives a user these kinds of code, all of one key.
pub(crate) async fn enrol(app: &TestApp, email: &str, methods: &[&str]) {
    let mut secrets = MethodSecrets::default();
    for method in methods {
        secrets.set(*method, STORED);
    }
    app.update(email, UserPatch { us_totp_secrets: Some(secrets.to_column()), ..UserPatch::default() }).await;
}

/// Gives a user every kind of code, those that are sent by keys of their own, and joe a number.
pub(crate) async fn enrol_all(app: &TestApp, email: &str) {
    let wallet = lychgate_otp::Wallet::new([("1", "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B")]).unwrap();
    let new = || wallet.encrypt(&Totp::new(Key::generate().unwrap())).unwrap();
    let mut secrets = MethodSecrets::default();
    secrets.set("email", new());
    secrets.set("sms", new());
    secrets.set("authenticator", STORED);
    let number = (email == "joe@lp.com").then(|| "+16505551212".to_owned());
    let patch =
        UserPatch { us_totp_secrets: Some(secrets.to_column()), us_phone_number: Some(number), ..UserPatch::default() };
    app.update(email, patch).await;
}

/// The code of that key, so many seconds from now.
pub(crate) fn app_code(app: &TestApp, offset: i64) -> String {
    let at = u64::try_from(app.now().unix_timestamp() + offset).unwrap();
    Totp::new(Key::new(*b"12345678901234567890").unwrap()).code_at(at).as_str().to_owned()
}

/// The code in a mail.
pub(crate) fn code_of(mail: &Message) -> String {
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    mail.text.as_ref().unwrap().split_whitespace().find(is_code).unwrap().to_owned()
}

/// The code in the newest mail.
pub(crate) async fn mailed_code(app: &TestApp) -> String {
    code_of(app.mails().await.last().unwrap())
}

/// What a reply says, without the CSRF token.
pub(crate) fn plain(reply: &Reply) -> Value {
    let mut response = reply.response();
    assert!(response.as_object_mut().unwrap().remove("csrf_token").is_some(), "{}", reply.text());
    response
}
