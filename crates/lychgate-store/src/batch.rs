//! Several writes in one transaction.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::decode::Row;
use crate::error::{ErrorKind, Result, StoreError};
use crate::patch::check_columns;
use crate::records::{NewSession, NewUser, UserPatch};
use crate::schema::{Dialect, quote};
use crate::sql::{Sql, Statement};
use crate::value::{Value, micros};

/// How many rows a statement has to change for the batch to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Any number.
    Any,
    /// Exactly one.
    One,
}

impl Expect {
    fn is_met(self, rows: u64) -> bool {
        match self {
            Self::Any => true,
            Self::One => rows == 1,
        }
    }
}

/// A statement in a batch.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) statement: Statement,
    expect: Expect,
    step: usize,
    /// What to say instead of "step n did not apply".
    otherwise: Option<String>,
    /// Whether its rows are the step's result.
    counts: bool,
}

impl Planned {
    /// The error if the statement changed another number of rows than it had to.
    pub(crate) fn check(&self, rows: u64) -> Result<()> {
        if self.expect.is_met(rows) {
            return Ok(());
        }
        Err(StoreError::new(match &self.otherwise {
            Some(text) => ErrorKind::Invalid(text.clone()),
            None => ErrorKind::Unmet(self.step),
        }))
    }
}

/// What a statement did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) affected: u64,
    pub(crate) rows: Vec<Row>,
}

/// Writes that are all done or not done at all, made by [`Store::batch`](crate::Store::batch).
///
/// Each method adds one step; steps are numbered from 0. A method that finds its values wrong leaves the batch broken:
/// [`Store::commit`](crate::Store::commit) then returns the first such error and writes nothing.
///
/// ```no_run
/// # async fn example(store: lychgate_store::Store, now: time::OffsetDateTime) -> lychgate_store::Result<()> {
/// use lychgate_store::UserPatch;
/// let mut batch = store.batch();
/// batch.redeem_once("reset", "token id", now + time::Duration::days(5), now);
/// batch.update_user(7, &UserPatch { active: Some(true), ..UserPatch::default() }, now);
/// store.commit(batch).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a batch does nothing until it is committed"]
pub struct Batch {
    sql: Arc<Sql>,
    pub(crate) planned: Vec<Planned>,
    steps: usize,
    pub(crate) error: Option<String>,
}

/// What the steps of a committed batch did.
#[derive(Debug)]
pub struct BatchOutcome {
    steps: Vec<(u64, Option<i64>)>,
}

impl BatchOutcome {
    pub(crate) fn new(batch: &[Planned], steps: usize, done: &[Done]) -> Self {
        let mut list = vec![(0, None); steps];
        for (planned, done) in batch.iter().zip(done) {
            if let (true, Some(slot)) = (planned.counts, list.get_mut(planned.step)) {
                slot.0 += done.affected;
                let id = done.rows.first().and_then(|row| row.first());
                slot.1 = id.and_then(|id| id.int().ok().flatten()).or(slot.1);
            }
        }
        Self { steps: list }
    }

    /// How many rows the step changed.
    #[must_use]
    pub fn changed(&self, step: usize) -> u64 {
        self.steps.get(step).map_or(0, |(rows, _)| *rows)
    }

    /// The id of the row that the step created.
    #[must_use]
    pub fn id(&self, step: usize) -> Option<i64> {
        self.steps.get(step).and_then(|(_, id)| *id)
    }
}

impl Batch {
    pub(crate) fn new(sql: Arc<Sql>) -> Self {
        Self {
            sql,
            planned: Vec::new(),
            steps: 0,
            error: None,
        }
    }

    /// How many steps there are; also the number of the next one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// Creates a user with its roles. An unknown role fails the batch with [`ErrorKind::Invalid`].
    pub fn create_user(&mut self, new: &NewUser, now: OffsetDateTime) -> &mut Self {
        let sql = self.sql.clone();
        let user = &sql.schema.user;
        self.step(|batch| {
            if new.email.is_empty() || new.fs_uniquifier.is_empty() {
                return Err(StoreError::invalid(
                    "a user needs an address and a uniquifier",
                ));
            }
            let mut columns = new.assignments(user)?;
            for name in ["create_datetime", "update_datetime"] {
                if user.has(name) {
                    columns.push((name.to_owned(), micros(now).into()));
                }
            }
            check_columns(user, &columns)?;
            let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
            let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
            let marks: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
            let insert = Statement::new(
                format!(
                    "INSERT INTO {} ({}) VALUES ({}) RETURNING id",
                    user.quoted,
                    names.join(", "),
                    marks.join(", ")
                ),
                values,
            );
            batch.push(insert.returning(), Expect::One);
            // SQLite gives the id of a deleted user to the next one; sessions must not come with it.
            batch.aside(Statement::new(
                format!(
                    "DELETE FROM lychgate_sessions WHERE user_id IN (SELECT id FROM {} WHERE fs_uniquifier = $1)",
                    user.quoted
                ),
                vec![new.fs_uniquifier.as_str().into()],
            ));
            let mut roles = new.roles.clone();
            roles.sort();
            roles.dedup();
            for role in roles {
                let unknown = format!("there is no role \"{role}\"");
                let link = Statement::new(
                    sql.link_new.clone(),
                    vec![new.fs_uniquifier.as_str().into(), role.into()],
                );
                batch.aside(link);
                batch.require(Expect::One, unknown);
            }
            Ok(())
        })
    }

    /// Changes a user's columns; the user has to exist.
    pub fn update_user(&mut self, id: i64, patch: &UserPatch, now: OffsetDateTime) -> &mut Self {
        self.update_user_if(id, &UserPatch::default(), patch, now)
    }

    /// Changes a user's columns; the user has to exist and to hold the expected values still.
    pub fn update_user_if(
        &mut self,
        id: i64,
        expected: &UserPatch,
        patch: &UserPatch,
        now: OffsetDateTime,
    ) -> &mut Self {
        self.change_user(id, expected, patch, now, Expect::One)
    }

    pub(crate) fn change_user(
        &mut self,
        id: i64,
        expected: &UserPatch,
        patch: &UserPatch,
        now: OffsetDateTime,
        expect: Expect,
    ) -> &mut Self {
        let sql = self.sql.clone();
        let user = &sql.schema.user;
        self.step(|batch| {
            let mut columns = patch.assignments()?;
            if user.has("update_datetime") {
                columns.push(("update_datetime".to_owned(), micros(now).into()));
            }
            let conditions = expected.assignments()?;
            check_columns(user, &columns)?;
            check_columns(user, &conditions)?;
            let mut values: Vec<Value> = vec![id.into()];
            let mut mark = |value| {
                values.push(value);
                values.len()
            };
            let mut sets: Vec<String> = columns
                .into_iter()
                .map(|(name, value)| format!("{} = ${}", quote(&name), mark(value)))
                .collect();
            if sets.is_empty() {
                sets.push("id = id".to_owned());
            }
            let mut wanted = vec!["id = CAST($1 AS BIGINT)".to_owned()];
            wanted.extend(conditions.into_iter().map(|(name, value)| {
                format!("{} IS NOT DISTINCT FROM ${}", quote(&name), mark(value))
            }));
            batch.push(
                Statement::new(
                    format!(
                        "UPDATE {} SET {} WHERE {}",
                        user.quoted,
                        sets.join(", "),
                        wanted.join(" AND ")
                    ),
                    values,
                ),
                expect,
            );
            Ok(())
        })
    }

    /// Deletes a user with its links, passkeys, refresh trackers and sessions.
    pub fn delete_user(&mut self, id: i64) -> &mut Self {
        let sql = self.sql.clone();
        let schema = &sql.schema;
        self.step(|batch| {
            // The user's row first, so that links added meanwhile wait for it and then fail.
            if sql.dialect() == Dialect::Postgres {
                batch.aside(Statement::new(sql.lock_user.clone(), vec![id.into()]).returning());
            }
            let tables = [&schema.webauthn, &schema.refresh];
            let tables = tables.into_iter().flatten().map(|table| &table.quoted);
            for table in std::iter::once(&schema.links).chain(tables) {
                batch.aside(Statement::new(
                    format!("DELETE FROM {table} WHERE user_id = CAST($1 AS BIGINT)"),
                    vec![id.into()],
                ));
            }
            batch.aside(Statement::new(
                "DELETE FROM lychgate_sessions WHERE user_id = $1",
                vec![id.into()],
            ));
            batch.push(
                Statement::new(
                    format!(
                        "DELETE FROM {} WHERE id = CAST($1 AS BIGINT)",
                        schema.user.quoted
                    ),
                    vec![id.into()],
                ),
                Expect::Any,
            );
            Ok(())
        })
    }

    /// Takes everything away that lets anybody in as this user but the password: new uniquifiers, no second factors,
    /// no unified sign-in, no passkeys, no recovery codes, refresh trackers and sessions revoked.
    pub fn reset_user_access(
        &mut self,
        id: i64,
        new_uniquifier: &str,
        new_token_uniquifier: &str,
        now: OffsetDateTime,
    ) -> &mut Self {
        let sql = self.sql.clone();
        let schema = &sql.schema;
        self.step(|batch| {
            let now = micros(now);
            let mut values: Vec<Value> = vec![id.into(), new_uniquifier.into()];
            let mut sets = vec!["fs_uniquifier = $2".to_owned()];
            for (name, value) in [
                ("fs_token_uniquifier", new_token_uniquifier.into()),
                ("update_datetime", Value::Time(now)),
            ] {
                if schema.user.has(name) {
                    values.push(value);
                    sets.push(format!("{name} = ${}", values.len()));
                }
            }
            for name in [
                "us_totp_secrets",
                "us_phone_number",
                "tf_primary_method",
                "tf_totp_secret",
                "tf_phone_number",
                "mf_recovery_codes",
            ] {
                if schema.user.has(name) {
                    sets.push(format!("{name} = NULL"));
                }
            }
            values.iter().try_for_each(Value::check)?;
            batch.push(
                Statement::new(
                    format!(
                        "UPDATE {} SET {} WHERE id = CAST($1 AS BIGINT)",
                        schema.user.quoted,
                        sets.join(", ")
                    ),
                    values,
                ),
                Expect::One,
            );
            if let Some(passkeys) = &schema.webauthn {
                batch.aside(Statement::new(
                    format!("DELETE FROM {} WHERE user_id = CAST($1 AS BIGINT)", passkeys.quoted),
                    vec![id.into()],
                ));
            }
            if let Some(trackers) = &schema.refresh {
                batch.aside(Statement::new(
                    format!(
                        "UPDATE {} SET revoked_at = $2 WHERE user_id = CAST($1 AS BIGINT) AND revoked_at IS NULL",
                        trackers.quoted
                    ),
                    vec![id.into(), now.into()],
                ));
            }
            batch.aside(revoke_all(id, None, now));
            Ok(())
        })
    }

    /// Gives a user a role, unless it has it. Changes one row or none.
    pub fn add_role(&mut self, user_id: i64, role: &str) -> &mut Self {
        let sql = self.sql.clone();
        self.step(|batch| {
            // Two transactions must not both find the link missing; SQLite has only one at a time.
            if sql.dialect() == Dialect::Postgres {
                batch
                    .aside(Statement::new(sql.lock_user.clone(), vec![user_id.into()]).returning());
            }
            let link = Statement::new(sql.link.clone(), vec![user_id.into(), role.into()]);
            batch.push(link, Expect::Any);
            Ok(())
        })
    }

    /// Takes a role from a user.
    pub fn remove_role(&mut self, user_id: i64, role: &str) -> &mut Self {
        let unlink = Statement::new(self.sql.unlink.clone(), vec![user_id.into(), role.into()]);
        self.simple(unlink, Expect::Any)
    }

    /// Marks a key as used; the batch fails if it was used before.
    pub fn redeem_once(
        &mut self,
        kind: &str,
        key: &str,
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> &mut Self {
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
                return Err(StoreError::invalid(
                    "a redemption's kind or key is empty or too long",
                ));
            }
            let insert = Statement::new(
                "INSERT INTO lychgate_redemptions (kind, key, redeemed_at, expires_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
                vec![
                    kind.into(),
                    key.into(),
                    micros(now).into(),
                    micros(expires_at).into(),
                ],
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
                return Err(StoreError::invalid(
                    "a session's id or way is empty or too long",
                ));
            }
            let cut = |text: &Option<String>, most: usize| -> Option<String> {
                let text = text.as_deref()?.chars().filter(|c| !c.is_control());
                Some(text.take(most).collect())
            };
            let insert = Statement::new(
                sql,
                vec![
                    new.sid.as_str().into(),
                    user,
                    micros(new.created_at).into(),
                    micros(new.expires_at).into(),
                    new.remembered.into(),
                    cut(&new.address, 64).into(),
                    cut(&new.user_agent, 512).into(),
                    new.via.as_str().into(),
                ],
            );
            batch.push(insert, Expect::Any);
            Ok(())
        })
    }

    /// Ends a session; changes nothing if it is unknown or ended.
    pub fn revoke_session(&mut self, sid: &str, now: OffsetDateTime) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_sessions SET revoked_at = $2 WHERE sid = $1 AND revoked_at IS NULL",
            vec![sid.into(), micros(now).into()],
        );
        self.simple(update, Expect::Any)
    }

    /// Ends all sessions of a user, but one if so wished.
    pub fn revoke_sessions_of(
        &mut self,
        user_id: i64,
        except: Option<&str>,
        now: OffsetDateTime,
    ) -> &mut Self {
        self.simple(revoke_all(user_id, except, micros(now)), Expect::Any)
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

    /// One step of one statement.
    pub(crate) fn simple(&mut self, statement: Statement, expect: Expect) -> &mut Self {
        self.step(|batch| {
            batch.push(statement, expect);
            Ok(())
        })
    }

    /// Takes up one step's statements after checking all their values.
    fn step(&mut self, make: impl FnOnce(&mut Self) -> Result<()>) -> &mut Self {
        let before = self.planned.len();
        let made = make(self).and_then(|()| {
            let added = self.planned.get(before..).unwrap_or_default();
            let mut values = added.iter().flat_map(|item| &item.statement.params);
            values.try_for_each(Value::check)
        });
        if let (Err(error), None) = (made, &self.error) {
            self.error = Some(error.to_string());
        }
        self.steps += 1;
        self
    }

    fn push(&mut self, statement: Statement, expect: Expect) {
        self.planned.push(Planned {
            statement,
            expect,
            step: self.steps,
            otherwise: None,
            counts: true,
        });
    }

    /// A statement whose rows do not count.
    fn aside(&mut self, statement: Statement) {
        self.push(statement, Expect::Any);
        if let Some(last) = self.planned.last_mut() {
            last.counts = false;
        }
    }

    /// What the statement added last has to do, and what to say if it does not.
    fn require(&mut self, expect: Expect, otherwise: String) {
        if let Some(last) = self.planned.last_mut() {
            last.expect = expect;
            last.otherwise = Some(otherwise);
        }
    }
}

fn revoke_all(user_id: i64, except: Option<&str>, now: OffsetDateTime) -> Statement {
    let mut values: Vec<Value> = vec![user_id.into(), now.into()];
    let mut sql =
        "UPDATE lychgate_sessions SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL"
            .to_owned();
    if let Some(sid) = except {
        sql.push_str(" AND sid <> $3");
        values.push(sid.into());
    }
    Statement::new(sql, values)
}

/// Refuses the key that says which version the tables have.
pub(crate) fn check_meta(key: &str) -> Result<()> {
    if key.is_empty() || key.len() > 128 || key == "schema_version" {
        return Err(StoreError::invalid(
            "this key cannot be used for a small value",
        ));
    }
    Ok(())
}
