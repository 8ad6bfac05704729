//! Reading `lychgate.toml`.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::{Problem, Source},
    known::{self, Target},
    raw::RawValue,
    setting::Section,
};

/// The longest file, in bytes.
const FILE_MAX: usize = 1 << 20;
/// The most problems reported of one file.
const PROBLEMS_MAX: usize = 50;

/// A value and where it was given.
pub(crate) struct Entry {
    pub(crate) target: Target,
    pub(crate) raw: RawValue,
    pub(crate) source: Source,
}

/// A file as far as it could be read.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) entries: Vec<Entry>,
    pub(crate) problems: Vec<Problem>,
}

/// Reads the text of the file called `name`.
pub(crate) fn read(name: &str, text: &str) -> Reading {
    let mut reader = Reader { name, text, out: Reading::default() };
    if text.len() > FILE_MAX {
        reader.problem(0, format!("the file is larger than {FILE_MAX} bytes"));
        return reader.out;
    }
    match DeTable::parse(text) {
        Ok(document) => reader.top(document.get_ref()),
        Err(error) => {
            // The parser's own display quotes the line, which may hold a secret.
            let at = error.span().map_or(0, |span| span.start);
            reader.problem(at, error.message().to_owned());
        }
    }
    reader.out.problems.truncate(PROBLEMS_MAX);
    reader.out
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    out: Reading,
}

impl Reader<'_> {
    fn top(&mut self, document: &DeTable<'_>) {
        for (key, value) in document {
            let (name, at) = (key.get_ref().as_ref(), key.span().start);
            let section = Section::ALL.iter().find(|section| !name.is_empty() && section.table() == name);
            match (section, value.get_ref()) {
                (Some(&section), DeValue::Table(table)) => self.section(section, table),
                (None, DeValue::Table(table)) if name == "messages" => self.messages("messages", table),
                (Some(_), _) => self.problem(at, format!("[{name}] is a table, not a value")),
                (None, _) if name == "messages" => self.problem(at, "[messages] is a table, not a value".to_owned()),
                (None, found) => {
                    if matches!(found, DeValue::Table(_)) && known::find(Section::Top, name).is_err() {
                        self.problem(at, known::unknown_table(name));
                    } else {
                        self.setting(Section::Top, name, at, value);
                    }
                }
            }
        }
    }

    fn section(&mut self, section: Section, table: &DeTable<'_>) {
        for (key, value) in table {
            let (name, at) = (key.get_ref().as_ref(), key.span().start);
            match value.get_ref() {
                DeValue::Table(texts) if section == Section::Csrf && name == "messages" => {
                    self.messages("csrf.messages", texts);
                }
                _ => self.setting(section, name, at, value),
            }
        }
    }

    fn messages(&mut self, table: &str, texts: &DeTable<'_>) {
        for (key, value) in texts {
            let at = key.span().start;
            match known::find_message(table, key.get_ref()) {
                Ok(message) => self.take(Target::Message(message), at, value),
                Err(text) => self.problem(at, text),
            }
        }
    }

    fn setting(&mut self, section: Section, name: &str, at: usize, value: &Spanned<DeValue<'_>>) {
        match known::find(section, name) {
            Ok(target) => self.take(target, at, value),
            Err(text) => self.problem(at, text),
        }
    }

    fn take(&mut self, target: Target, at: usize, value: &Spanned<DeValue<'_>>) {
        match RawValue::from_toml(value.get_ref()) {
            Ok(raw) => self.out.entries.push(Entry { target, raw, source: self.source(at) }),
            Err(text) => {
                let name = target.name();
                let problem = Problem::new(self.source(at), format!("{name}: {text}")).about(name);
                self.out.problems.push(problem);
            }
        }
    }

    fn problem(&mut self, at: usize, text: String) {
        let source = self.source(at);
        self.out.problems.push(Problem::new(source, text));
    }

    fn source(&self, at: usize) -> Source {
        let before = self.text.as_bytes().get(..at).unwrap_or(self.text.as_bytes());
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        Source::File { name: self.name.to_owned(), line }
    }
}
