//! Time spans as people write them.

use std::{fmt, time::Duration};

/// The longest span that is accepted, about 300 years.
const LONGEST: f64 = 1e10;

/// A span of time in seconds; it may be fractional or negative, as some settings use a negative one
/// to switch off.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct SignedSeconds(f64);

impl SignedSeconds {
    /// Takes seconds; `None` unless finite and within about 300 years.
    #[must_use]
    pub fn new(seconds: f64) -> Option<Self> {
        (seconds.is_finite() && seconds.abs() <= LONGEST).then_some(Self(seconds))
    }

    /// Reads `90`, `90 s`, `15 minutes`, `1 hour 30 minutes`, `1 hour and 30 minutes`, `-1 day`.
    ///
    /// A bare number is seconds. Returns `None` for anything else, and for text of more than 100
    /// bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > 100 {
            return None;
        }
        if let Some(seconds) = number(text) {
            return Self::new(seconds);
        }
        let (sign, text) = match text.strip_prefix('-') {
            Some(rest) => (-1.0, rest),
            None => (1.0, text),
        };
        let spaced = space_units(text);
        let mut words = spaced.split_whitespace().filter(|word| *word != "and");
        let mut total = 0.0;
        while let Some(amount) = words.next() {
            let amount = number(amount).filter(|amount| amount.is_sign_positive())?;
            total += amount * unit(words.next()?)?;
        }
        Self::new(sign * total)
    }

    /// The seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0
    }

    /// The whole seconds, fraction cut off.
    #[must_use]
    pub fn as_secs(self) -> i64 {
        self.0 as i64
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0 < 0.0
    }

    /// The same span for `std`; zero when negative.
    #[must_use]
    pub fn to_std(self) -> Duration {
        Duration::try_from_secs_f64(self.0.max(0.0)).unwrap_or_default()
    }
}

impl fmt::Display for SignedSeconds {
    /// Writes the two largest units, as in `1 hour 30 minutes`; fractions of a second as they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.fract() != 0.0 || self.0 == 0.0 {
            return write!(f, "{} seconds", self.0);
        }
        let mut rest = self.as_secs().unsigned_abs();
        let mut first = true;
        if self.is_negative() {
            f.write_str("-")?;
        }
        for (name, size) in [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)] {
            let count = rest / size;
            rest %= size;
            if count > 0 {
                let gap = if first { "" } else { " " };
                let plural = if count == 1 { "" } else { "s" };
                write!(f, "{gap}{count} {name}{plural}")?;
                first = false;
            }
        }
        Ok(())
    }
}

/// Digits with an optional sign and fraction only: `inf`, `nan` and `1e9` are not amounts.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    if plain { text.parse().ok() } else { None }
}

/// Parts amounts from units (`2h` is `2 h`) and treats commas as spaces.
fn space_units(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut in_number = false;
    for c in text.chars() {
        let digit = c.is_ascii_digit() || c == '.';
        if c == ',' {
            out.push(' ');
        } else {
            if in_number && c.is_alphabetic() {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
        }
        in_number = digit;
    }
    out
}

fn unit(word: &str) -> Option<f64> {
    Some(match word {
        "us" | "microsecond" | "microseconds" => 1e-6,
        "ms" | "millisecond" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn seconds(text: &str) -> Option<f64> {
        SignedSeconds::parse(text).map(SignedSeconds::as_secs_f64)
    }

    #[test]
    fn reads_numbers_and_words() {
        for (text, want) in [
            ("90", 90.0),
            ("0.5", 0.5),
            ("-1", -1.0),
            ("15 minutes", 900.0),
            ("1 day", 86_400.0),
            ("2 h", 7_200.0),
            ("2h", 7_200.0),
            ("90 s", 90.0),
            ("1 hour 30 minutes", 5_400.0),
            ("1 hour and 30 minutes", 5_400.0),
            ("1 Day, 2 Hours", 93_600.0),
            ("-1 days", -86_400.0),
            ("1.5 h", 5_400.0),
            ("250 ms", 0.25),
            ("2 weeks", 1_209_600.0),
        ] {
            assert_eq!(seconds(text), Some(want), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            " ",
            "soon",
            "5 parsecs",
            "minutes",
            "1 hour 30",
            "nan",
            "inf",
            "1e9",
            "1 h -5 min",
            "99999999999",
            "--1",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert!(SignedSeconds::new(f64::NAN).is_none());
        assert!(SignedSeconds::parse(&"1 h ".repeat(50)).is_none());
    }

    #[test]
    fn prints_words() {
        for (value, want) in [
            (5_400.0, "1 hour 30 minutes"),
            (86_400.0, "1 day"),
            (-60.0, "-1 minute"),
            (0.5, "0.5 seconds"),
            (0.0, "0 seconds"),
        ] {
            assert_eq!(SignedSeconds::new(value).map(|span| span.to_string()).as_deref(), Some(want));
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = SignedSeconds::parse(&text);
        }

        #[test]
        fn what_is_printed_is_read_again(whole in -10_000_000_000_i64..=10_000_000_000) {
            let span = SignedSeconds::new(whole as f64).unwrap();
            prop_assert_eq!(SignedSeconds::parse(&span.to_string()), Some(span));
        }
    }
}
