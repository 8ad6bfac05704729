//! What a new password has to be like. Not asked at sign-in: old passwords stay valid.

use thiserror::Error;
use zeroize::Zeroizing;
use zxcvbn::{Score, feedback::Warning, zxcvbn};

/// How much of a password zxcvbn gets to see. Its work grows faster than the length: a password made for that takes
/// tenths of a second at this length, seconds at twice it.
const MAX_SCORED_CHARS: usize = 72;

/// How many of the words tied to a user are compared with the password, and how much of each.
const MAX_WORDS: usize = 32;
const MAX_WORD_CHARS: usize = 100;

/// The rules for new passwords. The default is Flask-Security's: 8 to 128 characters, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The least length, in code points of the normal form.
    pub min_chars: usize,
    /// The greatest length, in code points of the normal form.
    pub max_chars: usize,
    /// The least zxcvbn score, 0 to 4; none to leave the strength alone.
    pub min_score: Option<u8>,
    /// From how many breaches on a password is refused; none to allow breached ones.
    pub breached_from: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { min_chars: 8, max_chars: 128, min_score: None, breached_from: None }
    }
}

/// A rule that a password breaks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{key}")]
#[non_exhaustive]
pub struct Broken {
    /// The message: `PASSWORD_INVALID_LENGTH`, `PASSWORD_BREACHED` or `PASSWORD_TOO_SIMPLE`.
    pub key: &'static str,
    /// Why a weak password is easy to guess, where there is a reason: another message, such as `PASSWORD_SEQUENCE`.
    pub reason: Option<&'static str>,
}

impl Broken {
    const fn new(key: &'static str) -> Self {
        Self { key, reason: None }
    }
}

impl Policy {
    /// Applies all rules in the reference's order: length, breaches, strength. `breaches` is how often the password
    /// was seen, when that was asked (see [`crate::breached`]); `words` are tied to the user or site.
    ///
    /// # Errors
    /// The first rule that the password breaks.
    ///
    /// ```
    /// use lychgate_passwords::policy::Policy;
    /// let mut policy = Policy::default();
    /// policy.min_score = Some(3);
    /// let broken = policy.check("joe@lp.com", &["joe@lp.com"], None).unwrap_err();
    /// assert_eq!(broken.key, "PASSWORD_TOO_SIMPLE");
    /// assert!(policy.check("bakelite tram opossum", &["joe@lp.com"], None).is_ok());
    /// ```
    pub fn check(&self, password: &str, words: &[&str], breaches: Option<u64>) -> Result<(), Broken> {
        self.check_length(password)?;
        self.check_breaches(breaches.unwrap_or(0))?;
        self.check_strength(password, words)
    }

    /// Checks the length of a password in its normal form.
    ///
    /// # Errors
    /// `PASSWORD_INVALID_LENGTH`.
    pub fn check_length(&self, password: &str) -> Result<(), Broken> {
        let chars = password.chars().take(self.max_chars.saturating_add(1)).count();
        let fits = (self.min_chars..=self.max_chars).contains(&chars);
        fits.then_some(()).ok_or(Broken::new("PASSWORD_INVALID_LENGTH"))
    }

    /// Checks how often a password was seen in breaches.
    ///
    /// # Errors
    /// `PASSWORD_BREACHED`.
    pub fn check_breaches(&self, seen: u64) -> Result<(), Broken> {
        match self.breached_from {
            Some(from) if seen >= from.max(1) => Err(Broken::new("PASSWORD_BREACHED")),
            _ => Ok(()),
        }
    }

    /// Checks how easily a password is guessed. Only the first 72 characters count. Takes up to some tenths of a second
    /// of CPU time for passwords made to that end: call it where hashes are computed.
    ///
    /// # Errors
    /// `PASSWORD_TOO_SIMPLE`, with a reason where there is one.
    pub fn check_strength(&self, password: &str, words: &[&str]) -> Result<(), Broken> {
        let Some(least) = self.min_score else {
            return Ok(());
        };
        let words: Vec<String> = words
            .iter()
            .filter(|word| !word.is_empty())
            .take(MAX_WORDS)
            .map(|word| word.chars().take(MAX_WORD_CHARS).collect())
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let scored: Zeroizing<String> = Zeroizing::new(password.chars().take(MAX_SCORED_CHARS).collect());
        let found = zxcvbn(&scored, &words);
        let score = match found.score() {
            Score::Zero => 0,
            Score::One => 1,
            Score::Two => 2,
            Score::Three => 3,
            _ => 4,
        };
        if score >= least {
            return Ok(());
        }
        let reason = found.feedback().and_then(|feedback| feedback.warning()).map(reason);
        Err(Broken { key: "PASSWORD_TOO_SIMPLE", reason })
    }
}

/// The message of a warning of zxcvbn.
fn reason(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess => "PASSWORD_KEYBOARD_ROW",
        Warning::ShortKeyboardPatternsAreEasyToGuess => "PASSWORD_KEYBOARD_PATTERN",
        Warning::RepeatsLikeAaaAreEasyToGuess => "PASSWORD_REPEATED_CHARACTER",
        Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => "PASSWORD_REPEATED_WORD",
        Warning::ThisIsATop10Password => "PASSWORD_MOST_COMMON",
        Warning::ThisIsATop100Password => "PASSWORD_VERY_COMMON",
        Warning::ThisIsACommonPassword => "PASSWORD_COMMON",
        Warning::ThisIsSimilarToACommonlyUsedPassword => "PASSWORD_LIKE_A_COMMON_ONE",
        Warning::SequencesLikeAbcAreEasyToGuess => "PASSWORD_SEQUENCE",
        Warning::RecentYearsAreEasyToGuess => "PASSWORD_YEAR",
        Warning::AWordByItselfIsEasyToGuess => "PASSWORD_SINGLE_WORD",
        Warning::DatesAreOftenEasyToGuess => "PASSWORD_DATE",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess => "PASSWORD_NAME",
        Warning::CommonNamesAndSurnamesAreEasyToGuess => "PASSWORD_COMMON_NAME",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn policy(min_score: Option<u8>, breached_from: Option<u64>) -> Policy {
        Policy { min_score, breached_from, ..Policy::default() }
    }

    #[test]
    fn length_counts_code_points_at_both_ends() {
        let policy = policy(None, None);
        for (chars, fits) in [(0, false), (7, false), (8, true), (128, true), (129, false)] {
            assert_eq!(policy.check_length(&"\u{1f600}".repeat(chars)).is_ok(), fits, "{chars}");
        }
        assert_eq!(policy.check("short", &[], None).unwrap_err().key, "PASSWORD_INVALID_LENGTH");
    }

    #[test]
    fn breaches_count_from_the_setting_on() {
        assert!(policy(None, None).check_breaches(1000).is_ok());
        assert!(policy(None, Some(3)).check_breaches(2).is_ok());
        assert_eq!(policy(None, Some(3)).check_breaches(3).unwrap_err().key, "PASSWORD_BREACHED");
        assert!(policy(None, Some(0)).check_breaches(0).is_ok());
    }

    #[test]
    fn length_comes_before_breaches_before_strength() {
        let policy = policy(Some(4), Some(1));
        assert_eq!(policy.check("pass", &[], Some(9)).unwrap_err().key, "PASSWORD_INVALID_LENGTH");
        assert_eq!(policy.check("password", &[], Some(9)).unwrap_err().key, "PASSWORD_BREACHED");
        assert_eq!(policy.check("password", &[], Some(0)).unwrap_err().key, "PASSWORD_TOO_SIMPLE");
    }

    #[test]
    fn a_weak_password_comes_with_a_reason() {
        let broken = policy(Some(3), None).check("password", &[], None).unwrap_err();
        assert_eq!(broken.key, "PASSWORD_TOO_SIMPLE");
        assert_eq!(broken.reason, Some("PASSWORD_MOST_COMMON"));
        assert_eq!(policy(Some(3), None).check("abcdefgh", &[], None).unwrap_err().reason, Some("PASSWORD_SEQUENCE"));
    }

    #[test]
    fn words_of_the_user_count_against_it() {
        let policy = policy(Some(3), None);
        assert!(policy.check("lychgatekeeper", &[], None).is_ok());
        assert!(policy.check("lychgatekeeper", &["lychgatekeeper"], None).is_err());
    }
}
