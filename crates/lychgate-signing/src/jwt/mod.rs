//! JSON Web Tokens (RFC 7519), signed (RFC 7515): signing, checking, and the public keys as a set (RFC 7517).
//!
//! A [`Key`] is pinned to its algorithms, so that no header talks a check into another one; `none` is no algorithm.
//! What a header says of where keys are (`jku`, `x5u`, `jwk`, `x5c`) is never looked at. [`Keys`] signs with the first
//! key and opens with any of them.
//!
//! ```
//! use lychgate_signing::jwt::{Algorithm, Key, Keys};
//! use serde_json::json;
//!
//! let keys = Keys::new(vec![Key::secret(None, Algorithm::Hs256, b"a secret of at least 32 random bytes")?])?;
//! let claims = json!({"sub": "user-1"});
//! let token = keys.sign(claims.as_object().unwrap())?;
//! assert_eq!(keys.open(&token)?["sub"], "user-1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod claims;
mod key;
mod keys;

pub use self::{
    algorithm::Algorithm,
    claims::{Rules, check},
    key::{Key, KeyError},
    keys::{Keys, MAX_LENGTH},
};

use thiserror::Error;

/// Why a token was not accepted. The texts are those of PyJWT, which clients of moved applications know.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum JwtError {
    /// Longer than [`MAX_LENGTH`]; nothing was computed.
    #[error("Token is too long")]
    TooLong,
    /// Not three parts between dots.
    #[error("Not enough segments")]
    Segments,
    /// The first part is not base64url.
    #[error("Invalid header padding")]
    HeaderEncoding,
    /// The header is no JSON object, names something twice, or asks for what is not done here.
    #[error("Invalid header string")]
    Header,
    /// The second part is not base64url.
    #[error("Invalid payload padding")]
    PayloadEncoding,
    /// The claims are no JSON object, or one stands there twice.
    #[error("Invalid payload string")]
    Payload,
    /// The third part is not base64url.
    #[error("Invalid crypto padding")]
    SignatureEncoding,
    /// No key is for this algorithm; `none` never is.
    #[error("The specified alg value is not allowed")]
    Algorithm,
    /// No key made this signature.
    #[error("Signature verification failed")]
    Signature,
    /// `exp` has passed.
    #[error("Token has expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("The token is not yet valid (nbf)")]
    NotYet,
    /// `iat` is in the future.
    #[error("The token is not yet valid (iat)")]
    IssuedLater,
    /// `exp` is not there, or is no whole number.
    #[error("Expiration Time claim (exp) must be an integer.")]
    ExpType,
    /// `nbf` is no whole number.
    #[error("Not Before claim (nbf) must be an integer.")]
    NbfType,
    /// `iat` is no whole number.
    #[error("Issued At claim (iat) must be an integer.")]
    IatType,
    /// `aud` is missing.
    #[error("Token is missing the \"aud\" claim")]
    NoAudience,
    /// `aud` is of another shape than one text or several.
    #[error("Invalid claim format in token")]
    AudienceType,
    /// For somebody else.
    #[error("Audience doesn't match")]
    Audience,
    /// There is an `aud`, and none is expected.
    #[error("Invalid audience")]
    UnexpectedAudience,
    /// `iss` is missing.
    #[error("Token is missing the \"iss\" claim")]
    NoIssuer,
    /// By somebody else.
    #[error("Invalid issuer")]
    Issuer,
    /// `sub` is no text.
    #[error("Subject must be a string")]
    Subject,
    /// `jti` is no text.
    #[error("JWT ID must be a string")]
    Id,
}
