//! The texts of one language, read from `<tag>.toml`.

use std::collections::{BTreeMap, HashMap};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{MessageKey, format::placeholders, plural::Plural};

/// The longest catalogue, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// Which way a language is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Direction {
    /// From left to right.
    #[default]
    LeftToRight,
    /// From right to left.
    RightToLeft,
}

impl Direction {
    /// As HTML writes it: `ltr` or `rtl`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }
}

/// A message: its text, and in the English catalogue its category.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) category: Option<String>,
}

/// The texts of one file.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// The language tag, as `de` or `de-CH`.
    pub(super) tag: String,
    /// What the language calls itself.
    pub(super) name: Option<String>,
    pub(super) direction: Option<Direction>,
    pub(super) messages: HashMap<MessageKey, Entry>,
    /// By English text.
    pub(super) texts: HashMap<String, String>,
    /// By English text of the plural.
    pub(super) plurals: HashMap<String, BTreeMap<Plural, String>>,
    /// What is odd about the file, each with its line.
    pub(super) warnings: Vec<String>,
}

impl Catalogue {
    /// Reads a catalogue; `file` is its name in errors, which are one line each and name the line.
    ///
    /// `english` is what its placeholders are compared with; only English itself is read without, and names a category
    /// with each message.
    pub(super) fn parse(tag: &str, file: &str, text: &str, english: Option<&Self>) -> Result<Self, String> {
        if text.len() > MOST_BYTES {
            return Err(format!("{file}: a catalogue has at most {MOST_BYTES} bytes"));
        }
        let mut reader = Reader { file, text, english, out: Self { tag: tag.to_owned(), ..Self::default() } };
        let document = DeTable::parse(text)
            .map_err(|error| reader.at(error.span().map_or(0, |span| span.start), error.message()))?;
        for (key, value) in document.get_ref() {
            reader.top(key, value)?;
        }
        Ok(reader.out)
    }

    /// Whether the file has texts in the form that `count` of something needs.
    pub(super) fn counted(&self, plural: &str, form: Plural) -> Option<&str> {
        let forms = self.plurals.get(plural)?;
        forms.get(&form).or_else(|| forms.get(&Plural::Other)).map(String::as_str)
    }
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    english: Option<&'a Catalogue>,
    out: Catalogue,
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;

impl Reader<'_> {
    fn top(&mut self, key: &Key<'_>, value: &Spanned<DeValue<'_>>) -> Result<(), String> {
        let at = key.span().start;
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("name", DeValue::String(name)) => self.out.name = Some(name.to_string()),
            ("direction", DeValue::String(direction)) => {
                self.out.direction = Some(match direction.as_ref() {
                    "ltr" => Direction::LeftToRight,
                    "rtl" => Direction::RightToLeft,
                    other => return Err(self.at(at, &format!("direction is \"ltr\" or \"rtl\", not {other:?}"))),
                });
            }
            ("messages", DeValue::Table(table)) => {
                for (key, value) in table {
                    self.message(key, value)?;
                }
            }
            ("texts", DeValue::Table(table)) => {
                for (key, value) in table {
                    let text = self.string(key, value.get_ref())?;
                    self.compare(key.span().start, key.get_ref(), &text);
                    self.out.texts.insert(key.get_ref().to_string(), text);
                }
            }
            ("plurals", DeValue::Table(table)) => {
                for (key, value) in table {
                    self.plural(key, value.get_ref())?;
                }
            }
            ("name" | "direction", _) => return Err(self.at(at, "this is a text")),
            ("messages" | "texts" | "plurals", _) => return Err(self.at(at, "this is a table")),
            (other, _) => {
                let known = "name, direction, [messages], [texts] and [plurals]";
                return Err(self.at(at, &format!("a catalogue has {known}, not {other:?}")));
            }
        }
        Ok(())
    }

    fn message(&mut self, key: &Key<'_>, value: &Spanned<DeValue<'_>>) -> Result<(), String> {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        let Some(message) = MessageKey::named(name) else {
            return Err(self.at(at, &format!("there is no message called {name:?}")));
        };
        let (text, category) = match value.get_ref() {
            DeValue::Array(pair) if self.english.is_none() => match pair.iter().collect::<Vec<_>>().as_slice() {
                [text, category] => (self.string(key, text.get_ref())?, Some(self.string(key, category.get_ref())?)),
                _ => return Err(self.at(at, &format!("{name} is a text and a category"))),
            },
            other => (self.string(key, other)?, None),
        };
        if let Some(entry) = self.english.and_then(|english| english.messages.get(&message)) {
            self.compare(at, &entry.text, &text);
        }
        self.out.messages.insert(message, Entry { text, category });
        Ok(())
    }

    fn plural(&mut self, key: &Key<'_>, value: &DeValue<'_>) -> Result<(), String> {
        let at = key.span().start;
        let DeValue::Table(table) = value else {
            return Err(self.at(at, "a plural is a table such as {one = \"…\", other = \"…\"}"));
        };
        let mut forms = BTreeMap::new();
        for (form, value) in table {
            let Some(plural) = Plural::named(form.get_ref()) else {
                let known = "zero, one, two, few, many and other";
                return Err(self.at(form.span().start, &format!("the forms are {known}, not {:?}", form.get_ref())));
            };
            let text = self.string(form, value.get_ref())?;
            if plural == Plural::Other {
                self.compare(at, key.get_ref(), &text);
            }
            forms.insert(plural, text);
        }
        if !forms.contains_key(&Plural::Other) {
            return Err(self.at(at, "the form \"other\" is missing"));
        }
        self.out.plurals.insert(key.get_ref().to_string(), forms);
        Ok(())
    }

    fn string(&self, key: &Key<'_>, value: &DeValue<'_>) -> Result<String, String> {
        match value {
            DeValue::String(text) if !text.trim().is_empty() => Ok(text.to_string()),
            DeValue::String(_) => Err(self.at(key.span().start, "the text is empty; leave the line out")),
            _ => Err(self.at(key.span().start, "this is a text")),
        }
    }

    /// Notes placeholders that one of the two has and the other has not.
    fn compare(&mut self, at: usize, english: &str, text: &str) {
        let (want, have) = (placeholders(english), placeholders(text));
        for name in have.difference(&want) {
            let line = self.at(at, &format!("%({name})s is not filled in; the English text has no such placeholder"));
            self.out.warnings.push(line);
        }
        for name in want.difference(&have) {
            let line = self.at(at, &format!("%({name})s of the English text is missing"));
            self.out.warnings.push(line);
        }
    }

    fn at(&self, at: usize, what: &str) -> String {
        let before = self.text.as_bytes().get(..at).unwrap_or(self.text.as_bytes());
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        format!("{}:{line}: {what}", self.file)
    }
}
