//! Flask-Login's fingerprint of a client, kept in the session as `_id`.
//!
//! It ties a session to an address and a browser. It is a weak tie, as both can be guessed or change on the
//! way; it is here so that sessions pass between Flask and Lychgate without being taken for stolen.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha512};

use crate::hex;

/// SHA-512 in hexadecimal of the client's address and `User-Agent`, `None` for what is missing.
///
/// The bytes are those that Python sees: pass header values through [`header_bytes`] first. Which address
/// to trust is the caller's affair.
///
/// ```
/// use lychgate_signing::identifier::{header_bytes, identifier};
///
/// let id = identifier(Some(b"127.0.0.1"), Some(&header_bytes(b"curl/8")));
/// assert_eq!(id.len(), 128);
/// ```
#[must_use]
pub fn identifier(address: Option<&[u8]>, user_agent: Option<&[u8]>) -> String {
    let mut text = repr(address);
    text.push('|');
    text.push_str(&repr(user_agent));
    hex::encode(&Sha512::digest(text))
}

/// A header value as Flask-Login hashes it: WSGI reads the bytes as Latin-1, Flask-Login writes that as UTF-8.
#[must_use]
pub fn header_bytes(value: &[u8]) -> Vec<u8> {
    value.iter().copied().map(char::from).collect::<String>().into_bytes()
}

/// How Python prints a bytes object, or `None`.
fn repr(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else {
        return "None".to_owned();
    };
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = String::with_capacity(bytes.len() + 3);
    text.push('b');
    text.push(quote);
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            _ if char::from(byte) == quote => {
                text.push('\\');
                text.push(quote);
            }
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push(quote);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_printed_as_in_python() {
        for (bytes, text) in [
            (&b"127.0.0.1"[..], "b'127.0.0.1'"),
            (b"", "b''"),
            (b"it's", "b\"it's\""),
            (b"q\"'z\\", "b'q\"\\'z\\\\'"),
            (b"\"", "b'\"'"),
            (b"\t\n\r\x00\x1f\x7f\xff ~", "b'\\t\\n\\r\\x00\\x1f\\x7f\\xff ~'"),
        ] {
            assert_eq!(repr(Some(bytes)), text);
        }
        assert_eq!(repr(None), "None");
    }

    #[test]
    fn headers_are_read_as_latin1() {
        assert_eq!(header_bytes("café".as_bytes()), b"caf\xc3\x83\xc2\xa9");
    }
}
