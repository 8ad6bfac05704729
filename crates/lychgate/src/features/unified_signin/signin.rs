//! The sign-in page.

use std::sync::Arc;

use http::Method;
use lychgate_store::User;
use serde_json::json;

use super::{
    forms,
    passcode::{self, Judged},
};
use crate::{
    failure::Failure,
    flow::{
        account::{self, AccountStatus},
        authenticate,
        by_email::is_generic,
        landing::with_query,
        second_factor::Step,
        sign_in::SignIn,
        unified,
    },
    messages,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Form, Message},
        routes::Call,
        session::key,
    },
};

/// The page, or what a program needs for signing in.
pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let user = call.current().await?;
    if user.is_none() {
        // Whoever comes back to the beginning begins anew.
        call.forget_pending();
    }
    if call.method == Method::GET {
        call.session(|session| session.set(key::CSRF_COOKIE, "set"));
    }
    let sent = unified::sent(&call.gate);
    if !call.wants_json() {
        if user.is_some() {
            return Err(Failure::AlreadySignedIn);
        }
        return Ok(Reply::Form(Box::new(forms::page(forms::signin(&call), &sent))));
    }
    let mut members = forms::facts(&call.gate, &sent);
    if let Some(who) = user {
        members.insert("user".to_owned(), call.user_payload(&who.user, false).await?);
    }
    Ok(Reply::Json(call.members(members.into())))
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    call.anonymous_only().await?;
    let mut form = read(&call)?;
    if form.has_errors() {
        return refuse(&call, form, None);
    }
    let found = authenticate::find(&call.gate, form.value("identity").trim()).await?;
    let off = match &found {
        Some(user) => account::standing(&call.gate, user).await?.status == AccountStatus::SwitchedOff,
        None => false,
    };
    let usable = found.as_ref().filter(|_| !off);
    let judged = passcode::judge(&call, "us", usable.map(Arc::as_ref), form.value("passcode")).await?;
    let method = match (&found, usable, judged) {
        (None, ..) => {
            form.field_error("identity", messages::US_SPECIFY_IDENTITY);
            return refuse(&call, form, None);
        }
        (_, None, _) => {
            form.field_error("identity", messages::DISABLED_ACCOUNT);
            return refuse(&call, form, None);
        }
        (_, _, Judged::Right(method)) => method,
        (_, _, Judged::TooMany { retry_after }) if call.wants_json() && !is_generic(&call) => {
            return Err(Failure::TooMany { retry_after });
        }
        (_, _, judged) => {
            passcode::refuse(&mut form, judged);
            return refuse(&call, form, None);
        }
    };
    let Some(user) = found else { return Err(Failure::internal("a user was lost")) };
    if let Some(problem) = account::problem_for_owner(&call, &user).await? {
        form.field_error("identity", problem);
        return refuse(&call, form, Some(&user));
    }
    sign_in(&call, &form, &user, method).await
}

/// What was sent; with what is wrong with it by itself.
pub(super) fn read(call: &Call) -> Result<Form, Failure> {
    let mut form = forms::signin(call);
    form.fill(&call.submitted)?;
    let mut form = forms::forgive_choice(form);
    if form.value("identity").trim().is_empty() && !form.has_error_in("identity") {
        form.field_error("identity", messages::FIELD_REQUIRED);
    }
    call.check_next(&mut form);
    call.csrf_of_form(&mut form);
    Ok(form)
}

async fn sign_in(call: &Call, form: &Form, user: &User, method: &'static str) -> Result<Reply, Failure> {
    let sign_in = SignIn { via: method, user, remember: form.is_checked("remember") };
    if call.gate.settings().list("us_mfa_required").iter().any(|name| name == method) {
        match call.first_factor(sign_in, call.asked_next(Some(form)).as_deref()).await? {
            Step::SignedIn => {}
            Step::Asked(reply) => return Ok(reply),
            Step::NotThisWay => return Err(Failure::not_this_way()),
        }
    } else {
        call.sign_in(sign_in).await?;
    }
    if call.wants_json() {
        let user = call.user_payload(user, true).await?;
        return Ok(Reply::Json(call.members(json!({"tf_required": false, "user": user}))));
    }
    Ok(Reply::Redirect(call.after(Some(form), "post_login_view")))
}

/// The refused form; `proved` is the user if the pass code was right.
fn refuse(call: &Exchange, mut form: Form, proved: Option<&User>) -> Result<Reply, Failure> {
    if is_generic(call) {
        form.generalise(&["identity", "passcode"], messages::GENERIC_AUTHN_FAILED);
    } else if let Some(reply) = explain_confirmation(call, &form, proved) {
        return Ok(reply);
    }
    Err(forms::page(form, &unified::sent(&call.gate)).rejected())
}

/// For somebody unconfirmed: the page that explains, where one is configured. Whoever has not proved who they are is
/// told no address but the one that they typed.
pub(super) fn explain_confirmation(call: &Exchange, form: &Form, proved: Option<&User>) -> Option<Reply> {
    let unconfirmed = form.errors_in_order().any(|(_, message)| message.key == messages::CONFIRMATION_REQUIRED);
    if !unconfirmed || call.wants_json() || is_generic(call) {
        return None;
    }
    let view = call.view("requires_confirmation_error_view")?;
    call.flash(Message::from(messages::CONFIRMATION_REQUIRED));
    let typed = Some(form.value("identity").trim()).filter(|typed| typed.contains('@'));
    let email = proved.map(|user| user.email.as_str()).or(typed);
    Some(Reply::Redirect(email.map_or(view.clone(), |email| with_query(&view, &[("email", email)]))))
}
