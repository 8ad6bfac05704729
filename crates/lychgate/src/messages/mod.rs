//! Texts for users: looked up by key, overridden by settings, filled in with values, in the reader's language.
//!
//! Code carries a [`MessageKey`]; the text is looked up where a reply is written. Texts come from
//! the catalogues of the language, an application's before the library's, then English; what `[messages]` of the
//! settings says wins over all of them, in every language. Templates give English texts to `_()`, which catalogues
//! translate as well.
//!
//! ```
//! use lychgate::{messages::{self, Messages}, settings::Settings};
//!
//! let settings = Settings::builder()
//!     .set("secret_key", "b8c1…0d2f-from-a-random-source")
//!     .set("password_salt", "1f77-from-a-random-source")
//!     .set("messages.USE_CODE", "%(code)s is your code")
//!     .build()?;
//! let messages = Messages::new(&settings);
//! assert_eq!(messages.format(messages::USE_CODE, &[("code", &123_456)]), "123456 is your code");
//! assert_eq!(messages.category(messages::USE_CODE), "info");
//! assert_eq!(messages.in_locale("de").translate("Sign in"), "Anmelden");
//! # Ok::<(), lychgate::settings::SettingsErrors>(())
//! ```

mod catalogue;
mod format;
mod keys;
mod library;
mod plural;
mod said;
mod time;

#[cfg(test)]
mod complete;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

pub use self::catalogue::Direction;
pub use self::keys::*;
use self::{
    catalogue::{Catalogue, Entry},
    plural::Plural,
};
pub(crate) use self::{
    library::{Library, matching},
    said::Said,
};
use crate::settings::Settings;

/// The key of a message: one of the constants of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageKey(&'static str);

impl MessageKey {
    /// The key of this name, as written in `[messages]`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        keys::ALL.iter().copied().find(|key| key.0 == name)
    }

    /// All keys.
    pub fn all() -> impl Iterator<Item = Self> {
        keys::ALL.iter().copied()
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }

    /// The category where the settings give none: `error`, `info` or `success`.
    #[must_use]
    pub fn default_category(self) -> &'static str {
        library::english().messages.get(&self).and_then(|entry| entry.category.as_deref()).unwrap_or("error")
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Marks an English text of the program that is translated where it is shown; a test sees that every language of the
/// library has it.
pub(crate) const fn words(english: &'static str) -> &'static str {
    english
}

/// The texts of one language; a clone is cheap.
#[derive(Clone)]
pub struct Messages {
    settings: Settings,
    library: Library,
    tag: Arc<str>,
    /// Where texts are looked for, in order; English is last.
    chain: Arc<[Arc<Catalogue>]>,
}

impl Messages {
    /// English texts with the overrides of `settings`, and the library's other languages for [`Self::in_locale`].
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self::of(settings, &Library::embedded())
    }

    pub(crate) fn of(settings: &Settings, library: &Library) -> Self {
        Self {
            settings: settings.clone(),
            library: library.clone(),
            tag: "en".into(),
            chain: library.chain("en").into(),
        }
    }

    /// The same with the texts of `locale`, a language tag such as `de` or `de-CH`.
    ///
    /// Falls back from region to language to English, text by text.
    #[must_use]
    pub fn in_locale(&self, locale: &str) -> Self {
        let tags = self.library.tags();
        let tag = matching(locale, &tags).map_or("en", |at| tags.get(at).map_or("en", String::as_str));
        Self { tag: tag.into(), chain: self.library.chain(tag).into(), ..self.clone() }
    }

    /// The language tag of the texts.
    #[must_use]
    pub fn locale(&self) -> &str {
        &self.tag
    }

    /// What the language calls itself.
    #[must_use]
    pub fn language_name(&self) -> &str {
        let own = self.chain.iter().take_while(|catalogue| catalogue.tag != "en" || &*self.tag == "en");
        own.filter_map(|catalogue| catalogue.name.as_deref()).next().unwrap_or(&self.tag)
    }

    /// Which way it is written.
    #[must_use]
    pub fn direction(&self) -> Direction {
        let own = self.chain.iter().take_while(|catalogue| catalogue.tag != "en");
        own.filter_map(|catalogue| catalogue.direction).next().unwrap_or_default()
    }

    /// The language tags that there are texts for.
    #[must_use]
    pub fn locales(&self) -> Vec<String> {
        self.library.tags()
    }

    /// The text as it stands, placeholders and all.
    #[must_use]
    pub fn text(&self, key: MessageKey) -> &str {
        match self.settings.message(key) {
            Some((text, _)) => text,
            None => self.entry(key).map_or(key.0, |entry| entry.text.as_str()),
        }
    }

    /// The category: how a page shows the message, and its name in the query of a single-page
    /// application.
    #[must_use]
    pub fn category(&self, key: MessageKey) -> &str {
        match self.settings.message(key) {
            Some((_, category)) => category,
            None => key.default_category(),
        }
    }

    /// The text with its placeholders filled in.
    ///
    /// A placeholder is `%(name)s` or `%(name)d`; `%%` is a per cent sign. One that `values` does
    /// not name stays as it is. The result is plain text: whoever puts it into HTML escapes it.
    #[must_use]
    pub fn format(&self, key: MessageKey, values: &[(&str, &dyn fmt::Display)]) -> String {
        format::fill(self.text(key), values)
    }

    /// What stands for an English text in this language; the text itself where no catalogue has it.
    #[must_use]
    pub fn translate<'a>(&'a self, english: &'a str) -> &'a str {
        self.places().find_map(|catalogue| catalogue.texts.get(english)).map_or(english, String::as_str)
    }

    /// The same with its placeholders filled in.
    #[must_use]
    pub fn translated(&self, english: &str, values: &[(&str, &dyn fmt::Display)]) -> String {
        format::fill(self.translate(english), values)
    }

    /// A text beside a number: English `one` and `several`, in which `%(count)s` is the number.
    #[must_use]
    pub fn counted(&self, one: &str, several: &str, count: i64) -> String {
        format::fill(self.form(one, several, count), &[("count", &count)])
    }

    /// The form that a text takes beside a number.
    pub(crate) fn form<'a>(&'a self, one: &'a str, several: &'a str, count: i64) -> &'a str {
        let translated = self
            .places()
            .find_map(|catalogue| catalogue.counted(several, Plural::of(&catalogue.tag, count.unsigned_abs())));
        translated.unwrap_or(if count == 1 { one } else { several })
    }

    /// Where texts of pages are looked for.
    fn places(&self) -> impl Iterator<Item = &Catalogue> {
        self.chain.iter().map(|catalogue| &**catalogue).chain(self.library.added(&self.tag))
    }

    /// Takes up a catalogue of a crate that brings pages, for all that came of the same library.
    pub(crate) fn add(&self, tag: &str, text: &str) -> Result<(), String> {
        self.library.add(tag, text)
    }

    fn entry(&self, key: MessageKey) -> Option<&Entry> {
        self.chain.iter().find_map(|catalogue| catalogue.messages.get(&key))
    }
}

/// Fills in the placeholders of a text.
pub(crate) fn fill(text: &str, values: &[(&str, &dyn fmt::Display)]) -> String {
    format::fill(text, values)
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("locale", &self.tag).finish_non_exhaustive()
    }
}
