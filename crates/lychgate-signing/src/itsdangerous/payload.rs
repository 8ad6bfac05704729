//! The first part of a serialized text: base64 of JSON, or a dot and base64 of deflated JSON.

use std::cell::RefCell;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::Limits;
use crate::error::{EncodeError, SignatureError};

/// Shorter texts cannot gain: a zlib stream has nine bytes at least.
const WORTH_COMPRESSING: usize = 12;

/// Appends the payload for `json`, deflated where that saves at least two bytes.
pub(crate) fn pack(json: &str, limits: Limits) -> Result<String, EncodeError> {
    if json.len() > limits.json {
        return Err(EncodeError::TooLong);
    }
    // Room for a timestamp and a signature, so that signing does not move the text.
    let mut text = String::with_capacity(json.len() / 3 * 4 + 48);
    match deflate(json.as_bytes()) {
        Some(small) if small.len() + 1 < json.len() => {
            text.push('.');
            URL_SAFE_NO_PAD.encode_string(small, &mut text);
        }
        _ => URL_SAFE_NO_PAD.encode_string(json, &mut text),
    }
    Ok(text)
}

/// The JSON inside a payload.
pub(crate) fn unpack(payload: &str, limits: Limits) -> Result<String, SignatureError> {
    let (body, deflated) = payload.strip_prefix('.').map_or((payload, false), |body| (body, true));
    let mut bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| SignatureError::Payload)?;
    if deflated {
        bytes = inflate(&bytes, limits.json).ok_or(SignatureError::Payload)?;
    } else if bytes.len() > limits.json {
        return Err(SignatureError::Payload);
    }
    String::from_utf8(bytes).map_err(|_| SignatureError::Payload)
}

fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < WORTH_COMPRESSING {
        return None;
    }
    DEFLATER.with_borrow_mut(|deflater| {
        deflater.reset();
        // What does not fit is not worth having.
        let mut out = Vec::with_capacity(bytes.len());
        let status = deflater.compress_vec(bytes, &mut out, FlushCompress::Finish).ok()?;
        (status == Status::StreamEnd).then_some(out)
    })
}

// Setting these up costs more than a session's worth of work with them, so each thread keeps its own.
thread_local! {
    static DEFLATER: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(6), true));
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

/// Inflates a whole zlib stream, if it is one, ends where the input ends and yields at most `limit` bytes.
fn inflate(bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(true);
        let mut out = Vec::with_capacity(bytes.len().saturating_mul(3).clamp(64, limit.max(64)));
        loop {
            let (used, had) = (inflater.total_in(), out.len());
            let rest = bytes.get(usize::try_from(used).ok()?..)?;
            let status = inflater.decompress_vec(rest, &mut out, FlushDecompress::None).ok()?;
            if out.len() > limit {
                return None;
            }
            if status == Status::StreamEnd {
                return (inflater.total_in() == bytes.len() as u64).then_some(out);
            }
            if out.len() == out.capacity() {
                out.reserve(out.len());
            } else if inflater.total_in() == used && out.len() == had {
                // There was room, nothing came, and yet there is no end: the stream is cut short.
                return None;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn limits(json: usize) -> Limits {
        Limits { json, ..Limits::default() }
    }

    #[test]
    fn short_text_stays_plain_and_long_text_is_deflated() {
        assert_eq!(pack("{}", Limits::default()).unwrap(), "e30");
        let long = format!("\"{}\"", "a".repeat(500));
        let packed = pack(&long, Limits::default()).unwrap();
        assert!(packed.starts_with('.') && packed.len() < 40);
        assert_eq!(unpack(&packed, Limits::default()).unwrap(), long);
    }

    #[test]
    fn inflating_stops_at_the_limit() {
        for len in [63, 64, 65, 1000, 200_000] {
            let packed = pack(&"a".repeat(len), limits(len)).unwrap();
            assert_eq!(unpack(&packed, limits(len)).unwrap().len(), len);
            assert_eq!(unpack(&packed, limits(len - 1)), Err(SignatureError::Payload));
        }
    }

    #[test]
    fn a_refused_stream_does_not_spoil_the_next() {
        let good = pack(&"ab".repeat(400), Limits::default()).unwrap();
        for bad in ["x", ".", ".AAAA", ".eJw", "e30=", "e31", " e30", "_w"] {
            assert_eq!(unpack(bad, Limits::default()), Err(SignatureError::Payload), "{bad}");
            assert!(unpack(&good, Limits::default()).is_ok());
        }
    }

    #[test]
    fn a_stream_must_end_with_the_input() {
        let mut bytes = deflate("ab".repeat(400).as_bytes()).unwrap();
        assert!(inflate(&bytes, 800).is_some());
        bytes.push(0);
        assert!(inflate(&bytes, 800).is_none());
        bytes.truncate(bytes.len() - 2);
        assert!(inflate(&bytes, 800).is_none());
    }
}
