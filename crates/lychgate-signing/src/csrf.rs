//! CSRF tokens of Flask-WTF.
//!
//! The session holds a random token; forms and headers carry the same token under a signature with the
//! time. Its first part is the same in each page of a session: do not compress pages that hold it
//! next to what an attacker may choose.

use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::{
    error::{EncodeError, SignatureError},
    hex,
    itsdangerous::{Limits, UrlSafeTimedSerializer},
    json::Value,
    keys::KeyRing,
};

/// The longest token that is looked at, in bytes. One that Flask-WTF makes has 90 characters.
pub const MAX_LEN: usize = 1024;

/// Why a CSRF token was refused, in the order of the checks.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CsrfError {
    /// The request carries no token.
    #[error("the request has no CSRF token")]
    Missing,
    /// The session holds no token to compare with.
    #[error("the session has no CSRF token")]
    SessionMissing,
    /// Rightly signed, but too old or from the future.
    #[error("the CSRF token is out of date")]
    Expired,
    /// Not rightly signed, or not a token.
    #[error("the CSRF token is not valid")]
    Invalid,
    /// Rightly signed for another session.
    #[error("the CSRF token belongs to another session")]
    Mismatch,
}

/// Signs and checks CSRF tokens.
///
/// ```
/// use lychgate_signing::{KeyRing, csrf::CsrfCodec};
///
/// let codec = CsrfCodec::new(&KeyRing::new("secret")?, CsrfCodec::SALT);
/// let raw = CsrfCodec::mint()?; // kept in the session
/// let token = codec.sign(&raw, 1_750_000_000)?; // sent to the page
/// assert_eq!(codec.validate(&token, Some(&raw), 1_750_000_060, Some(3600)), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CsrfCodec {
    serializer: UrlSafeTimedSerializer,
}

impl CsrfCodec {
    /// The salt that Flask-WTF uses.
    pub const SALT: &str = "wtf-csrf-token";

    /// A codec with the keys of the ring. Flask-WTF knows one key; tokens made with a fallback are accepted here.
    #[must_use]
    pub fn new(keys: &KeyRing, salt: &str) -> Self {
        let limits = Limits { token: MAX_LEN, json: MAX_LEN };
        Self { serializer: UrlSafeTimedSerializer::new(keys, salt).with_limits(limits) }
    }

    /// A new token for a session: 40 hexadecimal digits.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn mint() -> Result<String, getrandom::Error> {
        let mut random = [0; 64];
        getrandom::fill(&mut random)?;
        Ok(Self::mint_with(&random))
    }

    /// The token made of given random bytes.
    #[must_use]
    pub fn mint_with(random: &[u8; 64]) -> String {
        hex::encode(&Sha1::digest(random))
    }

    /// The signed form of a session's token.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] when the token is not one of ours and very long.
    pub fn sign(&self, raw: &str, now: i64) -> Result<String, EncodeError> {
        self.serializer.dumps(&Value::from(raw), now)
    }

    /// Checks the signed `token` of a request against the `session`'s token.
    ///
    /// `max_age` is in seconds; `None` accepts any age.
    ///
    /// # Errors
    /// [`CsrfError`], the first that applies.
    pub fn validate(
        &self,
        token: &str,
        session: Option<&str>,
        now: i64,
        max_age: Option<i64>,
    ) -> Result<(), CsrfError> {
        if token.is_empty() {
            return Err(CsrfError::Missing);
        }
        let session = session.filter(|raw| !raw.is_empty()).ok_or(CsrfError::SessionMissing)?;
        let (value, _) = self.serializer.loads(token, now, max_age).map_err(|error| match error {
            SignatureError::Expired => CsrfError::Expired,
            _ => CsrfError::Invalid,
        })?;
        let raw = value.as_str().ok_or(CsrfError::Invalid)?;
        if raw.as_bytes().ct_eq(session.as_bytes()).into() { Ok(()) } else { Err(CsrfError::Mismatch) }
    }
}
