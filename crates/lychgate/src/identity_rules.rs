//! How the settings say that identities are read.

use crate::{
    identity::{Rules, email::EmailRules, username::{Form, UsernameRules}},
    settings::{RawValue, Settings},
};

/// The rules of the settings.
pub(crate) fn from_settings(settings: &Settings) -> Rules {
    let mut email = EmailRules::default();
    let switch = |name: &str, default: bool| match settings.map_entry("email_validator_args", name) {
        Some(RawValue::Flag(value)) => *value,
        _ => default,
    };
    email.allow_smtputf8 = switch("allow_smtputf8", email.allow_smtputf8);
    email.allow_empty_local = switch("allow_empty_local", email.allow_empty_local);
    email.allow_quoted_local = switch("allow_quoted_local", email.allow_quoted_local);
    email.allow_domain_literal = switch("allow_domain_literal", email.allow_domain_literal);
    email.strict = switch("strict", email.strict);
    email.test_environment = switch("test_environment", email.test_environment);
    email.globally_deliverable = switch("globally_deliverable", email.globally_deliverable);
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
