//! Every setting there is, and finding one by name.
//!
//! A feature declares its settings in its own folder; the names of features that are still to come
//! stand here, so that a file written for Flask-Security is understood from the start.

mod access;
mod account_states;
mod admin;
mod application;
mod audit;
mod cookies;
mod core;
mod csrf;
mod edge;
mod email;
mod limits;
mod mail;
mod notices;
mod oauth;
mod password;
mod server;
mod sms;
mod username;

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use super::{
    environment,
    nearest::nearest,
    setting::{Section, Setting},
};
use crate::{
    features::{
        account, api_keys, auth_check, challenge, change_email, change_password, confirm, impersonation, jwt,
        languages, lockout, login, logout, not_me, passkeys, passwordless, recover, recovery_codes, register, tokens,
        two_factor, unified_signin, users_api, verify,
    },
    messages::MessageKey,
};

/// Settings that belong together, with a title for the documentation.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) settings: &'static [Setting],
}

const fn group(title: &'static str, settings: &'static [Setting]) -> Group {
    Group { title, settings }
}

/// All settings in the order of the documentation.
pub(crate) const GROUPS: &[Group] = &[
    group("Application", application::SETTINGS),
    group("Core", core::SETTINGS),
    group("Sign in", login::settings::SETTINGS),
    group("Sign out", logout::settings::SETTINGS),
    group("Freshness", verify::settings::SETTINGS),
    group("Access", access::SETTINGS),
    group("Administrators", admin::SETTINGS),
    group("Redirects", access::REDIRECTS),
    group("Forward authentication", auth_check::settings::SETTINGS),
    group("Session cookie", cookies::SESSION),
    group("Remember-me cookie", cookies::REMEMBER),
    group("Request forgery", csrf::SETTINGS),
    group("Request forgery: tokens", csrf::TOKENS),
    group("Passwords", password::SETTINGS),
    group("Authentication tokens", tokens::settings::SETTINGS),
    group("Refresh tokens", tokens::settings::REFRESH),
    group("Registration", register::settings::SETTINGS),
    group("Confirmation at sign-in", confirm::settings::SIGN_IN),
    group("Confirmation", confirm::settings::SETTINGS),
    group("Recovery", recover::settings::SETTINGS),
    group("Password change", change_password::settings::SETTINGS),
    group("Mail address change", change_email::settings::SETTINGS),
    group("Account page", account::settings::SETTINGS),
    group("Account states and refusals", account_states::SETTINGS),
    group("API keys", api_keys::settings::SETTINGS),
    group("Audit log", audit::SETTINGS),
    group("User names", username::NAMES),
    group("User name change and recovery", username::SETTINGS),
    group("Tracking", core::TRACKING),
    group("Passwordless", passwordless::settings::SETTINGS),
    group("Unified sign-in", unified_signin::settings::SETTINGS),
    group("Second factor", two_factor::settings::SETTINGS),
    group("Recovery codes", recovery_codes::settings::SETTINGS),
    group("Passkeys", passkeys::settings::SETTINGS),
    group("Passkeys: fixed values", passkeys::settings::FIXED),
    group("OAuth", oauth::SETTINGS),
    group("Mail addresses", email::ADDRESSES),
    group("Mails", email::SETTINGS),
    group("Notices", notices::SETTINGS),
    group("\"It was not me\"", not_me::settings::SETTINGS),
    group("Mail server", mail::SETTINGS),
    group("Text messages", sms::SETTINGS),
    group("Text message gateway", sms::GATEWAY),
    group("Acting as somebody else", impersonation::settings::SETTINGS),
    group("Languages", languages::settings::SETTINGS),
    group("Listener", server::SETTINGS),
    group("Proxies", edge::PROXY),
    group("Limits", limits::SETTINGS),
    group("Waits after wrong passwords", lockout::settings::SETTINGS),
    group("Work that senders prove", challenge::settings::SETTINGS),
    group("Work that senders prove: tokens", challenge::settings::TOKENS),
    group("Other origins (CORS)", edge::CORS),
    group("Security headers", edge::HEADERS),
    group("Address rules", edge::ADDRESSES),
    group("JSON Web Tokens", jwt::settings::SETTINGS),
    group("Users API", users_api::settings::SETTINGS),
    group("Names that have no meaning here", core::FOREIGN),
];

/// All settings.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// What a value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The setting at this place of the table.
    Setting(usize),
    /// The text of a message.
    Message(MessageKey),
    /// A form of the reference, which is a class there and cannot be written in a file.
    Form,
}

impl Target {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Setting(at) => at_place(at).map_or_else(String::new, Setting::qualified),
            Self::Message(key) => format!("messages.{key}"),
            Self::Form => "form".to_owned(),
        }
    }
}

struct Table {
    settings: Vec<&'static Setting>,
    qualified: Vec<String>,
    by_name: HashMap<String, usize>,
    by_variable: BTreeMap<String, (usize, usize)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let settings: Vec<&'static Setting> = all().collect();
    let qualified: Vec<String> = settings.iter().map(|setting| setting.qualified()).collect();
    let by_name = qualified.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
    let by_variable = settings
        .iter()
        .enumerate()
        .flat_map(|(at, setting)| {
            environment::names(setting).into_iter().enumerate().map(move |(strength, name)| (name, (at, strength)))
        })
        .collect();
    Table { settings, qualified, by_name, by_variable }
});

/// The settings, at the places that [`Target::Setting`] counts.
pub(crate) fn table() -> &'static [&'static Setting] {
    &TABLE.settings
}

/// The qualified names, at the same places.
pub(crate) fn qualified_names() -> &'static [String] {
    &TABLE.qualified
}

fn at_place(at: usize) -> Option<&'static Setting> {
    TABLE.settings.get(at).copied()
}

/// The place of a setting by its qualified name.
pub(crate) fn place(qualified: &str) -> Option<usize> {
    TABLE.by_name.get(qualified).copied()
}

/// Finds what a builder call names: a setting, `messages.KEY` or `csrf.messages.key`.
pub(crate) fn find_qualified(name: &str) -> Result<Target, String> {
    if let Some(at) = place(name) {
        return Ok(Target::Setting(at));
    }
    for table in ["csrf.messages", "messages"] {
        if let Some(key) = name.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')) {
            return find_message(table, key).map(Target::Message);
        }
    }
    let section = name.split_once('.').and_then(|(table, rest)| {
        Section::ALL.iter().find(|section| section.table() == table).map(|&section| (section, rest))
    });
    match section {
        Some((section, rest)) => find(section, rest),
        None => find(Section::Security, name),
    }
}

/// Finds a setting in a table of the file; the error names the right one.
pub(crate) fn find(section: Section, name: &str) -> Result<Target, String> {
    let qualified = section.qualify(name);
    if let Some(at) = place(&qualified)
        && at_place(at).is_some_and(|setting| setting.section == section)
    {
        return Ok(Target::Setting(at));
    }
    if section == Section::Security && name.ends_with("_form") {
        return Ok(Target::Form);
    }
    let shown = clip(name);
    let here = where_in(section);
    Err(format!("unknown setting {shown:?} {here}{}", hint(section, name)))
}

/// Says where the name belongs, or which was probably meant.
fn hint(section: Section, name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    let flask_form = TABLE.by_variable.get(&upper).and_then(|&(at, _)| at_place(at));
    if let Some(setting) = flask_form.filter(|_| name.len() <= 80) {
        return format!("; write {:?} {}", setting.name, where_in(setting.section));
    }
    let in_section = || all().filter(|setting| setting.section == section).map(|setting| setting.name);
    let lower = name.to_ascii_lowercase();
    if let Some(known) = in_section().find(|known| *known == lower) {
        return format!("; write {known:?}");
    }
    if let Some(setting) = all().find(|setting| setting.name == lower) {
        return format!("; it belongs {}", where_in(setting.section));
    }
    if let Some(known) = nearest(name, in_section()) {
        return format!("; did you mean {known:?}?");
    }
    match nearest(name, all().map(|setting| setting.name)).and_then(|known| all().find(|other| other.name == known)) {
        Some(setting) => format!("; did you mean {:?} {}?", setting.name, where_in(setting.section)),
        None => String::new(),
    }
}

fn where_in(section: Section) -> String {
    match section {
        Section::Top => "at the top of the file".to_owned(),
        section => format!("in [{}]", section.table()),
    }
}

/// The error for a table that does not exist.
pub(crate) fn unknown_table(name: &str) -> String {
    let tables =
        Section::ALL.iter().map(|section| section.table()).chain(["messages"]).filter(|table| !table.is_empty());
    let hint = nearest(name, tables).map_or_else(String::new, |known| format!("; did you mean [{known}]?"));
    format!("unknown table [{}]{hint}", clip(name))
}

/// Finds a message by its key in `[messages]` or `[csrf.messages]`.
pub(crate) fn find_message(table: &str, name: &str) -> Result<MessageKey, String> {
    let prefix = if table == "csrf.messages" { "CSRF_" } else { "" };
    let spelled = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}{}", name.to_ascii_uppercase()) };
    if let Some(key) = MessageKey::named(&spelled) {
        return Ok(key);
    }
    let keys = MessageKey::all().map(MessageKey::name).filter_map(|key| key.strip_prefix(prefix));
    let hint = match nearest(name.strip_prefix("SECURITY_MSG_").unwrap_or(name), keys) {
        Some(known) if prefix.is_empty() => format!("; did you mean {known:?}?"),
        Some(known) => format!("; did you mean {:?}?", known.to_ascii_lowercase()),
        None => String::new(),
    };
    Err(format!("unknown message {:?} in [{table}]{hint}", clip(name)))
}

/// The setting that an environment variable gives, and how weak the name is (0 wins).
pub(crate) fn by_variable(name: &str) -> Option<(Target, usize)> {
    TABLE.by_variable.get(name).map(|&(at, strength)| (Target::Setting(at), strength))
}

/// The nearest variable name.
pub(crate) fn nearest_variable(name: &str) -> Option<&'static str> {
    nearest(name, TABLE.by_variable.keys().map(String::as_str))
}

/// A name short enough for a line.
fn clip(name: &str) -> &str {
    name.char_indices().nth(80).and_then(|(cut, _)| name.get(..cut)).unwrap_or(name)
}
