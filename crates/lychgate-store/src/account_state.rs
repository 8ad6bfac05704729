//! What is with an account beyond its row: whether it is to be deleted, suspended, or waits for somebody.

use time::OffsetDateTime;

use crate::backend::Reach;
use crate::batch::{Batch, Expect, cut};
use crate::decode::Row;
use crate::error::{Result, StoreError};
use crate::sql::Statement;
use crate::store::Store;
use crate::value::micros;

/// What is with an account beyond its row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountState {
    /// Whose account it is.
    pub user_id: i64,
    /// The mark that somebody set on it.
    pub mark: Option<AccountMark>,
    /// When the mark was set.
    pub marked_at: Option<OffsetDateTime>,
    /// When its owner asked for its deletion.
    pub deletion_asked_at: Option<OffsetDateTime>,
    /// From when on it may be deleted.
    pub deletion_due_at: Option<OffsetDateTime>,
}

/// A mark on an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountMark {
    /// A word for it, `suspended` for one; at most 64 bytes.
    pub state: String,
    /// Why, for people; cut to 500 characters.
    pub reason: Option<String>,
    /// Who set it; cut to 320 characters.
    pub by: Option<String>,
    /// When it ends by itself.
    pub until: Option<OffsetDateTime>,
}

const COLUMNS: &str =
    "user_id, state, state_reason, state_by, state_since, state_until, deletion_asked_at, deletion_due_at";

/// The most that one call lists.
const MOST: u32 = 1000;

fn account_state(row: Row) -> Result<AccountState> {
    let mut values = row.into_iter();
    let mut next = || values.next().ok_or_else(|| StoreError::invalid("a row is too short"));
    let user_id = next()?.int()?.unwrap_or_default();
    let (state, reason, by) = (next()?.text()?, next()?.text()?, next()?.text()?);
    let (marked_at, until) = (next()?.time()?, next()?.time()?);
    let mark = state.map(|state| AccountMark { state, reason, by, until });
    Ok(AccountState { user_id, mark, marked_at, deletion_asked_at: next()?.time()?, deletion_due_at: next()?.time()? })
}

impl Batch {
    /// Sets a mark on an account in place of the one that it has.
    pub fn mark_account(&mut self, user_id: i64, mark: &AccountMark, now: OffsetDateTime) -> &mut Self {
        self.step(|batch| {
            if mark.state.is_empty() || mark.state.len() > 64 {
                return Err(StoreError::invalid("the word for an account's state is empty or too long"));
            }
            let upsert = Statement::new(
                "INSERT INTO lychgate_account_state (user_id, state, state_reason, state_by, state_since, state_until) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE SET state = excluded.state, \
                 state_reason = excluded.state_reason, state_by = excluded.state_by, state_since = excluded.state_since, \
                 state_until = excluded.state_until",
                vec![
                    user_id.into(),
                    mark.state.as_str().into(),
                    cut(mark.reason.as_deref(), 500).into(),
                    cut(mark.by.as_deref(), 320).into(),
                    micros(now).into(),
                    mark.until.map(micros).into(),
                ],
            );
            batch.push(upsert, Expect::One);
            Ok(())
        })
    }

    /// Sets a mark on the account of the user with this uniquifier, who is created in the same batch.
    pub fn mark_new_account(&mut self, fs_uniquifier: &str, mark: &AccountMark, now: OffsetDateTime) -> &mut Self {
        let sql = self.sql.clone();
        self.step(|batch| {
            if mark.state.is_empty() || mark.state.len() > 64 {
                return Err(StoreError::invalid("the word for an account's state is empty or too long"));
            }
            let insert = Statement::new(
                format!(
                    "INSERT INTO lychgate_account_state (user_id, state, state_since) \
                     SELECT id, CAST($2 AS TEXT), $3 FROM {} WHERE fs_uniquifier = $1",
                    sql.schema.user.quoted
                ),
                vec![fs_uniquifier.into(), mark.state.as_str().into(), micros(now).into()],
            );
            batch.push(insert, Expect::One);
            Ok(())
        })
    }

    /// Takes the mark of this word off an account; the batch fails if it has none, or another one.
    pub fn unmark_account(&mut self, user_id: i64, state: &str) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_account_state SET state = NULL, state_reason = NULL, state_by = NULL, state_since = NULL, \
             state_until = NULL WHERE user_id = $1 AND state = $2",
            vec![user_id.into(), state.into()],
        );
        self.simple(update, Expect::One)
    }

    /// As [`unmark_account`](Self::unmark_account), and the mark has to have ended by itself at `now`.
    pub fn unmark_account_if_over(&mut self, user_id: i64, state: &str, now: OffsetDateTime) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_account_state SET state = NULL, state_reason = NULL, state_by = NULL, state_since = NULL, \
             state_until = NULL WHERE user_id = $1 AND state = $2 AND state_until <= $3",
            vec![user_id.into(), state.into(), micros(now).into()],
        );
        self.simple(update, Expect::One)
    }

    /// Takes whatever mark off an account, if it has one.
    pub fn clear_account_mark(&mut self, user_id: i64) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_account_state SET state = NULL, state_reason = NULL, state_by = NULL, state_since = NULL, \
             state_until = NULL WHERE user_id = $1",
            vec![user_id.into()],
        );
        self.simple(update, Expect::Any)
    }

    /// Sets down that an account is to be deleted at `due_at`; the batch fails if that was set down before.
    pub fn schedule_deletion(&mut self, user_id: i64, due_at: OffsetDateTime, now: OffsetDateTime) -> &mut Self {
        let upsert = Statement::new(
            "INSERT INTO lychgate_account_state (user_id, deletion_asked_at, deletion_due_at) VALUES ($1, $2, $3) \
             ON CONFLICT (user_id) DO UPDATE SET deletion_asked_at = excluded.deletion_asked_at, \
             deletion_due_at = excluded.deletion_due_at WHERE lychgate_account_state.deletion_due_at IS NULL",
            vec![user_id.into(), micros(now).into(), micros(due_at).into()],
        );
        self.simple(upsert, Expect::One)
    }

    /// Moves a deletion that was due at `due_at`, for one that did not work; the batch fails if it is not due then.
    pub fn postpone_deletion(&mut self, user_id: i64, due_at: OffsetDateTime, to: OffsetDateTime) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_account_state SET deletion_due_at = $3 WHERE user_id = $1 AND deletion_due_at = $2",
            vec![user_id.into(), micros(due_at).into(), micros(to).into()],
        );
        self.simple(update, Expect::One)
    }

    /// Takes back the deletion that is due at `due_at`; the batch fails if none is.
    pub fn cancel_deletion(&mut self, user_id: i64, due_at: OffsetDateTime) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_account_state SET deletion_asked_at = NULL, deletion_due_at = NULL \
             WHERE user_id = $1 AND deletion_due_at = $2",
            vec![user_id.into(), micros(due_at).into()],
        );
        self.simple(update, Expect::One)
    }

    /// Takes back whatever deletion is set down, if one is.
    pub fn keep_account(&mut self, user_id: i64) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_account_state SET deletion_asked_at = NULL, deletion_due_at = NULL WHERE user_id = $1",
            vec![user_id.into()],
        );
        self.simple(update, Expect::Any)
    }

    /// Goes on only if the deletion of this account was set down and its time has come; then it is no longer set down.
    pub fn take_due_deletion(&mut self, user_id: i64, now: OffsetDateTime) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_account_state SET deletion_asked_at = NULL, deletion_due_at = NULL \
             WHERE user_id = $1 AND deletion_due_at <= $2",
            vec![user_id.into(), micros(now).into()],
        );
        self.simple(update, Expect::One)
    }
}

impl Store {
    /// What is with an account beyond its row; nothing for most.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn account_state(&self, user_id: i64) -> Result<Option<AccountState>> {
        let sql = format!("SELECT {COLUMNS} FROM lychgate_account_state WHERE user_id = $1");
        let rows = self.query(sql, vec![user_id.into()], Reach::Key).await?;
        rows.into_iter().next().map(account_state).transpose()
    }

    /// What is with those of these accounts that anything is with.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn account_states(&self, user_ids: &[i64]) -> Result<Vec<AccountState>> {
        if user_ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = user_ids.iter().map(i64::to_string).collect();
        let sql = format!("SELECT {COLUMNS} FROM lychgate_account_state WHERE user_id IN ({})", ids.join(", "));
        let rows = self.query(sql, Vec::new(), Reach::Scan).await?;
        rows.into_iter().map(account_state).collect()
    }

    /// Accounts with the mark of this word, the longest marked first; at most `limit`, and at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn marked_accounts(&self, state: &str, limit: u32) -> Result<Vec<AccountState>> {
        let limit = limit.min(MOST);
        let sql = format!(
            "SELECT {COLUMNS} FROM lychgate_account_state WHERE state = $1 ORDER BY state_since, user_id LIMIT {limit}"
        );
        let rows = self.query(sql, vec![state.into()], Reach::Scan).await?;
        rows.into_iter().map(account_state).collect()
    }

    /// Accounts whose mark has ended by itself, the longest ended first; at most `limit`, and at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn marks_over(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<AccountState>> {
        let limit = limit.min(MOST);
        let sql = format!(
            "SELECT {COLUMNS} FROM lychgate_account_state WHERE state_until <= $1 \
             ORDER BY state_until, user_id LIMIT {limit}"
        );
        let rows = self.query(sql, vec![micros(now).into()], Reach::Scan).await?;
        rows.into_iter().map(account_state).collect()
    }

    /// Accounts whose deletion is due, the longest overdue first; at most `limit`, and at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn deletions_due(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<AccountState>> {
        let limit = limit.min(MOST);
        let sql = format!(
            "SELECT {COLUMNS} FROM lychgate_account_state WHERE deletion_due_at <= $1 \
             ORDER BY deletion_due_at, user_id LIMIT {limit}"
        );
        let rows = self.query(sql, vec![micros(now).into()], Reach::Scan).await?;
        rows.into_iter().map(account_state).collect()
    }
}
