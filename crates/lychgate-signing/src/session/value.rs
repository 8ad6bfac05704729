//! The values that a session may hold.

use std::{collections::BTreeMap, fmt};

use time::OffsetDateTime;

/// A session, or an object inside one; sorted by name, as Flask writes it.
pub type Map = BTreeMap<String, Value>;

/// A value in a session, named after its Python type.
///
/// `Debug` shows the structure but no text and no numbers: sessions hold tokens and encrypted keys.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `None`.
    Null,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i128),
    /// `float`.
    Float(f64),
    /// `str`.
    Str(String),
    /// `list`.
    List(Vec<Value>),
    /// `tuple`; flashed messages are tuples of category and text.
    Tuple(Vec<Value>),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// `markupsafe.Markup`: HTML that needs no escaping.
    Markup(String),
    /// `uuid.UUID`, as a big-endian number.
    Uuid(u128),
    /// `datetime`, in UTC and whole seconds once written.
    DateTime(OffsetDateTime),
    /// `dict`.
    Map(Map),
}

impl Value {
    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// A truth value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// An integer that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Int(number) = self { i64::try_from(*number).ok() } else { None }
    }

    /// A number, be it written as an integer or not.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "as Python's float()")]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            Self::Int(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    #[must_use]
    pub fn as_items(&self) -> Option<&[Value]> {
        if let Self::List(items) | Self::Tuple(items) = self { Some(items) } else { None }
    }

    /// The members of an object.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(members) = self { Some(members) } else { None }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(value) => write!(f, "Bool({value})"),
            Self::Int(_) => f.write_str("Int(..)"),
            Self::Float(_) => f.write_str("Float(..)"),
            Self::Str(_) => f.write_str("Str(..)"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Tuple(items) => {
                f.write_str("Tuple")?;
                f.debug_list().entries(items).finish()
            }
            Self::Bytes(_) => f.write_str("Bytes(..)"),
            Self::Markup(_) => f.write_str("Markup(..)"),
            Self::Uuid(_) => f.write_str("Uuid(..)"),
            Self::DateTime(time) => write!(f, "DateTime({time})"),
            Self::Map(members) => f.debug_map().entries(members).finish(),
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

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

impl From<Map> for Value {
    fn from(members: Map) -> Self {
        Self::Map(members)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
