//! The signers and serializers of Python's itsdangerous, SHA-1 variants.
//!
//! A signed text is `payload.signature` or `payload.timestamp.signature`; every part after the payload is
//! URL-safe base64 without padding. HMAC-SHA1 is what the formats prescribe; it is not affected by the
//! collisions of SHA-1 (RFC 6194, section 3.3).
//!
//! Readers accept one spelling of each text only: the original also accepts foreign characters, padding and
//! set bits behind the last byte, so that one token has many forms.

mod payload;
mod serializer;
mod signer;

pub use serializer::{UrlSafeSerializer, UrlSafeTimedSerializer};
pub use signer::{Derivation, Signer, TimestampSigner};

pub(crate) use payload::{pack, unpack};
pub(crate) use signer::check_age;

/// Bounds on what readers look at and writers produce, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The whole signed text. Default 16 KiB.
    pub token: usize,
    /// The JSON inside, after inflating. Default 64 KiB.
    pub json: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { token: 16 * 1024, json: 64 * 1024 }
    }
}
