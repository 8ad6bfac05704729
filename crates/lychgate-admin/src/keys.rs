//! The API keys and refresh tokens of one user.

use lychgate::{
    Operator,
    store::{ApiKey, RefreshFamily},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    ask::{Answer, Ask},
    user::result,
    view::iso,
};

/// The most that is listed of each.
const MOST: usize = 100;

/// The keys that can be used, or could be if they had not expired; never their digests.
pub(crate) fn keys(operator: &Operator, all: &[ApiKey]) -> Vec<Value> {
    let kept = all.iter().filter(|key| key.revoked_at.is_none()).take(MOST);
    kept.map(|key| {
        json!({
            "id": key.id,
            "name": key.name,
            "hint": key.hint,
            "may": key.scopes,
            "live": key.is_live(operator.now()),
            "created_at": iso(key.created_at),
            "expires_at": key.expires_at.and_then(iso),
            "last_used_at": key.last_used_at.and_then(iso),
            "last_used": key.last_used_at.map(|at| operator.ago(at)),
            "last_used_from": key.last_used_from,
        })
    })
    .collect()
}

/// The families that go on, under names that are no secrets.
pub(crate) fn families(operator: &Operator, all: &[RefreshFamily]) -> Vec<Value> {
    let now: OffsetDateTime = operator.now();
    let kept = all.iter().filter(|one| one.revoked_at.is_none() && now < one.expires_at).take(MOST);
    kept.map(|one| {
        json!({
            "id": Operator::public_session_id(&one.family),
            "name": one.name,
            "uses": one.generation,
            "created_at": iso(one.created_at),
            "last_used_at": iso(one.last_used_at),
            "last_used": operator.ago(one.last_used_at),
            "expires_at": iso(one.expires_at),
            "session": one.sid.as_deref().map(Operator::public_session_id),
        })
    })
    .collect()
}

pub(crate) async fn revoke(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    let done = ask.operator.revoke_api_key(user.id, ask.field("key")).await;
    Ok(result(&ask, &user, done, "The key is taken back."))
}

pub(crate) async fn end_refresh(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    let done = ask.operator.end_refresh_family(user.id, ask.field("family")).await;
    Ok(result(&ask, &user, done, "The refresh tokens are ended."))
}
