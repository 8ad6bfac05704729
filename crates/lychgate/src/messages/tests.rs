#![allow(clippy::unwrap_used)]

use super::*;

/// Key, category, placeholders of every message of the reference.
const REFERENCE: &str = include_str!("reference_messages.txt");

pub(super) fn settings() -> Settings {
    crate::settings::tests::minimal().build().unwrap()
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
        let mut found: Vec<&str> = format::placeholders(messages.text(key)).into_iter().collect();
        found.sort_unstable_by_key(|name| want.iter().position(|other| other == name));
        assert_eq!(found, want, "{name}");
        count += 1;
    }
    assert_eq!(count, 92);
}

#[test]
fn the_catalogue_and_the_keys_agree() {
    let english = Catalogue::parse("en", "en.toml", library::EMBEDDED[0].1, None).unwrap();
    for key in MessageKey::all() {
        let entry = english.messages.get(&key).unwrap_or_else(|| panic!("{key} has no text"));
        let category = entry.category.as_deref().unwrap_or_else(|| panic!("{key} has no category"));
        assert!(["error", "info", "success"].contains(&category), "{key}");
    }
    assert_eq!(english.messages.len(), MessageKey::all().count());
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

/// English and the library's languages, with one more.
fn with(tag: &str, toml: &str) -> Messages {
    let library = Library::load(&settings(), &[(tag.to_owned(), toml.to_owned())]).unwrap();
    Messages::of(&settings(), &library)
}

#[test]
fn a_language_falls_back_to_english() {
    let english = with("eo", "name = \"Esperanto\"\n[messages]\nINVALID_CODE = \"Ĉi tiu kodo ne ĝustas.\"\n");
    for tag in ["eo", "EO", "eo-XX", "eo_XX", "eo-Latn-XX"] {
        let messages = english.in_locale(tag);
        assert_eq!((messages.locale(), messages.language_name()), ("eo", "Esperanto"));
        assert_eq!(messages.text(INVALID_CODE), "Ĉi tiu kodo ne ĝustas.");
        assert_eq!(messages.text(INVALID_PASSWORD), english.text(INVALID_PASSWORD));
        assert_eq!(messages.translate("Sign in"), "Sign in");
    }
    for tag in ["xx", "", "-", "d", "eos"] {
        assert_eq!(english.in_locale(tag).locale(), "en");
    }
    assert_eq!(english.locales(), ["eo", "en", "de", "es"]);
}

#[test]
fn a_region_falls_back_to_its_language() {
    let swiss = with("de-CH", "[texts]\n\"Sign out\" = \"Abmelden!\"\n").in_locale("de-CH");
    assert_eq!(swiss.translate("Sign out"), "Abmelden!");
    assert_eq!(swiss.translate("Sign in"), "Anmelden");
    assert_eq!((swiss.locale(), swiss.language_name()), ("de-CH", "Deutsch"));
}

#[test]
fn an_application_replaces_texts_of_the_library() {
    let messages = with("en", "[messages]\nINVALID_CODE = \"Nope.\"\n[texts]\n\"Sign in\" = \"Log in\"\n");
    assert_eq!((messages.text(INVALID_CODE), messages.category(INVALID_CODE)), ("Nope.", "error"));
    assert_eq!((messages.translate("Sign in"), messages.translate("Sign out")), ("Log in", "Sign out"));
    assert_eq!(messages.language_name(), "English");
    let german = messages.in_locale("de");
    assert_eq!((german.translate("Sign in"), german.language_name()), ("Anmelden", "Deutsch"));
}

#[test]
fn plurals_take_the_form_of_the_number() {
    let toml = "[plurals]\n\"%(count)s days\" = {one = \"%(count)s den\", few = \"%(count)s dny\", other = \"%(count)s dní\"}\n";
    let czech = with("cs", toml).in_locale("cs");
    let days = |count| czech.counted("%(count)s day", "%(count)s days", count);
    assert_eq!([days(1), days(3), days(5), days(0)], ["1 den", "3 dny", "5 dní", "0 dní"]);
    assert_eq!(czech.counted("%(count)s hour", "%(count)s hours", 1), "1 hour");
}

#[test]
fn a_language_may_be_written_from_right_to_left() {
    let messages = with("he", "direction = \"rtl\"\n");
    assert_eq!(messages.in_locale("he").direction(), Direction::RightToLeft);
    assert_eq!(messages.direction(), Direction::LeftToRight);
}

#[rstest::rstest]
#[case("[messages]\nA = \"b\"\nINVALID_CODE = \"x\"", "2: there is no message called \"A\"")]
#[case("[messages]\n\nINVALID_CODE = [\"x\", \"error\"]", "3: this is a text")]
#[case("[texts]\n\"Sign in\" = \" \"", "2: the text is empty; leave the line out")]
#[case("[text]\n", "1: a catalogue has name, direction, [messages], [texts] and [plurals], not \"text\"")]
#[case("direction = \"up\"", "1: direction is \"ltr\" or \"rtl\", not \"up\"")]
#[case("[plurals]\n\"days\" = {one = \"x\"}", "2: the form \"other\" is missing")]
#[case("[plurals]\n\"days\" = {lots = \"x\"}", "2: the forms are zero, one, two, few, many and other, not \"lots\"")]
fn errors_name_file_and_line(#[case] toml: &str, #[case] error: &str) {
    let found = Catalogue::parse("fr", "fr.toml", toml, Some(library::english())).unwrap_err();
    assert_eq!(found, format!("fr.toml:{error}"));
}

#[test]
fn broken_toml_names_its_line() {
    let found = Catalogue::parse("fr", "fr.toml", "[texts]\n\"a\" = \"b\"\nx x", Some(library::english())).unwrap_err();
    assert!(found.starts_with("fr.toml:3: "), "{found}");
}

#[test]
fn placeholders_that_differ_are_told() {
    let toml = "[messages]\nUSE_CODE = \"Code: %(kode)s\"\n[texts]\n\"Hello %(name)s,\" = \"Bonjour,\"\n";
    let found = Catalogue::parse("fr", "fr.toml", toml, Some(library::english())).unwrap();
    assert_eq!(
        found.warnings,
        [
            "fr.toml:2: %(kode)s is not filled in; the English text has no such placeholder",
            "fr.toml:2: %(code)s of the English text is missing",
            "fr.toml:4: %(name)s of the English text is missing",
        ]
    );
}

#[test]
fn folders_of_catalogues() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fr.toml");
    let load = || {
        let places = toml::Value::try_from([folder.path().to_str().unwrap(), "builtin"]).unwrap();
        let toml = format!("[security]\ni18n_dirname = {places}\n");
        let settings = crate::settings::tests::minimal().toml("a.toml", &toml).build().unwrap();
        Library::load(&settings, &[])
    };
    std::fs::write(&file, "[texts]\n\"Sign in\" = \"Se connecter\"\n").unwrap();
    std::fs::write(folder.path().join("notes.txt"), "not a catalogue").unwrap();
    let library = load().unwrap();
    assert_eq!(Messages::of(&settings(), &library).in_locale("fr").translate("Sign in"), "Se connecter");
    assert_eq!(library.tags(), ["fr", "en", "de", "es"]);
    std::fs::write(&file, "[texts]\n\"Sign in\" = 3\n").unwrap();
    assert_eq!(load().unwrap_err(), format!("{}:2: this is a text", file.display()));
    std::fs::remove_file(&file).unwrap();
    std::fs::write(folder.path().join("Français.toml"), "").unwrap();
    assert!(load().unwrap_err().ends_with("\"Français\" is no language tag, such as de or pt-BR"));
}

#[test]
fn values_become_words_in_each_language() {
    let messages = Messages::new(&settings());
    let german = messages.in_locale("de");
    let span = serde_json::Value::from(Said::Span(60.0));
    assert_eq!(Said::resolve(span.clone(), &messages), "1 minute");
    assert_eq!(Said::resolve(span, &german), "1 Minute");
    assert_eq!(Said::resolve(Said::Text("Sign in").into(), &german), "Anmelden");
    assert_eq!(Said::resolve(Said::At(0).into(), &messages), "1 January 1970, 00:00 UTC");
    assert_eq!(Said::resolve(Said::Day(0).into(), &german), "1. Januar 1970");
    let other = serde_json::json!({"$span": 1, "more": 2});
    assert_eq!(Said::resolve(other.clone(), &messages), other);
}
