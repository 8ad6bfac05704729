//! Ending whatever lets somebody in without proving anew who they are.

use lychgate_store::{Batch, User, UserPatch};

use super::{devices, links};
use crate::{clock::Moment, gate::Lychgate};

/// Ends sessions, remember cookies, auth tokens, refresh tokens, API keys and mailed links, and makes browsers unknown, in one
/// transaction with `patch`, which gets the uniquifiers to be written.
pub(crate) fn end_access(gate: &Lychgate, batch: &mut Batch, user: &User, patch: &mut UserPatch, now: Moment) {
    end_sessions(gate, batch, user, patch, now);
    for kind in links::KINDS {
        links::outdate(batch, kind, user.id, now);
    }
    devices::forget_devices(batch, user);
}

/// As [`end_access`], but mailed links go on, as far as they do not name what changes, and browsers stay known.
pub(crate) fn end_sessions(gate: &Lychgate, batch: &mut Batch, user: &User, patch: &mut UserPatch, now: Moment) {
    let fresh = || uuid::Uuid::new_v4().simple().to_string();
    patch.fs_uniquifier = Some(fresh());
    // Where there is this column, auth tokens name it, and a new uniquifier alone would leave them good.
    if gate.store().has_user_column("fs_token_uniquifier") {
        patch.fs_token_uniquifier = Some(fresh());
    }
    batch.revoke_sessions_of(user.id, None, now.datetime());
    batch.revoke_refresh_trackers_of(user.id, now.datetime());
    batch.revoke_api_keys_of(user.id, now.datetime());
}

/// Deletes an account with what is on its way to its owner.
pub(crate) fn delete(batch: &mut Batch, user: &User) {
    let numbers = [&user.us_phone_number, &user.tf_phone_number].into_iter().flatten();
    for recipient in std::iter::once(&user.email).chain(numbers) {
        batch.forget_recipient(recipient);
    }
    batch.delete_user(user.id);
}
