//! The second factor in the database: written with the notice to its owner, and with the end of all trust that was given
//! for the one before.

use lychgate_store::{ErrorKind, User, UserPatch};

use crate::{
    events::Event,
    failure::Failure,
    flow::{activity::What, code_setup, codes::Means, former_factor, notices::Notice, second_factor},
    messages::{self, MessageKey},
    web::exchange::Exchange,
};

/// A second factor whose first code was right.
pub(super) struct New<'a> {
    pub(super) means: Means,
    /// The encrypted secret.
    pub(super) secret: &'a str,
    pub(super) phone: Option<&'a str>,
    /// The state that carried it; good once.
    pub(super) state: Option<&'a str>,
}

/// Stores it for `user`, as they were read; `false` if the account has changed since, or the state was used.
pub(super) async fn set(exchange: &Exchange, user: &User, new: &New<'_>) -> Result<bool, Failure> {
    let patch = UserPatch {
        tf_primary_method: Some(Some(new.means.name().to_owned())),
        tf_totp_secret: Some(Some(new.secret.to_owned())),
        tf_phone_number: new.phone.map(|phone| Some(phone.to_owned())),
        ..UserPatch::default()
    };
    let written = write(exchange, user, &patch, new.state, messages::NOTICE_SECOND_FACTOR_CHANGED).await?;
    if written {
        let event = Event::SecondFactorChanged { user_id: user.id, method: new.means.name() };
        exchange.gate.events().send(&event);
    }
    Ok(written)
}

/// Takes it away; `false` if the account has changed since.
pub(super) async fn unset(exchange: &Exchange, user: &User) -> Result<bool, Failure> {
    let patch = UserPatch {
        tf_primary_method: Some(None),
        tf_totp_secret: Some(None),
        tf_phone_number: Some(None),
        ..UserPatch::default()
    };
    let written = write(exchange, user, &patch, None, messages::NOTICE_SECOND_FACTOR_REMOVED).await?;
    if written {
        exchange.gate.events().send(&Event::SecondFactorDisabled { user_id: user.id });
    }
    Ok(written)
}

async fn write(
    exchange: &Exchange,
    user: &User,
    patch: &UserPatch,
    state: Option<&str>,
    notice: MessageKey,
) -> Result<bool, Failure> {
    let now = exchange.now.datetime();
    let expected = UserPatch {
        fs_uniquifier: Some(user.fs_uniquifier.clone()),
        active: Some(true),
        tf_primary_method: Some(user.tf_primary_method.clone()),
        tf_totp_secret: Some(user.tf_totp_secret.clone()),
        ..UserPatch::default()
    };
    let mut batch = exchange.gate.store().batch();
    if let Some(state) = state {
        code_setup::use_up(exchange, &mut batch, "tf-setup", state);
    }
    batch.update_user_if(user.id, &expected, patch, now);
    former_factor::remember(exchange, &mut batch, user, patch).await?;
    second_factor::distrust_browsers(exchange, &mut batch, user.id);
    let method = patch.tf_primary_method.as_ref().and_then(Option::as_deref);
    exchange.note(&mut batch, user.id, What::SecondFactorChanged, method);
    let mut post = exchange.post();
    exchange.notify(&mut post, user, &Notice::Access(notice.into()))?;
    match exchange.commit_and_send(batch, post).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
