//! The listener that leads from http to https.

use axum::{Router, extract::Request, response::IntoResponse as _};
use http::{HeaderValue, Method, StatusCode, header};

/// Leads every request to the same path of `base_url`: never to a host that the request names.
pub(super) fn router(base_url: &str) -> Result<Router, String> {
    let origin = base_url.trim_end_matches('/').to_owned();
    if !origin.starts_with("https://") {
        return Err("server.redirect_listen needs a base_url that begins with https://".to_owned());
    }
    Ok(Router::new().fallback(move |request: Request| {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path } else { "/" };
        let location = HeaderValue::try_from(format!("{origin}{path}"));
        // A form is sent again to where it belongs; what it held has been seen on the way all the same.
        let status = match *request.method() {
            Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::PERMANENT_REDIRECT,
        };
        let response = match location {
            Ok(location) => {
                (status, [(header::LOCATION, location), (header::CONNECTION, HeaderValue::from_static("close"))])
                    .into_response()
            }
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        };
        std::future::ready(response)
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::body::Body;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn it_leads_to_the_operators_host_alone() {
        assert!(router("http://id.example").is_err());
        let app = router("https://id.example:8443/").unwrap();
        for (method, uri, status, location) in [
            ("GET", "/login?next=/x", 301, "https://id.example:8443/login?next=/x"),
            ("HEAD", "/", 301, "https://id.example:8443/"),
            ("POST", "/login", 308, "https://id.example:8443/login"),
            ("GET", "http://evil.example/a", 301, "https://id.example:8443/a"),
            ("GET", "//evil.example/a", 301, "https://id.example:8443//evil.example/a"),
            ("OPTIONS", "*", 308, "https://id.example:8443/"),
        ] {
            let request = Request::builder().method(method).uri(uri).header("host", "evil.example");
            let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(
                (response.status().as_u16(), &response.headers()["location"]),
                (status, &location.parse().unwrap())
            );
        }
    }
}
