//! The kinds of code in the database: written in one transaction with the notice to their owner.

use lychgate_otp::MethodSecrets;
use lychgate_store::{Batch, ErrorKind, User, UserPatch};

use crate::{
    events::Event,
    failure::Failure,
    flow::{activity::What, code_setup, codes::Means, notices::Notice, passkeys, unified},
    messages,
    web::exchange::Exchange,
};

/// A kind of code whose first code was right.
pub(super) struct New<'a> {
    pub(super) means: Means,
    /// The encrypted secret.
    pub(super) secret: &'a str,
    /// The number for text messages.
    pub(super) phone: Option<&'a str>,
    /// The state that carried it; good once.
    pub(super) state: &'a str,
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    /// The account has changed since it was read, or the state was used.
    Stale,
    /// The number is somebody else's.
    Taken,
    /// The user could never sign in again.
    LastWayIn,
}

/// Stores it for `user`, as they were read.
pub(super) async fn add(exchange: &Exchange, user: &User, new: &New<'_>) -> Result<Written, Failure> {
    let mut secrets = unified::secrets_of(user);
    secrets.set(new.means.name(), new.secret);
    let patch = UserPatch {
        us_totp_secrets: Some(secrets.to_column()),
        us_phone_number: new.phone.map(|phone| Some(phone.to_owned())),
        ..UserPatch::default()
    };
    let mut batch = exchange.gate.store().batch();
    code_setup::use_up(exchange, &mut batch, "us-setup", new.state);
    write(exchange, batch, user, &patch, &[new.means.name()], false).await
}

/// Takes kinds of code away, unless nothing would be left to sign in with.
pub(super) async fn remove(exchange: &Exchange, user: &User, methods: &[&'static str]) -> Result<Written, Failure> {
    let mut secrets: MethodSecrets = unified::secrets_of(user);
    for method in methods {
        secrets.remove(method);
    }
    let mut batch = exchange.gate.store().batch();
    if !unified::has_way_in(&exchange.gate, user, &secrets) {
        let settings = exchange.gate.settings();
        if !passkeys::are_on(&exchange.gate) || !settings.flag("wan_allow_as_first_factor") {
            return Ok(Written::LastWayIn);
        }
        batch.require_credential(user.id, passkeys::FIRST);
    }
    let patch = UserPatch {
        us_totp_secrets: Some(secrets.to_column()),
        us_phone_number: methods.contains(&"sms").then_some(None),
        ..UserPatch::default()
    };
    write(exchange, batch, user, &patch, methods, true).await
}

async fn write(
    exchange: &Exchange,
    mut batch: Batch,
    user: &User,
    patch: &UserPatch,
    methods: &[&'static str],
    removed: bool,
) -> Result<Written, Failure> {
    let expected = UserPatch {
        fs_uniquifier: Some(user.fs_uniquifier.clone()),
        active: Some(true),
        password: Some(user.password.clone()),
        us_totp_secrets: Some(user.us_totp_secrets.clone()),
        ..UserPatch::default()
    };
    let needs_passkey = removed && !batch.is_empty();
    batch.update_user_if(user.id, &expected, patch, exchange.now.datetime());
    let with_phone = patch.us_phone_number.is_some();
    let (what, notice) = if with_phone {
        (What::PhoneChanged, messages::NOTICE_PHONE_CHANGED)
    } else {
        (What::SignInMethodsChanged, messages::NOTICE_SIGN_IN_METHODS_CHANGED)
    };
    exchange.note(&mut batch, user.id, what, Some(&methods.join(", ")));
    let mut post = exchange.post();
    exchange.notify(&mut post, user, &Notice::Access(notice.into()))?;
    match exchange.commit_and_send(batch, post).await {
        Ok(_) => {}
        Err(error) => {
            return match error.kind() {
                ErrorKind::Unmet(0) if needs_passkey => Ok(Written::LastWayIn),
                ErrorKind::Unmet(_) => Ok(Written::Stale),
                ErrorKind::Conflict { .. } => Ok(Written::Taken),
                _ => Err(error.into()),
            };
        }
    }
    let event = Event::SignInMethodsChanged { user_id: user.id, methods: methods.to_vec(), removed };
    exchange.gate.events().send(&event);
    Ok(Written::Done)
}
