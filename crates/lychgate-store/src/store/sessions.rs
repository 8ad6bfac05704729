//! The registry of sessions.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Store, is_key, met};
use crate::backend::Reach;
use crate::batch::Expect;
use crate::decode;
use crate::error::Result;
use crate::records::{NewSession, SessionRecord};
use crate::sql::Statement;
use crate::value::micros;

impl Store {
    /// Enters a session; `false` if it is known already, which leaves it as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an empty or overlong id.
    pub async fn open_session(&self, new: NewSession) -> Result<bool> {
        met(self.commit_one(|batch| batch.open_session(&new)).await)
    }

    /// The session with this id, whether live or ended. Answered from memory while nothing has changed.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn session(&self, sid: &str) -> Result<Option<Arc<SessionRecord>>> {
        if !is_key(sid) {
            return Ok(None);
        }
        let kept = &self.inner.caches.sessions;
        let epoch = self.epoch();
        if let Some(session) = kept.get(sid, epoch) {
            return Ok(Some(session));
        }
        let sql = self.inner.sql.session.clone();
        let rows = self.query(sql, vec![sid.into()], Reach::Key).await?;
        let Some(row) = rows.into_iter().next() else {
            return Ok(None);
        };
        let session = Arc::new(decode::session(row)?);
        kept.put(sid, epoch, &session);
        Ok(Some(session))
    }

    /// Notes that a live session was used, and that it may be used until `expires_at`, which never comes earlier by
    /// this; `false` if the session is unknown, ended, or was seen later already.
    ///
    /// Every call is a write: callers do well to note a session's use once a minute rather than at each request.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn touch_session(&self, sid: &str, expires_at: OffsetDateTime, now: OffsetDateTime) -> Result<bool> {
        let update = Statement::new(
            "UPDATE lychgate_sessions SET last_seen_at = $2, \
             expires_at = CASE WHEN expires_at < $3 THEN $3 ELSE expires_at END \
             WHERE sid = $1 AND revoked_at IS NULL AND last_seen_at < $2",
            vec![sid.into(), micros(now).into(), micros(expires_at).into()],
        );
        self.change_session(sid, update).await
    }

    /// Ends a session; `false` if it is unknown or ended already.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn revoke_session(&self, sid: &str, now: OffsetDateTime) -> Result<bool> {
        if !is_key(sid) {
            return Ok(false);
        }
        met(self.commit_one(|batch| batch.revoke_session(sid, now)).await)
    }

    /// Ends all sessions of a user, but one if so wished; says how many.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn revoke_sessions_of(&self, user_id: i64, except: Option<&str>, now: OffsetDateTime) -> Result<u64> {
        self.commit_one(|batch| batch.revoke_sessions_of(user_id, except, now)).await
    }

    /// A user's sessions, ended ones among them, the last used first; at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn sessions_of(&self, user_id: i64) -> Result<Vec<SessionRecord>> {
        let sql = self.inner.sql.sessions_of.clone();
        let rows = self.query(sql, vec![user_id.into()], Reach::Scan).await?;
        rows.into_iter().map(decode::session).collect()
    }

    /// Forgets sessions that expired before this time; says how many.
    ///
    /// Ended ones stay until then: as long as a copy of the cookie could be valid, it has to be refused.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn purge_sessions(&self, before: OffsetDateTime) -> Result<u64> {
        let delete = Statement::new("DELETE FROM lychgate_sessions WHERE expires_at < $1", vec![micros(before).into()]);
        self.commit_one(|batch| batch.simple(delete, Expect::Any)).await
    }

    async fn change_session(&self, sid: &str, update: Statement) -> Result<bool> {
        if !is_key(sid) {
            return Ok(false);
        }
        met(self.commit_one(|batch| batch.simple(update, Expect::Any)).await)
    }
}
