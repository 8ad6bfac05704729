//! Rates: how often something happens, shared by all processes on the database.

use time::OffsetDateTime;

use super::{Store, is_key, met};
use crate::backend::Reach;
use crate::batch::{Expect, below};
use crate::error::Result;
use crate::rates::{RateRule, RateState, micros};
use crate::sql::Statement;
use crate::value::Value;

impl Store {
    /// What was spent under `key`.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn rate(&self, key: &str) -> Result<Option<RateState>> {
        if !is_key(key) {
            return Ok(None);
        }
        let sql = "SELECT spent, former, edge FROM lychgate_rates WHERE key = $1";
        let rows = self.query(sql, vec![key.into()], Reach::Key).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let mut row = row.into_iter();
        let mut next = || row.next().as_ref().map_or(Ok(None), Value::int);
        let (spent, before, edge) = (next()?, next()?, next()?);
        Ok(spent.zip(before).zip(edge).map(|((spent, before), edge)| RateState { spent, before, edge }))
    }

    /// The counts whose keys begin with `prefix`, which holds letters, digits and `/` only; at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn attempts(&self, prefix: &str) -> Result<Vec<(String, RateState)>> {
        let sql = "SELECT key, spent, former, edge FROM lychgate_rates WHERE key LIKE $1 ORDER BY key LIMIT 1000";
        let rows = self.query(sql, vec![below(prefix).into()], Reach::Scan).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let mut values = row.into_iter();
            let key = values.next().map_or(Ok(None), Value::text)?;
            let mut next = || values.next().as_ref().map_or(Ok(None), Value::int);
            if let (Some(key), Some(spent), Some(before), Some(edge)) = (key, next()?, next()?, next()?) {
                found.push((key, RateState { spent, before, edge }));
            }
        }
        Ok(found)
    }

    /// Spends `cost` under `key` if the rule allows it, and gives what is spent then. Of any number of callers at once,
    /// on all processes, no more are admitted than the rule says; what is refused is not counted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a key that is empty or longer than 256 bytes.
    pub async fn spend(
        &self,
        key: &str,
        rule: &RateRule,
        cost: u32,
        now: OffsetDateTime,
    ) -> Result<(bool, Option<RateState>)> {
        // Whoever is over the limit costs a look, not a write.
        let before = self.rate(key).await?;
        let (free, after) = rule.spend(before, cost, now);
        if !free {
            return Ok((false, before));
        }
        let sums = rule.sums(cost, now);
        if met(self.commit_one(|batch| batch.spend(key, rule, &sums, Expect::Any)).await)? {
            return Ok((true, Some(after)));
        }
        Ok((false, self.rate(key).await?))
    }

    /// Forgets rates that make no difference any more; says how many.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn purge_rates(&self, now: OffsetDateTime) -> Result<u64> {
        let now = Value::from(micros(now));
        let delete = Statement::new("DELETE FROM lychgate_rates WHERE until < $1", vec![now]);
        self.commit_one(|batch| batch.simple(delete, Expect::Any)).await
    }
}
