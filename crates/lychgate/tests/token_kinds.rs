//! Every kind of secret at every door: each opens its own, and no other.
#![allow(clippy::unwrap_used)]

use lychgate::store::UserPatch;
use lychgate_signing::{
    KeyRing,
    tokens::{KnownDevice, KnownDevicePayload, Passwordless, PasswordlessPayload, TokenCodec},
};
use lychgate_testkit::{Browser, PASSWORD, TestApp};
use serde_json::json;

const ON: &str = r#"
[security]
api_keys = true
api_enabled_methods = ["session", "token", "api_key"]
refresh_token = true
refresh_token_cookie_name = false
token_query_enabled = true
confirmable = true
recoverable = true
login_without_confirmation = true
[csrf]
enabled = false
"#;

/// Whom the application takes this browser for, or a program that sends these headers.
async fn is_somebody(mut browser: Browser, headers: &[(&str, &str)], path: &str) -> bool {
    let call = headers.iter().fold(browser.call("GET", path), |call, (name, value)| call.header(name, value));
    call.send().await.json()["email"].is_string()
}

async fn opens(app: &TestApp, door: &str, secret: &str) -> bool {
    let mut browser = app.browser();
    let in_path = secret.replace('|', "%7C");
    match door {
        "auth token" => is_somebody(browser, &[("authentication-token", secret)], "/whoami").await,
        "auth token in the query" => is_somebody(browser, &[], &format!("/whoami?auth_token={in_path}")).await,
        "auth token in the body" => {
            browser.post_json("/whoami", json!({"auth_token": secret})).await.json()["email"].is_string()
        }
        "api key" => is_somebody(browser, &[("authorization", &format!("Bearer {secret}"))], "/whoami").await,
        "api key in its header" => is_somebody(browser, &[("x-api-key", secret)], "/whoami").await,
        "session" | "remember" => {
            browser.set_cookie(if door == "session" { "session" } else { "remember_token" }, secret);
            is_somebody(browser, &[], "/whoami").await
        }
        "refresh token" => browser.post_json("/refresh-token", json!({"refresh_token": secret})).await.status() == 200,
        "confirmation" => {
            app.update("joe@lp.com", UserPatch { confirmed_at: Some(None), ..UserPatch::default() }).await;
            browser.get(&format!("/confirm/{in_path}")).await;
            app.user("joe@lp.com").await.confirmed_at.is_some()
        }
        "recovery" => browser.get_json(&format!("/reset/{in_path}")).await.status() == 200,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn each_opens_its_own_door() {
    let app = TestApp::builder().toml(ON).start().await;
    let mut joe = app.browser();
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true});
    let user = joe.post_json("/login?include_auth_token", fields).await.response()["user"].take();
    let text = |name: &str| user[name].as_str().unwrap().to_owned();
    let key = joe.post_json("/account/keys", json!({"name": "n"})).await.response()["key"].as_str().unwrap().to_owned();
    let csrf = joe.get_json("/account/keys").await.csrf_token();
    app.mails().await;
    let path_of = |link: String| link.rsplit('/').next().unwrap().to_owned();
    app.update("joe@lp.com", UserPatch { confirmed_at: Some(None), ..UserPatch::default() }).await;
    app.browser().post_json("/confirm", json!({"email": "joe@lp.com"})).await;
    let confirmation = path_of(app.mailed_link("/confirm").await);
    app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let recovery = path_of(app.mailed_link("/reset").await);
    // Of kinds whose doors are not in this house, but with the same keys.
    let keys = KeyRing::new(app.gate().settings().text("secret_key")).unwrap();
    let uniquifier = app.user("joe@lp.com").await.fs_uniquifier.clone();
    let now = app.now().unix_timestamp();
    let sign_in = PasswordlessPayload { user: uniquifier.clone() };
    let sign_in = TokenCodec::<Passwordless>::with_defaults(&keys).mint(&sign_in, now).unwrap().into_string();
    let device = KnownDevicePayload { users: vec![uniquifier] };
    let device = TokenCodec::<KnownDevice>::with_defaults(&keys).mint(&device, now).unwrap().into_string();
    let cookie = |name: &str| joe.cookie(name).unwrap().to_owned();
    let secrets = [
        ("auth token", text("authentication_token")),
        ("refresh token", text("refresh_token")),
        ("api key", key),
        ("session", cookie("session")),
        ("remember", cookie("remember_token")),
        ("confirmation", confirmation),
        ("recovery", recovery),
        ("csrf", csrf),
        ("sign-in link", sign_in),
        ("known device", device),
    ];
    for door in [
        "auth token",
        "auth token in the query",
        "auth token in the body",
        "api key",
        "api key in its header",
        "session",
        "remember",
        "refresh token",
        "confirmation",
        "recovery",
    ] {
        for (kind, secret) in &secrets {
            assert_eq!(opens(&app, door, secret).await, door.starts_with(kind), "{kind} at the door of {door}");
        }
    }
}
