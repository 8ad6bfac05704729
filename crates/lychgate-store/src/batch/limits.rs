//! Batch steps on counts and marks.

use time::{Duration, OffsetDateTime};

use super::{Batch, Expect};
use crate::error::{Result, StoreError};
use crate::sql::Statement;
use crate::value::micros;

impl Batch {
    pub(crate) fn attempt(
        &mut self,
        key: &str,
        limit: i64,
        window: Duration,
        now: OffsetDateTime,
        expect: Expect,
    ) -> &mut Self {
        self.step(|batch| {
            check_key(key)?;
            if limit < 1 || !window.is_positive() {
                return Err(StoreError::invalid("a limit is at least one attempt in a time that passes"));
            }
            let upsert = Statement::new(
                "INSERT INTO lychgate_limits (key, count, until) VALUES ($1, 1, $2) ON CONFLICT (key) DO UPDATE SET \
                 count = CASE WHEN lychgate_limits.until <= $3 THEN 1 ELSE lychgate_limits.count + 1 END, \
                 until = CASE WHEN lychgate_limits.until <= $3 THEN excluded.until ELSE lychgate_limits.until END \
                 WHERE lychgate_limits.until <= $3 OR lychgate_limits.count < $4",
                vec![key.into(), micros(now.saturating_add(window)).into(), micros(now).into(), limit.into()],
            );
            batch.push(upsert, expect);
            Ok(())
        })
    }

    /// Forgets the attempts under a key.
    pub fn clear_attempts(&mut self, key: &str) -> &mut Self {
        let delete = Statement::new("DELETE FROM lychgate_limits WHERE key = $1", vec![key.into()]);
        self.simple(delete, Expect::Any)
    }

    /// Raises a mark; the batch fails if it is as high already. See [`Store::raise_mark`](crate::Store::raise_mark).
    pub fn raise_mark(&mut self, key: &str, to: i64, until: OffsetDateTime) -> &mut Self {
        self.mark(key, to, until, Expect::One)
    }

    pub(crate) fn mark(&mut self, key: &str, to: i64, until: OffsetDateTime, expect: Expect) -> &mut Self {
        self.step(|batch| {
            check_key(key)?;
            let upsert = Statement::new(
                "INSERT INTO lychgate_limits (key, count, until) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET \
                 count = excluded.count, until = excluded.until WHERE lychgate_limits.count < excluded.count",
                vec![key.into(), to.into(), micros(until).into()],
            );
            batch.push(upsert, expect);
            Ok(())
        })
    }
}

fn check_key(key: &str) -> Result<()> {
    if key.is_empty() || key.len() > 256 {
        return Err(StoreError::invalid("the key of a limit is empty or too long"));
    }
    Ok(())
}
