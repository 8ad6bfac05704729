//! Sending a code: to somebody who wants to sign in, or to somebody signed in who is to prove who they are.

use std::sync::Arc;

use http::StatusCode;
use lychgate_signing::tokens::{Binding, UnifiedLinkPayload};
use lychgate_store::User;
use serde_json::{Map, Value, json};

use super::{forms, signin};
use crate::{
    failure::Failure,
    flow::{
        account, authenticate,
        by_email::is_generic,
        codes::{self, CodeLetter, Means, Secret, SendFailure},
        even, unified,
    },
    messages::{self, MessageKey},
    web::{
        answer::{Reply, envelope},
        exchange::Exchange,
        form::Form,
        routes::Call,
    },
};

/// A code that can be sent.
pub(super) struct Wanted {
    user: Arc<User>,
    means: Means,
    /// The stored secret.
    stored: String,
    /// An address or a number.
    to: String,
}

/// For somebody who wants to sign in. Where replies must not tell who has an account, it is the same for everybody.
pub(super) async fn to_sign_in(call: Call) -> Result<Reply, Failure> {
    even::evenly(&call, ask(&call)).await
}

async fn ask(call: &Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    call.anonymous_only().await?;
    call.check_host()?;
    let mut form = signin::read(call)?;
    let generic = is_generic(call);
    // These say nothing of accounts.
    let refused = form.has_error_in("next") || form.has_error_in(call.config().csrf.field);
    if refused {
        form = if generic { form.without(&[messages::FIELD_REQUIRED, messages::INVALID_CHOICE]) } else { form };
        return Err(forms::page(form, &unified::sent(&call.gate)).rejected());
    }
    let wanted = if form.has_errors() { None } else { for_stranger(call, &mut form).await? };
    let sent = match &wanted {
        Some(wanted) => send(call, "us", wanted).await,
        None if generic => codes::send_nothing(call).await.map_err(SendFailure::Failed),
        None => {
            if let Some(reply) = signin::explain_confirmation(call, &form, None) {
                return Ok(reply);
            }
            return Err(forms::page(form, &unified::sent(&call.gate)).rejected());
        }
    };
    if !generic {
        return replied(call, form, sent);
    }
    if let Err(SendFailure::Failed(failure)) = sent {
        return Err(failure);
    }
    Ok(answer(call, form, messages::GENERIC_US_SIGNIN))
}

/// For somebody signed in.
pub(super) async fn to_verify(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    call.check_host()?;
    let mut form = forms::verify(&call, &who.user).await?;
    form.fill(&call.submitted)?;
    let mut form = forms::forgive_choice(form);
    call.check_next(&mut form);
    call.csrf_of_form(&mut form);
    let wanted = if form.has_errors() { None } else { of_chosen(&call.gate, &mut form, &who.user) };
    let Some(wanted) = wanted else {
        return Err(forms::page(form, &forms::sent_to(&call.gate, &who.user)).rejected());
    };
    let sent = send(&call, "us-verify", &wanted).await;
    replied(&call, form, sent)
}

/// Whom the form means and what they want; what is wrong becomes an error of a field.
async fn for_stranger(call: &Exchange, form: &mut Form) -> Result<Option<Wanted>, Failure> {
    let Some(user) = authenticate::find(&call.gate, form.value("identity").trim()).await? else {
        form.field_error("identity", messages::US_SPECIFY_IDENTITY);
        return Ok(None);
    };
    if account::is_blocked(&call.gate, &user).await? {
        form.field_error("identity", messages::DISABLED_ACCOUNT);
        return Ok(None);
    }
    let Some(wanted) = of_chosen(&call.gate, form, &user) else { return Ok(None) };
    if let Some(problem) = account::problem(&call.gate, &user).await? {
        form.field_error("identity", problem);
        return Ok(None);
    }
    Ok(Some(wanted))
}

fn of_chosen(gate: &crate::gate::Lychgate, form: &mut Form, user: &Arc<User>) -> Option<Wanted> {
    let chosen = form.value("chosen_method");
    let means = unified::sent(gate).into_iter().find(|method| *method == chosen).and_then(Means::named);
    let secrets = unified::secrets_of(user);
    let stored = means.and_then(|means| secrets.get(means.name()));
    let (Some(means), Some(stored)) = (means, stored) else {
        form.field_error("chosen_method", messages::US_METHOD_NOT_AVAILABLE);
        return None;
    };
    let to = match means {
        Means::Sms => user.us_phone_number.clone().filter(|number| !number.is_empty()),
        _ => Some(user.email.clone()),
    };
    let Some(to) = to else {
        form.field_error("chosen_method", messages::PHONE_INVALID);
        return None;
    };
    Some(Wanted { user: Arc::clone(user), means, stored: stored.to_owned(), to })
}

/// Sends it; a mail to sign in with also has a link.
async fn send(call: &Exchange, scope: &'static str, wanted: &Wanted) -> Result<(), SendFailure> {
    let Wanted { user, means, stored, to } = wanted;
    let link = |code: &str| if scope == "us" { link(call, user, code) } else { None };
    let context = |code: &str| letter_context(code, link(code));
    send_letter(call, &Secret { user, scope, means: *means, stored }, to, &context).await
}

/// Sends the code of a secret with the letter of unified sign-in.
pub(super) async fn send_letter(
    call: &Exchange,
    secret: &Secret<'_>,
    to: &str,
    context: &(dyn Fn(&str) -> Map<String, Value> + Sync),
) -> Result<(), SendFailure> {
    let settings = call.gate.settings();
    let letter = CodeLetter {
        template: settings.text("us_email_template"),
        subject: settings.text("us_email_subject"),
        context,
    };
    codes::send_code(call, secret, to, &letter).await
}

/// What the letter is given beside what every letter with a code has.
pub(super) fn letter_context(code: &str, link: Option<String>) -> Map<String, Value> {
    Map::from_iter([("login_token".to_owned(), code.into()), ("login_link".to_owned(), link.into())])
}

/// The link that signs in. It carries the code, so that of the two one works, and dies with what it is bound to.
fn link(call: &Exchange, user: &User, code: &str) -> Option<String> {
    let payload = UnifiedLinkPayload {
        user: user.id,
        code: code.to_owned(),
        binding: Binding::to(&[&user.fs_uniquifier, &user.email]),
    };
    match call.gate.unified().link.mint(&payload, call.now.unix()) {
        Ok(token) => Some(call.link_to(&call.token_path("us_verify_link", token.as_str()))),
        Err(error) => {
            tracing::error!(%error, "a link was not made");
            None
        }
    }
}

/// The reply when a code is on its way, or would be.
fn answer(call: &Exchange, form: Form, message: MessageKey) -> Reply {
    if call.wants_json() {
        return Reply::Json(call.members(json!({})));
    }
    call.flash(message);
    Reply::Form(Box::new(form.without_errors()))
}

/// The reply when a code was sent, or was not.
fn replied(call: &Call, mut form: Form, sent: Result<(), SendFailure>) -> Result<Reply, Failure> {
    match sent {
        Ok(()) => Ok(answer(call, form, messages::CODE_HAS_BEEN_SENT)),
        Err(failure) => match not_sent(call, &mut form, failure)? {
            Some(reply) => Ok(reply),
            None => Err(form.rejected()),
        },
    }
}

/// Says that a code could not be sent: to a program by the reply, else in the form.
pub(super) fn not_sent(call: &Exchange, form: &mut Form, failure: SendFailure) -> Result<Option<Reply>, Failure> {
    match failure {
        SendFailure::Failed(failure) => return Err(failure),
        SendFailure::TooMany { retry_after } if call.wants_json() => return Err(Failure::TooMany { retry_after }),
        SendFailure::NotSent if call.wants_json() => {
            let text = call.text(&messages::FAILED_TO_SEND_CODE.into());
            let members = json!({"errors": [text], "field_errors": {"chosen_method": [text]}});
            return Ok(Some(Reply::Other(envelope(StatusCode::INTERNAL_SERVER_ERROR, members))));
        }
        SendFailure::TooMany { retry_after } => form.field_error("chosen_method", codes::wait_message(retry_after)),
        SendFailure::NotSent => form.field_error("chosen_method", messages::FAILED_TO_SEND_CODE),
    }
    Ok(None)
}
