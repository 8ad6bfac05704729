//! "It was not me": by the link of a notice, the owner of an account ends what somebody else has begun.

pub(crate) mod openapi;
mod secure;
pub(crate) mod settings;

use http::Method;
use serde_json::json;

use crate::{
    failure::Failure,
    flow::{landing::token_route, not_me::NotMe},
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
    let url = settings.text_opt("not_me_url").filter(|_| settings.flag("not_me"));
    url.map(|url| ("not_me", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        let link = token_route(&url);
        routes.add(name, &[Method::GET], &link, "the mailed link", get);
        routes.add(name, &[Method::POST], &link, "the mailed link", post);
    }
}

fn form(call: &Exchange, found: Option<&NotMe>) -> Form {
    let template = call.gate.settings().text("not_me_template");
    let mut form = Form::new("not_me_form", template, call.uri.path().to_owned(), Vec::new());
    if let Some(address) = found.and_then(|found| found.restore.as_deref()) {
        form.payload.insert("restore".to_owned(), address.into());
    }
    form
}

/// The page with the button. Following the link does nothing, as mail scanners follow links.
async fn get(call: Call) -> Result<Reply, Failure> {
    let Some(found) = call.open_not_me_link(call.param("token")).await? else { return refused(&call) };
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"restore": found.restore}))));
    }
    Ok(Reply::Form(Box::new(form(&call, Some(&found)))))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    let Some(found) = call.open_not_me_link(call.param("token")).await? else { return refused(&call) };
    let mut form = form(&call, Some(&found));
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    let Some(done) = secure::secure(&call, &found).await? else { return refused(&call) };
    if call.current().await?.is_some_and(|who| who.user.id == found.user.id) {
        call.sign_out().await?;
    }
    let done = json!({"restored": done.restored, "locked": done.locked, "mailed": done.mailed,
        "second_factor": done.second_factor});
    if call.wants_json() {
        return Ok(Reply::Json(call.members(done)));
    }
    form.payload.insert("done".to_owned(), done);
    Ok(Reply::Form(Box::new(form)))
}

fn refused(call: &Exchange) -> Result<Reply, Failure> {
    if call.wants_json() {
        let mut form = form(call, None);
        form.form_error(messages::NOT_ME_LINK_INVALID);
        return Err(form.rejected());
    }
    call.flash(messages::NOT_ME_LINK_INVALID);
    Ok(Reply::Redirect(call.gate.url("login")))
}
