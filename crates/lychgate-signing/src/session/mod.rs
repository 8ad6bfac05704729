//! Flask's session cookie.
//!
//! A session is a map of typed values, written as JSON in which the types that JSON lacks are marked by
//! one-member objects, and signed with the time. [`SessionCodec`] reads cookies that Flask wrote and writes
//! cookies that Flask reads.
//!
//! ```
//! use lychgate_signing::{KeyRing, session::{Map, SessionCodec, Value}};
//!
//! let codec = SessionCodec::new(&KeyRing::new("secret")?, SessionCodec::SALT);
//! let session = Map::from([("_user_id".to_owned(), Value::from("42")), ("_fresh".to_owned(), Value::from(true))]);
//! let cookie = codec.encode(&session, 1_750_000_000)?;
//! assert_eq!(codec.decode(&cookie, 1_750_000_000, 2_678_400)?, session);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod date;
mod tag;
mod value;

pub use value::{Map, Value};

use crate::{
    error::{EncodeError, SignatureError},
    itsdangerous::{Derivation, Limits, UrlSafeTimedSerializer, check_age},
    keys::KeyRing,
};

/// Reads and writes session cookies; keys are derived once.
#[derive(Clone, Debug)]
pub struct SessionCodec {
    serializer: UrlSafeTimedSerializer,
}

impl SessionCodec {
    /// The salt that Flask uses.
    pub const SALT: &str = "cookie-session";

    /// A codec for the cookies of one application.
    #[must_use]
    pub fn new(keys: &KeyRing, salt: &str) -> Self {
        Self { serializer: UrlSafeTimedSerializer::with_derivation(keys, salt, Derivation::Hmac) }
    }

    /// Changes the bounds.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.serializer = self.serializer.with_limits(limits);
        self
    }

    /// The session in a cookie not older than `max_age` seconds at `now` (seconds since 1970).
    ///
    /// # Errors
    /// Any [`SignatureError`]; Flask then starts an empty session without a word.
    pub fn decode(&self, cookie: &str, now: i64, max_age: i64) -> Result<Map, SignatureError> {
        self.decode_dated(cookie, now, max_age).map(|(session, _)| session)
    }

    /// Like [`decode`](Self::decode), with the time at which the cookie was written.
    ///
    /// # Errors
    /// Any [`SignatureError`].
    pub fn decode_dated(&self, cookie: &str, now: i64, max_age: i64) -> Result<(Map, i64), SignatureError> {
        let (payload, issued_at) = self.serializer.unsign(cookie)?;
        check_age(issued_at, now, Some(max_age))?;
        let json = self.serializer.read(payload)?;
        Ok((tag::read_map(json).ok_or(SignatureError::Payload)?, issued_at))
    }

    /// The cookie for a session, dated `now`.
    ///
    /// # Errors
    /// [`EncodeError`] when the session could not be read back: too deep, too large, or holding a date
    /// that has no written form.
    pub fn encode(&self, session: &Map, now: i64) -> Result<String, EncodeError> {
        self.serializer.dumps_json(&tag::write_map(session)?, now)
    }
}
