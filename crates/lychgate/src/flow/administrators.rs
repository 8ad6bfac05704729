//! The last administrator stays: without one nobody could let another in.

use lychgate_store::{Batch, ErrorKind, StoreError};
use time::OffsetDateTime;

/// The step of a batch that finds out whether an administrator is left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left(usize);

/// Lets a batch through that deletes this user, deactivates them or takes the role away, only if another administrator
/// is left who may act; `role` is that of administrators. Of two that go at once one stays.
pub(crate) fn last_administrator(batch: &mut Batch, role: &str, user_id: i64, now: OffsetDateTime) -> Left {
    let step = batch.len();
    batch.role_stays_held(role, user_id, now);
    Left(step)
}

impl Left {
    /// Whether a batch failed because nobody would have been left.
    pub(crate) fn nobody(self, error: &StoreError) -> bool {
        matches!(error.kind(), ErrorKind::Unmet(step) if *step == self.0)
    }
}
