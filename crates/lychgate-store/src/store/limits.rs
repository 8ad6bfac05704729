//! Counts of attempts, and marks that only rise.

use time::{Duration, OffsetDateTime};

use super::{Store, is_key, met};
use crate::backend::Reach;
use crate::batch::Expect;
use crate::error::Result;
use crate::sql::Statement;
use crate::value::{Value, micros};

impl Store {
    /// Counts an attempt under `key` and says whether it is among the first `limit` of its window.
    ///
    /// The first attempt opens a window of length `window`; when that is over, the next attempt opens another. An attempt
    /// beyond the limit is not counted and does not lengthen the window. Of any number of callers at once, on all
    /// processes, at most `limit` get `true`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a key that is empty or longer than 256 bytes, or a limit
    /// below 1.
    pub async fn count_attempt(&self, key: &str, limit: i64, window: Duration, now: OffsetDateTime) -> Result<bool> {
        met(self.commit_one(|batch| batch.attempt(key, limit, window, now, Expect::Any)).await)
    }

    /// Forgets the attempts under `key`, as after a success.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn clear_attempts(&self, key: &str) -> Result<()> {
        self.commit_one(|batch| batch.clear_attempts(key)).await.map(drop)
    }

    /// Sets the mark of `key` to `to` if it is unset or lower, to be kept until `until` at least; `false` otherwise. Of
    /// several callers who raise it to the same height exactly one gets `true`.
    ///
    /// # Errors
    ///
    /// As [`count_attempt`](Self::count_attempt).
    pub async fn raise_mark(&self, key: &str, to: i64, until: OffsetDateTime) -> Result<bool> {
        met(self.commit_one(|batch| batch.mark(key, to, until, Expect::Any)).await)
    }

    /// The mark, or the count, of `key` and until when it is kept.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn mark(&self, key: &str) -> Result<Option<(i64, OffsetDateTime)>> {
        if !is_key(key) {
            return Ok(None);
        }
        let sql = "SELECT count, until FROM lychgate_limits WHERE key = $1";
        let rows = self.query(sql, vec![key.into()], Reach::Key).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let mut row = row.into_iter();
        let count = row.next().as_ref().map_or(Ok(None), Value::int)?;
        let until = row.next().as_ref().map_or(Ok(None), Value::time)?;
        Ok(count.zip(until))
    }

    /// Forgets counts and marks that need not be kept any more; says how many.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn purge_limits(&self, now: OffsetDateTime) -> Result<u64> {
        let delete = Statement::new("DELETE FROM lychgate_limits WHERE until < $1", vec![micros(now).into()]);
        self.commit_one(|batch| batch.simple(delete, Expect::Any)).await
    }
}
