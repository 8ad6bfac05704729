//! The link in a notice by which an owner says that it was somebody else.
//!
//! Such links compete: who took an account to their own address gets notices there. So a link that is used makes
//! worthless all that were written since its own event, and never one that is older.

use std::sync::Arc;

use lychgate_signing::tokens::{NotMePayload, fingerprint};
use lychgate_store::{Batch, User};
use time::OffsetDateTime;

use super::account::anchor;
use crate::{clock::Moment, failure::Failure, web::exchange::Exchange};

/// The event of a link that went to the address that an account had before.
const MOVED: &str = "email";

/// How many spans are remembered; the two oldest become one beyond it.
const MOST_SPANS: usize = 16;

/// What a link tells.
#[derive(Clone, Debug)]
pub(crate) struct NotMe {
    pub(crate) user: Arc<User>,
    /// The address to give back to the account.
    pub(crate) restore: Option<String>,
    /// When the event happened.
    at: i64,
    /// What is remembered of links that were used before.
    used: Option<String>,
}

/// Where it is remembered which links are worthless: spans of time, from the event of a used link to its use.
fn key(user: &User) -> String {
    format!("not-me/{}/{}", user.id, anchor(user).unwrap_or_default())
}

fn spans(text: &str) -> Vec<(i64, i64)> {
    let span = |text: &str| text.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    text.split(',').filter_map(span).collect()
}

fn micros(now: Moment) -> i64 {
    i64::try_from(now.datetime().unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

impl NotMe {
    /// When the event happened.
    pub(crate) fn since(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.at) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl Exchange {
    /// The link for a notice about `event` to `user`, as the account was before the event; none where there are no such
    /// links.
    pub(crate) fn not_me_link(&self, user: &User, event: &'static str) -> Result<Option<String>, Failure> {
        let anchor = anchor(user);
        // Moving the account of somebody else, who has the same key by now, would be worse than no link.
        if !self.gate.settings().flag("not_me") || event == MOVED && anchor.is_none() {
            return Ok(None);
        }
        let payload = NotMePayload {
            user: user.id,
            anchor: anchor.unwrap_or_default(),
            event: event.to_owned(),
            email: user.email.clone(),
            at: micros(self.now),
        };
        let token = self.gate.not_me_codec().mint(&payload, self.now.unix()).map_err(Failure::internal)?;
        Ok(Some(self.link_to(&self.token_path("not_me", token.as_str()))))
    }

    /// Whose account a link is about, if it still may do something.
    ///
    /// A link that went to the present address is good only while it is the present one: whoever took the account to
    /// another address must not be able to disturb it from there once it is back.
    pub(crate) async fn open_not_me_link(&self, token: &str) -> Result<Option<NotMe>, Failure> {
        let Ok(redeemed) = self.gate.not_me_codec().redeem(token, self.now.unix()) else { return Ok(None) };
        let payload = redeemed.payload;
        let Some(user) = self.gate.store().user_by_id(payload.user).await? else { return Ok(None) };
        if anchor(&user).unwrap_or_default() != payload.anchor {
            return Ok(None);
        }
        let used = self.gate.store().meta_get(&key(&user)).await?;
        let is_worthless = |(from, to): &(i64, i64)| (*from..=*to).contains(&payload.at);
        if used.as_deref().is_some_and(|used| spans(used).iter().any(is_worthless)) {
            return Ok(None);
        }
        let is_present = user.email.eq_ignore_ascii_case(&payload.email);
        let restore = Some(payload.email).filter(|_| !is_present && payload.event == MOVED);
        Ok((is_present || restore.is_some()).then_some(NotMe { user, restore, at: payload.at, used }))
    }
}

impl NotMe {
    /// Makes this link and all that were written since its event worthless. Of several uses at once, of this link or of
    /// others of the account, one goes through: each goes on from what was remembered when it was opened.
    pub(crate) fn record(&self, batch: &mut Batch, now: Moment) {
        let before = self.used.as_deref().unwrap_or_default();
        let mut spans = spans(before);
        spans.push((self.at, micros(now)));
        while spans.len() > MOST_SPANS {
            let (first, second) = (spans.remove(0), spans.remove(0));
            spans.insert(0, (first.0.min(second.0), first.1.max(second.1)));
        }
        let after: Vec<String> = spans.iter().map(|(from, to)| format!("{from}-{to}")).collect();
        let mark: String = fingerprint(before).iter().map(|byte| format!("{byte:02x}")).collect();
        let key = key(&self.user);
        let expires = now.datetime() + time::Duration::days(3660);
        batch.redeem_once("not-me", &format!("{key}/{mark}"), expires, now.datetime());
        batch.meta_set(&key, &after.join(","));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn spans_are_read_as_written() {
        assert_eq!(super::spans("1-2,30-40"), [(1, 2), (30, 40)]);
        assert_eq!(super::spans(""), []);
        assert_eq!(super::spans("x,1-,-2,3-4"), [(3, 4)]);
    }
}
