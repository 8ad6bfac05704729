//! The bytes of a connection: what comes is read along, and noted in its [`Life`].

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::{life::Life, places::Place, strict::Strict};

/// A byte that no parser of HTTP takes in a head.
const POISON: u8 = 0;
/// What makes a head look whole: until then it is not parsed, and not answered.
const END: &[u8] = b"\r\n\r\n";

/// How much of a body that nobody wanted is still taken after the reply, and how long: whoever sends it all before they
/// read would see a broken connection instead of the reply.
const LINGER_BYTES: usize = 4 << 20;
const LINGER: Duration = Duration::from_secs(5);

/// A connection that is watched. It keeps its place, also when it has become something else than HTTP.
pub(super) struct Watched<S> {
    inner: S,
    life: Arc<Life>,
    strict: Strict,
    /// What is still read once the client is no longer listened to.
    stopped: Option<&'static [u8]>,
    linger: Option<Linger>,
    _place: Place,
}

/// What is still taken of a body after the reply.
struct Linger {
    bytes: usize,
    until: Pin<Box<Sleep>>,
}

impl Linger {
    fn begin() -> Self {
        Self { bytes: LINGER_BYTES, until: Box::pin(sleep(LINGER)) }
    }

    /// Takes what comes and throws it away, until the other side has sent all or has had its share.
    fn poll<S: AsyncRead + Unpin>(&mut self, inner: &mut S, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [0; 8 << 10];
        while self.bytes > 0 && self.until.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut space);
            match std::task::ready!(Pin::new(&mut *inner).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => self.bytes = self.bytes.saturating_sub(buffer.filled().len()),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S> Watched<S> {
    pub(super) fn new(inner: S, life: Arc<Life>, strict: Strict, place: Place) -> Self {
        Self { inner, life, strict, stopped: None, linger: None, _place: place }
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        self.life.takes(written.is_ready());
        if let Poll::Ready(Ok(bytes)) = written {
            self.life.took(*bytes);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(end) = self.stopped {
            let (now, later) = end.split_at(end.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.stopped = Some(later);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        let came = buffer.filled_mut().get_mut(before..).unwrap_or_default();
        if came.is_empty() || self.life.is_upgraded() {
            return Poll::Ready(Ok(()));
        }
        self.life.heard();
        if let Err(ambiguous) = self.strict.read(came) {
            if let Some(byte) = came.get_mut(ambiguous.at) {
                *byte = POISON;
            }
            buffer.set_filled(before + ambiguous.at + 1);
            self.stopped = Some(END);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.life.takes(flushed.is_ready());
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { inner, linger, strict, stopped, .. } = &mut *self;
        if linger.is_none() {
            std::task::ready!(Pin::new(&mut *inner).poll_shutdown(cx))?;
            if !strict.is_within_a_body() || stopped.is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        linger.get_or_insert_with(Linger::begin).poll(inner, cx).map(Ok)
    }
}

impl<S> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("life", &self.life).finish_non_exhaustive()
    }
}
