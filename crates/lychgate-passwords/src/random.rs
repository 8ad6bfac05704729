//! Salts from the operating system.

use crate::encoding::H64;

/// The operating system gave no random bytes.
#[derive(Debug)]
pub(crate) struct NoRandom;

pub(crate) fn bytes(len: usize) -> Result<Vec<u8>, NoRandom> {
    let mut salt = vec![0; len];
    getrandom::fill(&mut salt).map_err(|_| NoRandom)?;
    Ok(salt)
}

/// Text over `./0-9A-Za-z`.
pub(crate) fn h64_text(len: usize) -> Result<String, NoRandom> {
    Ok(bytes(len)?.into_iter().map(|byte| H64[usize::from(byte & 63)] as char).collect())
}

/// Text over `0-9A-Za-z`, each character equally likely.
pub(crate) fn alphanumeric(len: usize) -> Result<String, NoRandom> {
    let mut text = String::with_capacity(len);
    while text.len() < len {
        let more = h64_text(2 * (len - text.len()))?;
        text.extend(more.chars().filter(char::is_ascii_alphanumeric).take(len - text.len()));
    }
    Ok(text)
}
