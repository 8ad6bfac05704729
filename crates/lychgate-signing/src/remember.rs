//! The remember-me cookie of Flask-Login: `user|signature`, where the signature is HMAC-SHA512 in hexadecimal.
//!
//! The cookie carries no time: it is valid as long as the key is, and how long a browser keeps it is up to
//! `Expires`. Bind the user id to something that can be revoked.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;
use subtle::ConstantTimeEq as _;

use crate::{
    error::{EncodeError, SignatureError},
    hex,
    keys::{KeyRing, Ring},
};

/// The longest cookie that is read or written, in bytes.
pub const MAX_LEN: usize = 4096;

/// 64 bytes in hexadecimal.
const SIGNATURE_LEN: usize = 128;

/// Reads and writes remember-me cookies.
///
/// The reference knows one key only; this codec also reads cookies made with the fallbacks of the ring.
///
/// ```
/// use lychgate_signing::{KeyRing, remember::RememberCodec};
///
/// let codec = RememberCodec::new(&KeyRing::new("secret")?);
/// let cookie = codec.encode("42")?;
/// assert_eq!(codec.decode(&cookie)?, "42");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RememberCodec {
    macs: Ring<Hmac<Sha512>>,
}

impl RememberCodec {
    /// A codec with the keys of the ring, which enter as Latin-1 where they are text.
    #[must_use]
    pub fn new(keys: &KeyRing) -> Self {
        Self { macs: keys.map(|key| keyed(key.as_latin1())) }
    }

    /// The cookie for a user id.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] when the cookie would exceed [`MAX_LEN`].
    pub fn encode(&self, user_id: &str) -> Result<String, EncodeError> {
        if user_id.len() + 1 + SIGNATURE_LEN > MAX_LEN {
            return Err(EncodeError::TooLong);
        }
        Ok(format!("{user_id}|{}", signature(self.macs.current(), user_id)))
    }

    /// The user id in a cookie that one of the keys signed.
    ///
    /// # Errors
    /// [`SignatureError::TooLong`], [`SignatureError::Malformed`] or [`SignatureError::BadSignature`].
    pub fn decode<'a>(&self, cookie: &'a str) -> Result<&'a str, SignatureError> {
        if cookie.len() > MAX_LEN {
            return Err(SignatureError::TooLong);
        }
        let (user_id, given) = cookie.rsplit_once('|').ok_or(SignatureError::Malformed)?;
        if given.len() != SIGNATURE_LEN {
            return Err(SignatureError::Malformed);
        }
        for mac in self.macs.iter() {
            if signature(mac, user_id).as_bytes().ct_eq(given.as_bytes()).into() {
                return Ok(user_id);
            }
        }
        Err(SignatureError::BadSignature)
    }
}

impl fmt::Debug for RememberCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RememberCodec").field("keys", &self.macs.iter().count()).finish_non_exhaustive()
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha512> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn signature(mac: &Hmac<Sha512>, user_id: &str) -> String {
    hex::encode(&mac.clone().chain_update(user_id).finalize().into_bytes())
}
