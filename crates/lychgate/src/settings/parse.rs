//! From what was given to a value of the setting's kind.

use super::{
    duration::SignedSeconds,
    kind::Kind,
    raw::RawValue,
    setting::Setting,
    value::{IdentityAttribute, Mailbox, Value},
};

/// The longest text of a single value, in bytes.
const TEXT_MAX: usize = 65_536;
/// The most items of a list or table.
const ITEMS_MAX: usize = 1_000;

/// Reads `raw` as `setting` asks; the error says what is expected and what was given, never a
/// secret value.
pub(crate) fn read(setting: &Setting, raw: RawValue) -> Result<Value, String> {
    if !within_bounds(&raw) {
        return Err(format!("at most {TEXT_MAX} bytes of text and {ITEMS_MAX} items of a list are accepted"));
    }
    let raw = match raw {
        RawValue::Written(text) => from_written(setting.kind, text),
        typed => typed,
    };
    let given = if setting.secret { raw.describe().to_owned() } else { shown(&raw) };
    let one_line = !setting.secret && !setting.name.ends_with("key");
    if one_line && matches!(&raw, RawValue::Text(text) if text.contains(char::is_control)) {
        return Err("the text holds a line break or another control character".to_owned());
    }
    by_kind(setting.kind, raw).map_err(|problem| match problem {
        Mismatch::Kind => format!("expected {}, found {given}", setting.kind.expected()),
        Mismatch::Other(text) => text,
    })
}

enum Mismatch {
    Kind,
    Other(String),
}

fn by_kind(kind: Kind, raw: RawValue) -> Result<Value, Mismatch> {
    let off_word = matches!(&raw, RawValue::Text(text) if text.eq_ignore_ascii_case("none"));
    let off = raw.is_empty() || raw == RawValue::Flag(false) || off_word;
    match (kind, raw) {
        (Kind::Any, raw) => Ok(Value::Any(raw)),
        (Kind::Flag, RawValue::Flag(flag)) => Ok(Value::Flag(flag)),
        (Kind::FlagOrAuto, RawValue::Flag(flag)) => Ok(Value::Flag(flag)),
        (Kind::FlagOrAuto, RawValue::Text(text)) if text.eq_ignore_ascii_case("auto") => Ok(Value::Auto),
        (Kind::Int { min, max } | Kind::OptInt { min, max }, RawValue::Int(number))
            if (min..=max).contains(&number) =>
        {
            Ok(Value::Int(number))
        }
        (Kind::OptInt { .. } | Kind::OptDuration, _) if off => Ok(Value::Off),
        (Kind::OptText, _) if off => Ok(Value::Off),
        (Kind::Text | Kind::OptText, RawValue::Text(text)) => Ok(Value::Text(text)),
        (Kind::Path, RawValue::Text(text)) => route(text),
        (Kind::Duration | Kind::OptDuration, RawValue::Int(number)) => span(SignedSeconds::new(number as f64)),
        (Kind::Duration | Kind::OptDuration, RawValue::Float(number)) => span(SignedSeconds::new(number)),
        (Kind::Duration | Kind::OptDuration, RawValue::Text(text)) => span(SignedSeconds::parse(&text)),
        (Kind::ListOrFlag, RawValue::Flag(true)) => Ok(Value::All),
        (Kind::ListOrFlag, _) if off => Ok(Value::List(Vec::new())),
        (Kind::ListOrText, RawValue::Text(text)) if !text.is_empty() => Ok(Value::List(vec![text])),
        (Kind::Choices(of), RawValue::Text(text)) if !text.is_empty() => {
            let word = canonical(of, &text).ok_or(Mismatch::Kind)?;
            Ok(Value::List(vec![word]))
        }
        (Kind::Choices(of), RawValue::List(items)) => texts(items)?
            .into_iter()
            .map(|item| canonical(of, &item).ok_or(Mismatch::Kind))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Kind::List | Kind::ListOrText | Kind::ListOrFlag, RawValue::List(items)) => texts(items).map(Value::List),
        (Kind::List | Kind::ListOrText | Kind::Choices(_), raw) if raw.is_empty() => Ok(Value::List(Vec::new())),
        (Kind::Choice(of) | Kind::OptChoice(of), RawValue::Text(text)) if canonical(of, &text).is_some() => {
            canonical(of, &text).map(Value::Text).ok_or(Mismatch::Kind)
        }
        (Kind::OptChoice(_), _) if off => Ok(Value::Off),
        (Kind::Map, RawValue::Map(entries)) => Ok(Value::Map(entries)),
        (Kind::Map, raw) if raw.is_empty() => Ok(Value::Map(Vec::new())),
        (Kind::Mailbox, RawValue::Text(text)) if !text.is_empty() => mailbox(None, text),
        (Kind::Mailbox, raw) if raw.is_empty() => Ok(Value::Off),
        (Kind::Mailbox, RawValue::List(items)) => {
            let [name, address] = <[String; 2]>::try_from(texts(items)?).map_err(|_| Mismatch::Kind)?;
            mailbox(Some(name), address)
        }
        (Kind::IdentityAttributes, RawValue::List(items)) => items
            .iter()
            .map(IdentityAttribute::parse)
            .collect::<Result<_, _>>()
            .map(Value::Identities)
            .map_err(Mismatch::Other),
        _ => Err(Mismatch::Kind),
    }
}

/// Gives text from an untyped source the type that the kind asks for, as far as it can; `by_kind`
/// judges the result.
fn from_written(kind: Kind, text: String) -> RawValue {
    let trimmed = text.trim();
    let flag = match trimmed.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    };
    let number = || trimmed.parse().map(RawValue::Int).ok();
    let items = || {
        let parts = trimmed.split(',').map(str::trim).filter(|part| !part.is_empty());
        RawValue::List(parts.map(RawValue::from).collect())
    };
    let typed = match kind {
        Kind::Flag | Kind::FlagOrAuto => flag.map(RawValue::Flag),
        Kind::Int { .. } => number(),
        Kind::OptInt { .. } | Kind::OptDuration => number().or_else(|| flag.filter(|flag| !flag).map(RawValue::Flag)),
        Kind::List | Kind::ListOrText | Kind::Choices(_) => RawValue::from_json_text(trimmed).or_else(|| Some(items())),
        Kind::ListOrFlag => {
            flag.map(RawValue::Flag).or_else(|| RawValue::from_json_text(trimmed)).or_else(|| Some(items()))
        }
        Kind::OptChoice(of) if canonical(of, trimmed).is_none() => flag.map(RawValue::Flag),
        Kind::Map | Kind::Mailbox | Kind::IdentityAttributes => RawValue::from_json_text(trimmed),
        Kind::Text | Kind::OptText | Kind::Path | Kind::Duration | Kind::Choice(_) | Kind::OptChoice(_) | Kind::Any => {
            None
        }
    };
    typed.unwrap_or(RawValue::Text(text))
}

fn span(span: Option<SignedSeconds>) -> Result<Value, Mismatch> {
    span.map(Value::Span).ok_or(Mismatch::Kind)
}

/// A path that can be a route: no query, fragment, space or control character, not the start of
/// another host, and no segment that the router would take for a placeholder.
fn route(text: String) -> Result<Value, Mismatch> {
    let bad =
        |c: char| c.is_control() || c.is_whitespace() || matches!(c, '?' | '#' | '\\' | '<' | '>' | '{' | '}' | '"');
    let fits = text.is_empty() || text.starts_with('/') && !text.starts_with("//") && !text.contains(bad);
    let fits = fits && !text.split('/').any(|segment| segment.starts_with([':', '*']));
    if fits { Ok(Value::Text(text)) } else { Err(Mismatch::Kind) }
}

fn texts(items: Vec<RawValue>) -> Result<Vec<String>, Mismatch> {
    let text = |item| match item {
        RawValue::Text(text) => Ok(text),
        _ => Err(Mismatch::Kind),
    };
    items.into_iter().map(text).collect()
}

/// The word as the table spells it.
fn canonical(of: &[&str], text: &str) -> Option<String> {
    of.iter().find(|word| word.eq_ignore_ascii_case(text)).map(|&word| word.to_owned())
}

fn mailbox(name: Option<String>, address: String) -> Result<Value, Mismatch> {
    let clean = |text: &str| !text.contains(|c: char| c.is_control());
    if !clean(&address) || !name.as_deref().is_none_or(clean) {
        return Err(Mismatch::Other("a sender holds no line breaks".to_owned()));
    }
    // "Name <address>" in one text is the same as the pair.
    if name.is_none()
        && let Some((name, rest)) = address.split_once('<')
        && let Some(inner) = rest.strip_suffix('>')
    {
        let name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        return Ok(Value::Mailbox(Mailbox { name, address: inner.trim().to_owned() }));
    }
    let name = name.filter(|name| !name.is_empty());
    Ok(Value::Mailbox(Mailbox { name, address }))
}

fn within_bounds(raw: &RawValue) -> bool {
    match raw {
        RawValue::Text(text) | RawValue::Written(text) => text.len() <= TEXT_MAX,
        RawValue::List(items) => items.len() <= ITEMS_MAX && items.iter().all(within_bounds),
        RawValue::Map(entries) => entries.len() <= ITEMS_MAX && entries.iter().all(|(_, value)| within_bounds(value)),
        RawValue::Flag(_) | RawValue::Int(_) | RawValue::Float(_) => true,
    }
}

/// What was given, short enough for one line.
fn shown(raw: &RawValue) -> String {
    let text = match raw {
        RawValue::Text(_) | RawValue::Int(_) | RawValue::Float(_) | RawValue::Flag(_) => raw.to_string(),
        other => other.describe().to_owned(),
    };
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::settings::setting::{self, Preset};

    fn reads(setting: Setting, raw: impl Into<RawValue>) -> Result<String, String> {
        read(&setting, raw.into()).map(|value| value.to_string())
    }

    #[test]
    fn each_kind_takes_its_values() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(reads(setting::flag("x", false), true), ok("true"));
        assert_eq!(reads(setting::int("x", 1), 7), ok("7"));
        assert_eq!(reads(setting::opt_int("x"), false), ok("off"));
        assert_eq!(reads(setting::opt_int("x"), ""), ok("off"));
        assert_eq!(reads(setting::text("x", "a"), ""), ok("\"\""));
        assert_eq!(reads(setting::path("x", "/a"), "/b/"), ok("\"/b/\""));
        assert_eq!(reads(setting::duration("x", 1), -1), ok("\"-1 second\""));
        assert_eq!(reads(setting::duration("x", 1), 0.5), ok("\"0.5 seconds\""));
        assert_eq!(reads(setting::duration("x", 1), "1 hour 30 minutes"), ok("\"1 hour 30 minutes\""));
        assert_eq!(reads(setting::opt_duration("x"), "none"), ok("off"));
        assert_eq!(reads(setting::opt_duration("x"), 0), ok("\"0 seconds\""));
        assert_eq!(reads(setting::list("x", &["a"]), ""), ok("[]"));
        assert_eq!(reads(setting::list_or_text("x", &[]), "a"), ok("[\"a\"]"));
        assert_eq!(reads(setting::list_or_flag("x", &[]), true), ok("true"));
        assert_eq!(reads(setting::list_or_flag("x", &["a"]), false), ok("[]"));
        assert_eq!(reads(setting::choices("x", &["GET", "POST"], &[]), ["get"]), ok("[\"GET\"]"));
        assert_eq!(reads(setting::opt_choice("x", &["Lax", "None"], Preset::Off), "none"), ok("\"None\""));
        assert_eq!(reads(setting::opt_choice("x", &["strict"], Preset::Off), false), ok("off"));
        assert_eq!(reads(setting::flag_or_auto("x", false), "auto"), ok("\"auto\""));
        assert_eq!(reads(setting::mailbox("x"), "a@b.c"), ok("\"a@b.c\""));
        assert_eq!(reads(setting::mailbox("x"), ["Ann", "a@b.c"]), ok("\"Ann <a@b.c>\""));
        assert_eq!(reads(setting::mailbox("x"), "Ann <a@b.c>"), ok("\"Ann <a@b.c>\""));
        assert_eq!(reads(setting::map("x", &[]), ""), ok("{}"));
    }

    #[test]
    fn each_kind_refuses_the_rest() {
        for (setting, raw) in [
            (setting::flag("x", false), RawValue::from("true")),
            (setting::int("x", 1).within(1, 128), RawValue::from(129)),
            (setting::int("x", 1), RawValue::from("")),
            (setting::path("x", "/a"), RawValue::from("login")),
            (setting::path("x", "/a"), RawValue::from("//evil.example")),
            (setting::path("x", "/a"), RawValue::from("/a?b")),
            (setting::duration("x", 1), RawValue::from("soon")),
            (setting::duration("x", 1), RawValue::from(f64::NAN)),
            (setting::duration("x", 1), RawValue::from("")),
            (setting::list("x", &[]), RawValue::from([1, 2])),
            (setting::choices("x", &["GET"], &[]), RawValue::from(["BREW"])),
            (setting::choice("x", &["a"], "a"), RawValue::from("")),
            (setting::text("realm", ""), RawValue::from("a\r\nSet-Cookie: b")),
            (setting::mailbox("x"), RawValue::from(["a", "b", "c"])),
            (setting::mailbox("x"), RawValue::from("a@b.c\r\nBcc: d@e.f")),
            (setting::text("x", ""), RawValue::from("a".repeat(TEXT_MAX + 1))),
        ] {
            assert!(read(&setting, raw.clone()).is_err(), "{raw:?} for {:?}", setting.kind);
        }
    }

    #[test]
    fn written_text_is_read_by_kind() {
        let written = |setting: Setting, text: &str| reads(setting, RawValue::written(text)).ok();
        assert_eq!(written(setting::flag("x", false), "1").as_deref(), Some("true"));
        assert_eq!(written(setting::flag("x", false), "False").as_deref(), Some("false"));
        assert_eq!(written(setting::flag("x", false), "maybe"), None);
        assert_eq!(written(setting::int("x", 0), " 12 ").as_deref(), Some("12"));
        assert_eq!(written(setting::text("x", ""), "12").as_deref(), Some("\"12\""));
        assert_eq!(written(setting::duration("x", 0), "60").as_deref(), Some("\"1 minute\""));
        assert_eq!(written(setting::opt_duration("x"), "0").as_deref(), Some("\"0 seconds\""));
        assert_eq!(written(setting::list("x", &[]), "a, b").as_deref(), Some("[\"a\", \"b\"]"));
        assert_eq!(written(setting::list("x", &[]), "[\"a,b\"]").as_deref(), Some("[\"a,b\"]"));
        assert_eq!(written(setting::map("x", &[]), "{\"a\": true}").as_deref(), Some("{a = true}"));
        assert_eq!(written(setting::map("x", &[]), "a=b"), None);
        assert_eq!(written(setting::mailbox("x"), "[\"Ann\", \"a@b.c\"]").as_deref(), Some("\"Ann <a@b.c>\""));
    }

    #[test]
    fn errors_say_what_is_expected_but_no_secret() {
        let error = reads(setting::int("x", 1).within(1, 128), "many").unwrap_err();
        assert_eq!(error, "expected a whole number from 1 to 128, found \"many\"");
        let error = reads(setting::list("x", &[]).secret(), "hunter2").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
