//! Fernet: encrypted and authenticated tokens, as in Python's `cryptography`.
//!
//! A token is URL-safe base64, with padding, of `0x80`, the time (64 bits, big-endian), an IV, AES-128-CBC
//! ciphertext and an HMAC-SHA256 over all of it. See <https://github.com/fernet/spec>.

use std::fmt;

use aes::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::keys::Ring;

/// The longest token that is decrypted, and the longest that is made, in bytes.
pub const MAX_LEN: usize = 64 * 1024;

/// How far ahead of our clock a token may be dated, in seconds.
const MAX_CLOCK_SKEW: i64 = 60;

const VERSION: u8 = 0x80;
const IV_LEN: usize = 16;
const MAC_LEN: usize = 32;

/// Keys are configuration, and Python reads them leniently: so do we.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key is not 32 bytes in URL-safe base64, or there is no key at all.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a Fernet key must be 32 bytes in URL-safe base64")]
#[non_exhaustive]
pub struct InvalidKey;

/// Why a token was not made or not accepted.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum FernetError {
    /// Longer than [`MAX_LEN`].
    #[error("the Fernet token is too long")]
    TooLong,
    /// Malformed, or not made with one of the keys.
    #[error("the Fernet token is not valid")]
    Invalid,
    /// Older than allowed, or dated more than a minute ahead.
    #[error("the Fernet token has expired")]
    Expired,
    /// The system has no randomness to give.
    #[error("no randomness")]
    Random,
}

/// Encrypts with the first of its keys and decrypts with any, like Python's `MultiFernet`.
///
/// ```
/// use lychgate_signing::fernet::Fernet;
///
/// let fernet = Fernet::new(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="])?;
/// let token = fernet.encrypt(b"71f3-0b8d-24aa", 1_750_000_000)?;
/// assert_eq!(*fernet.decrypt(&token, 1_750_000_060, Some(60))?, b"71f3-0b8d-24aa");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Fernet {
    keys: Ring<Key>,
}

#[derive(Clone)]
struct Key {
    mac: Hmac<Sha256>,
    cipher: Zeroizing<[u8; 16]>,
}

impl Fernet {
    /// Keys in the base64 form that `Fernet.generate_key` prints, the one that encrypts first.
    ///
    /// # Errors
    /// [`InvalidKey`] when a key is malformed or none is given.
    pub fn new<I>(keys: I) -> Result<Self, InvalidKey>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let keys = keys.into_iter().map(|key| Key::parse(key.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { keys: Ring::of(keys.into_iter()).ok_or(InvalidKey)? })
    }

    /// Keys made of other secrets, the one that encrypts first; `purpose` keeps them apart from keys that are made of
    /// the same secrets for something else.
    ///
    /// Each is HKDF-SHA256 of the secret without salt, with the purpose as its info (RFC 5869).
    ///
    /// # Errors
    /// [`InvalidKey`] when a secret is empty or none is given.
    pub fn derived<I>(secrets: I, purpose: &str) -> Result<Self, InvalidKey>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let keys = secrets.into_iter().map(|secret| match secret.as_ref() {
            [] => Err(InvalidKey),
            secret => Key::of(&hkdf(secret, purpose.as_bytes())),
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { keys: Ring::of(keys.into_iter()).ok_or(InvalidKey)? })
    }

    /// A new random key, in the form that [`new`](Self::new) takes.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate_key() -> Result<Zeroizing<String>, getrandom::Error> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key)?;
        Ok(Zeroizing::new(URL_SAFE.encode(*key)))
    }

    /// A token for `data`, dated `now` (seconds since 1970; times before count as 1970).
    ///
    /// # Errors
    /// [`FernetError::TooLong`] or [`FernetError::Random`].
    pub fn encrypt(&self, data: &[u8], now: i64) -> Result<String, FernetError> {
        let mut iv = [0; IV_LEN];
        getrandom::fill(&mut iv).map_err(|_| FernetError::Random)?;
        self.encrypt_with(data, now, &iv)
    }

    /// A token made with a given IV, which must be random and never used twice.
    ///
    /// # Errors
    /// [`FernetError::TooLong`].
    pub fn encrypt_with(&self, data: &[u8], now: i64, iv: &[u8; IV_LEN]) -> Result<String, FernetError> {
        if data.len() > MAX_LEN {
            return Err(FernetError::TooLong);
        }
        let key = self.keys.current();
        let sealed =
            cbc::Encryptor::<aes::Aes128>::new((&*key.cipher).into(), iv.into()).encrypt_padded_vec::<Pkcs7>(data);
        let mut token = Vec::with_capacity(9 + IV_LEN + sealed.len() + MAC_LEN);
        token.push(VERSION);
        token.extend_from_slice(&u64::try_from(now).unwrap_or(0).to_be_bytes());
        token.extend_from_slice(iv);
        token.extend_from_slice(&sealed);
        let mac = key.mac.clone().chain_update(&token).finalize().into_bytes();
        token.extend_from_slice(&mac);
        let text = URL_SAFE.encode(token);
        if text.len() > MAX_LEN { Err(FernetError::TooLong) } else { Ok(text) }
    }

    /// The same data under the first key, dated as it was; nothing if the first key made the token.
    ///
    /// # Errors
    /// [`FernetError::TooLong`], [`FernetError::Invalid`] or [`FernetError::Random`].
    pub fn rotate(&self, token: &str) -> Result<Option<String>, FernetError> {
        let data = self.decrypt(token, 0, None)?;
        let bytes = URL_SAFE.decode(token).map_err(|_| FernetError::Invalid)?;
        let (signed, given) = bytes.split_last_chunk::<MAC_LEN>().ok_or(FernetError::Invalid)?;
        if self.keys.current().signed(signed, given) {
            return Ok(None);
        }
        let time = signed.get(1..9).and_then(|time| time.try_into().ok()).ok_or(FernetError::Invalid)?;
        let time = i64::try_from(u64::from_be_bytes(time)).map_err(|_| FernetError::Invalid)?;
        self.encrypt(&data, time).map(Some)
    }

    /// The data in a token. With `ttl`, in seconds, its date is checked too.
    ///
    /// # Errors
    /// [`FernetError::TooLong`], [`FernetError::Invalid`] or [`FernetError::Expired`].
    pub fn decrypt(&self, token: &str, now: i64, ttl: Option<i64>) -> Result<Zeroizing<Vec<u8>>, FernetError> {
        if token.len() > MAX_LEN {
            return Err(FernetError::TooLong);
        }
        let bytes = URL_SAFE.decode(token).map_err(|_| FernetError::Invalid)?;
        let (signed, given) = bytes.split_last_chunk::<MAC_LEN>().ok_or(FernetError::Invalid)?;
        let (version, rest) = signed.split_first().ok_or(FernetError::Invalid)?;
        let (time, rest) = rest.split_first_chunk::<8>().ok_or(FernetError::Invalid)?;
        let (iv, sealed) = rest.split_first_chunk::<IV_LEN>().ok_or(FernetError::Invalid)?;
        if *version != VERSION {
            return Err(FernetError::Invalid);
        }
        let key = self.keys.iter().find(|key| key.signed(signed, given)).ok_or(FernetError::Invalid)?;
        if let Some(ttl) = ttl {
            let time = i64::try_from(u64::from_be_bytes(*time)).map_err(|_| FernetError::Invalid)?;
            if time.saturating_add(ttl) < now || now.saturating_add(MAX_CLOCK_SKEW) < time {
                return Err(FernetError::Expired);
            }
        }
        cbc::Decryptor::<aes::Aes128>::new((&*key.cipher).into(), iv.into())
            .decrypt_padded_vec::<Pkcs7>(sealed)
            .map(Zeroizing::new)
            .map_err(|_| FernetError::Invalid)
    }
}

impl fmt::Debug for Fernet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fernet").field("keys", &self.keys.iter().count()).finish_non_exhaustive()
    }
}

impl Key {
    fn parse(text: &str) -> Result<Self, InvalidKey> {
        if text.len() > 64 {
            return Err(InvalidKey);
        }
        let bytes = Zeroizing::new(KEY_BASE64.decode(text).map_err(|_| InvalidKey)?);
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(bytes.as_slice().try_into().map_err(|_| InvalidKey)?);
        Self::of(&bytes)
    }

    /// The first half signs, the second encrypts.
    fn of(bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        let (sign, cipher) = bytes.split_at(16);
        Ok(Self { mac: keyed(sign), cipher: Zeroizing::new(cipher.try_into().map_err(|_| InvalidKey)?) })
    }

    fn signed(&self, text: &[u8], given: &[u8; MAC_LEN]) -> bool {
        self.mac.clone().chain_update(text).finalize().into_bytes().as_slice().ct_eq(given).into()
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// The first 32 bytes of HKDF-SHA256 without salt (RFC 5869, sections 2.2 and 2.3).
fn hkdf(secret: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let extracted = Zeroizing::new(keyed(&[0; 32]).chain_update(secret).finalize().into_bytes().0);
    Zeroizing::new(keyed(&*extracted).chain_update(info).chain_update([1]).finalize().into_bytes().0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn a_token_moves_to_the_first_key_and_keeps_its_date() {
        let [old, new] = [(); 2].map(|()| super::Fernet::generate_key().unwrap());
        let before = super::Fernet::new([&*old]).unwrap();
        let both = super::Fernet::new([&*new, &*old]).unwrap();
        let after = super::Fernet::new([&*new]).unwrap();
        let token = before.encrypt(b"71f3-0b8d-24aa", 1_000).unwrap();
        let moved = both.rotate(&token).unwrap().unwrap();
        assert_eq!(both.rotate(&moved).unwrap(), None);
        assert_eq!(*after.decrypt(&moved, 1_060, Some(60)).unwrap(), b"71f3-0b8d-24aa");
        assert_eq!(after.decrypt(&moved, 1_061, Some(60)), Err(super::FernetError::Expired));
        assert_eq!(after.rotate(&token), Err(super::FernetError::Invalid));
    }
    use super::*;

    #[test]
    fn keys_are_derived_as_rfc_5869_has_it() {
        // Test case 3: no salt, no info.
        let derived = hkdf(&[0x0b; 22], b"");
        let hex: String = derived.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
    }

    #[test]
    fn derived_keys_differ_by_secret_and_purpose() {
        let fernet = Fernet::derived(["new", "old"], "codes").unwrap();
        let token = fernet.encrypt(b"x", 1_750_000_000).unwrap();
        let opens = |secrets: &[&str], purpose: &str| {
            Fernet::derived(secrets, purpose).unwrap().decrypt(&token, 1_750_000_000, None).is_ok()
        };
        assert!(opens(&["new"], "codes") && opens(&["newer", "new"], "codes"));
        assert!(!opens(&["old"], "codes") && !opens(&["new"], "other"));
        assert_eq!(Fernet::derived([""], "codes").unwrap_err(), InvalidKey);
        assert_eq!(Fernet::derived([""; 0], "codes").unwrap_err(), InvalidKey);
    }
}
