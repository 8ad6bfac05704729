//! What happened to accounts, kept for their owners to look at.

use time::OffsetDateTime;

use crate::backend::Reach;
use crate::batch::{Batch, Expect, cut};
use crate::decode::Row;
use crate::error::{Result, StoreError};
use crate::sql::Statement;
use crate::store::Store;
use crate::value::{Value, micros};

/// Something that happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Whose account it is.
    pub user_id: i64,
    /// When it happened.
    pub at: OffsetDateTime,
    /// What it was, a word of at most 64 bytes.
    pub kind: String,
    /// From which address; cut to 64 characters.
    pub address: Option<String>,
    /// By which browser, as it called itself; cut to 512 characters.
    pub user_agent: Option<String>,
    /// What more there is to say, such as by what somebody signed in; cut to 256 characters.
    pub detail: Option<String>,
}

/// How many of one kind are kept for a user. Counted by kind, so that a thousand failed sign-ins, which anybody can
/// cause, do not push out the one success.
const KEPT_OF_A_KIND: u32 = 50;

/// The most that one call lists.
const MOST: u32 = 1000;

const COLUMNS: &str = "user_id, at, kind, address, user_agent, detail";

fn activity(row: Row) -> Result<Activity> {
    let mut values = row.into_iter();
    let mut next = || values.next().ok_or_else(|| StoreError::invalid("a row is too short"));
    let user_id = next()?.int()?.unwrap_or_default();
    let at = next()?.time()?.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut text = || next()?.text();
    let kind = text()?.unwrap_or_default();
    Ok(Activity { user_id, at, kind, address: text()?, user_agent: text()?, detail: text()? })
}

impl Batch {
    /// Notes what happened to an account, and forgets what is older than the newest fifty of its kind.
    pub fn note_activity(&mut self, new: &Activity) -> &mut Self {
        self.step(|batch| {
            if new.kind.is_empty() || new.kind.len() > 64 {
                return Err(StoreError::invalid("the kind of an activity is empty or too long"));
            }
            let insert = Statement::new(
                format!("INSERT INTO lychgate_activity ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)"),
                vec![
                    new.user_id.into(),
                    micros(new.at).into(),
                    new.kind.as_str().into(),
                    cut(new.address.as_deref(), 64).into(),
                    cut(new.user_agent.as_deref(), 512).into(),
                    cut(new.detail.as_deref(), 256).into(),
                ],
            );
            batch.push(insert, Expect::One);
            batch.aside(Statement::new(
                format!(
                    "DELETE FROM lychgate_activity WHERE user_id = $1 AND kind = $2 AND id <= (SELECT a.id FROM lychgate_activity a \
                     WHERE a.user_id = $1 AND a.kind = $2 ORDER BY a.id DESC LIMIT 1 OFFSET {KEPT_OF_A_KIND})"
                ),
                vec![new.user_id.into(), new.kind.as_str().into()],
            ));
            Ok(())
        })
    }
}

impl Store {
    /// Notes what happened to an account.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an empty or overlong kind.
    pub async fn note_activity(&self, new: &Activity) -> Result<()> {
        self.commit_one(|batch| batch.note_activity(new)).await.map(drop)
    }

    /// What happened to an account, the newest first; at most `limit`, and at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn activity_of(&self, user_id: i64, limit: u32) -> Result<Vec<Activity>> {
        let limit = limit.min(MOST);
        let sql = format!(
            "SELECT {COLUMNS} FROM lychgate_activity WHERE user_id = $1 ORDER BY at DESC, id DESC LIMIT {limit}"
        );
        let rows = self.query(sql, vec![user_id.into()], Reach::Scan).await?;
        rows.into_iter().map(activity).collect()
    }

    /// The newest of several kinds that happened to an account.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn latest_activity(&self, user_id: i64, kinds: &[&str]) -> Result<Option<Activity>> {
        let marks: Vec<String> = (2..kinds.len() + 2).map(|n| format!("${n}")).collect();
        if marks.is_empty() || marks.len() > 32 {
            return Ok(None);
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM lychgate_activity WHERE user_id = $1 AND kind IN ({}) ORDER BY at DESC, id DESC LIMIT 1",
            marks.join(", ")
        );
        let values: Vec<Value> = std::iter::once(user_id.into()).chain(kinds.iter().map(|&kind| kind.into())).collect();
        let rows = self.query(sql, values, Reach::Key).await?;
        rows.into_iter().next().map(activity).transpose()
    }

    /// Forgets what happened before this time; says how much.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn purge_activity(&self, before: OffsetDateTime) -> Result<u64> {
        let delete = Statement::new("DELETE FROM lychgate_activity WHERE at < $1", vec![micros(before).into()]);
        self.commit_one(|batch| batch.simple(delete, Expect::Any)).await
    }
}
