//! Requests that were refused for want of a right, for whoever is asked why. The latest ones only.

use time::OffsetDateTime;

use crate::backend::Reach;
use crate::batch::{Batch, Expect, cut};
use crate::decode::Row;
use crate::error::{Result, StoreError};
use crate::sql::Statement;
use crate::store::{Store, is_key};
use crate::value::micros;

/// A request that was refused for want of a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the reply calls it.
    pub id: String,
    /// When.
    pub at: OffsetDateTime,
    /// Who was refused, if somebody known.
    pub user_id: Option<i64>,
    /// The method of the request; cut to 16 characters.
    pub method: String,
    /// Its path; cut to 512 characters.
    pub path: String,
    /// By what the caller had proved who they are; cut to 32 characters.
    pub mechanism: Option<String>,
    /// What was asked for; cut to 2000 characters.
    pub needed: Option<String>,
    /// What of that the caller lacked, or had and must not; cut to 2000 characters.
    pub missing: Option<String>,
}

/// How many are kept: a new one takes the place of the one before it in its slot.
pub const REFUSALS_KEPT: u32 = 5000;

const COLUMNS: &str = "id, at, user_id, method, path, mechanism, needed, missing";

fn refusal(row: Row) -> Result<Refusal> {
    let mut values = row.into_iter();
    let mut next = || values.next().ok_or_else(|| StoreError::invalid("a row is too short"));
    let missing = || StoreError::invalid("a refusal lacks a value");
    Ok(Refusal {
        id: next()?.text()?.ok_or_else(missing)?,
        at: next()?.time()?.ok_or_else(missing)?,
        user_id: next()?.int()?,
        method: next()?.text()?.unwrap_or_default(),
        path: next()?.text()?.unwrap_or_default(),
        mechanism: next()?.text()?,
        needed: next()?.text()?,
        missing: next()?.text()?,
    })
}

impl Batch {
    /// Notes a refusal in a slot, of which there are [`REFUSALS_KEPT`]; what was there is forgotten.
    pub fn note_refusal(&mut self, slot: u32, new: &Refusal) -> &mut Self {
        self.step(|batch| {
            if !is_key(&new.id) {
                return Err(StoreError::invalid("a refusal's id is empty or too long"));
            }
            let upsert = Statement::new(
                "INSERT INTO lychgate_refusals (slot, id, at, user_id, method, path, mechanism, needed, missing) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (slot) DO UPDATE SET id = excluded.id, \
                 at = excluded.at, user_id = excluded.user_id, method = excluded.method, path = excluded.path, \
                 mechanism = excluded.mechanism, needed = excluded.needed, missing = excluded.missing",
                vec![
                    i64::from(slot % REFUSALS_KEPT).into(),
                    new.id.as_str().into(),
                    micros(new.at).into(),
                    new.user_id.into(),
                    cut(Some(&new.method), 16).into(),
                    cut(Some(&new.path), 512).into(),
                    cut(new.mechanism.as_deref(), 32).into(),
                    cut(new.needed.as_deref(), 2000).into(),
                    cut(new.missing.as_deref(), 2000).into(),
                ],
            );
            batch.push(upsert, Expect::One);
            Ok(())
        })
    }
}

impl Store {
    /// Notes a refusal; see [`Batch::note_refusal`].
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn note_refusal(&self, slot: u32, new: &Refusal) -> Result<()> {
        self.commit_one(|batch| batch.note_refusal(slot, new)).await.map(drop)
    }

    /// The refusal of this id, if it is kept still.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn refusal(&self, id: &str) -> Result<Option<Refusal>> {
        if !is_key(id) {
            return Ok(None);
        }
        let sql = format!("SELECT {COLUMNS} FROM lychgate_refusals WHERE id = $1 ORDER BY at DESC LIMIT 1");
        let rows = self.query(sql, vec![id.into()], Reach::Key).await?;
        rows.into_iter().next().map(refusal).transpose()
    }

    /// The latest refusals, newest first; at most `limit`, and at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn refusals(&self, limit: u32) -> Result<Vec<Refusal>> {
        let limit = limit.min(1000);
        let sql = format!("SELECT {COLUMNS} FROM lychgate_refusals ORDER BY at DESC, slot DESC LIMIT {limit}");
        let rows = self.query(sql, Vec::new(), Reach::Scan).await?;
        rows.into_iter().map(refusal).collect()
    }

    /// Forgets refusals before `before`; says how many.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn purge_refusals(&self, before: OffsetDateTime) -> Result<u64> {
        let delete = Statement::new("DELETE FROM lychgate_refusals WHERE at < $1", vec![micros(before).into()]);
        self.commit_one(|batch| batch.simple(delete, Expect::Any)).await
    }
}
