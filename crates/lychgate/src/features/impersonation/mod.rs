//! The end of acting as somebody else. It begins in the panel of administrators, or by
//! [`Operator::impersonate`](crate::Operator::impersonate).

pub(crate) mod openapi;
pub(crate) mod settings;

use http::{Method, StatusCode};
use serde_json::json;

use crate::{
    failure::Failure,
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        identify::Mechanism,
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let on = settings.flag("impersonation");
    let url = settings.text_opt("impersonation_end_url").filter(|_| on);
    url.map(|url| ("impersonate_end", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::POST], &url, "acting as somebody else", end);
    }
}

async fn end(call: Call) -> Result<Reply, Failure> {
    let who = call.by(Mechanism::Session).await?.filter(|who| who.impersonator.is_some());
    let Some(who) = who else {
        // It may have ended by itself a moment ago.
        if call.wants_json() {
            return Err(Failure::bad(StatusCode::CONFLICT, messages::IMPERSONATION_NONE));
        }
        call.flash(messages::IMPERSONATION_NONE);
        return Ok(Reply::Redirect(call.root()));
    };
    call.csrf_of_request()?;
    call.end_impersonation(&who).await?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    call.flash(messages::IMPERSONATION_ENDED);
    let panel = call.gate.has_panel().then(|| format!("{}/users/{}", call.gate.admin_url(), who.user.id));
    Ok(Reply::Redirect(call.view("post_impersonation_view").or(panel).unwrap_or_else(|| call.root())))
}
