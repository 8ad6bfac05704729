//! The digits that people type.

use std::fmt;

use zeroize::Zeroizing;

/// The longest input that is looked at: a code with every digit set apart.
const MAX_INPUT: usize = 64;

/// A one-time code. Does not show itself in debug output and is wiped when dropped.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// The digits, leading zeros included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads what somebody typed: white space, `-` and `=` are left out, and what remains has to be exactly
    /// `digits` digits.
    pub fn parse(input: &str, digits: u32) -> Option<Self> {
        if input.len() > MAX_INPUT {
            return None;
        }
        let mut code = Self(Zeroizing::new(String::with_capacity(input.len())));
        code.0.extend(input.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '=')));
        let fits = code.0.len() == digits as usize && code.0.bytes().all(|byte| byte.is_ascii_digit());
        fits.then_some(code)
    }

    /// Reads a code sent as a number, which has lost its leading zeros. None when it has too many digits.
    pub fn from_number(number: u64, digits: u32) -> Option<Self> {
        let code = Self::padded(number, digits.min(20));
        (code.0.len() == digits as usize).then_some(code)
    }

    pub(crate) fn padded(number: u64, digits: u32) -> Self {
        Self(Zeroizing::new(format!("{number:0width$}", width = digits as usize)))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_codes() {
        let parse = |input: &str| Code::parse(input, 6).map(|code| code.as_str().to_owned());
        for input in ["012345", "012 345", "012-345", "=012345", " 012345\n", "0\u{a0}1\u{2003}2345"] {
            assert_eq!(parse(input).as_deref(), Some("012345"), "{input}");
        }
        for input in ["", "12345", "1234567", "12a456", "+12345", "\u{ff11}23456", "1.2345", "--------"] {
            assert_eq!(parse(input), None, "{input}");
        }
        assert_eq!(parse(&format!("012345{}", " ".repeat(MAX_INPUT))), None);
    }

    #[test]
    fn codes_sent_as_numbers() {
        let number = |number| Code::from_number(number, 6).map(|code| code.as_str().to_owned());
        assert_eq!(number(12_345).as_deref(), Some("012345"));
        assert_eq!(number(0).as_deref(), Some("000000"));
        assert_eq!(number(1_000_000), None);
        assert!(Code::from_number(1, u32::MAX).is_none());
    }

    #[test]
    fn codes_are_not_shown() {
        assert_eq!(format!("{:?}", Code::from_number(1, 6)), "Some(Code(..))");
    }
}
