//! The forms, and what programs are told beside them.

use lychgate_store::User;
use serde_json::{Map, Value, json};

use crate::{
    failure::Failure,
    flow::{passkeys, unified},
    gate::Lychgate,
    messages::{self, MessageKey, words},
    web::{
        exchange::Exchange,
        form::{Choice, Field, Form, Kind},
    },
};

/// What people call a kind of code.
pub(super) fn label(method: &str) -> Option<MessageKey> {
    match method {
        "email" => Some(messages::CODE_BY_EMAIL),
        "authenticator" => Some(messages::CODE_BY_AUTHENTICATOR),
        "sms" => Some(messages::CODE_BY_SMS),
        _ => None,
    }
}

/// What to choose from, in words.
pub(super) fn choices(exchange: &Exchange, methods: &[&str], help: impl Fn(&str) -> String) -> Vec<Choice> {
    let choice = |method: &&str| Some(Choice::new(*method, exchange.text(&label(method)?.into()), help(method)));
    methods.iter().filter_map(choice).collect()
}

/// The names of the columns by which somebody may say who they are.
fn identity_attributes(gate: &Lychgate) -> Vec<&str> {
    gate.settings().identity_attributes().iter().map(|attribute| attribute.name.as_str()).collect()
}

/// What programs are told of the ways to sign in; `sent` are the kinds of code that can be asked for.
pub(super) fn facts(gate: &Lychgate, sent: &[&str]) -> Map<String, Value> {
    Map::from_iter([
        ("available_methods".to_owned(), json!(unified::enabled(gate))),
        ("code_methods".to_owned(), json!(sent)),
        ("identity_attributes".to_owned(), json!(identity_attributes(gate))),
    ])
}

fn passcode(gate: &Lychgate) -> Field {
    let enabled = unified::enabled(gate);
    let (label, complete) = match (enabled.contains(&"password"), enabled.len()) {
        (true, 1) => (words("Password"), "current-password"),
        (true, _) => (words("Password or code"), "current-password"),
        (false, _) => (words("Code"), "one-time-code"),
    };
    Field::new("passcode", Kind::Passcode, label).autocomplete(complete)
}

/// Which code to send; nothing to choose from, no field.
fn chosen_method(exchange: &Exchange, sent: &[&str]) -> Option<Field> {
    let field = || {
        Field::new("chosen_method", Kind::Radio, "Send me a code")
            .choices(choices(exchange, sent, |_| String::new()), "")
    };
    (!sent.is_empty()).then(field)
}

/// The form to sign in with, which also asks for a code.
pub(super) fn signin(exchange: &Exchange) -> Form {
    let (gate, settings) = (&exchange.gate, exchange.gate.settings());
    let attributes = identity_attributes(gate);
    let label = match (attributes.contains(&"username"), attributes.contains(&"us_phone_number")) {
        (false, false) => words("Email"),
        (true, false) => words("Email or username"),
        (false, true) => words("Email or phone number"),
        (true, true) => words("Email, username or phone number"),
    };
    let passkeys = settings.flag("webauthn") && settings.flag("wan_allow_as_first_factor");
    let complete = if passkeys { "username webauthn" } else { "username" };
    let mut fields = vec![
        Field::new("identity", Kind::Text, label).autocomplete(complete).required(),
        passcode(gate),
        Field::new("remember", Kind::Checkbox, "").checked(settings.flag("default_remember_me")),
        Field::new("next", Kind::Hidden, ""),
    ];
    fields.extend(chosen_method(exchange, &unified::sent(gate)));
    let action = exchange.action("us_signin");
    let form = Form::new("us_signin_form", settings.text("us_signin_template"), action, fields);
    let mut form = form.error_order(&["next", "passcode", "chosen_method", "identity"]);
    form.payload.insert("send_action".to_owned(), exchange.action("us_signin_send_code").into());
    if passkeys {
        let within = settings.duration("wan_signin_within").map_or(0, |within| within.as_secs());
        form.payload.insert("passkey_within".to_owned(), within.into());
    }
    with_next(exchange, form)
}

/// The form to prove who one is.
pub(super) async fn verify(exchange: &Exchange, user: &User) -> Result<Form, Failure> {
    let gate = &exchange.gate;
    let sent = sent_to(gate, user);
    let mut fields = vec![Field::new("next", Kind::Hidden, ""), passcode(gate)];
    fields.extend(chosen_method(exchange, &sent));
    let template = gate.settings().text("us_verify_template");
    let mut form = Form::new("us_verify_form", template, exchange.action("us_verify"), fields);
    let passkey = passkeys::can_verify(gate, user).await?;
    form.payload.insert("has_webauthn_verify_credential".to_owned(), passkey.into());
    form.payload.insert("send_action".to_owned(), exchange.action("us_verify_send_code").into());
    Ok(with_next(exchange, form))
}

/// The kinds of code that can be sent to a user.
pub(super) fn sent_to(gate: &Lychgate, user: &User) -> Vec<&'static str> {
    let theirs = unified::methods_of(gate, user);
    unified::sent(gate).into_iter().filter(|method| theirs.contains(method)).collect()
}

/// Nothing chosen is nothing wrong, and a kind of code that is switched off, or that this user does not have, is not
/// available, but no wrong choice.
pub(super) fn forgive_choice(form: Form) -> Form {
    match form.value("chosen_method") {
        "" | "email" | "sms" => form.without(&[messages::INVALID_CHOICE]),
        _ => form,
    }
}

/// The page, with the first kind of code chosen.
pub(super) fn page(mut form: Form, sent: &[&str]) -> Form {
    if form.value("chosen_method").is_empty() {
        form.set_value("chosen_method", sent.first().copied().unwrap_or_default());
    }
    form
}

fn with_next(exchange: &Exchange, mut form: Form) -> Form {
    if let Some(next) = exchange.query("next") {
        form.set_value("next", &next);
    }
    form
}
