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

use super::{
    heads::{End, Heads},
    life::Life,
    places::Place,
};

/// Bytes that are read at a time while a head comes.
const PIECE: usize = 8 << 10;

/// How much of a body that nobody wanted is still taken after the reply, and how long: whoever sends it all before they
/// read would see a broken connection instead of the reply.
const LINGER_BYTES: usize = 4 << 20;
const LINGER: Duration = Duration::from_secs(5);

/// A connection that is watched. It keeps its place, also when it has become something else than HTTP.
pub(super) struct Watched<S> {
    inner: S,
    life: Arc<Life>,
    heads: Heads,
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
    pub(super) fn new(inner: S, life: Arc<Life>, heads: Heads, place: Place) -> Self {
        Self { inner, life, heads, linger: None, _place: place }
    }

    fn note(&mut self, written: &Poll<io::Result<usize>>) {
        self.life.takes(written.is_ready());
        if let Poll::Ready(Ok(bytes)) = written {
            self.life.took(*bytes);
            self.heads.took(*bytes);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { inner, life, heads, .. } = &mut *self;
        loop {
            if life.is_upgraded() {
                heads.let_go();
            }
            if buffer.remaining() == 0 || heads.hand_on(buffer) {
                return Poll::Ready(Ok(()));
            }
            match heads.end() {
                // The reply closes the connection; until then it looks as if nothing more came.
                Some(End::Refused(..)) => return Poll::Pending,
                Some(End::Broken) => return Poll::Ready(Ok(())),
                None => {}
            }
            if !life.is_upgraded() && heads.is_within_a_head() && buffer.remaining() < PIECE {
                // Whoever looks at the first bytes only would have the rest read in as small pieces.
                let mut space = [0; PIECE];
                let mut piece = ReadBuf::new(&mut space);
                std::task::ready!(Pin::new(&mut *inner).poll_read(cx, &mut piece))?;
                if piece.filled().is_empty() {
                    return Poll::Ready(Ok(()));
                }
                life.heard();
                heads.take(piece.filled()).map_err(io::Error::other)?;
                heads.tell(life);
                continue;
            }
            let before = buffer.filled().len();
            std::task::ready!(Pin::new(&mut *inner).poll_read(cx, buffer))?;
            let came = buffer.filled().get(before..).unwrap_or_default();
            if came.is_empty() || life.is_upgraded() {
                return Poll::Ready(Ok(()));
            }
            life.heard();
            match heads.pass(came) {
                Ok(true) => return Poll::Ready(Ok(())),
                Ok(false) => buffer.set_filled(before),
                Err(flood) => {
                    buffer.set_filled(before);
                    return Poll::Ready(Err(io::Error::other(flood)));
                }
            }
            heads.tell(life);
        }
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
        let Self { inner, linger, heads, .. } = &mut *self;
        if linger.is_none() {
            std::task::ready!(Pin::new(&mut *inner).poll_shutdown(cx))?;
            if !heads.may_go_on() {
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
