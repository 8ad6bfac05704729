//! Setting up codes: what an authenticator app has to know, and whose a set-up is.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_signing::tokens::{Binding, RedeemError, Redeemed, fingerprint};
use lychgate_store::{Batch, User};
use serde_json::{Map, Value};

use super::{
    account,
    codes::{self, Means, Outcome, Secret},
    letters,
};
use crate::{
    failure::Failure,
    messages::{self, MessageKey},
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Form, Message},
        identify::{Authenticated, Mechanism},
        session::key,
    },
};

/// What ties a state to whoever began: the user, and the session or, for programs, the way that they call.
fn owner(exchange: &Exchange, who: &Authenticated) -> [String; 2] {
    let session = exchange.session(|session| session.text(key::SESSION_ID).map(str::to_owned));
    let by = match who.via {
        Mechanism::Session => session.unwrap_or_default(),
        other => format!("by {}", other.name()),
    };
    [who.user.fs_uniquifier.clone(), by]
}

/// The tie for a state that begins now.
pub(crate) fn bind(exchange: &Exchange, who: &Authenticated) -> Binding {
    Binding::to(&owner(exchange, who).each_ref().map(String::as_str))
}

/// Whether a state was begun by this caller.
pub(crate) fn is_bound(exchange: &Exchange, who: &Authenticated, binding: Option<&Binding>) -> bool {
    binding.is_some_and(|binding| binding.matches(&owner(exchange, who).each_ref().map(String::as_str)))
}

/// Makes a batch fail, at this step, unless it is the only one that uses the state.
pub(crate) fn use_up(exchange: &Exchange, batch: &mut Batch, kind: &str, state: &str) {
    let (mark, now) = (URL_SAFE_NO_PAD.encode(fingerprint(state)), exchange.now.datetime());
    batch.redeem_once(kind, &mark, now + time::Duration::days(31), now);
}

/// What an authenticator app has to know: the key for reading and for copying, the names, and all of it as a link.
pub(crate) async fn app_values(exchange: &Exchange, user: &User, secret: &str) -> Result<Map<String, Value>, Failure> {
    let Some(totp) = codes::open_secret(&exchange.gate, secret).await? else {
        return Err(Failure::internal("a secret that was just made cannot be read"));
    };
    // The link has no room for a colon within a name.
    let plain = |text: &str| text.replace(':', " ");
    let username = plain(&account::identity_text(&exchange.gate, user));
    let issuer = plain(exchange.gate.settings().text("totp_issuer"));
    let uri = totp.uri(&username, &issuer).map_err(Failure::internal)?;
    Ok(Map::from_iter([
        ("authr_key".to_owned(), totp.key().pretty().as_str().into()),
        ("authr_b32key".to_owned(), totp.key().base32().as_str().into()),
        ("authr_username".to_owned(), username.into()),
        ("authr_issuer".to_owned(), issuer.into()),
        ("authr_uri".to_owned(), uri.as_str().into()),
    ]))
}

/// What a state says that was redeemed, or why it says nothing any more; `within` names the setting of its life.
pub(crate) fn payload_of<T>(
    exchange: &Exchange,
    redeemed: Result<Redeemed<T>, RedeemError<T>>,
    within: &'static str,
    expired: MessageKey,
) -> Result<T, Message> {
    match redeemed {
        Ok(redeemed) => Ok(redeemed.payload),
        Err(RedeemError::Expired(_)) => {
            let within = letters::within(exchange.gate.settings(), within);
            Err(Message::from(expired).with("within", within))
        }
        Err(_) => Err(messages::API_ERROR.into()),
    }
}

/// Whether the first code of a new secret is right; if not, `field` of the form says so, by `wrong` unless there were too
/// many guesses.
pub(crate) async fn is_first_code(
    exchange: &Exchange,
    secret: &Secret<'_>,
    code: &str,
    form: &mut Form,
    (field, wrong): (&'static str, MessageKey),
) -> Result<bool, Failure> {
    match codes::check_code(exchange, secret, code).await? {
        Outcome::Right => return Ok(true),
        Outcome::Wrong => form.field_error(field, wrong),
        Outcome::TooMany { retry_after } if exchange.wants_json() => return Err(Failure::TooMany { retry_after }),
        Outcome::TooMany { retry_after } => form.field_error(field, codes::wait_message(retry_after)),
    }
    Ok(false)
}

/// The reply where the state is none, or not the caller's, or used: a browser begins anew at `page`.
pub(crate) fn refuse(exchange: &Exchange, mut form: Form, message: Message, page: &str) -> Result<Reply, Failure> {
    if exchange.wants_json() {
        form.form_error(message);
        return Err(form.without_field_errors().rejected());
    }
    exchange.flash(message);
    Ok(Reply::Redirect(exchange.gate.url(page)))
}

/// Puts the form for the first code on the page, for an app with the picture that it reads.
pub(crate) fn show_code_form(
    exchange: &Exchange,
    form: &mut Form,
    means: Means,
    code: &Form,
    app: Map<String, Value>,
) -> Result<(), Failure> {
    if let Some(uri) = app.get("authr_uri").and_then(Value::as_str) {
        let picture = lychgate_otp::qr_data_url(uri).map_err(Failure::internal)?;
        form.payload.insert("authr_qrcode".to_owned(), picture.as_str().into());
    }
    form.payload.extend(app);
    form.payload.insert("chosen_method".to_owned(), means.name().into());
    form.payload.insert("code_form".to_owned(), code.view(exchange.messages()));
    Ok(())
}
