//! The part before the `@`.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::split::Parts;
use super::{EmailError, EmailRules};
use crate::identity::category;

/// Longest local part in characters when `strict` is set (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;

/// Mailboxes that mean the same in any case (RFC 2142).
const ROLE_MAILBOXES: [&str; 15] = [
    "info",
    "marketing",
    "sales",
    "support",
    "abuse",
    "noc",
    "security",
    "postmaster",
    "hostmaster",
    "usenet",
    "news",
    "webmaster",
    "www",
    "uucp",
    "ftp",
];

/// Checks the local part and gives its normal form: NFC, with no more quoting than it needs.
pub(super) fn normalize(parts: &Parts, rules: &EmailRules) -> Result<String, EmailError> {
    let mut local = check(&parts.unquoted, parts.quoted, rules)?;
    if !is_nfc(&parts.unquoted) {
        // Normalisation can make characters that are not allowed, such as a semicolon from a Greek question mark.
        let composed: String = parts.unquoted.nfc().collect();
        local = check(&composed, parts.quoted, rules)?;
    }
    if parts.quoted && !rules.allow_quoted_local {
        return Err(EmailError::Quoted);
    }
    if ROLE_MAILBOXES.iter().any(|name| local.eq_ignore_ascii_case(name)) {
        local.make_ascii_lowercase();
    }
    Ok(local)
}

/// Checks one form of the local part; gives it quoted where it only stands in quotes.
fn check(local: &str, quoted: bool, rules: &EmailRules) -> Result<String, EmailError> {
    if local.is_empty() {
        return if rules.allow_empty_local { Ok(String::new()) } else { Err(EmailError::Local) };
    }
    if rules.strict && local.chars().count() > MAX_LOCAL {
        return Err(EmailError::TooLong);
    }
    if !local.is_ascii() && !rules.allow_smtputf8 {
        return Err(EmailError::Local);
    }
    if is_dot_atom(local) {
        // ASCII atoms are safe by their alphabet.
        let safe = local.is_ascii() || category::is_safe(local, false);
        return if safe { Ok(local.to_owned()) } else { Err(EmailError::Local) };
    }
    if !quoted || !category::is_safe(local, true) {
        return Err(EmailError::Local);
    }
    let mut out = String::with_capacity(local.len() + 2);
    out.push('"');
    for c in local.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    Ok(out)
}

/// `1*atext *("." 1*atext)`, where atext includes everything beyond ASCII (RFC 5322 §3.2.3, RFC 6531 §3.3).
fn is_dot_atom(local: &str) -> bool {
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_atext(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric() || "_!#$%&'*+-/=?^`{|}~".contains(c)
}
