//! An application below a path.

use axum::{Router, extract::Request};
use http::{StatusCode, Uri};
use tower::ServiceExt as _;

use crate::gate::Lychgate;

/// Puts `app` below `root`. Unlike a nested router it answers `root/` as well.
pub(crate) fn mount(gate: &Lychgate, app: Router) -> Router {
    let root = gate.web().application_root.as_str();
    if root.is_empty() {
        return app;
    }
    let (root, gate) = (root.to_owned(), gate.clone());
    Router::new().fallback(move |mut request: Request| {
        let (app, gate, below) = (app.clone(), gate.clone(), below(&root, request.uri()));
        async move {
            match below {
                Some(uri) => {
                    *request.uri_mut() = uri;
                    app.oneshot(request).await.unwrap_or_else(|never| match never {})
                }
                None => gate.with_headers(axum::response::IntoResponse::into_response(StatusCode::NOT_FOUND)),
            }
        }
    })
}

/// `uri` as seen from `root`, if it is below it.
fn below(root: &str, uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(root)?;
    match rest.bytes().next() {
        None => Some(Uri::from_static("/")),
        Some(b'/') => rest.parse().ok(),
        Some(b'?') => format!("/{rest}").parse().ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_a_root() {
        let seen = |path: &'static str| below("/app", &Uri::from_static(path)).map(|uri| uri.to_string());
        assert_eq!(seen("/app"), Some("/".to_owned()));
        assert_eq!(seen("/app/"), Some("/".to_owned()));
        assert_eq!(seen("/app/login?next=/x"), Some("/login?next=/x".to_owned()));
        assert_eq!(seen("/app?x=1"), Some("/?x=1".to_owned()));
        assert_eq!(seen("/application"), None);
        assert_eq!(seen("/"), None);
    }
}
