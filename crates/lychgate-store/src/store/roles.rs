//! Roles and their permissions.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Store, is_key, met};
use crate::backend::Reach;
use crate::batch::{Batch, Expect};
use crate::decode;
use crate::error::{ErrorKind, Result, StoreError};
use crate::records::Role;
use crate::sql::Statement;
use crate::value::{Value, join_list, micros};

/// How often a change of permissions is tried again when others change them at the same time.
const TRIES: usize = 32;

impl Store {
    /// The role of this name.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn role_by_name(&self, name: &str) -> Result<Option<Arc<Role>>> {
        if !is_key(name) {
            return Ok(None);
        }
        let sql = self.inner.sql.role_by_name.clone();
        let rows = self.query(sql, vec![name.into()], Reach::Key).await?;
        let roles = decode::roles(&self.schema().role, rows)?;
        Ok(roles.into_iter().next().map(Arc::new))
    }

    /// All roles, by name. Answered from memory while nothing has changed.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn roles(&self) -> Result<Vec<Arc<Role>>> {
        let epoch = self.epoch();
        if let Some(roles) = self.inner.caches.roles.get("", epoch) {
            return Ok(roles.to_vec());
        }
        let sql = self.inner.sql.roles.clone();
        let rows = self.query(sql, vec![], Reach::Scan).await?;
        let roles = decode::roles(&self.schema().role, rows)?;
        let roles: Arc<Vec<Arc<Role>>> = Arc::new(roles.into_iter().map(Arc::new).collect());
        self.inner.caches.roles.put("", epoch, &roles);
        Ok(roles.to_vec())
    }

    /// Creates a role; `permissions` of `None` stores none at all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if the name is taken, [`ErrorKind::Invalid`] for an empty name or a permission that is
    /// empty or holds a comma.
    pub async fn create_role(
        &self,
        name: &str,
        description: Option<&str>,
        permissions: Option<&[String]>,
        now: OffsetDateTime,
    ) -> Result<Arc<Role>> {
        self.create_role_with(name, description, permissions, now, |_| {}).await
    }

    /// The same, with `more` in the transaction.
    ///
    /// # Errors
    ///
    /// As [`create_role`](Self::create_role), and what `more` brings.
    pub async fn create_role_with(
        &self,
        name: &str,
        description: Option<&str>,
        permissions: Option<&[String]>,
        now: OffsetDateTime,
        more: impl FnOnce(&mut Batch),
    ) -> Result<Arc<Role>> {
        if !is_key(name) {
            return Err(StoreError::invalid("a role needs a name"));
        }
        let layout = &self.schema().role;
        let mut columns: Vec<(&str, Value)> = vec![("name", name.into())];
        if description.is_some() || layout.has("description") {
            columns.push(("description", description.into()));
        }
        if permissions.is_some() || layout.has("permissions") {
            let list = permissions.map(join_list).transpose()?;
            columns.push(("permissions", list.into()));
        }
        if layout.has("update_datetime") {
            columns.push(("update_datetime", micros(now).into()));
        }
        if let Some((missing, _)) = columns.iter().find(|(column, _)| !layout.has(column)) {
            return Err(self.no_column(missing));
        }
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let marks: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
        let insert = Statement::new(
            format!("INSERT INTO {} ({}) VALUES ({}) RETURNING id", layout.quoted, names.join(", "), marks.join(", ")),
            values,
        );
        let mut batch = self.batch();
        batch.simple(insert.returning(), Expect::One);
        more(&mut batch);
        self.commit(batch).await?;
        self.role_by_name(name)
            .await?
            .ok_or_else(|| StoreError::with_source(ErrorKind::Other, "the new role is gone again"))
    }

    /// Gives a user a role; `false` if the user has it already.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if there is no such user or role.
    pub async fn add_role(&self, user_id: i64, role: &str) -> Result<bool> {
        if self.commit_one(|batch| batch.add_role(user_id, role)).await? > 0 {
            return Ok(true);
        }
        match self.user_by_id(user_id).await? {
            None => Err(StoreError::invalid("there is no such user")),
            Some(user) if user.has_role(role) => Ok(false),
            Some(_) if self.role_by_name(role).await?.is_some() => Ok(false),
            Some(_) => Err(StoreError::invalid(format!("there is no role \"{role}\""))),
        }
    }

    /// Takes a role from a user; `false` if the user did not have it.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn remove_role(&self, user_id: i64, role: &str) -> Result<bool> {
        met(self.commit_one(|batch| batch.remove_role(user_id, role)).await)
    }

    /// Replaces a role's permissions; `false` if there is no such role.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a permission that is empty or holds a comma, or if roles have no permissions here.
    pub async fn set_role_permissions(&self, role: &str, permissions: &[String], now: OffsetDateTime) -> Result<bool> {
        self.change_permissions(role, now, |_| permissions.to_vec(), |_| {}).await
    }

    /// Replaces a role's permissions by what `change` makes of them, with `more` in the transaction; `false` if there is no
    /// such role. Both may be called several times, if others change the role at the same time.
    ///
    /// # Errors
    ///
    /// As [`set_role_permissions`](Self::set_role_permissions), and what `more` brings.
    pub async fn change_permissions_with(
        &self,
        role: &str,
        now: OffsetDateTime,
        change: impl Fn(&[String]) -> Vec<String>,
        more: impl Fn(&mut Batch),
    ) -> Result<bool> {
        self.change_permissions(role, now, change, more).await
    }

    /// Adds permissions to those that a role has; `false` if there is no such role.
    ///
    /// # Errors
    ///
    /// As [`set_role_permissions`](Self::set_role_permissions).
    pub async fn add_permissions(&self, role: &str, permissions: &[String], now: OffsetDateTime) -> Result<bool> {
        let change = |had: &[String]| [had, permissions].concat();
        self.change_permissions(role, now, change, |_| {}).await
    }

    /// Takes permissions from a role; `false` if there is no such role.
    ///
    /// # Errors
    ///
    /// As [`set_role_permissions`](Self::set_role_permissions).
    pub async fn remove_permissions(&self, role: &str, permissions: &[String], now: OffsetDateTime) -> Result<bool> {
        let change = |had: &[String]| had.iter().filter(|item| !permissions.contains(item)).cloned().collect();
        self.change_permissions(role, now, change, |_| {}).await
    }

    /// Deletes a role and takes it from all users; `false` if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Referenced`] if rows of the application's own tables refer to the role.
    pub async fn delete_role(&self, name: &str) -> Result<bool> {
        self.delete_role_with(name, |_| {}).await
    }

    /// The same, with `more` in the transaction.
    ///
    /// # Errors
    ///
    /// As [`delete_role`](Self::delete_role), and what `more` brings.
    pub async fn delete_role_with(&self, name: &str, more: impl FnOnce(&mut Batch)) -> Result<bool> {
        if !is_key(name) {
            return Ok(false);
        }
        let schema = self.schema();
        let role = &schema.role.quoted;
        let mut batch = self.batch();
        let _ = batch
            .simple(
                Statement::new(
                    format!(
                        "DELETE FROM {} WHERE role_id IN (SELECT r.id FROM {role} r WHERE r.name = $1)",
                        schema.links
                    ),
                    vec![name.into()],
                ),
                Expect::Any,
            )
            .simple(Statement::new(format!("DELETE FROM {role} WHERE name = $1"), vec![name.into()]), Expect::One);
        more(&mut batch);
        met(self.commit(batch).await.map(|_| 1))
    }

    /// Reads, changes and writes permissions; again from the start if somebody else has written meanwhile.
    async fn change_permissions(
        &self,
        name: &str,
        now: OffsetDateTime,
        change: impl Fn(&[String]) -> Vec<String>,
        more: impl Fn(&mut Batch),
    ) -> Result<bool> {
        let layout = &self.schema().role;
        if !layout.has("permissions") {
            return Err(self.no_column("permissions"));
        }
        let stamp = if layout.has("update_datetime") { ", update_datetime = $4" } else { "" };
        let sql: Arc<str> = format!(
            "UPDATE {} SET permissions = $3{stamp} WHERE id = CAST($1 AS BIGINT) AND permissions IS NOT DISTINCT FROM $2",
            layout.quoted
        )
        .into();
        let raw: Arc<str> = format!("SELECT id, permissions FROM {} WHERE name = $1", layout.quoted).into();
        if !is_key(name) {
            return Ok(false);
        }
        for _ in 0..TRIES {
            let rows = self.query(raw.clone(), vec![name.into()], Reach::Key).await?;
            let Some(mut row) = rows.into_iter().next().map(Vec::into_iter) else {
                return Ok(false);
            };
            let (Some(id), Some(had)) = (row.next(), row.next()) else {
                return Ok(false);
            };
            let stored = had.clone().text()?;
            let mut list: Vec<String> = Vec::new();
            for item in change(&crate::value::split_list(stored.as_deref())) {
                if !list.contains(&item) {
                    list.push(item);
                }
            }
            let mut values = vec![id, had, join_list(&list)?.into()];
            if !stamp.is_empty() {
                values.push(micros(now).into());
            }
            let update = Statement::new(sql.clone(), values);
            let mut batch = self.batch();
            batch.simple(update, Expect::One);
            more(&mut batch);
            if met(self.commit(batch).await.map(|_| 1))? {
                return Ok(true);
            }
        }
        Err(StoreError::with_source(ErrorKind::Busy, "the role is being changed by others"))
    }

    fn no_column(&self, column: &str) -> StoreError {
        StoreError::invalid(format!("the table \"{}\" has no column \"{column}\"", self.schema().role.name))
    }
}
