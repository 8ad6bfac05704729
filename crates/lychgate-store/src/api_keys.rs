//! API keys: secrets of which only the digest is stored, by which programs act for a user.

use std::fmt;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use crate::backend::Reach;
use crate::batch::{Batch, Expect, cut};
use crate::decode::Row;
use crate::error::{Result, StoreError};
use crate::sql::Statement;
use crate::store::{Store, is_key, met};
use crate::value::{join_list, micros, split_list};

/// An API key as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// What lists and commands call it; tells nothing of the secret.
    pub id: String,
    /// Whose it is.
    pub user_id: i64,
    /// What of the user's row no later user with the same primary key has; empty where there is nothing of the kind.
    pub anchor: String,
    /// What its owner calls it, at most 64 characters.
    pub name: String,
    /// The digest of the secret, as text.
    pub digest: String,
    /// How it begins and ends, for people.
    pub hint: String,
    /// The permissions that it may use, of those that its owner has.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was used last; as exact as [`Store::touch_api_key`] makes it.
    pub last_used_at: Option<OffsetDateTime>,
    /// From where it was used then.
    pub last_used_from: Option<String>,
    /// When it was taken back.
    pub revoked_at: Option<OffsetDateTime>,
}

impl ApiKey {
    /// Whether the key may be used at this time.
    #[must_use]
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .field("last_used_at", &self.last_used_at)
            .field("revoked_at", &self.revoked_at)
            .finish_non_exhaustive()
    }
}

const SELECT: &str = "SELECT id, user_id, anchor, name, digest, hint, scopes, created_at, expires_at, last_used_at, \
    last_used_from, revoked_at FROM lychgate_api_keys";

fn api_key(row: Row) -> Result<ApiKey> {
    let mut values = row.into_iter();
    let mut next = || values.next().ok_or_else(|| StoreError::invalid("a row is too short"));
    let missing = || StoreError::invalid("an API key lacks a value");
    Ok(ApiKey {
        id: next()?.text()?.ok_or_else(missing)?,
        user_id: next()?.int()?.ok_or_else(missing)?,
        anchor: next()?.text()?.unwrap_or_default(),
        name: next()?.text()?.unwrap_or_default(),
        digest: next()?.text()?.ok_or_else(missing)?,
        hint: next()?.text()?.unwrap_or_default(),
        scopes: split_list(next()?.text()?.as_deref()),
        created_at: next()?.time()?.ok_or_else(missing)?,
        expires_at: next()?.time()?,
        last_used_at: next()?.time()?,
        last_used_from: next()?.text()?,
        revoked_at: next()?.time()?,
    })
}

impl Batch {
    /// Enters a key. Whether it was used or taken back is not looked at.
    pub fn add_api_key(&mut self, new: &ApiKey) -> &mut Self {
        self.step(|batch| {
            let is_short = |text: &str, most: usize| is_key(text) && text.chars().count() <= most;
            if !is_short(&new.id, 64) || !is_short(&new.digest, 128) || !is_short(&new.name, 64) {
                return Err(StoreError::invalid("an API key's id, digest or name is empty or too long"));
            }
            let insert = Statement::new(
                "INSERT INTO lychgate_api_keys (id, user_id, anchor, name, digest, hint, scopes, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                vec![
                    new.id.as_str().into(),
                    new.user_id.into(),
                    new.anchor.as_str().into(),
                    new.name.as_str().into(),
                    new.digest.as_str().into(),
                    new.hint.as_str().into(),
                    join_list(&new.scopes)?.into(),
                    micros(new.created_at).into(),
                    new.expires_at.map(micros).into(),
                ],
            );
            batch.push(insert, Expect::One);
            Ok(())
        })
    }

    /// Takes a key back; the batch fails if it is unknown, of somebody else, or taken back already.
    pub fn revoke_api_key(&mut self, id: &str, user_id: i64, now: OffsetDateTime) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_api_keys SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL",
            vec![id.into(), user_id.into(), micros(now).into()],
        );
        self.simple(update, Expect::One)
    }

    /// Takes all keys of a user back.
    pub fn revoke_api_keys_of(&mut self, user_id: i64, now: OffsetDateTime) -> &mut Self {
        self.simple(revoke_keys(user_id, micros(now)), Expect::Any)
    }
}

pub(crate) fn revoke_keys(user_id: i64, now: OffsetDateTime) -> Statement {
    Statement::new(
        "UPDATE lychgate_api_keys SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL",
        vec![user_id.into(), now.into()],
    )
}

impl Store {
    /// The key with this digest, whether it may be used or not. Answered from memory while nothing has changed.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn api_key_by_digest(&self, digest: &str) -> Result<Option<Arc<ApiKey>>> {
        if !is_key(digest) {
            return Ok(None);
        }
        let epoch = self.epoch();
        if let Some(key) = self.caches().api_keys.get(digest, epoch) {
            return Ok(Some(key));
        }
        let rows = self.query(format!("{SELECT} WHERE digest = $1"), vec![digest.into()], Reach::Key).await?;
        let Some(row) = rows.into_iter().next() else {
            return Ok(None);
        };
        let key = Arc::new(api_key(row)?);
        self.caches().api_keys.put(digest, epoch, &key);
        Ok(Some(key))
    }

    /// The key with this id, whether it may be used or not.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn api_key(&self, id: &str) -> Result<Option<ApiKey>> {
        if !is_key(id) {
            return Ok(None);
        }
        let rows = self.query(format!("{SELECT} WHERE id = $1"), vec![id.into()], Reach::Key).await?;
        rows.into_iter().next().map(api_key).transpose()
    }

    /// The keys of a user, or of everybody, the newest first; at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn api_keys(&self, user_id: Option<i64>) -> Result<Vec<ApiKey>> {
        let (filter, values) = match user_id {
            Some(id) => (" WHERE user_id = $1", vec![id.into()]),
            None => ("", vec![]),
        };
        let sql = format!("{SELECT}{filter} ORDER BY created_at DESC, id LIMIT 1000");
        let rows = self.query(sql, values, Reach::Scan).await?;
        rows.into_iter().map(api_key).collect()
    }

    /// Notes that a key is in use, unless that was noted less than `every` ago; says whether it was noted now.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn touch_api_key(
        &self,
        id: &str,
        from: Option<&str>,
        every: Duration,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let update = Statement::new(
            "UPDATE lychgate_api_keys SET last_used_at = $2, last_used_from = $3 WHERE id = $1 AND revoked_at IS NULL \
             AND (last_used_at IS NULL OR last_used_at <= $4)",
            vec![id.into(), micros(now).into(), cut(from, 64).into(), micros(now.saturating_sub(every)).into()],
        );
        met(self.commit_one(|batch| batch.simple(update, Expect::Any)).await)
    }
}
