//! The smallest grain of access control.

use std::{borrow::Cow, fmt};

/// One thing that an identity can provide and a permission can ask for: a role, a permission, the right to one item.
///
/// Needs are plain values: two are equal when their method, value and kind are, and `1` is not `"1"`.
///
/// ```
/// use lychgate::Need;
///
/// assert_eq!(Need::role("admin").to_string(), "role admin");
/// assert_eq!(Need::item("edit", 27, "document").to_string(), "edit 27 document");
/// assert_ne!(Need::user(1), Need::user("1"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Need {
    method: Cow<'static, str>,
    value: NeedValue,
    kind: Option<Cow<'static, str>>,
}

/// The value of a [`Need`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NeedValue {
    /// A text, such as the name of a role.
    Text(Cow<'static, str>),
    /// A number, such as the key of a row.
    Int(i64),
    /// Every item of a type; no text is equal to it.
    Every,
}

impl Need {
    /// A need of a kind of your own.
    pub fn new(method: impl Into<Cow<'static, str>>, value: impl Into<NeedValue>) -> Self {
        Self { method: method.into(), value: value.into(), kind: None }
    }

    /// To be this user.
    pub fn user(id: impl Into<NeedValue>) -> Self {
        Self::new("id", id)
    }

    /// To have this role.
    pub fn role(name: impl Into<NeedValue>) -> Self {
        Self::new("role", name)
    }

    /// To be of this type.
    pub fn kind(name: impl Into<NeedValue>) -> Self {
        Self::new("type", name)
    }

    /// To be allowed this action.
    pub fn action(name: impl Into<NeedValue>) -> Self {
        Self::new("action", name)
    }

    /// To hold this permission of a role.
    pub fn permission(name: impl Into<NeedValue>) -> Self {
        Self::new("fsperm", name)
    }

    /// To be allowed `method` on the item `value` of type `kind`, as in "edit 27 document".
    pub fn item(
        method: impl Into<Cow<'static, str>>,
        value: impl Into<NeedValue>,
        kind: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { method: method.into(), value: value.into(), kind: Some(kind.into()) }
    }

    /// To be allowed `method` on every item of type `kind`: whoever provides it provides each of them.
    pub fn every(method: impl Into<Cow<'static, str>>, kind: impl Into<Cow<'static, str>>) -> Self {
        Self { method: method.into(), value: NeedValue::Every, kind: Some(kind.into()) }
    }

    /// What is allowed or had: `role`, `id`, `edit` …
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Which one.
    #[must_use]
    pub fn value(&self) -> &NeedValue {
        &self.value
    }

    /// Of what type the item is, if it is about one.
    #[must_use]
    pub fn item_kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// The need that holds for every item of this one's kind.
    pub(crate) fn of_every_item(&self) -> Option<Need> {
        self.kind.is_some().then(|| Self { value: NeedValue::Every, ..self.clone() })
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = if self.method == "fsperm" { "permission" } else { &self.method };
        write!(f, "{method} {}", self.value)?;
        self.kind.iter().try_for_each(|kind| write!(f, " {kind}"))
    }
}

impl fmt::Display for NeedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NeedValue::Text(text) => f.write_str(text),
            NeedValue::Int(number) => write!(f, "{number}"),
            NeedValue::Every => f.write_str("every"),
        }
    }
}

impl From<&'static str> for NeedValue {
    fn from(text: &'static str) -> Self {
        NeedValue::Text(Cow::Borrowed(text))
    }
}

impl From<String> for NeedValue {
    fn from(text: String) -> Self {
        NeedValue::Text(Cow::Owned(text))
    }
}

impl From<i64> for NeedValue {
    fn from(number: i64) -> Self {
        NeedValue::Int(number)
    }
}
