//! What has to be known before an old key is thrown away.

use time::OffsetDateTime;

use super::Store;
use crate::backend::Reach;
use crate::error::Result;
use crate::value::{Value, micros};

impl Store {
    /// How many sessions that may be used began before this time, and when the last of them ends by itself.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn live_sessions_before(
        &self,
        before: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(i64, Option<OffsetDateTime>)> {
        const LIVE: &str = "FROM lychgate_sessions WHERE created_at < $1 AND revoked_at IS NULL AND expires_at > $2";
        let values: Vec<Value> = vec![micros(before).into(), micros(now).into()];
        let rows = self.query(format!("SELECT COUNT(*) {LIVE}"), values.clone(), Reach::Scan).await?;
        let count = rows.first().and_then(|row| row.first()).map_or(Ok(None), Value::int)?.unwrap_or_default();
        let last = format!("SELECT expires_at {LIVE} ORDER BY expires_at DESC LIMIT 1");
        let row = self.query(last, values, Reach::Scan).await?.into_iter().next();
        let last = row.and_then(|row| row.into_iter().next()).map(|value| value.time()).transpose()?;
        Ok((count, last.flatten()))
    }

    /// How many users have a password, and how many of them have neither used it nor got another since then, as far as
    /// activity is noted.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn passwords_unused_since(&self, since: OffsetDateTime) -> Result<(i64, i64)> {
        let user = &self.schema().user.quoted;
        let all = format!("SELECT COUNT(*) FROM {user} u WHERE u.password IS NOT NULL AND u.password <> ''");
        let unused = format!(
            "{all} AND NOT EXISTS (SELECT 1 FROM lychgate_activity a WHERE a.user_id = u.id AND a.at >= $1 AND \
             (a.kind IN ('password-changed', 'password-reset') \
             OR (a.kind = 'sign-in' AND a.detail IN ('password', 'register'))))"
        );
        Ok((self.count(all, Vec::new()).await?, self.count(unused, vec![micros(since).into()]).await?))
    }
}
