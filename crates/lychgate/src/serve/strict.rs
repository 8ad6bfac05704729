//! Reads HTTP/1 along, and stops what two programs could read in two ways (RFC 9112, sections 2.2, 5.2, 6.1 and 11.2).
//!
//! The parser behind this takes a bare LF for the end of a line, prefers `Transfer-Encoding` to `Content-Length`, and takes
//! one length twice. A proxy in front may see the requests of a connection begin elsewhere: what it took for a body
//! becomes a request. Here such a request ends in a byte that no parser takes, so that it is answered with 400 and the
//! connection closed.

/// Bytes of a line that are looked at: the name of a header, and a value that frames the body.
const LOOKED_AT: usize = 64;
/// Empty lines that may come before a request.
const MOST_EMPTY: u8 = 4;
/// The first line of HTTP/2 without TLS.
const HTTP2: &[u8] = b"PRI * HTTP/2.0";

/// What follows one connection.
#[derive(Debug)]
pub(crate) struct Strict {
    part: Part,
    line: Line,
    first: bool,
    length: Option<u64>,
    chunked: bool,
}

/// A request that may be read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous {
    /// The byte at which it is seen.
    pub(crate) at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Before the line of a request, after so many empty lines.
    Start(u8),
    Headers,
    Body(u64),
    ChunkSize,
    Chunk(u64),
    /// The end of the line behind a chunk.
    ChunkEnd,
    Trailers,
    /// No HTTP/1.
    Other,
}

/// The beginning of a line.
#[derive(Clone, Copy, Debug)]
struct Line {
    bytes: [u8; LOOKED_AT],
    length: usize,
    long: bool,
    after_cr: bool,
}

impl Line {
    const EMPTY: Self = Self { bytes: [0; LOOKED_AT], length: 0, long: false, after_cr: false };

    fn push(&mut self, byte: u8) {
        match self.bytes.get_mut(self.length) {
            Some(free) => {
                *free = byte;
                self.length += 1;
            }
            None => self.long = true,
        }
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Strict {
    pub(crate) fn new(http2: bool) -> Self {
        let part = if http2 { Part::Other } else { Part::Start(0) };
        Self { part, line: Line::EMPTY, first: true, length: None, chunked: false }
    }

    /// Reads on.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<(), Ambiguous> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self.part {
                Part::Other => return Ok(()),
                Part::Body(left) | Part::Chunk(left) => {
                    let here = left.min(u64::try_from(rest.len()).unwrap_or(u64::MAX));
                    at += usize::try_from(here).unwrap_or(rest.len());
                    self.part = match (self.part, left - here) {
                        (Part::Body(_), 0) => Part::Start(0),
                        (Part::Body(_), left) => Part::Body(left),
                        (_, 0) => Part::ChunkEnd,
                        (_, left) => Part::Chunk(left),
                    };
                }
                _ => {
                    let byte = rest.first().copied().unwrap_or_default();
                    self.byte(byte).ok_or(Ambiguous { at })?;
                    at += 1;
                }
            }
        }
        Ok(())
    }

    /// Whether a body has begun that has not come to its end.
    pub(crate) fn is_within_a_body(&self) -> bool {
        matches!(self.part, Part::Body(_) | Part::ChunkSize | Part::Chunk(_) | Part::ChunkEnd | Part::Trailers)
    }

    /// A byte of a line; nothing if it must not be there.
    fn byte(&mut self, byte: u8) -> Option<()> {
        match (byte, self.line.after_cr) {
            (b'\n', true) => {
                let line = std::mem::replace(&mut self.line, Line::EMPTY);
                return self.line(&line);
            }
            (b'\n', false) | (_, true) => return None,
            (b'\r', false) => self.line.after_cr = true,
            // A chunk is longer than was said.
            _ if self.part == Part::ChunkEnd => return None,
            _ => self.line.push(byte),
        }
        Some(())
    }

    fn line(&mut self, line: &Line) -> Option<()> {
        let text = line.text();
        self.part = match self.part {
            Part::Start(empty) if text.is_empty() => Part::Start(Some(empty + 1).filter(|empty| *empty <= MOST_EMPTY)?),
            Part::Start(_) if self.first && text == HTTP2 => Part::Other,
            Part::Start(_) => {
                (self.first, self.length, self.chunked) = (false, None, false);
                Part::Headers
            }
            Part::Headers if text.is_empty() => match (self.chunked, self.length) {
                (true, _) => Part::ChunkSize,
                (false, None | Some(0)) => Part::Start(0),
                (false, Some(length)) => Part::Body(length),
            },
            Part::Headers => {
                self.header(line)?;
                Part::Headers
            }
            Part::ChunkSize => match chunk_size(text)? {
                0 => Part::Trailers,
                size => Part::Chunk(size),
            },
            Part::ChunkEnd if text.is_empty() => Part::ChunkSize,
            Part::ChunkEnd => return None,
            Part::Trailers if text.is_empty() => Part::Start(0),
            part => part,
        };
        Some(())
    }

    fn header(&mut self, line: &Line) -> Option<()> {
        // A line that goes on from the one before.
        if line.text().first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            return None;
        }
        let colon = line.text().iter().position(|byte| *byte == b':');
        let (name, value) = line.text().split_at_checked(colon?)?;
        let value = value.get(1..)?.trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = !line.long && !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(value).ok().filter(|_| digits)?.parse().ok()?;
            if self.chunked || self.length.replace(length).is_some() {
                return None;
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let chunked = !line.long && value.eq_ignore_ascii_case(b"chunked");
            if !chunked || self.length.is_some() || std::mem::replace(&mut self.chunked, true) {
                return None;
            }
        }
        Some(())
    }
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| matches!(byte, b';' | b' ' | b'\t')).next()?;
    let text = std::str::from_utf8(digits).ok()?;
    // Neither sign nor emptiness is taken for a number.
    Some(text).filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The same answer however the bytes are cut.
    fn read(text: &str) -> Result<(), usize> {
        let whole = Strict::new(false).read(text.as_bytes()).map_err(|ambiguous| ambiguous.at);
        let mut strict = Strict::new(false);
        let bytewise = text.bytes().enumerate().try_for_each(|(at, byte)| strict.read(&[byte]).map_err(|_| at));
        assert_eq!(whole, bytewise, "{text:?}");
        whole
    }

    #[test]
    fn what_can_be_read_in_one_way_passes() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n\n\n\nGET / HTTP/1.1\r\nA: b\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length:0\r\n\r\nPOST / HTTP/1.1\r\ncontent-length: 1\r\n\r\n\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\n\n\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\nGET / \
             HTTP/1.1\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\n\n",
        ] {
            assert_eq!(read(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_stopped() {
        for text in [
            "GET / HTTP/1.1\n",
            "GET / HTTP/1.1\r\nHost: a\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "GET / HTTP/1.1\r\nA: b\rX: y\r\n",
            "GET / HTTP/1.1\r\nA: b\r\n c\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n",
            "GET / HTTP/1.1\r\nContent-Length: +1\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: identity, chunked\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyy",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
            "\r\n\r\n\r\n\r\n\r\n",
        ] {
            let at = read(text).unwrap_err();
            assert!(at < text.len(), "{text:?}");
        }
        let second = "GET / HTTP/1.1\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\n";
        assert!(read(second).is_err(), "HTTP/2 begins with the connection or not at all");
    }
}
