//! Which host a request names.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::{HeaderMap, StatusCode, Version, header, request::Parts};

use crate::{failure::Failure, messages};

/// Refuses a request that names no host, several, or one that is none (RFC 9112, 3.2): what stands before us and we could
/// each believe another one.
///
/// A request that came over no connection, as in a test of the application, may go without.
pub(crate) fn check(parts: &Parts) -> Result<(), Failure> {
    let came_over_a_connection = parts.extensions.get::<ConnectInfo<SocketAddr>>().is_some();
    let is_needed = came_over_a_connection && parts.version <= Version::HTTP_11 && parts.version > Version::HTTP_10;
    match named(&parts.headers) {
        Ok(true) => Ok(()),
        Ok(false) if !is_needed || parts.uri.authority().is_some() => Ok(()),
        _ => Err(Failure::bad(StatusCode::BAD_REQUEST, messages::BAD_REQUEST)),
    }
}

/// Whether there is a host; an error if there are several or it is none.
fn named(headers: &HeaderMap) -> Result<bool, ()> {
    let mut all = headers.get_all(header::HOST).iter();
    let Some(host) = all.next() else { return Ok(false) };
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let is_host = |text: &str| text.chars().all(fits) && text.parse::<http::uri::Authority>().is_ok();
    match (host.to_str(), all.next()) {
        (Ok(text), None) if is_host(text) => Ok(true),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::Request;

    use super::*;

    #[test]
    fn one_host_is_named() {
        let parts = |hosts: &[&str], uri: &str, connected: bool| {
            let mut request = Request::builder().uri(uri);
            for host in hosts {
                request = request.header("host", *host);
            }
            let mut parts = request.body(()).unwrap().into_parts().0;
            if connected {
                parts.extensions.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
            }
            check(&parts).is_ok()
        };
        for host in ["app.example", "app.example:8443", "127.0.0.1:5000", "[::1]:5000", "xn--bcher-kva.example"] {
            assert!(parts(&[host], "/", true), "{host}");
        }
        for host in ["a b", "a/b", "<a>", "joe@app.example", "a,b", "a?b", "[::1", "a\\b"] {
            assert!(!parts(&[host], "/", true), "{host}");
        }
        assert!(!parts(&["app.example", "app.example"], "/", false), "twice is once too often");
        assert!(!parts(&[], "/", true));
        assert!(parts(&[], "/", false), "a test of the application");
        assert!(parts(&[], "https://app.example/", true), "HTTP/2 names it in the address");
    }
}
