//! From a template to a letter.

use std::{collections::BTreeMap, sync::Arc};

use minijinja::{
    Error, ErrorKind, Value,
    value::{Kwargs, Serde},
};
use serde_json::json;

use super::{Message, post::Letter};
use crate::{
    failure::Failure,
    gate::Lychgate,
    messages::Messages,
    settings::{Kind, Section, Settings},
    web::{exchange::Exchange, page::in_words},
};

/// The longest letter, in bytes of its parts.
const MOST_BYTES: usize = 256 * 1024;

/// The longest subject, in characters.
const LONGEST_SUBJECT: usize = 200;

impl Exchange {
    /// Writes a letter.
    pub(super) fn compose(&self, letter: Letter<'_>) -> Result<Message, Failure> {
        let gate = &self.gate;
        let origin = self.origin();
        let messages = self.language_of_letter(&letter).clone();
        let mut context = in_words(letter.context, &messages);
        context
            .entry("user".to_owned())
            .or_insert_with(|| Value::from(Serde(json!({"email": letter.to, "username": null}))));
        context.insert("security_config".to_owned(), gate.desk().settings_for_templates());
        context.insert("home_url".to_owned(), format!("{origin}{}", self.root()).into());
        let shared = gate.clone();
        context.insert(
            "url_for".to_owned(),
            Value::from_function(move |endpoint: String, args: Kwargs| url_for(&shared, &origin, &endpoint, &args)),
        );
        let part = |wanted: &str, extension: &str| -> Result<Option<String>, Failure> {
            let name = format!("{}.{extension}", letter.template);
            let renderer = gate.renderer();
            if !gate.settings().flag(wanted) || !renderer.exists(&name).map_err(Failure::internal)? {
                return Ok(None);
            }
            renderer.render(&name, context.clone(), &messages).map(Some).map_err(Failure::internal)
        };
        let (text, html) = (part("email_plaintext", "txt")?, part("email_html", "html")?);
        if text.is_none() && html.is_none() {
            return Err(Failure::internal(format_args!(
                "the mail {:?} has no part: its templates or `email_plaintext` and `email_html` are missing",
                letter.template
            )));
        }
        if text.iter().chain(&html).map(String::len).sum::<usize>() > MOST_BYTES {
            return Err(Failure::internal(format_args!("the mail {:?} is too long", letter.template)));
        }
        Ok(Message {
            id: crate::random::short_id(),
            written_at: self.now.datetime(),
            from: gate.desk().sender().clone(),
            to: letter.to.to_owned(),
            subject: one_line(&messages.translated(&letter.subject, &[("app", &gate.settings().text("app_name"))])),
            text,
            html,
            is_notice: false,
        })
    }
}

impl Exchange {
    /// The language that is stored with the recipient, else that of the request.
    fn language_of_letter(&self, letter: &Letter<'_>) -> &Messages {
        let column = self.config().language.column.as_deref();
        let stored = column.and_then(|column| letter.context.get("user")?.get(column)?.as_str());
        match stored.and_then(|tag| self.gate.language_called(tag)) {
            Some(language) => self.gate.messages(language),
            None => self.messages(),
        }
    }
}

/// As on pages, but absolute; `token` is put behind the path, as links have it.
fn url_for(gate: &Lychgate, origin: &str, endpoint: &str, args: &Kwargs) -> Result<String, Error> {
    let known = gate.endpoint_url(endpoint).or_else(|| gate.endpoint_url(&format!(".{endpoint}")));
    let mut path =
        known.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("no endpoint is called {endpoint:?}")))?;
    let last: Option<String> = match args.get("token")? {
        Some(token) => Some(token),
        None => args.get("filename")?,
    };
    if let Some(last) = last {
        path = if path.ends_with('/') { format!("{path}{last}/") } else { format!("{path}/{last}") };
    }
    Ok(format!("{origin}{path}"))
}

/// A header's text: whatever could end the line is a space.
fn one_line(text: &str) -> String {
    let ends = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let line: String = text.chars().map(|c| if ends(c) { ' ' } else { c }).take(LONGEST_SUBJECT).collect();
    line.trim().to_owned()
}

/// The values of settings that templates may show, by name: no secrets, plain values only.
pub(super) fn settings_for_templates(settings: &Settings) -> Value {
    let plain = Settings::declared().filter(|setting| setting.section() == Section::Security && !setting.is_secret());
    let values = plain.filter_map(|setting| {
        let name = setting.qualified();
        let value = match setting.kind() {
            Kind::Flag => settings.flag(&name).into(),
            Kind::Int { .. } => settings.int(&name).into(),
            Kind::Text | Kind::OptText | Kind::Path | Kind::Choice(_) | Kind::OptChoice(_) => {
                settings.text_opt(&name).map_or(Value::from(()), Value::from)
            }
            Kind::Duration | Kind::OptDuration => {
                settings.duration(&name).map_or(Value::from(()), |span| Value::from(span.as_secs_f64()))
            }
            _ => return None,
        };
        Some((Arc::<str>::from(setting.name()), value))
    });
    values.collect::<BTreeMap<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_one_line() {
        assert_eq!(one_line("Hello\r\nBcc: eve@lp.com\u{2028}\u{85}x\0"), "Hello  Bcc: eve@lp.com  x");
        assert_eq!(one_line("\n"), "");
        assert_eq!(one_line(&"a".repeat(5000)).len(), LONGEST_SUBJECT);
    }
}
