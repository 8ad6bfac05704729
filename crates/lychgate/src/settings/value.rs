//! Values after a setting's kind has been applied.

use std::fmt;

use zeroize::Zeroize;

use super::{duration::SignedSeconds, raw::RawValue, setting::Preset};

/// A mail address with an optional name, as for a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name shown beside the address.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

/// How what a person types is read as the value of an identifying column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityMapper {
    /// A mail address, normalised.
    Email,
    /// A phone number, brought to E.164.
    Phone,
    /// A user name, normalised.
    Username,
    /// The text as it is.
    AsIs,
}

impl IdentityMapper {
    fn find(name: &str) -> Option<Self> {
        Some(match name {
            "uia_email_mapper" | "email" => Self::Email,
            "uia_phone_mapper" | "phone" => Self::Phone,
            "uia_username_mapper" | "username" => Self::Username,
            "identity" => Self::AsIs,
            _ => return None,
        })
    }

    /// The name of the mapper, as the reference has it.
    pub(crate) fn mapper(self) -> &'static str {
        match self {
            Self::Email => "uia_email_mapper",
            Self::Phone => "uia_phone_mapper",
            Self::Username => "uia_username_mapper",
            Self::AsIs => "identity",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Username => "username",
            Self::AsIs => "identity",
        }
    }
}

/// A column of the user table that identifies a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityAttribute {
    /// The column's name.
    pub name: String,
    /// How input is read.
    pub mapper: IdentityMapper,
    /// Whether letter case is ignored when comparing.
    pub case_insensitive: bool,
}

impl IdentityAttribute {
    /// Reads `{email = {mapper = "email", case_insensitive = true}}`.
    pub(crate) fn parse(raw: &RawValue) -> Result<Self, String> {
        let one_column = || "each entry is a table with exactly one column, {email = {mapper = \"email\"}}".to_owned();
        let RawValue::Map(entries) = raw else {
            return Err(one_column());
        };
        let [(name, RawValue::Map(options))] = entries.as_slice() else {
            return Err(one_column());
        };
        if !is_column_name(name) {
            return Err("a column name is made of letters, digits and underscores".to_owned());
        }
        let mut mapper = None;
        let mut case_insensitive = false;
        for (key, value) in options {
            match (key.as_str(), value) {
                ("mapper", RawValue::Text(text)) => {
                    let found = IdentityMapper::find(text).ok_or_else(|| {
                        format!("the mapper of {name} is one of \"email\", \"phone\", \"username\", \"identity\"")
                    })?;
                    mapper = Some(found);
                }
                ("case_insensitive", RawValue::Flag(flag)) => case_insensitive = *flag,
                ("case_insensitive", other) if other.is_empty() => {}
                _ => {
                    return Err(format!("{name} takes mapper = \"…\" and case_insensitive = true or false"));
                }
            }
        }
        let mapper = mapper.ok_or_else(|| format!("{name} lacks mapper = \"…\""))?;
        Ok(Self { name: name.clone(), mapper, case_insensitive })
    }
}

fn is_column_name(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.len() <= 63 && name.bytes().all(letters) && name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
}

/// A value of the right kind.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Off,
    Flag(bool),
    Auto,
    All,
    Int(i64),
    Text(String),
    Span(SignedSeconds),
    List(Vec<String>),
    Map(Vec<(String, RawValue)>),
    Any(RawValue),
    Mailbox(Mailbox),
    Identities(Vec<IdentityAttribute>),
}

impl Value {
    pub(crate) fn from_preset(preset: &Preset) -> Self {
        match *preset {
            Preset::Off => Self::Off,
            Preset::Flag(flag) => Self::Flag(flag),
            Preset::Int(number) => Self::Int(number),
            Preset::Text(text) => Self::Text(text.to_owned()),
            Preset::Seconds(seconds) => SignedSeconds::new(seconds).map_or(Self::Off, Self::Span),
            Preset::List(items) => Self::List(items.iter().map(|&item| item.to_owned()).collect()),
            Preset::Map(entries) => {
                Self::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), raw_preset(value))).collect())
            }
            Preset::Auto => Self::Auto,
            Preset::Identities(columns) => Self::Identities(
                columns
                    .iter()
                    .map(|&(name, mapper, case_insensitive)| IdentityAttribute {
                        name: name.to_owned(),
                        mapper: IdentityMapper::find(mapper).unwrap_or(IdentityMapper::AsIs),
                        case_insensitive,
                    })
                    .collect(),
            ),
        }
    }

    /// Whether it is nothing or the empty value of its type.
    pub(crate) fn is_off(&self) -> bool {
        match self {
            Self::Off => true,
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            Self::Any(raw) => raw.is_empty(),
            Self::Identities(columns) => columns.is_empty(),
            _ => false,
        }
    }

    /// Wipes it from memory; called for secrets only.
    pub(crate) fn wipe(&mut self) {
        match self {
            Self::Text(text) => text.zeroize(),
            Self::List(items) => items.zeroize(),
            Self::Map(entries) => entries.iter_mut().for_each(|(_, value)| wipe_raw(value)),
            Self::Any(raw) => wipe_raw(raw),
            _ => {}
        }
    }
}

impl fmt::Display for Value {
    /// As it would be written in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Auto => f.write_str("\"auto\""),
            Self::All => f.write_str("true"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{:?}", without_password(text)),
            Self::Span(span) => write!(f, "{:?}", span.to_string()),
            Self::List(items) => write!(f, "{items:?}"),
            Self::Map(entries) => write!(f, "{}", RawValue::Map(entries.clone())),
            Self::Any(raw) => write!(f, "{raw}"),
            Self::Mailbox(mailbox) => write!(f, "{:?}", mailbox.to_string()),
            Self::Identities(columns) => {
                f.write_str("[")?;
                for (at, column) in columns.iter().enumerate() {
                    let gap = if at == 0 { "" } else { ", " };
                    write!(f, "{gap}{{{} = {{mapper = {:?}", column.name, column.mapper.name())?;
                    if column.case_insensitive {
                        f.write_str(", case_insensitive = true")?;
                    }
                    f.write_str("}}")?;
                }
                f.write_str("]")
            }
        }
    }
}

fn raw_preset(preset: &Preset) -> RawValue {
    match *preset {
        Preset::Flag(flag) => RawValue::Flag(flag),
        Preset::Int(number) => RawValue::Int(number),
        Preset::Seconds(number) => RawValue::Float(number),
        Preset::Text(text) => RawValue::Text(text.to_owned()),
        Preset::List(items) => RawValue::List(items.iter().map(|&item| RawValue::from(item)).collect()),
        Preset::Map(entries) => {
            RawValue::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), raw_preset(value))).collect())
        }
        Preset::Off | Preset::Auto | Preset::Identities(_) => RawValue::Text(String::new()),
    }
}

fn wipe_raw(raw: &mut RawValue) {
    match raw {
        RawValue::Text(text) | RawValue::Written(text) => text.zeroize(),
        RawValue::List(items) => items.iter_mut().for_each(wipe_raw),
        RawValue::Map(entries) => entries.iter_mut().for_each(|(_, value)| wipe_raw(value)),
        _ => {}
    }
}

/// A URL with the password between `://user:` and `@` dotted out; other text as it is.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{scheme}://{user}:{DOTS}@{host}{tail}")
        }
        None => text.to_owned(),
    }
}

/// What stands for a secret in outputs.
pub(crate) const DOTS: &str = "••••";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_addresses_are_hidden() {
        for (text, want) in [
            ("postgres://joe:s3cret@db/app", "postgres://joe:••••@db/app"),
            ("postgres://joe:a@b@db/app?x=y@z", "postgres://joe:••••@db/app?x=y@z"),
            ("redis://:s3cret@cache:6379", "redis://:••••@cache:6379"),
            ("sqlite:////var/app.db", "sqlite:////var/app.db"),
            ("https://example.com/a@b", "https://example.com/a@b"),
            ("/login", "/login"),
        ] {
            assert_eq!(without_password(text), want);
        }
    }

    #[test]
    fn identity_columns_are_read_strictly() {
        let entry = |name: &str, options: Vec<(&str, RawValue)>| {
            let options = options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            RawValue::Map(vec![(name.to_owned(), RawValue::Map(options))])
        };
        let good = IdentityAttribute::parse(&entry("us_phone_number", vec![("mapper", "uia_phone_mapper".into())]));
        assert_eq!(
            good,
            Ok(IdentityAttribute {
                name: "us_phone_number".to_owned(),
                mapper: IdentityMapper::Phone,
                case_insensitive: false
            })
        );
        for bad in [
            RawValue::from("email"),
            RawValue::Map(vec![]),
            entry("email", vec![]),
            entry("email\"; drop", vec![("mapper", "email".into())]),
            entry("email", vec![("mapper", "lower".into())]),
            entry("email", vec![("mapper", "email".into()), ("case", true.into())]),
        ] {
            assert!(IdentityAttribute::parse(&bad).is_err(), "{bad}");
        }
    }
}
