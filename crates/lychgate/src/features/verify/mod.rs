//! Prove again who you are, for what asks for a fresh proof.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::Method;
use lychgate_store::User;
use serde_json::json;

use crate::{
    events::Event,
    failure::Failure,
    flow::{lockout, passkeys},
    gate::Lychgate,
    messages,
    settings::Settings,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind},
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let on = settings.duration("freshness").is_some_and(|freshness| !freshness.is_negative());
    settings.text_opt("verify_url").filter(|_| on).map(|url| ("verify", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    for (name, url) in endpoints(gate.settings()) {
        routes.add(name, &[Method::GET], &url, "signed in", get);
        routes.add(name, &[Method::POST], &url, "signed in", post);
    }
}

async fn form(exchange: &Exchange, user: &User) -> Result<Form, Failure> {
    let settings = exchange.gate.settings();
    let fields = vec![
        Field::new("next", Kind::Hidden, ""),
        Field::new("password", Kind::Password, "Password").autocomplete("current-password").required(),
    ];
    let mut form = Form::new("verify_form", settings.text("verify_template"), exchange.action("verify"), fields);
    let passkey = passkeys::can_verify(&exchange.gate, user).await?;
    form.payload.insert("has_webauthn_verify_credential".to_owned(), passkey.into());
    form.payload.insert("oauth_enabled".to_owned(), false.into());
    form.payload.insert("oauth_providers".to_owned(), json!([]));
    if let Some(next) = exchange.query("next") {
        form.set_value("next", &next);
    }
    Ok(form)
}

async fn get(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let form = form(&call, &who.user).await?;
    if !call.wants_json() {
        return Ok(Reply::Form(Box::new(form)));
    }
    let mut payload = form.payload.clone();
    payload.insert("user".to_owned(), call.user_payload(&who.user, false).await?);
    Ok(Reply::Json(call.members(payload.into())))
}

async fn post(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let mut form = form(&call, &who.user).await?;
    form.fill(&call.submitted)?;
    if form.value("password").is_empty() && !form.has_error_in("password") {
        form.field_error("password", messages::PASSWORD_NOT_PROVIDED);
    } else if !form.has_errors() {
        let password = call.gate.normalize_password(form.value("password"));
        if !lockout::password_is_right(&call, Some(&who.user), "", &password).await? {
            call.note_failure(who.user.id, "verify");
            form.field_error("password", messages::INVALID_PASSWORD);
        }
    }
    call.check_next(&mut form);
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    call.proved_again("password");
    call.gate.events().send(&Event::UserReauthenticated { user_id: who.user.id });
    if call.wants_json() {
        let user = call.user_payload(&who.user, true).await?;
        return Ok(Reply::Json(call.members(json!({"user": user}))));
    }
    call.flash(messages::REAUTHENTICATION_SUCCESSFUL);
    Ok(Reply::Redirect(call.after(Some(&form), "post_verify_view")))
}
