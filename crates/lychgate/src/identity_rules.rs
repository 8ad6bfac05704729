//! How the settings say that identities are read.

use crate::{
    identity::{
        Rules,
        email::EmailRules,
        username::{Form, UsernameRules},
    },
    settings::{RawValue, Settings},
};

/// The rules of the settings.
pub(crate) fn from_settings(settings: &Settings) -> Rules {
    let mut email = EmailRules::default();
    for (name, value) in settings.map("email_validator_args") {
        let known = matches!(value, RawValue::Flag(value) if email.set(name, *value));
        if !known {
            tracing::warn!("email_validator_args: {name} is not used");
        }
    }
    let length = |name: &str| usize::try_from(settings.int(name)).unwrap_or(0);
    Rules {
        email,
        username: UsernameRules {
            min_length: length("username_min_length"),
            max_length: length("username_max_length"),
            allowed_categories: settings.list("username_allowed_chars").to_vec(),
            form: settings.text_opt("input_normalize_form").and_then(Form::named),
        },
        phone_region: settings.text("phone_region_default").to_owned(),
    }
}
