//! What the forms that ask for an address alone have in common: who is meant, and saying as much to everybody.

use std::sync::Arc;

use lychgate_store::User;

use super::{account, authenticate, letters::MailedLink};
use crate::{
    failure::Failure,
    identity, messages,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind, Message},
    },
};

/// A form that asks for an address.
pub(crate) fn form(exchange: &Exchange, name: &'static str, template: &str, endpoint: &str) -> Form {
    let email = Field::new("email", Kind::Email, "Email").autocomplete("email").required();
    Form::new(name, exchange.gate.settings().text(template), exchange.action(endpoint), vec![email])
}

/// The user whose address was typed; what is wrong becomes an error of the field.
pub(crate) async fn find(exchange: &Exchange, form: &mut Form) -> Result<Option<Arc<User>>, Failure> {
    if form.has_error_in("email") {
        return Ok(None);
    }
    if form.value("email").trim().is_empty() {
        form.field_error("email", messages::EMAIL_NOT_PROVIDED);
        return Ok(None);
    }
    let Some(email) = identity::map(exchange.gate.identity_rules(), "uia_email_mapper", form.value("email")) else {
        form.field_error("email", messages::INVALID_EMAIL_ADDRESS);
        return Ok(None);
    };
    form.set_value("email", &email);
    let user = authenticate::by_attribute(&exchange.gate, "email", &email, true).await?;
    if user.is_none() {
        form.field_error("email", messages::USER_DOES_NOT_EXIST);
    }
    Ok(user)
}

/// As [`find`], and the account may be used.
pub(crate) async fn find_usable(exchange: &Exchange, form: &mut Form) -> Result<Option<Arc<User>>, Failure> {
    let Some(user) = find(exchange, form).await? else { return Ok(None) };
    match account::problem(&exchange.gate, &user).await? {
        None => Ok(Some(user)),
        Some(problem) => {
            form.field_error("email", problem);
            Ok(None)
        }
    }
}

/// Whether replies must not tell who has an account.
pub(crate) fn is_generic(exchange: &Exchange) -> bool {
    exchange.gate.settings().flag("return_generic_responses")
}

/// The refused form. Where replies must not tell who has an account it says nothing of the address, only what else was
/// wrong.
pub(crate) fn refused(exchange: &Exchange, form: Form) -> Failure {
    if is_generic(exchange) { form.without(&TELLING).rejected() } else { form.rejected() }
}

/// What an address alone can be refused for.
const TELLING: [messages::MessageKey; 7] = [
    messages::EMAIL_NOT_PROVIDED,
    messages::INVALID_EMAIL_ADDRESS,
    messages::USER_DOES_NOT_EXIST,
    messages::EMAIL_ALREADY_ASSOCIATED,
    messages::DISABLED_ACCOUNT,
    messages::CONFIRMATION_REQUIRED,
    messages::ALREADY_CONFIRMED,
];

/// Takes as long as making and storing a link would have, where there was nobody to make it for.
pub(crate) async fn decoy(exchange: &Exchange) -> Result<(), Failure> {
    let text = exchange.gate.hashing().data_hash("nobody").await?;
    exchange.gate.store().meta_set("decoy", &text).await?;
    Ok(())
}

/// The reply when a mail is on its way, or would be: the page again with a message, or the token for the next form.
///
/// Where the link may be opened on another device, it is the page with the field for the code that it shows there.
pub(crate) fn sent(exchange: &Exchange, form: Form, message: Message, kind: &MailedLink) -> Reply {
    if exchange.wants_json() {
        return Reply::Json(exchange.members(serde_json::json!({})));
    }
    exchange.flash(message);
    if exchange.is_waiting(kind) {
        return exchange.waiting_page(kind, form.value("email"));
    }
    Reply::Form(Box::new(form.without_errors()))
}

/// For somebody unconfirmed who fills in a form: the page that explains, where one is configured.
pub(crate) fn explain_confirmation(exchange: &Exchange, form: &Form) -> Option<Reply> {
    let unconfirmed = form.errors_in_order().any(|(_, message)| message.key == messages::CONFIRMATION_REQUIRED);
    if !unconfirmed || exchange.wants_json() || is_generic(exchange) {
        return None;
    }
    let view = exchange.view("requires_confirmation_error_view")?;
    exchange.flash(messages::CONFIRMATION_REQUIRED);
    Some(Reply::Redirect(super::landing::with_query(&view, &[("email", form.value("email"))])))
}
