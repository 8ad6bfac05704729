//! Move an account to another e-mail address, proved by a link that is mailed there.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::Method;
use lychgate_store::{ErrorKind, User, UserPatch};
use serde_json::json;

use crate::{
    failure::Failure,
    flow::{
        account_page::PartFuture,
        activity::What,
        authenticate, by_email,
        landing::token_route,
        letters,
        links::{self, Refused},
        names,
        notices::Notice,
    },
    gate::Lychgate,
    identity, messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind, Message},
        identify::Authenticated,
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = settings.text_opt("change_email_url").filter(|_| settings.flag("change_email"));
    url.map(|url| ("change_email", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "signed in, fresh", get);
        routes.add(name, &[Method::POST], &url, "signed in, fresh", post);
        let link = token_route(&url);
        routes.add("change_email_confirm", &[Method::GET], &link, "the mailed link", follow);
        routes.add("change_email_confirm", &[Method::POST], &link, "the mailed link", confirm);
    }
}

async fn admit(call: &Call) -> Result<std::sync::Arc<Authenticated>, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    // Links that set a new password and mailed codes go to the address.
    call.admit_to_change(&who).await?;
    Ok(who)
}

fn form(call: &Exchange, user: &User) -> Form {
    let email = Field::new("email", Kind::Email, "New email").autocomplete("email").required();
    let template = call.gate.settings().text("change_email_template");
    let mut form = Form::new("change_email_form", template, call.action("change_email"), vec![email]);
    form.payload.insert("current_email".to_owned(), user.email.as_str().into());
    form
}

async fn members(call: &Exchange, user: &User) -> Result<Reply, Failure> {
    let payload = call.user_payload(user, false).await?;
    Ok(Reply::Json(call.members(json!({"current_email": user.email, "user": payload}))))
}

/// What it adds to the account page.
pub(crate) fn account_part<'a>(call: &'a Exchange, _user: &'a User) -> PartFuture<'a> {
    call.leads_to("email", "change_email", true)
}

async fn get(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    if call.wants_json() {
        return members(&call, &who.user).await;
    }
    Ok(Reply::Form(Box::new(form(&call, &who.user))))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    let mut form = form(&call, &who.user);
    form.fill(&call.submitted)?;
    let email = new_address(&call, &mut form).await?;
    call.csrf_of_form(&mut form);
    let taken = form.errors_in_order().any(|(_, message)| message.key == messages::EMAIL_ALREADY_ASSOCIATED);
    if taken && by_email::is_generic(&call) && !form.has_error_in("csrf_token") {
        by_email::decoy(&call).await?;
        form = form.without_errors();
    } else {
        if taken && by_email::is_generic(&call) {
            return Err(by_email::refused(&call, form));
        }
        let Some(email) = email.filter(|_| !form.has_errors()) else { return Err(form.rejected()) };
        let link = call.gate.change_email_link(&who.user, &email, call.now).await?;
        call.mail_link(&letters::CHANGE_EMAIL, &who.user, &email, &link).await?;
    }
    if call.wants_json() {
        return members(&call, &who.user).await;
    }
    call.flash(Message::from(messages::CHANGE_EMAIL_SENT).with("email", form.value("email")));
    Ok(Reply::Form(Box::new(form)))
}

async fn new_address(call: &Exchange, form: &mut Form) -> Result<Option<String>, Failure> {
    if form.has_error_in("email") {
        return Ok(None);
    }
    if form.value("email").trim().is_empty() {
        form.field_error("email", messages::EMAIL_NOT_PROVIDED);
        return Ok(None);
    }
    let Some(email) = identity::map(call.gate.identity_rules(), "uia_email_mapper", form.value("email")) else {
        form.field_error("email", messages::INVALID_EMAIL_ADDRESS);
        return Ok(None);
    };
    form.set_value("email", &email);
    if authenticate::by_attribute(&call.gate, "email", &email, true).await?.is_some() {
        let taken = Message::from(messages::EMAIL_ALREADY_ASSOCIATED).with("email", email);
        form.field_error("email", taken);
        return Ok(None);
    }
    Ok(Some(email))
}

async fn follow(call: Call) -> Result<Reply, Failure> {
    if call.asks_for_a_click() {
        return Ok(call.relay_page("Confirm your new email address", "Use this address"));
    }
    act(call).await
}

async fn confirm(call: Call) -> Result<Reply, Failure> {
    let mut form = call.relay_form();
    form.fill(&call.submitted)?;
    call.csrf_unauthenticated().await?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    act(call).await
}

async fn act(call: Call) -> Result<Reply, Failure> {
    let page = call.gate.url("change_email");
    let failed = |message: Message| Ok(call.landed(message, "change_email_error_view", page.clone(), None));
    let (user, email) = match call.gate.open_change_email_link(call.param("token"), call.now).await? {
        Ok(found) => found,
        Err(Refused::Invalid) => return failed(messages::API_ERROR.into()),
        Err(Refused::Expired(_)) => {
            let within = letters::CHANGE_EMAIL.within(call.gate.settings());
            return failed(Message::from(messages::CHANGE_EMAIL_EXPIRED).with("within", within));
        }
    };
    if authenticate::by_attribute(&call.gate, "email", &email, true).await?.is_some() {
        return failed(messages::API_ERROR.into());
    }
    let expected = UserPatch { email: Some(user.email.clone()), active: Some(true), ..UserPatch::default() };
    let mut patch = UserPatch { email: Some(email.clone()), ..UserPatch::default() };
    if call.gate.store().has_user_column("confirmed_at") {
        patch.confirmed_at = Some(Some(call.now.datetime()));
    }
    let mut post = call.post();
    call.notify(&mut post, &user, &Notice::EmailChanged { new: &email })?;
    let mut batch = call.gate.store().batch();
    names::take(&mut batch, "email", &email, user.id);
    batch.update_user_if(user.id, &expected, &patch, call.now.datetime());
    // Links that went to the old address must not open the account any more.
    for kind in ["reset", "login", "change-email"] {
        links::outdate(&mut batch, kind, user.id, call.now);
    }
    call.note(&mut batch, user.id, What::EmailChanged, Some(&email));
    match call.commit_and_send(batch, post).await {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_) | ErrorKind::Conflict { .. }) => {
            return failed(messages::API_ERROR.into());
        }
        Err(error) => return Err(error.into()),
    }
    let changed = call.gate.store().user_by_id(user.id).await?.unwrap_or(user);
    let home = call.signed_in_home();
    Ok(call.landed(messages::CHANGE_EMAIL_CONFIRMED.into(), "post_change_email_view", home, Some(&changed)))
}
