//! Texts for users: looked up by key, overridden by settings, filled in with values.
//!
//! Code carries a [`MessageKey`]; the text is looked up where a reply is written. Texts come from
//! the catalogue of the language, then English; what `[messages]` of the settings says wins over
//! both.
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
//! # Ok::<(), lychgate::settings::SettingsErrors>(())
//! ```

mod catalogue;
mod format;
mod keys;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use self::catalogue::Catalogue;
pub use self::keys::*;
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
        catalogue::english().get(self).map_or("error", |entry| entry.category.as_str())
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The texts of one language; a clone is cheap.
#[derive(Clone)]
pub struct Messages {
    settings: Settings,
    catalogues: Arc<[&'static Catalogue]>,
    language: &'static Catalogue,
}

impl Messages {
    /// English texts with the overrides of `settings`.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self::with_catalogues(settings, catalogue::embedded())
    }

    fn with_catalogues(settings: &Settings, catalogues: Vec<&'static Catalogue>) -> Self {
        Self { settings: settings.clone(), catalogues: catalogues.into(), language: catalogue::english() }
    }

    /// The same with the texts of `locale`, a language tag such as `de` or `de-CH`.
    ///
    /// Falls back from region to language to English, text by text.
    #[must_use]
    pub fn in_locale(&self, locale: &str) -> Self {
        let language = locale.split(['-', '_']).next().unwrap_or_default();
        let named = |tag: &str| self.catalogues.iter().copied().find(|known| known.locale.eq_ignore_ascii_case(tag));
        let found = named(&locale.replace('_', "-")).or_else(|| named(language)).unwrap_or(catalogue::english());
        Self { language: found, ..self.clone() }
    }

    /// The language tag of the texts.
    #[must_use]
    pub fn locale(&self) -> &str {
        &self.language.locale
    }

    /// The language tags that there are texts for.
    pub fn locales(&self) -> impl Iterator<Item = &str> {
        self.catalogues.iter().map(|catalogue| catalogue.locale.as_str())
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

    fn entry(&self, key: MessageKey) -> Option<&'static catalogue::Entry> {
        self.language.get(key).or_else(|| catalogue::english().get(key))
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("locale", &self.language.locale).finish_non_exhaustive()
    }
}
