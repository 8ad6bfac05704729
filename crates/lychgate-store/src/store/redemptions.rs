//! What may be used only once: link tokens, one-time codes. And what may not be used any more: revoked tokens.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Store, is_key, met};
use crate::backend::Reach;
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

    /// Whether a key of a kind was marked. Answered from memory while nothing has changed.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn is_redeemed(&self, kind: &str, key: &str) -> Result<bool> {
        if !is_key(kind) || !is_key(key) {
            return Ok(false);
        }
        let (kept, epoch) = (&self.inner.caches.redeemed, self.epoch());
        let name = format!("{kind}\0{key}");
        if let Some(known) = kept.get(&name, epoch) {
            return Ok(*known);
        }
        let sql = "SELECT 1 FROM lychgate_redemptions WHERE kind = $1 AND key = $2";
        let found = !self.query(sql, vec![kind.into(), key.into()], Reach::Key).await?.is_empty();
        kept.put(&name, epoch, &Arc::new(found));
        Ok(found)
    }

    /// When a key of a kind was marked, if it was.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn redeemed_at(&self, kind: &str, key: &str) -> Result<Option<OffsetDateTime>> {
        if !is_key(kind) || !is_key(key) {
            return Ok(None);
        }
        let sql = "SELECT redeemed_at FROM lychgate_redemptions WHERE kind = $1 AND key = $2";
        let rows = self.query(sql, vec![kind.into(), key.into()], Reach::Key).await?;
        rows.into_iter().next().and_then(|row| row.into_iter().next()).map_or(Ok(None), |value| value.time())
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
