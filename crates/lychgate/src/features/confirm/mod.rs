//! Confirm an e-mail address by a mailed link.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::Method;
use lychgate_store::{ErrorKind, User, UserPatch};
use serde_json::json;

use crate::{
    failure::Failure,
    flow::{
        account_page::{Action, PartFuture, Place, Row, Section},
        activity::What,
        by_email, even,
        landing::token_route,
        letters,
        links::{LinkUser, Refused},
        second_factor::Step,
        sign_in::SignIn,
        waiting::QUERY,
    },
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::Message,
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = settings.text_opt("confirm_url").filter(|_| settings.flag("confirmable"));
    url.map(|url| ("send_confirmation", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "anyone", get);
        routes.add(name, &[Method::POST], &url, "anyone", post);
        let link = token_route(&url);
        routes.add("confirm_email", &[Method::GET], &link, "the mailed link", follow);
        routes.add("confirm_email", &[Method::POST], &link, "the mailed link", confirm);
    }
}

/// What it adds to the account page: another link, for who has not followed one.
pub(crate) fn account_part<'a>(call: &'a Exchange, user: &'a User) -> PartFuture<'a> {
    let there = call.gate.endpoint_url(".send_confirmation").is_some() && user.confirmed_at.is_none();
    let section = there.then(|| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("email", &user.email).finish();
        let url = format!("{}?{query}", call.gate.url("send_confirmation"));
        let action = Action::link(call.text(&messages::ACCOUNT_CONFIRM.into()), url);
        Section::at(Place::SignIn).row(Row::more("email").action(action))
    });
    Box::pin(std::future::ready(Ok(section)))
}

async fn get(call: Call) -> Result<Reply, Failure> {
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    if call.query(QUERY).is_some() && call.is_waiting(&letters::CONFIRM) {
        return Ok(call.waiting_page(&letters::CONFIRM, &call.query("email").unwrap_or_default()));
    }
    let mut form = form(&call);
    if let Some(email) = call.query("email") {
        form.set_value("email", &email);
    }
    Ok(Reply::Form(Box::new(form)))
}

fn form(call: &Exchange) -> crate::web::form::Form {
    by_email::form(call, "send_confirmation_form", "send_confirmation_template", "send_confirmation")
}

async fn post(call: Call) -> Result<Reply, Failure> {
    even::evenly(&call, ask(&call)).await
}

async fn ask(call: &Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    if call.brings_relay_code() {
        return by_code(call).await;
    }
    let mut form = form(call);
    form.fill(&call.submitted)?;
    let user = by_email::find(call, &mut form).await?;
    if user.as_ref().is_some_and(|user| user.confirmed_at.is_some()) {
        form.field_error("email", messages::ALREADY_CONFIRMED);
    }
    let before = form.has_errors();
    call.csrf_of_form(&mut form);
    let request = Message::from(messages::CONFIRMATION_REQUEST).with("email", form.value("email"));
    if before && by_email::is_generic(call) && !form.has_error_in("csrf_token") {
        call.wait_for(&letters::CONFIRM);
        by_email::decoy(call).await?;
        return Ok(by_email::sent(call, form, request, &letters::CONFIRM));
    }
    let Some(user) = user.filter(|_| !form.has_errors()) else { return Err(by_email::refused(call, form)) };
    call.wait_for(&letters::CONFIRM);
    let link = call.gate.confirm_link(&user, call.now).await?;
    call.mail_link(&letters::CONFIRM, &user, &user.email, &link).await?;
    Ok(by_email::sent(call, form, request, &letters::CONFIRM))
}

/// The code that the link showed on another device.
async fn by_code(call: &Call) -> Result<Reply, Failure> {
    let mut form = call.waiting_form(&letters::CONFIRM);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    match call.redeem_relay_code(&letters::CONFIRM, &form).await? {
        Some(relayed) => match finish(call, relayed.user).await? {
            Ok(reply) => Ok(reply),
            Err(problem) => {
                form.form_error(problem);
                Err(form.rejected())
            }
        },
        None => Err(call.refused_code(form)),
    }
}

/// The link itself: it acts at once, or asks for a click where mail scanners must not be able to act.
async fn follow(call: Call) -> Result<Reply, Failure> {
    if call.asks_for_a_click() {
        let token = call.param("token");
        let code = match call.gate.open_confirm_link(token, call.now).await? {
            Ok(user) if user.confirmed_at.is_none() => call.relay_code(&letters::CONFIRM, &user, token).await?,
            _ => None,
        };
        return Ok(call.relay_page_with("Confirm your email address", "Confirm", code));
    }
    act(call).await
}

async fn confirm(call: Call) -> Result<Reply, Failure> {
    if call.asks_for_a_click() {
        let mut form = call.relay_form();
        form.fill(&call.submitted)?;
        call.csrf_unauthenticated().await?;
        call.csrf_of_form(&mut form);
        if form.has_errors() {
            return Err(form.rejected());
        }
    }
    act(call).await
}

async fn act(call: Call) -> Result<Reply, Failure> {
    let settings = call.gate.settings();
    let page = call.gate.url("send_confirmation");
    let failed = |message: Message| Ok(call.landed(message, "confirm_error_view", page.clone(), None));
    let user = match call.gate.open_confirm_link(call.param("token"), call.now).await? {
        Ok(user) => user,
        Err(Refused::Invalid) => return failed(messages::INVALID_CONFIRMATION_TOKEN.into()),
        Err(Refused::Expired(_)) => {
            let within = letters::CONFIRM.within(settings);
            return failed(Message::from(messages::CONFIRMATION_EXPIRED).with("within", within));
        }
    };
    match finish(&call, user).await? {
        Ok(reply) => Ok(reply),
        Err(problem) => failed(problem),
    }
}

/// Confirms the address and, if the settings say so, signs in; or why not.
async fn finish(call: &Call, user: LinkUser) -> Result<Result<Reply, Message>, Failure> {
    let settings = call.gate.settings();
    if user.confirmed_at.is_some() {
        return Ok(Err(messages::ALREADY_CONFIRMED.into()));
    }
    let unconfirmed = UserPatch { confirmed_at: Some(None), email: Some(user.email.clone()), ..UserPatch::default() };
    let confirmed = UserPatch { confirmed_at: Some(Some(call.now.datetime())), ..UserPatch::default() };
    let mut batch = call.gate.store().batch();
    batch.update_user_if(user.id, &unconfirmed, &confirmed, call.now.datetime());
    call.note(&mut batch, user.id, What::EmailConfirmed, None);
    match call.gate.store().commit(batch).await {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => {
            return Ok(Err(messages::ALREADY_CONFIRMED.into()));
        }
        Err(error) => return Err(error.into()),
    }
    if call.current().await?.is_none_or(|who| who.user.id != user.id) {
        call.sign_out().await?;
    }
    let mut fallback = call.gate.url("login");
    let mut signed_in = false;
    if settings.flag("auto_login_after_confirm") && user.active {
        match call.first_factor(SignIn { via: "confirm", user: &user, remember: false }, None).await? {
            Step::SignedIn => {
                signed_in = true;
                fallback = call.signed_in_home();
            }
            Step::Asked(reply) => {
                call.flash(messages::EMAIL_CONFIRMED);
                return Ok(Ok(reply));
            }
            // They sign in by something else than this mailbox.
            Step::NotThisWay => {}
        }
    }
    // A link is followed by a browser, whatever it accepts; a code may come from a program.
    if call.brings_relay_code() && call.wants_json() {
        let members = match signed_in {
            true => json!({"tf_required": false, "user": call.user_payload(&user, true).await?}),
            false => json!({}),
        };
        return Ok(Ok(Reply::Json(call.members(members))));
    }
    Ok(Ok(call.landed(messages::EMAIL_CONFIRMED.into(), "post_confirm_view", fallback, Some(&user))))
}
