//! Why a signed text was refused, or could not be written.

use thiserror::Error;

/// Why a signed text was not accepted.
///
/// Callers answer all of these alike; the variants exist for logs and for the few places that tell an
/// expired text from a wrong one.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SignatureError {
    /// Longer than [`Limits`](crate::Limits) allows; nothing was computed.
    #[error("the signed text is too long")]
    TooLong,
    /// A separator is missing, or a part is not canonical base64url.
    #[error("the signed text is malformed")]
    Malformed,
    /// No key in the ring made this signature.
    #[error("the signature does not match")]
    BadSignature,
    /// The signature is right, but it is too old or dated in the future.
    #[error("the signature has expired")]
    Expired,
    /// The signature is right, but what it covers is not of the expected shape.
    #[error("the signed payload cannot be read")]
    Payload,
}

/// Why a value could not be written as a signed text.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum EncodeError {
    /// Nested deeper than [`MAX_DEPTH`](crate::json::MAX_DEPTH): it could not be read back.
    #[error("the value is nested too deeply")]
    TooDeep,
    /// The text would be longer than [`Limits`](crate::Limits) lets a reader accept.
    #[error("the value is too large to sign")]
    TooLong,
    /// The year of a date lies outside 1 to 9999.
    #[error("the date cannot be written")]
    Date,
}
