//! How long a body may be: `max_content_length` everywhere, and what a route says of itself.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{DefaultBodyLimit, Request},
};
use bytes::Bytes;
use http::Extensions;
use http_body::{Frame, SizeHint};
use http_body_util::Limited;
use tower::{Layer, Service};

/// The longest body that a route takes, instead of `max_content_length`.
///
/// ```
/// use axum::{Router, routing::post};
/// use lychgate::BodyLimit;
///
/// async fn import(_body: String) {}
/// let app: Router = Router::new().route("/import", post(import).route_layer(BodyLimit::bytes(50 * 1024 * 1024)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(usize);

impl BodyLimit {
    /// At most so many bytes. It stands for axum's `DefaultBodyLimit` too.
    #[must_use]
    pub fn bytes(most: usize) -> Self {
        Self(most)
    }
}

impl<S> Layer<S> for BodyLimit {
    type Service = BodyLimited<S>;

    fn layer(&self, inner: S) -> BodyLimited<S> {
        BodyLimited { inner: DefaultBodyLimit::max(self.0).layer(inner), most: self.0 }
    }
}

/// A service inside a [`BodyLimit`].
#[derive(Clone)]
pub struct BodyLimited<S> {
    inner: <DefaultBodyLimit as Layer<S>>::Service,
    most: usize,
}

impl<S> fmt::Debug for BodyLimited<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyLimited").field("most", &self.most).finish_non_exhaustive()
    }
}

impl<S: Service<Request>> Service<Request> for BodyLimited<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> S::Future {
        if let Some(Most(most)) = request.extensions().get() {
            most.store(self.most, Ordering::Relaxed);
        }
        self.inner.call(request)
    }
}

/// The bound of a body, which the route may move until the body is read.
#[derive(Clone, Debug)]
struct Most(Arc<AtomicUsize>);

/// A body that fails once it is longer than it may be.
pub(crate) struct Capped {
    body: State,
    most: Most,
}

enum State {
    Whole(Body),
    Reading(Limited<Body>),
}

impl Capped {
    pub(crate) fn new(body: Body, most: usize, extensions: &mut Extensions) -> Self {
        let most = Most(Arc::new(AtomicUsize::new(most)));
        extensions.insert(most.clone());
        Self { body: State::Whole(body), most }
    }
}

impl http_body::Body for Capped {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let most = self.most.0.load(Ordering::Relaxed);
        let this = &mut self.body;
        loop {
            match this {
                State::Whole(body) => *this = State::Reading(Limited::new(std::mem::take(body), most)),
                State::Reading(body) => return Pin::new(body).poll_frame(cx),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            State::Whole(body) => body.is_end_stream(),
            State::Reading(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            State::Whole(body) => body.size_hint(),
            State::Reading(body) => body.size_hint(),
        }
    }
}
