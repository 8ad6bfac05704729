//! Signatures with and without a time.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    error::SignatureError,
    keys::{KeyRing, Ring},
};

const DIGEST_LEN: usize = 20;
/// Base64 of a digest without padding.
const SIGNATURE_LEN: usize = 27;

/// How the key of a signer is made from the secret and the salt.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Derivation {
    /// SHA-1 of salt, the word `signer`, secret: the default of itsdangerous.
    #[default]
    DjangoConcat,
    /// HMAC-SHA1 of the salt under the secret: Flask's session cookie.
    Hmac,
    /// SHA-1 of salt, secret.
    Concat,
}

impl Derivation {
    fn derive(self, secret: &[u8], salt: &[u8]) -> Zeroizing<[u8; DIGEST_LEN]> {
        let digest = match self {
            Self::DjangoConcat => Sha1::new().chain_update(salt).chain_update("signer").chain_update(secret).finalize(),
            Self::Hmac => keyed(secret).chain_update(salt).finalize().into_bytes(),
            Self::Concat => Sha1::new().chain_update(salt).chain_update(secret).finalize(),
        };
        Zeroizing::new(digest.into())
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// Appends a signature to a text and takes it off again.
///
/// ```
/// use lychgate_signing::{Derivation, KeyRing, Signer};
///
/// let signer = Signer::new(&KeyRing::new("secret")?, "a salt", Derivation::default());
/// let signed = signer.sign("hello");
/// assert_eq!(signer.unsign(&signed), Ok("hello"));
/// assert!(signer.unsign("hello.forged").is_err());
/// # Ok::<(), lychgate_signing::EmptyKey>(())
/// ```
#[derive(Clone)]
pub struct Signer {
    /// Keyed and ready: signing starts from a clone and never repeats the key set-up.
    macs: Ring<Hmac<Sha1>>,
}

impl Signer {
    /// Derives one key from each key in the ring.
    #[must_use]
    pub fn new(keys: &KeyRing, salt: &str, derivation: Derivation) -> Self {
        Self { macs: keys.map(|key| keyed(&*derivation.derive(key.as_bytes(), salt.as_bytes()))) }
    }

    /// `value.signature`, with the current key.
    #[must_use]
    pub fn sign(&self, value: &str) -> String {
        let mut text = String::with_capacity(value.len() + 1 + SIGNATURE_LEN);
        text.push_str(value);
        self.sign_in_place(&mut text);
        text
    }

    pub(crate) fn sign_in_place(&self, text: &mut String) {
        let digest = self.macs.current().clone().chain_update(&*text).finalize().into_bytes();
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(digest, text);
    }

    /// The value in front of a signature that one of the keys made.
    ///
    /// The length is not bounded here: hand in what is bounded already.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`] or [`SignatureError::BadSignature`].
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<&'a str, SignatureError> {
        let (value, signature) = signed.rsplit_once('.').ok_or(SignatureError::Malformed)?;
        if signature.len() != SIGNATURE_LEN {
            return Err(SignatureError::Malformed);
        }
        let mut given = [0; DIGEST_LEN + 1];
        let len = URL_SAFE_NO_PAD.decode_slice(signature, &mut given).map_err(|_| SignatureError::Malformed)?;
        let given = given.get(..len).ok_or(SignatureError::Malformed)?;
        for mac in self.macs.iter() {
            let wanted = mac.clone().chain_update(value).finalize().into_bytes();
            if wanted.as_slice().ct_eq(given).into() {
                return Ok(value);
            }
        }
        Err(SignatureError::BadSignature)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("keys", &self.macs.iter().count()).finish_non_exhaustive()
    }
}

/// A [`Signer`] that also dates the text, in whole seconds since 1970.
#[derive(Clone, Debug)]
pub struct TimestampSigner {
    signer: Signer,
}

impl TimestampSigner {
    /// Derives one key from each key in the ring.
    #[must_use]
    pub fn new(keys: &KeyRing, salt: &str, derivation: Derivation) -> Self {
        Self { signer: Signer::new(keys, salt, derivation) }
    }

    /// `value.timestamp.signature`. Times before 1970 count as 1970.
    #[must_use]
    pub fn sign(&self, value: &str, now: i64) -> String {
        let mut text = String::with_capacity(value.len() + 12 + 1 + SIGNATURE_LEN);
        text.push_str(value);
        self.sign_in_place(&mut text, now);
        text
    }

    pub(crate) fn sign_in_place(&self, text: &mut String, now: i64) {
        let bytes = u64::try_from(now).unwrap_or(0).to_be_bytes();
        let zeros = bytes.iter().take_while(|b| **b == 0).count();
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(bytes.get(zeros..).unwrap_or_default(), text);
        self.signer.sign_in_place(text);
    }

    /// The value and the time it was signed, whatever its age.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`] or [`SignatureError::BadSignature`].
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<(&'a str, i64), SignatureError> {
        let dated = self.signer.unsign(signed)?;
        let (value, time) = dated.rsplit_once('.').ok_or(SignatureError::Malformed)?;
        Ok((value, parse_time(time).ok_or(SignatureError::Malformed)?))
    }
}

fn parse_time(text: &str) -> Option<i64> {
    // Eight bytes make eleven characters; a ninth byte of room lets the decoder estimate.
    if text.len() > 11 {
        return None;
    }
    let mut bytes = [0; 9];
    let len = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    let bytes = bytes.get(..len)?;
    if bytes.len() > 8 || bytes.first() == Some(&0) {
        return None;
    }
    i64::try_from(bytes.iter().fold(0_u64, |time, byte| time << 8 | u64::from(*byte))).ok()
}

/// Refuses what is older than `max_age` seconds or comes from the future; without a limit nothing is refused.
pub(crate) fn check_age(issued_at: i64, now: i64, max_age: Option<i64>) -> Result<(), SignatureError> {
    let Some(max_age) = max_age else {
        return Ok(());
    };
    match now.checked_sub(issued_at) {
        Some(age) if (0..=max_age).contains(&age) => Ok(()),
        _ => Err(SignatureError::Expired),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn derived_keys_are_those_of_the_reference() {
        use Derivation::{Concat, DjangoConcat, Hmac};
        for (salt, derivation, wanted) in [
            ("cookie-session", Hmac, "d1da48b55d2e44fd1d4854ddcda554cd22580360"),
            ("flask-session", Hmac, "546bfa1336bc25d2e023902a3d239c9fccf22874"),
            ("wtf-csrf-token", DjangoConcat, "87822bfe0f44591c23af2d12aabd15b3bf1271e8"),
            ("remember-salt", DjangoConcat, "db8fb30cfcfe96694e0cc9b45b22a3ff904cc70a"),
            ("login-salt", DjangoConcat, "c588028610a892bd11dd1da3f3a1268910e23d7b"),
            ("reset-salt", DjangoConcat, "6e546e28f5612e15344b039202c8c6f9222f1ae2"),
            ("confirm-salt", DjangoConcat, "c8468a5b70d6c1728479fb8d5602ff46a37a0c7b"),
            ("change-email-salt", DjangoConcat, "0c9689fc0338cda544769611f656796726864eee"),
            ("us-setup-salt", DjangoConcat, "d19742e9c94e293b3c158d4045ddcdca722443d4"),
            ("tf-setup-salt", DjangoConcat, "ce7960226b612d1e47d9aa5f1d51f9d97e3e7023"),
            ("tf-validity-salt", DjangoConcat, "e531d37eba1190610684cae97ddc428398cf071d"),
            ("wan-salt", DjangoConcat, "4d1fc939b36f38670d68502e1b64bf9b73c2c5d1"),
            ("refresh-token-salt", DjangoConcat, "76218bf887b66c9b3adf52f390a6d4440b7ee773"),
            ("x", Concat, "ffba345a35502b791f2d5c11aa6abc2954355d17"),
        ] {
            let key = derivation.derive(b"lychgate-test-secret-0001", salt.as_bytes());
            assert_eq!(crate::hex::encode(&*key), wanted, "{salt}");
        }
    }

    #[test]
    fn times_have_one_spelling() {
        assert_eq!(parse_time(""), Some(0));
        assert_eq!(parse_time("aE7hgA"), Some(1_750_000_000));
        assert_eq!(parse_time("f_________8"), Some(i64::MAX));
        for bad in
            ["AA", "AGhO4YA", "aE7hgB", "aE7hg", "aE7hgA==", "__________8", "gAAAAAAAAAA", "AAAAAAAAAAAA", "a E7hgA"]
        {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn age_is_checked_at_both_ends() {
        assert!(check_age(100, 160, Some(60)).is_ok());
        assert!(check_age(100, 100, Some(0)).is_ok());
        assert_eq!(check_age(100, 161, Some(60)), Err(SignatureError::Expired));
        assert_eq!(check_age(100, 99, Some(60)), Err(SignatureError::Expired));
        assert_eq!(check_age(100, 100, Some(-1)), Err(SignatureError::Expired));
        assert_eq!(check_age(i64::MAX, i64::MIN, Some(60)), Err(SignatureError::Expired));
        assert!(check_age(i64::MAX, i64::MIN, None).is_ok());
    }
}
