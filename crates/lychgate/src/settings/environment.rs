//! Which environment variables give which setting.
//!
//! Flask's own names are read, so that an app keeps its deployment: `SECRET_KEY`,
//! `SECURITY_URL_PREFIX`,
//! `SESSION_COOKIE_SECURE`, `REMEMBER_COOKIE_DURATION`, `WTF_CSRF_TIME_LIMIT`, `MAIL_SERVER`,
//! `SQLALCHEMY_DATABASE_URI`. Every setting has a name beginning with `LYCHGATE_` too, which wins.

use super::{
    error::{Problem, Source},
    file::Entry,
    known::{self, Target},
    raw::RawValue,
    setting::{Section, Setting},
};

/// Variables beginning with `LYCHGATE_` that are no settings.
const OTHERS: &[&str] = &["LYCHGATE_CONFIG", "LYCHGATE_LOG"];
/// The longest variable that is read, in bytes.
const VALUE_MAX: usize = 65_536;

/// The variables of a setting, the strongest first.
pub(crate) fn names(setting: &Setting) -> Vec<String> {
    let upper = setting.name.to_ascii_uppercase();
    let own = match setting.section {
        Section::Top | Section::Security => format!("LYCHGATE_{upper}"),
        section => format!("LYCHGATE_{}_{upper}", section.table().to_ascii_uppercase()),
    };
    let mut names = vec![own];
    match setting.section {
        Section::Security => names.push(format!("SECURITY_{upper}")),
        Section::Top => names.extend(top(setting.name).iter().map(|&name| name.to_owned())),
        Section::Session if setting.name == "permanent_lifetime" => names.push("PERMANENT_SESSION_LIFETIME".to_owned()),
        Section::Session => names.push(format!("SESSION_{upper}")),
        Section::Remember => names.push(format!("REMEMBER_{upper}")),
        Section::Csrf if setting.name == "protect" => {}
        Section::Csrf => names.push(format!("WTF_CSRF_{upper}")),
        Section::Mail => names.push(format!("MAIL_{upper}")),
        Section::Cors => names.push(format!("CORS_{upper}")),
        Section::Jwt => names.push(format!("JWT_{upper}")),
        Section::Limits => names.push(format!("RATELIMIT_{upper}")),
        Section::Sms | Section::Proxy | Section::Challenge | Section::Server | Section::Headers | Section::Webauthn => {
        }
    }
    names
}

/// Flask's names of the settings at the top of the file.
fn top(name: &str) -> &'static [&'static str] {
    match name {
        "secret_key" => &["SECRET_KEY"],
        "secret_key_fallbacks" => &["SECRET_KEY_FALLBACKS"],
        "database_url" => &["SQLALCHEMY_DATABASE_URI", "DATABASE_URL"],
        "server_name" => &["SERVER_NAME"],
        "application_root" => &["APPLICATION_ROOT"],
        "preferred_url_scheme" => &["PREFERRED_URL_SCHEME"],
        "max_content_length" => &["MAX_CONTENT_LENGTH"],
        "max_form_memory_size" => &["MAX_FORM_MEMORY_SIZE"],
        "max_form_parts" => &["MAX_FORM_PARTS"],
        "max_cookie_size" => &["MAX_COOKIE_SIZE"],
        "trusted_hosts" => &["TRUSTED_HOSTS"],
        "wtf_i18n_enabled" => &["WTF_I18N_ENABLED"],
        _ => &[],
    }
}

/// What the variables say: values, and warnings about names that look like ours and are not.
///
/// An unknown name is no error here, as other programs share the environment.
pub(crate) fn read(variables: Vec<(String, String)>) -> (Vec<Entry>, Vec<Problem>, Vec<String>) {
    let mut found: Vec<(usize, Entry)> = Vec::new();
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    for (name, value) in variables {
        let (target, strength) = match known::by_variable(&name) {
            Some(hit) => hit,
            None => match name.strip_prefix("SECURITY_MSG_").map(|key| known::find_message("messages", key)) {
                Some(Ok(message)) => (Target::Message(message), 0),
                Some(Err(text)) => {
                    warnings.push(format!("environment variable {name}: {text}"));
                    continue;
                }
                None => {
                    warnings.extend(unknown(&name));
                    continue;
                }
            },
        };
        let source = Source::Environment(name);
        if value.len() > VALUE_MAX {
            problems.push(Problem::new(source, format!("longer than {VALUE_MAX} bytes")));
            continue;
        }
        found.push((strength, Entry { target, raw: RawValue::Written(value), source }));
    }
    // The strongest name of a setting comes last and so wins.
    found.sort_by_key(|(strength, _)| std::cmp::Reverse(*strength));
    (found.into_iter().map(|(_, entry)| entry).collect(), problems, warnings)
}

fn unknown(name: &str) -> Option<String> {
    let ours = name.starts_with("SECURITY_") || name.starts_with("LYCHGATE_");
    if !ours || OTHERS.contains(&name) {
        return None;
    }
    let hint = known::nearest_variable(name).map_or_else(String::new, |known| format!("; did you mean {known}?"));
    Some(format!("environment variable {name} is not a setting{hint}"))
}
