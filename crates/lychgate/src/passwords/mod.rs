//! The password schemes and rules that the settings ask for.

pub(crate) mod breached;
mod rules;

use lychgate_passwords::{Context, Form, SingleHash, normalize};
use zeroize::Zeroizing;

use crate::settings::{AllOr, RawValue, Settings};

/// Passwords longer than this are not normalised but passed on, to be refused by the hashing.
const MAX_CHARS: usize = lychgate_passwords::MAX_PASSWORD_CHARS;

/// `password` in the Unicode form of the settings.
pub(crate) fn normalized(password: &str, form: Option<&str>) -> Zeroizing<String> {
    if password.chars().nth(MAX_CHARS).is_some() {
        return Zeroizing::new(password.to_owned());
    }
    match form.and_then(|form| form.parse::<Form>().ok()) {
        Some(form) => normalize(password, form),
        None => Zeroizing::new(password.to_owned()),
    }
}

/// The hashing contexts of the settings: that of today's salt, then those of earlier ones, the newest first.
pub(crate) fn contexts(settings: &Settings) -> Result<Vec<Context>, String> {
    let earlier = settings.list("password_salt_fallbacks").iter().rev().map(String::as_str).map(Some);
    std::iter::once(settings.text_opt("password_salt")).chain(earlier).map(|salt| context(settings, salt)).collect()
}

fn context(settings: &Settings, salt: Option<&str>) -> Result<Context, String> {
    let mut builder = Context::builder()
        .schemes(settings.list("password_schemes").iter().cloned())
        .default_scheme(settings.text("password_hash"))
        .deprecated(settings.list("deprecated_password_schemes").iter().cloned())
        .single_hash(single_hash(settings));
    if let Some(salt) = salt {
        builder = builder.salt(salt);
    }
    for (name, value) in settings.map("password_hash_passlib_options") {
        builder = match value {
            RawValue::Int(number) => builder.option(name, number),
            RawValue::Text(text) | RawValue::Written(text) => builder.option(name, text),
            other => return Err(format!("password_hash_passlib_options: {name} cannot be {other:?}")),
        };
    }
    builder.build().map_err(|error| error.message)
}

fn single_hash(settings: &Settings) -> SingleHash {
    match settings.list_or_all("password_single_hash") {
        AllOr::All => SingleHash::All,
        AllOr::Only([]) => SingleHash::None,
        AllOr::Only(schemes) => SingleHash::Only(schemes.to_vec()),
    }
}
