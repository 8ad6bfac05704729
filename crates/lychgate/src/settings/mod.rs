//! Settings: one table in code says name, type, default and meaning of each; a file, the
//! environment and the builder give values.
//!
//! Names are those of Flask-Security in lower case without `SECURITY_`, in the table `[security]`
//! of `lychgate.toml`; what concerns the session cookie, mail and so on has tables of its own. Code
//! asks by the qualified name: bare for the top of the file and `[security]`, else with the table,
//! as in `session.cookie_name`.
//!
//! Two [profiles](Profile) differ in defaults only. A name that nobody knows is an error that tells
//! the nearest known one; a name whose feature is still to come gives a warning.
//!
//! ```
//! use lychgate::settings::Settings;
//!
//! let settings = Settings::builder()
//!     .toml("lychgate.toml", "[security]\nfreshness = \"30 minutes\"\nurl_prefix = \"/auth\"\n")
//!     .set("secret_key", "b8c1…0d2f-from-a-random-source")
//!     .set("password_salt", "1f77…c3-from-a-random-source")
//!     .build()?;
//! assert_eq!(settings.text("url_prefix"), "/auth");
//! assert_eq!(settings.duration("freshness").map(|span| span.as_secs()), Some(1_800));
//!
//! let slip = "[security]\nlogn_url = \"/in\"\n";
//! let errors = Settings::builder().toml("lychgate.toml", slip).build().unwrap_err().to_string();
//! assert!(errors.starts_with("lychgate.toml:2: unknown setting \"logn_url\" in [security]"));
//! assert!(errors.contains("did you mean \"login_url\"?"));
//! # Ok::<(), lychgate::settings::SettingsErrors>(())
//! ```

mod builder;
mod check;
mod duration;
mod environment;
mod error;
mod file;
mod kind;
mod known;
mod markdown;
mod nearest;
pub(crate) mod network;
mod parse;
mod raw;
mod sample;
mod secret;
pub(crate) mod setting;
mod value;

#[cfg(test)]
pub(crate) mod tests;

use std::{collections::HashMap, fmt, path::Path, sync::Arc};

use self::value::{DOTS, Value};
pub use self::{
    builder::SettingsBuilder,
    duration::SignedSeconds,
    error::{Problem, SettingsErrors, Source},
    kind::Kind,
    markdown::settings_markdown,
    raw::RawValue,
    sample::sample_toml,
    setting::{Preset, Section, Setting, Status},
    value::{IdentityAttribute, IdentityMapper, Mailbox},
};
use crate::messages::MessageKey;

/// The file that [`Settings::load`] reads.
const FILE_NAME: &str = "lychgate.toml";

/// Which defaults apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Today's best practice; the default of a new installation.
    Modern,
    /// The defaults of Flask-Security 5.9, for moving an application.
    Flask,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Flask => "flask",
        }
    }
}

/// The value of a list that may also say "all", such as `password_single_hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllOr<'a> {
    /// Everything.
    All,
    /// These, possibly none.
    Only(&'a [String]),
}

/// Checked settings; a clone is cheap.
///
/// The getters panic when they are asked for a name that is not declared, or for the wrong kind:
/// that is a mistake in the program, never in a file. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Settings {
    inner: Arc<Inner>,
}

struct Inner {
    profile: Profile,
    values: Vec<Value>,
    sources: Vec<Source>,
    messages: HashMap<MessageKey, (String, String)>,
    warnings: Vec<String>,
}

impl Settings {
    /// Starts from nothing: no file, no environment.
    pub fn builder() -> SettingsBuilder {
        SettingsBuilder::default()
    }

    /// Reads `lychgate.toml` in the working directory, if it is there, and then the environment.
    ///
    /// # Errors
    ///
    /// All problems at once, each with its place.
    pub fn load() -> Result<Self, SettingsErrors> {
        let path = Path::new(FILE_NAME);
        let builder = Self::builder();
        let builder = if path.exists() { builder.file(path) } else { builder };
        builder.process_environment().build()
    }

    /// Reads the file at `path`, which must exist, and then the environment.
    ///
    /// # Errors
    ///
    /// All problems at once, each with its place.
    pub fn load_from(path: impl AsRef<Path>) -> Result<Self, SettingsErrors> {
        Self::builder().file(path.as_ref()).process_environment().build()
    }

    /// All declarations, in the order of the documentation.
    pub fn declared() -> impl Iterator<Item = &'static Setting> {
        known::all()
    }

    /// Which defaults apply.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.inner.profile
    }

    /// What should be looked at but does not stop the start: names without effect, weak secrets,
    /// odd combinations.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.inner.warnings
    }

    /// Whether any source gave a value.
    #[must_use]
    pub fn given(&self, name: &str) -> bool {
        *self.source(name) != Source::Default
    }

    /// Where the value comes from.
    #[must_use]
    pub fn source(&self, name: &str) -> &Source {
        let (at, _) = declared(name);
        self.inner.sources.get(at).unwrap_or(&Source::Default)
    }

    /// Where the setting was given that a text speaks of first; nothing if it speaks of none that was given.
    pub(crate) fn place_of(&self, text: &str) -> Option<&Source> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
        let named = words.filter_map(|word| known::place(word.trim_matches('.')));
        named.filter_map(|at| self.inner.sources.get(at)).find(|source| **source != Source::Default)
    }

    /// A flag.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        match self.value(name, |kind| matches!(kind, Kind::Flag)) {
            Value::Flag(flag) => *flag,
            _ => false,
        }
    }

    /// A flag that may be "auto", which is `None`.
    #[must_use]
    pub fn flag_or_auto(&self, name: &str) -> Option<bool> {
        match self.value(name, |kind| matches!(kind, Kind::FlagOrAuto)) {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        match self.value(name, |kind| matches!(kind, Kind::Int { .. })) {
            Value::Int(number) => *number,
            _ => 0,
        }
    }

    /// A whole number that may be off.
    #[must_use]
    pub fn int_opt(&self, name: &str) -> Option<i64> {
        match self.value(name, |kind| matches!(kind, Kind::Int { .. } | Kind::OptInt { .. })) {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Text, a path or a word; empty when off.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        let is_text = |kind: &Kind| {
            matches!(kind, Kind::Text | Kind::OptText | Kind::Path | Kind::Choice(_) | Kind::OptChoice(_))
        };
        match self.value(name, is_text) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// Text, a path or a word; `None` when off or empty.
    #[must_use]
    pub fn text_opt(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A time span; `None` when off.
    #[must_use]
    pub fn duration(&self, name: &str) -> Option<SignedSeconds> {
        match self.value(name, |kind| matches!(kind, Kind::Duration | Kind::OptDuration)) {
            Value::Span(span) => Some(*span),
            _ => None,
        }
    }

    /// A list; empty when off.
    #[must_use]
    pub fn list(&self, name: &str) -> &[String] {
        match self.value(name, |kind| matches!(kind, Kind::List | Kind::ListOrText | Kind::Choices(_))) {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A list, or all.
    #[must_use]
    pub fn list_or_all(&self, name: &str) -> AllOr<'_> {
        match self.value(name, |kind| matches!(kind, Kind::ListOrFlag)) {
            Value::All => AllOr::All,
            Value::List(items) => AllOr::Only(items),
            _ => AllOr::Only(&[]),
        }
    }

    /// A table in the order written; empty when off.
    #[must_use]
    pub fn map(&self, name: &str) -> &[(String, RawValue)] {
        match self.value(name, |kind| matches!(kind, Kind::Map)) {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// One entry of a table.
    #[must_use]
    pub fn map_entry(&self, name: &str, key: &str) -> Option<&RawValue> {
        self.map(name).iter().find(|(entry, _)| entry == key).map(|(_, value)| value)
    }

    /// A value of no fixed shape; `None` when not given.
    #[must_use]
    pub fn any(&self, name: &str) -> Option<&RawValue> {
        match self.value(name, |kind| matches!(kind, Kind::Any)) {
            Value::Any(raw) => Some(raw),
            _ => None,
        }
    }

    /// A mail address with an optional name; `None` when off.
    #[must_use]
    pub fn mailbox(&self, name: &str) -> Option<&Mailbox> {
        match self.value(name, |kind| matches!(kind, Kind::Mailbox)) {
            Value::Mailbox(mailbox) => Some(mailbox),
            _ => None,
        }
    }

    /// The columns that identify a user, in the order they are tried.
    ///
    /// With `username_enable`, `username` is among them even where the setting leaves it out.
    #[must_use]
    pub fn identity_attributes(&self) -> &[IdentityAttribute] {
        match self.value("user_identity_attributes", |kind| matches!(kind, Kind::IdentityAttributes)) {
            Value::Identities(columns) => columns,
            _ => &[],
        }
    }

    /// The text and category that the settings give to a message, where they do.
    #[must_use]
    pub fn message(&self, key: MessageKey) -> Option<(&str, &str)> {
        self.inner.messages.get(&key).map(|(text, category)| (text.as_str(), category.as_str()))
    }

    /// Every setting with its value and where that comes from; secrets are dotted out.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let names = known::qualified_names().iter().zip(known::table());
        names.zip(self.inner.values.iter().zip(&self.inner.sources)).map(|((name, setting), (value, source))| {
            let value = if setting.secret && !value.is_off() { DOTS.to_owned() } else { value.to_string() };
            Row { name, value, source, setting }
        })
    }

    fn value(&self, name: &str, fits: impl Fn(&Kind) -> bool) -> &Value {
        let (at, setting) = declared(name);
        assert!(
            fits(&setting.kind),
            "the setting {name:?} is {}, which this getter does not read",
            setting.kind.label()
        );
        self.inner.values.get(at).unwrap_or(&Value::Off)
    }
}

/// The place and declaration of a setting that the program asks for.
fn declared(name: &str) -> (usize, &'static Setting) {
    match known::place(name).and_then(|at| known::table().get(at).map(|&setting| (at, setting))) {
        Some(found) => found,
        None => panic!("no setting is called {name:?}"),
    }
}

/// One line of a listing of all settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row<'a> {
    /// The qualified name.
    pub name: &'a str,
    /// The value as it would be written in the file; dots for a secret.
    pub value: String,
    /// Where it comes from.
    pub source: &'a Source,
    /// The declaration.
    pub setting: &'static Setting,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.rows().filter(|row| *row.source != Source::Default).map(|row| (row.name, row.value));
        f.write_str("Settings ")?;
        f.debug_map().entry(&"profile", &self.inner.profile.name()).entries(given).finish()
    }
}

impl Drop for Inner {
    /// Secrets do not stay in memory.
    fn drop(&mut self) {
        let secrets = self.values.iter_mut().zip(known::table()).filter(|(_, setting)| setting.secret);
        secrets.for_each(|(value, _)| value.wipe());
    }
}
