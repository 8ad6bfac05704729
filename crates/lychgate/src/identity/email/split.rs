//! Takes an address apart at its `@`.

use unicode_normalization::UnicodeNormalization;

use super::EmailError;

/// Characters that may combine with the one before them: 30 marks (UAX #15, stream-safe text) and one on each side.
const WINDOW: usize = 32;

/// The two sides of an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// Before the `@`, as written.
    pub(super) local: String,
    /// Before the `@`, without quotes and escapes.
    pub(super) unquoted: String,
    /// Whether the local part was quoted.
    pub(super) quoted: bool,
    /// After the `@`, as written.
    pub(super) domain: String,
}

/// Splits at the first `@` that is not inside quotes.
pub(super) fn split(text: &str) -> Result<Parts, EmailError> {
    let chars: Vec<char> = text.chars().collect();
    let at = special(&chars).ok_or(EmailError::NoAtSign)?;
    let (local, rest) = chars.split_at(at);
    let domain = match rest {
        ['@', domain @ ..] => domain,
        _ => return Err(EmailError::DisplayName),
    };
    let (unquoted, quoted) = unquote(local)?;
    Ok(Parts { local: local.iter().collect(), unquoted, quoted, domain: domain.iter().collect() })
}

/// Finds the first `@` or `<` outside quotes that no mark after it turns into another character.
fn special(chars: &[char]) -> Option<usize> {
    let (mut inside, mut escaped) = (false, false);
    for (at, &c) in chars.iter().enumerate() {
        let rest = chars.get(at..).unwrap_or_default();
        if changes_in_nfc(rest) {
            continue;
        }
        if inside {
            match c {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => inside = false,
                _ => escaped = false,
            }
        } else if c == '"' {
            inside = true;
        } else if c == '@' || c == '<' {
            return Some(at);
        }
    }
    None
}

/// Whether NFC replaces the first character, by itself or by joining it with what follows.
fn changes_in_nfc(rest: &[char]) -> bool {
    match rest {
        [] => false,
        [c] if c.is_ascii() => false,
        [c, next, ..] if c.is_ascii() && next.is_ascii() => false,
        [c, ..] => rest.iter().take(WINDOW).copied().nfc().next() != Some(*c),
    }
}

/// Removes quotes around `local` and the backslashes inside them.
fn unquote(local: &[char]) -> Result<(String, bool), EmailError> {
    let ['"', inner @ ..] = local else {
        return Ok((local.iter().collect(), false));
    };
    let mut value = String::new();
    let mut escaped = false;
    let mut rest = inner.iter();
    while let Some(&c) = rest.next() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' if rest.len() > 0 => return Err(EmailError::Local),
            '"' => break,
            _ => value.push(c),
        }
    }
    Ok((value, true))
}
