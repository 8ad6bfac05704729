//! Every text of the program in every language of the library: found by reading templates and sources.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use http::StatusCode;

use super::{catalogue::Catalogue, library, *};
use crate::settings::Preset;

fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| extensions.iter().any(|extension| kind == *extension)) {
                found.push(path);
            }
        }
    }
    found
}

/// The string literals among the arguments of each call of `function`; other arguments are `None`.
fn calls(code: &str, function: &str) -> Vec<Vec<Option<String>>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(function) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        if let Some(rest) = code[at + function.len()..].strip_prefix('(') {
            found.push(arguments(rest));
        }
    }
    found
}

/// The arguments up to the closing bracket.
fn arguments(code: &str) -> Vec<Option<String>> {
    let (mut all, mut depth, mut literal, mut plain) = (Vec::new(), 0_usize, None, false);
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' if depth == 0 => {
                let mut text = String::new();
                while let Some(inner) = chars.next() {
                    match inner {
                        '\\' => text.extend(chars.next()),
                        inner if inner == c => break,
                        inner => text.push(inner),
                    }
                }
                literal = Some(text);
            }
            ')' | ']' | '}' if depth == 0 => break,
            ',' if depth == 0 => {
                all.push(literal.take().filter(|_| !plain));
                plain = false;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            c => plain |= depth == 0 && !c.is_whitespace(),
        }
    }
    all.push(literal.filter(|_| !plain));
    all
}

/// Calls whose argument of this place is an English text.
const PLACES: [(&str, usize); 9] = [
    ("words", 0),
    ("Said::Text", 0),
    ("Field::new", 2),
    ("Choice::new", 1),
    ("Choice::new", 2),
    ("relay_page", 0),
    ("relay_page", 1),
    ("relay_page_with", 0),
    ("relay_page_with", 1),
];

/// Every English text that a visitor may see and that is no message.
fn texts() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files("templates", &["html", "txt"]) {
        let code = std::fs::read_to_string(&path).unwrap();
        for function in ["_", "_fsdomain"] {
            found.extend(calls(&code, function).into_iter().filter_map(|all| all.into_iter().next()?));
        }
        found.extend(calls(&code, "ngettext").into_iter().filter_map(|all| all.into_iter().nth(1)?));
    }
    for path in files("src", &["rs"]) {
        let code = std::fs::read_to_string(&path).unwrap();
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
        if path.ends_with("messages/complete.rs") || path.ends_with("tests.rs") {
            continue;
        }
        for (function, which) in PLACES {
            found.extend(calls(code, function).into_iter().filter_map(|all| all.into_iter().nth(which)?));
        }
    }
    for setting in Settings::declared().filter(|setting| setting.name().contains("subject")) {
        found.extend([setting.flask, setting.modern].into_iter().filter_map(|preset| match preset {
            Preset::Text(text) => Some(text.to_owned()),
            _ => None,
        }));
    }
    found.extend(
        [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503]
            .map(|status| StatusCode::from_u16(status).unwrap().canonical_reason().unwrap().to_owned()),
    );
    found.remove("");
    found
}

/// The library's languages beside English.
fn others() -> Vec<Catalogue> {
    let read = |(tag, text): &(&str, &str)| {
        Catalogue::parse(tag, &format!("{tag}.toml"), text, Some(library::english())).unwrap()
    };
    library::EMBEDDED.iter().skip(1).map(read).collect()
}

fn refuse(what: &str, lines: Vec<String>) {
    assert!(lines.is_empty(), "{what}:\n{}", lines.join("\n"));
}

#[test]
fn the_reader_of_calls_finds_texts() {
    let code =
        r#"{{ _("a\"b", x=f("c")) }} {{ my_("no") }} {{ _(name) }} {{ _('d') ~ _("e" ~ f) }} ngettext("1", "n", 2)"#;
    let found: Vec<Option<String>> = calls(code, "_").into_iter().map(|all| all[0].clone()).collect();
    assert_eq!(found, [Some("a\"b".to_owned()), None, Some("d".to_owned()), None]);
    assert_eq!(calls(code, "ngettext")[0][1].as_deref(), Some("n"));
    let all = texts();
    for text in ["Sign in", "Email", "Hello %(name)s,", "%(count)s minutes", "Forbidden", "Welcome"] {
        assert!(all.contains(text), "{text}");
    }
}

#[test]
fn every_text_is_there_in_every_language() {
    let mut missing = Vec::new();
    for catalogue in others() {
        let keys = MessageKey::all().filter(|key| !catalogue.messages.contains_key(key));
        missing.extend(keys.map(|key| format!("{}: [messages] {key} = {:?}", catalogue.tag, english(key))));
        let there = |text: &String| catalogue.texts.contains_key(text) || catalogue.plurals.contains_key(text);
        missing
            .extend(texts().into_iter().filter(|text| !there(text)).map(|text| format!("{}: {text:?}", catalogue.tag)));
    }
    refuse("these are missing", missing);
}

fn english(key: MessageKey) -> String {
    library::english().messages[&key].text.clone()
}

#[test]
fn placeholders_are_those_of_the_english_text() {
    refuse("these differ", others().into_iter().flat_map(|catalogue| catalogue.warnings).collect());
}

#[test]
fn no_catalogue_holds_texts_that_nothing_says() {
    let (texts, mut stale) = (texts(), Vec::new());
    for catalogue in others() {
        let lines = catalogue.texts.keys().chain(catalogue.plurals.keys());
        stale.extend(lines.filter(|text| !texts.contains(*text)).map(|text| format!("{}: {text:?}", catalogue.tag)));
    }
    refuse("nothing says these any more", stale);
}
