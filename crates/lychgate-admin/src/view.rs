//! How users and times look to programs and templates.

use std::sync::Arc;

use lychgate::{
    Operator, Standing,
    store::{SessionRecord, User},
};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::ask::Stop;

/// A moment as RFC 3339, in UTC.
pub(crate) fn iso(at: OffsetDateTime) -> Option<String> {
    at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()
}

/// What lists show of each of these users, asked of the database at once.
pub(crate) async fn briefs(operator: &Operator, users: &[Arc<User>]) -> Result<Vec<Value>, Stop> {
    let ids: Vec<i64> = users.iter().map(|user| user.id).collect();
    let passkeys = operator.gate().store().count_credentials_of(&ids).await?;
    let standings = operator.gate().accounts().standings(users).await?;
    let rows = users.iter().zip(passkeys).zip(standings);
    Ok(rows.map(|((user, passkeys), standing)| brief(operator, user, passkeys, &standing)).collect())
}

/// What lists show of a user. Never a password, secret, code or uniquifier.
pub(crate) fn brief(operator: &Operator, user: &User, passkeys: usize, standing: &Standing) -> Value {
    let roles: Vec<&str> = user.roles.iter().map(|role| role.name.as_str()).collect();
    json!({
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "active": user.active,
        "standing": standing.status.word(),
        "reason": standing.reason,
        "by": standing.by,
        "until": standing.until.and_then(iso),
        "confirmed_at": user.confirmed_at.and_then(iso),
        "roles": roles,
        "second_factor": user.tf_primary_method.as_deref().filter(|method| !method.is_empty()),
        "passkeys": passkeys,
        "last_sign_in_at": user.current_login_at.and_then(iso),
        "last_sign_in": user.current_login_at.map(|at| operator.ago(at)),
        "created_at": user.create_datetime.and_then(iso),
    })
}

/// A session, under a name that is no secret.
pub(crate) fn session(operator: &Operator, one: &SessionRecord) -> Value {
    json!({
        "id": Operator::public_session_id(&one.sid),
        "user_id": one.user_id,
        "device": operator.device(one.user_agent.as_deref().unwrap_or_default()),
        "address": one.address,
        "via": one.via,
        "remembered": one.remembered,
        "signed_in_at": iso(one.created_at),
        "signed_in": operator.ago(one.created_at),
        "last_seen_at": iso(one.last_seen_at),
        "last_seen": operator.ago(one.last_seen_at),
    })
}
