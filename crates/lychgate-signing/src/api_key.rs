//! The text of API keys: a prefix that scanners of leaked secrets recognise, 256 random bits, a checksum.
//!
//! `lgk_` + 43 characters of the secret + 6 of the checksum, both in base 62 (digits, capitals, small letters). The checksum
//! is the CRC-32 of everything before it (ISO 3309, as zlib and Ethernet have it), so that a scanner, and whoever gets a
//! key, can tell it from other text without asking anybody. It is no protection: what counts is the [`digest`], under
//! which a key is stored and looked up.
//!
//! ```
//! use lychgate_signing::api_key;
//!
//! let key = api_key::from_secret("lgk", &[7; 32]);
//! assert!(key.starts_with("lgk_") && key.len() == 4 + 43 + 6);
//! assert_eq!(api_key::digest(&key).map(|digest| digest.len()), Some(64));
//! assert_eq!(api_key::digest("lgk_something"), None);
//! ```

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::hex;

/// Characters of the secret: the fewest that hold 256 bits.
const SECRET: usize = 43;
/// Characters of the checksum.
const CHECKSUM: usize = 6;
/// The longest prefix, in characters.
pub const LONGEST_PREFIX: usize = 20;
/// How much of the secret [`hint`] shows, in characters.
const SHOWN: usize = 4;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether keys may begin with this: a small letter, then small letters and digits.
#[must_use]
pub fn is_prefix(text: &str) -> bool {
    text.len() <= LONGEST_PREFIX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// The key with this prefix and this secret, which has to be random.
#[must_use]
pub fn from_secret(prefix: &str, secret: &[u8; 32]) -> Zeroizing<String> {
    let mut number = Zeroizing::new(*secret);
    let mut digits = Zeroizing::new([0_u8; SECRET]);
    for digit in digits.iter_mut().rev() {
        *digit = letter(divide(&mut *number));
    }
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + 1 + SECRET + CHECKSUM));
    text.push_str(prefix);
    text.push('_');
    text.extend(digits.iter().map(|digit| char::from(*digit)));
    let checksum = checksum(&text);
    text.push_str(&checksum);
    text
}

/// The digest of a key, in hexadecimal digits; nothing if the text is no key, by its form or by its checksum.
#[must_use]
pub fn digest(text: &str) -> Option<String> {
    if text.len() > LONGEST_PREFIX + 1 + SECRET + CHECKSUM {
        return None;
    }
    let (prefix, rest) = text.split_once('_')?;
    let is_formed = is_prefix(prefix) && rest.len() == SECRET + CHECKSUM && rest.bytes().all(|b| DIGITS.contains(&b));
    let (head, found) = text.split_at_checked(text.len().checked_sub(CHECKSUM)?)?;
    (is_formed && checksum(head) == found).then(|| hex::encode(&Sha256::digest(text)))
}

/// How a key begins, by which its owner tells it from others.
#[must_use]
pub fn hint(text: &str) -> String {
    let (prefix, rest) = text.split_once('_').unwrap_or_default();
    format!("{prefix}_{}", rest.get(..SHOWN).unwrap_or_default())
}

/// Divides a big-endian number by 62 in place; gives the rest.
fn divide(number: &mut [u8]) -> u32 {
    let mut rest = 0;
    for byte in number {
        let value = rest * 256 + u32::from(*byte);
        // Less than 62 * 256 / 62.
        *byte = u8::try_from(value / 62).unwrap_or_default();
        rest = value % 62;
    }
    rest
}

fn letter(digit: u32) -> u8 {
    usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit)).copied().unwrap_or(b'0')
}

fn checksum(text: &str) -> String {
    let mut number = crc32(text.as_bytes()).to_be_bytes();
    let mut letters = [b'0'; CHECKSUM];
    for slot in letters.iter_mut().rev() {
        *slot = letter(divide(&mut number));
    }
    letters.iter().map(|letter| char::from(*letter)).collect()
}

/// CRC-32, a bit at a time: the text is short.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_checksum_is_the_known_one() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn every_secret_fits() {
        // Made with Python's integers, zlib and hashlib.
        let counted: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        for (secret, text) in [
            ([7; 32], "lgk_1fJjkkpe9PiTw9KSulA8Ghct30vZz4HpdQ5c5b9cPF10MQrAt"),
            ([255; 32], "lgk_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp11Ss5Rk"),
            (counted, "lgk_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf3vbfjw"),
        ] {
            assert_eq!(*from_secret("lgk", &secret), text);
        }
        let digest = digest(&from_secret("lgk", &counted));
        assert_eq!(digest.as_deref(), Some("048b3bd44be95a59b34426eeaf7ccdf01b893d1e6afa07b634d3bf1695eca89b"));
    }

    #[test]
    fn other_texts_are_no_keys() {
        let key = from_secret("lgk", &[9; 32]);
        for wrong in
            ["", "_", "lgk_", "lgk", &key[..52], &format!("{}0", *key), &key.to_lowercase(), &key.replace('_', "-")]
        {
            assert_eq!(digest(wrong), None, "{wrong}");
        }
        assert_eq!(digest(&"l".repeat(1_000_000)), None);
        assert_eq!(digest("lgk_ääääääääääääääääääääääääääääääääääääääääääää"), None);
    }

    #[test]
    fn prefixes() {
        assert!(is_prefix("lgk") && is_prefix("acme2"));
        for wrong in ["", "2lgk", "Lgk", "l_g", "l-g", "lgk ", &"a".repeat(21)] {
            assert!(!is_prefix(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn each_secret_has_one_text(secret in any::<[u8; 32]>(), other in any::<[u8; 32]>(), at in 0_usize..53, to in "[0-9A-Za-z]") {
            let key = from_secret("lgk", &secret);
            prop_assert_eq!(key.len(), 53);
            prop_assert!(digest(&key).is_some());
            prop_assert_eq!(secret == other, *key == *from_secret("lgk", &other));
            prop_assert!(key.starts_with(&hint(&key)));
            // One wrong character is noticed without asking anybody.
            let mut wrong = key.to_string();
            wrong.replace_range(at..=at, &to);
            prop_assert_eq!(digest(&wrong).is_some(), wrong == *key);
        }

        #[test]
        fn nothing_panics(text in ".{0,80}") {
            let _ = (digest(&text), hint(&text));
        }
    }
}
