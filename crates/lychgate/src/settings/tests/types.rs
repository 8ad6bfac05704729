//! Every setting refuses what it is not, by its name and its line.

use super::*;

/// A value that no setting of this kind takes.
fn wrong(kind: Kind) -> &'static str {
    match kind {
        // Anything but a date.
        Kind::Any => "1979-05-27",
        Kind::Flag | Kind::Int { .. } | Kind::OptInt { .. } => "\"many\"",
        Kind::Duration | Kind::OptDuration => "true",
        Kind::Text | Kind::OptText | Kind::Path | Kind::Choice(_) | Kind::OptChoice(_) => "7",
        Kind::List | Kind::ListOrText | Kind::ListOrFlag | Kind::Choices(_) | Kind::FlagOrAuto => "7",
        Kind::Map | Kind::Mailbox | Kind::IdentityAttributes => "7",
    }
}

/// A file with one line for each setting, by its tables, and the number of each line.
fn file(value: impl Fn(&Setting) -> Option<String>) -> (String, Vec<(String, usize)>) {
    let mut tables: Vec<(&str, Vec<&Setting>)> = Vec::new();
    for setting in Settings::declared() {
        let table = setting.section.table();
        match tables.iter_mut().find(|(known, _)| *known == table) {
            Some((_, settings)) => settings.push(setting),
            None => tables.push((table, vec![setting])),
        }
    }
    // What is on top comes before the first table.
    tables.sort_by_key(|(table, _)| !table.is_empty());
    let (mut text, mut lines, mut line) = (String::new(), Vec::new(), 0);
    for (table, settings) in tables {
        if !table.is_empty() {
            text.push_str(&format!("[{table}]\n"));
            line += 1;
        }
        for setting in settings {
            let Some(value) = value(setting) else { continue };
            text.push_str(&format!("{} = {value}\n", setting.name));
            line += 1;
            lines.push((setting.qualified(), line));
        }
    }
    (text, lines)
}

/// All of them in one file: as many errors, at once.
#[track_caller]
fn each_is_refused(value: impl Fn(&Setting) -> Option<String>) -> usize {
    let (text, lines) = file(value);
    let errors = minimal().toml("lychgate.toml", &text).build().unwrap_err();
    for (name, line) in &lines {
        let begin = format!("lychgate.toml:{line}: {name}: ");
        let said: Vec<String> = errors.problems().iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|error| error.starts_with(&begin)), "nothing is said of {begin}\n{}", said.join("\n"));
    }
    assert_eq!(errors.problems().len(), lines.len());
    lines.len()
}

#[test]
fn every_setting_refuses_a_value_of_another_type_by_its_name_and_line() {
    let all = each_is_refused(|setting| Some(wrong(setting.kind).to_owned()));
    assert!(all > 400 && all == Settings::declared().count(), "{all}");
    // In the environment everything is text, so there are types that take it as it is.
    for setting in Settings::declared() {
        let text = match setting.kind {
            Kind::Flag | Kind::Int { .. } | Kind::OptInt { .. } | Kind::FlagOrAuto => "many",
            Kind::Duration | Kind::OptDuration | Kind::Choice(_) | Kind::OptChoice(_) => "not this",
            Kind::Path => "login",
            Kind::Map | Kind::IdentityAttributes => "not this",
            _ => continue,
        };
        for name in environment::names(setting) {
            let said = lines(minimal().env([(name.clone(), text.to_owned())]).build());
            let begin = format!("environment variable {name}: {}: ", setting.qualified());
            assert!(said.iter().any(|error| error.starts_with(&begin)), "{begin} {said:?}");
        }
    }
}

#[test]
fn every_bounded_number_refuses_what_is_out_of_its_range() {
    let beyond = |setting: &Setting, least: bool| match setting.kind {
        Kind::Int { min, .. } | Kind::OptInt { min, .. } if least => min.checked_sub(1).map(|n| n.to_string()),
        Kind::Int { max, .. } | Kind::OptInt { max, .. } if !least => max.checked_add(1).map(|n| n.to_string()),
        _ => None,
    };
    assert!(each_is_refused(|setting| beyond(setting, true)) > 30);
    assert!(each_is_refused(|setting| beyond(setting, false)) > 30);
}

#[test]
fn what_is_wrong_with_values_and_with_combinations_is_told_at_once() {
    let said = lines(flask(
        "listen = \"8000\"\n[security]\nlogout_url = \"/login\"\npassword_hash = 7\n\
         totp_issuer = \"x\"\nunified_signin = true\n",
    ));
    for part in [
        "lychgate.toml:1: listen",
        "lychgate.toml:3: logout_url",
        "lychgate.toml:4: password_hash: expected",
        "unified_signin needs totp_secrets",
    ] {
        assert!(said.iter().any(|line| line.contains(part)), "{part}: {said:?}");
    }
    // Nothing that follows from a default in place of a bad value.
    assert!(!said.iter().any(|line| line.contains("password_schemes")), "{said:?}");
}
