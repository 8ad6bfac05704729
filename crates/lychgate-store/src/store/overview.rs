//! What administrators look at: counts, sessions of everybody.

use time::OffsetDateTime;

use super::{Store, is_key};
use crate::backend::Reach;
use crate::decode;
use crate::error::Result;
use crate::outbox::OutboxState;
use crate::records::SessionRecord;
use crate::value::{Value, micros};

/// The most that one call lists.
const MOST: u32 = 1000;

/// How often something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityCount {
    /// What it was, as in [`Activity::kind`](crate::Activity::kind).
    pub kind: String,
    /// The day, `YYYY-MM-DD`, or the hour, `YYYY-MM-DD HH`, in UTC.
    pub when: String,
    /// How often.
    pub count: i64,
}

impl Store {
    /// How many users have a role, counted no further than `most`.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn count_with_role(&self, role: &str, most: u32) -> Result<i64> {
        if !is_key(role) {
            return Ok(0);
        }
        let (links, roles) = (&self.schema().links, &self.schema().role.quoted);
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {links} q WHERE q.role_id IN \
             (SELECT s.id FROM {roles} s WHERE s.name = $1) LIMIT {most}) c"
        );
        self.count(sql, vec![role.into()]).await
    }

    /// How many accounts have the mark of this word, counted no further than 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn count_marked(&self, state: &str) -> Result<i64> {
        let sql =
            format!("SELECT COUNT(*) FROM (SELECT 1 FROM lychgate_account_state WHERE state = $1 LIMIT {MOST}) c");
        self.count(sql, vec![state.into()]).await
    }

    /// How many items of the outbox are in a state, counted no further than 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn count_outbox(&self, state: OutboxState) -> Result<i64> {
        let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM lychgate_outbox WHERE state = $1 LIMIT {MOST}) c");
        self.count(sql, vec![state.as_str().into()]).await
    }

    pub(super) async fn count(&self, sql: String, values: Vec<Value>) -> Result<i64> {
        let rows = self.query(sql, values, Reach::Scan).await?;
        let count = rows.first().and_then(|row| row.first()).map_or(Ok(None), Value::int)?;
        Ok(count.unwrap_or_default())
    }

    /// How often each kind of activity was noted since then, by day or by hour. Fifty of a kind are kept for each user, so
    /// that whoever did something more often counts as fifty.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn activity_counts(
        &self,
        kinds: &[&str],
        since: OffsetDateTime,
        by_hour: bool,
    ) -> Result<Vec<ActivityCount>> {
        let marks: Vec<String> = (2..kinds.len() + 2).map(|n| format!("${n}")).collect();
        if marks.is_empty() || marks.len() > 32 {
            return Ok(Vec::new());
        }
        let length = if by_hour { 13 } else { 10 };
        let when = format!("substr(CAST(at AS TEXT), 1, {length})");
        let sql = format!(
            "SELECT kind, {when}, COUNT(*) FROM lychgate_activity WHERE at >= $1 AND kind IN ({}) GROUP BY kind, {when} \
             ORDER BY 2, 1 LIMIT {MOST}",
            marks.join(", ")
        );
        let values: Vec<Value> =
            std::iter::once(micros(since).into()).chain(kinds.iter().map(|&kind| kind.into())).collect();
        let rows = self.query(sql, values, Reach::Scan).await?;
        rows.into_iter()
            .map(|row| {
                let mut values = row.into_iter();
                let mut next = || values.next().unwrap_or(Value::Null);
                let (kind, when) = (next().text()?.unwrap_or_default(), next().text()?.unwrap_or_default());
                Ok(ActivityCount { kind, when, count: next().int()?.unwrap_or_default() })
            })
            .collect()
    }

    /// Sessions of everybody that may be used, the last begun first, begun before `before` if that is given; at most
    /// `limit`, and at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn live_sessions(
        &self,
        before: Option<OffsetDateTime>,
        limit: u32,
        now: OffsetDateTime,
    ) -> Result<Vec<SessionRecord>> {
        let mut values: Vec<Value> = vec![micros(now).into()];
        let mut more = "";
        if let Some(before) = before {
            values.push(micros(before).into());
            more = " AND created_at < $2";
        }
        let limit = limit.min(MOST);
        let columns = crate::sql::SESSION_COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM lychgate_sessions WHERE revoked_at IS NULL AND expires_at > $1{more} \
             ORDER BY created_at DESC LIMIT {limit}"
        );
        let rows = self.query(sql, values, Reach::Scan).await?;
        rows.into_iter().map(decode::session).collect()
    }
}
