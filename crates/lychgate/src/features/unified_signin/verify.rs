//! Proving again who you are, by any pass code.

use serde_json::json;

use super::{
    forms,
    passcode::{self, Judged},
};
use crate::{
    events::Event,
    failure::Failure,
    messages,
    web::{answer::Reply, routes::Call},
};

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let form = forms::verify(&call, &who.user).await?;
    let sent = forms::sent_to(&call.gate, &who.user);
    if !call.wants_json() {
        return Ok(Reply::Form(Box::new(forms::page(form, &sent))));
    }
    let mut members = forms::facts(&call.gate, &sent);
    members.remove("identity_attributes");
    let passkey = form.payload.get("has_webauthn_verify_credential").cloned().unwrap_or_default();
    members.insert("has_webauthn_verify_credential".to_owned(), passkey);
    members.insert("oauth_enabled".to_owned(), call.gate.settings().flag("oauth_enable").into());
    members.insert("oauth_providers".to_owned(), json!([]));
    Ok(Reply::Json(call.members(members.into())))
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let mut form = forms::verify(&call, &who.user).await?;
    form.fill(&call.submitted)?;
    let mut form = form.without(&[messages::INVALID_CHOICE]);
    call.check_next(&mut form);
    call.csrf_of_form(&mut form);
    let page = |form| forms::page(form, &forms::sent_to(&call.gate, &who.user));
    if form.has_errors() {
        return Err(page(form).rejected());
    }
    let method = match passcode::judge(&call, "us-verify", Some(&who.user), form.value("passcode")).await? {
        Judged::Right(method) => method,
        Judged::TooMany { retry_after } if call.wants_json() => return Err(Failure::TooMany { retry_after }),
        judged => {
            passcode::refuse(&mut form, judged);
            return Err(page(form).rejected());
        }
    };
    call.proved_again(method);
    call.gate.events().send(&Event::UserReauthenticated { user_id: who.user.id });
    if call.wants_json() {
        let user = call.user_payload(&who.user, true).await?;
        return Ok(Reply::Json(call.members(json!({"user": user}))));
    }
    call.flash(messages::REAUTHENTICATION_SUCCESSFUL);
    Ok(Reply::Redirect(call.after(Some(&form), "post_verify_view")))
}
