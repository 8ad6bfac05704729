//! JSON as Python's `json` module writes it.
//!
//! Signed texts hold compact JSON with members in the order given, floats as Python prints them and large
//! integers. This module keeps integers and floats apart and reads what it writes. It is strict where
//! Python is lax: a repeated member name, a lone surrogate, a number out of range or nesting beyond
//! [`MAX_DEPTH`] is an error.
//!
//! ```
//! use lychgate_signing::json::Value;
//!
//! let value = Value::from_iter([("ver", Value::from("5")), ("fs_paa", Value::from(1_750_000_000.0))]);
//! assert_eq!(value.to_json().as_deref(), Ok(r#"{"ver":"5","fs_paa":1750000000.0}"#));
//! ```

mod read;
mod write;

use std::fmt;

use crate::error::EncodeError;

pub(crate) use read::parse;
pub(crate) use write::{Escape, write_float, write_int, write_str, write_value};

/// How many arrays and objects may be nested.
pub const MAX_DEPTH: usize = 64;

/// A JSON value that remembers the order of members and tells integers from floats.
///
/// `Debug` shows the structure but no text and no numbers: tokens carry secrets.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction or exponent.
    Int(i128),
    /// Any other number, and Python's `NaN` and `Infinity`.
    Float(f64),
    /// A string.
    Str(String),
    /// An array.
    List(Vec<Value>),
    /// An object; names are unique when it was read.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Reads JSON text.
    ///
    /// # Errors
    /// [`ParseError`] when the text is not JSON as described in the [module docs](self).
    pub fn from_json(text: &str) -> Result<Self, ParseError> {
        parse(text)
    }

    /// Writes compact JSON in UTF-8, with the escapes that itsdangerous writes.
    ///
    /// # Errors
    /// [`EncodeError::TooDeep`].
    pub fn to_json(&self) -> Result<String, EncodeError> {
        let mut out = String::new();
        write_value(&mut out, self, 0)?;
        Ok(out)
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }
}

/// A text was not the JSON that this module accepts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not acceptable JSON")]
#[non_exhaustive]
pub struct ParseError;

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(value) => write!(f, "Bool({value})"),
            Self::Int(_) => f.write_str("Int(..)"),
            Self::Float(_) => f.write_str("Float(..)"),
            Self::Str(_) => f.write_str("Str(..)"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(members) => f.debug_map().entries(members.iter().map(|(name, value)| (name, value))).finish(),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Str(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(members: I) -> Self {
        Self::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}
