//! The outbox: what is to be sent, entered in the transaction of the change that it tells of.
//!
//! A row is `waiting` until it is `sent` or given up as `dead`. Whoever sends claims rows first: a claim moves the time
//! at which a row is due to the end of a lease, so that nobody else takes it, and so that it is taken again if the
//! claimer dies.

use std::fmt;

use time::OffsetDateTime;

use crate::backend::Reach;
use crate::batch::{Batch, Expect};
use crate::decode::Row;
use crate::error::{Result, StoreError};
use crate::sql::Statement;
use crate::store::{Store, met};
use crate::value::{Value, micros};

/// Where an item of the outbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutboxState {
    /// To be sent when it is due.
    Waiting,
    /// Sent.
    Sent,
    /// Given up; [`Store::outbox_retry`] sets it going again.
    Dead,
}

impl OutboxState {
    /// The word for it, also in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }

    fn read(text: &str) -> Self {
        match text {
            "sent" => Self::Sent,
            "dead" => Self::Dead,
            _ => Self::Waiting,
        }
    }
}

/// Something to be sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboxItem {
    /// A random id, at most 64 bytes.
    pub id: String,
    /// What it is, `mail` for one, at most 32 bytes.
    pub kind: String,
    /// Whom it is for, for people who look at the outbox; at most 320 bytes.
    pub recipient: String,
    /// What is sent, in a form that the sender of this kind reads. It may hold links that sign somebody in.
    pub payload: String,
    /// When it was entered.
    pub created_at: OffsetDateTime,
    /// When it is to be sent; while it is claimed, when the claim ends.
    pub due_at: OffsetDateTime,
    /// How often sending was begun.
    pub attempts: i64,
    /// Where it stands.
    pub state: OutboxState,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was sent.
    pub sent_at: Option<OffsetDateTime>,
}

impl OutboxItem {
    /// An item that is due at once.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        kind: impl Into<String>,
        recipient: impl Into<String>,
        payload: impl Into<String>,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id: id.into(),
            kind: kind.into(),
            recipient: recipient.into(),
            payload: payload.into(),
            created_at: now,
            due_at: now,
            attempts: 0,
            state: OutboxState::Waiting,
            last_error: None,
            sent_at: None,
        }
    }
}

impl fmt::Debug for OutboxItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboxItem")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("due_at", &self.due_at)
            .field("attempts", &self.attempts)
            .field("state", &self.state)
            .field("last_error", &self.last_error)
            .finish_non_exhaustive()
    }
}

/// The columns in the order in which [`item`] reads them.
const COLUMNS: &str = "id, kind, recipient, payload, created_at, due_at, attempts, state, last_error, sent_at";

/// The most rows that one call takes or lists.
const MOST: u32 = 1000;

/// The longest error that is kept, in characters.
const LONGEST_ERROR: usize = 500;

fn item(row: Row) -> Result<OutboxItem> {
    let mut values = row.into_iter();
    let mut next = || values.next().ok_or_else(|| StoreError::invalid("a row is too short"));
    let mut text = || next()?.text();
    let (id, kind, recipient, payload) = (text()?, text()?, text()?, text()?);
    let created_at = next()?.time()?.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let due_at = next()?.time()?.unwrap_or(created_at);
    let attempts = next()?.int()?.unwrap_or_default();
    let state = next()?.text()?.unwrap_or_default();
    let last_error = next()?.text()?;
    let sent_at = next()?.time()?;
    Ok(OutboxItem {
        id: id.unwrap_or_default(),
        kind: kind.unwrap_or_default(),
        recipient: recipient.unwrap_or_default(),
        payload: payload.unwrap_or_default(),
        created_at,
        due_at,
        attempts,
        state: OutboxState::read(&state),
        last_error,
        sent_at,
    })
}

impl Batch {
    /// Enters something to be sent, so that it is sent if and only if the rest of the batch is written.
    pub fn enqueue(&mut self, item: &OutboxItem) -> &mut Self {
        self.step(|batch| {
            let too_long = item.id.len() > 64 || item.kind.len() > 32 || item.recipient.len() > 320;
            if item.id.is_empty() || item.kind.is_empty() || too_long {
                return Err(StoreError::invalid(
                    "an item of the outbox has an empty or overlong id, kind or recipient",
                ));
            }
            let insert = Statement::new(
                "INSERT INTO lychgate_outbox (id, kind, recipient, payload, created_at, due_at, attempts, state) \
                 VALUES ($1, $2, $3, $4, $5, $6, 0, 'waiting')",
                vec![
                    item.id.as_str().into(),
                    item.kind.as_str().into(),
                    item.recipient.as_str().into(),
                    item.payload.as_str().into(),
                    micros(item.created_at).into(),
                    micros(item.due_at).into(),
                ],
            );
            batch.push(insert, Expect::One);
            Ok(())
        })
    }

    /// Sets a dead item going again, as [`Store::outbox_retry`] does; the batch fails unless it is dead.
    pub fn retry_item(&mut self, id: &str, now: OffsetDateTime) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_outbox SET state = 'waiting', due_at = $2, attempts = 0 WHERE id = $1 AND state = 'dead'",
            vec![id.into(), micros(now).into()],
        );
        self.simple(update, Expect::One)
    }

    /// Deletes a dead item; the batch fails unless it is dead.
    pub fn drop_item(&mut self, id: &str) -> &mut Self {
        let delete = Statement::new("DELETE FROM lychgate_outbox WHERE id = $1 AND state = 'dead'", vec![id.into()]);
        self.simple(delete, Expect::One)
    }

    /// Deletes everything in the outbox that is for this recipient, sent or not: for accounts that are deleted.
    pub fn forget_recipient(&mut self, recipient: &str) -> &mut Self {
        let delete = Statement::new("DELETE FROM lychgate_outbox WHERE recipient = $1", vec![recipient.into()]);
        self.simple(delete, Expect::Any)
    }
}

impl Store {
    /// Takes up to `limit` items that are due, oldest first. Until `lease_until` nobody else gets them, on no process;
    /// after that they are due again unless they were marked as sent or failed.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn outbox_claim(
        &self,
        limit: u32,
        lease_until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<Vec<OutboxItem>> {
        let (limit, now) = (limit.min(MOST), micros(now));
        // Mostly there is nothing, and asking must not wait for the writers.
        let due = "SELECT 1 FROM lychgate_outbox WHERE state = 'waiting' AND due_at <= $1 LIMIT 1";
        if limit == 0 || self.query(due, vec![now.into()], Reach::Key).await?.is_empty() {
            return Ok(Vec::new());
        }
        // Of two that choose the same rows the second waits for the first, and the outer condition is asked again then.
        let update = Statement::new(
            format!(
                "UPDATE lychgate_outbox SET due_at = $2, attempts = attempts + 1 WHERE id IN (SELECT o.id FROM lychgate_outbox o \
                 WHERE o.state = 'waiting' AND o.due_at <= $1 ORDER BY o.due_at, o.created_at LIMIT {limit}) \
                 AND state = 'waiting' AND due_at <= $1 RETURNING {COLUMNS}"
            ),
            vec![now.into(), micros(lease_until).into()],
        )
        .returning();
        let mut batch = self.batch();
        let _ = batch.simple(update, Expect::Any);
        let rows = self.commit_rows(batch).await?;
        let mut items = rows.into_iter().map(item).collect::<Result<Vec<_>>>()?;
        items.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(items)
    }

    /// Notes that an item was sent; `false` if there is no such item. Its payload is forgotten unless it is to be kept,
    /// for it may hold secrets.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn outbox_sent(&self, id: &str, keep_payload: bool, now: OffsetDateTime) -> Result<bool> {
        let payload = if keep_payload { "payload" } else { "''" };
        let update = Statement::new(
            format!(
                "UPDATE lychgate_outbox SET state = 'sent', sent_at = $2, last_error = NULL, payload = {payload}, \
                 attempts = CASE WHEN attempts = 0 THEN 1 ELSE attempts END WHERE id = $1"
            ),
            vec![id.into(), micros(now).into()],
        );
        self.change_item(update).await
    }

    /// Notes that an attempt failed and when the next one is due; without a time the item is dead. `false` if there is
    /// no such item waiting.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn outbox_failed(&self, id: &str, error: &str, next_due: Option<OffsetDateTime>) -> Result<bool> {
        let printable = error.chars().map(|c| if c.is_control() { ' ' } else { c });
        let error: String = printable.take(LONGEST_ERROR).collect();
        let attempts = "attempts = CASE WHEN attempts = 0 THEN 1 ELSE attempts END";
        let update = match next_due {
            Some(due) => Statement::new(
                format!(
                    "UPDATE lychgate_outbox SET last_error = $2, due_at = $3, {attempts} WHERE id = $1 AND state = 'waiting'"
                ),
                vec![id.into(), error.into(), micros(due).into()],
            ),
            None => Statement::new(
                format!(
                    "UPDATE lychgate_outbox SET last_error = $2, state = 'dead', {attempts} WHERE id = $1 AND state = 'waiting'"
                ),
                vec![id.into(), error.into()],
            ),
        };
        self.change_item(update).await
    }

    /// Puts an item off until `due` without having tried to send it, for a reason that lists show; `false` if it does not
    /// wait.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn outbox_hold(&self, id: &str, why: &str, due: OffsetDateTime) -> Result<bool> {
        let why: String = why.chars().take(LONGEST_ERROR).collect();
        let update = Statement::new(
            "UPDATE lychgate_outbox SET last_error = $2, due_at = $3, \
             attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END WHERE id = $1 AND state = 'waiting'",
            vec![id.into(), why.into(), micros(due).into()],
        );
        self.change_item(update).await
    }

    /// Items in a state, or in any, the newest first; at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn outbox_list(&self, state: Option<OutboxState>, limit: u32) -> Result<Vec<OutboxItem>> {
        let (filter, values): (&str, Vec<Value>) = match state {
            Some(state) => ("WHERE state = $1", vec![state.as_str().into()]),
            None => ("", Vec::new()),
        };
        let limit = limit.min(MOST);
        let sql = format!("SELECT {COLUMNS} FROM lychgate_outbox {filter} ORDER BY created_at DESC, id LIMIT {limit}");
        let rows = self.query(sql, values, Reach::Scan).await?;
        rows.into_iter().map(item).collect()
    }

    /// What there is for one recipient, the newest first; at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn outbox_of(&self, recipient: &str) -> Result<Vec<OutboxItem>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM lychgate_outbox WHERE recipient = $1 ORDER BY created_at DESC, id LIMIT {MOST}"
        );
        let rows = self.query(sql, vec![recipient.into()], Reach::Scan).await?;
        rows.into_iter().map(item).collect()
    }

    /// One item.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn outbox_item(&self, id: &str) -> Result<Option<OutboxItem>> {
        if id.is_empty() || id.len() > 64 || id.contains('\0') {
            return Ok(None);
        }
        let sql = format!("SELECT {COLUMNS} FROM lychgate_outbox WHERE id = $1");
        let rows = self.query(sql, vec![id.into()], Reach::Key).await?;
        rows.into_iter().next().map(item).transpose()
    }

    /// Sets a dead item going again: it is due at once and its attempts are counted from nought. `false` if there is no
    /// such item.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn outbox_retry(&self, id: &str, now: OffsetDateTime) -> Result<bool> {
        met(self.commit_one(|batch| batch.retry_item(id, now)).await)
    }

    /// Deletes a dead item of the outbox; `false` if there is no such item, or it is not dead.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn outbox_drop(&self, id: &str) -> Result<bool> {
        met(self.commit_one(|batch| batch.drop_item(id)).await)
    }

    /// Deletes what was sent or is dead and was entered before this time; says how many.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn outbox_purge(&self, before: OffsetDateTime) -> Result<u64> {
        let delete = Statement::new(
            "DELETE FROM lychgate_outbox WHERE created_at < $1 AND state <> 'waiting'",
            vec![micros(before).into()],
        );
        self.commit_one(|batch| batch.simple(delete, Expect::Any)).await
    }

    async fn change_item(&self, update: Statement) -> Result<bool> {
        Ok(self.commit_one(|batch| batch.simple(update, Expect::Any)).await? > 0)
    }
}
