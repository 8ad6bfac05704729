//! Recovery codes: a second factor on paper, each good once.
//!
//! A code has 48 random bits, so guesses have to be limited. How codes are kept (encrypted or hashed) is the
//! caller's choice; the list in the database is shared with Flask-Security.

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use thiserror::Error;
use zeroize::Zeroizing;

/// The longest input that is looked at, in bytes.
const MAX_INPUT: usize = 64;

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no random bytes for recovery codes")]
pub struct NoRandom;

/// Makes `count` codes: twelve hex digits in three groups, such as `71f3-0b8d-24aa`.
///
/// # Errors
/// [`NoRandom`].
pub fn generate(count: usize) -> Result<Vec<Zeroizing<String>>, NoRandom> {
    (0..count)
        .map(|_| {
            let mut random = Zeroizing::new([0_u8; 6]);
            getrandom::fill(random.as_mut_slice()).map_err(|_| NoRandom)?;
            let [a, b, c, d, e, f] = *random;
            Ok(Zeroizing::new(format!("{a:02x}{b:02x}-{c:02x}{d:02x}-{e:02x}{f:02x}")))
        })
        .collect()
}

/// Brings a typed code into the form it was printed in: lower case, three groups, however it was separated. What is
/// no code of ours is only trimmed, for sites that made their own. None when it is empty or too long.
pub fn clean(input: &str) -> Option<Zeroizing<String>> {
    let input = input.trim();
    if input.is_empty() || input.len() > MAX_INPUT {
        return None;
    }
    let mut code = Zeroizing::new(String::with_capacity(MAX_INPUT));
    let mut digits = 0;
    for c in input.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        if digits > 0 && digits % 4 == 0 {
            code.push('-');
        }
        code.push(c.to_ascii_lowercase());
        digits += 1;
        if !c.is_ascii_hexdigit() || digits > 12 {
            return Some(Zeroizing::new(input.to_owned()));
        }
    }
    Some(if digits == 12 { code } else { Zeroizing::new(input.to_owned()) })
}

/// Finds a typed code among those left and gives its place. Looks at all of them, whichever fits.
///
/// ```
/// use lychgate_otp::recovery::find;
/// let codes = ["71f3-0b8d-24aa", "0000-1111-2222"];
/// assert_eq!(find(&codes, "0000 1111 2222"), Some(1));
/// assert_eq!(find(&codes, "0000-1111-2223"), None);
/// ```
pub fn find<S: AsRef<str>>(codes: &[S], input: &str) -> Option<usize> {
    let typed = clean(input)?;
    let mut found = u64::MAX;
    for (place, code) in (0_u64..).zip(codes) {
        let fits: Choice = code.as_ref().as_bytes().ct_eq(typed.as_bytes());
        found.conditional_assign(&place, fits);
    }
    usize::try_from(found).ok().filter(|place| *place < codes.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn codes_have_the_printed_form() {
        let codes = generate(50).unwrap();
        assert_eq!(codes.len(), 50);
        for code in &codes {
            let groups: Vec<_> = code.split('-').collect();
            assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [4, 4, 4]);
            assert!(groups.concat().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
            assert_eq!(clean(code).unwrap(), *code);
        }
        let mut unique: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), 50);
        assert!(generate(0).unwrap().is_empty());
    }

    #[test]
    fn typed_codes_are_brought_into_form() {
        for input in ["71f3-0b8d-24aa", " 71F3 0B8D 24AA\n", "71f30b8d24aa", "7-1-f-3-0b8d24aa"] {
            assert_eq!(*clean(input).unwrap(), "71f3-0b8d-24aa", "{input}");
        }
        for input in ["71f3-0b8d-24a", "71f3-0b8d-24aaa", "ABCDEFGHIJ", "71f3-0b8d-24ag"] {
            assert_eq!(*clean(&format!(" {input} ")).unwrap(), input);
        }
        assert_eq!(clean(" "), None);
        assert_eq!(clean(&"a".repeat(65)), None);
    }

    #[test]
    fn only_a_listed_code_is_found() {
        let codes = generate(5).unwrap();
        for (place, code) in codes.iter().enumerate() {
            assert_eq!(find(&codes, code), Some(place));
            assert_eq!(find(&codes[..place], code), None);
        }
        assert_eq!(find(&codes, ""), None);
        assert_eq!(find(&[""], ""), None);
        assert_eq!(find(&["Own-Code"], "Own-Code"), Some(0));
        assert_eq!(find(&["Own-Code"], "own-code"), None);
    }
}
