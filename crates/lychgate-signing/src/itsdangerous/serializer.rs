//! JSON under a signature.

use super::{Derivation, Limits, Signer, TimestampSigner, check_age, pack, unpack};
use crate::{
    error::{EncodeError, SignatureError},
    json::{self, Value},
    keys::KeyRing,
};

/// Signs JSON without a time.
#[derive(Clone, Debug)]
pub struct UrlSafeSerializer {
    signer: Signer,
    limits: Limits,
}

impl UrlSafeSerializer {
    /// A serializer with the default [`Derivation`] and [`Limits`].
    #[must_use]
    pub fn new(keys: &KeyRing, salt: &str) -> Self {
        Self { signer: Signer::new(keys, salt, Derivation::default()), limits: Limits::default() }
    }

    /// Changes the bounds.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Writes and signs.
    ///
    /// # Errors
    /// [`EncodeError`] when the value could not be read back.
    pub fn dumps(&self, value: &Value) -> Result<String, EncodeError> {
        let mut text = pack(&value.to_json()?, self.limits)?;
        self.signer.sign_in_place(&mut text);
        fitting(text, self.limits)
    }

    /// Checks and reads.
    ///
    /// # Errors
    /// Any [`SignatureError`] but `Expired`.
    pub fn loads(&self, text: &str) -> Result<Value, SignatureError> {
        bounded(text, self.limits)?;
        read(self.signer.unsign(text)?, self.limits)
    }
}

/// Signs JSON together with the time.
///
/// ```
/// use lychgate_signing::{KeyRing, SignatureError, UrlSafeTimedSerializer, json::Value};
///
/// let serializer = UrlSafeTimedSerializer::new(&KeyRing::new("secret")?, "a salt");
/// let text = serializer.dumps(&Value::from("joe"), 1_750_000_000)?;
/// assert_eq!(serializer.loads(&text, 1_750_000_060, Some(60))?, (Value::from("joe"), 1_750_000_000));
/// assert_eq!(serializer.loads(&text, 1_750_000_061, Some(60)), Err(SignatureError::Expired));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct UrlSafeTimedSerializer {
    signer: TimestampSigner,
    limits: Limits,
}

impl UrlSafeTimedSerializer {
    /// A serializer with the default [`Derivation`] and [`Limits`].
    #[must_use]
    pub fn new(keys: &KeyRing, salt: &str) -> Self {
        Self::with_derivation(keys, salt, Derivation::default())
    }

    /// A serializer whose keys are derived as told.
    #[must_use]
    pub fn with_derivation(keys: &KeyRing, salt: &str, derivation: Derivation) -> Self {
        Self { signer: TimestampSigner::new(keys, salt, derivation), limits: Limits::default() }
    }

    /// Changes the bounds.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Writes and signs; `now` in seconds since 1970.
    ///
    /// # Errors
    /// [`EncodeError`] when the value could not be read back.
    pub fn dumps(&self, value: &Value, now: i64) -> Result<String, EncodeError> {
        self.dumps_json(&value.to_json()?, now)
    }

    pub(crate) fn dumps_json(&self, json: &str, now: i64) -> Result<String, EncodeError> {
        let mut text = pack(json, self.limits)?;
        self.signer.sign_in_place(&mut text, now);
        fitting(text, self.limits)
    }

    /// Checks and reads; also returns when the text was signed.
    ///
    /// With `max_age`, in seconds, a text that is older or comes from the future is expired.
    ///
    /// # Errors
    /// Any [`SignatureError`].
    pub fn loads(&self, text: &str, now: i64, max_age: Option<i64>) -> Result<(Value, i64), SignatureError> {
        let (payload, issued_at) = self.unsign(text)?;
        check_age(issued_at, now, max_age)?;
        Ok((self.read(payload)?, issued_at))
    }

    /// Checks the signature only.
    pub(crate) fn unsign<'a>(&self, text: &'a str) -> Result<(&'a str, i64), SignatureError> {
        bounded(text, self.limits)?;
        self.signer.unsign(text)
    }

    pub(crate) fn read(&self, payload: &str) -> Result<Value, SignatureError> {
        read(payload, self.limits)
    }
}

fn bounded(text: &str, limits: Limits) -> Result<(), SignatureError> {
    if text.len() > limits.token { Err(SignatureError::TooLong) } else { Ok(()) }
}

fn fitting(text: String, limits: Limits) -> Result<String, EncodeError> {
    if text.len() > limits.token { Err(EncodeError::TooLong) } else { Ok(text) }
}

fn read(payload: &str, limits: Limits) -> Result<Value, SignatureError> {
    json::parse(&unpack(payload, limits)?).map_err(|_| SignatureError::Payload)
}
