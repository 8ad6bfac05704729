//! The wallet: keys as passlib stores them, encrypted under a secret of the site.
//!
//! The format has no check of its own: whoever can write to the column can flip bits of a key unseen, though not
//! learn it. A key that was changed simply makes other codes.

use std::{collections::BTreeMap, fmt};

use aes::Aes256;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use data_encoding::BASE32_NOPAD;
use serde::Deserialize;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{Algorithm, Key, Totp, json::push_string, totp::checked};

/// The longest stored text that is read, in bytes. The column holds 255.
const MAX_STORED: usize = 4096;
/// Logarithm of the PBKDF2 rounds.
const DEFAULT_COST: u8 = 14;
const MAX_COST: u8 = 20;

/// Why a wallet cannot be made or a stored key not be read. Holds nothing secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WalletError {
    /// There are no secrets to encrypt with.
    #[error("no TOTP secrets are configured")]
    NoSecrets,
    /// A tag has other characters than letters, digits, `_`, `.` and `-`, starts with one of the last three, or is
    /// longer than 64.
    #[error("`{0}` cannot be the tag of a TOTP secret")]
    BadTag(String),
    /// A secret is empty.
    #[error("the TOTP secret `{0}` is empty")]
    EmptySecret(String),
    /// The cost is not 1 to 20.
    #[error("the cost of a wallet is 1 to 20")]
    BadCost,
    /// The stored key was encrypted under a secret that is not configured.
    #[error("no TOTP secret has the stored tag")]
    UnknownTag,
    /// The stored text is not a TOTP key.
    #[error("the stored TOTP key is damaged: {0}")]
    Malformed(&'static str),
    /// The operating system gave no random bytes.
    #[error("no random bytes for a salt")]
    NoRandom,
}

/// The secrets of a site, by tag, that TOTP keys are encrypted under (`TOTP_SECRETS`).
///
/// New keys use the default tag: the numerically largest when all are numbers, else the last in the alphabet. So a
/// secret is replaced by adding one with a later tag; [`Wallet::needs_recrypt`] finds the keys to be moved.
pub struct Wallet {
    secrets: BTreeMap<String, Zeroizing<Vec<u8>>>,
    default_tag: String,
    cost: u8,
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet")
            .field("tags", &self.secrets.keys())
            .field("default_tag", &self.default_tag)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

/// The stored JSON. An unknown member means a version that is not known either.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    digits: Option<u32>,
    #[serde(default)]
    enckey: Option<EncryptedKey>,
    #[serde(default)]
    issuer: Option<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    period: Option<u64>,
    r#type: String,
    v: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EncryptedKey {
    c: u8,
    k: String,
    s: String,
    t: String,
    v: u32,
}

impl Wallet {
    /// Makes a wallet of tags and secrets.
    ///
    /// # Errors
    /// [`WalletError::NoSecrets`], [`WalletError::BadTag`] or [`WalletError::EmptySecret`].
    pub fn new<T, S>(secrets: impl IntoIterator<Item = (T, S)>) -> Result<Self, WalletError>
    where
        T: Into<String>,
        S: AsRef<str>,
    {
        let mut kept = BTreeMap::new();
        for (tag, secret) in secrets {
            let (tag, secret) = (tag.into(), secret.as_ref());
            if !is_tag(&tag) {
                return Err(WalletError::BadTag(tag.chars().take(64).collect()));
            }
            if secret.is_empty() {
                return Err(WalletError::EmptySecret(tag));
            }
            kept.insert(tag, Zeroizing::new(secret.as_bytes().to_vec()));
        }
        let default_tag = default_tag(kept.keys()).ok_or(WalletError::NoSecrets)?;
        Ok(Self { secrets: kept, default_tag, cost: DEFAULT_COST })
    }

    /// Chooses the cost of new keys: the logarithm of the PBKDF2 rounds that one decryption takes. Default 14.
    ///
    /// # Errors
    /// [`WalletError::BadCost`].
    pub fn with_cost(mut self, cost: u8) -> Result<Self, WalletError> {
        if !(1..=MAX_COST).contains(&cost) {
            return Err(WalletError::BadCost);
        }
        self.cost = cost;
        Ok(self)
    }

    /// The tag that new keys are encrypted under.
    pub fn default_tag(&self) -> &str {
        &self.default_tag
    }

    /// Encrypts a key under the default tag and gives the text to store.
    ///
    /// # Errors
    /// [`WalletError::NoRandom`].
    pub fn encrypt(&self, totp: &Totp) -> Result<String, WalletError> {
        let mut salt = [0; 12];
        getrandom::fill(&mut salt).map_err(|_| WalletError::NoRandom)?;
        self.encrypt_with(totp, &salt)
    }

    fn encrypt_with(&self, totp: &Totp, salt: &[u8]) -> Result<String, WalletError> {
        let secret = self.secrets.get(&self.default_tag).ok_or(WalletError::UnknownTag)?;
        let mut key = Zeroizing::new(totp.key.as_bytes().to_vec());
        apply(secret, salt, self.cost, &mut key);
        let (c, k, s) = (self.cost, BASE32_NOPAD.encode(&key), BASE32_NOPAD.encode(salt));
        let tag = &self.default_tag;
        Ok(text(totp, Some(&format!(r#"{{"c":{c},"k":"{k}","s":"{s}","t":"{tag}","v":1}}"#))))
    }

    /// Reads a stored key, encrypted under any of the tags or not at all.
    ///
    /// # Errors
    /// [`WalletError::Malformed`] or [`WalletError::UnknownTag`].
    pub fn decrypt(&self, stored: &str) -> Result<Totp, WalletError> {
        let mut stored = parse(stored)?;
        let key = match (stored.key.take().map(Zeroizing::new), stored.enckey.take()) {
            (Some(key), None) => plain_key(&key)?,
            (None, Some(encrypted)) => self.decrypt_key(&encrypted)?,
            _ => return Err(WalletError::Malformed("one key is needed")),
        };
        stored.into_totp(key)
    }

    fn decrypt_key(&self, encrypted: &EncryptedKey) -> Result<Key, WalletError> {
        if encrypted.v != 1 {
            return Err(WalletError::Malformed("version of the encrypted key"));
        }
        if !(1..=MAX_COST).contains(&encrypted.c) {
            return Err(WalletError::Malformed("cost"));
        }
        if encrypted.s.len() > 128 || encrypted.k.len() > 256 {
            return Err(WalletError::Malformed("length"));
        }
        let secret = self.secrets.get(&encrypted.t).ok_or(WalletError::UnknownTag)?;
        let base32 = |text: &str| BASE32_NOPAD.decode(text.as_bytes()).map_err(|_| WalletError::Malformed("Base32"));
        let mut key = Zeroizing::new(base32(&encrypted.k)?);
        apply(secret, &base32(&encrypted.s)?, encrypted.c, &mut key);
        Key::new(key.as_slice()).map_err(|_| WalletError::Malformed("length of the key"))
    }

    /// Whether a stored key is to be encrypted anew: it is not encrypted, or under another tag or cost than new keys
    /// are. False for what cannot be read.
    pub fn needs_recrypt(&self, stored: &str) -> bool {
        parse(stored).is_ok_and(|stored| {
            stored.enckey.is_none_or(|encrypted| encrypted.t != self.default_tag || encrypted.c != self.cost)
        })
    }
}

impl Totp {
    /// The text that passlib stores without a wallet. Wiped when dropped.
    pub fn to_plain_json(&self) -> Zeroizing<String> {
        Zeroizing::new(text(self, None))
    }

    /// Reads a key that was stored without a wallet.
    ///
    /// # Errors
    /// [`WalletError::Malformed`], also for an encrypted key.
    pub fn from_plain_json(stored: &str) -> Result<Self, WalletError> {
        let mut stored = parse(stored)?;
        match (stored.key.take().map(Zeroizing::new), stored.enckey.take()) {
            (Some(key), None) => stored.into_totp(plain_key(&key)?),
            _ => Err(WalletError::Malformed("one plain key is needed")),
        }
    }
}

impl Stored {
    fn into_totp(self, key: Key) -> Result<Totp, WalletError> {
        let mut totp = Totp::new(key);
        if let Some(alg) = self.alg {
            totp.algorithm = Algorithm::by_name(&alg).ok_or(WalletError::Malformed("algorithm"))?;
        }
        if let Some(digits) = self.digits {
            totp = totp.with_digits(digits).map_err(|_| WalletError::Malformed("digits"))?;
        }
        if let Some(period) = self.period {
            totp = totp.with_period(period).map_err(|_| WalletError::Malformed("period"))?;
        }
        let label = |label: Option<String>| label.map(checked).transpose().map_err(|_| WalletError::Malformed("label"));
        totp.label = label(self.label)?;
        totp.issuer = label(self.issuer)?;
        Ok(totp)
    }
}

fn parse(stored: &str) -> Result<Stored, WalletError> {
    if stored.len() > MAX_STORED {
        return Err(WalletError::Malformed("length"));
    }
    let stored: Stored = serde_json::from_str(stored).map_err(|_| WalletError::Malformed("not the JSON of a key"))?;
    if stored.v != 1 {
        return Err(WalletError::Malformed("version"));
    }
    if stored.r#type != "totp" {
        return Err(WalletError::Malformed("type"));
    }
    Ok(stored)
}

fn plain_key(key: &str) -> Result<Key, WalletError> {
    Key::from_base32(key).map_err(|_| WalletError::Malformed("key"))
}

/// Compact JSON with sorted members; those with their usual value are left out.
fn text(totp: &Totp, encrypted: Option<&str>) -> String {
    let mut out = String::with_capacity(512);
    out.push('{');
    if totp.algorithm != Algorithm::Sha1 {
        out.push_str(&format!(r#""alg":"{}","#, totp.algorithm.as_str()));
    }
    if totp.digits != 6 {
        out.push_str(&format!(r#""digits":{},"#, totp.digits));
    }
    if let Some(encrypted) = encrypted {
        out.push_str(&format!(r#""enckey":{encrypted},"#));
    }
    let mut string = |name: &str, text: &str| {
        out.push_str(&format!(r#""{name}":"#));
        push_string(&mut out, text);
        out.push(',');
    };
    if let Some(issuer) = &totp.issuer {
        string("issuer", issuer);
    }
    if encrypted.is_none() {
        string("key", &totp.key.base32());
    }
    if let Some(label) = &totp.label {
        string("label", label);
    }
    if totp.period != 30 {
        out.push_str(&format!(r#""period":{},"#, totp.period));
    }
    out.push_str(r#""type":"totp","v":1}"#);
    out
}

/// Encrypts or decrypts: AES-256 in counter mode, key and first counter block from PBKDF2-HMAC-SHA-256.
fn apply(secret: &[u8], salt: &[u8], cost: u8, data: &mut [u8]) {
    let mut material = Zeroizing::new([0_u8; 48]);
    pbkdf2::pbkdf2_hmac::<Sha256>(secret, salt, 1 << cost.min(MAX_COST), material.as_mut_slice());
    let (key, counter) = material.split_at(32);
    if let Ok(mut cipher) = Ctr128BE::<Aes256>::new_from_slices(key, counter) {
        cipher.apply_keystream(data);
    }
}

fn is_tag(tag: &str) -> bool {
    tag.len() <= 64
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric())
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Numbers compare by value: without leading zeros the longer one is the larger.
fn default_tag<'a>(tags: impl Iterator<Item = &'a String> + Clone) -> Option<String> {
    let numbers = tags.clone().all(|tag| tag.bytes().all(|byte| byte.is_ascii_digit()));
    let value = |tag: &&String| tag.trim_start_matches('0').len();
    let trimmed = |tag: &&String| tag.trim_start_matches('0').to_owned();
    if numbers { tags.max_by_key(|tag| (value(tag), trimmed(tag))).cloned() } else { tags.max().cloned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &str = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B";

    #[test]
    fn encrypts_byte_for_byte() {
        let totp = Totp::new(Key::new(*b"12345678901234567890").unwrap());
        let salt: Vec<u8> = (0..12).collect();
        let stored = Wallet::new([("1", SECRET)]).unwrap().encrypt_with(&totp, &salt).unwrap();
        assert_eq!(
            stored,
            r#"{"enckey":{"c":14,"k":"M5ZV7D5IRESWMXDFDU3TRBUGFTG5H23F","s":"AAAQEAYEAUDAOCAJBIFQ","t":"1","v":1},"type":"totp","v":1}"#
        );
    }

    #[test]
    fn the_latest_tag_encrypts() {
        let default = |tags: &[&str]| Wallet::new(tags.iter().map(|tag| (*tag, "s"))).unwrap().default_tag;
        assert_eq!(default(&["1", "2", "10"]), "10");
        assert_eq!(default(&["2016-01-01", "2016-05-16"]), "2016-05-16");
        assert_eq!(default(&["1", "a", "B"]), "a");
        assert_eq!(default(&["09", "8"]), "09");
        assert_eq!(default(&["99999999999999999999999", "100000000000000000000000"]), "100000000000000000000000");
    }

    #[test]
    fn wallets_that_cannot_be() {
        let none: [(&str, &str); 0] = [];
        assert_eq!(Wallet::new(none).err(), Some(WalletError::NoSecrets));
        assert_eq!(Wallet::new([("1", "")]).err(), Some(WalletError::EmptySecret("1".into())));
        for tag in ["", "-1", ".x", "a b", "\u{e4}", "a\"", &"x".repeat(65)] {
            assert!(matches!(Wallet::new([(tag, "s")]).err(), Some(WalletError::BadTag(_))), "{tag}");
        }
        for cost in [0, 21, 255] {
            assert_eq!(Wallet::new([("1", "s")]).unwrap().with_cost(cost).err(), Some(WalletError::BadCost));
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let wallet = Wallet::new([("1", SECRET)]).unwrap();
        assert!(!format!("{wallet:?}").contains(SECRET));
    }
}
