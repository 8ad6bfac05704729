//! The language of pages, messages and mails, chosen by the visitor.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::Method;
use lychgate_store::UserPatch;
use serde_json::{Map, Value, json};

use crate::{
    failure::Failure,
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        cookie::Keep,
        exchange::Exchange,
        form::{Field, Form, Kind},
        routes::{Call, Routes},
    },
};

/// Seconds that a choice is kept.
const KEPT: i64 = 365 * 86_400;

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    // Where there is one language there is nothing to choose.
    let on = settings.list("languages").len() > 1;
    settings.text_opt("language_url").filter(|_| on).map(|url| ("language", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "anyone", get);
        routes.add(name, &[Method::POST], &url, "anyone", post);
    }
}

fn form(exchange: &Exchange) -> Form {
    let fields = vec![Field::new("next", Kind::Hidden, ""), Field::new("language", Kind::Text, "Language").required()];
    let template = exchange.gate.settings().text("language_template");
    let mut form = Form::new("language_form", template, exchange.action("language"), fields);
    if let Some(next) = exchange.query("next") {
        form.set_value("next", &next);
    }
    form
}

/// What programs learn: the language of this request, and those to choose from.
fn members(exchange: &Exchange) -> Value {
    let offered: Vec<Value> = exchange
        .gate
        .languages()
        .iter()
        .map(|language| {
            json!({
                "tag": language.locale(),
                "name": language.language_name(),
                "direction": language.direction().as_str(),
            })
        })
        .collect();
    json!({"language": exchange.messages().locale(), "languages": offered})
}

async fn get(call: Call) -> Result<Reply, Failure> {
    // Whoever is signed in may have a language stored.
    call.current().await?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(members(&call))));
    }
    Ok(Reply::Form(Box::new(form(&call))))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    let user = call.current().await?;
    call.csrf_unauthenticated().await?;
    let mut form = form(&call);
    form.fill(&call.submitted)?;
    let tag = form.value("language").to_owned();
    let chosen = call.gate.languages().iter().position(|language| language.locale() == tag);
    if chosen.is_none() && !form.has_error_in("language") {
        form.field_error("language", messages::LANGUAGE_NOT_OFFERED);
    }
    call.check_next(&mut form);
    call.csrf_of_form(&mut form);
    let Some(chosen) = chosen.filter(|_| !form.has_errors()) else { return Err(form.rejected()) };
    if let Some(user) = user {
        remember(&call, user.user.id, &tag).await?;
    }
    let language = &call.config().language;
    let keep = Keep::Until(call.now.unix().saturating_add(KEPT));
    call.set_cookie(language.cookie.set(&language.cookie_name, &tag, keep, call.is_https()));
    if call.wants_json() {
        let mut members = members(&call);
        members["language"] = call.gate.messages(chosen).locale().into();
        return Ok(Reply::Json(call.members(members)));
    }
    let next = form.value("next").to_owned();
    Ok(Reply::Redirect(call.followed(&next).filter(|_| !next.is_empty()).unwrap_or_else(|| call.root())))
}

/// Writes the choice into the user's row, if there is a column for it.
async fn remember(call: &Call, user_id: i64, tag: &str) -> Result<(), Failure> {
    let store = call.gate.store();
    let Some(column) = call.config().language.column.as_deref().filter(|column| store.has_user_column(column)) else {
        return Ok(());
    };
    let extra = Map::from_iter([(column.to_owned(), tag.into())]);
    store.update_user(user_id, UserPatch { extra, ..UserPatch::default() }, call.now.datetime()).await?;
    Ok(())
}
