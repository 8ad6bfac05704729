//! Usernames.
//!
//! A name is trimmed, must be plain text (nothing that markup gives a meaning to), must be made of allowed Unicode
//! categories, and is stored in a normal form. The rules are the reference's, with three more that no setting lifts:
//! control characters, line separators and the controls that turn the direction of text are refused, and so is a name
//! that becomes markup by normalisation.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::category;

/// Inputs up to this many bytes are always looked at, however short a name may be.
const MIN_INPUT_BOUND: usize = 1024;

/// Bytes of input per allowed character: four of UTF-8, times four that NFC may join into one.
const BYTES_PER_CHARACTER: usize = 16;

/// A Unicode normalisation form (UAX #15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Canonical composition.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility composition.
    Nfkc,
    /// Compatibility decomposition.
    Nfkd,
}

impl Form {
    /// The form with this name, in any case: `NFC`, `NFD`, `NFKC`, `NFKD`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [("NFC", Self::Nfc), ("NFD", Self::Nfd), ("NFKC", Self::Nfkc), ("NFKD", Self::Nfkd)]
            .into_iter()
            .find_map(|(known, form)| known.eq_ignore_ascii_case(name).then_some(form))
    }

    /// Brings `text` into this form.
    pub(crate) fn apply(self, text: &str) -> String {
        match self {
            Self::Nfc => text.nfc().collect(),
            Self::Nfd => text.nfd().collect(),
            Self::Nfkc => text.nfkc().collect(),
            Self::Nfkd => text.nfkd().collect(),
        }
    }
}

/// Which usernames are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsernameRules {
    /// `username_min_length`, in characters of the normal form.
    pub min_length: usize,
    /// `username_max_length`, in characters of the normal form.
    pub max_length: usize,
    /// `username_allowed_chars`: Unicode categories such as `L` or `Pd`. Empty means any.
    pub allowed_categories: Vec<String>,
    /// `input_normalize_form`; `None` stores the name as given.
    pub form: Option<Form>,
}

impl Default for UsernameRules {
    fn default() -> Self {
        Self {
            min_length: 4,
            max_length: 32,
            allowed_categories: vec!["L".to_owned(), "N".to_owned()],
            form: Some(Form::Nfkd),
        }
    }
}

/// Why a text is not an acceptable username; each kind is one message of the wire.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum UsernameError {
    /// `USERNAME_INVALID_LENGTH`
    #[error("the username is too short or too long")]
    InvalidLength,
    /// `USERNAME_DISALLOWED_CHARACTERS`
    #[error("the username holds characters that are not allowed")]
    Disallowed,
    /// `INVALID_INPUT`
    #[error("the username is not plain text")]
    NotPlain,
}

/// Checks a new username and gives the form to store; `None` for an empty one, so that a unique column stays null.
///
/// # Errors
/// [`UsernameError`] in this order: not plain, disallowed characters, length.
pub(crate) fn normalize(text: &str, rules: &UsernameRules) -> Result<Option<String>, UsernameError> {
    if text.is_empty() {
        return Ok(None);
    }
    let clean = clean(text, rules)?;
    let length = clean.chars().count();
    if length < rules.min_length || length > rules.max_length {
        return Err(UsernameError::InvalidLength);
    }
    Ok(Some(clean).filter(|name| !name.is_empty()))
}

/// The form in which a name given at sign-in is looked up. Its length is not judged.
pub(super) fn lookup(text: &str, rules: &UsernameRules) -> Option<String> {
    clean(text, rules).ok().filter(|name| !name.is_empty())
}

/// Checks and normalises the characters of a trimmed name.
///
/// The same holds for the names of passkeys, with their own bound on length.
///
/// # Errors
/// [`UsernameError`] when the text is unreasonably long, is not plain or holds characters that are not allowed.
pub(crate) fn clean(text: &str, rules: &UsernameRules) -> Result<String, UsernameError> {
    let text = text.trim_matches(is_space);
    if text.len() > MIN_INPUT_BOUND.max(rules.max_length.saturating_mul(BYTES_PER_CHARACTER)) {
        return Err(UsernameError::InvalidLength);
    }
    if text.starts_with('\u{FEFF}') || text.contains(is_markup) {
        return Err(UsernameError::NotPlain);
    }
    if text.contains(is_never_allowed) || !text.chars().all(|c| is_allowed(c, &rules.allowed_categories)) {
        return Err(UsernameError::Disallowed);
    }
    let normal = rules.form.map_or_else(|| text.to_owned(), |form| form.apply(text));
    if normal.contains(is_markup) {
        return Err(UsernameError::NotPlain);
    }
    Ok(normal)
}

/// White space, and the four information separators (U+001C to U+001F), which Python counts among it.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1C}'..='\u{1F}').contains(&c)
}

/// Characters that an HTML sanitiser escapes or replaces.
fn is_markup(c: char) -> bool {
    matches!(c, '&' | '<' | '>' | '\0' | '\r' | '\u{A0}')
}

/// Characters that could end a header line or turn around the text that follows (UAX #9, `Bidi_Control`).
fn is_never_allowed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{61C}' | '\u{200E}' | '\u{200F}'
            | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_allowed(c: char, categories: &[String]) -> bool {
    categories.is_empty() || categories.iter().any(|prefix| category::name(c).starts_with(prefix.as_str()))
}
