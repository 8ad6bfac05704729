//! The routes, each behind its guard.

use std::time::Duration;

use axum::{
    Json, Router,
    response::{Html, IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use lychgate::{Csrf, Error, Lychgate, Mechanism, WantsJson, guard};
use serde_json::{Value, json};

use crate::pages::page;

/// The names by which settings may call the routes.
pub(crate) const ENDPOINTS: &[(&str, &str)] = &[
    ("index", "/"),
    ("profile", "/profile"),
    ("post_login", "/post_login"),
    ("http", "/http"),
    ("http_admin_required", "/http_admin_required"),
    ("http_custom_realm", "/http_custom_realm"),
    ("session", "/session"),
    ("token", "/token"),
    ("multi_auth", "/multi_auth"),
    ("post_logout", "/post_logout"),
    ("post_register", "/post_register"),
    ("post_confirm", "/post_confirm"),
    ("post_reset", "/post_reset"),
    ("post_change_username", "/post_change_username"),
    ("admin", "/admin"),
    ("admin_and_editor", "/admin_and_editor"),
    ("admin_or_editor", "/admin_or_editor"),
    ("simple", "/simple"),
    ("admin_perm", "/admin_perm"),
    ("admin_perm_required", "/admin_perm_required"),
    ("page_1", "/page1"),
    ("echo_json", "/json"),
    ("echo_jsonauth", "/json_auth"),
    ("unauthz", "/unauthz"),
    ("form", "/form"),
    ("fresh", "/fresh"),
];

/// How recent a proof `/fresh` asks for.
const FRESH: Duration = Duration::from_secs(60 * 60);

pub(crate) fn router(gate: &Lychgate) -> Router {
    let any_mechanism = [Mechanism::Session, Mechanism::Token, Mechanism::Basic];
    // A guard that asks for a token where there are none would be a mistake of ours.
    let with_tokens = if gate.settings().flag("jwt.enabled") {
        Router::new()
            .route("/api/person/", get(people).route_layer(guard::token_required([""; 0])))
            .route("/protected", get(protected).post(protected).route_layer(guard::jwt()))
            .route("/protected/fresh", get(protected).route_layer(guard::jwt().fresh()))
            .route("/protected/optional", get(protected).route_layer(guard::jwt().optional()))
    } else {
        Router::new()
    };
    with_tokens
        .route("/", shows("Home Page"))
        .route("/profile", get(profile).route_layer(guard::authenticated()))
        .route("/post_login", shows("Post Login").route_layer(guard::authenticated()))
        .route("/http", get(http_authentication).post(http_authentication).route_layer(guard::basic()))
        .route(
            "/http_admin_required",
            get(http_authentication).route_layer(guard::basic().and(guard::permission("admin"))),
        )
        .route("/http_custom_realm", shows("HTTP Authentication").route_layer(guard::basic_in("My Realm")))
        .route("/session", get(|| async { Html("Session Authentication") }).route_layer(guard::session()))
        .route(
            "/token",
            get(|| async { page("Token Authentication") })
                .post(|| async { page("Token Authentication") })
                .route_layer(guard::token()),
        )
        .route("/multi_auth", shows("Session, Token, Basic auth").route_layer(guard::authenticated_by(any_mechanism)))
        .route("/post_logout", shows("Post Logout"))
        .route("/post_register", shows("Post Register"))
        .route("/post_confirm", shows("Post Confirm"))
        .route("/post_reset", shows("Post Reset"))
        .route("/post_change_username", shows("Post Change Username"))
        .route("/admin", shows("Admin Page").route_layer(guard::role("admin")))
        .route("/admin_and_editor", shows("Admin and Editor Page").route_layer(guard::all_roles(["admin", "editor"])))
        .route("/admin_or_editor", shows("Admin or Editor Page").route_layer(guard::any_role(["admin", "editor"])))
        .route("/simple", shows("SimplePage").route_layer(guard::role("simple")))
        .route(
            "/admin_perm",
            shows("Admin Page with full-write or super").route_layer(guard::any_permission(["full-write", "super"])),
        )
        .route(
            "/admin_perm_required",
            shows("Admin Page required").route_layer(guard::all_permissions(["full-write", "super"])),
        )
        .route("/page1", get(|| async { Html("Page 1") }))
        .route("/json", get(echo).post(echo))
        .route("/json_auth", post(echo).route_layer(guard::authenticated()))
        .route("/unauthz", get(|| async { page("Unauthorized") }).post(|| async { page("Unauthorized") }))
        .route("/form", get(show_form).post(take_form).route_layer(guard::session()))
        .route("/fresh", get(fresh).post(fresh).route_layer(guard::fresh(FRESH)))
        .merge(gate.routes())
        .layer(gate.layer())
}

fn shows(content: &'static str) -> MethodRouter {
    get(move || async move { page(content) })
}

async fn profile(WantsJson(json): WantsJson) -> Response {
    if json { Json(json!({"message": "profile"})).into_response() } else { page("Profile Page").into_response() }
}

async fn fresh(WantsJson(json): WantsJson) -> Response {
    if json { Json(json!({"title": "Fresh Only"})).into_response() } else { page("Fresh Only").into_response() }
}

/// What the lessons protect.
async fn people() -> Json<Value> {
    Json(json!([
        {"name": "Ada", "email": "ada@lp.com", "age": 36},
        {"name": "Grace", "email": "grace@lp.com", "age": 85},
        {"name": "Alan", "email": "alan@lp.com", "age": 41},
    ]))
}

async fn protected() -> Json<Value> {
    Json(json!({"message": "This is a protected endpoint!"}))
}

async fn http_authentication() -> Html<&'static str> {
    Html("HTTP Authentication")
}

async fn echo(Json(body): Json<Value>) -> Json<Value> {
    Json(body)
}

async fn show_form() -> lychgate::Page {
    lychgate::Page::new("form.html")
}

async fn take_form(csrf: Csrf, body: axum::body::Bytes) -> Result<Json<Value>, Error> {
    csrf.verify()?;
    Ok(Json(json!({"message": message(&body)})))
}

/// The `message` field of a form or of a JSON object.
fn message(body: &[u8]) -> Option<String> {
    if let Ok(Value::Object(map)) = serde_json::from_slice(body) {
        return map.get("message").and_then(Value::as_str).map(str::to_owned);
    }
    form_urlencoded::parse(body).find(|(name, _)| name == "message").map(|(_, value)| value.into_owned())
}
