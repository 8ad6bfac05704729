//! The texts of one language, read from `locales/<tag>.toml`.

use std::{collections::HashMap, sync::LazyLock};

use super::MessageKey;

/// A text and its category.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) category: String,
}

/// The texts of one language.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) locale: String,
    entries: HashMap<MessageKey, Entry>,
}

impl Catalogue {
    /// Reads lines `KEY = ["text", "category"]`; keys that nobody knows and lines of another shape
    /// are left out.
    pub(super) fn parse(locale: &str, text: &str) -> Result<Self, toml::de::Error> {
        let lines: HashMap<String, (String, String)> = toml::from_str(text)?;
        let entries = lines
            .into_iter()
            .filter_map(|(name, (text, category))| MessageKey::named(&name).map(|key| (key, Entry { text, category })));
        Ok(Self { locale: locale.to_owned(), entries: entries.collect() })
    }

    pub(super) fn get(&self, key: MessageKey) -> Option<&Entry> {
        self.entries.get(&key)
    }
}

/// The text of the English catalogue.
pub(super) const ENGLISH: &str = include_str!("../../locales/en.toml");

/// English, which every other language falls back to.
pub(super) fn english() -> &'static Catalogue {
    // The file is part of the binary and a test reads it: an empty catalogue shows keys instead of
    // texts.
    static LOADED: LazyLock<Catalogue> = LazyLock::new(|| {
        Catalogue::parse("en", ENGLISH)
            .unwrap_or_else(|_| Catalogue { locale: "en".to_owned(), entries: HashMap::new() })
    });
    &LOADED
}

/// All languages of the binary.
pub(super) fn embedded() -> Vec<&'static Catalogue> {
    vec![english()]
}
