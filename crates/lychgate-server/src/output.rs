//! Writing to the terminal: lines, colours on a terminal only, tables, and texts in the spelling of Python.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write as _},
};

use comfy_table::{ContentArrangement, Table, presets};

/// Writes a line to standard output. A reader that has gone away, as in `… | head`, is no error.
pub(crate) fn line(text: impl fmt::Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes a line to standard output; it matters whether all of it is written.
pub(crate) fn try_line(text: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

/// Writes a line to standard error.
pub(crate) fn complain(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A line about something that was done.
pub(crate) fn done(text: impl fmt::Display) {
    line(painted(text, "32"));
}

/// A line about something that was so already.
pub(crate) fn already(text: impl fmt::Display) {
    line(painted(text, "33"));
}

/// `text` in a colour if standard output is a terminal that wants colours.
pub(crate) fn painted(text: impl fmt::Display, colour: &str) -> String {
    if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    } else {
        text.to_string()
    }
}

/// Writes a value as JSON.
pub(crate) fn json(value: &serde_json::Value) {
    line(format_args!("{value:#}"));
}

/// Writes a table.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)).collect::<Vec<_>>());
    }
    for row in table.lines() {
        line(row.trim_end());
    }
}

/// `text` without control characters, which could steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Text as Python prints it inside a container.
pub(crate) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_control() && u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Errors by field, as Python prints them: `{'email': ['…'], 'password': ['…', '…']}`.
pub(crate) fn errors_by_field(errors: &[(&'static str, String)]) -> String {
    let mut fields: Vec<(&str, Vec<String>)> = Vec::new();
    for (field, text) in errors {
        match fields.iter_mut().find(|(known, _)| known == field) {
            Some((_, texts)) => texts.push(quoted(text)),
            None => fields.push((field, vec![quoted(text)])),
        }
    }
    let fields: Vec<String> =
        fields.iter().map(|(field, texts)| format!("{}: [{}]", quoted(field), texts.join(", "))).collect();
    format!("{{{}}}", fields.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_python_does() {
        for (text, expected) in [
            ("joe", "'joe'"),
            ("it's", "\"it's\""),
            ("\"it's\"", "'\"it\\'s\"'"),
            ("a\\b\n\u{1}", "'a\\\\b\\n\\x01'"),
            ("ü", "'ü'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn errors_of_a_field_stand_together() {
        let errors = [("email", "a".to_owned()), ("password", "b".to_owned()), ("email", "c".to_owned())];
        assert_eq!(errors_by_field(&errors), "{'email': ['a', 'c'], 'password': ['b']}");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
