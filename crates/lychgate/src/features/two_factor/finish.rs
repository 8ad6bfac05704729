//! The first code of a new second factor, by somebody signed in: only now it is stored.

use lychgate_signing::tokens::{RedeemError, TwoFactorSetupPayload};
use serde_json::json;

use super::{
    begin, forms,
    store::{self, New},
};
use crate::{
    failure::Failure,
    flow::{
        code_setup,
        codes::{self, Means, Outcome, Secret},
        letters::within,
    },
    messages,
    web::{
        answer::Reply,
        form::{Form, Message},
        identify::Authenticated,
        routes::Call,
    },
};

/// What a state of this user and session says.
fn open(call: &Call, who: &Authenticated, state: &str) -> Result<(TwoFactorSetupPayload, Means), Message> {
    let payload = match call.gate.second_factor_setup_codec().redeem(state, call.now.unix()) {
        Ok(redeemed) => redeemed.payload,
        Err(RedeemError::Expired(_)) => {
            let within = within(call.gate.settings(), "two_factor_setup_within");
            return Err(Message::from(messages::TWO_FACTOR_SETUP_EXPIRED).with("within", within));
        }
        Err(_) => return Err(messages::API_ERROR.into()),
    };
    let ours = code_setup::is_bound(call, who, payload.binding.as_ref());
    let open = forms::methods_to_set_up(&call.gate, &who.user, None);
    let means = Means::named(&payload.method).filter(|means| open.contains(&means.name()));
    match means.filter(|_| ours) {
        Some(means) => Ok((payload, means)),
        None => Err(messages::API_ERROR.into()),
    }
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    call.second_factor_takes_part(&who).await?;
    let state = call.param("token").to_owned();
    let mut form = forms::code(&call, call.token_path("two_factor_setup", &state));
    let (payload, means) = match open(&call, &who, &state) {
        Ok(opened) => opened,
        Err(message) => return refuse(&call, form, message),
    };
    form.fill(&call.submitted)?;
    let code = forms::typed_code(&mut form);
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return again(&call, &who, form, means, &payload).await;
    }
    let secret = Secret { user: &who.user, scope: "tf-setup", means, stored: &payload.totp_secret };
    match codes::check_code(&call, &secret, &code).await? {
        Outcome::Right => {}
        Outcome::Wrong => {
            form.field_error("code", messages::TWO_FACTOR_INVALID_TOKEN);
            return again(&call, &who, form, means, &payload).await;
        }
        Outcome::TooMany { retry_after } if call.wants_json() => return Err(Failure::TooMany { retry_after }),
        Outcome::TooMany { retry_after } => {
            form.field_error("code", codes::wait_message(retry_after));
            return again(&call, &who, form, means, &payload).await;
        }
    }
    let new = New { means, secret: &payload.totp_secret, phone: payload.phone.as_deref(), state: Some(state.as_str()) };
    if !store::set(&call, &who.user, &new).await? {
        return refuse(&call, form, messages::API_ERROR.into());
    }
    call.note_proof(means.name(), call.now.float());
    if call.wants_json() {
        let phone = payload.phone.or_else(|| who.user.tf_phone_number.clone());
        return Ok(Reply::Json(call.members(json!({
            "tf_method": means.name(), "tf_primary_method": means.name(), "tf_phone": phone,
        }))));
    }
    call.flash(messages::TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL);
    Ok(Reply::Redirect(begin::done_url(&call)))
}

/// The state is none, or not theirs, or used.
fn refuse(call: &Call, mut form: Form, message: Message) -> Result<Reply, Failure> {
    if call.wants_json() {
        form.form_error(message);
        return Err(form.without_field_errors().rejected());
    }
    call.flash(message);
    Ok(Reply::Redirect(call.gate.url("two_factor_setup")))
}

/// The same page again: the app was set up, only the code was not right.
async fn again(
    call: &Call,
    who: &Authenticated,
    form: Form,
    means: Means,
    payload: &TwoFactorSetupPayload,
) -> Result<Reply, Failure> {
    if call.wants_json() {
        return Err(form.rejected());
    }
    let methods = forms::methods_to_set_up(&call.gate, &who.user, None);
    let mut page = forms::setup(call, &methods);
    let app = match means {
        Means::Authenticator => code_setup::app_values(call, &who.user, &payload.totp_secret).await?,
        _ => serde_json::Map::new(),
    };
    code_setup::show_code_form(call, &mut page, means, &form, app)?;
    page.payload.insert("changing".to_owned(), true.into());
    Ok(Reply::Form(Box::new(page)))
}
