//! What the panel says: English in the code and in templates, in the language of the reader where it is shown.

use std::{
    borrow::Cow,
    fmt::{self, Display},
};

use lychgate::Operator;

/// Catalogues by language tag; a test sees that they are complete.
pub(crate) const CATALOGUES: [(&str, &str); 2] =
    [("de", include_str!("../locales/de.toml")), ("es", include_str!("../locales/es.toml"))];

/// An English text of ours with values for its placeholders, or a text that others wrote.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    english: Cow<'static, str>,
    values: Vec<(&'static str, String)>,
}

/// An English text of ours. Placeholders look like `%(name)s`.
pub(crate) fn say(english: &'static str) -> Text {
    english.into()
}

impl Text {
    pub(crate) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    /// In the language of this administrator's request.
    pub(crate) fn to(&self, operator: &Operator) -> String {
        if self.values.is_empty() {
            return operator.translate(&self.english);
        }
        let values: Vec<(&str, &dyn Display)> =
            self.values.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
        operator.translated(&self.english, &values)
    }
}

impl From<&'static str> for Text {
    fn from(english: &'static str) -> Self {
        Self { english: english.into(), values: Vec::new() }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { english: text.into(), values: Vec::new() }
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fill = |text: String, (name, value): &(&str, String)| text.replace(&format!("%({name})s"), value);
        f.write_str(&self.values.iter().fold(self.english.to_string(), fill))
    }
}

#[cfg(test)]
mod tests;
