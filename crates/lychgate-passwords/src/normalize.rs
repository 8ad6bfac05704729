//! Unicode normal forms of passwords.

use std::str::FromStr;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A Unicode normal form (Unicode Standard Annex 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Form {
    /// Canonical composition.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility composition.
    Nfkc,
    /// Compatibility decomposition: what Flask-Security stores hashes of.
    #[default]
    Nfkd,
}

/// A name that is none of `NFC`, `NFD`, `NFKC`, `NFKD`.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a Unicode form is one of NFC, NFD, NFKC, NFKD")]
pub struct UnknownForm;

impl FromStr for Form {
    type Err = UnknownForm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "NFC" => Ok(Self::Nfc),
            "NFD" => Ok(Self::Nfd),
            "NFKC" => Ok(Self::Nfkc),
            "NFKD" => Ok(Self::Nfkd),
            _ => Err(UnknownForm),
        }
    }
}

/// Brings a password into a normal form, so that the same letters typed on two systems are one password.
///
/// The result is wiped when dropped. It can hold up to 18 times as many characters as the input: check the
/// length of what comes out.
///
/// ```
/// use lychgate_passwords::{Form, normalize};
/// assert_eq!(*normalize("p\u{e4}ss", Form::Nfkd), "pa\u{308}ss");
/// ```
pub fn normalize(text: &str, form: Form) -> Zeroizing<String> {
    match form {
        _ if text.is_ascii() => Zeroizing::new(text.to_owned()),
        Form::Nfc => collect(|| text.nfc()),
        Form::Nfd => collect(|| text.nfd()),
        Form::Nfkc => collect(|| text.nfkc()),
        Form::Nfkd => collect(|| text.nfkd()),
    }
}

/// Measures first: a string that grows leaves copies behind that nobody wipes.
fn collect<I: Iterator<Item = char>>(chars: impl Fn() -> I) -> Zeroizing<String> {
    let len = chars().map(char::len_utf8).sum();
    let mut text = Zeroizing::new(String::with_capacity(len));
    chars().for_each(|c| text.push(c));
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn four_forms_differ() {
        let text = "\u{fb01}\u{e4}";
        assert_eq!(*normalize(text, "NFC".parse().unwrap()), "\u{fb01}\u{e4}");
        assert_eq!(*normalize(text, "NFD".parse().unwrap()), "\u{fb01}a\u{308}");
        assert_eq!(*normalize(text, "NFKC".parse().unwrap()), "fi\u{e4}");
        assert_eq!(*normalize(text, "NFKD".parse().unwrap()), "fia\u{308}");
        assert_eq!("nfkd".parse::<Form>(), Err(UnknownForm));
    }
}
