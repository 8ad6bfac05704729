//! How one setting is declared: name, place in the file, kind, defaults, meaning.
//!
//! The declarations are constants, written with the short constructors at the end of this file, so
//! that a feature's settings read as a table in its own folder.

use std::fmt;

use super::kind::{COUNT_MAX, Kind};

/// The table of the configuration file that a setting is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Section {
    /// Above the first table.
    Top,
    /// `[security]`: the `SECURITY_` settings of Flask-Security, and our own next to them.
    Security,
    /// `[session]`: the session cookie.
    Session,
    /// `[remember]`: the remember-me cookie.
    Remember,
    /// `[csrf]`: protection against forged requests.
    Csrf,
    /// `[mail]`: the mail server.
    Mail,
    /// `[sms]`: where text messages are sent.
    Sms,
    /// `[proxy]`: which forwarding headers to believe.
    Proxy,
    /// `[server]`: the listener, its bounds, TLS.
    Server,
    /// `[limits]`: rate limits and lockout.
    Limits,
    /// `[challenge]`: work that senders of forms prove.
    Challenge,
    /// `[cors]`: pages of other origins.
    Cors,
    /// `[headers]`: security headers of replies.
    Headers,
    /// `[jwt]`: JSON Web Tokens.
    Jwt,
    /// `[webauthn]`: fixed values for passkey ceremonies.
    Webauthn,
}

impl Section {
    pub(crate) const ALL: &'static [Self] = &[
        Self::Top,
        Self::Security,
        Self::Session,
        Self::Remember,
        Self::Csrf,
        Self::Mail,
        Self::Sms,
        Self::Proxy,
        Self::Server,
        Self::Limits,
        Self::Challenge,
        Self::Cors,
        Self::Headers,
        Self::Jwt,
        Self::Webauthn,
    ];

    /// The name of the table, empty for the top.
    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Self::Top => "",
            Self::Security => "security",
            Self::Session => "session",
            Self::Remember => "remember",
            Self::Csrf => "csrf",
            Self::Mail => "mail",
            Self::Sms => "sms",
            Self::Proxy => "proxy",
            Self::Server => "server",
            Self::Limits => "limits",
            Self::Challenge => "challenge",
            Self::Cors => "cors",
            Self::Headers => "headers",
            Self::Jwt => "jwt",
            Self::Webauthn => "webauthn",
        }
    }

    /// The name by which code asks for a setting: bare for the top and `[security]`, else
    /// `table.name`.
    pub(crate) fn qualify(self, name: &str) -> String {
        match self {
            Self::Top | Self::Security => name.to_owned(),
            other => format!("{}.{name}", other.table()),
        }
    }
}

/// A default, as a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Preset {
    /// Nothing: none, no, empty.
    Off,
    /// A flag.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Text(&'static str),
    /// Seconds.
    Seconds(f64),
    /// A list of texts.
    List(&'static [&'static str]),
    /// A table.
    Map(&'static [(&'static str, Preset)]),
    /// Decided while running.
    Auto,
    /// Identifying columns: column, mapper, whether case is ignored.
    Identities(&'static [(&'static str, &'static str, bool)]),
}

/// Whether a setting does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It does what it says.
    Live,
    /// Its feature, named here, is not part of this version: accepted with a warning.
    Later(&'static str),
    /// It has no meaning in Lychgate, for the reason given here: accepted with a warning.
    WithoutMeaning(&'static str),
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("in use"),
            Self::Later(feature) => write!(f, "later: {feature}"),
            Self::WithoutMeaning(why) => write!(f, "no meaning here: {why}"),
        }
    }
}

/// The declaration of one setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub(crate) name: &'static str,
    pub(crate) section: Section,
    pub(crate) kind: Kind,
    pub(crate) flask: Preset,
    pub(crate) modern: Preset,
    pub(crate) meaning: &'static str,
    pub(crate) secret: bool,
    pub(crate) status: Status,
}

impl Setting {
    const fn new(name: &'static str, kind: Kind, default: Preset) -> Self {
        Self {
            name,
            section: Section::Security,
            kind,
            flask: default,
            modern: default,
            meaning: "",
            secret: false,
            status: Status::Live,
        }
    }

    /// Says in a sentence what the setting does.
    pub(crate) const fn means(mut self, meaning: &'static str) -> Self {
        self.meaning = meaning;
        self
    }

    /// Gives both profiles this default.
    pub(crate) const fn default(mut self, preset: Preset) -> Self {
        self.flask = preset;
        self.modern = preset;
        self
    }

    /// Gives the modern profile a default of its own.
    pub(crate) const fn modern(mut self, preset: Preset) -> Self {
        self.modern = preset;
        self
    }

    /// Keeps the value out of every output.
    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Bounds a whole number, both ends included.
    pub(crate) const fn within(mut self, min: i64, max: i64) -> Self {
        self.kind = match self.kind {
            Kind::OptInt { .. } => Kind::OptInt { min, max },
            _ => Kind::Int { min, max },
        };
        self
    }

    /// Puts it at the top of the file.
    pub(crate) const fn top(mut self) -> Self {
        self.section = Section::Top;
        self
    }

    /// Marks a setting that has no meaning here.
    pub(crate) const fn without_meaning(mut self, why: &'static str) -> Self {
        self.status = Status::WithoutMeaning(why);
        self
    }

    /// Marks a setting that this version does not obey yet.
    pub(crate) const fn later(mut self, feature: &'static str) -> Self {
        self.status = Status::Later(feature);
        self
    }

    /// The name in the file, lower case, without its table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The table of the file that it stands in.
    #[must_use]
    pub fn section(&self) -> Section {
        self.section
    }

    /// The name by which [`Settings`](super::Settings) is asked for it.
    #[must_use]
    pub fn qualified(&self) -> String {
        self.section.qualify(self.name)
    }

    /// What it takes.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        self.meaning
    }

    /// Whether its value is kept out of every output.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// Whether it does something.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }
}

/// Puts a list of settings into a table of the file.
pub(crate) const fn section<const N: usize>(section: Section, mut list: [Setting; N]) -> [Setting; N] {
    let mut at = 0;
    while at < N {
        list[at].section = section;
        at += 1;
    }
    list
}

/// Marks those settings of a list that are not marked otherwise as waiting for a feature.
pub(crate) const fn later<const N: usize>(feature: &'static str, mut list: [Setting; N]) -> [Setting; N] {
    let mut at = 0;
    while at < N {
        if matches!(list[at].status, Status::Live) {
            list[at].status = Status::Later(feature);
        }
        at += 1;
    }
    list
}

pub(crate) const fn flag(name: &'static str, default: bool) -> Setting {
    Setting::new(name, Kind::Flag, Preset::Flag(default))
}

pub(crate) const fn int(name: &'static str, default: i64) -> Setting {
    Setting::new(name, Kind::Int { min: 0, max: COUNT_MAX }, Preset::Int(default))
}

pub(crate) const fn opt_int(name: &'static str) -> Setting {
    Setting::new(name, Kind::OptInt { min: 0, max: COUNT_MAX }, Preset::Off)
}

pub(crate) const fn text(name: &'static str, default: &'static str) -> Setting {
    Setting::new(name, Kind::Text, Preset::Text(default))
}

pub(crate) const fn opt_text(name: &'static str) -> Setting {
    Setting::new(name, Kind::OptText, Preset::Off)
}

pub(crate) const fn path(name: &'static str, default: &'static str) -> Setting {
    Setting::new(name, Kind::Path, Preset::Text(default))
}

pub(crate) const fn duration(name: &'static str, seconds: u32) -> Setting {
    Setting::new(name, Kind::Duration, Preset::Seconds(seconds as f64))
}

pub(crate) const fn opt_duration(name: &'static str) -> Setting {
    Setting::new(name, Kind::OptDuration, Preset::Off)
}

pub(crate) const fn list(name: &'static str, default: &'static [&'static str]) -> Setting {
    Setting::new(name, Kind::List, Preset::List(default))
}

pub(crate) const fn list_or_text(name: &'static str, default: &'static [&'static str]) -> Setting {
    Setting::new(name, Kind::ListOrText, Preset::List(default))
}

pub(crate) const fn list_or_flag(name: &'static str, default: &'static [&'static str]) -> Setting {
    Setting::new(name, Kind::ListOrFlag, Preset::List(default))
}

pub(crate) const fn choices(
    name: &'static str,
    of: &'static [&'static str],
    default: &'static [&'static str],
) -> Setting {
    Setting::new(name, Kind::Choices(of), Preset::List(default))
}

pub(crate) const fn choice(name: &'static str, of: &'static [&'static str], default: &'static str) -> Setting {
    Setting::new(name, Kind::Choice(of), Preset::Text(default))
}

pub(crate) const fn opt_choice(name: &'static str, of: &'static [&'static str], default: Preset) -> Setting {
    Setting::new(name, Kind::OptChoice(of), default)
}

pub(crate) const fn flag_or_auto(name: &'static str, default: bool) -> Setting {
    Setting::new(name, Kind::FlagOrAuto, Preset::Flag(default))
}

pub(crate) const fn map(name: &'static str, default: &'static [(&'static str, Preset)]) -> Setting {
    Setting::new(name, Kind::Map, Preset::Map(default))
}

pub(crate) const fn any(name: &'static str) -> Setting {
    Setting::new(name, Kind::Any, Preset::Off)
}

pub(crate) const fn mailbox(name: &'static str) -> Setting {
    Setting::new(name, Kind::Mailbox, Preset::Off)
}

pub(crate) const fn identities(name: &'static str, default: &'static [(&'static str, &'static str, bool)]) -> Setting {
    Setting::new(name, Kind::IdentityAttributes, Preset::Identities(default))
}

/// Minutes in seconds, for defaults.
pub(crate) const MINUTE: u32 = 60;
/// Hours in seconds, for defaults.
pub(crate) const HOUR: u32 = 60 * MINUTE;
/// Days in seconds, for defaults.
pub(crate) const DAY: u32 = 24 * HOUR;
/// The default of a duration in the modern profile.
pub(crate) const fn seconds(seconds: u32) -> Preset {
    Preset::Seconds(seconds as f64)
}
