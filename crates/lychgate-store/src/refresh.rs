//! Families of refresh tokens: in the application's table of trackers where it has one, else in one of Lychgate's own.

use time::OffsetDateTime;

use crate::backend::Reach;
use crate::batch::{Batch, Expect};
use crate::decode::Row;
use crate::error::{Result, StoreError};
use crate::sql::Statement;
use crate::store::{Store, is_key};
use crate::value::{Value, micros};

/// A chain of refresh tokens, of which only the last may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshFamily {
    /// What its tokens name, at most 64 characters.
    pub family: String,
    /// Whose it is.
    pub user_id: i64,
    /// The number of the last token, from 1.
    pub generation: i64,
    /// A label, at most 64 characters; the reference always writes `default`.
    pub name: String,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was used last.
    pub last_used_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: OffsetDateTime,
    /// When it was ended, if it was.
    pub revoked_at: Option<OffsetDateTime>,
    /// The session that it was handed out with, whose end is its own. None if the reference made it.
    pub sid: Option<String>,
}

/// The table where the application has none.
pub(crate) const OWN_TABLE: &str = "lychgate_refresh_families";

fn family(row: Row) -> Result<RefreshFamily> {
    let mut values = row.into_iter();
    let mut next = || values.next().ok_or_else(|| StoreError::invalid("a row is too short"));
    let missing = || StoreError::invalid("a family of refresh tokens lacks a value");
    let (family, user_id) = (next()?.text()?.ok_or_else(missing)?, next()?.int()?.ok_or_else(missing)?);
    let generation = next()?.int()?.unwrap_or(1);
    let name = next()?.text()?.unwrap_or_default();
    let (expires_at, last_used_at) = (next()?.time()?.ok_or_else(missing)?, next()?.time()?.ok_or_else(missing)?);
    let (revoked_at, sid) = (next()?.time()?, next()?.text()?);
    let created_at = next()?.time()?.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    Ok(RefreshFamily { family, user_id, generation, name, created_at, last_used_at, expires_at, revoked_at, sid })
}

/// Ends the families of a session.
pub(crate) fn end_with_session(table: &str, sid: &str, now: OffsetDateTime) -> Statement {
    Statement::new(
        format!(
            "UPDATE {table} SET revoked_at = $2 WHERE revoked_at IS NULL \
             AND refresh_family IN (SELECT family FROM lychgate_refresh_links WHERE sid = $1)"
        ),
        vec![sid.into(), now.into()],
    )
}

/// Ends the families of a user, but those of one session if so wished.
pub(crate) fn end_of_user(table: &str, user_id: i64, except: Option<&str>, now: OffsetDateTime) -> Statement {
    let mut sql =
        format!("UPDATE {table} SET revoked_at = $2 WHERE user_id = CAST($1 AS BIGINT) AND revoked_at IS NULL");
    let mut values: Vec<Value> = vec![user_id.into(), now.into()];
    if let Some(sid) = except {
        sql.push_str(" AND refresh_family NOT IN (SELECT family FROM lychgate_refresh_links WHERE sid = $3)");
        values.push(sid.into());
    }
    Statement::new(sql, values)
}

impl Batch {
    /// Begins a family. `generation` is that of its first token.
    pub fn open_refresh_family(&mut self, new: &RefreshFamily) -> &mut Self {
        let sql = self.sql.clone();
        self.step(|batch| {
            let is_text = |text: &str| is_key(text) && text.len() <= 64;
            if !is_text(&new.family) || !is_text(&new.name) || new.sid.as_deref().is_some_and(|sid| !is_key(sid)) {
                return Err(StoreError::invalid("a refresh family's name is empty or too long"));
            }
            let mut columns = "refresh_family, gen, expires_at, last_used_at, name, user_id".to_owned();
            let mut places = "$1, $2, $3, $4, $5, $6".to_owned();
            let mut values: Vec<Value> = vec![
                new.family.as_str().into(),
                new.generation.into(),
                micros(new.expires_at).into(),
                micros(new.last_used_at).into(),
                new.name.as_str().into(),
                new.user_id.into(),
            ];
            if sql.trackers_dated {
                columns.push_str(", create_datetime");
                places.push_str(", $7");
                values.push(micros(new.created_at).into());
            }
            let insert = format!("INSERT INTO {} ({columns}) VALUES ({places})", sql.trackers);
            batch.push(Statement::new(insert, values), Expect::One);
            if let Some(sid) = &new.sid {
                batch.aside(Statement::new(
                    "INSERT INTO lychgate_refresh_links (family, sid, user_id) VALUES ($1, $2, $3)",
                    vec![new.family.as_str().into(), sid.as_str().into(), new.user_id.into()],
                ));
            }
            Ok(())
        })
    }

    /// Uses up the token of this generation; the batch fails unless it is the family's last, the family has neither
    /// ended nor expired, and it was used at `idle_since` or later. The next generation is then the last.
    pub fn rotate_refresh_family(
        &mut self,
        family: &str,
        generation: i64,
        idle_since: OffsetDateTime,
        now: OffsetDateTime,
    ) -> &mut Self {
        let sql = format!(
            "UPDATE {} SET gen = COALESCE(gen, 1) + 1, last_used_at = $3 WHERE refresh_family = $1 \
             AND COALESCE(gen, 1) = CAST($2 AS BIGINT) AND revoked_at IS NULL AND expires_at >= $3 \
             AND last_used_at >= $4",
            self.sql.trackers
        );
        let values = vec![family.into(), generation.into(), micros(now).into(), micros(idle_since).into()];
        self.simple(Statement::new(sql, values), Expect::One)
    }

    /// Ends a family; the batch fails if it is unknown or has ended.
    pub fn end_refresh_family(&mut self, family: &str, now: OffsetDateTime) -> &mut Self {
        let sql = format!(
            "UPDATE {} SET revoked_at = $2 WHERE refresh_family = $1 AND revoked_at IS NULL",
            self.sql.trackers
        );
        self.simple(Statement::new(sql, vec![family.into(), micros(now).into()]), Expect::One)
    }

    /// Forgets families of a user: those that expired or were used last before `idle_since`, those that ended.
    pub fn clean_refresh_families(
        &mut self,
        user_id: i64,
        expired: Option<OffsetDateTime>,
        idle_since: OffsetDateTime,
        ended: bool,
    ) -> &mut Self {
        let sql = self.sql.clone();
        self.step(|batch| {
            let table = &sql.trackers;
            if let Some(now) = expired {
                batch.push(
                    Statement::new(
                        format!(
                            "DELETE FROM {table} WHERE user_id = CAST($1 AS BIGINT) \
                             AND (expires_at < $2 OR last_used_at < $3)"
                        ),
                        vec![user_id.into(), micros(now).into(), micros(idle_since).into()],
                    ),
                    Expect::Any,
                );
            }
            if ended {
                batch.push(
                    Statement::new(
                        format!("DELETE FROM {table} WHERE user_id = CAST($1 AS BIGINT) AND revoked_at IS NOT NULL"),
                        vec![user_id.into()],
                    ),
                    Expect::Any,
                );
            }
            batch.aside(Statement::new(
                format!(
                    "DELETE FROM lychgate_refresh_links WHERE user_id = $1 \
                     AND family NOT IN (SELECT refresh_family FROM {table} WHERE user_id = CAST($1 AS BIGINT))"
                ),
                vec![user_id.into()],
            ));
            Ok(())
        })
    }
}

impl Store {
    /// The family of this name, whether it goes on or has ended.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn refresh_family(&self, name: &str) -> Result<Option<RefreshFamily>> {
        if !is_key(name) {
            return Ok(None);
        }
        let sql = format!("{} WHERE f.refresh_family = $1", self.refresh_select());
        let rows = self.query(sql, vec![name.into()], Reach::Key).await?;
        rows.into_iter().next().map(family).transpose()
    }

    /// The families of a user, ended ones among them, the last used first; at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn refresh_families_of(&self, user_id: i64) -> Result<Vec<RefreshFamily>> {
        let sql = format!(
            "{} WHERE f.user_id = CAST($1 AS BIGINT) ORDER BY f.last_used_at DESC, f.refresh_family LIMIT 1000",
            self.refresh_select()
        );
        let rows = self.query(sql, vec![user_id.into()], Reach::Scan).await?;
        rows.into_iter().map(family).collect()
    }

    fn refresh_select(&self) -> String {
        let (table, dated) = self.trackers();
        let created = if dated { "f.create_datetime" } else { "f.last_used_at" };
        format!(
            "SELECT f.refresh_family, f.user_id, f.gen, f.name, f.expires_at, f.last_used_at, f.revoked_at, l.sid, \
             {created} FROM {table} f LEFT JOIN lychgate_refresh_links l ON l.family = f.refresh_family"
        )
    }
}
