//! The first code of a new kind: only now it is stored.

use lychgate_signing::tokens::UnifiedSetupPayload;
use serde_json::json;

use super::{
    change,
    store::{self, New, Written},
};
use crate::{
    failure::Failure,
    flow::{
        code_setup,
        codes::{Means, Secret},
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

/// Where a set-up begins.
const PAGE: &str = "us_setup";

/// What a state of this caller says.
fn open(call: &Call, who: &Authenticated, state: &str) -> Result<(UnifiedSetupPayload, Means), Message> {
    let redeemed = call.gate.unified().setup.redeem(state, call.now.unix());
    let payload = code_setup::payload_of(call, redeemed, "us_setup_within", messages::US_SETUP_EXPIRED)?;
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
        Err(message) => return code_setup::refuse(&call, form, message, PAGE),
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
    let said = ("passcode", messages::INVALID_PASSWORD_CODE);
    if !code_setup::is_first_code(&call, &secret, &code, &mut form, said).await? {
        return again(&call, &who, form, means, &payload).await;
    }
    let phone = payload.phone_number.as_deref().filter(|_| means == Means::Sms);
    let new = New { means, secret: &payload.totp_secret, phone, state: &state };
    match store::add(&call, &who.user, &new).await? {
        Written::Done => {}
        Written::Taken => return code_setup::refuse(&call, form, change::taken(phone.unwrap_or_default()), PAGE),
        Written::Stale | Written::LastWayIn => {
            return code_setup::refuse(&call, form, messages::API_ERROR.into(), PAGE);
        }
    }
    if call.wants_json() {
        let by_sms = unified::enabled(&call.gate).contains(&"sms");
        let phone = phone.or(who.user.us_phone_number.as_deref()).filter(|_| by_sms);
        return Ok(Reply::Json(call.members(json!({"chosen_method": means.name(), "phone": phone}))));
    }
    call.flash(messages::US_SETUP_SUCCESSFUL);
    Ok(Reply::Redirect(call.view("us_post_setup_view").unwrap_or_else(|| call.gate.url("us_setup"))))
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
