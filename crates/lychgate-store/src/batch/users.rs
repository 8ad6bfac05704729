//! Batch steps on users and their roles.

use time::OffsetDateTime;

use super::state::revoke_all;
use super::{Batch, Expect, Tally};
use crate::api_keys::revoke_keys;
use crate::audit::erase_details;
use crate::error::StoreError;
use crate::patch::check_columns;
use crate::records::{NewUser, UserPatch};
use crate::refresh::end_of_user;
use crate::schema::{Dialect, quote};
use crate::sql::Statement;
use crate::value::{Value, micros};

/// Tables of ours whose rows belong to a user.
const OWNED: [&str; 8] = [
    "lychgate_sessions",
    "lychgate_activity",
    "lychgate_account_state",
    "lychgate_names",
    "lychgate_refusals",
    "lychgate_refresh_families",
    "lychgate_refresh_links",
    "lychgate_api_keys",
];

impl Batch {
    /// Creates a user with its roles. An unknown role fails the batch with [`ErrorKind::Invalid`](crate::ErrorKind::Invalid).
    pub fn create_user(&mut self, new: &NewUser, now: OffsetDateTime) -> &mut Self {
        let sql = self.sql.clone();
        let user = &sql.schema.user;
        self.step(|batch| {
            if new.email.is_empty() || new.fs_uniquifier.is_empty() {
                return Err(StoreError::invalid("a user needs an address and a uniquifier"));
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
            // SQLite gives the id of a deleted user to the next one; what another program's deletion left must not
            // come with it.
            for table in OWNED {
                batch.aside(Statement::new(
                    format!(
                        "DELETE FROM {table} WHERE user_id IN (SELECT id FROM {} WHERE fs_uniquifier = $1)",
                        user.quoted
                    ),
                    vec![new.fs_uniquifier.as_str().into()],
                ));
            }
            let mut roles = new.roles.clone();
            roles.sort();
            roles.dedup();
            for role in roles {
                let unknown = format!("there is no role \"{role}\"");
                let link = Statement::new(sql.link_new.clone(), vec![new.fs_uniquifier.as_str().into(), role.into()]);
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
            let mut sets: Vec<String> =
                columns.into_iter().map(|(name, value)| format!("{} = ${}", quote(&name), mark(value))).collect();
            if sets.is_empty() {
                sets.push("id = id".to_owned());
            }
            let mut wanted = vec!["id = CAST($1 AS BIGINT)".to_owned()];
            wanted.extend(
                conditions
                    .into_iter()
                    .map(|(name, value)| format!("{} IS NOT DISTINCT FROM ${}", quote(&name), mark(value))),
            );
            batch.push(
                Statement::new(
                    format!("UPDATE {} SET {} WHERE {}", user.quoted, sets.join(", "), wanted.join(" AND ")),
                    values,
                ),
                expect,
            );
            Ok(())
        })
    }

    /// Takes the recovery code at `place` out of `stored`, which is what the user's row has to hold still.
    pub fn use_recovery_code(&mut self, id: i64, stored: &[String], place: usize, now: OffsetDateTime) -> &mut Self {
        let sql = self.sql.clone();
        let user = &sql.schema.user;
        self.step(|batch| {
            if !user.has("mf_recovery_codes") || place >= stored.len() {
                return Err(StoreError::invalid("there is no such recovery code"));
            }
            let left: Vec<&str> =
                stored.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, code)| code.as_str()).collect();
            let mut values: Vec<Value> = vec![id.into(), stored.join(",").into(), left.join(",").into()];
            let mut sets = "mf_recovery_codes = $3".to_owned();
            if user.has("update_datetime") {
                values.push(micros(now).into());
                sets.push_str(", update_datetime = $4");
            }
            values.iter().try_for_each(Value::check)?;
            let update =
                format!("UPDATE {} SET {sets} WHERE id = CAST($1 AS BIGINT) AND mf_recovery_codes = $2", user.quoted);
            batch.push(Statement::new(update, values), Expect::One);
            Ok(())
        })
    }

    /// Deletes a user with its links, passkeys, refresh tokens, API keys, sessions, activity and account state; the details
    /// of what the audit log holds about it are erased.
    pub fn delete_user(&mut self, id: i64) -> &mut Self {
        let sql = self.sql.clone();
        let schema = &sql.schema;
        self.step(|batch| {
            // The user's row first, so that links added meanwhile wait for it and then fail.
            if sql.dialect() == Dialect::Postgres {
                batch.aside(Statement::new(sql.lock_user.clone(), vec![id.into()]).returning());
            }
            let passkeys = schema.webauthn.iter().map(|table| &table.quoted);
            for table in [&schema.links, &sql.trackers].into_iter().chain(passkeys) {
                batch.aside(Statement::new(
                    format!("DELETE FROM {table} WHERE user_id = CAST($1 AS BIGINT)"),
                    vec![id.into()],
                ));
            }
            for table in OWNED {
                batch.aside(Statement::new(format!("DELETE FROM {table} WHERE user_id = $1"), vec![id.into()]));
            }
            batch.aside(erase_details(id));
            batch.push(
                Statement::new(
                    format!("DELETE FROM {} WHERE id = CAST($1 AS BIGINT)", schema.user.quoted),
                    vec![id.into()],
                ),
                Expect::Any,
            );
            Ok(())
        })
    }

    /// Takes everything away that lets anybody in as this user but the password: new uniquifiers, no second factors,
    /// no unified sign-in, no passkeys, no recovery codes; refresh tokens, API keys and sessions end.
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
            for (name, value) in
                [("fs_token_uniquifier", new_token_uniquifier.into()), ("update_datetime", Value::Time(now))]
            {
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
                    format!("UPDATE {} SET {} WHERE id = CAST($1 AS BIGINT)", schema.user.quoted, sets.join(", ")),
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
            batch.aside(end_of_user(&sql.trackers, id, None, now));
            batch.aside(revoke_keys(id, now));
            batch.aside(revoke_all(id, None, now));
            batch.tally(Tally::Ended);
            Ok(())
        })
    }

    /// Gives a user a role, unless it has it. Changes one row or none.
    pub fn add_role(&mut self, user_id: i64, role: &str) -> &mut Self {
        let sql = self.sql.clone();
        self.step(|batch| {
            // Two transactions must not both find the link missing; SQLite has only one at a time.
            if sql.dialect() == Dialect::Postgres {
                batch.aside(Statement::new(sql.lock_user.clone(), vec![user_id.into()]).returning());
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
}
