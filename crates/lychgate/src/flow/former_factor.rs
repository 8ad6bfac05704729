//! The codes that somebody had as a second factor before they were changed, for as long as a notice of that time can say
//! that it was somebody else.
//!
//! Whoever gets hold of an open session may set up codes of their own in place of the owner's. Were only those taken away
//! afterwards, the account would have no second factor at all; so what was there before is put back.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_signing::tokens::fingerprint;
use lychgate_store::{Batch, StoreError, User, UserPatch};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::account::anchor;
use crate::{gate::Lychgate, web::exchange::Exchange};

const PREFIX: &str = "tf-before/";

/// How many changes are remembered; the oldest ones stay, so that more changes do not hide them.
const MOST: usize = 8;

/// Codes as a second factor, as the user's row has them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Factor {
    method: Option<String>,
    secret: Option<String>,
    phone: Option<String>,
}

impl std::fmt::Debug for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Factor").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Factor {
    pub(crate) fn of(user: &User) -> Self {
        let method = user.tf_primary_method.clone().filter(|method| !method.is_empty());
        Self { method, secret: user.tf_totp_secret.clone(), phone: user.tf_phone_number.clone() }
    }

    /// Whether it is one at all.
    pub(crate) fn is_set_up(&self) -> bool {
        self.method.is_some()
    }

    /// Whether it asks for more than the mailbox that links are sent to.
    pub(crate) fn is_beside_the_mailbox(&self) -> bool {
        self.method.as_deref().is_some_and(|method| !matches!(method, "email" | "mail"))
    }

    /// Puts it into the user's row.
    pub(crate) fn put(self, patch: &mut UserPatch) {
        patch.tf_primary_method = Some(self.method);
        patch.tf_totp_secret = Some(self.secret);
        patch.tf_phone_number = Some(self.phone);
    }

    /// Tells factors apart, without their secrets.
    fn mark(&self) -> String {
        let text = format!("{:?}\0{}", self.method, self.secret.as_deref().unwrap_or_default());
        URL_SAFE_NO_PAD.encode(fingerprint(&text))
    }
}

/// One change: when, from what, to what.
#[derive(Serialize, Deserialize)]
struct Change {
    at: i64,
    before: Factor,
    after: String,
}

fn key(user: &User) -> String {
    format!("{PREFIX}{}/{}", user.id, anchor(user).unwrap_or_default())
}

fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// A moment as texts sort.
fn sortable(at: i64) -> String {
    format!("{at:020}")
}

async fn changes(gate: &Lychgate, user: &User) -> Result<Vec<Change>, StoreError> {
    let kept = gate.store().meta_get(&key(user)).await?;
    let kept = kept.as_deref().and_then(|kept| kept.split_once(' ')).map(|(_, list)| list);
    Ok(kept.and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default())
}

/// Remembers, in the transaction of a change of `user` as they were read, what they had before; if links of notices can
/// use it.
pub(crate) async fn remember(
    exchange: &Exchange,
    batch: &mut Batch,
    user: &User,
    patch: &UserPatch,
) -> Result<(), StoreError> {
    let settings = exchange.gate.settings();
    let Some(within) = settings.duration("not_me_within").filter(|_| settings.flag("not_me")) else { return Ok(()) };
    let now = exchange.now.datetime();
    let within = time::Duration::seconds(within.as_secs().max(0));
    let oldest = micros(now.saturating_sub(within));
    let mut list = changes(&exchange.gate, user).await?;
    list.retain(|change| change.at >= oldest);
    let before = Factor::of(user);
    let mut after = before.clone();
    for (new, value) in [
        (&patch.tf_primary_method, &mut after.method),
        (&patch.tf_totp_secret, &mut after.secret),
        (&patch.tf_phone_number, &mut after.phone),
    ] {
        if let Some(new) = new {
            value.clone_from(new);
        }
    }
    let after = after.mark();
    let is_full = list.len() >= MOST;
    match list.last_mut().filter(|_| is_full) {
        // What it was before the first of many is what matters.
        Some(last) => last.after = after,
        None => list.push(Change { at: micros(now), before, after }),
    }
    let list = serde_json::to_string(&list).unwrap_or_default();
    batch.meta_set(&key(user), &format!("{} {list}", sortable(micros(now.saturating_add(within)))));
    Ok(())
}

/// What `user` had at that time; nothing if that has not changed since, or not as is remembered: an operator may have
/// reset it.
pub(crate) async fn at(gate: &Lychgate, user: &User, since: OffsetDateTime) -> Result<Option<Factor>, StoreError> {
    let list = changes(gate, user).await?;
    let is_whole = list.last().is_some_and(|last| last.after == Factor::of(user).mark());
    let first = list.into_iter().find(|change| change.at >= micros(since));
    Ok(first.filter(|_| is_whole).map(|change| change.before))
}

/// Forgets what no link can use any more.
pub(crate) async fn forget_old(gate: &Lychgate, now: OffsetDateTime) -> Result<(), StoreError> {
    gate.store().meta_purge(PREFIX, &sortable(micros(now))).await.map(drop)
}
