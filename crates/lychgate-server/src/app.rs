//! What the server answers: the toolkit's routes, a home page, and two addresses for whoever watches over it.

use std::{path::PathBuf, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse as _, Response},
    routing::get,
};
use lychgate::{Lychgate, Page};
use lychgate_store::Store;
use serde_json::json;

use crate::commands::attack;

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// Routes of the server's own, for lists: path and who may call it.
pub(crate) const ROUTES: &[(&str, &str, &str)] =
    &[("home", "/", "anybody"), ("healthz", "/healthz", "anybody"), ("readyz", "/readyz", "anybody")];

/// The application. The health addresses stand outside of it: they need no cookies and no prefix.
pub(crate) fn router(gate: &Lychgate) -> Router {
    let mut outside = Router::new().route("/healthz", get(healthy)).route("/readyz", get(ready));
    if let Some(file) = attack_token_file(gate) {
        outside = outside.route(attack::PROOF_PATH, get(move || std::future::ready(prove(&file))));
    }
    let headers = gate.clone();
    let outside =
        outside.route_layer(map_response(move |response: Response| std::future::ready(headers.with_headers(response))));
    outside.with_state(gate.store().clone()).fallback_service(gate.mount(inside(gate)))
}

/// What stands below the layer.
fn inside(gate: &Lychgate) -> Router {
    let app = Router::new().route("/", get(home)).merge(lychgate_admin::routes(gate)).merge(gate.routes());
    app.fallback(not_found).layer(gate.layer())
}

/// The file that proves to `lychgate attack` whose server this is, if the settings name one.
pub(crate) fn attack_token_file(gate: &Lychgate) -> Option<PathBuf> {
    gate.settings().text_opt("attack_token_file").map(PathBuf::from)
}

/// It is read each time: taking the file away takes the permission away.
fn prove(file: &std::path::Path) -> Response {
    match attack::proof(file) {
        Ok(digest) => digest.into_response(),
        Err(why) => {
            tracing::warn!("attack_token_file: {why}");
            StatusCode::NOT_FOUND.into_response()
        }
    }
}

async fn home() -> Page {
    Page::new("security/home.html")
}

async fn not_found(headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("json") && !accept.contains("html") {
        let body = json!({"meta": {"code": 404}, "response": {"errors": ["There is nothing at this address."]}});
        return (StatusCode::NOT_FOUND, Json(body)).into_response();
    }
    Page::new("security/error.html").with("status", 404).status(StatusCode::NOT_FOUND).into_response()
}

async fn healthy() -> Json<serde_json::Value> {
    Json(json!({"status": "ok"}))
}

async fn ready(State(store): State<Store>) -> Response {
    match tokio::time::timeout(PATIENCE, store.ping()).await {
        Ok(Ok(())) => Json(json!({"status": "ok"})).into_response(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            not_ready()
        }
        Err(_) => {
            tracing::warn!("not ready: the database takes too long");
            not_ready()
        }
    }
}

fn not_ready() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "unavailable"}))).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::{body::Body, http::Request};
    use lychgate::Settings;
    use lychgate_store::OpenOptions;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn without_the_database_it_lives_but_is_not_ready() {
        let store = Store::open(OpenOptions::new("sqlite://".parse().unwrap())).await.unwrap();
        let settings = Settings::builder()
            .set("secret_key", "0123456789abcdef0123456789abcdef")
            .set("password_salt", "fedcba9876543210fedcba9876543210")
            .set("application_root", "/app")
            .build()
            .unwrap();
        let gate = Lychgate::builder().settings(settings).store(store.clone()).build().await.unwrap();
        // As the service of a fallback it is not looked through when the server starts.
        let app = gate.checked(inside(&gate));
        assert!(app.is_ok(), "{app:?}");
        let app = router(&gate);
        let status = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            app.clone().oneshot(request).await.unwrap().status().as_u16()
        };
        assert_eq!((status("/healthz").await, status("/readyz").await, status("/app/").await), (200, 200, 200));
        store.close().await;
        assert_eq!((status("/healthz").await, status("/readyz").await), (200, 503));
    }
}
