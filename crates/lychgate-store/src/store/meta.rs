//! Small values by key.

use super::{Store, is_key, met};
use crate::backend::Reach;
use crate::batch::Expect;
use crate::error::Result;
use crate::sql::Statement;

impl Store {
    /// The value of a key.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn meta_get(&self, key: &str) -> Result<Option<String>> {
        if !is_key(key) {
            return Ok(None);
        }
        let sql = "SELECT value FROM lychgate_meta WHERE key = $1";
        let rows = self.query(sql, vec![key.into()], Reach::Key).await?;
        let value = rows.into_iter().flatten().next();
        value.map_or(Ok(None), crate::value::Value::text)
    }

    /// Writes a value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a key that is empty, longer than 128 bytes or reserved.
    pub async fn meta_set(&self, key: &str, value: &str) -> Result<()> {
        self.commit_one(|batch| batch.meta_set(key, value)).await.map(drop)
    }

    /// Deletes values that are over: of the keys that begin with `prefix`, those whose value sorts before `before`.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn meta_purge(&self, prefix: &str, before: &str) -> Result<u64> {
        let delete = Statement::new(
            "DELETE FROM lychgate_meta WHERE substr(key, 1, length(CAST($1 AS TEXT))) = $1 AND value < $2",
            vec![prefix.into(), before.into()],
        );
        self.commit_one(|batch| batch.simple(delete, Expect::Any)).await
    }

    /// Deletes a value if it is the expected one; of several callers exactly one gets `true`.
    ///
    /// # Errors
    ///
    /// As [`meta_set`](Self::meta_set).
    pub async fn meta_take(&self, key: &str, expected: &str) -> Result<bool> {
        met(self.commit_one(|batch| batch.take(key, expected, Expect::Any)).await)
    }
}
