//! What a name looks like to a reader, so that nobody takes one that passes for somebody else's.
//!
//! The look of a name is the same for all names that cannot be told apart: letter case, width and other compatibility
//! forms (UAX #15, NFKC) and invisible characters are taken away, and each character outside ASCII becomes the one that
//! it is confused with (UTS #39, section 4). ASCII characters stay as they are: `modern` and `modem` are two names.

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::skeleton;

/// Looks longer than this, in bytes, are stood for by their digest.
const LONGEST: usize = 255;

/// The look of a name in its stored form.
pub(crate) fn of(name: &str) -> String {
    if name.is_ascii() {
        return bounded(name.to_ascii_lowercase());
    }
    // The letter sigma has two small forms, one for the end of a word.
    let plain: String =
        name.nfkc().flat_map(char::to_lowercase).map(|c| if c == '\u{3c2}' { '\u{3c3}' } else { c }).collect();
    let mut look = String::with_capacity(plain.len());
    for c in plain.nfd() {
        if c.is_ascii() {
            look.push(c);
        } else {
            let mut buffer = [0; 4];
            look.extend(skeleton(c.encode_utf8(&mut buffer)).flat_map(char::to_lowercase));
        }
    }
    bounded(look.nfc().collect())
}

fn bounded(look: String) -> String {
    if look.len() <= LONGEST {
        return look;
    }
    Sha256::digest(look).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::of;

    #[test]
    fn look_alikes_have_one_look() {
        for (name, look) in [
            ("Joe", "joe"),
            ("p\u{430}yp\u{430}l", "paypal"),             // Cyrillic а
            ("\u{440}\u{430}\u{443}\u{440}al", "paypal"), // Cyrillic раур
            ("\u{ff2a}\u{ff4f}\u{ff45}", "joe"),          // full width
            ("m\u{131}ke@lp.com", "mike@lp.com"),         // dotless i
            ("\u{17f}am", "sam"),                         // long s
            ("\u{212a}ate", "kate"),                      // Kelvin sign
            ("jo\u{200b}e", "joe"),                       // zero width space
            ("\u{3bf}tto", "otto"),                       // Greek omicron
            ("Ren\u{e9}", "ren\u{e9}"),
            ("RENE\u{301}", "ren\u{e9}"),
            ("\u{3a3}\u{3b7}\u{3c2} ", of("\u{3c3}\u{3b7}\u{3c3} ").as_str()),
        ] {
            assert_eq!(of(name), look, "{name}");
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (one, other) in [("modern", "modem"), ("rene", "ren\u{e9}"), ("o0", "00"), ("\u{43c}\u{438}\u{440}", "mir")]
        {
            assert_ne!(of(one), of(other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn a_look_is_short_and_looks_like_itself_in_another_case(name in "\\PC{0,80}") {
            let look = of(&name);
            prop_assert!(look.len() <= 255);
            prop_assert_eq!(of(&name.to_lowercase()), look);
        }
    }
}
