//! E-mail addresses: syntax and normal form.
//!
//! Accepts and normalises as Python's `email-validator` 2 does, since addresses in an existing database were written
//! by it: RFC 5322 §3.4.1 addresses without comments and folding, international ones by RFC 6531, domains by
//! UTS #46 mapping and then IDNA 2008 (RFC 5891 to 5893), lengths by RFC 5321 §4.5.3.1.
//!
//! The normal form keeps the case of the part before the `@` (except for the mailbox names of RFC 2142), has that part
//! in NFC, and has the domain in lower case with `xn--` labels decoded. Whether mail can be delivered is not checked:
//! there is no resolver here, and no DNS query is ever made.

mod domain;
mod idna2008;
mod literal;
mod local;
mod split;

use thiserror::Error;

/// Longest input in bytes that is looked at. An address of more than [`MAX_ADDRESS`] is refused in any case.
const MAX_INPUT: usize = 320;

/// Longest address in octets (RFC 3696, erratum 1690).
const MAX_ADDRESS: usize = 254;

/// Which addresses are accepted; the names are those of `email_validator_args`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EmailRules {
    /// Characters beyond ASCII before the `@` (RFC 6531).
    pub allow_smtputf8: bool,
    /// Nothing before the `@`.
    pub allow_empty_local: bool,
    /// A quoted string before the `@`.
    pub allow_quoted_local: bool,
    /// An IP address in brackets after the `@`.
    pub allow_domain_literal: bool,
    /// At most 64 characters before the `@` (RFC 5321 §4.5.3.1.1), which is not enforced otherwise.
    pub strict: bool,
    /// The domain `test` and everything below it.
    pub test_environment: bool,
    /// A domain of two labels at least, of which the last ends with a letter.
    pub globally_deliverable: bool,
}

impl Default for EmailRules {
    fn default() -> Self {
        Self {
            allow_smtputf8: true,
            allow_empty_local: false,
            allow_quoted_local: false,
            allow_domain_literal: false,
            strict: false,
            test_environment: false,
            globally_deliverable: true,
        }
    }
}

impl EmailRules {
    /// Sets the rule called `name` in `email_validator_args`; `false` when there is no such rule.
    ///
    /// `check_deliverability` is accepted and has no effect. `allow_display_name` can only be switched off.
    pub(crate) fn set(&mut self, name: &str, value: bool) -> bool {
        let rule = match name {
            "allow_smtputf8" => &mut self.allow_smtputf8,
            "allow_empty_local" => &mut self.allow_empty_local,
            "allow_quoted_local" => &mut self.allow_quoted_local,
            "allow_domain_literal" => &mut self.allow_domain_literal,
            "strict" => &mut self.strict,
            "test_environment" => &mut self.test_environment,
            "globally_deliverable" => &mut self.globally_deliverable,
            "check_deliverability" => return true,
            "allow_display_name" => return !value,
            _ => return false,
        };
        *rule = value;
        true
    }
}

/// Why a text is not an acceptable e-mail address.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum EmailError {
    /// More octets or characters than allowed, as given or in one of its other forms.
    #[error("the address is too long")]
    TooLong,
    /// No `@` outside quotes.
    #[error("the address has no at-sign")]
    NoAtSign,
    /// A display name or angle brackets.
    #[error("the address has a display name or angle brackets")]
    DisplayName,
    /// The part before the `@` is wrong.
    #[error("the part before the at-sign is not valid")]
    Local,
    /// The part before the `@` is quoted.
    #[error("a quoted part before the at-sign is not allowed")]
    Quoted,
    /// The part after the `@` is wrong.
    #[error("the part after the at-sign is not valid")]
    Domain,
    /// The part after the `@` is an IP address.
    #[error("an IP address after the at-sign is not allowed")]
    Literal,
    /// The domain is reserved for special use (RFC 6761) and reaches nobody.
    #[error("the domain is reserved for special use")]
    SpecialUse,
}

/// Checks an address and gives its normal form, which is accepted unchanged when it is given again.
///
/// # Errors
/// [`EmailError`] says which part is refused.
pub(crate) fn normalize(text: &str, rules: &EmailRules) -> Result<String, EmailError> {
    if text.len() > MAX_INPUT {
        return Err(EmailError::TooLong);
    }
    let parts = split::split(text)?;
    let local = local::normalize(&parts, rules)?;
    let domain = if let Some(inner) = parts.domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let literal = literal::normalize(inner)?;
        if !rules.allow_domain_literal {
            return Err(EmailError::Literal);
        }
        domain::Domain { ascii: literal.clone(), unicode: literal }
    } else {
        domain::normalize(&parts.domain, rules)?
    };
    // Each form may be what is written to a header or handed to a mail server.
    let longest =
        [parts.local.len() + parts.domain.len(), local.len() + domain.unicode.len(), local.len() + domain.ascii.len()];
    if longest.iter().any(|&len| len + 1 > MAX_ADDRESS) {
        return Err(EmailError::TooLong);
    }
    Ok(format!("{local}@{}", domain.unicode))
}
