//! Passkeys: register them, sign in with them, prove with them who you are, and remove them.

pub(crate) mod account;
mod assertion;
mod ceremony;
mod delete;
mod hints;
mod names;
pub(crate) mod openapi;
mod register;
pub(crate) mod settings;
mod signin;
mod verify;
mod well_known;

use std::sync::Arc;

use http::Method;

use crate::{
    failure::Failure,
    flow::landing::token_route,
    gate::Lychgate,
    settings::Settings,
    web::{
        answer::Reply,
        form::Form,
        identify::Authenticated,
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    if !settings.flag("webauthn") {
        return Vec::new();
    }
    let fresh = settings.duration("freshness").is_some_and(|freshness| !freshness.is_negative());
    let verifies = fresh && !settings.list("wan_allow_as_verify").is_empty();
    let pages = [
        ("wan_register", "wan_register_url", true),
        ("wan_signin", "wan_signin_url", true),
        ("wan_delete", "wan_delete_url", true),
        ("wan_verify", "wan_verify_url", verifies),
    ];
    let there = pages.into_iter().filter(|(_, _, on)| *on);
    there.filter_map(|(name, url, _)| Some((name, settings.text_opt(url)?.to_owned()))).collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    const GET: &[Method] = &[Method::GET];
    const POST: &[Method] = &[Method::POST];
    for (name, url) in endpoints(gate.settings()) {
        let state = token_route(&url);
        match name {
            "wan_register" => {
                routes.add(name, GET, &url, "signed in, fresh", register::get);
                routes.add(name, POST, &url, "signed in, fresh", register::post);
                routes.add("wan_register_response", POST, &state, "signed in", register::respond);
            }
            "wan_signin" => {
                routes.add(name, GET, &url, "not signed in", signin::get);
                routes.add(name, POST, &url, "not signed in", signin::post);
                routes.add("wan_signin_response", POST, &state, "anyone", signin::respond);
            }
            "wan_delete" => {
                routes.add(name, GET, &url, "signed in, fresh", delete::get);
                routes.add(name, POST, &url, "signed in, fresh", delete::post);
            }
            _ => {
                routes.add(name, GET, &url, "signed in", verify::get);
                routes.add(name, POST, &url, "signed in", verify::post);
                routes.add("wan_verify_response", POST, &state, "signed in", verify::respond);
            }
        }
    }
    if gate.settings().flag("webauthn") {
        routes.add_at_root("passkey_endpoints", GET, well_known::ENDPOINTS, "anyone", well_known::endpoints);
        if !gate.settings().list("wan_related_origins").is_empty() {
            routes.add_at_root("related_origins", GET, well_known::RELATED, "anyone", well_known::related);
        }
    }
}

/// For what changes the ways in: somebody signed in who proved it not long ago.
async fn admit_fresh(call: &Call) -> Result<Arc<Authenticated>, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    call.admit_to_change(&who).await?;
    Ok(who)
}

/// The end of a second step that failed. A page cannot be shown again, as its state may be used up: the browser goes
/// back to the first step and reads there what was wrong.
fn refused(call: &Call, form: Form, page: &str) -> Result<Reply, Failure> {
    if call.wants_json() {
        return Err(form.rejected());
    }
    for (_, message) in form.errors_in_order() {
        call.flash(message.clone());
    }
    Ok(Reply::Redirect(call.action(page)))
}
