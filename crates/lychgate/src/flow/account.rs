//! May this account be used?

use lychgate_store::User;
use serde_json::{Value, json};

use super::invitations;
use crate::{
    failure::Failure,
    gate::Lychgate,
    messages::{self, MessageKey},
};

/// Whether nobody may act as this user, by whatever proof.
pub(crate) fn is_blocked(user: &User) -> bool {
    !user.active
}

/// Whether this user has set up codes as a second factor.
pub(crate) fn has_second_factor(user: &User) -> bool {
    user.tf_primary_method.as_deref().is_some_and(|method| !method.is_empty())
}

/// What stays the same while an account exists and differs from that of a later account with the same key, which SQLite
/// may give out again; none where the database has nothing of the kind.
pub(crate) fn anchor(user: &User) -> Option<String> {
    let made = user.create_datetime.map(|at| (at.unix_timestamp_nanos() / 1000).to_string());
    made.or_else(|| user.fs_webauthn_user_handle.clone())
}

/// Why somebody with the right secret may still not sign in.
pub(crate) fn problem(gate: &Lychgate, user: &User) -> Option<MessageKey> {
    if is_blocked(user) {
        return Some(messages::DISABLED_ACCOUNT);
    }
    let settings = gate.settings();
    let must_confirm = settings.flag("confirmable") && !settings.flag("login_without_confirmation");
    (must_confirm && user.confirmed_at.is_none()).then_some(messages::CONFIRMATION_REQUIRED)
}

/// Says more to somebody who has proved who they are.
pub(crate) async fn explained(gate: &Lychgate, user: &User, problem: MessageKey) -> Result<MessageKey, Failure> {
    if problem != messages::DISABLED_ACCOUNT {
        return Ok(problem);
    }
    let state = gate.store().account_state(user.id).await?;
    let waits = state.and_then(|state| state.mark).is_some_and(|mark| mark.state == invitations::WAITING);
    Ok(if waits { messages::ACCOUNT_WAITING } else { problem })
}

/// What templates see of the current user.
pub(crate) fn template_view(gate: &Lychgate, user: &User) -> Value {
    let roles: Vec<&str> = user.roles.iter().map(|role| role.name.as_str()).collect();
    let identity = identity_text(gate, user);
    json!({
        "is_authenticated": true,
        "is_anonymous": false,
        "is_active": user.active,
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "identity": identity,
        "display_name": identity,
        "roles": roles,
        "extra": user.extra,
    })
}

/// The user's first identity attribute that is not empty.
pub(crate) fn identity_text(gate: &Lychgate, user: &User) -> String {
    let attributes = gate.settings().identity_attributes();
    let values = attributes.iter().filter_map(|attribute| user.column(&attribute.name));
    values.map(|value| value.to_string()).find(|value| !value.is_empty()).unwrap_or_else(|| user.email.clone())
}
