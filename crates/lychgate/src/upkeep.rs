//! What is forgotten by itself as time passes.

use std::{sync::Weak, time::Duration};

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
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(inner) = gate.upgrade() else { return };
        if let Err(error) = Lychgate(inner).tidy().await {
            tracing::warn!(%error, "what is over was not forgotten; it is tried again in ten minutes");
        }
    }
}
