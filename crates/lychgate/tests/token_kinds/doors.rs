//! The doors: places that take a secret, and which kinds open them.

use std::net::SocketAddr;

use lychgate::store::UserPatch;
use lychgate_testkit::{Browser, PASSWORD, Reply};
use serde_json::{Value, json};

use crate::House;

/// Every door with the kinds that open it; those that use something up come last.
pub(crate) const DOORS: &[(&str, &[&str])] = &[
    ("guard::jwt, header", &["jwt access"]),
    ("guard::jwt, cookie", &["jwt access"]),
    ("guard::jwt, query", &["jwt access"]),
    ("guard::jwt, body", &["jwt access"]),
    ("guard::token_required", &["jwt access"]),
    ("guard::jwt().refresh(), header", &["jwt refresh"]),
    ("guard::jwt().refresh(), cookie", &["jwt refresh"]),
    ("guard::jwt().refresh(), query", &["jwt refresh"]),
    ("guard::jwt().refresh(), body", &["jwt refresh"]),
    ("guard::jwt().any_kind()", &["jwt access", "jwt refresh"]),
    ("CSRF token of a JWT", &["jwt csrf"]),
    ("users API", &["jwt access"]),
    ("guard::token, header", &["auth token"]),
    ("guard::token, query", &["auth token"]),
    ("guard::token, body", &["auth token"]),
    ("guard::api_key, bearer", &["api key"]),
    ("guard::api_key, header", &["api key"]),
    ("current user, bearer", &["jwt access", "api key"]),
    ("current user, token", &["auth token"]),
    ("forward authentication, bearer", &["api key"]),
    ("forward authentication, token", &["auth token"]),
    ("account page, bearer", &[]),
    ("account page, token", &["auth token"]),
    ("guard::session", &["session"]),
    ("remember-me", &["remember"]),
    ("CSRF token of a form", &["csrf"]),
    ("CSRF token in a header", &["csrf"]),
    ("recovery", &["recovery"]),
    ("invitation", &["invitation"]),
    ("not me", &["not me"]),
    ("second factor begun", &["second factor begun"]),
    ("sign-in code begun", &["sign-in code begun"]),
    ("passkey begun", &["passkey begun"]),
    ("passkey sign-in begun", &["passkey sign-in begun"]),
    ("second factor remembered", &["second factor remembered"]),
    ("known device", &["known device"]),
    ("refresh token", &["refresh token"]),
    ("JWT refresh", &["jwt refresh"]),
    ("unified link", &["unified link"]),
    ("sign-in link", &["sign-in link"]),
    ("keep account", &["keep account"]),
    ("confirmation", &["confirmation"]),
    ("change of address", &["change of address"]),
    ("JWT sign-out", &["jwt access", "jwt refresh"]),
];

async fn get(mut browser: Browser, path: &str, headers: &[(&str, &str)]) -> Reply {
    let call = browser.call("GET", path).header("accept", "application/json");
    headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await
}

async fn post(mut browser: Browser, path: &str, body: Value) -> Reply {
    browser.post_json(path, body).await
}

fn with(mut browser: Browser, cookie: &str, value: &str) -> Browser {
    browser.set_cookie(cookie, value);
    browser
}

fn good(reply: &Reply) -> bool {
    assert!(reply.status() < 500, "{}", reply.text());
    reply.status() == 200
}

fn is_somebody(reply: &Reply) -> bool {
    reply.json()["email"].is_string()
}

/// The reply says that this field is wrong, and not what its state is.
fn complains_of(reply: &Reply, field: &str) -> bool {
    reply.field_errors()[field].is_array()
}

impl House {
    /// Whether a secret, alone or with what its own kind goes with, opens a door.
    pub(crate) async fn opens(&self, door: &str, secret: &str) -> bool {
        let new = || self.app.browser();
        let bearer = format!("Bearer {secret}");
        let bearer = [("authorization", bearer.as_str())];
        let token = [("authentication-token", secret)];
        let end = secret.replace('%', "%25").replace('|', "%7C").replace('"', "%22");
        match door {
            "guard::jwt, header" => good(&get(new(), "/jwt-access", &bearer).await),
            "guard::jwt, cookie" => good(&get(with(new(), "access_token_cookie", secret), "/jwt-access", &[]).await),
            "guard::jwt, query" => good(&get(new(), &format!("/jwt-access?jwt={end}"), &[]).await),
            "guard::jwt, body" => good(&post(new(), "/jwt-access", json!({"access_token": secret})).await),
            "guard::token_required" => good(&get(new(), "/jwt-lesson", &bearer).await),
            "guard::jwt().refresh(), header" => good(&get(new(), "/jwt-refresh", &bearer).await),
            "guard::jwt().refresh(), cookie" => {
                good(&get(with(new(), "refresh_token_cookie", secret), "/jwt-refresh", &[]).await)
            }
            "guard::jwt().refresh(), query" => good(&get(new(), &format!("/jwt-refresh?jwt={end}"), &[]).await),
            "guard::jwt().refresh(), body" => {
                good(&post(new(), "/jwt-refresh", json!({"refresh_token": secret})).await)
            }
            "guard::jwt().any_kind()" => good(&get(new(), "/jwt-either", &bearer).await),
            "CSRF token of a JWT" => {
                let mut program = self.out.program.clone();
                good(&program.call("POST", "/jwt-access").header("x-csrf-token", secret).send().await)
            }
            "users API" => {
                let joe = self.app.user("joe@lp.com").await.id;
                good(&get(new(), &format!("/api/users/{joe}"), &bearer).await)
            }
            "guard::token, header" => good(&get(new(), "/token", &token).await),
            "guard::token, query" => good(&get(new(), &format!("/token?auth_token={end}"), &[]).await),
            "guard::token, body" => good(&post(new(), "/token", json!({"auth_token": secret})).await),
            "guard::api_key, bearer" => good(&get(new(), "/key", &bearer).await),
            "guard::api_key, header" => good(&get(new(), "/key", &[("x-api-key", secret)]).await),
            "current user, bearer" => is_somebody(&get(new(), "/whoami", &bearer).await),
            "current user, token" => is_somebody(&get(new(), "/whoami", &token).await),
            "forward authentication, bearer" => good(&get(new(), "/auth/check", &bearer).await),
            "forward authentication, token" => good(&get(new(), "/auth/check", &token).await),
            "account page, bearer" => good(&get(new(), "/account", &bearer).await),
            "account page, token" => good(&get(new(), "/account", &token).await),
            "guard::session" => good(&get(with(new(), "session", secret), "/session", &[]).await),
            "remember-me" => good(&get(with(new(), "remember_token", secret), "/session", &[]).await),
            "CSRF token of a form" => self.is_meant(secret, None).await,
            "CSRF token in a header" => self.is_meant("", Some(secret)).await,
            "refresh token" => good(&post(new(), "/refresh-token", json!({"refresh_token": secret})).await),
            "JWT refresh" => {
                let mut browser = new();
                good(&browser.call("POST", "/jwt/refresh").header(bearer[0].0, bearer[0].1).send().await)
            }
            "JWT sign-out" => {
                let mut browser = new();
                good(&browser.call("POST", "/jwt/logout").header(bearer[0].0, bearer[0].1).send().await)
            }
            "second factor remembered" => {
                let browser = with(new(), "tf_validity", secret);
                let reply = post(browser, "/login", json!({"email": "gal@lp.com", "password": PASSWORD})).await;
                reply.response()["tf_required"] == false
            }
            "known device" => self.is_known(secret).await,
            "second factor begun" => {
                let path = format!("/tf-setup/{end}");
                complains_of(&post(self.out.joe.clone(), &path, json!({"code": "000000"})).await, "code")
            }
            "sign-in code begun" => {
                let path = format!("/us-setup/{end}");
                complains_of(&post(self.out.joe.clone(), &path, json!({"passcode": "000000"})).await, "passcode")
            }
            "passkey begun" => {
                let path = format!("/wan-register/{end}");
                complains_of(&post(self.out.joe.clone(), &path, json!({"credential": "{}"})).await, "credential")
            }
            "passkey sign-in begun" => {
                let path = format!("/wan-signin/{end}");
                complains_of(&post(self.out.stranger.clone(), &path, json!({"credential": "{}"})).await, "credential")
            }
            link => self.follow(link, &end).await,
        }
    }

    /// Follows a link with something else at its end.
    async fn follow(&self, link: &str, end: &str) -> bool {
        let mut browser = self.app.browser();
        match link {
            "recovery" => good(&browser.get_json(&format!("/reset/{end}")).await),
            "not me" => good(&browser.get_json(&format!("/not-me/{end}")).await),
            "keep account" => good(&browser.post_json(&format!("/account/keep/{end}"), json!({})).await),
            "invitation" => {
                let page = browser.get(&format!("/register?invitation={end}")).await;
                good(&page) && page.text().contains("new@lp.com")
            }
            "confirmation" => {
                let confirmed = async || self.app.user("jill@lp.com").await.confirmed_at.is_some();
                let before = confirmed().await;
                browser.get(&format!("/confirm/{end}")).await;
                let after = confirmed().await;
                self.app.update("jill@lp.com", UserPatch { confirmed_at: Some(None), ..UserPatch::default() }).await;
                after && !before
            }
            "change of address" => {
                browser.get(&format!("/change-email/{end}")).await;
                self.app.store().user_by_identity("email", "moved@lp.com", true).await.unwrap().is_some()
            }
            "unified link" => {
                browser.get(&format!("/us-verify-link/{end}")).await;
                browser.who().await != "nobody"
            }
            "sign-in link" => {
                let mut browser = self.passwordless.browser();
                browser.get(&format!("/login/{end}")).await;
                browser.who().await != "nobody"
            }
            other => panic!("{other}"),
        }
    }

    /// Whether a form of joe's is taken for meant; what it asks for is refused either way.
    async fn is_meant(&self, field: &str, header: Option<&str>) -> bool {
        let mut browser = with(self.guarded.browser(), "session", &self.out.secrets["session"]);
        let call = browser.call("POST", "/account/sessions/end").header("accept", "application/json");
        let call = header.into_iter().fold(call, |call, token| call.header("x-csrftoken", token));
        let reply = call.form(&[("session", "unknown"), ("csrf_token", field)]).send().await;
        assert_eq!(reply.status(), 400, "{}", reply.text());
        reply.text().contains("ACCOUNT_SESSION_UNKNOWN")
    }

    /// Whether a browser with this cookie is one that matt is not told about.
    async fn is_known(&self, cookie: &str) -> bool {
        self.app.mails().await;
        let mut browser = with(self.app.browser(), "known_device", cookie);
        // There is one letter a day for each address.
        let number = self.number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        browser.peer = SocketAddr::from(([10, 0, 0, number], 50_000));
        browser.sign_in("matt@lp.com").await;
        self.app.mails().await.iter().all(|mail| mail.to != "matt@lp.com")
    }
}
