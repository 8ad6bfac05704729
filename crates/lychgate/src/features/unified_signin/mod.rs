//! Unified sign-in: an identity and a pass code, whichever the user has; a password, or a code that is mailed, texted or
//! made by an app.

mod change;
mod forms;
mod link;
pub(crate) mod openapi;
mod passcode;
mod prove;
mod send;
pub(crate) mod settings;
mod signin;
mod store;
mod verify;

use http::Method;
use lychgate_store::User;

use crate::{
    flow::{
        account_page::{Action, PartFuture, Place, Row, Section},
        landing::token_route,
        unified,
    },
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{exchange::Exchange, form::Message, routes::Routes},
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    if !settings.flag("unified_signin") {
        return Vec::new();
    }
    let fresh = settings.duration("freshness").is_some_and(|freshness| !freshness.is_negative());
    let at_login = settings.flag("us_signin_replaces_login") && !settings.flag("passwordless");
    let pages = [
        ("login", "login_url", at_login),
        ("us_signin", "us_signin_url", true),
        ("us_signin_send_code", "us_signin_send_code_url", true),
        ("us_setup", "us_setup_url", true),
        ("us_verify", "us_verify_url", fresh),
        ("us_verify_send_code", "us_verify_send_code_url", fresh),
        ("us_verify_link", "us_verify_link_url", true),
    ];
    let there = pages.into_iter().filter(|(_, _, on)| *on);
    there.filter_map(|(name, url, _)| Some((name, settings.text_opt(url)?.to_owned()))).collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    const GET: &[Method] = &[Method::GET];
    const POST: &[Method] = &[Method::POST];
    for (name, url) in endpoints(gate.settings()) {
        let token = token_route(&url);
        match name {
            "us_signin_send_code" => routes.add(name, POST, &url, "not signed in", send::to_sign_in),
            "us_verify_send_code" => routes.add(name, POST, &url, "signed in", send::to_verify),
            "us_setup" => {
                routes.add(name, GET, &url, "signed in, fresh", change::get);
                routes.add(name, POST, &url, "signed in, fresh", change::post);
                routes.add("us_setup_validate", POST, &token, "signed in", prove::post);
            }
            "us_verify" => {
                routes.add(name, GET, &url, "signed in", verify::get);
                routes.add(name, POST, &url, "signed in", verify::post);
            }
            "us_verify_link" => {
                routes.add(name, GET, &url, "the mailed link", link::follow);
                routes.add(name, POST, &url, "the mailed link", link::confirm);
                routes.add("us_link", GET, &token, "the mailed link", link::follow);
                routes.add("us_link", POST, &token, "the mailed link", link::confirm);
            }
            _ => {
                routes.add(name, GET, &url, "anyone", signin::get);
                routes.add(name, POST, &url, "anyone", signin::post);
            }
        }
    }
}

/// On the account page: the codes that sign in, and the way to change them.
pub(crate) fn account_part<'a>(call: &'a Exchange, user: &'a User) -> PartFuture<'a> {
    Box::pin(std::future::ready(Ok(section(call, user))))
}

fn section(call: &Exchange, user: &User) -> Option<Section> {
    if !unified::is_on(&call.gate) {
        return None;
    }
    let text = |key: messages::MessageKey| call.text(&Message::from(key));
    let methods = unified::methods_of(&call.gate, user);
    let codes: Vec<String> = methods.iter().filter_map(|method| forms::label(method)).map(text).collect();
    let (value, verb) = match codes.as_slice() {
        [] => (text(messages::ACCOUNT_NONE), messages::ACCOUNT_CHOOSE),
        some => (some.join(", "), messages::ACCOUNT_CHANGE),
    };
    let change = Action::link(text(verb), call.gate.url("us_setup"));
    Some(Section::at(Place::SignIn).row(Row::new("codes", text(messages::ACCOUNT_CODES), value).action(change)))
}
