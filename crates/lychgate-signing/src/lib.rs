//! Signed cookies and tokens in the formats of itsdangerous, Flask, Fernet and JWT.
//!
//! Everything here reads what Flask, Flask-Login, Flask-WTF and Flask-Security write, and writes what they
//! read; it knows neither users nor HTTP.
//!
//! | for | use |
//! | --- | --- |
//! | the session cookie | [`session::SessionCodec`] |
//! | the remember-me cookie | [`remember::RememberCodec`] |
//! | CSRF tokens | [`csrf::CsrfCodec`] |
//! | auth tokens, refresh tokens, mailed links, state of a ceremony | [`tokens::TokenCodec`] |
//! | JSON Web Tokens | [`jwt::Keys`] |
//! | the text of API keys | [`api_key`] |
//! | encrypted recovery codes | [`fernet::Fernet`] |
//! | the client's fingerprint in a session | [`identifier::identifier`] |
//! | an audit log that shows what was done to it | [`audit::AuditSigner`], [`audit::Verifier`] |
//! | anything else under a signature | [`Signer`], [`UrlSafeSerializer`], [`UrlSafeTimedSerializer`] |
//!
//! Rules that hold throughout:
//!
//! * A [`KeyRing`] signs with the current key and verifies with every key.
//! * Signatures are compared in constant time, and each signed text has one accepted spelling.
//! * Sizes are bounded before anything is computed: [`Limits`], [`json::MAX_DEPTH`].
//! * Time is handed in, as seconds since 1970; so is randomness, in the functions that end in `_with`.
//! * `Debug` never shows a key, a token or what a session holds.
//!
//! ```
//! use lychgate_signing::{KeyRing, tokens::{AuthToken, AuthTokenPayload, TokenCodec}};
//!
//! let keys = KeyRing::new("current secret")?.with_fallbacks(["former secret"])?;
//! let codec = TokenCodec::<AuthToken>::with_defaults(&keys);
//! let now = 1_750_000_000;
//! let token = codec.mint(&AuthTokenPayload::new("user-1", now as f64, 0), now)?;
//! assert_eq!(codec.redeem(token.as_str(), now + 60)?.payload.user, "user-1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod api_key;
pub mod audit;
pub mod csrf;
mod error;
pub mod fernet;
mod hex;
pub mod identifier;
pub mod itsdangerous;
pub mod json;
pub mod jwt;
mod keys;
pub mod remember;
pub mod session;
pub mod tokens;

pub use error::{EncodeError, SignatureError};
pub use itsdangerous::{Derivation, Limits, Signer, TimestampSigner, UrlSafeSerializer, UrlSafeTimedSerializer};
pub use keys::{EmptyKey, KeyRing, SecretKey};
