//! Random identifiers.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness no secret can be made, and none must be made up.
    #[allow(clippy::expect_used)]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// 256 random bits, for secrets and for ids that must not be guessed.
pub(crate) fn id() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// Random bytes, as many as wished, as text.
pub(crate) fn text(length: usize) -> String {
    let mut bytes = vec![0; length];
    #[allow(clippy::expect_used)]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// 128 random bits in hexadecimal digits, for names of files.
pub(crate) fn hex() -> String {
    format!("{:032x}", u128::from_be_bytes(bytes::<16>()))
}

/// 72 random bits, for ids that people read out.
pub(crate) fn short_id() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<9>())
}

/// Any number.
pub(crate) fn number() -> u32 {
    u32::from_le_bytes(bytes::<4>())
}
