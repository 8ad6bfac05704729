//! Requests that were refused for want of a right, noted under the reference that the reply shows.

use std::sync::atomic::{AtomicU32, Ordering};

use lychgate_store::Refusal;
use tokio::sync::Semaphore;

use crate::{failure::Refused, web::exchange::Exchange};

/// How many refusals are written at a time; what comes beyond that is in the log only, so that whoever provokes refusals
/// does not keep the database busy.
const AT_ONCE: usize = 8;

/// Where the next refusal goes.
#[derive(Debug)]
pub(crate) struct Refusals {
    slot: AtomicU32,
    writing: Semaphore,
}

impl Refusals {
    /// Begins anywhere, as several processes may share the table.
    pub(crate) fn new(seed: u32) -> Self {
        Self { slot: AtomicU32::new(seed), writing: Semaphore::new(AT_ONCE) }
    }
}

impl Exchange {
    /// Notes that this request is refused, if the settings want it. The reply does not depend on it.
    pub(crate) async fn note_refusal(&self, refused: Option<&Refused>) {
        let refusals = self.gate.refusals();
        if !self.gate.settings().flag("refusals") {
            return;
        }
        let Ok(_permit) = refusals.writing.try_acquire() else { return };
        let who = self.current().await.ok().flatten();
        let refusal = Refusal {
            id: self.request_id().to_owned(),
            at: self.now.datetime(),
            user_id: who.as_ref().map(|who| who.user.id),
            method: self.method.to_string(),
            path: self.logged_path(),
            mechanism: who.map(|who| who.via.name().to_owned()),
            needed: refused.map(|refused| refused.needed.clone()),
            missing: refused.map(|refused| refused.missing.join(", ")),
        };
        let slot = refusals.slot.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.gate.store().note_refusal(slot, &refusal).await {
            tracing::warn!(%error, request_id = refusal.id, "a refusal was not noted");
        }
    }
}
