//! What every backend has to do, as one suite for all of them.
//!
//! [`run`] takes an open store whose tables are empty and leaves rows behind. It panics where the store does not do as
//! it should. It has to run on a multi-threaded tokio runtime.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod account;
mod api_keys;
mod audit;
mod batches;
mod changes;
mod credentials;
mod ends;
mod invitations;
mod kept;
mod limits;
mod names;
mod outbox;
mod overview;
mod rates;
mod refresh;
mod roles;
mod sessions;
mod users;
mod users_page;

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use crate::records::{NewSession, NewUser, User};
use crate::store::Store;

/// 2026-11-22 01:43:50.123456 UTC.
fn start() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(1_795_311_830_123_456_000).unwrap()
}

fn new_user(name: &str) -> NewUser {
    NewUser {
        password: Some(format!("hash of {name}")),
        ..NewUser::new(format!("{name}@lp.com"), format!("uniq-{name}"))
    }
}

fn session(sid: &str, user_id: i64) -> NewSession {
    NewSession {
        sid: sid.to_owned(),
        user_id,
        created_at: start(),
        expires_at: start() + Duration::days(31),
        address: Some("203.0.113.9".to_owned()),
        user_agent: Some("Mozilla/5.0".to_owned()),
        via: "password".to_owned(),
        remembered: true,
    }
}

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

async fn read(store: &Store, id: i64) -> Arc<User> {
    store.user_by_id(id).await.unwrap().unwrap()
}

/// Runs the whole suite.
pub async fn run(store: &Store) {
    store.ping().await.unwrap();
    roles::roles(store).await;
    roles::permissions(store).await;
    users::users(store).await;
    roles::held(store).await;
    users::identities(store).await;
    names::names(store).await;
    users_page::run(store).await;
    overview::run(store).await;
    changes::patches(store).await;
    changes::conditions(store).await;
    changes::recovery_codes(store).await;
    changes::passwords(store).await;
    changes::links(store).await;
    sessions::sessions(store).await;
    sessions::ids_used_again(store).await;
    batches::redemptions(store).await;
    limits::run(store).await;
    rates::run(store).await;
    batches::meta(store).await;
    batches::batches(store).await;
    ends::resets(store).await;
    ends::refresh_tokens_end(store).await;
    ends::deletions(store).await;
    account::run(store).await;
    kept::kept_records(store).await;
    kept::races(store).await;
    users::odd_values(store).await;
    credentials::run(store).await;
    invitations::run(store).await;
    refresh::run(store).await;
    api_keys::run(store).await;
    audit::run(store).await;
    outbox::run(store).await;
}
