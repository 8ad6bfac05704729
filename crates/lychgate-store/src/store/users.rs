//! Users.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Store, is_key, met};
use crate::backend::Reach;
use crate::cache::Kept;
use crate::decode;
use crate::error::{ErrorKind, Result, StoreError};
use crate::records::{NewUser, User, UserPatch};
use crate::sql::Statement;
use crate::value::Value;

impl Store {
    /// The user with this primary key.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn user_by_id(&self, id: i64) -> Result<Option<Arc<User>>> {
        let sql = self.inner.sql.user_by_id.clone();
        let users = self.users(sql, vec![id.into()], Reach::Key).await?;
        Ok(users.into_iter().next())
    }

    /// The user with this id. Answered from memory while nothing has changed, for who asks at every request.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn known_user(&self, id: i64) -> Result<Option<Arc<User>>> {
        let (kept, key, epoch) = (&self.caches().users_by_id, id.to_string(), self.epoch());
        if let Some(user) = kept.get(&key, epoch) {
            return Ok(Some(user));
        }
        let user = self.user_by_id(id).await?;
        if let Some(user) = &user {
            kept.put(&key, epoch, user);
        }
        Ok(user)
    }

    /// The user whose sessions hold this uniquifier. Answered from memory while nothing has changed.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn user_by_uniquifier(&self, fs_uniquifier: &str) -> Result<Option<Arc<User>>> {
        let sql = &self.inner.sql.user_by_uniquifier;
        self.kept_user(&self.inner.caches.users, sql, fs_uniquifier).await
    }

    /// The user whose auth tokens hold this uniquifier: `fs_token_uniquifier` where the database has that column,
    /// otherwise `fs_uniquifier`. Answered from memory while nothing has changed.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn user_by_token_uniquifier(&self, uniquifier: &str) -> Result<Option<Arc<User>>> {
        let sql = &self.inner.sql.user_by_token_uniquifier;
        self.kept_user(&self.inner.caches.token_users, sql, uniquifier).await
    }

    async fn kept_user(&self, kept: &Kept<User>, sql: &Arc<str>, key: &str) -> Result<Option<Arc<User>>> {
        if !is_key(key) {
            return Ok(None);
        }
        let epoch = self.epoch();
        if let Some(user) = kept.get(key, epoch) {
            return Ok(Some(user));
        }
        let users = self.users(sql.clone(), vec![key.into()], Reach::Key).await?;
        let user = users.into_iter().next();
        if let Some(user) = &user {
            kept.put(key, epoch, user);
        }
        Ok(user)
    }

    /// The user whose column holds this value: exactly, or else, if so wished, in another case.
    ///
    /// If several users differ only in case and none matches exactly, the one with the lowest id is returned.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if there is no such column, and the usual ones of the database.
    pub async fn user_by_identity(
        &self,
        column: &str,
        value: &str,
        case_insensitive: bool,
    ) -> Result<Option<Arc<User>>> {
        for any_case in [false, true] {
            if any_case && !case_insensitive {
                break;
            }
            let sql = self.inner.sql.user_by_column(column, any_case);
            let sql = sql
                .ok_or_else(|| StoreError::invalid("the user table has no column of this name to look users up by"))?;
            if !is_key(value) {
                return Ok(None);
            }
            let users = self.users(sql, vec![value.into()], Reach::Key).await?;
            if users.len() > 1 {
                let ids: Vec<i64> = users.iter().map(|user| user.id).take(10).collect();
                tracing::warn!(column, ?ids, "several users have the same identity");
            }
            if let Some(user) = users.into_iter().min_by_key(|user| user.id) {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// How many users there are.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn count_users(&self) -> Result<i64> {
        let sql = self.inner.sql.count_users.clone();
        let rows = self.query(sql, vec![], Reach::Scan).await?;
        let count = rows.first().and_then(|row| row.first());
        count.map_or(Ok(None), Value::int).map(Option::unwrap_or_default)
    }

    /// Whether anybody has this role.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn any_user_with_role(&self, role: &str) -> Result<bool> {
        if !is_key(role) {
            return Ok(false);
        }
        let sql = self.inner.sql.any_user_with_role.clone();
        let rows = self.query(sql, vec![role.into()], Reach::Scan).await?;
        Ok(!rows.is_empty())
    }

    /// Creates a user with its roles.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] with the column that is taken, [`ErrorKind::Invalid`] for an unknown role or column.
    pub async fn create_user(&self, new: NewUser, now: OffsetDateTime) -> Result<Arc<User>> {
        let mut batch = self.batch();
        let _ = batch.create_user(&new, now);
        let id = self.commit(batch).await?.id(0);
        let gone = || StoreError::with_source(ErrorKind::Other, "the new user is gone again");
        self.user_by_id(id.ok_or_else(gone)?).await?.ok_or_else(gone)
    }

    /// Changes a user's columns and its `update_datetime`; `false` if there is no such user.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] with the column that is taken, [`ErrorKind::Invalid`] for a column that does not exist.
    pub async fn update_user(&self, id: i64, patch: UserPatch, now: OffsetDateTime) -> Result<bool> {
        self.update_user_if(id, UserPatch::default(), patch, now).await
    }

    /// Changes a user's columns if those of `expected` still hold their values; `false` if one does not, or there is no
    /// such user. Of several callers who expect the same, exactly one gets `true`.
    ///
    /// # Errors
    ///
    /// As [`update_user`](Self::update_user).
    pub async fn update_user_if(
        &self,
        id: i64,
        expected: UserPatch,
        patch: UserPatch,
        now: OffsetDateTime,
    ) -> Result<bool> {
        met(self.commit_one(|batch| batch.update_user_if(id, &expected, &patch, now)).await)
    }

    /// Sets the password, and the uniquifier if one is given, if the stored hash still is the expected one (`None`: none).
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn set_password_if(
        &self,
        id: i64,
        expected_old: Option<&str>,
        new: &str,
        new_uniquifier: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let expected = UserPatch { password: Some(expected_old.map(str::to_owned)), ..UserPatch::default() };
        let patch = UserPatch {
            password: Some(Some(new.to_owned())),
            fs_uniquifier: new_uniquifier.map(str::to_owned),
            ..UserPatch::default()
        };
        self.update_user_if(id, expected, patch, now).await
    }

    /// Takes everything away that lets anybody in as this user but the password; see [`Batch::reset_user_access`](crate::Batch::reset_user_access).
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn reset_user_access(
        &self,
        id: i64,
        new_uniquifier: &str,
        new_token_uniquifier: &str,
        now: OffsetDateTime,
    ) -> Result<bool> {
        met(self.commit_one(|batch| batch.reset_user_access(id, new_uniquifier, new_token_uniquifier, now)).await)
    }

    /// Deletes a user with everything of [`Batch::delete_user`](crate::Batch::delete_user); `false` if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Referenced`] if rows of the application's own tables refer to the user.
    pub async fn delete_user(&self, id: i64) -> Result<bool> {
        met(self.commit_one(|batch| batch.delete_user(id)).await)
    }

    async fn users(&self, sql: impl Into<Arc<str>>, params: Vec<Value>, reach: Reach) -> Result<Vec<Arc<User>>> {
        let statement = Statement::new(sql, params);
        let rows = self.inner.backend.query(&statement, reach).await?;
        let schema = self.schema();
        let users = decode::users(&schema.user, &schema.role, rows)?;
        Ok(users.into_iter().map(Arc::new).collect())
    }
}
