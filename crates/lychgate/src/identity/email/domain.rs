//! The part after the `@`, as a domain name.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::char::decompose_compatible;

use super::{EmailError, EmailRules, idna2008};
use crate::identity::category;

/// Longest domain name in octets on the wire (RFC 1035 §2.3.4, without the root label).
const MAX_DOMAIN: usize = 253;

/// Longest label in octets (RFC 1035 §2.3.1).
const MAX_LABEL: usize = 63;

/// Domains that reach nobody by mail, with everything below them (RFC 6761, 6762, 7686; `arpa` by RFC 3172).
const SPECIAL_USE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

/// A domain name in both its forms.
#[derive(Debug)]
pub(super) struct Domain {
    /// As it goes over the wire, with `xn--` labels.
    pub(super) ascii: String,
    /// As it is shown and stored.
    pub(super) unicode: String,
}

/// Checks a domain name and gives its normal forms.
pub(super) fn normalize(domain: &str, rules: &EmailRules) -> Result<Domain, EmailError> {
    if domain.chars().count() > MAX_DOMAIN {
        return Err(EmailError::TooLong);
    }
    if domain.is_empty() || !domain.chars().all(is_host_char) || !category::is_safe(domain, false) {
        return Err(EmailError::Domain);
    }
    if domain.chars().any(hides_a_dot) {
        return Err(EmailError::Domain);
    }
    let ascii = to_ascii(domain)?;
    check_ascii(&ascii, rules)?;
    let unicode = if ascii.contains("xn--") { to_unicode(domain, &ascii)? } else { ascii.clone() };
    Ok(Domain { ascii, unicode })
}

/// Letters, digits, hyphen and dot, and everything beyond ASCII.
fn is_host_char(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric() || c == '-' || c == '.'
}

/// Whether compatibility mapping would put a dot into the name, as for `⒈` or `…`. The full-width dot is a separator.
fn hides_a_dot(c: char) -> bool {
    let mut found = false;
    if !c.is_ascii() && c != '\u{FF0E}' {
        decompose_compatible(c, |part| found |= part == '.');
    }
    found
}

fn to_ascii(domain: &str) -> Result<String, EmailError> {
    Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Ignore)
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| EmailError::Domain)
}

/// Decodes the `xn--` labels and holds them to IDNA 2008, which refuses more than UTS #46 does (emoji, for one).
fn to_unicode(domain: &str, ascii: &str) -> Result<String, EmailError> {
    let (unicode, outcome) = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    outcome.map_err(|_| EmailError::Domain)?;
    let labels_hold = unicode.split('.').all(idna2008::is_valid_label);
    // Encoding must lead back, or two wire names would be shown alike.
    if !labels_hold || !category::is_safe(&unicode, false) || to_ascii(&unicode)? != ascii {
        return Err(EmailError::Domain);
    }
    Ok(unicode.into_owned())
}

/// Checks lengths, the top-level domain and reserved names.
fn check_ascii(ascii: &str, rules: &EmailRules) -> Result<(), EmailError> {
    if ascii.len() > MAX_DOMAIN || ascii.split('.').any(|label| label.len() > MAX_LABEL) {
        return Err(EmailError::TooLong);
    }
    if ascii.split('.').any(|label| label.is_empty() || label.starts_with('-') || label.ends_with('-')) {
        return Err(EmailError::Domain);
    }
    if rules.globally_deliverable {
        let bare_test = rules.test_environment && ascii == "test";
        if !(ascii.contains('.') || bare_test) || !ascii.ends_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(EmailError::Domain);
        }
    }
    let top = ascii.rsplit('.').next().unwrap_or_default();
    if SPECIAL_USE.contains(&top) && !(top == "test" && rules.test_environment) {
        return Err(EmailError::SpecialUse);
    }
    Ok(())
}
