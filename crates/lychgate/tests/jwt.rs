//! JSON Web Tokens: handed out, carried, refreshed, revoked; what is refused, and what refusals say.
#![allow(clippy::unwrap_used)]

#[path = "jwt/bad_input.rs"]
mod bad_input;
#[path = "jwt/carried.rs"]
mod carried;
#[path = "jwt/lessons.rs"]
mod lessons;
#[path = "jwt/lives.rs"]
mod lives;
#[path = "jwt/rotation.rs"]
mod rotation;

use axum::{
    Json, Router,
    routing::{get, post},
};
use lychgate::{CurrentUser, JwtClaims, guard};
use lychgate_signing::jwt::{Algorithm, Key, Keys};
use lychgate_testkit::{AppBuilder, Browser, PASSWORD, Reply, TestApp};
use serde_json::{Map, Value, json};

/// The secret of the test applications, which is that of their sessions.
const SECRET: &str = "a key of the test applications, 37 bytes";

/// Tokens as in a JSON body, in the header.
const ON: &str =
    "[jwt]\nenabled = true\nauthenticate_reply = \"json\"\nauthenticate_refresh = true\n[csrf]\nenabled = false";

fn app() -> AppBuilder {
    TestApp::builder().toml(ON).toml("[security]\nusername_enable = true").routes(routes)
}

fn routes(routes: Router) -> Router {
    routes
        .route("/protected", get(protected).post(protected).route_layer(guard::jwt()))
        .route("/optional", get(async |user: Option<CurrentUser>| name(user)).route_layer(guard::jwt().optional()))
        .route("/fresh", get(protected).route_layer(guard::jwt().fresh()))
        .route(
            "/fresh-minute",
            get(protected).route_layer(guard::jwt().and(guard::fresh(std::time::Duration::from_secs(60)))),
        )
        .route(
            "/refresh-only",
            get(async |claims: JwtClaims| Json(claims.all().clone())).route_layer(guard::jwt().refresh()),
        )
        .route("/either-kind", get(async || "in").route_layer(guard::jwt().any_kind()))
        .route("/gold", get(protected).route_layer(guard::jwt().claim("plan", "gold")))
        .route("/editors", get(protected).route_layer(guard::jwt().roles(["admin", "editor"])))
        .route("/admin", get(protected).route_layer(guard::jwt().and(guard::role("admin"))))
        .route("/claims", get(async |claims: JwtClaims| Json(claims.all().clone())))
        .route("/maybe-claims", get(async |claims: Option<JwtClaims>| Json(json!(claims.is_some()))))
        .route("/lesson", get(protected).post(protected).route_layer(guard::token_required([""; 0])))
        .route("/lesson-admin", get(protected).route_layer(guard::token_required(["Admin", "O'Neil"])))
        .route("/lesson-editor", get(protected).route_layer(guard::token_required(["editor"])))
        .route(
            "/any",
            get(protected)
                .route_layer(guard::authenticated_by([lychgate::Mechanism::Jwt, lychgate::Mechanism::Session])),
        )
        .route("/plain", post(async |user: Option<CurrentUser>| name(user)))
}

async fn protected(user: CurrentUser) -> String {
    name(Some(user))
}

fn name(user: Option<CurrentUser>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| format!("{} by {}", user.email(), user.mechanism().name()))
}

/// The access and the refresh token of a user.
async fn tokens(app: &TestApp, email: &str) -> (String, String) {
    let reply = app.browser().post_json("/authenticate", json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let text = |name: &str| reply.json()[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

async fn access(app: &TestApp, email: &str) -> String {
    tokens(app, email).await.0
}

async fn bearing(browser: &mut Browser, method: &str, path: &str, token: &str) -> Reply {
    browser.call(method, path).header("authorization", &format!("Bearer {token}")).send().await
}

async fn get_with(app: &TestApp, path: &str, token: &str) -> Reply {
    bearing(&mut app.browser(), "GET", path, token).await
}

#[track_caller]
fn says(reply: &Reply, status: u16, msg: &str) {
    assert_eq!((reply.status(), reply.text()), (status, format!("{{\"msg\":{}}}\n", json!(msg)).as_str()));
}

fn keys() -> Keys {
    Keys::new(vec![Key::secret(None, Algorithm::Hs256, SECRET.as_bytes()).unwrap()]).unwrap()
}

/// The claims of a token, by somebody who has the secret.
fn claims_of(token: &str) -> Map<String, Value> {
    keys().open(token).unwrap()
}

/// A token with these claims, by somebody who has the secret.
fn signed(claims: &Value) -> String {
    keys().sign(claims.as_object().unwrap()).unwrap()
}
