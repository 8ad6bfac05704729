//! The forms, and what their pages show beside them.

use lychgate_store::User;
use serde_json::{Map, Value, json};

use crate::{
    flow::{
        codes::Means,
        recovery,
        second_factor::{self, Pending},
        texts,
    },
    gate::Lychgate,
    messages,
    web::{
        exchange::Exchange,
        form::{Choice, Field, Form, Kind},
    },
};

/// A method as people choose it.
fn choice(method: &str) -> Choice {
    match method {
        "authenticator" => Choice::new(
            method,
            "Authenticator app",
            "An app on your phone shows a new code every half minute. It needs no network.",
        ),
        "email" => Choice::new(method, "Code by email", "We mail you a code each time you sign in."),
        "sms" => Choice::new(method, "Code by text message", "We text you a code each time you sign in."),
        "webauthn" => {
            Choice::new(method, "Passkey or security key", "Your device asks for your fingerprint, face or PIN.")
        }
        _ => Choice::new(method, "No second step", "Your password alone is enough. This is less safe."),
    }
}

/// What people call a method.
pub(super) fn label(method: &str) -> String {
    choice(method).label
}

fn choices<'a>(methods: impl IntoIterator<Item = &'a str>) -> Vec<Choice> {
    methods.into_iter().map(choice).collect()
}

/// The methods that somebody who comes by `first` can set up here; `disable` first where that is theirs to do.
pub(super) fn methods_to_set_up(gate: &Lychgate, user: &User, waiting: Option<&Pending>) -> Vec<&'static str> {
    let first = waiting.map_or("", |pending| pending.first.as_str());
    let ways = second_factor::ways_to_set_up(gate, first).into_iter();
    let mut methods: Vec<&str> =
        ways.filter(|means| *means != Means::Sms || texts::are_sent(gate)).map(Means::name).collect();
    if waiting.is_none() && method_of(user).is_some() && !second_factor::is_required(gate, user) {
        methods.insert(0, "disable");
    }
    methods
}

/// The method that the user has set up, as the database names it.
pub(super) fn method_of(user: &User) -> Option<&str> {
    user.tf_primary_method.as_deref().filter(|method| !method.is_empty())
}

/// The form that begins a set-up.
pub(super) fn setup(exchange: &Exchange, methods: &[&str]) -> Form {
    let template = exchange.gate.settings().text("two_factor_setup_template");
    let mut fields =
        vec![Field::new("setup", Kind::Radio, "").choices(choices(methods.iter().copied()), "").required()];
    if methods.contains(&"sms") {
        fields.push(Field::new("phone", Kind::Tel, "Phone number").autocomplete("tel"));
    }
    Form::new("two_factor_setup_form", template, exchange.action("two_factor_setup"), fields)
}

/// The form for a code.
pub(super) fn code(exchange: &Exchange, action: String) -> Form {
    let template = exchange.gate.settings().text("two_factor_verify_code_template");
    let fields = vec![Field::new("code", Kind::Code, "Code").autocomplete("one-time-code").required()];
    Form::new("two_factor_verify_code_form", template, action, fields)
}

/// What was typed as a code; nothing typed is an error.
pub(super) fn typed_code(form: &mut Form) -> String {
    let code = form.value("code").to_owned();
    if code.trim().is_empty() && !form.has_error_in("code") {
        form.field_error("code", messages::FIELD_REQUIRED);
    }
    code
}

/// The form to choose one of several methods.
pub(super) fn select(exchange: &Exchange, methods: &[&str]) -> Form {
    let template = exchange.gate.settings().text("two_factor_select_template");
    let fields = vec![Field::new("which", Kind::Radio, "").choices(choices(methods.iter().copied()), "").required()];
    Form::new("tf_select", template, exchange.action("tf_select"), fields)
}

/// What somebody without a code can do instead, and where.
pub(super) fn ways_out(exchange: &Exchange, pending: &Pending) -> Vec<(&'static str, String)> {
    let settings = exchange.gate.settings();
    let here = || exchange.gate.url("two_factor_rescue");
    let mut ways = vec![("help", here())];
    if settings.flag("two_factor_rescue_email") && !second_factor::is_same_way(&pending.first, "email") {
        ways.push(("email", here()));
    }
    let codes_are_on = exchange.gate.endpoint_url(".mf_recovery").is_some();
    if codes_are_on && recovery::left(&exchange.gate, &pending.user, exchange.now) > 0 {
        ways.push(("recovery_code", exchange.gate.url("mf_recovery")));
    }
    ways
}

/// The same as the member of JSON replies.
pub(super) fn recovery_options(ways: &[(&'static str, String)]) -> Value {
    ways.iter().map(|(name, url)| ((*name).to_owned(), url.as_str().into())).collect::<Map<_, _>>().into()
}

/// The form to choose one of those.
pub(super) fn rescue(exchange: &Exchange, ways: &[(&'static str, String)]) -> Form {
    let template = exchange.gate.settings().text("two_factor_verify_code_template");
    let choices = ways.iter().map(|(name, _)| match *name {
        "email" => Choice::new(*name, "Mail me a code", "To the address of your account."),
        "recovery_code" => Choice::new(*name, "Use a recovery code", "One of those that you have written down."),
        _ => Choice::new(*name, "Ask for help", "We tell the people who run this site; it may take a while."),
    });
    let fields = vec![Field::new("help_setup", Kind::Radio, "").choices(choices.collect(), "").required()];
    Form::new("two_factor_rescue_form", template, exchange.action("two_factor_rescue"), fields)
}

/// What the page for a code shows beside the form: where the code is found, and the form of what to do without one.
pub(super) fn code_page(exchange: &Exchange, form: &mut Form, pending: &Pending, rescue: &Form, problem: &str) {
    let method = second_factor::code_method(&pending.user).name();
    let rescue = rescue.view(exchange.messages());
    form.payload.extend([
        ("chosen_method".to_owned(), json!(method)),
        ("rescue_form".to_owned(), rescue),
        ("problem".to_owned(), json!(problem)),
    ]);
}
