//! T24: no secret reaches a log, an error page, the audit log or a figure.

use std::{sync::LazyLock, time::Duration};

use lychgate::store::AuditQuery;
use lychgate_otp::{Key, Totp};
use lychgate_testkit::{Authenticator, Browser, PASSWORD, Reply, TestApp, link_in};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};

use crate::{LOGGING, log};

const ON: &str = r#"
secret_key = "canary-key-of-the-application-0123456789"
[security]
password_salt = "canary-salt-of-the-application-012345678"
audit = true
registerable = true
recoverable = true
confirmable = false
changeable = true
account = true
api_keys = true
api_enabled_methods = ["session", "token", "api_key", "basic"]
webauthn = true
wan_rp_name = "Tests"
two_factor = true
multi_factor_recovery_codes = true
totp_issuer = "lychgate"
totp_secrets = { 1 = "canaryTjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxX" }
freshness = "1 hour"
[jwt]
enabled = true
authenticate_reply = "json"
authenticate_refresh = true
[csrf]
enabled = false
"#;

/// Secrets that were seen, and what clients were told when something was wrong.
#[derive(Default)]
struct Watch {
    secrets: Vec<(String, String)>,
    told: Vec<String>,
}

impl Watch {
    fn secret(&mut self, what: &str, secret: impl Into<String>) -> String {
        let secret = secret.into();
        assert!(secret.len() >= 10, "{what}: too short to be looked for");
        self.secrets.push((what.to_owned(), secret.clone()));
        secret
    }

    fn cookies(&mut self, browser: &Browser) {
        for name in ["session", "remember_token"] {
            if let Some(cookie) = browser.cookie(name) {
                self.secret(name, cookie);
            }
        }
    }

    /// Remembers an error as the client sees it; it must be one.
    fn refused(&mut self, reply: &Reply) {
        assert!(reply.status() >= 400, "{}", reply.text());
        self.told.push(reply.text().to_owned());
    }

    fn look_at(&self, place: &str, text: &str) {
        for (what, secret) in &self.secrets {
            if let Some(at) = text.find(secret.as_str()) {
                let from = text[..at].rfind('\n').map_or(0, |at| at + 1);
                let to = text[at..].find('\n').map_or(text.len(), |end| at + end);
                panic!("{what} is in {place}: {}", &text[from..to]);
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn ok(reply: Reply) -> Value {
    assert_eq!(reply.status(), 200, "{}", reply.text());
    reply.response()
}

#[tokio::test]
async fn no_secret_is_told() {
    LazyLock::force(&LOGGING);
    let recorder = PrometheusBuilder::new().build_recorder();
    let figures = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let app = TestApp::builder().toml(ON).start().await;
    let mut seen = Watch::default();
    seen.secret("secret_key", "canary-key-of-the-application-0123456789");
    seen.secret("password_salt", "canary-salt-of-the-application-012345678");
    seen.secret("totp_secrets", "canaryTjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxX");
    wrong_input(&app, &mut seen).await;
    let mut browser = sign_up_and_reset(&app, &mut seen).await;
    tokens_and_keys(&app, &mut browser, &mut seen).await;
    second_factors(&app, &mut browser, &mut seen).await;
    app.gate().audit().settled().await;
    app.gate().measure(Duration::from_secs(30)).await;
    let query = AuditQuery { limit: 1000, ..AuditQuery::default() };
    let audit = app.gate().audit().page(&query).await.unwrap();
    assert!(audit.len() > 10, "{audit:?}");
    let log = log();
    assert!(log.lines().count() > 20, "{log}");
    seen.look_at("the log", &log);
    seen.look_at("the audit log", &format!("{audit:?}"));
    seen.look_at("the figures", &figures.render());
    // The session's own cookie and token are no secret from who asks; what was typed is not said again.
    for told in &seen.told {
        seen.look_at("an error page", told);
    }
    // The gate itself, as a crash would print it.
    seen.look_at("Debug", &format!("{:?} {:?} {:?}", app.gate(), app.gate().settings(), app.store()));
}

/// Secrets where they do not belong.
async fn wrong_input(app: &TestApp, seen: &mut Watch) {
    let mut browser = app.browser();
    let typed = seen.secret("a wrong password", "canary wrong password 1");
    for email in ["joe@lp.com", "nobody@lp.com"] {
        let body = json!({"email": email, "password": typed});
        seen.refused(&browser.post_json("/login", body).await);
        let page = browser.post_form("/login", &[("email", email), ("password", &typed)]).await;
        seen.told.push(page.text().to_owned());
    }
    let refused = browser.call("GET", "/account").basic("joe@lp.com", &typed).header("accept", "application/json");
    seen.refused(&refused.send().await);
    let query = seen.secret("a password in a query", "canary-in-the-query-2");
    let body = json!({"email": "joe@lp.com"});
    seen.refused(&browser.post_json(&format!("/login?password={query}"), body).await);
    let name = seen.secret("a password as name", "canary-typed-as-name-3");
    seen.refused(&browser.post_json("/login", json!({"email": name, "password": "x"})).await);
    let broken = seen.secret("a password in broken JSON", "canary-broken-json-4");
    let body = format!(r#"{{"email": "joe@lp.com", "password": "{broken}"#);
    seen.refused(&browser.call("POST", "/login").body("application/json", body).send().await);
    let odd = seen.secret("a password of another type", "canary-in-a-list-5");
    seen.refused(&browser.post_json("/login", json!({"email": "joe@lp.com", "password": [odd]})).await);
    let token = seen.secret("a token that is none", "canary-token-that-is-none-at-all-6");
    seen.refused(&browser.post_json(&format!("/reset/{token}"), json!({"password": typed})).await);
    for (header, value) in [
        ("authentication-token", token.clone()),
        ("authorization", format!("Bearer {token}")),
        ("x-api-key", token.clone()),
        ("cookie", format!("session={token}; remember_token={token}")),
    ] {
        let call = browser.call("GET", "/account").header("accept", "application/json").header(header, &value);
        seen.refused(&call.send().await);
    }
    let call = browser.call("GET", &format!("/nothing-here?token={token}")).header("accept", "application/json");
    seen.refused(&call.send().await);
}

/// Gives a browser in which the new account is signed in.
async fn sign_up_and_reset(app: &TestApp, seen: &mut Watch) -> Browser {
    let mut browser = app.browser();
    let weak = seen.secret("a refused password", "canary-seven");
    let fields =
        |password: &str, again: &str| json!({"email": "ann@lp.com", "password": password, "password_confirm": again});
    seen.refused(&browser.post_json("/register", fields(&weak, "another one")).await);
    let first = seen.secret("a new password", "canary of the sign-up 8");
    ok(browser.post_json("/register", fields(&first, &first)).await).await;
    seen.cookies(&browser);
    ok(browser.post_json("/logout", json!({})).await).await;
    let _ = app.mails().await;
    ok(browser.post_json("/reset", json!({"email": "ann@lp.com"})).await).await;
    let link = link_in(app.mails().await.last().unwrap(), "/reset").unwrap();
    seen.secret("the token of a reset link", link.rsplit('/').next().unwrap().split('?').next().unwrap());
    let second = seen.secret("a password of a reset", "canary of the reset 9");
    assert_eq!(browser.get(&link).await.status(), 200);
    ok(browser.post_json(&link, json!({"password": second, "password_confirm": second})).await).await;
    seen.refused(&browser.post_json(&link, json!({"password": second, "password_confirm": second})).await);
    let body = json!({"email": "ann@lp.com", "password": second, "remember": true});
    ok(browser.post_json("/login", body).await).await;
    seen.cookies(&browser);
    let third = seen.secret("a changed password", "canary of the change 10");
    let body = json!({"password": second, "new_password": third, "new_password_confirm": third});
    ok(browser.post_json("/change", body.clone()).await).await;
    seen.refused(&browser.post_json("/change", body).await);
    seen.cookies(&browser);
    browser
}

async fn tokens_and_keys(app: &TestApp, browser: &mut Browser, seen: &mut Watch) {
    let token = seen.secret("an auth token", app.auth_token("joe@lp.com").await);
    let mut program = app.browser();
    let who = program.call("GET", "/whoami").header("authentication-token", &token).send().await;
    assert_eq!(who.json()["email"], "joe@lp.com");
    let made = ok(browser.post_json("/account/keys", json!({"name": "build", "scopes": []})).await).await;
    let key = seen.secret("an API key", text(&made["key"]));
    let who = program.call("GET", "/whoami").header("x-api-key", &key).send().await;
    assert_eq!(who.json()["email"], "ann@lp.com");
    let reply = program.post_json("/authenticate", json!({"email": "joe@lp.com", "password": PASSWORD})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let members = reply.json();
    let tokens: Vec<&str> = members.as_object().unwrap().values().filter_map(Value::as_str).collect();
    assert!(tokens.len() >= 2, "{members}");
    for token in tokens.into_iter().filter(|token| token.len() > 40) {
        let token = seen.secret("a JSON Web Token", token);
        let call = program.call("GET", "/account").header("accept", "application/json");
        let bent = format!("Bearer {token}x");
        seen.refused(&call.header("authorization", &bent).send().await);
    }
}

async fn second_factors(app: &TestApp, browser: &mut Browser, seen: &mut Watch) {
    let mut device = Authenticator::default();
    let first = ok(browser.post_json("/wan-register", json!({"name": "key", "usage": "first"})).await).await;
    let state = seen.secret("the state of a passkey", text(&first["wan_state"]));
    seen.secret("a challenge", text(&first["credential_options"]["challenge"]));
    let credential = device.create(&first["credential_options"], "http://localhost").unwrap();
    ok(browser.post_json(&format!("/wan-register/{state}"), json!({"credential": credential})).await).await;
    let begun = ok(browser.post_json("/tf-setup", json!({"setup": "authenticator"})).await).await;
    let key = seen.secret("the key of an authenticator", text(&begun["tf_authr_b32key"]));
    let path = format!("/tf-setup/{}", seen.secret("the state of a set-up", text(&begun["tf_state_token"])));
    seen.refused(&browser.post_json(&path, json!({"code": "000000"})).await);
    let totp = Totp::new(Key::from_base32(&key).unwrap());
    let code = totp.code_at(u64::try_from(app.now().unix_timestamp()).unwrap()).as_str().to_owned();
    ok(browser.post_json(&path, json!({"code": code})).await).await;
    let made = ok(browser.post_json("/mf-recovery-codes", json!({})).await).await;
    let codes: Vec<String> = made["recovery_codes"].as_array().unwrap().iter().map(text).collect();
    for code in &codes {
        seen.secret("a recovery code", code.as_str());
    }
    let mut again = app.browser();
    let third = "canary of the change 10";
    let asked = ok(again.post_json("/login", json!({"email": "ann@lp.com", "password": third})).await).await;
    assert_eq!(asked["tf_required"], true, "{asked}");
    let wrong = seen.secret("a recovery code that is none", "cana-ry00-1234");
    seen.refused(&again.post_json("/mf-recovery", json!({"code": wrong})).await);
    ok(again.post_json("/mf-recovery", json!({"code": codes[0]})).await).await;
    seen.cookies(&again);
    let mut by_key = app.browser();
    let first = ok(by_key.post_json("/wan-signin", json!({})).await).await;
    let state = seen.secret("the state of a sign-in", text(&first["wan_state"]));
    let credential = device.get(&first["credential_options"], "http://localhost").unwrap();
    let reply = by_key.post_json(&format!("/wan-signin/{state}"), json!({"credential": credential})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    seen.cookies(&by_key);
}
