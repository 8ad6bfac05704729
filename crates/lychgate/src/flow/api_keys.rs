//! API keys: made, and taken back by owners and administrators.

use lychgate_signing::api_key;
use lychgate_store::{ApiKey, Batch, ErrorKind, StoreError, User};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::account;
use crate::gate::Lychgate;

/// A new key of `user`: its text, which is shown once, and what is stored of it.
pub(crate) fn new_key(
    gate: &Lychgate,
    user: &User,
    name: &str,
    scopes: Vec<String>,
    life: Option<Duration>,
    now: OffsetDateTime,
) -> (Zeroizing<String>, ApiKey) {
    let secret = Zeroizing::new(crate::random::bytes::<32>());
    let text = api_key::from_secret(gate.settings().text("api_key_prefix"), &secret);
    let key = ApiKey {
        id: crate::random::short_id(),
        user_id: user.id,
        anchor: account::anchor(user).unwrap_or_default(),
        name: name.to_owned(),
        digest: api_key::digest(&text).unwrap_or_default(),
        hint: api_key::hint(&text),
        scopes,
        created_at: now,
        expires_at: life.map(|life| now.saturating_add(life)),
        last_used_at: None,
        last_used_from: None,
        revoked_at: None,
    };
    (text, key)
}

/// The permissions that `user` has now, which a key of theirs may be given.
pub(crate) fn grantable(user: &User) -> Vec<String> {
    let mut all: Vec<String> = user.roles.iter().flat_map(|role| role.permissions.iter().cloned()).collect();
    all.sort();
    all.dedup();
    all
}

/// Takes a key back, with what else is in `batch`; `false` if there is none to be taken back.
pub(crate) async fn revoke(
    gate: &Lychgate,
    mut batch: Batch,
    id: &str,
    user_id: i64,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    batch.revoke_api_key(id, user_id, now);
    match gate.store().commit(batch).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
