//! The first code of a new kind: only now it is stored.

use lychgate_signing::tokens::{RedeemError, UnifiedSetupPayload};
use serde_json::json;

use super::{
    change,
    store::{self, New, Written},
};
use crate::{
    failure::Failure,
    flow::{
        code_setup,
        codes::{self, Means, Outcome, Secret},
        letters::within,
        unified,
    },
    messages,
    web::{
        answer::Reply,
        form::{Form, Message},
        identify::Authenticated,
        routes::Call,
    },
};

/// What a state of this caller says.
fn open(call: &Call, who: &Authenticated, state: &str) -> Result<(UnifiedSetupPayload, Means), Message> {
    let payload = match call.gate.unified().setup.redeem(state, call.now.unix()) {
        Ok(redeemed) => redeemed.payload,
        Err(RedeemError::Expired(_)) => {
            let within = within(call.gate.settings(), "us_setup_within");
            return Err(Message::from(messages::US_SETUP_EXPIRED).with("within", within));
        }
        Err(_) => return Err(messages::API_ERROR.into()),
    };
    let open = unified::to_set_up(&call.gate);
    let means = Means::named(&payload.chosen_method).filter(|means| open.contains(&means.name()));
    match means.filter(|_| code_setup::is_bound(call, who, payload.binding.as_ref())) {
        Some(means) => Ok((payload, means)),
        None => Err(messages::API_ERROR.into()),
    }
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    call.second_factor_takes_part(&who).await?;
    let state = call.param("token").to_owned();
    let mut form = change::code_form(&call, &state);
    let (payload, means) = match open(&call, &who, &state) {
        Ok(opened) => opened,
        Err(message) => return refuse(&call, form, message),
    };
    form.fill(&call.submitted)?;
    let code = form.value("passcode").to_owned();
    if code.trim().is_empty() && !form.has_error_in("passcode") {
        form.field_error("passcode", messages::FIELD_REQUIRED);
    }
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return again(&call, &who, form, means, &payload).await;
    }
    let secret = Secret { user: &who.user, scope: "us-setup", means, stored: &payload.totp_secret };
    match codes::check_code(&call, &secret, &code).await? {
        Outcome::Right => {}
        Outcome::Wrong => {
            form.field_error("passcode", messages::INVALID_PASSWORD_CODE);
            return again(&call, &who, form, means, &payload).await;
        }
        Outcome::TooMany { retry_after } if call.wants_json() => return Err(Failure::TooMany { retry_after }),
        Outcome::TooMany { retry_after } => {
            form.field_error("passcode", codes::wait_message(retry_after));
            return again(&call, &who, form, means, &payload).await;
        }
    }
    let phone = payload.phone_number.as_deref().filter(|_| means == Means::Sms);
    let new = New { means, secret: &payload.totp_secret, phone, state: &state };
    match store::add(&call, &who.user, &new).await? {
        Written::Done => {}
        Written::Taken => return refuse(&call, form, change::taken(phone.unwrap_or_default())),
        Written::Stale | Written::LastWayIn => return refuse(&call, form, messages::API_ERROR.into()),
    }
    if call.wants_json() {
        let by_sms = unified::enabled(&call.gate).contains(&"sms");
        let phone = phone.or(who.user.us_phone_number.as_deref()).filter(|_| by_sms);
        return Ok(Reply::Json(call.members(json!({"chosen_method": means.name(), "phone": phone}))));
    }
    call.flash(messages::US_SETUP_SUCCESSFUL);
    Ok(Reply::Redirect(call.view("us_post_setup_view").unwrap_or_else(|| call.gate.url("us_setup"))))
}

/// The state is none, or not theirs, or used.
fn refuse(call: &Call, mut form: Form, message: Message) -> Result<Reply, Failure> {
    if call.wants_json() {
        form.form_error(message);
        return Err(form.without_field_errors().rejected());
    }
    call.flash(message);
    Ok(Reply::Redirect(call.gate.url("us_setup")))
}

/// The same page again: an app was set up, only the code was not right.
async fn again(
    call: &Call,
    who: &Authenticated,
    form: Form,
    means: Means,
    payload: &UnifiedSetupPayload,
) -> Result<Reply, Failure> {
    if call.wants_json() {
        return Err(form.rejected());
    }
    let mut page = change::page(call, &who.user);
    let app = change::app_values(call, &who.user, means, &payload.totp_secret).await?;
    code_setup::show_code_form(call, &mut page, means, &form, app)?;
    Ok(Reply::Form(Box::new(page)))
}
