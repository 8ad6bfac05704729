//! The alphabets that stored hashes are written in.

use base64::{
    Engine as _,
    alphabet::{self, Alphabet},
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig,
        general_purpose::{NO_PAD, STANDARD, STANDARD_NO_PAD},
    },
};
use subtle::ConstantTimeEq as _;

/// The alphabet of the crypt family.
pub(crate) const H64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// passlib's variant of Base64: `.` for `+`, no padding.
const AB64_ALPHABET: Alphabet = match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./")
{
    Ok(alphabet) => alphabet,
    Err(_) => panic!("64 different characters"),
};

/// Salts made by hand have bits set that no byte uses; the digest has to be exact.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone)
    .with_decode_allow_trailing_bits(true);

pub(crate) const AB64: GeneralPurpose = GeneralPurpose::new(&AB64_ALPHABET, NO_PAD);
pub(crate) const AB64_SALT: GeneralPurpose = GeneralPurpose::new(&AB64_ALPHABET, LENIENT);
pub(crate) const BCRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, LENIENT);
pub(crate) const CRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::CRYPT, NO_PAD);
pub(crate) const B64: GeneralPurpose = STANDARD_NO_PAD;
pub(crate) const B64_PADDED: GeneralPurpose = STANDARD;

pub(crate) fn decode(engine: &GeneralPurpose, text: &str) -> Option<Vec<u8>> {
    engine.decode(text).ok()
}

pub(crate) fn is_h64(byte: u8) -> bool {
    byte == b'.' || byte == b'/' || byte.is_ascii_alphanumeric()
}

pub(crate) fn h64_value(byte: u8) -> Option<u8> {
    match byte {
        b'.' | b'/' => Some(byte - b'.'),
        b'0'..=b'9' => Some(byte - b'0' + 2),
        b'A'..=b'Z' => Some(byte - b'A' + 12),
        b'a'..=b'z' => Some(byte - b'a' + 38),
        _ => None,
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)] as char, DIGITS[usize::from(byte & 15)] as char])
        .collect()
}

/// Lower-case hex only, as every format here writes it.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

/// A decimal number as the formats print it: digits only, no leading zero.
pub(crate) fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Where each output character of SHA-crypt takes its bits from: three digest bytes to four characters,
/// high byte first, written from the low end.
const SHA256_ORDER: [[usize; 3]; 10] = [
    [0, 10, 20],
    [21, 1, 11],
    [12, 22, 2],
    [3, 13, 23],
    [24, 4, 14],
    [15, 25, 5],
    [6, 16, 26],
    [27, 7, 17],
    [18, 28, 8],
    [9, 19, 29],
];
/// See [`SHA256_ORDER`]; the SHA-512 order turns by one at each step.
fn sha512_order() -> impl Iterator<Item = [usize; 3]> {
    (0..21).map(|i| match i % 3 {
        0 => [i, i + 21, i + 42],
        1 => [i + 21, i + 42, i],
        _ => [i + 42, i, i + 21],
    })
}

/// The digest of SHA-crypt (32 or 64 bytes) as text.
pub(crate) fn sha_crypt_text(digest: &[u8]) -> String {
    let at = |index: usize| u32::from(digest.get(index).copied().unwrap_or_default());
    let mut text = String::with_capacity(86);
    let mut push = |mut value: u32, chars: usize| {
        for _ in 0..chars {
            text.push(H64[(value & 63) as usize] as char);
            value >>= 6;
        }
    };
    if digest.len() == 32 {
        for [a, b, c] in SHA256_ORDER {
            push(at(a) << 16 | at(b) << 8 | at(c), 4);
        }
        push(at(31) << 8 | at(30), 3);
    } else {
        for [a, b, c] in sha512_order() {
            push(at(a) << 16 | at(b) << 8 | at(c), 4);
        }
        push(at(63), 2);
    }
    text
}

/// The way back from [`sha_crypt_text`]; none when the text is not one that it could have written.
pub(crate) fn sha_crypt_digest(text: &str, len: usize) -> Option<Vec<u8>> {
    let mut digest = vec![0_u8; len];
    let groups: Vec<Vec<usize>> = if len == 32 {
        SHA256_ORDER.iter().map(|group| group.to_vec()).chain([vec![31, 30]]).collect()
    } else {
        sha512_order().map(|group| group.to_vec()).chain([vec![63]]).collect()
    };
    let mut rest = text.as_bytes();
    for group in &groups {
        let (chars, after) = rest.split_at_checked(group.len() + 1)?;
        rest = after;
        let mut value =
            chars.iter().rev().try_fold(0_u32, |acc, byte| Some(acc << 6 | u32::from(h64_value(*byte)?)))?;
        for index in group.iter().rev() {
            *digest.get_mut(*index)? = (value & 255) as u8;
            value >>= 8;
        }
        if value != 0 {
            return None;
        }
    }
    rest.is_empty().then_some(digest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sha_crypt_text_is_read_back() {
        for len in [32, 64] {
            let digest: Vec<u8> = (0..len as u8).map(|i| i.wrapping_mul(37).wrapping_add(200)).collect();
            let text = sha_crypt_text(&digest);
            assert_eq!(text.len(), if len == 32 { 43 } else { 86 });
            assert_eq!(sha_crypt_digest(&text, len).unwrap(), digest);
            assert_eq!(sha_crypt_digest(&text[1..], len), None);
            assert_eq!(sha_crypt_digest(&format!("{text}."), len), None);
        }
    }

    #[test]
    fn each_digest_byte_is_written_once() {
        let mut seen: Vec<usize> = SHA256_ORDER.iter().flatten().copied().chain([30, 31]).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..32).collect::<Vec<_>>());
        let mut seen: Vec<usize> = sha512_order().flatten().chain([63]).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..64).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_are_plain() {
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("4294967295"), Some(u32::MAX));
        for bad in ["", "01", "+1", "-1", " 1", "4294967296", "١"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn hex_is_lower_case() {
        assert_eq!(hex(&[0x0f, 0xa0]), "0fa0");
        assert_eq!(unhex("0fa0"), Some(vec![0x0f, 0xa0]));
        assert_eq!(unhex("0FA0"), None);
        assert_eq!(unhex("0fa"), None);
    }

    #[test]
    fn h64_values_follow_the_alphabet() {
        for (value, byte) in (0_u8..).zip(H64) {
            assert_eq!(h64_value(*byte), Some(value));
            assert!(is_h64(*byte));
        }
        assert_eq!(h64_value(b'-'), None);
    }
}
