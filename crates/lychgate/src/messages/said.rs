//! Values that become words only where a page or letter is written, in its language.

use serde_json::{Value, json};

use super::Messages;

/// A value that each language writes in its own way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Said {
    /// An English text of [`words`](super::words).
    Text(&'static str),
    /// Seconds.
    Span(f64),
    /// Unix seconds.
    At(i64),
    /// The day of these unix seconds.
    Day(i64),
}

/// What the member of a context is called that holds such a value.
const TEXT: &str = "$text";
const SPAN: &str = "$span";
const AT: &str = "$at";
const DAY: &str = "$day";

impl Said {
    /// In words.
    pub(crate) fn in_words(self, messages: &Messages) -> String {
        match self {
            Self::Text(english) => messages.translate(english).to_owned(),
            Self::Span(seconds) => messages.span(seconds),
            Self::At(unix) => moment(unix).map(|at| messages.moment(at)).unwrap_or_default(),
            Self::Day(unix) => moment(unix).map(|at| messages.day(at)).unwrap_or_default(),
        }
    }

    /// A value of a context: such a value in words, any other as it is.
    pub(crate) fn resolve(value: Value, messages: &Messages) -> Value {
        let said = value.as_object().filter(|object| object.len() == 1).and_then(|object| {
            if let Some(seconds) = object.get(SPAN).and_then(Value::as_f64) {
                return Some(messages.span(seconds));
            }
            if let Some(unix) = object.get(AT).and_then(Value::as_i64) {
                return Some(Self::At(unix).in_words(messages));
            }
            if let Some(unix) = object.get(DAY).and_then(Value::as_i64) {
                return Some(Self::Day(unix).in_words(messages));
            }
            object.get(TEXT).and_then(Value::as_str).map(|english| messages.translate(english).to_owned())
        });
        said.map_or(value, Value::from)
    }
}

fn moment(unix: i64) -> Option<time::OffsetDateTime> {
    time::OffsetDateTime::from_unix_timestamp(unix).ok()
}

impl From<Said> for Value {
    fn from(said: Said) -> Self {
        match said {
            Said::Text(english) => json!({TEXT: english}),
            Said::Span(seconds) => json!({SPAN: seconds}),
            Said::At(unix) => json!({AT: unix}),
            Said::Day(unix) => json!({DAY: unix}),
        }
    }
}
