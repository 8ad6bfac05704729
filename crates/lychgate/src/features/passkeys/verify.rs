//! Proving again who you are, with a passkey.

use serde_json::json;

use super::{
    assertion,
    ceremony::{self, Purpose},
    hints::Hint,
    refused,
};
use crate::{
    events::Event,
    failure::Failure,
    flow::{passkeys::of_usage, second_factor::passkey_proof},
    messages,
    web::{answer::Reply, exchange::Exchange, form::Form, routes::Call},
};

fn form(call: &Exchange) -> Form {
    Form::new("wan_verify_form", call.gate.settings().text("wan_verify_template"), call.action("wan_verify"), vec![])
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    call.admit(&call.config().api_mechanisms, None).await?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    Ok(Reply::Form(Box::new(form(&call))))
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let mut form = form(&call);
    form.fill(&call.submitted)?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    let usages = call.gate.settings().list("wan_allow_as_verify");
    let mine = of_usage(&call.gate, &who.user, usages).await?;
    let hints: Vec<Hint> = mine.iter().map(Hint::from).collect();
    let (options, state) = ceremony::begin(&call, Purpose::Again(&who), usages, &hints)?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"credential_options": options, "wan_state": state}))));
    }
    let action = ceremony::action(&call, "wan_verify", &state);
    let mut form = assertion::form(&call, "wan_verify_template", action);
    form.payload.insert("passkey_call".to_owned(), ceremony::for_script("handleSignin", &options).into());
    Ok(Reply::Form(Box::new(form)))
}

pub(super) async fn respond(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    let state = call.param("token");
    let mut form = assertion::form(&call, "wan_verify_template", String::new());
    form.fill(&call.submitted)?;
    let purpose = Purpose::Again(&who);
    let payload = match ceremony::open_signin(&call, purpose, state) {
        Ok(payload) => payload,
        Err(problem) => {
            let mut form = form.without_errors();
            form.form_error(problem);
            return refused(&call, form, "wan_verify");
        }
    };
    call.check_next(&mut form);
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return refused(&call, form, "wan_verify");
    }
    let Some(proof) = assertion::judge(&call, &mut form, &payload, purpose).await? else {
        return refused(&call, form, "wan_verify");
    };
    if !assertion::note(&call, &mut form, state, &proof).await? {
        return refused(&call, form, "wan_verify");
    }
    call.proved_again(passkey_proof(proof.verified_user()));
    call.gate.events().send(&Event::UserReauthenticated { user_id: proof.user.id });
    if call.wants_json() {
        let user = call.user_payload(&proof.user, true).await?;
        return Ok(Reply::Json(call.members(json!({"user": user}))));
    }
    call.flash(messages::REAUTHENTICATION_SUCCESSFUL);
    Ok(Reply::Redirect(call.after(Some(&form), "post_verify_view")))
}
