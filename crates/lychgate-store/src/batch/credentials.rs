//! Batch steps on passkeys.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Batch, Expect};
use crate::credentials::{Credential, CredentialUse};
use crate::error::{Result, StoreError};
use crate::schema::Dialect;
use crate::sql::Statement;
use crate::value::{Value, join_list, micros};

impl Batch {
    /// Adds a passkey. The batch fails as unmet if the user is gone or has one of this name, and with
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if anybody has one of this id.
    pub fn add_credential(&mut self, new: &Credential) -> &mut Self {
        let sql = self.sql.clone();
        self.step(|batch| {
            let table = batch.credentials_table()?;
            check(new)?;
            batch.lock_user(new.user_id);
            let free = format!(
                "SELECT 1 FROM {} WHERE id = CAST($1 AS BIGINT) AND NOT EXISTS \
                 (SELECT 1 FROM {table} WHERE user_id = CAST($1 AS BIGINT) AND name = $2)",
                sql.schema.user.quoted
            );
            batch.provided(Statement::new(free, vec![new.user_id.into(), new.name.as_str().into()]).returning());
            let insert = format!(
                "INSERT INTO {table} (credential_id, public_key, sign_count, transports, backup_state, device_type, extensions, \
                 create_datetime, lastuse_datetime, name, usage, user_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            );
            let values = vec![
                Value::Blob(new.credential_id.clone()),
                Value::Blob(new.public_key.clone()),
                count(sql.dialect(), new.sign_count).into(),
                join_list(&new.transports)?.into(),
                new.backup_state.into(),
                new.device_type.as_str().into(),
                new.extensions.clone().into(),
                micros(new.created_at).into(),
                micros(new.last_used_at).into(),
                new.name.as_str().into(),
                new.usage.as_str().into(),
                new.user_id.into(),
            ];
            batch.push(Statement::new(insert, values), Expect::One);
            Ok(())
        })
    }

    /// Deletes the user's passkey of this name; the batch fails unless there is one.
    pub fn delete_credential(&mut self, user_id: i64, name: &str) -> &mut Self {
        self.step(|batch| {
            let table = batch.credentials_table()?;
            batch.lock_user(user_id);
            // Only the application keeps names apart: of two that are alike, one goes.
            let delete = format!(
                "DELETE FROM {table} WHERE id = (SELECT MIN(id) FROM {table} WHERE user_id = CAST($1 AS BIGINT) AND name = $2)"
            );
            batch.push(Statement::new(delete, vec![user_id.into(), name.into()]), Expect::One);
            Ok(())
        })
    }

    /// Deletes those of the user's passkeys that were registered at this time or later, of one usage or of all; nothing
    /// where there is no table.
    pub fn delete_credentials_since(&mut self, user_id: i64, usage: Option<&str>, since: OffsetDateTime) -> &mut Self {
        self.step(|batch| {
            let Ok(table) = batch.credentials_table() else { return Ok(()) };
            batch.lock_user(user_id);
            let mut delete =
                format!("DELETE FROM {table} WHERE user_id = CAST($1 AS BIGINT) AND create_datetime >= $2");
            let mut values = vec![user_id.into(), micros(since).into()];
            if let Some(usage) = usage {
                delete.push_str(" AND usage = $3");
                values.push(usage.into());
            }
            batch.push(Statement::new(delete, values), Expect::Any);
            Ok(())
        })
    }

    /// Goes on only if the user has a passkey of this usage. After [`delete_credential`](Self::delete_credential) it
    /// keeps the last one from being deleted: two batches for one user wait for one another.
    pub fn require_credential(&mut self, user_id: i64, usage: &str) -> &mut Self {
        self.step(|batch| {
            let table = batch.credentials_table()?;
            batch.lock_user(user_id);
            let any = format!(
                "SELECT 1 WHERE EXISTS (SELECT 1 FROM {table} WHERE user_id = CAST($1 AS BIGINT) AND usage = $2)"
            );
            batch.push(Statement::new(any, vec![user_id.into(), usage.into()]).returning(), Expect::One);
            Ok(())
        })
    }

    /// Notes a use of a passkey; the batch fails unless its counter is the expected one still. Of two uses that were
    /// checked against the same counter, one goes through if the counter changes.
    pub fn use_credential(
        &mut self,
        credential_id: &[u8],
        expected_sign_count: i64,
        used: CredentialUse,
        now: OffsetDateTime,
    ) -> &mut Self {
        let dialect = self.sql.dialect();
        self.step(|batch| {
            let table = batch.credentials_table()?;
            let update = format!(
                "UPDATE {table} SET sign_count = $3, backup_state = $4, lastuse_datetime = $5 \
                 WHERE credential_id = $1 AND COALESCE(sign_count, 0) = CAST($2 AS BIGINT)"
            );
            let values = vec![
                Value::Blob(credential_id.to_vec()),
                expected_sign_count.into(),
                count(dialect, used.sign_count).into(),
                used.backup_state.into(),
                micros(now).into(),
            ];
            batch.push(Statement::new(update, values), Expect::One);
            Ok(())
        })
    }

    fn credentials_table(&self) -> Result<Arc<str>> {
        let table = self.sql.schema.webauthn.as_ref();
        table
            .map(|table| table.quoted.as_str().into())
            .ok_or_else(|| StoreError::invalid("there is no table for passkeys"))
    }

    /// Makes batches for one user wait for one another; SQLite has only one writer at a time.
    fn lock_user(&mut self, id: i64) {
        if self.sql.dialect() == Dialect::Postgres {
            let lock = self.sql.lock_user.clone();
            self.aside(Statement::new(lock, vec![id.into()]).returning());
        }
    }
}

/// PostgreSQL's column ends at 2³¹ − 1; counters beyond it stay there.
fn count(dialect: Dialect, count: i64) -> i64 {
    match dialect {
        Dialect::Sqlite => count,
        Dialect::Postgres => count.min(i64::from(i32::MAX)),
    }
}

/// Refuses what does not fit the columns, which SQLite would take.
fn check(new: &Credential) -> Result<()> {
    let fits = |text: &str, most: usize| !text.is_empty() && text.chars().count() <= most;
    if new.credential_id.is_empty() || new.credential_id.len() > 1023 || new.public_key.is_empty() {
        return Err(StoreError::invalid("a passkey's id or key is empty or too long"));
    }
    if new.sign_count < 0 || !fits(&new.name, 64) || !fits(&new.device_type, 64) || !fits(&new.usage, 64) {
        return Err(StoreError::invalid("a passkey's name, device type, usage or counter does not fit its column"));
    }
    if new.extensions.as_ref().is_some_and(|text| text.chars().count() > 255) {
        return Err(StoreError::invalid("a passkey's extensions are too long"));
    }
    Ok(())
}
