//! The first code of a new second factor, by somebody signed in: only now it is stored.
//!
//! The state comes in the address, or, at `two_factor_token_validation_url`, from the session in which it was begun.

use lychgate_signing::tokens::TwoFactorSetupPayload;
use serde_json::json;

use super::{
    begin, forms,
    store::{self, New},
};
use crate::{
    failure::Failure,
    flow::{
        code_setup,
        codes::{Means, Secret},
    },
    messages,
    web::{
        answer::Reply,
        form::{Form, Message},
        identify::{Authenticated, Mechanism},
        routes::Call,
        session::key,
    },
};

/// Where a set-up begins.
const PAGE: &str = "two_factor_setup";

/// What a state of this user and session says.
fn open(call: &Call, who: &Authenticated, state: &str) -> Result<(TwoFactorSetupPayload, Means), Message> {
    let redeemed = call.gate.second_factor_setup_codec().redeem(state, call.now.unix());
    let payload =
        code_setup::payload_of(call, redeemed, "two_factor_setup_within", messages::TWO_FACTOR_SETUP_EXPIRED)?;
    let ours = code_setup::is_bound(call, who, payload.binding.as_ref());
    let open = forms::methods_to_set_up(&call.gate, &who.user, None);
    let means = Means::named(&payload.method).filter(|means| open.contains(&means.name()));
    match means.filter(|_| ours) {
        Some(means) => Ok((payload, means)),
        None => Err(messages::API_ERROR.into()),
    }
}

/// Keeps the state in the session, for clients that send the first code where that of a sign-in goes.
pub(super) fn remember(call: &Call, who: &Authenticated, state: &str) {
    if who.via == Mechanism::Session {
        call.session(|session| session.set(key::TF_CHANGE, state));
    }
}

fn forget(call: &Call) {
    call.session(|session| drop(session.remove(key::TF_CHANGE)));
}

/// What is refused once is refused always, so the session need not keep it.
fn refuse(call: &Call, form: Form, message: Message) -> Result<Reply, Failure> {
    forget(call);
    code_setup::refuse(call, form, message, PAGE)
}

/// What somebody signed in began to set up last in this session.
pub(super) async fn begun(call: &Call) -> Result<Option<String>, Failure> {
    match call.current().await? {
        Some(_) => Ok(call.session(|session| session.text(key::TF_CHANGE).map(str::to_owned))),
        None => Ok(None),
    }
}

/// The page that asks for the first code, or that there is one to come, where the session knows what was begun.
pub(super) async fn get_begun(call: Call, state: String) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    call.second_factor_takes_part(&who).await?;
    let form = forms::code(&call, call.token_path("two_factor_setup", &state));
    let (payload, means) = match open(&call, &who, &state) {
        Ok(opened) => opened,
        Err(message) => return refuse(&call, form, message),
    };
    if call.wants_json() {
        let user = call.user_payload(&who.user, false).await?;
        return Ok(Reply::Json(call.members(json!({"user": user}))));
    }
    again(&call, &who, form, means, &payload).await
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let state = call.param("token").to_owned();
    finish(call, state, From::Address).await
}

/// Where the state came from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Address,
    Session,
}

pub(super) async fn finish(call: Call, state: String, from: From) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    call.second_factor_takes_part(&who).await?;
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
    let said = ("code", messages::TWO_FACTOR_INVALID_TOKEN);
    if !code_setup::is_first_code(&call, &secret, &code, &mut form, said).await? {
        return again(&call, &who, form, means, &payload).await;
    }
    let new = New { means, secret: &payload.totp_secret, phone: payload.phone.as_deref(), state: Some(state.as_str()) };
    if !store::set(&call, &who.user, &new).await? {
        return refuse(&call, form, messages::API_ERROR.into());
    }
    call.note_proof(means.name(), call.now.float());
    forget(&call);
    if call.wants_json() && from == From::Session {
        let user = call.user_payload(&who.user, false).await?;
        return Ok(Reply::Json(call.members(json!({"user": user}))));
    }
    if call.wants_json() {
        let phone = payload.phone.or_else(|| who.user.tf_phone_number.clone());
        return Ok(Reply::Json(call.members(json!({
            "tf_method": means.name(), "tf_primary_method": means.name(), "tf_phone": phone,
        }))));
    }
    call.flash(messages::TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL);
    Ok(Reply::Redirect(begin::done_url(&call)))
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
