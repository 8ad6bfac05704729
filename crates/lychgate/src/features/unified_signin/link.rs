//! The link in a mailed code. Ours is signed and names nobody; one that a Flask application mailed has the code in its
//! query.

use std::sync::Arc;

use lychgate_store::User;

use crate::{
    failure::Failure,
    flow::{
        account::{self, AccountStatus},
        by_email::is_generic,
        codes::{self, Means, Outcome, Secret},
        landing::with_query,
        second_factor::Step,
        sign_in::SignIn,
        unified,
    },
    messages::{self, MessageKey},
    web::{
        answer::Reply,
        form::{Form, Message},
        routes::Call,
    },
};

/// Longest code that is looked at.
const LONGEST_CODE: usize = 64;

/// Why a link does nothing, and whose it is if that may be told.
struct Refused(Message, Option<Arc<User>>);

impl From<MessageKey> for Refused {
    fn from(key: MessageKey) -> Self {
        Self(key.into(), None)
    }
}

pub(super) async fn follow(call: Call) -> Result<Reply, Failure> {
    call.anonymous_only().await?;
    if call.asks_for_a_click() {
        // No code for another device: the mail has one.
        let mut reply = call.relay_page("Sign in", "Sign in");
        if let Reply::Form(form) = &mut reply {
            call.relative_url().clone_into(&mut form.action);
        }
        return Ok(reply);
    }
    act(&call).await
}

pub(super) async fn confirm(call: Call) -> Result<Reply, Failure> {
    call.anonymous_only().await?;
    let mut form: Form = call.relay_form();
    call.relative_url().clone_into(&mut form.action);
    form.fill(&call.submitted)?;
    call.csrf_unauthenticated().await?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    act(&call).await
}

async fn act(call: &Call) -> Result<Reply, Failure> {
    let opened = if call.param("token").is_empty() { by_query(call).await? } else { by_token(call).await? };
    let user = match opened {
        Ok(user) => user,
        Err(refused) => return Ok(failed(call, refused)),
    };
    if let Some(problem) = account::problem_for_owner(call, &user).await? {
        return Ok(failed(call, generic(call, problem).into()));
    }
    let sign_in = SignIn { via: "email", user: &user, remember: false };
    if call.gate.settings().list("us_mfa_required").iter().any(|name| name == "email") {
        match call.first_factor(sign_in, None).await? {
            Step::SignedIn => {}
            Step::Asked(reply) => return Ok(asked(call, &user, reply)),
            Step::NotThisWay => return Ok(failed(call, messages::SECOND_FACTOR_SAME_WAY.into())),
        }
    } else {
        call.sign_in(sign_in).await?;
    }
    if call.is_spa()
        && let Some(view) = call.landing_view("post_login_view")
    {
        return Ok(Reply::Redirect(with_query(
            &view,
            &who_query(call, &user).each_ref().map(|(k, v)| (*k, v.as_str())),
        )));
    }
    call.flash(messages::PASSWORDLESS_LOGIN_SUCCESSFUL);
    Ok(Reply::Redirect(call.after(None, "post_login_view")))
}

fn who_query(call: &Call, user: &User) -> [(&'static str, String); 2] {
    [("email", user.email.clone()), ("identity", account::identity_text(&call.gate, user))]
}

/// A second factor is to follow: a single-page application is told so, and goes on from the session.
fn asked(call: &Call, user: &User, reply: Reply) -> Reply {
    match call.landing_view("login_error_view").filter(|_| call.is_spa()) {
        Some(view) => {
            let [email, identity] = who_query(call, user);
            let query = [("tf_required", "1"), ("email", email.1.as_str()), ("identity", identity.1.as_str())];
            Reply::Redirect(with_query(&view, &query))
        }
        None => reply,
    }
}

fn failed(call: &Call, Refused(message, who): Refused) -> Reply {
    let page = call.gate.url("us_signin");
    if call.is_spa() {
        return call.landed(message, "login_error_view", page, who.as_deref());
    }
    call.flash(message);
    Reply::Redirect(page)
}

/// The message, or where replies must not tell who has an account the one that fits everybody.
fn generic(call: &Call, key: MessageKey) -> MessageKey {
    if is_generic(call) { messages::GENERIC_AUTHN_FAILED } else { key }
}

/// By a link of ours. It was signed, so it is no guess.
async fn by_token(call: &Call) -> Result<Result<Arc<User>, Refused>, Failure> {
    let invalid = || Ok(Err(generic(call, messages::INVALID_CODE).into()));
    let opened = call.gate.unified().link.redeem(call.param("token"), call.now.unix());
    let Ok(payload) = opened.map(|redeemed| redeemed.payload) else { return invalid() };
    let Some(user) = call.gate.store().user_by_id(payload.user).await? else { return invalid() };
    let bound = payload.binding.matches(&[&user.fs_uniquifier, &user.email]);
    if !bound || account::standing(&call.gate, &user).await?.status == AccountStatus::SwitchedOff {
        return invalid();
    }
    let secrets = unified::secrets_of(&user);
    let Some(stored) = secrets.get("email").filter(|_| unified::enabled(&call.gate).contains(&"email")) else {
        return invalid();
    };
    let secret = Secret { user: &user, scope: "us", means: Means::Email, stored };
    if codes::use_code(call, &secret, &payload.code).await? { Ok(Ok(user)) } else { invalid() }
}

/// By a link of a Flask application: the uniquifier and the code.
async fn by_query(call: &Call) -> Result<Result<Arc<User>, Refused>, Failure> {
    let given = |name: &str| call.query(name).filter(|text| !text.is_empty() && text.len() <= LONGEST_CODE);
    let (Some(id), Some(code)) = (given("id"), given("code")) else {
        return Ok(Err(messages::API_ERROR.into()));
    };
    let Some(user) = call.gate.store().user_by_uniquifier(&id).await? else {
        return Ok(Err(generic(call, messages::USER_DOES_NOT_EXIST).into()));
    };
    if account::is_blocked(&call.gate, &user).await? {
        return Ok(Err(generic(call, messages::DISABLED_ACCOUNT).into()));
    }
    let secrets = unified::secrets_of(&user);
    let stored = secrets.get("email").filter(|_| unified::enabled(&call.gate).contains(&"email"));
    let outcome = match stored {
        Some(stored) => {
            let secret = Secret { user: &user, scope: "us", means: Means::Email, stored };
            codes::check_code(call, &secret, &code).await?
        }
        None => Outcome::Wrong,
    };
    let told = || Some(Arc::clone(&user)).filter(|_| !is_generic(call));
    match outcome {
        Outcome::Right => Ok(Ok(user)),
        Outcome::Wrong => {
            call.note_failure(user.id, "passcode");
            Ok(Err(Refused(generic(call, messages::INVALID_CODE).into(), told())))
        }
        Outcome::TooMany { retry_after } => {
            let message = match is_generic(call) {
                true => messages::GENERIC_AUTHN_FAILED.into(),
                false => codes::wait_message(retry_after),
            };
            Ok(Err(Refused(message, told())))
        }
    }
}
