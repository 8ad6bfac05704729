//! Heads of HTTP/1 are handed on once they are there whole and in order; what is not is replaced by a request that is
//! refused.
//!
//! So the parser behind never has to refuse by itself: its replies would carry no security headers, and could be lost with
//! the connection.

use bytes::{Buf as _, BytesMut};
use http::{Method, StatusCode, Uri};
use tokio::io::ReadBuf;

use super::{
    frames::Flood,
    life::Life,
    strict::{Refused, Strict},
};

/// What stands for a request that is refused; its reply is made from what [`Heads::refusal`] says.
const INSTEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";
/// A byte that no parser of HTTP takes within the frame of a body.
const POISON: u8 = 0;
/// Longest address of a request that the types of HTTP can hold.
const LONGEST: usize = 65_534;

/// The bytes of a connection on their way to the parser.
#[derive(Debug)]
pub(crate) struct Heads {
    strict: Strict,
    /// What has come and is not handed on.
    held: BytesMut,
    /// How much of it may be.
    ready: usize,
    /// Heads that were handed on.
    whole: usize,
    end: Option<End>,
}

/// Why nothing more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The request after so many others is answered with this.
    Refused(usize, StatusCode),
    /// A body cannot be read on.
    Broken,
}

impl Heads {
    pub(crate) fn new(strict: Strict) -> Self {
        Self { strict, held: BytesMut::new(), ready: 0, whole: 0, end: None }
    }

    /// Takes what came; true if it can be handed on as it is, and is not held.
    pub(crate) fn pass(&mut self, came: &[u8]) -> Result<bool, Flood> {
        let nothing_held = self.held.is_empty();
        if nothing_held && self.strict.is_past_heads(came.len()) {
            return match self.strict.read(came) {
                Err(_) => Err(Flood),
                Ok(_) => Ok(true),
            };
        }
        self.take(came)?;
        let as_it_is = nothing_held && self.end.is_none() && self.ready == came.len();
        if as_it_is {
            (self.held, self.ready) = (BytesMut::new(), 0);
        }
        Ok(as_it_is)
    }

    /// Takes what came, and holds it.
    pub(crate) fn take(&mut self, came: &[u8]) -> Result<(), Flood> {
        let before = self.held.len();
        self.held.extend_from_slice(came);
        let mut at = 0;
        while let Some(rest) = came.get(at..) {
            match self.strict.read(rest) {
                Ok(None) => break,
                Ok(Some(head)) => {
                    at += head.end;
                    let (begin, end) = (before + at - head.bytes, before + at);
                    let text = self.held.get(begin..end).unwrap_or_default();
                    if let Err(status) = in_order(text, head.fields) {
                        self.refuse(begin, status);
                        return Ok(());
                    }
                    self.whole += 1;
                }
                Err(Refused::Flood) => return Err(Flood),
                Err(refused @ (Refused::Ambiguous(seen) | Refused::TooLong(seen))) => {
                    let end = before + at + seen;
                    if self.strict.is_within_a_head() {
                        let long = matches!(refused, Refused::TooLong(_));
                        let status =
                            if long { StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE } else { StatusCode::BAD_REQUEST };
                        self.refuse((end + 1).saturating_sub(self.strict.unfinished()), status);
                    } else {
                        self.held.truncate(end);
                        self.held.extend_from_slice(&[POISON]);
                        self.ready = self.held.len();
                        self.end = Some(End::Broken);
                    }
                    return Ok(());
                }
            }
        }
        self.ready = self.held.len() - self.strict.unfinished();
        Ok(())
    }

    /// Whether what comes next belongs to a head.
    pub(crate) fn is_within_a_head(&self) -> bool {
        self.strict.is_within_a_head()
    }

    /// Tells what has to be refused.
    pub(crate) fn tell(&self, life: &Life) {
        if let Some(End::Refused(after, status)) = self.end {
            life.refuse(after, status);
        }
    }

    fn refuse(&mut self, begin: usize, status: StatusCode) {
        self.held.truncate(begin);
        self.held.extend_from_slice(INSTEAD);
        self.ready = self.held.len();
        self.end = Some(End::Refused(self.whole, status));
    }

    /// Hands on what may be; whether that was anything.
    pub(crate) fn hand_on(&mut self, to: &mut ReadBuf<'_>) -> bool {
        let now = self.held.get(..self.ready.min(to.remaining())).unwrap_or_default();
        if now.is_empty() {
            return false;
        }
        let bytes = now.len();
        to.put_slice(now);
        self.held.advance(bytes);
        self.ready -= bytes;
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
        true
    }

    /// What follows is no HTTP: all that is held may be handed on.
    pub(crate) fn let_go(&mut self) {
        self.ready = self.held.len();
    }

    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    /// Whether more may be on its way that nobody wants.
    pub(crate) fn may_go_on(&self) -> bool {
        self.end.is_some() || self.strict.is_within_a_body()
    }

    /// The other side took so many bytes.
    pub(crate) fn took(&mut self, bytes: usize) {
        self.strict.took(bytes);
    }
}

/// Whether a head that is there whole can be read (RFC 9112, sections 3 and 5).
fn in_order(head: &[u8], fields: usize) -> Result<(), StatusCode> {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    let mut space = vec![httparse::EMPTY_HEADER; fields];
    let mut request = httparse::Request::new(&mut space);
    if !matches!(request.parse(head), Ok(httparse::Status::Complete(bytes)) if bytes == head.len()) {
        return Err(BAD);
    }
    let path = request.path.ok_or(BAD)?;
    if path.len() > LONGEST {
        return Err(StatusCode::URI_TOO_LONG);
    }
    let coded = request.headers.iter().any(|header| header.name.eq_ignore_ascii_case("transfer-encoding"));
    let method = request.method.and_then(|method| Method::from_bytes(method.as_bytes()).ok());
    let (Some(method), Ok(uri)) = (method, Uri::try_from(path)) else { return Err(BAD) };
    // A host alone is asked for by CONNECT only (RFC 9112, section 3.2.3).
    let host_alone = uri.scheme().is_none() && uri.authority().is_some();
    if host_alone != (method == Method::CONNECT) || coded && request.version == Some(0) {
        return Err(BAD);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{super::strict::Bounds, *};

    const INSTEAD_OF_IT: &str = "GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

    /// What is handed on of `text`, which comes in pieces of so many bytes, and how it ends.
    fn handed_on(text: &str, size: usize) -> (String, Option<End>) {
        let bounds = Bounds { head_bytes: 200, head_fields: 5, http2: true };
        let (mut heads, mut seen) = (Heads::new(Strict::new(false, bounds)), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            if heads.end().is_some() {
                break;
            }
            if size == 3 {
                heads.take(piece).unwrap();
            } else if heads.pass(piece).unwrap() {
                seen.extend_from_slice(piece);
                continue;
            }
            let mut space = [0; 16];
            let mut to = ReadBuf::new(&mut space);
            while heads.hand_on(&mut to) {
                seen.extend_from_slice(to.filled());
                to.clear();
            }
        }
        (String::from_utf8(seen).unwrap(), heads.end())
    }

    #[track_caller]
    fn check(text: &str, expected: &str, end: Option<End>) {
        for size in [text.len(), 1, 3, 50] {
            assert_eq!(handed_on(text, size), (expected.to_owned(), end), "{text:?} by {size}");
        }
    }

    #[test]
    fn what_is_in_order_is_handed_on_as_it_came() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET /a?b HTTP/1.0\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0",
        ] {
            check(text, text, None);
        }
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHo", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", None);
    }

    #[test]
    fn what_is_not_is_replaced() {
        let good = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        for (status, bad) in [
            (400, "GET / HTTP/1.1\n"),
            (400, "GET / HTTP/1.1\r\na b\r\n\r\nrest"),
            (400, "GET / HTTP/1.1\r\na b: c\r\n\r\nrest"),
            (400, "GET / HTTP/1.1\r\na: \0\r\n\r\n"),
            (400, "GET  / HTTP/1.1\r\n\r\n"),
            (400, "GET / HTTP/1.2\r\n\r\n"),
            (400, "GET / HTTP/3.0\r\n\r\n"),
            (400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            (400, "G(T / HTTP/1.1\r\n\r\n"),
            (400, "GET a HTTP/1.1\r\n\r\n"),
            (400, "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
            (431, &format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(200))),
            (431, &format!("GET /{} HTTP/1.1\r\n\r\n", "b".repeat(200))),
            (431, &format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(6))),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            check(&format!("{good}{bad}"), &format!("{good}{INSTEAD_OF_IT}"), Some(End::Refused(1, status)));
        }
        let body = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n";
        check(body, &body.replace("b\r\n", "\0"), Some(End::Broken));
    }
}
