//! Taking payloads apart without leaving anything over.

use super::Binding;
use crate::json::Value;

/// The members of an object, taken one by one.
pub(super) struct Members(Vec<(String, Value)>);

impl Members {
    pub(super) fn of(json: Value) -> Option<Self> {
        if let Value::Map(members) = json { Some(Self(members)) } else { None }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(at).1)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        text(self.take(name)?)
    }

    pub(super) fn text_or_null(&mut self, name: &str) -> Option<Option<String>> {
        text_or_null(self.take(name)?)
    }

    pub(super) fn integer(&mut self, name: &str) -> Option<i64> {
        if let Value::Int(number) = self.take(name)? { i64::try_from(number).ok() } else { None }
    }

    pub(super) fn seconds(&mut self, name: &str) -> Option<f64> {
        seconds(self.take(name)?)
    }

    pub(super) fn truth(&mut self, name: &str) -> Option<bool> {
        if let Value::Bool(value) = self.take(name)? { Some(value) } else { None }
    }

    /// The binding, which may be missing but not malformed.
    pub(super) fn binding(&mut self) -> Option<Option<Binding>> {
        match self.take(Binding::NAME) {
            None => Some(None),
            Some(value) => Some(Some(Binding::from_text(text(value)?)?)),
        }
    }

    /// What is left.
    pub(super) fn rest(self) -> Vec<(String, Value)> {
        self.0
    }

    /// Succeeds when nothing is left.
    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

pub(super) fn text(json: Value) -> Option<String> {
    if let Value::Str(text) = json { Some(text) } else { None }
}

pub(super) fn text_or_null(json: Value) -> Option<Option<String>> {
    if json == Value::Null { Some(None) } else { text(json).map(Some) }
}

/// A time in seconds; Python may write it as an integer.
#[expect(clippy::cast_precision_loss, reason = "as Python's float()")]
pub(super) fn seconds(json: Value) -> Option<f64> {
    match json {
        Value::Float(number) if number.is_finite() => Some(number),
        Value::Int(number) => Some(number as f64),
        _ => None,
    }
}

/// The items of an array that has exactly `N`.
pub(super) fn items<const N: usize>(json: Value) -> Option<[Value; N]> {
    if let Value::List(items) = json { items.try_into().ok() } else { None }
}

/// An object, with the binding last where there is one.
pub(super) fn bound<const N: usize>(members: [(&str, Value); N], binding: Option<&Binding>) -> Value {
    members.into_iter().chain(binding.map(|binding| (Binding::NAME, binding.to_json()))).collect()
}
