//! Values as they are given, before a setting's kind is applied.

use std::fmt;

use toml::de::DeValue;

use super::duration::SignedSeconds;

/// A value as a source gives it.
///
/// Made from Rust values with `From`, so that the builder takes `true`, `15`, `"text"`, lists and
/// options. Its `Debug` names only the type, as the value may be a secret.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum RawValue {
    /// A flag.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<RawValue>),
    /// A table, in the order written.
    Map(Vec<(String, RawValue)>),
    /// Text from where there are no types (environment, command line): read as the setting's kind
    /// asks.
    Written(String),
}

impl RawValue {
    /// Text from an untyped source, read as the setting's kind asks: `true`, `15`, `a,b`, `{"json":
    /// 1}`.
    #[must_use]
    pub fn written(text: impl Into<String>) -> Self {
        Self::Written(text.into())
    }

    /// What it is, for error messages.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Flag(_) => "a flag",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(text) | Self::Written(text) if text.is_empty() => "empty text",
            Self::Text(_) | Self::Written(_) => "text",
            Self::List(items) if items.is_empty() => "an empty list",
            Self::List(_) => "a list",
            Self::Map(_) => "a table",
        }
    }

    /// Whether it is the empty value of its type, which stands for "none".
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) | Self::Written(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            _ => false,
        }
    }

    pub(crate) fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        Ok(match value {
            DeValue::String(text) => Self::Text(text.clone().into_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(Self::Int)
                .map_err(|_| "the number is too large".to_owned())?,
            DeValue::Float(number) => {
                number.as_str().parse().map(Self::Float).map_err(|_| "not a number".to_owned())?
            }
            DeValue::Boolean(flag) => Self::Flag(*flag),
            DeValue::Datetime(_) => return Err("no setting takes a date".to_owned()),
            DeValue::Array(items) => {
                let items: Result<_, _> = items.iter().map(|item| Self::from_toml(item.get_ref())).collect();
                Self::List(items?)
            }
            DeValue::Table(table) => {
                // The parser sorts by key; the order written matters where a header is made of it.
                let mut entries: Vec<_> = table.iter().collect();
                entries.sort_by_key(|(key, _)| key.span().start);
                let entries: Result<_, String> = entries
                    .into_iter()
                    .map(|(key, value)| Ok((key.get_ref().clone().into_owned(), Self::from_toml(value.get_ref())?)))
                    .collect();
                Self::Map(entries?)
            }
        })
    }

    pub(crate) fn from_json(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Text(String::new()),
            serde_json::Value::Bool(flag) => Self::Flag(flag),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => Self::Int(whole),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(items) => Self::List(items.into_iter().map(Self::from_json).collect()),
            serde_json::Value::Object(entries) => {
                Self::Map(entries.into_iter().map(|(key, value)| (key, Self::from_json(value))).collect())
            }
        }
    }

    /// Text that looks like a JSON list or table, as one.
    pub(crate) fn from_json_text(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.starts_with(['[', '{']) {
            return None;
        }
        serde_json::from_str(text).ok().map(Self::from_json)
    }
}

impl fmt::Debug for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawValue({})", self.describe())
    }
}

impl fmt::Display for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) | Self::Written(text) => write!(f, "{text:?}"),
            Self::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key} = {value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

impl From<bool> for RawValue {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<i64> for RawValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for RawValue {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for RawValue {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for RawValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for RawValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<SignedSeconds> for RawValue {
    fn from(value: SignedSeconds) -> Self {
        Self::Float(value.as_secs_f64())
    }
}

impl From<std::time::Duration> for RawValue {
    fn from(value: std::time::Duration) -> Self {
        Self::Float(value.as_secs_f64())
    }
}

impl<T: Into<Self>> From<Vec<T>> for RawValue {
    fn from(value: Vec<T>) -> Self {
        Self::List(value.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for RawValue {
    fn from(value: [T; N]) -> Self {
        Self::List(value.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for RawValue {
    /// `None` switches off.
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Self::Text(String::new()), Into::into)
    }
}
