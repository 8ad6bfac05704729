//! Reads HTTP/1 along, and stops what two programs could read in two ways (RFC 9112, sections 2.2, 5.2, 6.1 and 11.2).
//!
//! The parser behind this takes a bare LF for the end of a line, prefers `Transfer-Encoding` to `Content-Length`, and takes
//! one length twice. A proxy in front may see the requests of a connection begin elsewhere: what it took for a body
//! becomes a request. Here such a request is refused before that parser sees any of it.

use super::{
    frames::{Flood, Frames},
    limits::Limits,
};

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
    /// Bytes and headers of the head that is being read.
    bytes: usize,
    fields: usize,
    /// Whether a head has just come to its end.
    ended: bool,
    frames: Frames,
    bounds: Bounds,
}

/// How much is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) head_bytes: usize,
    pub(crate) head_fields: usize,
    pub(crate) http2: bool,
}

impl Bounds {
    pub(crate) fn of(limits: &Limits) -> Self {
        Self { head_bytes: limits.head_bytes, head_fields: limits.head_fields, http2: limits.http2 }
    }
}

/// A head that is there whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Where it ends in what was read now.
    pub(crate) end: usize,
    pub(crate) bytes: usize,
    pub(crate) fields: usize,
}

/// Why nothing more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The request may be read in two ways; seen at this byte.
    Ambiguous(usize),
    /// Its head is too long, or has too many headers; seen at this byte.
    TooLong(usize),
    /// Frames of HTTP/2 that ask for nothing.
    Flood,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Ambiguous,
    TooLong,
}

impl Wrong {
    fn at(self, at: usize) -> Refused {
        match self {
            Self::Ambiguous => Refused::Ambiguous(at),
            Self::TooLong => Refused::TooLong(at),
        }
    }
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
    pub(crate) fn new(http2: bool, bounds: Bounds) -> Self {
        let part = if http2 { Part::Other } else { Part::Start(0) };
        let (length, chunked, frames) = (None, false, Frames::begin(0));
        Self {
            part,
            line: Line::EMPTY,
            first: true,
            length,
            chunked,
            bytes: 0,
            fields: 0,
            ended: false,
            frames,
            bounds,
        }
    }

    /// Reads on, until a head is there whole or nothing is left.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<Option<Head>, Refused> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self.part {
                Part::Other => return self.frames.read(rest).map(|()| None).map_err(|Flood| Refused::Flood),
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
                    if self.is_within_a_head() {
                        self.bytes += 1;
                    }
                    if self.bytes > self.bounds.head_bytes {
                        return Err(Refused::TooLong(at));
                    }
                    let byte = rest.first().copied().unwrap_or_default();
                    self.byte(byte).map_err(|wrong| wrong.at(at))?;
                    at += 1;
                    if std::mem::take(&mut self.ended) {
                        let (bytes, fields) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.fields));
                        return Ok(Some(Head { end: at, bytes, fields }));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Bytes of a head that is not there whole.
    pub(crate) fn unfinished(&self) -> usize {
        self.bytes
    }

    /// Whether so many further bytes are nothing but body, or no HTTP/1 at all.
    pub(crate) fn is_past_heads(&self, bytes: usize) -> bool {
        match self.part {
            Part::Other => true,
            Part::Body(left) | Part::Chunk(left) => u64::try_from(bytes).is_ok_and(|bytes| bytes <= left),
            _ => false,
        }
    }

    pub(crate) fn is_within_a_head(&self) -> bool {
        matches!(self.part, Part::Start(_) | Part::Headers)
    }

    /// Whether a body has begun that has not come to its end.
    pub(crate) fn is_within_a_body(&self) -> bool {
        matches!(self.part, Part::Body(_) | Part::ChunkSize | Part::Chunk(_) | Part::ChunkEnd | Part::Trailers)
    }

    /// The other side took so many bytes.
    pub(crate) fn took(&mut self, bytes: usize) {
        if self.part == Part::Other {
            self.frames.took(bytes);
        }
    }

    /// A byte of a line.
    fn byte(&mut self, byte: u8) -> Result<(), Wrong> {
        match (byte, self.line.after_cr) {
            (b'\n', true) => {
                let line = std::mem::replace(&mut self.line, Line::EMPTY);
                return self.line(&line);
            }
            (b'\n', false) | (_, true) => return Err(Wrong::Ambiguous),
            (b'\r', false) => self.line.after_cr = true,
            // A chunk is longer than was said.
            _ if self.part == Part::ChunkEnd => return Err(Wrong::Ambiguous),
            _ => self.line.push(byte),
        }
        Ok(())
    }

    fn line(&mut self, line: &Line) -> Result<(), Wrong> {
        let text = line.text();
        self.part = match self.part {
            Part::Start(MOST_EMPTY) if text.is_empty() => return Err(Wrong::Ambiguous),
            Part::Start(empty) if text.is_empty() => Part::Start(empty + 1),
            Part::Start(0) if self.first && self.bounds.http2 && text == HTTP2 => {
                self.frames = Frames::begin(std::mem::take(&mut self.bytes));
                Part::Other
            }
            Part::Start(_) => {
                (self.first, self.length, self.chunked) = (false, None, false);
                Part::Headers
            }
            Part::Headers if text.is_empty() => {
                self.ended = true;
                match (self.chunked, self.length) {
                    (true, _) => Part::ChunkSize,
                    (false, None | Some(0)) => Part::Start(0),
                    (false, Some(length)) => Part::Body(length),
                }
            }
            Part::Headers => {
                self.fields += 1;
                if self.fields > self.bounds.head_fields {
                    return Err(Wrong::TooLong);
                }
                self.header(line).ok_or(Wrong::Ambiguous)?;
                Part::Headers
            }
            Part::ChunkSize => match chunk_size(text).ok_or(Wrong::Ambiguous)? {
                0 => Part::Trailers,
                size => Part::Chunk(size),
            },
            Part::ChunkEnd if text.is_empty() => Part::ChunkSize,
            Part::ChunkEnd => return Err(Wrong::Ambiguous),
            Part::Trailers if text.is_empty() => Part::Start(0),
            part => part,
        };
        Ok(())
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

    const BOUNDS: Bounds = Bounds { head_bytes: 300, head_fields: 5, http2: true };

    /// Reads it in pieces of so many bytes: where the heads end, or what is refused.
    fn read_by(text: &str, size: usize) -> Result<Vec<usize>, Refused> {
        let (mut strict, mut heads) = (Strict::new(false, BOUNDS), Vec::new());
        for (piece, begin) in text.as_bytes().chunks(size).zip((0..).step_by(size)) {
            let mut at = 0;
            loop {
                match strict.read(&piece[at..]) {
                    Ok(None) => break,
                    Ok(Some(head)) => {
                        at += head.end;
                        heads.push(begin + at);
                    }
                    Err(Refused::Ambiguous(seen)) => return Err(Refused::Ambiguous(begin + at + seen)),
                    Err(Refused::TooLong(seen)) => return Err(Refused::TooLong(begin + at + seen)),
                    Err(Refused::Flood) => return Err(Refused::Flood),
                }
            }
        }
        Ok(heads)
    }

    /// The same answer however the bytes are cut.
    fn read(text: &str) -> Result<usize, usize> {
        let whole = read_by(text, text.len());
        for size in [1, 2, 7] {
            assert_eq!(whole, read_by(text, size), "{text:?}");
        }
        whole.map(|heads| heads.len()).map_err(|refused| match refused {
            Refused::Ambiguous(at) => at,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn what_can_be_read_in_one_way_passes() {
        for (heads, text) in [
            (1, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (2, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
            (2, "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n\n\n\nGET / HTTP/1.1\r\nA: b\r\n\r\n"),
            (2, "POST / HTTP/1.1\r\nContent-Length:0\r\n\r\nPOST / HTTP/1.1\r\ncontent-length: 1\r\n\r\n\n"),
            (
                2,
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\n\n\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\nGET \
                 / HTTP/1.1\r\n\r\n",
            ),
            (0, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\n\n"),
            (0, "GET / HTTP/1.1\r\nHost: a\r\n"),
        ] {
            assert_eq!(read(text), Ok(heads), "{text:?}");
        }
        // In order: both heads are counted from their own beginning.
        let two = "GET / HTTP/1.1\r\nA: b\r\n\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\nB: c\r\n\r\nxGE";
        let mut strict = Strict::new(false, BOUNDS);
        let first = strict.read(two.as_bytes()).unwrap().unwrap();
        assert_eq!(first, Head { end: 24, bytes: 24, fields: 1 });
        let second = strict.read(&two.as_bytes()[24..]).unwrap().unwrap();
        assert_eq!(second, Head { end: 46, bytes: 46, fields: 2 });
        assert!(strict.is_within_a_body() && strict.is_past_heads(1) && !strict.is_past_heads(2));
        assert_eq!(strict.read(b"xGE"), Ok(None));
        assert!((strict.unfinished(), strict.is_within_a_head()) == (2, true));
    }

    #[test]
    fn heads_have_a_size() {
        let with = |headers: String| read_by(&format!("GET / HTTP/1.1\r\n{headers}\r\n"), 7);
        assert!(with("A: b\r\n".repeat(5)).is_ok());
        assert!(matches!(with("A: b\r\n".repeat(6)), Err(Refused::TooLong(_))));
        // The lines around it take 23 bytes.
        assert!(with(format!("A: {}\r\n", "b".repeat(277))).is_ok());
        assert_eq!(with(format!("A: {}\r\n", "b".repeat(278))), Err(Refused::TooLong(300)));
        assert_eq!(with("b".repeat(3000)), Err(Refused::TooLong(300)));
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
        let mut strict = Strict::new(false, Bounds { http2: false, ..BOUNDS });
        assert!(strict.read(b"PRI * HTTP/2.0\r\n\r\n").unwrap().is_some(), "or is not spoken");
    }
}
