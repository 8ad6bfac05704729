//! The mailed link by which the owner of an account lifts the waits after wrong passwords.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::Method;
use serde_json::json;

use crate::{
    failure::Failure,
    flow::{landing::token_route, lockout, unlock},
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::Form,
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = settings.text_opt("unlock_url").filter(|_| lockout::is_on(settings));
    url.map(|url| ("unlock", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        let link = token_route(&url);
        routes.add(name, &[Method::GET], &link, "the mailed link", get);
        routes.add(name, &[Method::POST], &link, "the mailed link", post);
    }
}

fn form(call: &Exchange) -> Form {
    let template = call.gate.settings().text("unlock_template");
    Form::new("unlock_form", template, call.uri.path().to_owned(), Vec::new())
}

/// The page with the button. Following the link does nothing, as mail scanners follow links.
async fn get(call: Call) -> Result<Reply, Failure> {
    if unlock::open_unlock_link(&call, call.param("token")).await?.is_none() {
        return refused(&call);
    }
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    Ok(Reply::Form(Box::new(form(&call))))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    let Some(found) = unlock::open_unlock_link(&call, call.param("token")).await? else { return refused(&call) };
    let mut form = form(&call);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    if !unlock::use_unlock_link(&call, &found).await? {
        return refused(&call);
    }
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"unlocked": true}))));
    }
    form.payload.insert("done".to_owned(), true.into());
    Ok(Reply::Form(Box::new(form)))
}

fn refused(call: &Exchange) -> Result<Reply, Failure> {
    if call.wants_json() {
        let mut form = form(call);
        form.form_error(messages::NOT_ME_LINK_INVALID);
        return Err(form.rejected());
    }
    call.flash(messages::NOT_ME_LINK_INVALID);
    Ok(Reply::Redirect(call.gate.url("login")))
}
