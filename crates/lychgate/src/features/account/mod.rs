//! The account page: how somebody signs in, where they are signed in, what happened, and their data.

mod deletion;
mod export;
pub(crate) mod openapi;
mod page;
mod programs;
mod sessions;
pub(crate) mod settings;
pub(crate) mod sign_in;

use http::Method;

use crate::{
    failure::Failure,
    flow::landing::token_route,
    gate::Lychgate,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::Form,
        routes::{Call, Routes},
    },
};

/// Endpoints below the page's own, and the settings that switch them on.
const BELOW: [(&str, &str, &str); 7] = [
    ("account_end_session", "/sessions/end", "account"),
    ("account_end_others", "/sessions/end-others", "account"),
    ("account_end_program", "/programs/end", "refresh_token"),
    ("account_export", "/export", "account_export"),
    ("account_delete", "/delete", "account_deletion"),
    // Also where deletions are off by now: what was asked for before can be taken back.
    ("account_keep", "/keep", "account"),
    ("account_keep_link", "/keep", "account"),
];

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let Some(url) = settings.text_opt("account_url").filter(|_| settings.flag("account")) else { return Vec::new() };
    let below = BELOW.into_iter().filter(|(.., switch)| settings.flag(switch));
    let below = below.map(|(name, path, _)| (name, format!("{}{path}", url.trim_end_matches('/'))));
    std::iter::once(("account", url.to_owned())).chain(below).collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        match name {
            "account" => routes.add(name, &[Method::GET], &url, "signed in", page::get),
            "account_end_session" => routes.add(name, &[Method::POST], &url, "signed in", sessions::end),
            "account_end_others" => routes.add(name, &[Method::POST], &url, "signed in", sessions::end_others),
            "account_end_program" => routes.add(name, &[Method::POST], &url, "signed in", programs::end),
            "account_export" => routes.add(name, &[Method::GET], &url, "signed in, fresh", export::get),
            "account_delete" => {
                routes.add(name, &[Method::GET], &url, "signed in", deletion::get);
                routes.add(name, &[Method::POST], &url, "signed in", deletion::post);
            }
            "account_keep" => routes.add(name, &[Method::POST], &url, "signed in", deletion::keep),
            "account_keep_link" => {
                let link = token_route(&url);
                routes.add(name, &[Method::GET], &link, "the mailed link", deletion::follow);
                routes.add(name, &[Method::POST], &link, "the mailed link", deletion::keep_by_link);
            }
            _ => {}
        }
    }
}

/// What was asked for is done.
fn done(call: &Call, message: crate::messages::MessageKey) -> Result<Reply, Failure> {
    if call.wants_json() {
        return Ok(Reply::Json(call.members(serde_json::json!({}))));
    }
    call.flash(message);
    Ok(Reply::Redirect(call.gate.url("account")))
}

/// A refusal: a browser gets the page again with the first thing that is wrong on top.
fn refuse(call: &Exchange, form: Form) -> Result<Reply, Failure> {
    if call.wants_json() {
        return Err(form.rejected());
    }
    if let Some((_, message)) = form.errors_in_order().next() {
        call.flash(message.clone());
    }
    Ok(Reply::Redirect(call.gate.url("account")))
}

/// A moment for programs and for `<time>` (RFC 3339), to the second.
fn iso(at: time::OffsetDateTime) -> String {
    let whole = at.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(at);
    whole.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
