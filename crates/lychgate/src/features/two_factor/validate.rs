//! The code at sign-in: of the second factor that somebody has, or of the first one that they have just set up. Somebody
//! signed in finishes here, too, what was begun in their session.

use serde_json::json;

use super::{
    finish, forms,
    store::{self, New},
};
use crate::{
    failure::Failure,
    flow::{
        account,
        codes::{self, Means, Outcome, Secret},
        second_factor::{self, Pending, State},
    },
    messages,
    web::{answer::Reply, form::Form, routes::Call, session::key},
};

/// Whose code is awaited, and what it is checked against.
struct Awaited {
    pending: Pending,
    means: Means,
    stored: String,
    /// The number of one that is being set up.
    phone: Option<String>,
}

async fn awaited(call: &Call) -> Result<Option<Awaited>, Failure> {
    if call.current().await?.is_some() {
        return Ok(None);
    }
    let Some(pending) = call.pending().await? else { return Ok(None) };
    match pending.state {
        State::Ready if account::has_second_factor(&pending.user) => {
            let stored = pending.user.tf_totp_secret.clone().unwrap_or_default();
            Ok(Some(Awaited { means: second_factor::code_method(&pending.user), stored, phone: None, pending }))
        }
        State::Validating => {
            let (method, stored, phone) = call.session(|session| {
                let text = |name| session.text(name).map(str::to_owned);
                (text(key::TF_METHOD), text(key::TF_SECRET), text(key::TF_PHONE))
            });
            let means = method.as_deref().and_then(Means::named);
            Ok(means.zip(stored).map(|(means, stored)| Awaited { pending, means, stored, phone }))
        }
        _ => Ok(None),
    }
}

fn form(call: &Call) -> Form {
    forms::code(call, call.action("two_factor_token_validation"))
}

fn with_page(call: &Call, mut form: Form, awaited: &Awaited) -> Form {
    let rescue = forms::rescue(call, &forms::ways_out(call, &awaited.pending));
    forms::code_page(call, &mut form, &awaited.pending, &rescue, "");
    if awaited.pending.state == State::Validating {
        // Nothing to be rescued from: they can set up something else.
        form.payload.remove("rescue_form");
        form.payload.insert("setup_url".to_owned(), call.gate.url("two_factor_setup").into());
    }
    form.payload.insert("chosen_method".to_owned(), awaited.means.name().into());
    form
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    if let Some(state) = finish::begun(&call).await? {
        return finish::get_begun(call, state).await;
    }
    let Some(awaited) = awaited(&call).await? else { return call.out_of_turn(form(&call)) };
    if call.wants_json() {
        let ways = forms::ways_out(&call, &awaited.pending);
        return Ok(Reply::Json(call.members(json!({"recovery_options": forms::recovery_options(&ways)}))));
    }
    Ok(Reply::Form(Box::new(with_page(&call, form(&call), &awaited))))
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    if let Some(state) = finish::begun(&call).await? {
        return finish::finish(call, state, finish::From::Session).await;
    }
    call.csrf_unauthenticated().await?;
    let mut form = form(&call);
    let Some(awaited) = awaited(&call).await? else { return call.out_of_turn(form) };
    form.fill(&call.submitted)?;
    let code = forms::typed_code(&mut form);
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(with_page(&call, form, &awaited).rejected());
    }
    if !call.guess(&awaited.pending).await? {
        return call.out_of_turn(form);
    }
    let Awaited { pending, means, stored, .. } = &awaited;
    match codes::check_code(&call, &Secret { user: &pending.user, scope: "tf", means: *means, stored }, &code).await? {
        Outcome::Right => done(&call, awaited).await,
        Outcome::Wrong => {
            form.field_error("code", messages::TWO_FACTOR_INVALID_TOKEN);
            Err(with_page(&call, form, &awaited).rejected())
        }
        Outcome::TooMany { retry_after } if call.wants_json() => Err(Failure::TooMany { retry_after }),
        Outcome::TooMany { retry_after } => {
            form.field_error("code", codes::wait_message(retry_after));
            Err(with_page(&call, form, &awaited).rejected())
        }
    }
}

async fn done(call: &Call, awaited: Awaited) -> Result<Reply, Failure> {
    let Awaited { pending, means, stored, phone } = awaited;
    if pending.state == State::Validating {
        let new = New { means, secret: &stored, phone: phone.as_deref(), state: None };
        // Another sign-in of the same user may have set one up at this moment.
        if !store::set(call, &pending.user, &new).await? {
            return call.out_of_turn(form(call));
        }
    }
    let user = pending.user.clone();
    call.second_factor_done(pending, means.name()).await?;
    if call.wants_json() {
        let user = call.user_payload(&user, true).await?;
        return Ok(Reply::Json(call.members(json!({"user": user}))));
    }
    call.flash(messages::TWO_FACTOR_LOGIN_SUCCESSFUL);
    Ok(Reply::Redirect(call.after(None, "post_login_view")))
}
