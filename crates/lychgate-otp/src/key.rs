//! The secret that a site and an authenticator share.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use thiserror::Error;
use zeroize::Zeroizing;

/// A shared secret of 10 to 128 bytes. Not shown in debug output, wiped when dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

/// A key cannot be made or read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Not Base32 (RFC 4648).
    #[error("the key is not Base32")]
    NotBase32,
    /// Less than 10 bytes or more than 128.
    #[error("a key has 10 to 128 bytes")]
    Length,
    /// The operating system gave no random bytes.
    #[error("no random bytes for a key")]
    NoRandom,
}

impl Key {
    /// A random key of 20 bytes, the size RFC 4226 recommends.
    ///
    /// # Errors
    /// [`KeyError::NoRandom`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut key = Self(Zeroizing::new(vec![0; 20]));
        getrandom::fill(&mut key.0).map_err(|_| KeyError::NoRandom)?;
        Ok(key)
    }

    /// Takes a key as bytes.
    ///
    /// # Errors
    /// [`KeyError::Length`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let key = Self(Zeroizing::new(bytes.into()));
        if (10..=128).contains(&key.0.len()) { Ok(key) } else { Err(KeyError::Length) }
    }

    /// Reads Base32 as people copy it: in either case, with spaces, `-` or padding between or behind.
    ///
    /// # Errors
    /// [`KeyError::NotBase32`] or [`KeyError::Length`].
    pub fn from_base32(text: &str) -> Result<Self, KeyError> {
        if text.len() > 512 {
            return Err(KeyError::Length);
        }
        let mut clean = Zeroizing::new(String::with_capacity(text.len()));
        clean.extend(text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '=')));
        clean.make_ascii_uppercase();
        Self::new(BASE32_NOPAD.decode(clean.as_bytes()).map_err(|_| KeyError::NotBase32)?)
    }

    /// The key in Base32 without padding.
    pub fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(&self.0))
    }

    /// The key in Base32, in groups for reading aloud.
    ///
    /// ```
    /// let key = lychgate_otp::Key::new(*b"12345678901234567890")?;
    /// assert_eq!(*key.pretty(), "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ");
    /// # Ok::<(), lychgate_otp::KeyError>(())
    /// ```
    pub fn pretty(&self) -> Zeroizing<String> {
        let text = self.base32();
        let size = group_size(text.len());
        let mut pretty = Zeroizing::new(String::with_capacity(2 * text.len()));
        for (place, c) in text.chars().enumerate() {
            if place > 0 && place % size == 0 {
                pretty.push('-');
            }
            pretty.push(c);
        }
        pretty
    }

    /// The key itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Groups that come out even, else those with the longest rest.
fn group_size(len: usize) -> usize {
    let even = [4, 6, 5].into_iter().find(|size| len.is_multiple_of(*size));
    even.unwrap_or_else(|| [4, 6, 5].into_iter().rev().max_by_key(|size| len % size).unwrap_or(4))
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn new_keys_differ() {
        let key = Key::generate().unwrap();
        assert_eq!(key.as_bytes().len(), 20);
        assert_ne!(key.as_bytes(), Key::generate().unwrap().as_bytes());
    }

    #[test]
    fn base32_as_it_is_copied() {
        for text in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv-gy3t qojq gezd gnbv gy3t qojq",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ====\n",
        ] {
            assert_eq!(Key::from_base32(text).unwrap().as_bytes(), b"12345678901234567890");
        }
        assert_eq!(Key::from_base32("GEZDGNBVGY3TQOJQ1").err(), Some(KeyError::NotBase32));
        assert_eq!(Key::from_base32("GEZA").err(), Some(KeyError::Length));
        assert_eq!(Key::from_base32("").err(), Some(KeyError::Length));
        assert_eq!(Key::from_base32(&"A".repeat(208)).err(), Some(KeyError::Length));
        assert_eq!(Key::from_base32(&"A".repeat(5000)).err(), Some(KeyError::Length));
    }

    /// What passlib prints for keys of these sizes: the length of the groups.
    #[test]
    fn groups_for_reading_aloud() {
        for (bytes, groups) in [
            (10, vec![4, 4, 4, 4]),
            (13, vec![6, 6, 6, 3]),
            (16, vec![4, 4, 4, 4, 4, 4, 2]),
            (20, vec![4; 8]),
            (26, vec![6, 6, 6, 6, 6, 6, 6]),
            (40, vec![4; 16]),
        ] {
            let pretty = Key::new(vec![7; bytes]).unwrap().pretty();
            assert_eq!(pretty.split('-').map(str::len).collect::<Vec<_>>(), groups, "{bytes}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{:?}", Key::new(*b"12345678901234567890").unwrap()), "Key(..)");
    }
}
