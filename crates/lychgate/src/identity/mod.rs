//! Identities as text: e-mail addresses, usernames, telephone numbers.
//!
//! Everything here is a pure function of its input and of [`Rules`], which are built once from the settings. A value is
//! brought to one normal form before it is stored or looked up, so that one person has one spelling. Nothing here asks
//! the DNS, the network or a store, and every input is bounded before any work is done on it.

mod category;
pub(crate) mod email;
pub(crate) mod look;
pub(crate) mod phone;
#[cfg(test)]
mod tests;
pub(crate) mod username;

pub(crate) use email::EmailRules;
pub(crate) use username::UsernameRules;

/// Longest text, in bytes, that the mapper `identity` passes on.
const MAX_IDENTITY_BYTES: usize = 320;

/// What counts as an e-mail address, a username and a telephone number.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// From `email_validator_args`.
    pub email: EmailRules,
    /// From the `username_*` settings and `input_normalize_form`.
    pub username: UsernameRules,
    /// From `phone_region_default`: the region (ISO 3166-1 alpha-2) of a number given without its country code.
    pub phone_region: String,
}

/// Gives the value to look up for `text`, as the mapper of an identity attribute does.
///
/// `mapper` is `uia_email_mapper`, `uia_username_mapper`, `uia_phone_mapper` or `identity` (the text as it is). `None`
/// means that the mapper does not accept the text and the next attribute has its turn; an unknown mapper accepts nothing.
///
/// A username is looked up whatever its length: the bounds are for new names, not for people who already have one.
pub(crate) fn map(rules: &Rules, mapper: &str, text: &str) -> Option<String> {
    match mapper {
        "uia_email_mapper" => email::normalize(text, &rules.email).ok(),
        "uia_username_mapper" => username::lookup(text, &rules.username),
        "uia_phone_mapper" => phone::normalize(text, &rules.phone_region),
        "identity" => plain(text),
        _ => None,
    }
}

/// Passes on a text that is not empty, not long and free of control characters.
fn plain(text: &str) -> Option<String> {
    let acceptable = !text.is_empty() && text.len() <= MAX_IDENTITY_BYTES && !text.contains(char::is_control);
    acceptable.then(|| text.to_owned())
}
