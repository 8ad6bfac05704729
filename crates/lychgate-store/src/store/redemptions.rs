//! What may be used only once: link tokens, one-time codes.

use time::OffsetDateTime;

use super::{Store, met};
use crate::batch::Expect;
use crate::error::Result;
use crate::sql::Statement;
use crate::value::micros;

impl Store {
    /// Marks a key of a kind as used. Of all callers ever, on all processes, exactly one gets `true`.
    ///
    /// `expires_at` is when the thing becomes worthless by itself and the mark can be forgotten.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an empty or overlong kind (64 bytes) or key (1024 bytes).
    pub async fn redeem_once(
        &self,
        kind: &str,
        key: &str,
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<bool> {
        met(self.commit_one(|batch| batch.redeem(kind, key, expires_at, now, Expect::Any)).await)
    }

    /// Forgets marks of what has become worthless; says how many.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn purge_redemptions(&self, now: OffsetDateTime) -> Result<u64> {
        let delete = Statement::new("DELETE FROM lychgate_redemptions WHERE expires_at < $1", vec![micros(now).into()]);
        self.commit_one(|batch| batch.simple(delete, Expect::Any)).await
    }
}
