//! Every text of the panel in every language that comes along: found by reading templates and sources.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::CATALOGUES;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.is_file());
    all
}

/// The string literals that are arguments, by their place, of each call of `function`.
fn calls(code: &str, function: &str) -> Vec<BTreeMap<usize, String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(function) {
        let before = code[..at].chars().next_back();
        if !function.starts_with('.') && before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let Some(rest) = code[at + function.len()..].strip_prefix('(') else { continue };
        let (mut all, mut place, mut depth, mut chars) = (BTreeMap::new(), 0, 0_u32, rest.chars());
        while let Some(c) = chars.next() {
            match c {
                '"' => {
                    let mut text = String::new();
                    while let Some(inner) = chars.next().filter(|inner| *inner != '"') {
                        text.extend(if inner == '\\' { chars.next() } else { Some(inner) });
                    }
                    if depth == 0 {
                        all.insert(place, text);
                    }
                }
                ')' | ']' | '}' if depth == 0 => break,
                ',' if depth == 0 => place += 1,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
        }
        found.push(all);
    }
    found
}

/// Calls whose argument of this place is an English text.
const PLACES: [(&str, usize); 7] =
    [("say", 0), (".done", 0), (".refused", 0), ("Stop::bad", 0), ("Stop::Reply", 1), ("result", 3), ("settle", 3)];

fn texts() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files("templates/admin") {
        let code = std::fs::read_to_string(path).unwrap();
        found.extend(calls(&code, "_").into_iter().filter_map(|mut all| all.remove(&0)));
        found.extend(calls(&code, "ngettext").into_iter().filter_map(|mut all| all.remove(&1)));
    }
    for path in files("src") {
        let code = std::fs::read_to_string(path).unwrap();
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (function, place) in PLACES {
            found.extend(calls(code, function).into_iter().filter_map(|mut all| all.remove(&place)));
        }
    }
    found.remove("");
    found
}

/// Texts and plurals of a catalogue by their English.
fn catalogue(text: &str) -> (BTreeMap<String, String>, BTreeMap<String, BTreeMap<String, String>>) {
    let mut table: toml::Table = text.parse().unwrap();
    let texts = table.remove("texts").unwrap().try_into().unwrap();
    (texts, table.remove("plurals").unwrap().try_into().unwrap())
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split("%(").skip(1).filter_map(|part| part.split_once(")s")).map(|(name, _)| name).collect()
}

#[test]
fn the_reader_of_calls_finds_texts() {
    let code = r#"{{ _("a\"b", x=f("c")) }} my_("no") ask.done("d", "/e", json!({"f": "g"})) ngettext("1", "n", 2)"#;
    assert_eq!(calls(code, "_"), [BTreeMap::from([(0, "a\"b".to_owned())])]);
    assert_eq!(calls(code, ".done")[0][&0], "d");
    let all = texts();
    for text in ["Users", "%(num)s accounts", "There is no such thing here.", "It is dropped.", "The role is given."] {
        assert!(all.contains(text), "{text}");
    }
}

#[test]
fn every_text_is_there_in_every_language_and_none_besides() {
    let (wanted, mut wrong) = (texts(), Vec::new());
    for (tag, text) in CATALOGUES {
        let (texts, plurals) = catalogue(text);
        let there: BTreeSet<&String> = texts.keys().chain(plurals.keys()).collect();
        wrong.extend(wanted.iter().filter(|text| !there.contains(text)).map(|text| format!("{tag} lacks {text:?}")));
        let stale = there.iter().filter(|text| !wanted.contains(**text));
        wrong.extend(stale.map(|text| format!("{tag}: nothing says {text:?}")));
        let plain = texts.iter().chain(plurals.iter().map(|(english, forms)| (english, &forms["other"])));
        let differ = plain.filter(|(english, text)| placeholders(english) != placeholders(text));
        wrong.extend(differ.map(|(english, _)| format!("{tag}: other placeholders than {english:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
