//! Signing in with a passkey: as the first factor, or as the second after another one.

use http::StatusCode;
use serde_json::json;

use super::{
    assertion,
    ceremony::{self, Purpose},
    hints::{self, Hint},
    refused,
};
use crate::{
    failure::Failure,
    flow::{
        by_email,
        passkeys::{FIRST, SECONDARY, of_usage},
        second_factor::{Pending, State, Step},
        sign_in::SignIn,
    },
    messages,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Field, Form, Kind},
        routes::Call,
    },
};

/// The user whose first factor is proved and who is now asked for a second; nobody if a passkey is the first. Where it
/// may not be the first, there is nothing here for anybody else.
async fn second_factor_of(call: &Exchange) -> Result<Option<Pending>, Failure> {
    let pending = call.pending().await?.filter(|pending| pending.state == State::Ready);
    if pending.is_none() && !call.gate.settings().flag("wan_allow_as_first_factor") {
        return Err(Failure::bad(StatusCode::NOT_FOUND, messages::NOT_FOUND));
    }
    Ok(pending)
}

fn form(call: &Exchange, is_secondary: bool) -> Form {
    let settings = call.gate.settings();
    let identity = Field::new("identity", Kind::Text, "Email or username").autocomplete("username webauthn");
    let remember = Field::new("remember", Kind::Checkbox, "").checked(settings.flag("default_remember_me"));
    let fields = vec![identity, remember, Field::new("next", Kind::Hidden, "")];
    let action = call.action("wan_signin");
    let mut form = Form::new("wan_signin_form", settings.text("wan_signin_template"), action, fields);
    form.payload.insert("is_secondary".to_owned(), is_secondary.into());
    form.payload.insert("user_hints".to_owned(), settings.flag("wan_allow_user_hints").into());
    if let Some(next) = call.query("next") {
        form.set_value("next", &next);
    }
    form
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    call.anonymous_only().await?;
    let is_secondary = second_factor_of(&call).await?.is_some();
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"is_secondary": is_secondary}))));
    }
    Ok(Reply::Form(Box::new(form(&call, is_secondary))))
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    call.anonymous_only().await?;
    let pending = second_factor_of(&call).await?;
    let is_secondary = pending.is_some();
    let mut form = form(&call, is_secondary);
    form.fill(&call.submitted)?;
    call.check_next(&mut form);
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    let (options, state) = match &pending {
        Some(pending) => {
            let theirs = of_usage(&call.gate, &pending.user, &[SECONDARY]).await?;
            let hints: Vec<Hint> = theirs.iter().map(Hint::from).collect();
            ceremony::begin(&call, Purpose::Second(&pending.user), &[SECONDARY], &hints)?
        }
        None => {
            let hints = hints::of_identity(&call, form.value("identity").trim()).await?;
            ceremony::begin(&call, Purpose::First, &[FIRST], &hints)?
        }
    };
    let remember = form.is_checked("remember");
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({
            "credential_options": options,
            "is_secondary": is_secondary,
            "remember": remember,
            "wan_state": state,
        }))));
    }
    let mut second = assertion::form(&call, "wan_signin_template", ceremony::action(&call, "wan_signin", &state));
    second.set_value("next", form.value("next"));
    second.set_checked("remember", remember);
    second.payload.insert("is_secondary".to_owned(), is_secondary.into());
    second.payload.insert("passkey_call".to_owned(), ceremony::for_script("handleSignin", &options).into());
    Ok(Reply::Form(Box::new(second)))
}

pub(super) async fn respond(call: Call) -> Result<Reply, Failure> {
    call.csrf_unauthenticated().await?;
    let pending = call.pending().await?.filter(|pending| pending.state == State::Ready);
    let purpose = pending.as_ref().map_or(Purpose::First, |pending| Purpose::Second(&pending.user));
    let state = call.param("token");
    let mut form = assertion::form(&call, "wan_signin_template", String::new());
    form.fill(&call.submitted)?;
    let payload = match ceremony::open_signin(&call, purpose, state) {
        Ok(payload) if pending.is_some() || call.gate.settings().flag("wan_allow_as_first_factor") => payload,
        opened => {
            let mut form = form.without_errors();
            form.form_error(opened.err().unwrap_or(messages::API_ERROR.into()));
            return refused(&call, form, "wan_signin");
        }
    };
    call.check_next(&mut form);
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return refused(&call, form, "wan_signin");
    }
    let proof = match assertion::judge(&call, &mut form, &payload, purpose).await? {
        Some(proof) if assertion::note(&call, &mut form, state, &proof).await? => proof,
        _ => {
            // Which passkeys and which accounts there are is nobody's business.
            if pending.is_none() && by_email::is_generic(&call) && form.has_error_in("credential") {
                form.generalise(&["credential"], messages::GENERIC_AUTHN_FAILED);
            }
            return refused(&call, form, "wan_signin");
        }
    };
    let user = proof.user.clone();
    match pending {
        Some(pending) => call.second_factor_done(pending, "webauthn").await?,
        None => {
            let sign_in = SignIn { via: "webauthn", user: &user, remember: form.is_checked("remember") };
            let is_both = proof.verified_user() && call.gate.settings().flag("wan_allow_as_multi_factor");
            if is_both {
                call.sign_in(sign_in).await?;
            } else {
                match call.first_factor(sign_in, call.asked_next(Some(&form)).as_deref()).await? {
                    Step::SignedIn => {}
                    Step::Asked(reply) => return Ok(reply),
                    Step::NotThisWay => return Err(Failure::not_this_way()),
                }
            }
        }
    }
    if !proof.verified_user() {
        call.passkey_was_touched();
    }
    let target = call.after(Some(&form), "post_login_view");
    if call.wants_json() {
        let user = call.user_payload(&user, true).await?;
        let members = json!({"post_login_url": target, "tf_required": false, "user": user});
        return Ok(Reply::Json(call.members(members)));
    }
    Ok(Reply::Redirect(target))
}
