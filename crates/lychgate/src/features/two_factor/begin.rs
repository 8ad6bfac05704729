//! The set-up page: whoever is signed in changes their second factor, whoever has to have one sets it up at sign-in.
//!
//! Nothing is stored before a code was right: what is being set up travels in a signed state, or in the session.

use std::sync::Arc;

use http::StatusCode;
use lychgate_signing::tokens::TwoFactorSetupPayload;
use lychgate_store::User;
use serde_json::{Map, Value, json};

use super::{finish, forms, store};
use crate::{
    failure::Failure,
    flow::{
        code_setup,
        codes::{self, CodeLetter, Means, Secret, SendFailure},
        second_factor::{self, Pending, State},
    },
    identity, messages,
    web::{answer::Reply, exchange::Exchange, form::Form, identify::Authenticated, routes::Call, session::key},
};

/// The longest telephone number that the database keeps.
const LONGEST_PHONE: usize = 128;

/// Who sets something up.
enum Who {
    SignedIn(Arc<Authenticated>),
    Waiting(Pending),
}

impl Who {
    fn user(&self) -> &Arc<User> {
        match self {
            Who::SignedIn(who) => &who.user,
            Who::Waiting(pending) => &pending.user,
        }
    }

    fn waiting(&self) -> Option<&Pending> {
        match self {
            Who::SignedIn(_) => None,
            Who::Waiting(pending) => Some(pending),
        }
    }
}

/// Whoever is signed in has to have proved it a short while ago, with the second factor that they have.
async fn who(call: &Call) -> Result<Option<Who>, Failure> {
    if call.current().await?.is_some() {
        let who = call.admit(&call.config().api_mechanisms, None).await?;
        call.admit_to_change(&who).await?;
        return Ok(Some(Who::SignedIn(who)));
    }
    let pending = call.pending().await?;
    Ok(pending.filter(|pending| matches!(pending.state, State::SetUp | State::Validating)).map(Who::Waiting))
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let Some(who) = who(&call).await? else { return call.out_of_turn(forms::setup(&call, &[])) };
    let methods = forms::methods_to_set_up(&call.gate, who.user(), who.waiting());
    if call.wants_json() {
        let user = who.user();
        let method = forms::method_of(user);
        // Who has not proved both factors is told nothing that only the user knows.
        let phone = user.tf_phone_number.as_deref().filter(|_| who.waiting().is_none());
        return Ok(Reply::Json(call.members(json!({
            "tf_required": second_factor::is_required(&call.gate, user),
            "tf_primary_method": method,
            "tf_method": method,
            "tf_phone_number": phone,
            "tf_available_methods": methods,
        }))));
    }
    Ok(Reply::Form(Box::new(page(&call, &who, &methods))))
}

/// The page of the form.
fn page(call: &Exchange, who: &Who, methods: &[&str]) -> Form {
    let mut form = forms::setup(call, methods);
    let user = who.user();
    form.payload.extend([
        ("changing".to_owned(), json!(who.waiting().is_none())),
        ("primary_method".to_owned(), json!(forms::method_of(user))),
        (
            "primary_method_label".to_owned(),
            json!(forms::method_of(user).map(|method| call.messages().translate(&forms::label(method)).to_owned())),
        ),
    ]);
    form
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    if call.current().await?.is_none() {
        call.csrf_unauthenticated().await?;
    }
    let Some(who) = who(&call).await? else { return call.out_of_turn(forms::setup(&call, &[])) };
    let methods = forms::methods_to_set_up(&call.gate, who.user(), who.waiting());
    let mut form = page(&call, &who, &methods);
    form.fill(&call.submitted)?;
    let mut form = form.without(&[messages::INVALID_CHOICE]);
    // An old name.
    let chosen = if form.value("setup") == "mail" { "email" } else { form.value("setup") };
    let chosen = methods.iter().copied().find(|method| *method == chosen);
    if chosen.is_none() && !form.has_error_in("setup") {
        form.field_error("setup", messages::TWO_FACTOR_METHOD_NOT_AVAILABLE);
    }
    let phone = form.value("phone").trim().to_owned();
    let readable = || identity::map(call.gate.identity_rules(), "uia_phone_mapper", &phone).is_some();
    if chosen == Some("sms") && (phone.len() > LONGEST_PHONE || !readable()) && !form.has_error_in("phone") {
        form.field_error("phone", messages::PHONE_INVALID);
    }
    call.csrf_of_form(&mut form);
    let Some(chosen) = chosen.filter(|_| !form.has_errors()) else { return Err(form.rejected()) };
    match Means::named(chosen) {
        Some(means) => begin(&call, &who, form, means, Some(phone).filter(|_| means == Means::Sms)).await,
        None => disable(&call, who.user(), form).await,
    }
}

async fn disable(call: &Call, user: &User, mut form: Form) -> Result<Reply, Failure> {
    if !store::unset(call, user).await? {
        form.form_error(messages::API_ERROR);
        return Err(form.rejected());
    }
    if call.wants_json() {
        let user = call.user_payload(user, false).await?;
        return Ok(Reply::Json(call.members(json!({"user": user}))));
    }
    call.flash(messages::TWO_FACTOR_DISABLED);
    Ok(Reply::Redirect(done_url(call)))
}

/// Where a browser goes after a change.
pub(super) fn done_url(call: &Exchange) -> String {
    call.view("two_factor_post_setup_view").unwrap_or_else(|| call.gate.url("two_factor_setup"))
}

async fn begin(call: &Call, who: &Who, mut form: Form, means: Means, phone: Option<String>) -> Result<Reply, Failure> {
    let user = who.user();
    let secret = codes::new_secret(&call.gate).await?;
    if means != Means::Authenticator {
        let to = phone.as_deref().unwrap_or(&user.email);
        if let Err(failure) = send_first_code(call, user, means, &secret, to).await {
            return not_sent(call, form, failure);
        }
    }
    let state = match who {
        Who::SignedIn(who) => {
            let payload = TwoFactorSetupPayload {
                totp_secret: secret.clone(),
                method: means.name().to_owned(),
                phone: phone.clone(),
                binding: Some(code_setup::bind(call, who)),
            };
            let codec = call.gate.second_factor_setup_codec();
            let state = codec.mint(&payload, call.now.unix()).map_err(Failure::internal)?.into_string();
            finish::remember(call, who, &state);
            Some(state)
        }
        Who::Waiting(_) => {
            call.set_pending_state(State::Validating);
            call.session(|session| {
                session.set(key::TF_METHOD, means.name());
                session.set(key::TF_SECRET, secret.as_str());
                match &phone {
                    Some(phone) => session.set(key::TF_PHONE, phone.as_str()),
                    None => drop(session.remove(key::TF_PHONE)),
                }
            });
            None
        }
    };
    let app =
        if means == Means::Authenticator { code_setup::app_values(call, user, &secret).await? } else { Map::new() };
    if call.wants_json() {
        let mut members = json!({
            "tf_state": "validating_profile",
            "tf_primary_method": means.name(),
            "tf_method": means.name(),
            "tf_state_token": state,
        });
        if let Value::Object(members) = &mut members {
            members.extend(app.into_iter().map(|(name, value)| (format!("tf_{name}"), value)));
        }
        return Ok(Reply::Json(call.members(members)));
    }
    let action = match &state {
        Some(state) => call.token_path("two_factor_setup", state),
        None => call.action("two_factor_token_validation"),
    };
    let code = forms::code(call, action);
    code_setup::show_code_form(call, &mut form, means, &code, app)?;
    Ok(Reply::Form(Box::new(form.without_errors())))
}

async fn send_first_code(call: &Call, user: &User, means: Means, secret: &str, to: &str) -> Result<(), SendFailure> {
    let settings = call.gate.settings();
    let letter = CodeLetter {
        template: settings.text("two_factor_email_template"),
        subject: settings.text("email_subject_two_factor"),
        context: &|_| Map::new(),
    };
    codes::send_code(call, &Secret { user, scope: "tf-setup", means, stored: secret }, to, &letter).await
}

/// The reply when the first code could not be sent.
pub(super) fn not_sent(call: &Call, mut form: Form, failure: SendFailure) -> Result<Reply, Failure> {
    match failure {
        SendFailure::Failed(failure) => return Err(failure),
        SendFailure::TooMany { retry_after } if call.wants_json() => return Err(Failure::TooMany { retry_after }),
        SendFailure::NotSent if call.wants_json() => {
            return Err(Failure::bad(StatusCode::INTERNAL_SERVER_ERROR, messages::FAILED_TO_SEND_CODE));
        }
        SendFailure::TooMany { retry_after } => form.form_error(codes::wait_message(retry_after)),
        SendFailure::NotSent => form.form_error(messages::FAILED_TO_SEND_CODE),
    }
    Err(form.rejected())
}
