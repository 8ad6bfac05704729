//! Secret keys and their rotation.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// One secret, wiped from memory when dropped.
///
/// Flask's `SECRET_KEY` may be text or bytes. Text enters most signatures as UTF-8 and the
/// remember-me cookie as Latin-1, so the difference is kept.
#[derive(Clone)]
pub struct SecretKey {
    bytes: Zeroizing<Vec<u8>>,
    latin1: Option<Zeroizing<Vec<u8>>>,
}

impl SecretKey {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The form that Flask-Login uses. Text outside Latin-1, which Flask-Login cannot use at all, stays UTF-8.
    pub(crate) fn as_latin1(&self) -> &[u8] {
        self.latin1.as_ref().unwrap_or(&self.bytes)
    }
}

impl From<&str> for SecretKey {
    fn from(text: &str) -> Self {
        let latin1 = if text.is_ascii() {
            None
        } else {
            text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>()
        };
        Self { bytes: Zeroizing::new(text.as_bytes().to_vec()), latin1: latin1.map(Zeroizing::new) }
    }
}

impl From<&String> for SecretKey {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&[u8]> for SecretKey {
    fn from(bytes: &[u8]) -> Self {
        Self { bytes: Zeroizing::new(bytes.to_vec()), latin1: None }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// A secret key was empty, so everybody could sign.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a secret key is empty")]
#[non_exhaustive]
pub struct EmptyKey;

/// The current secret key and older ones that are still accepted.
///
/// The current key signs; every key verifies. (The reference signs with the oldest key; what this ring
/// signs is accepted there all the same.)
///
/// ```
/// use lychgate_signing::KeyRing;
///
/// let keys = KeyRing::new("the current key")?.with_fallbacks(["first key", "second key"])?;
/// assert_eq!(keys.len(), 3);
/// # Ok::<(), lychgate_signing::EmptyKey>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    current: SecretKey,
    /// Newest first.
    older: Vec<SecretKey>,
}

impl KeyRing {
    /// A ring with one key, `SECRET_KEY`.
    ///
    /// # Errors
    /// [`EmptyKey`] when the key is empty.
    pub fn new(secret_key: impl Into<SecretKey>) -> Result<Self, EmptyKey> {
        Ok(Self { current: filled(secret_key.into())?, older: Vec::new() })
    }

    /// Adds keys that verify but never sign, oldest first, as in `SECRET_KEY_FALLBACKS`.
    ///
    /// # Errors
    /// [`EmptyKey`] when one of them is empty.
    pub fn with_fallbacks<I>(mut self, oldest_first: I) -> Result<Self, EmptyKey>
    where
        I: IntoIterator,
        I::Item: Into<SecretKey>,
    {
        let mut fallbacks = oldest_first.into_iter().map(|key| filled(key.into())).collect::<Result<Vec<_>, _>>()?;
        fallbacks.reverse();
        self.older.extend(fallbacks);
        Ok(self)
    }

    /// How many keys verify.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a ring always holds a key")]
    pub fn len(&self) -> usize {
        self.older.len() + 1
    }

    /// The key that signs, then the others from new to old.
    pub(crate) fn map<T>(&self, derive: impl Fn(&SecretKey) -> T) -> Ring<T> {
        Ring { current: derive(&self.current), older: self.older.iter().map(derive).collect() }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.len()).finish_non_exhaustive()
    }
}

fn filled(key: SecretKey) -> Result<SecretKey, EmptyKey> {
    if key.bytes.is_empty() { Err(EmptyKey) } else { Ok(key) }
}

/// What was derived from each key of a [`KeyRing`]; never empty.
#[derive(Clone)]
pub(crate) struct Ring<T> {
    current: T,
    older: Vec<T>,
}

impl<T> Ring<T> {
    pub(crate) fn of(mut newest_first: impl Iterator<Item = T>) -> Option<Self> {
        Some(Self { current: newest_first.next()?, older: newest_first.collect() })
    }

    pub(crate) fn current(&self) -> &T {
        &self.current
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.current).chain(&self.older)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_newest_fallback_is_tried_before_the_oldest() {
        let keys = KeyRing::new("now").unwrap().with_fallbacks(["oldest", "newer"]).unwrap();
        let order = keys.map(|key| key.as_bytes().to_vec());
        let order: Vec<_> = order.iter().map(Vec::as_slice).collect();
        assert_eq!(order, [&b"now"[..], b"newer", b"oldest"]);
    }

    #[test]
    fn an_empty_key_is_refused() {
        assert_eq!(KeyRing::new("").unwrap_err(), EmptyKey);
        assert_eq!(KeyRing::new("a").unwrap().with_fallbacks([""]).unwrap_err(), EmptyKey);
    }

    #[test]
    fn text_has_a_latin1_form_and_bytes_are_left_alone() {
        assert_eq!(SecretKey::from("sécret").as_latin1(), b"s\xe9cret");
        assert_eq!(SecretKey::from("sécret").as_bytes(), "sécret".as_bytes());
        assert_eq!(SecretKey::from("☃").as_latin1(), "☃".as_bytes());
        assert_eq!(SecretKey::from(&b"\xc3\xa9"[..]).as_latin1(), b"\xc3\xa9");
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = KeyRing::new("hush").unwrap();
        assert!(!format!("{keys:?} {:?}", SecretKey::from("hush")).contains("hush"));
    }
}
