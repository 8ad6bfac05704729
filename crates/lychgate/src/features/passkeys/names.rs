//! What people call their passkeys.

use lychgate_store::Credential;

use crate::{
    gate::Lychgate,
    identity::username::{self, UsernameError, UsernameRules},
    messages,
    web::{
        device::device_name,
        exchange::Exchange,
        form::{Form, Message},
    },
};

/// The width of the column.
const MOST: usize = 64;

/// Most characters of a name.
fn most(gate: &Lychgate) -> usize {
    usize::try_from(gate.settings().int("wan_name_max_length")).unwrap_or(MOST).min(MOST)
}

fn rules(gate: &Lychgate) -> UsernameRules {
    UsernameRules {
        min_length: 0,
        max_length: most(gate),
        allowed_categories: gate.settings().list("wan_name_allowed_chars").to_vec(),
        form: gate.identity_rules().username.form,
    }
}

/// The name in a form, in its normal form; nothing, with an error of the field, if it cannot be one.
pub(super) fn read(gate: &Lychgate, form: &mut Form) -> Option<String> {
    if form.has_error_in("name") {
        return None;
    }
    if form.value("name").trim().is_empty() {
        form.field_error("name", messages::WEBAUTHN_NAME_REQUIRED);
        return None;
    }
    let most = most(gate);
    let too_long = || Message::from(messages::INVALID_INPUT_LENGTH).with("length", most.to_string());
    let problem = match username::clean(form.value("name"), &rules(gate)) {
        Ok(name) if name.chars().count() > most => too_long(),
        Ok(name) => return Some(name),
        Err(UsernameError::InvalidLength) => too_long(),
        Err(UsernameError::NotPlain) => messages::INVALID_INPUT.into(),
        Err(_) => messages::WEBAUTHN_NAME_DISALLOWED_CHARACTERS.into(),
    };
    form.field_error("name", problem);
    None
}

/// A name to begin with: what this device is, if that may be a name and is none of theirs.
pub(super) fn suggested(call: &Exchange, mine: &[Credential]) -> Option<String> {
    let device = device_name(&String::from_utf8_lossy(call.user_agent()?));
    device.browser.as_ref()?;
    let name = username::clean(&device.to_string(), &rules(&call.gate)).ok()?;
    Some(name).filter(|name| name.chars().count() <= most(&call.gate) && !is_taken(mine, name))
}

pub(super) fn is_taken(mine: &[Credential], name: &str) -> bool {
    mine.iter().any(|credential| credential.name == name)
}

/// The message that the name is taken.
pub(super) fn taken(name: &str) -> Message {
    Message::from(messages::WEBAUTHN_NAME_INUSE).with("name", name)
}
