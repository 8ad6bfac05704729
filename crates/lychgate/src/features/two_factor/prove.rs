//! The second factor again, by somebody signed in: for routes that ask for a recent proof of it.

use http::StatusCode;
use serde_json::json;

use super::{begin, forms};
use crate::{
    events::Event,
    failure::Failure,
    flow::{
        account,
        codes::{self, Means, Outcome, Secret},
        passkeys,
        second_factor::{self, Proof},
    },
    messages,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind},
        identify::{Authenticated, Mechanism},
        routes::Call,
    },
};

/// What guesses and sendings are counted under.
const SCOPE: &str = "tf-verify";

fn form(call: &Exchange) -> Form {
    let fields = vec![
        Field::new("next", Kind::Hidden, ""),
        Field::new("code", Kind::Code, "Code").autocomplete("one-time-code").required(),
        Field::new("send_code", Kind::Checkbox, ""),
    ];
    let template = call.gate.settings().text("two_factor_verify_template");
    let mut form = Form::new("two_factor_verify_form", template, call.action("two_factor_verify"), fields);
    if let Some(next) = call.query("next") {
        form.set_value("next", &next);
    }
    form
}

/// What the page says: where the code is found.
async fn with_page(call: &Exchange, who: &Authenticated, mut form: Form, was_sent: bool) -> Result<Form, Failure> {
    let passkey = passkeys::can_verify(&call.gate, &who.user).await?;
    form.payload.insert("chosen_method".to_owned(), second_factor::code_method(&who.user).name().into());
    form.payload.insert("was_sent".to_owned(), was_sent.into());
    form.payload.insert("has_webauthn_verify_credential".to_owned(), passkey.into());
    Ok(form)
}

/// Who proves something; a proof belongs to a session.
async fn admit(call: &Call) -> Result<std::sync::Arc<Authenticated>, Failure> {
    call.admit(&[Mechanism::Session], None).await
}

/// Somebody without codes proves something else, or sets something up first.
async fn elsewhere(call: &Call, who: &Authenticated) -> Result<Reply, Failure> {
    if call.wants_json() {
        return Err(Failure::bad(StatusCode::BAD_REQUEST, messages::TWO_FACTOR_METHOD_NOT_AVAILABLE));
    }
    let page = second_factor::where_to_prove(call, &who.user, Proof::SecondFactor).await?;
    let page = page.unwrap_or_else(|| call.root());
    Ok(Reply::Redirect(match call.asked_next(None) {
        Some(next) => call.with_next(&page, &next),
        None => page,
    }))
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    if !account::has_second_factor(&who.user) {
        return elsewhere(&call, &who).await;
    }
    if call.wants_json() {
        let method = second_factor::code_method(&who.user).name();
        return Ok(Reply::Json(call.members(json!({"tf_method": method}))));
    }
    Ok(Reply::Form(Box::new(with_page(&call, &who, form(&call), false).await?)))
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let who = admit(&call).await?;
    if !account::has_second_factor(&who.user) {
        return elsewhere(&call, &who).await;
    }
    let means = second_factor::code_method(&who.user);
    let mut form = form(&call);
    form.fill(&call.submitted)?;
    call.check_next(&mut form);
    let sends = form.is_checked("send_code") && means != Means::Authenticator;
    let code = if sends { String::new() } else { forms::typed_code(&mut form) };
    call.csrf_of_form(&mut form);
    let mut form = with_page(&call, &who, form, sends).await?;
    if form.has_errors() {
        return Err(form.rejected());
    }
    if sends {
        return send(&call, &who, form, means).await;
    }
    let stored = who.user.tf_totp_secret.as_deref().unwrap_or_default();
    match codes::check_code(&call, &Secret { user: &who.user, scope: SCOPE, means, stored }, &code).await? {
        Outcome::Right => {}
        Outcome::Wrong => {
            form.field_error("code", messages::TWO_FACTOR_INVALID_TOKEN);
            return Err(form.rejected());
        }
        Outcome::TooMany { retry_after } if call.wants_json() => return Err(Failure::TooMany { retry_after }),
        Outcome::TooMany { retry_after } => {
            form.field_error("code", codes::wait_message(retry_after));
            return Err(form.rejected());
        }
    }
    // That they know the password they prove elsewhere: this makes nothing else fresh.
    call.note_proof(means.name(), call.now.float());
    call.gate.events().send(&Event::SecondFactorConfirmed { user_id: who.user.id, via: means.name() });
    if call.wants_json() {
        let user = call.user_payload(&who.user, false).await?;
        return Ok(Reply::Json(call.members(json!({"user": user}))));
    }
    call.flash(messages::REAUTHENTICATION_SUCCESSFUL);
    Ok(Reply::Redirect(call.after(Some(&form), "post_verify_view")))
}

async fn send(call: &Call, who: &Authenticated, form: Form, means: Means) -> Result<Reply, Failure> {
    if let Err(failure) = call.send_second_factor(&who.user, means).await {
        return begin::not_sent(call, form, failure);
    }
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"tf_method": means.name()}))));
    }
    Ok(Reply::Form(Box::new(form)))
}
