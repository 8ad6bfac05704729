//! Batch steps on Lychgate's own tables.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Batch, Expect, Tally};
use crate::error::{Result, StoreError};
use crate::records::NewSession;
use crate::refresh::{end_of_user, end_with_session};
use crate::sql::Statement;
use crate::value::{Value, micros};

impl Batch {
    /// Marks a key as used; the batch fails if it was used before.
    pub fn redeem_once(&mut self, kind: &str, key: &str, expires_at: OffsetDateTime, now: OffsetDateTime) -> &mut Self {
        self.redeem(kind, key, expires_at, now, Expect::One)
    }

    pub(crate) fn redeem(
        &mut self,
        kind: &str,
        key: &str,
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
        expect: Expect,
    ) -> &mut Self {
        self.step(|batch| {
            if kind.is_empty() || key.is_empty() || kind.len() > 64 || key.len() > 1024 {
                return Err(StoreError::invalid("a redemption's kind or key is empty or too long"));
            }
            let insert = Statement::new(
                "INSERT INTO lychgate_redemptions (kind, key, redeemed_at, expires_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
                vec![kind.into(), key.into(), micros(now).into(), micros(expires_at).into()],
            );
            batch.push(insert, expect);
            Ok(())
        })
    }

    /// Enters a session; one that is known already stays as it is.
    pub fn open_session(&mut self, new: &NewSession) -> &mut Self {
        let sql = self.sql.open_session.clone();
        self.session(new, sql, new.user_id.into())
    }

    /// Enters a session of the user with this uniquifier, who may be created in the same batch; `user_id` is not looked at.
    pub fn open_session_of(&mut self, fs_uniquifier: &str, new: &NewSession) -> &mut Self {
        let sql = self.sql.open_session_new.clone();
        self.session(new, sql, fs_uniquifier.into())
    }

    fn session(&mut self, new: &NewSession, sql: Arc<str>, user: Value) -> &mut Self {
        self.step(|batch| {
            if new.sid.is_empty() || new.sid.len() > 256 || new.via.len() > 64 {
                return Err(StoreError::invalid("a session's id or way is empty or too long"));
            }
            let insert = Statement::new(
                sql,
                vec![
                    new.sid.as_str().into(),
                    user,
                    micros(new.created_at).into(),
                    micros(new.expires_at).into(),
                    new.remembered.into(),
                    cut(new.address.as_deref(), 64).into(),
                    cut(new.user_agent.as_deref(), 512).into(),
                    new.via.as_str().into(),
                ],
            );
            batch.push(insert, Expect::Any);
            batch.tally(Tally::Begun);
            Ok(())
        })
    }

    /// Ends a session; changes nothing if it is unknown or ended.
    pub fn revoke_session(&mut self, sid: &str, now: OffsetDateTime) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_sessions SET revoked_at = $2 WHERE sid = $1 AND revoked_at IS NULL",
            vec![sid.into(), micros(now).into()],
        );
        self.end_of_session(update, Expect::Any, sid, now)
    }

    /// Ends a session of this user; the batch fails unless it is one of theirs that has not ended.
    pub fn end_session(&mut self, sid: &str, user_id: i64, now: OffsetDateTime) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_sessions SET revoked_at = $3 WHERE sid = $1 AND user_id = $2 AND revoked_at IS NULL",
            vec![sid.into(), user_id.into(), micros(now).into()],
        );
        self.end_of_session(update, Expect::One, sid, now)
    }

    /// The end of a session is that of its refresh tokens.
    fn end_of_session(&mut self, update: Statement, expect: Expect, sid: &str, now: OffsetDateTime) -> &mut Self {
        let sql = self.sql.clone();
        self.step(|batch| {
            batch.push(update, expect);
            batch.tally(Tally::Ended);
            batch.aside(end_with_session(&sql.trackers, sid, micros(now)));
            Ok(())
        })
    }

    /// Ends all sessions and refresh tokens of a user, but one session and its own if so wished.
    pub fn revoke_sessions_of(&mut self, user_id: i64, except: Option<&str>, now: OffsetDateTime) -> &mut Self {
        let sql = self.sql.clone();
        self.step(|batch| {
            batch.push(revoke_all(user_id, except, micros(now)), Expect::Any);
            batch.tally(Tally::Ended);
            batch.aside(end_of_user(&sql.trackers, user_id, except, micros(now)));
            Ok(())
        })
    }

    /// Ends all refresh tokens of a user.
    pub fn revoke_refresh_trackers_of(&mut self, user_id: i64, now: OffsetDateTime) -> &mut Self {
        let end = end_of_user(&self.sql.trackers, user_id, None, micros(now));
        self.simple(end, Expect::Any)
    }

    /// Writes a small value.
    pub fn meta_set(&mut self, key: &str, value: &str) -> &mut Self {
        self.step(|batch| {
            check_meta(key)?;
            let upsert = Statement::new(
                "INSERT INTO lychgate_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                vec![key.into(), value.into()],
            );
            batch.push(upsert, Expect::One);
            Ok(())
        })
    }

    /// Deletes a small value; the batch fails unless it is the expected one.
    pub fn meta_take(&mut self, key: &str, expected: &str) -> &mut Self {
        self.take(key, expected, Expect::One)
    }

    pub(crate) fn take(&mut self, key: &str, expected: &str, expect: Expect) -> &mut Self {
        self.step(|batch| {
            check_meta(key)?;
            let delete = Statement::new(
                "DELETE FROM lychgate_meta WHERE key = $1 AND value = $2",
                vec![key.into(), expected.into()],
            );
            batch.push(delete, expect);
            Ok(())
        })
    }
}

pub(super) fn revoke_all(user_id: i64, except: Option<&str>, now: OffsetDateTime) -> Statement {
    let mut values: Vec<Value> = vec![user_id.into(), now.into()];
    let mut sql = "UPDATE lychgate_sessions SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL".to_owned();
    if let Some(sid) = except {
        sql.push_str(" AND sid <> $3");
        values.push(sid.into());
    }
    Statement::new(sql, values)
}

/// A text from outside: on one line, at most this many characters.
pub(crate) fn cut(text: Option<&str>, most: usize) -> Option<String> {
    Some(text?.chars().filter(|c| !c.is_control()).take(most).collect())
}

/// Refuses the key that says which version the tables have.
fn check_meta(key: &str) -> Result<()> {
    if key.is_empty() || key.len() > 128 || key == "schema_version" {
        return Err(StoreError::invalid("this key cannot be used for a small value"));
    }
    Ok(())
}
