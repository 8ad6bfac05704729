//! What is said of a field or a form.

use crate::messages::{MessageKey, Messages, Said};

/// A message with what stands in its place-holders.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) key: MessageKey,
    pub(crate) args: Vec<(&'static str, Arg)>,
}

/// What stands in a place-holder.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    /// Text as it is.
    Text(String),
    /// What each language says in its own way.
    Said(Said),
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Said> for Arg {
    fn from(said: Said) -> Self {
        Self::Said(said)
    }
}

impl Message {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        self.args.push((name, value.into()));
        self
    }

    /// As people read it.
    pub(crate) fn text(&self, messages: &Messages) -> String {
        let args: Vec<(&str, String)> = self
            .args
            .iter()
            .map(|(name, arg)| match arg {
                Arg::Text(text) => (*name, text.clone()),
                Arg::Said(said) => (*name, said.in_words(messages)),
            })
            .collect();
        let args: Vec<(&str, &dyn std::fmt::Display)> =
            args.iter().map(|(name, value)| (*name, value as &dyn std::fmt::Display)).collect();
        messages.format(self.key, &args)
    }
}

impl From<MessageKey> for Message {
    fn from(key: MessageKey) -> Self {
        Self { key, args: Vec::new() }
    }
}
