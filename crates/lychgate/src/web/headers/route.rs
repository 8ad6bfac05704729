//! Other headers for some routes.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tower::{Layer, Service};

/// Other security headers for some routes than the settings ask for.
///
/// ```
/// use axum::{Router, routing::get};
/// use lychgate::SecurityHeaders;
///
/// let app: Router = Router::new()
///     .route("/widget", get(|| async { "shown elsewhere" }))
///     .route_layer(SecurityHeaders::new().without("x-frame-options").set("content-security-policy", "default-src 'self'"));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it does something as a layer"]
pub struct SecurityHeaders {
    set: Vec<(HeaderName, HeaderValue)>,
    without: Vec<HeaderName>,
}

/// Headers that a reply does without, on its way up to the layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Without(pub(crate) Vec<HeaderName>);

impl SecurityHeaders {
    /// None other.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a header, whatever the handler says. One that cannot be sent is left as the settings have it, and named in
    /// the log.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => self.set.push((name, value)),
            _ => tracing::error!(name, "this is no header"),
        }
        self
    }

    /// Does without a header.
    pub fn without(mut self, name: &str) -> Self {
        match HeaderName::try_from(name) {
            Ok(name) => self.without.push(name),
            Err(_) => tracing::error!(name, "this is no header"),
        }
        self
    }
}

impl<S> Layer<S> for SecurityHeaders {
    type Service = WithHeaders<S>;

    fn layer(&self, inner: S) -> WithHeaders<S> {
        WithHeaders { headers: self.clone(), inner }
    }
}

/// A service inside [`SecurityHeaders`].
#[derive(Clone, Debug)]
pub struct WithHeaders<S> {
    headers: SecurityHeaders,
    inner: S,
}

impl<S, Request> Service<Request> for WithHeaders<S>
where
    S: Service<Request, Response = Response>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (headers, inner) = (self.headers.clone(), self.inner.call(request));
        Box::pin(async move {
            let mut response = inner.await?;
            for (name, value) in headers.set {
                response.headers_mut().insert(name, value);
            }
            let Without(mut names) = response.extensions_mut().remove().unwrap_or_default();
            names.extend(headers.without);
            response.extensions_mut().insert(Without(names));
            Ok(response)
        })
    }
}
