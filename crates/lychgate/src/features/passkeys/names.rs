//! What people call their passkeys.

use lychgate_store::Credential;

use crate::{
    gate::Lychgate,
    identity::username::{self, UsernameError, UsernameRules},
    messages,
    web::form::{Form, Message},
};

/// The width of the column.
const MOST: usize = 64;

/// The name in a form, in its normal form; nothing, with an error of the field, if it cannot be one.
pub(super) fn read(gate: &Lychgate, form: &mut Form) -> Option<String> {
    if form.has_error_in("name") {
        return None;
    }
    if form.value("name").trim().is_empty() {
        form.field_error("name", messages::WEBAUTHN_NAME_REQUIRED);
        return None;
    }
    let settings = gate.settings();
    let most = usize::try_from(settings.int("wan_name_max_length")).unwrap_or(MOST).min(MOST);
    let rules = UsernameRules {
        min_length: 0,
        max_length: most,
        allowed_categories: settings.list("wan_name_allowed_chars").to_vec(),
        form: gate.identity_rules().username.form,
    };
    let too_long = || Message::from(messages::INVALID_INPUT_LENGTH).with("length", most.to_string());
    let problem = match username::clean(form.value("name"), &rules) {
        Ok(name) if name.chars().count() > most => too_long(),
        Ok(name) => return Some(name),
        Err(UsernameError::InvalidLength) => too_long(),
        Err(UsernameError::NotPlain) => messages::INVALID_INPUT.into(),
        Err(_) => messages::WEBAUTHN_NAME_DISALLOWED_CHARACTERS.into(),
    };
    form.field_error("name", problem);
    None
}

pub(super) fn is_taken(mine: &[Credential], name: &str) -> bool {
    mine.iter().any(|credential| credential.name == name)
}

/// The message that the name is taken.
pub(super) fn taken(name: &str) -> Message {
    Message::from(messages::WEBAUTHN_NAME_INUSE).with("name", name)
}
