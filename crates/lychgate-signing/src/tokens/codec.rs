//! Minting and redeeming.

use std::{fmt, marker::PhantomData};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::Purpose;
use crate::{
    error::{EncodeError, SignatureError},
    itsdangerous::{UrlSafeSerializer, UrlSafeTimedSerializer, check_age},
    keys::KeyRing,
};

/// The text of a token for one purpose. `Debug` does not show it.
pub struct Token<P> {
    text: String,
    purpose: PhantomData<fn() -> P>,
}

impl<P> Token<P> {
    /// The text to send.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text to send.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }
}

impl<P: Purpose> fmt::Debug for Token<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", P::INFO.name)
    }
}

/// What a valid token said.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Redeemed<T> {
    /// What the token says.
    pub payload: T,
    /// When it was minted, in seconds since 1970; `None` for purposes without a time.
    pub issued_at: Option<i64>,
}

impl<T> Redeemed<T> {
    fn new(payload: T, issued_at: Option<i64>) -> Self {
        Self { payload, issued_at }
    }
}

/// Why a token was not redeemed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RedeemError<T> {
    /// Rightly signed, but too old or from the future. Says what the token said if the purpose is
    /// [readable when expired](super::PurposeInfo::readable_when_expired).
    #[error("the token has expired")]
    Expired(Option<Redeemed<T>>),
    /// Not a token for this purpose.
    #[error("the token is not valid")]
    Invalid(#[source] SignatureError),
}

impl<T> From<SignatureError> for RedeemError<T> {
    fn from(error: SignatureError) -> Self {
        Self::Invalid(error)
    }
}

/// Mints and redeems the tokens of one purpose; keys are derived once.
pub struct TokenCodec<P> {
    serializer: Serializer,
    max_age: Option<i64>,
    purpose: PhantomData<fn() -> P>,
}

#[derive(Clone)]
enum Serializer {
    Timed(UrlSafeTimedSerializer),
    Untimed(UrlSafeSerializer),
}

impl<P: Purpose> TokenCodec<P> {
    /// A codec with the configured salt and lifetime in seconds; `None` is for ever.
    ///
    /// Purposes without a time ignore the lifetime.
    #[must_use]
    pub fn new(keys: &KeyRing, salt: &str, max_age: Option<i64>) -> Self {
        let serializer = if P::INFO.timed {
            Serializer::Timed(UrlSafeTimedSerializer::new(keys, salt))
        } else {
            Serializer::Untimed(UrlSafeSerializer::new(keys, salt))
        };
        Self { serializer, max_age, purpose: PhantomData }
    }

    /// A codec with the salt and lifetime of the purpose's [`INFO`](Purpose::INFO).
    #[must_use]
    pub fn with_defaults(keys: &KeyRing) -> Self {
        Self::new(keys, P::INFO.default_salt, P::INFO.default_lifetime)
    }

    /// A token that says `payload`, minted at `now` (seconds since 1970).
    ///
    /// # Errors
    /// [`EncodeError`] when the token would be too large to be read.
    pub fn mint(&self, payload: &P::Payload, now: i64) -> Result<Token<P>, EncodeError> {
        let value = P::to_json(payload);
        let text = match &self.serializer {
            Serializer::Timed(serializer) => serializer.dumps(&value, now),
            Serializer::Untimed(serializer) => serializer.dumps(&value),
        }?;
        Ok(Token { text, purpose: PhantomData })
    }

    /// What the token says, if it is one of ours, for this purpose, and in time.
    ///
    /// # Errors
    /// [`RedeemError`].
    pub fn redeem(&self, text: &str, now: i64) -> Result<Redeemed<P::Payload>, RedeemError<P::Payload>> {
        let (payload, issued_at) = match &self.serializer {
            Serializer::Timed(serializer) => {
                let (payload, issued_at) = serializer.unsign(text)?;
                let expired = check_age(issued_at, now, self.max_age).is_err();
                if expired && !P::INFO.readable_when_expired {
                    return Err(RedeemError::Expired(None));
                }
                let payload = serializer.read(payload).map(P::from_json);
                if expired {
                    let payload = payload.ok().flatten();
                    return Err(RedeemError::Expired(payload.map(|payload| Redeemed::new(payload, Some(issued_at)))));
                }
                (payload?, Some(issued_at))
            }
            Serializer::Untimed(serializer) => (P::from_json(serializer.loads(text)?), None),
        };
        let payload = payload.ok_or(SignatureError::Payload)?;
        let in_time = P::not_after(&payload).is_none_or(|last| now <= last);
        let redeemed = Redeemed::new(payload, issued_at);
        if in_time {
            Ok(redeemed)
        } else {
            Err(RedeemError::Expired(P::INFO.readable_when_expired.then_some(redeemed)))
        }
    }
}

impl<P> Clone for TokenCodec<P> {
    fn clone(&self) -> Self {
        Self { serializer: self.serializer.clone(), max_age: self.max_age, purpose: PhantomData }
    }
}

impl<P: Purpose> fmt::Debug for TokenCodec<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCodec")
            .field("purpose", &P::INFO.name)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// SHA-256 of a token, under which to remember that it was used without keeping the token itself.
///
/// Each valid token has one spelling only, so a used token cannot come back in another.
#[must_use]
pub fn fingerprint(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
