//! What values a setting takes, and how to say so.

/// The greatest count where a setting names no bound of its own.
pub(crate) const COUNT_MAX: i64 = i32::MAX as i64;

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number within bounds, both included.
    Int {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// As [`Kind::Int`], or off.
    OptInt {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// Text; empty means off.
    Text,
    /// Text that is off unless given.
    OptText,
    /// The path of a route, beginning with `/`; empty means that there is no such route.
    Path,
    /// A time span: seconds, possibly fractional or negative, or words as `"15 minutes"`.
    Duration,
    /// As [`Kind::Duration`], or off.
    OptDuration,
    /// A list of texts.
    List,
    /// A list of texts, or one text alone.
    ListOrText,
    /// A list of texts, or `true` for all of them.
    ListOrFlag,
    /// A list of words out of these.
    Choices(&'static [&'static str]),
    /// One word out of these.
    Choice(&'static [&'static str]),
    /// One word out of these, or off.
    OptChoice(&'static [&'static str]),
    /// `true`, `false` or `"auto"`.
    FlagOrAuto,
    /// A table of names and plain values.
    Map,
    /// A table of tables, or nothing of a fixed shape.
    Any,
    /// A mail address, or a name and an address.
    Mailbox,
    /// The columns that identify a user, each with the reader of its values.
    IdentityAttributes,
}

impl Kind {
    /// What to write, for error messages and the documentation.
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Int { min, max } => whole_number(min, max),
            Self::OptInt { min, max } => format!("{}, or false for none", whole_number(min, max)),
            Self::Text | Self::OptText => "text".to_owned(),
            Self::Path => "a path that begins with /".to_owned(),
            Self::Duration => "seconds, or a time span such as \"15 minutes\"".to_owned(),
            Self::OptDuration => "seconds, a time span such as \"15 minutes\", or false for none".to_owned(),
            Self::List => "a list of texts".to_owned(),
            Self::ListOrText => "a text or a list of texts".to_owned(),
            Self::ListOrFlag => "a list of texts, true for all, or false for none".to_owned(),
            Self::Choices(of) => format!("a list out of {}", join(of)),
            Self::Choice(of) => format!("one of {}", join(of)),
            Self::OptChoice(of) => format!("one of {}, or false for none", join(of)),
            Self::FlagOrAuto => "true, false or \"auto\"".to_owned(),
            Self::Map => "a table".to_owned(),
            Self::Any => "any value".to_owned(),
            Self::Mailbox => "an address, or a list of a name and an address".to_owned(),
            Self::IdentityAttributes => {
                "a list of tables with one column each, {email = {mapper = \"email\"}}".to_owned()
            }
        }
    }

    /// The short name in the documentation.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Flag => "flag".to_owned(),
            Self::Int { .. } => "whole number".to_owned(),
            Self::OptInt { .. } => "whole number or off".to_owned(),
            Self::Text => "text".to_owned(),
            Self::OptText => "text or off".to_owned(),
            Self::Path => "path".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::OptDuration => "duration or off".to_owned(),
            Self::List => "list".to_owned(),
            Self::ListOrText => "text or list".to_owned(),
            Self::ListOrFlag => "list or flag".to_owned(),
            Self::Choices(of) => format!("list of {}", join(of)),
            Self::Choice(of) => join(of),
            Self::OptChoice(of) => format!("{} or off", join(of)),
            Self::FlagOrAuto => "flag or \"auto\"".to_owned(),
            Self::Map => "table".to_owned(),
            Self::Any => "any".to_owned(),
            Self::Mailbox => "address or [name, address]".to_owned(),
            Self::IdentityAttributes => "list of columns".to_owned(),
        }
    }
}

fn whole_number(min: i64, max: i64) -> String {
    match (min, max) {
        (i64::MIN, i64::MAX) => "a whole number".to_owned(),
        (min, COUNT_MAX) => format!("a whole number, {min} or more"),
        (min, max) => format!("a whole number from {min} to {max}"),
    }
}

fn join(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    quoted.join(", ")
}
