#![allow(clippy::unwrap_used)]

mod any;
mod sources;
mod together;
mod types;

use super::*;

/// The names of Flask-Security 5.9.2, lower case, without `SECURITY_`.
const REFERENCE_NAMES: &str = include_str!("../reference_names.txt");

const STRONG: &str = "f3b0c44298fc1c149afbf4c8996fb924";

/// A builder that has what every start needs.
pub(crate) fn minimal() -> SettingsBuilder {
    Settings::builder().set("secret_key", STRONG).set("password_salt", "27ae41e4649b934ca495991b7852b855")
}

fn with(toml: &str) -> Result<Settings, SettingsErrors> {
    minimal().toml("lychgate.toml", toml).build()
}

fn flask(toml: &str) -> Result<Settings, SettingsErrors> {
    minimal().profile(Profile::Flask).toml("lychgate.toml", toml).build()
}

fn lines(result: Result<Settings, SettingsErrors>) -> Vec<String> {
    result.unwrap_err().problems().iter().map(ToString::to_string).collect()
}

fn env(pairs: &[(&str, &str)]) -> Result<Settings, SettingsErrors> {
    minimal().env(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).build()
}

#[test]
fn every_name_of_the_reference_is_declared() {
    assert_eq!(REFERENCE_NAMES.lines().count(), 255);
    for name in REFERENCE_NAMES.lines() {
        assert!(known::find(Section::Security, name).is_ok(), "{name} is not declared");
    }
}

#[test]
fn declarations_are_sound() {
    let mut seen = std::collections::HashSet::new();
    for setting in Settings::declared() {
        let name = setting.qualified();
        assert!(seen.insert(name.clone()), "{name} is declared twice");
        assert!(setting.meaning.ends_with(['.', ')']), "{name}: the meaning is a sentence");
        assert!(setting.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'));
        for preset in [&setting.flask, &setting.modern] {
            default_fits(setting, preset);
        }
    }
}

/// A default is a value that the setting itself accepts when it is written out.
fn default_fits(setting: &Setting, preset: &Preset) {
    let value = value::Value::from_preset(preset);
    if value.is_off() {
        return;
    }
    let toml = format!("x = {}\n", value.to_string().replace("\"••••\"", "\"x\""));
    let raw = toml::de::DeTable::parse(&toml).map(|table| RawValue::from_toml(table.get_ref()["x"].get_ref()).unwrap());
    let raw = raw.unwrap_or_else(|error| panic!("{}: {toml} {error}", setting.qualified()));
    let back = parse::read(setting, raw).unwrap_or_else(|error| panic!("{}: {error}", setting.qualified()));
    assert!(back == value, "{}: {toml}", setting.qualified());
}

#[test]
fn every_setting_can_be_read_by_its_getter() {
    for settings in [minimal().build().unwrap(), minimal().profile(Profile::Flask).build().unwrap()] {
        for setting in Settings::declared() {
            let name = setting.qualified();
            match setting.kind {
                Kind::Flag => drop(settings.flag(&name)),
                Kind::FlagOrAuto => drop(settings.flag_or_auto(&name)),
                Kind::Int { .. } => drop(settings.int(&name)),
                Kind::OptInt { .. } => drop(settings.int_opt(&name)),
                Kind::Text | Kind::OptText | Kind::Path | Kind::Choice(_) | Kind::OptChoice(_) => {
                    assert_eq!(settings.text_opt(&name).unwrap_or_default(), settings.text(&name));
                }
                Kind::Duration => assert!(settings.duration(&name).is_some(), "{name}"),
                Kind::OptDuration => drop(settings.duration(&name)),
                Kind::List | Kind::ListOrText | Kind::Choices(_) => drop(settings.list(&name).to_vec()),
                Kind::ListOrFlag => drop(settings.list_or_all(&name)),
                Kind::Map => drop(settings.map(&name).to_vec()),
                Kind::Any => assert_eq!(settings.any(&name), None),
                Kind::Mailbox => drop(settings.mailbox(&name).cloned()),
                Kind::IdentityAttributes => assert_eq!(settings.identity_attributes().len(), 1),
            }
        }
    }
}

#[test]
#[should_panic(expected = "no setting is called \"logn_url\"")]
fn asking_for_an_unknown_name_panics() {
    let _ = minimal().build().unwrap().text("logn_url");
}

#[test]
#[should_panic(expected = "\"login_url\" is path")]
fn asking_for_the_wrong_kind_panics() {
    let _ = minimal().build().unwrap().flag("login_url");
}

#[test]
fn profiles_differ_in_defaults_only() {
    let modern = minimal().build().unwrap();
    let flask = minimal().profile(Profile::Flask).build().unwrap();
    assert_eq!((modern.profile(), flask.profile()), (Profile::Modern, Profile::Flask));
    assert_eq!((modern.int("password_length_min"), flask.int("password_length_min")), (15, 8));
    assert_eq!((modern.flag("return_generic_responses"), flask.flag("return_generic_responses")), (true, false));
    assert_eq!((modern.flag("token_query_enabled"), flask.flag("token_query_enabled")), (false, true));
    assert_eq!((modern.flag("csrf.protect"), flask.flag("csrf.protect")), (true, false));
    assert_eq!((modern.flag("limits.enabled"), flask.flag("limits.enabled")), (true, false));
    assert_eq!(
        (modern.flag_or_auto("session.cookie_secure"), flask.flag_or_auto("session.cookie_secure")),
        (None, Some(false))
    );
    assert_eq!(
        (modern.text_opt("session.cookie_samesite"), flask.text_opt("session.cookie_samesite")),
        (Some("Lax"), None)
    );
    let seconds = |settings: &Settings, name: &str| settings.duration(name).map(SignedSeconds::as_secs);
    assert_eq!((seconds(&modern, "freshness"), seconds(&flask, "freshness")), (Some(900), Some(86_400)));
    assert_eq!(
        (seconds(&modern, "freshness_grace_period"), seconds(&flask, "freshness_grace_period")),
        (Some(300), Some(3_600))
    );
    assert_eq!(modern.text("session.protection"), "basic");
    let given = minimal().set("return_generic_responses", false).build().unwrap();
    assert!(!given.flag("return_generic_responses") && given.given("return_generic_responses"));
}

#[test]
fn the_sample_file_is_accepted_with_and_without_its_comments() {
    let sample = sample_toml(STRONG, "quote \" and \\ back-slash, long");
    let settings = Settings::builder().toml("lychgate.toml", &sample).build().unwrap();
    assert_eq!(settings.text("password_salt"), "quote \" and \\ back-slash, long");
    assert!(settings.warnings().is_empty(), "{:?}", settings.warnings());
    let all: Vec<String> = sample
        .lines()
        .map(|line| {
            let setting = line
                .strip_prefix("# ")
                .filter(|rest| rest.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')));
            setting.filter(|rest| !rest.starts_with("secret_key_fallbacks")).unwrap_or(line).to_owned()
        })
        .collect();
    let settings = Settings::builder().toml("lychgate.toml", &all.join("\n")).build().unwrap();
    assert!(settings.given("base_url") && settings.given("proxy.x_proto") && settings.given("freshness"));
}

#[test]
fn the_documentation_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SETTINGS.md");
    let want = settings_markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &want).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == want, "docs/SETTINGS.md is out of date: UPDATE_DOCS=1 cargo test -p lychgate settings");
}

/// A setting that is said to be in use stands in the program somewhere outside its declaration.
#[test]
fn settings_in_use_are_read() {
    // Read in this module, by a getter of its own, and by the server.
    let elsewhere = [
        "environment",
        "user_identity_attributes",
        "listen",
        "attack_token_file",
        "cli_password_argument",
        "cli_roles_name",
        "cli_users_name",
        "metrics_listen",
        "metrics_token",
        "server.acme_terms_agreed",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut program = String::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((path != root.join("settings")).then_some(path));
            } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("settings.rs") {
                program.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let unread: Vec<String> = Settings::declared()
        .filter(|setting| setting.status == Status::Live)
        .map(Setting::qualified)
        .filter(|name| !elsewhere.contains(&name.as_str()) && !program.contains(&format!("\"{name}\"")))
        .collect();
    assert!(unread.is_empty(), "declared as in use, but nothing reads {unread:?}");
}
