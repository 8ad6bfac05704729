//! Forgetting what is old, so that the rest can still be checked.

use lychgate_signing::audit::Purpose;
use lychgate_store::{ErrorKind, StoreError};
use time::OffsetDateTime;

use super::{
    Audit,
    entry::micros,
    seal::{signed, stored},
};
use crate::clock::Moment;

/// Entries that are forgotten in one transaction.
const AT_ONCE: i64 = 2000;

impl Audit<'_> {
    /// Forgets sealed entries from before this time, from the beginning of the log on, and signs where it begins now; says
    /// how many. An entry that is older than one before it, because a clock was wrong, stays as long as that one.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn forget(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        let (store, keeper) = (self.0.store(), self.keeper());
        let mut forgotten = 0;
        loop {
            let from = store.audit_beginning().await?;
            if from.as_ref().is_some_and(|from| !keeper.signer.is_checkpoint(Purpose::Begins, &signed(from))) {
                tracing::error!("the signed beginning of the audit log is not genuine; run `lychgate audit verify`");
                return Ok(forgotten);
            }
            let first = from.as_ref().map_or(0, |from| from.place);
            let Some(last) = store.audit_older(before, first).await? else { return Ok(forgotten) };
            let most = first.saturating_add(AT_ONCE);
            let last = match last.place {
                Some(place) if place > most => store.audit_chained(most - 1, 1).await?.into_iter().next(),
                _ => Some(last),
            };
            let Some((place, link)) = last.and_then(|row| row.place.zip(row.link)) else { return Ok(forgotten) };
            let at = micros(Moment::of(self.0.clock()).datetime());
            let to = stored(keeper.signer.sign_checkpoint(Purpose::Begins, place, &link, at));
            let mut batch = store.batch();
            batch.move_audit_beginning(from.as_ref(), &to);
            match store.commit(batch).await {
                Ok(_) => forgotten += u64::try_from(place - first).unwrap_or_default(),
                // Another process forgets at the same time.
                Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => return Ok(forgotten),
                Err(error) => return Err(error),
            }
        }
    }
}
