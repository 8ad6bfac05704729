//! What is forgotten by itself as time passes.

use std::{
    sync::Weak,
    time::{Duration, Instant},
};

use lychgate_store::StoreError;

use crate::{
    clock::Moment,
    gate::{Inner, Lychgate},
};

/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(600);

/// How long sessions that have expired are kept beyond that: a cookie may be a few minutes younger than its entry.
const EXPIRED_SESSIONS: time::Duration = time::Duration::DAY;

impl Lychgate {
    /// Forgets what is over: expired sessions, marks of links that no longer work, counters, old activity, old entries of the audit log, accounts whose
    /// owners asked for it. The worker does this every ten minutes.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    #[doc(hidden)]
    pub async fn tidy(&self) -> Result<(), StoreError> {
        let (store, now) = (self.store(), Moment::of(self.clock()).datetime());
        store.purge_sessions(now - EXPIRED_SESSIONS).await?;
        store.purge_redemptions(now).await?;
        store.purge_limits(now).await?;
        store.purge_rates(now).await?;
        if let Some(kept) = self.settings().duration("activity_within") {
            store.purge_activity(now.saturating_sub(time::Duration::seconds(kept.as_secs().max(0)))).await?;
        }
        crate::flow::former_factor::forget_old(self, now).await?;
        let kept = self.settings().duration("refusals_within").map_or(0, |kept| kept.as_secs().max(0));
        store.purge_refusals(now.saturating_sub(time::Duration::seconds(kept))).await?;
        if let Err(failure) = crate::flow::account::end_marks(self).await {
            tracing::warn!(?failure, "suspensions that are over were not ended; it is tried again");
        }
        self.delete_due_accounts().await?;
        if let Some(kept) = self.settings().duration("audit_within").filter(|kept| kept.as_secs() > 0) {
            self.audit().forget(now.saturating_sub(time::Duration::seconds(kept.as_secs()))).await?;
        }
        Ok(())
    }

    /// Starts what does that; it ends with the gate.
    pub(crate) fn start_upkeep(&self) {
        tokio::spawn(work(std::sync::Arc::downgrade(&self.0)));
    }
}

async fn work(gate: Weak<Inner>) {
    let began = Instant::now();
    let mut trust = None;
    loop {
        let Some(gate) = gate.upgrade().map(Lychgate) else { return };
        let says = Moment::of(gate.clock()).unix();
        let is_first = trust.is_none();
        let trust = trust.get_or_insert_with(|| Trust::new(says));
        let is_believed = trust.believes(began.elapsed(), says);
        if !is_believed {
            tracing::warn!(
                "the clock ran ahead of the time that passed; nothing is forgotten until it has stood for a day"
            );
        } else if !is_first && let Err(error) = gate.tidy().await {
            tracing::warn!(%error, "what is over was not forgotten; it is tried again in ten minutes");
        }
        drop(gate);
        tokio::time::sleep(EVERY).await;
    }
}

/// How much more than the time that passed a clock may say that it was.
const AHEAD: i64 = 3600;

/// How long a clock that ran ahead has to go on like that: it may have been wrong before, or the machine asleep.
const BELIEVED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Whether the clock is fit to say what is over. What is forgotten cannot be brought back when the clock is right again:
/// the marks of links that were used, the audit log, accounts that are due.
#[derive(Debug)]
struct Trust {
    /// When the clock was last right, as far as is known: by the time that had passed, and by itself.
    right: (Duration, i64),
    /// Since when it is ahead.
    ahead_since: Option<Duration>,
}

impl Trust {
    fn new(says: i64) -> Self {
        Self { right: (Duration::ZERO, says), ahead_since: None }
    }

    /// Whether the clock that now says `says`, in Unix time, is believed when `passed` went by since the start.
    fn believes(&mut self, passed: Duration, says: i64) -> bool {
        let (then, said) = self.right;
        let went = i64::try_from(passed.saturating_sub(then).as_secs()).unwrap_or(i64::MAX);
        if says > said.saturating_add(went).saturating_add(AHEAD) {
            let since = *self.ahead_since.get_or_insert(passed);
            if passed.saturating_sub(since) < BELIEVED_AFTER {
                return false;
            }
        }
        // A clock that went back forgets less; it is taken at its word.
        *self = Self { right: (passed, says), ahead_since: None };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;
    const YEAR: i64 = 365 * 24 * HOUR;

    /// T149: nothing is forgotten while a clock is a year ahead, and everything that is over once it is right again.
    #[test]
    fn a_clock_that_runs_ahead_is_not_believed_at_once() {
        let mut trust = Trust::new(1_000_000);
        let mut at = |hours: i64, off: i64| {
            let passed = Duration::from_secs(u64::try_from(hours * HOUR).unwrap_or_default());
            trust.believes(passed, 1_000_000 + hours * HOUR + off)
        };
        assert!(at(0, 0) && at(1, 0) && at(2, 600));
        assert!(!at(3, YEAR) && !at(20, YEAR));
        assert!(at(21, 0), "it is right again");
        assert!(!at(22, YEAR) && !at(45, YEAR) && at(46, YEAR), "after a day it is the time that counts");
        assert!(at(47, YEAR) && at(48, -YEAR), "back is believed");
        assert!(!at(49, 0), "and forth is a jump again");
    }
}
