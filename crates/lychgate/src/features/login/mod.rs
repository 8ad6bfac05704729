//! Sign in with a password, and the remember-me cookie.

mod form;
pub(crate) mod openapi;
pub(crate) mod settings;

use std::sync::Arc;

use http::Method;
use lychgate_store::User;
use serde_json::json;

use crate::{
    accounts::username_problem,
    events::Event,
    failure::Failure,
    flow::{account, authenticate, lockout, second_factor::Step, sign_in::SignIn},
    gate::Lychgate,
    identity, messages,
    settings::{IdentityAttribute, Settings},
    web::{
        answer::Reply,
        exchange::Exchange,
        form::Form,
        routes::{Call, Routes},
        session::key,
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    // Another feature may serve this place.
    let by_code = settings.flag("unified_signin") && settings.flag("us_signin_replaces_login");
    let here = !settings.flag("passwordless") && !by_code;
    settings.text_opt("login_url").filter(|_| here).map(|url| ("login", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "anyone", get);
        routes.add(name, &[Method::POST], &url, "anyone", post);
    }
}

/// The page, or what a program needs for signing in.
async fn get(call: Call) -> Result<Reply, Failure> {
    let user = call.current().await?;
    if user.is_none() {
        // Whoever comes back to the beginning begins anew.
        call.forget_pending();
    }
    if call.method == Method::GET {
        call.session(|session| session.set(key::CSRF_COOKIE, "set"));
    }
    if !call.wants_json() {
        if user.is_some() {
            // Not to `next`: a page that asks for more than a session would send them straight back, for ever.
            return Err(Failure::AlreadySignedIn);
        }
        return Ok(Reply::Form(Box::new(form::login(&call))));
    }
    let mut members = json!({"identity_attributes": form::identity_attributes(&call)});
    if let (Some(who), Some(map)) = (&user, members.as_object_mut()) {
        map.insert("user".to_owned(), call.user_payload(&who.user, false).await?);
    }
    Ok(Reply::Json(call.members(members)))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    call.anonymous_only().await?;
    let mut form = form::login(&call);
    form.fill(&call.submitted)?;
    let user = check(&call, &mut form).await?;
    call.check_next(&mut form);
    call.csrf_of_form(&mut form);
    let Some(user) = user.filter(|_| !form.has_errors()) else { return refuse(&call, form) };
    let next = call.asked_next(Some(&form));
    let sign_in = SignIn { via: "password", user: &user, remember: form.is_checked("remember") };
    match call.first_factor(sign_in, next.as_deref()).await? {
        Step::SignedIn => {}
        Step::Asked(reply) => return Ok(reply),
        Step::NotThisWay => return Err(Failure::not_this_way()),
    }
    if call.wants_json() {
        let user = call.user_payload(&user, true).await?;
        return Ok(Reply::Json(call.members(json!({"tf_required": false, "user": user}))));
    }
    Ok(Reply::Redirect(call.after(Some(&form), "post_login_view")))
}

/// Fields, then the user, then the password, and only then whether the account may be used.
async fn check(call: &Exchange, form: &mut Form) -> Result<Option<Arc<User>>, Failure> {
    let by_username = form.has_field("username") && form.value("email").trim().is_empty();
    let field = if by_username { "username" } else { "email" };
    let identity = named_identity(call, form, field);
    if form.value("password").is_empty() && !form.has_error_in("password") {
        form.field_error("password", messages::PASSWORD_NOT_PROVIDED);
    }
    if form.has_errors() {
        return Ok(None);
    }
    let user = match &identity {
        Some((attribute, value)) => {
            authenticate::by_attribute(&call.gate, field, value, attribute.case_insensitive).await?
        }
        None => None,
    };
    let password = call.gate.normalize_password(form.value("password"));
    let matches = lockout::password_is_right(call, user.as_deref(), form.value(field), &password).await?;
    if user.is_none() {
        call.audit_failure(None, "password");
    }
    match user {
        None if identity.is_none() && form.has_field("username") => form.form_error(messages::USER_DOES_NOT_EXIST),
        None => form.field_error(field, messages::USER_DOES_NOT_EXIST),
        Some(user) if !matches => {
            call.gate.events().send(&Event::UserFailedAuthentication { user_id: Some(user.id), via: "password" });
            call.note_failure(user.id, "password");
            form.field_error("password", messages::INVALID_PASSWORD);
        }
        Some(user) => match account::problem_for_owner(call, &user).await? {
            None => return Ok(Some(user)),
            Some(problem) => form.field_error(field, problem),
        },
    }
    Ok(None)
}

/// The attribute that `field` names and its normalised value. Nothing if it identifies nobody here, which without an
/// error of the field is an error of the form.
fn named_identity<'a>(
    call: &'a Exchange,
    form: &mut Form,
    field: &'static str,
) -> Option<(&'a IdentityAttribute, String)> {
    let attributes = call.gate.settings().identity_attributes();
    let attribute = attributes.iter().find(|attribute| attribute.name == field);
    let text = form.value(field).trim().to_owned();
    if form.has_error_in(field) {
        return None;
    }
    if text.is_empty() {
        if form.has_field("email") && !form.has_field("username") {
            form.field_error("email", messages::EMAIL_NOT_PROVIDED);
        }
        return None;
    }
    let rules = call.gate.identity_rules();
    let value = match field {
        "email" => {
            identity::map(rules, "uia_email_mapper", form.value(field)).ok_or(messages::INVALID_EMAIL_ADDRESS.into())
        }
        _ => identity::username::normalize(&text, &rules.username)
            .map(Option::unwrap_or_default)
            .map_err(|problem| username_problem(call.gate.settings(), problem)),
    };
    match value {
        Ok(value) => attribute.map(|attribute| (attribute, value)),
        Err(problem) => {
            form.field_error(field, problem);
            None
        }
    }
}

fn refuse(call: &Exchange, mut form: Form) -> Result<Reply, Failure> {
    let settings = call.gate.settings();
    if settings.flag("return_generic_responses") {
        form.generalise(&["email", "username", "password"], messages::GENERIC_AUTHN_FAILED);
        return Err(form.rejected());
    }
    let unconfirmed = form.errors_in_order().any(|(_, message)| message.key == messages::CONFIRMATION_REQUIRED);
    if unconfirmed
        && !call.wants_json()
        && let Some(view) = call.view("requires_confirmation_error_view")
    {
        call.flash(messages::CONFIRMATION_REQUIRED);
        let email = form_urlencoded::Serializer::new(String::new()).append_pair("email", form.value("email")).finish();
        return Ok(Reply::Redirect(format!("{view}?{email}")));
    }
    Err(form.rejected())
}
