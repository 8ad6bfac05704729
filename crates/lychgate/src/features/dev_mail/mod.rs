//! The inbox of development: mails and text messages that were sent or wait to be, for whoever sits at this machine.
//!
//! Mails hold links that sign people in, so there is no such page in production, and in development only for a
//! connection from this machine that names this machine: a page on the Internet whose name was pointed here afterwards
//! (DNS rebinding) does not.

pub(crate) mod openapi;

use axum::response::IntoResponse as _;
use http::{HeaderValue, Method, StatusCode, header};
use lychgate_store::OutboxItem;
use serde_json::{Map, Value, json};
use time::macros::format_description;

use crate::{
    failure::Failure,
    gate::Lychgate,
    mail::Message,
    messages::{self, words},
    settings::Settings,
    sms::TextMessage,
    web::{
        answer::Reply,
        exchange::is_loopback_host,
        routes::{Call, Routes},
    },
};

const PATH: &str = "/dev/mail";

/// Letters on the page.
const SHOWN: u32 = 200;

/// No script, nothing from elsewhere; letters bring styles of their own.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

fn is_on(settings: &Settings) -> bool {
    settings.text("environment") == "development"
}

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    if is_on(settings) { vec![("dev_mail", PATH.to_owned())] } else { Vec::new() }
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    if is_on(gate.settings()) {
        routes.add("dev_mail", &[Method::GET], PATH, "this machine", list);
        routes.add("dev_mail_letter", &[Method::GET], &format!("{PATH}/{{id}}"), "this machine", letter);
    }
}

fn not_found() -> Failure {
    Failure::bad(StatusCode::NOT_FOUND, messages::NOT_FOUND)
}

fn only_from_here(call: &Call) -> Result<(), Failure> {
    let local = |address: Option<std::net::IpAddr>| address.is_some_and(|address| address.is_loopback());
    let from_here = local(call.peer()) && local(call.address()) && is_loopback_host(call.host());
    if from_here { Ok(()) } else { Err(not_found()) }
}

/// The letters, the newest first.
async fn list(call: Call) -> Result<Reply, Failure> {
    only_from_here(&call)?;
    let items = call.gate.store().outbox_list(None, SHOWN).await?;
    let letters: Vec<Value> = items.iter().map(|item| Value::Object(summary(&call, item))).collect();
    let mut context = Map::new();
    context.insert("letters".to_owned(), letters.into());
    answer(&call, "security/dev_mail.html", context).await
}

/// One letter: its HTML part in a frame without rights, its text, its links.
async fn letter(call: Call) -> Result<Reply, Failure> {
    only_from_here(&call)?;
    let item = call.gate.store().outbox_item(call.param("id")).await?.ok_or_else(not_found)?;
    let mut context = summary(&call, &item);
    if let Some(text) = text_message(&item) {
        context.insert("links".to_owned(), links(&text.body).into());
        context.insert("from".to_owned(), text.from.into());
        context.insert("text".to_owned(), text.body.into());
    } else if let Some(message) = letter_of(&item) {
        context.insert("links".to_owned(), links(message.text.as_deref().unwrap_or_default()).into());
        context.insert("from".to_owned(), message.from.to_string().into());
        context.insert("text".to_owned(), message.text.into());
        if !call.wants_json() {
            context.insert("frame".to_owned(), message.html.as_deref().map(framed).into());
        }
        context.insert("html".to_owned(), message.html.into());
    }
    context.insert("inbox_url".to_owned(), call.gate.url("dev_mail").into());
    answer(&call, "security/dev_mail_letter.html", context).await
}

async fn answer(call: &Call, template: &str, context: Map<String, Value>) -> Result<Reply, Failure> {
    if call.wants_json() {
        return Ok(Reply::Json(context));
    }
    let mut response = call.exchange().page(StatusCode::OK, template, context).await?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Reply::Other(response.into_response()))
}

fn summary(call: &Call, item: &OutboxItem) -> Map<String, Value> {
    let subject = match text_message(item) {
        Some(_) => Some(call.translate(words("Text message"))),
        None => letter_of(item).map(|message| message.subject),
    };
    let when = item.created_at.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC"));
    let members = json!({
        "id": item.id,
        "kind": item.kind,
        "to": item.recipient,
        "subject": subject,
        "when": when.unwrap_or_default(),
        "state": item.state.as_str(),
        "attempts": item.attempts,
        "error": item.last_error,
        "url": format!("{}/{}", call.gate.url("dev_mail"), item.id),
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn letter_of(item: &OutboxItem) -> Option<Message> {
    if item.kind == Message::KIND { Message::from_payload(&item.payload) } else { None }
}

fn text_message(item: &OutboxItem) -> Option<TextMessage> {
    if item.kind == TextMessage::KIND { TextMessage::from_payload(&item.payload) } else { None }
}

/// The HTML part as the frame shows it: its links open beside it.
fn framed(html: &str) -> String {
    const BASE: &str = "<base target=\"_blank\">";
    let lower = html.to_ascii_lowercase();
    let head = lower.find("<head").and_then(|at| lower.get(at..)?.find('>').map(|end| at + end + 1));
    match head.and_then(|at| Some((html.get(..at)?, html.get(at..)?))) {
        Some((before, after)) => format!("{before}{BASE}{after}"),
        None => format!("{BASE}{html}"),
    }
}

/// The web addresses of a text.
fn links(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')'));
    let words = words.map(|word| word.trim_end_matches(['.', ',', ';']));
    words.filter(|word| word.starts_with("http://") || word.starts_with("https://")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_text() {
        let text = "Open (http://a.example/x.y-z), or <https://b.example/?c=d>.\njavascript:alert(1) http:/no";
        assert_eq!(links(text), ["http://a.example/x.y-z", "https://b.example/?c=d"]);
    }

    #[test]
    fn links_in_the_frame_open_beside_it() {
        assert_eq!(framed("<HTML><Head lang=\"ü\"><title>"), "<HTML><Head lang=\"ü\"><base target=\"_blank\"><title>");
        assert_eq!(framed("<p>x</p>"), "<base target=\"_blank\"><p>x</p>");
        assert_eq!(framed("<head"), "<base target=\"_blank\"><head");
    }
}
