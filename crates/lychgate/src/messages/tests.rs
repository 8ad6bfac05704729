#![allow(clippy::unwrap_used)]

use super::*;

/// Key, category, placeholders of every message of the reference.
const REFERENCE: &str = include_str!("reference_messages.txt");

fn settings() -> Settings {
    crate::settings::tests::minimal().build().unwrap()
}

fn placeholders(text: &str) -> Vec<&str> {
    text.split("%(").skip(1).filter_map(|part| part.split_once(')')).map(|(name, _)| name).collect()
}

#[test]
fn every_message_of_the_reference_is_there() {
    let messages = Messages::new(&settings());
    let mut count = 0;
    for line in REFERENCE.lines() {
        let [name, category, names] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let key = MessageKey::named(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(messages.category(key), category, "{name}");
        let want: Vec<&str> = names.split(',').filter(|name| *name != "-").collect();
        let mut found = placeholders(messages.text(key));
        found.sort_unstable_by_key(|name| want.iter().position(|other| other == name));
        assert_eq!(found, want, "{name}");
        count += 1;
    }
    assert_eq!(count, 92);
}

#[test]
fn the_catalogue_and_the_keys_agree() {
    let lines: toml::Table = catalogue::ENGLISH.parse().unwrap();
    for name in lines.keys() {
        assert!(MessageKey::named(name).is_some(), "{name} is in the catalogue only");
    }
    for key in MessageKey::all() {
        let entry = catalogue::english().get(key).unwrap_or_else(|| panic!("{key} has no text"));
        assert!(!entry.text.is_empty());
        assert!(["error", "info", "success"].contains(&entry.category.as_str()), "{key}");
    }
    assert_eq!(lines.len(), MessageKey::all().count());
}

#[test]
fn settings_override_text_and_category() {
    let settings = crate::settings::tests::minimal()
        .toml("a.toml", "[messages]\nUSE_CODE = [\"Code %(code)s\", \"warn\"]\nLOGIN = \"In!\"\n[csrf.messages]\nmissing = \"none\"\n")
        .build()
        .unwrap();
    let messages = Messages::new(&settings);
    assert_eq!(messages.format(USE_CODE, &[("code", &"012345")]), "Code 012345");
    assert_eq!(messages.category(USE_CODE), "warn");
    assert_eq!((messages.text(LOGIN), messages.category(LOGIN)), ("In!", "info"));
    assert_eq!((messages.text(CSRF_MISSING), messages.category(CSRF_MISSING)), ("none", "error"));
}

#[test]
fn a_language_falls_back_to_english() {
    let german = Catalogue::parse("de", "INVALID_CODE = [\"Dieser Code stimmt nicht.\", \"error\"]\n").unwrap();
    let german: &'static Catalogue = Box::leak(Box::new(german));
    let english = Messages::with_catalogues(&settings(), vec![catalogue::english(), german]);
    for tag in ["de", "DE", "de-CH", "de_AT"] {
        let messages = english.in_locale(tag);
        assert_eq!(messages.locale(), "de");
        assert_eq!(messages.text(INVALID_CODE), "Dieser Code stimmt nicht.");
        assert_eq!(messages.text(INVALID_PASSWORD), english.text(INVALID_PASSWORD));
    }
    for tag in ["fr", "", "-", "d"] {
        assert_eq!(english.in_locale(tag).locale(), "en");
    }
    assert_eq!(english.locales().collect::<Vec<_>>(), ["en", "de"]);
}
