//! Codes as a second factor: set up, asked for at sign-in, switched off, and what to do without one.

mod begin;
mod finish;
mod forms;
pub(crate) mod openapi;
mod prove;
mod rescue;
mod select;
pub(crate) mod settings;
mod store;
mod validate;

use http::Method;
use lychgate_store::User;

use crate::{
    failure::Failure,
    flow::{
        account,
        account_page::{Action, PartFuture, Place, Row, Section},
        codes::Means,
        landing::token_route,
        second_factor,
    },
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{exchange::Exchange, routes::Routes},
};

/// The choice is there for passkeys, too.
pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let codes = settings.flag("two_factor");
    let any = codes || settings.flag("webauthn");
    [
        ("two_factor_setup", "two_factor_setup_url", codes),
        ("two_factor_token_validation", "two_factor_token_validation_url", codes),
        ("two_factor_rescue", "two_factor_rescue_url", codes),
        ("two_factor_verify", "two_factor_verify_url", codes),
        ("tf_select", "two_factor_select_url", any),
    ]
    .into_iter()
    .filter(|(_, _, on)| *on)
    .filter_map(|(name, setting, _)| Some((name, settings.text_opt(setting)?.to_owned())))
    .collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    const WAITING: &str = "the first factor proved";
    for (name, url) in endpoints(gate.settings()) {
        match name {
            "two_factor_setup" => {
                routes.add(name, &[Method::GET], &url, "signed in and fresh, or the first factor proved", begin::get);
                routes.add(name, &[Method::POST], &url, "signed in and fresh, or the first factor proved", begin::post);
                let state = token_route(&url);
                let validate = "two_factor_setup_validate";
                routes.add(validate, &[Method::POST], &state, "signed in", finish::post);
            }
            "two_factor_token_validation" => {
                routes.add(name, &[Method::GET], &url, WAITING, validate::get);
                routes.add(name, &[Method::POST], &url, WAITING, validate::post);
            }
            "two_factor_verify" => {
                routes.add(name, &[Method::GET], &url, "signed in", prove::get);
                routes.add(name, &[Method::POST], &url, "signed in", prove::post);
            }
            "two_factor_rescue" => {
                routes.add(name, &[Method::GET], &url, WAITING, rescue::get);
                routes.add(name, &[Method::POST], &url, WAITING, rescue::post);
            }
            _ => {
                routes.add(name, &[Method::GET], &url, WAITING, select::get);
                routes.add(name, &[Method::POST], &url, WAITING, select::post);
            }
        }
    }
}

/// On the account page: which method there is, and the way to change it.
pub(crate) fn account_part<'a>(call: &'a Exchange, user: &'a User) -> PartFuture<'a> {
    Box::pin(async move { Ok::<_, Failure>(section(call, user)) })
}

fn section(call: &Exchange, user: &User) -> Option<Section> {
    if !call.gate.settings().flag("two_factor") {
        return None;
    }
    let is_on = account::has_second_factor(user);
    let value = match second_factor::code_method(user) {
        _ if !is_on => messages::ACCOUNT_NONE,
        Means::Authenticator => messages::SECOND_FACTOR_AUTHENTICATOR,
        Means::Email => messages::SECOND_FACTOR_EMAIL,
        Means::Sms => messages::SECOND_FACTOR_SMS,
    };
    let verb = if is_on { messages::ACCOUNT_CHANGE } else { messages::ACCOUNT_CHOOSE };
    let name = call.text(&messages::SECOND_FACTOR_CODE.into());
    let row = Row::new("code", name, call.text(&value.into()))
        .action(Action::link(call.text(&verb.into()), call.gate.url("two_factor_setup")));
    let row = if is_on { row.badge(call.text(&messages::ACCOUNT_ON.into()), true) } else { row };
    Some(Section::at(Place::SecondFactor).row(row))
}
