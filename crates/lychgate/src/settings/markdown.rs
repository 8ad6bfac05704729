//! The reference of all settings, printed from the table in code.

use std::fmt::Write;

use super::{
    known,
    setting::{Preset, Section, Setting},
    value::{DOTS, Value},
};

/// The text of `docs/SETTINGS.md`: every setting with type, defaults, meaning and status, by
/// subject.
#[must_use]
pub fn settings_markdown() -> String {
    let mut out = String::from(HEAD);
    for group in known::GROUPS {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n## {}\n\n", group.title);
        if let Some(section) = group.settings.first().map(|setting| setting.section)
            && section != Section::Security
        {
            let place = match section {
                Section::Top => "At the top of the file.".to_owned(),
                section => format!("In `[{}]`.", section.table()),
            };
            let _ = write!(out, "{place}\n\n");
        }
        out.push_str("| name | type | flask | modern | meaning | status |\n| --- | --- | --- | --- | --- | --- |\n");
        for setting in group.settings {
            row(&mut out, setting);
        }
    }
    out
}

const HEAD: &str = "# Settings

Printed from the table in code; do not edit by hand (`UPDATE_DOCS=1 cargo test -p lychgate settings` writes it).

Values come from `lychgate.toml`, then the environment, then code; the last one counts. Names of `[security]` are those of
Flask-Security in lower case without `SECURITY_`. In the environment, Flask's own names are read (`SECRET_KEY`,
`SECURITY_LOGIN_URL`, `SESSION_COOKIE_SECURE`, `REMEMBER_COOKIE_DURATION`, `WTF_CSRF_TIME_LIMIT`, `MAIL_SERVER`,
`SQLALCHEMY_DATABASE_URI`), and for every setting `LYCHGATE_` with table and name (`LYCHGATE_LISTEN`,
`LYCHGATE_PROXY_X_FOR`), which wins.

A duration is a number of seconds or text such as `\"15 minutes\"` or `\"1 hour 30 minutes\"`. A list in the environment is
written with commas or as JSON, a table as JSON. An empty value (`\"\"`, `[]`, `{}`) switches off.

Texts for users are in `[messages]`: `KEY = \"text\"` or `KEY = [\"text\", \"category\"]`; those of CSRF errors also in
`[csrf.messages]` as `missing`, `no_session`, `invalid`, `expired`, `mismatch`. Placeholders are written `%(name)s`.
";

fn row(out: &mut String, setting: &Setting) {
    let flask = default(setting, &setting.flask);
    let modern = if setting.flask == setting.modern { "same".to_owned() } else { default(setting, &setting.modern) };
    let _ = writeln!(
        out,
        "| `{}` | {} | {} | {} | {} | {} |",
        setting.name,
        cell(&setting.kind.label()),
        cell(&flask),
        cell(&modern),
        cell(setting.meaning),
        cell(&setting.status.to_string()),
    );
}

fn default(setting: &Setting, preset: &Preset) -> String {
    let value = Value::from_preset(preset);
    match &value {
        Value::Off => "off".to_owned(),
        _ if setting.secret && !value.is_off() => DOTS.to_owned(),
        _ => format!("`{value}`"),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
