//! Bodies that keep their time: what clients send, and what they are sent.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::{life, limits::Limits};
use crate::web::body::TooSlow;

/// The body of a request; it fails with [`TooSlow`] if it comes too slowly.
///
/// It must be there within the limit of time, and at any moment at least what the least rate makes of the time since the
/// grace.
pub(super) struct Paced {
    inner: Incoming,
    start: Instant,
    bytes: u64,
    limits: Limits,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    pub(super) fn new(inner: Incoming, limits: Limits) -> Self {
        Self { inner, start: Instant::now(), bytes: 0, limits, timer: None }
    }

    /// Until when more has to come.
    fn deadline(&self) -> Instant {
        let earned = self.bytes.checked_div(self.limits.body_rate).map_or(Duration::MAX, Duration::from_secs);
        let most = self.limits.body.min(self.limits.body_grace.saturating_add(earned));
        // A century, where a setting says more than can be added.
        self.start.checked_add(most).unwrap_or_else(|| self.start + Duration::from_secs(3_155_760_000))
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                let more = frame.data_ref().map_or(0, Bytes::len);
                self.bytes = self.bytes.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = self.deadline();
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx).map(|()| Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl fmt::Debug for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paced").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// The body of a reply; its request lasts until it is sent, and no longer than the limit.
///
/// HTTP/2 does not ask for more while the other side opens no window, so there the connection keeps the time.
pub(super) struct Lasting {
    inner: Body,
    until: Option<Pin<Box<Sleep>>>,
    _request: life::Request,
}

impl Lasting {
    pub(super) fn new(inner: Body, limits: &Limits, mut request: life::Request, http2: bool) -> Self {
        let whole = http_body::Body::size_hint(&inner).exact();
        if http2 {
            // Whoever opens no window for a reply leaves it where it is, and the connection does not look stuck.
            let earned = |bytes: u64| bytes.checked_div(limits.body_rate).map(Duration::from_secs);
            let most = match whole {
                Some(0) => None,
                Some(bytes) => earned(bytes).map(|earned| limits.send.saturating_add(earned)),
                None => limits.reply,
            };
            if let Some(until) = most.and_then(|most| Instant::now().checked_add(most)) {
                request.must_be_taken(until);
            }
        }
        // What is there already needs no timer: what is stuck on its way is noticed by the connection.
        let until = limits.reply.filter(|_| whole.is_none()).map(|reply| Box::pin(tokio::time::sleep(reply)));
        Self { inner, until, _request: request }
    }
}

impl http_body::Body for Lasting {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if self.until.as_mut().is_some_and(|until| until.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Some(Err("the reply took too long".into())));
        }
        Pin::new(&mut self.inner).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl fmt::Debug for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lasting").finish_non_exhaustive()
    }
}
