//! The page: files that never change while the program runs.

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

const FILES: &[(&str, &str, &str)] = &[
    ("/index.html", "text/html; charset=utf-8", include_str!("../static/index.html")),
    ("/app.css", "text/css; charset=utf-8", include_str!("../static/app.css")),
    ("/app.js", "text/javascript; charset=utf-8", include_str!("../static/app.js")),
    ("/client.js", "text/javascript; charset=utf-8", include_str!("../static/client.js")),
    ("/config.js", "text/javascript; charset=utf-8", include_str!("../static/config.js")),
    ("/mark.svg", "image/svg+xml", include_str!("../static/mark.svg")),
];

/// What the page has to know of the API.
#[derive(Clone, Copy)]
pub(crate) struct Deployment {
    /// Its port on this machine.
    pub(crate) api_port: u16,
    /// What says who is signed in: `session` or `jwt`.
    pub(crate) by: &'static str,
}

/// Serves the page.
pub(crate) fn router(deployment: Deployment) -> Router {
    Router::new().fallback(file).with_state(deployment)
}

async fn file(State(Deployment { api_port, by }): State<Deployment>, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/deployment.js" {
        let text = include_str!("../static/deployment.js");
        let text = text.replace("8085", &api_port.to_string()).replace("\"session\"", &format!("{by:?}"));
        return reply(api_port, "text/javascript; charset=utf-8", text);
    }
    // A path that is no file is one of the application's own.
    let name = if path.contains('.') { path } else { "/index.html" };
    match FILES.iter().find(|(file, _, _)| *file == name) {
        Some((_, kind, text)) => reply(api_port, kind, (*text).to_owned()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn reply(api_port: u16, kind: &'static str, text: String) -> Response {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src http://localhost:{api_port} http://127.0.0.1:{api_port}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (headers, text).into_response()
}
