//! The audit log: entering, reading, chaining, forgetting. What hashes and signatures are made of is the caller's.
//!
//! Entries are entered without a place in the chain, so that writers do not wait for one another. Whoever chains them
//! swaps the chain's end, one value, in the same transaction: of several only one gets through.

use time::OffsetDateTime;

use crate::backend::Reach;
use crate::batch::{Batch, Expect};
use crate::decode::Row;
use crate::error::{Result, StoreError};
use crate::sql::Statement;
use crate::store::Store;
use crate::value::{Value, micros};

/// What is entered in the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// A random name, at most 64 bytes.
    pub id: String,
    /// When.
    pub at: OffsetDateTime,
    /// What, a word of at most 64 bytes.
    pub kind: String,
    /// What kind of somebody did it, a word of at most 64 bytes.
    pub actor: String,
    /// Who did it, if it was a user.
    pub actor_id: Option<i64>,
    /// Whose account it is about.
    pub user_id: Option<i64>,
    /// In which request, at most 64 bytes.
    pub request_id: Option<String>,
    /// Salt and text of the details, at most 64 and 8192 bytes; none if they were erased.
    pub details: Option<(String, String)>,
    /// What stands for the details, at most 128 bytes.
    pub commitment: String,
    /// The signature, at most 128 bytes.
    pub mac: String,
}

/// An entry as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number in the table; later entries mostly have higher ones, and some are never given.
    pub seq: i64,
    /// Its place in the chain, from 1 without gaps; none until it is chained.
    pub place: Option<i64>,
    /// Its link in the chain.
    pub link: Option<String>,
    /// What was entered.
    pub entry: AuditEntry,
}

/// A place in the chain and its link, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheckpoint {
    /// The place.
    pub place: i64,
    /// The link of the entry there.
    pub link: String,
    /// When it was signed.
    pub at: OffsetDateTime,
    /// The signature.
    pub mac: String,
}

/// Which entries are wanted; an empty one wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only those about this account.
    pub about: Option<i64>,
    /// Only what this user did.
    pub by: Option<i64>,
    /// Only those in which this user is either.
    pub involving: Option<i64>,
    /// Only these words; at most 32.
    pub kinds: Vec<String>,
    /// Only from then on.
    pub since: Option<OffsetDateTime>,
    /// Only before then.
    pub until: Option<OffsetDateTime>,
    /// Only those of this request.
    pub request_id: Option<String>,
    /// Only those with a lower number: that of the last one of the page before.
    pub before: Option<i64>,
    /// At most so many; 1000 at the most, 50 if it is 0.
    pub limit: u32,
}

/// The most that one call gives.
const MOST: u32 = 1000;

const COLUMNS: &str =
    "seq, at, place, link, id, kind, actor, actor_id, user_id, request_id, details, salt, commitment, mac";

/// Keys of small values: where the chain begins and ends.
const BEGINNING: &str = "audit.beginning";
const END: &str = "audit.end";

fn row(row: Row) -> Result<AuditRow> {
    let mut values = row.into_iter();
    let mut next = || values.next().ok_or_else(missing);
    let seq = next()?.int()?.ok_or_else(missing)?;
    let at = next()?.time()?.ok_or_else(missing)?;
    let (place, link) = (next()?.int()?, next()?.text()?);
    let (id, kind, actor) = (next()?.text()?, next()?.text()?, next()?.text()?);
    let (actor_id, user_id, request_id) = (next()?.int()?, next()?.int()?, next()?.text()?);
    let (details, salt) = (next()?.text()?, next()?.text()?);
    let entry = AuditEntry {
        id: id.ok_or_else(missing)?,
        at,
        kind: kind.ok_or_else(missing)?,
        actor: actor.ok_or_else(missing)?,
        actor_id,
        user_id,
        request_id,
        details: salt.zip(details),
        commitment: next()?.text()?.ok_or_else(missing)?,
        mac: next()?.text()?.ok_or_else(missing)?,
    };
    Ok(AuditRow { seq, place, link, entry })
}

fn missing() -> StoreError {
    StoreError::invalid("an entry of the audit log lacks a value")
}

fn is_too_long(new: &AuditEntry) -> bool {
    let words = [&new.id, &new.kind, &new.actor];
    let (salt, text) = new.details.as_ref().map_or((0, 0), |(salt, text)| (salt.len(), text.len()));
    words.iter().any(|word| word.is_empty() || word.len() > 64)
        || new.request_id.as_ref().is_some_and(|id| id.len() > 64)
        || salt > 64
        || text > 8192
        || [&new.commitment, &new.mac].iter().any(|hash| hash.is_empty() || hash.len() > 128)
}

impl Batch {
    /// Enters something in the audit log.
    pub fn audit(&mut self, new: &AuditEntry) -> &mut Self {
        self.step(|batch| {
            if is_too_long(new) {
                return Err(StoreError::invalid("an entry of the audit log has an empty or overlong part"));
            }
            let (salt, text) = new.details.clone().unzip();
            let insert = Statement::new(
                "INSERT INTO lychgate_audit (id, at, kind, actor, actor_id, user_id, request_id, details, salt, commitment, mac) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                vec![
                    new.id.as_str().into(),
                    micros(new.at).into(),
                    new.kind.as_str().into(),
                    new.actor.as_str().into(),
                    new.actor_id.into(),
                    new.user_id.into(),
                    new.request_id.as_deref().into(),
                    text.into(),
                    salt.into(),
                    new.commitment.as_str().into(),
                    new.mac.as_str().into(),
                ],
            );
            batch.push(insert, Expect::One);
            Ok(())
        })
    }

    /// Gives an entry its place and its link; the batch fails if it has one already.
    pub fn chain_audit(&mut self, seq: i64, place: i64, link: &str) -> &mut Self {
        let update = Statement::new(
            "UPDATE lychgate_audit SET place = $2, link = $3 WHERE seq = $1 AND place IS NULL",
            vec![seq.into(), place.into(), link.into()],
        );
        self.simple(update, Expect::One)
    }

    /// Moves the end of the chain; the batch fails unless it was where the caller thinks. The checkpoint is kept.
    pub fn move_audit_end(&mut self, from: Option<&AuditCheckpoint>, to: &AuditCheckpoint) -> &mut Self {
        let swap = swap(END, from, to);
        self.step(|batch| {
            check(to)?;
            batch.push(swap, Expect::One);
            let insert = Statement::new(
                "INSERT INTO lychgate_audit_checkpoints (place, link, at, mac) VALUES ($1, $2, $3, $4)",
                vec![to.place.into(), to.link.as_str().into(), micros(to.at).into(), to.mac.as_str().into()],
            );
            batch.aside(insert);
            Ok(())
        })
    }

    /// Forgets the entries up to a place, with their checkpoints, and keeps the checkpoint as the beginning of the chain;
    /// the batch fails unless that was where the caller thinks.
    pub fn move_audit_beginning(&mut self, from: Option<&AuditCheckpoint>, to: &AuditCheckpoint) -> &mut Self {
        let swap = swap(BEGINNING, from, to);
        self.step(|batch| {
            check(to)?;
            batch.push(swap, Expect::One);
            for table in ["lychgate_audit", "lychgate_audit_checkpoints"] {
                batch.aside(Statement::new(format!("DELETE FROM {table} WHERE place <= $1"), vec![to.place.into()]));
            }
            Ok(())
        })
    }

    /// Erases the details of all entries about an account. The entries stay, and so do the hashes.
    pub fn erase_audit_details(&mut self, user_id: i64) -> &mut Self {
        self.simple(erase_details(user_id), Expect::Any)
    }
}

pub(crate) fn erase_details(user_id: i64) -> Statement {
    let sql = "UPDATE lychgate_audit SET details = NULL, salt = NULL WHERE user_id = $1 AND salt IS NOT NULL";
    Statement::new(sql, vec![user_id.into()])
}

/// Refuses what could not be read again.
fn check(point: &AuditCheckpoint) -> Result<()> {
    let is_word =
        |text: &str| !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if point.place < 1 || !is_word(&point.link) || !is_word(&point.mac) {
        return Err(StoreError::invalid("a checkpoint of the audit log has an odd place, link or signature"));
    }
    Ok(())
}

/// Replaces one of the two ends.
fn swap(key: &str, from: Option<&AuditCheckpoint>, to: &AuditCheckpoint) -> Statement {
    match from {
        Some(from) => Statement::new(
            "UPDATE lychgate_meta SET value = $3 WHERE key = $1 AND value = $2",
            vec![key.into(), written(from).into(), written(to).into()],
        ),
        None => Statement::new(
            "INSERT INTO lychgate_meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            vec![key.into(), written(to).into()],
        ),
    }
}

/// A checkpoint as a small value.
fn written(point: &AuditCheckpoint) -> String {
    let at = point.at.unix_timestamp_nanos() / 1000;
    format!("{} {at} {} {}", point.place, point.link, point.mac)
}

fn read(text: &str) -> Option<AuditCheckpoint> {
    let mut parts = text.split(' ');
    let place = parts.next()?.parse().ok()?;
    let at: i64 = parts.next()?.parse().ok()?;
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1000).ok()?;
    Some(AuditCheckpoint { place, at, link: parts.next()?.to_owned(), mac: parts.next()?.to_owned() })
}

impl Store {
    /// Entries of the audit log, the last entered first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for more than 32 words.
    pub async fn audit_page(&self, query: &AuditQuery) -> Result<Vec<AuditRow>> {
        if query.kinds.len() > 32 {
            return Err(StoreError::invalid("too many kinds of entries are asked for"));
        }
        let mut values: Vec<Value> = Vec::new();
        let mut conditions = Vec::new();
        let mut put = |value: Value| {
            values.push(value);
            values.len()
        };
        let times = [(query.since, "at >="), (query.until, "at <")];
        let ids = [(query.about, "user_id ="), (query.by, "actor_id ="), (query.before, "seq <")];
        for (time, test) in times {
            conditions.extend(time.map(|time| format!("{test} ${}", put(micros(time).into()))));
        }
        for (id, test) in ids {
            conditions.extend(id.map(|id| format!("{test} ${}", put(id.into()))));
        }
        if let Some(id) = query.involving {
            let at = put(id.into());
            conditions.push(format!("(user_id = ${at} OR actor_id = ${at})"));
        }
        if let Some(id) = &query.request_id {
            conditions.push(format!("request_id = ${}", put(id.as_str().into())));
        }
        if !query.kinds.is_empty() {
            let marks: Vec<String> = query.kinds.iter().map(|kind| format!("${}", put(kind.as_str().into()))).collect();
            conditions.push(format!("kind IN ({})", marks.join(", ")));
        }
        values.iter().try_for_each(Value::check)?;
        let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        let limit = if query.limit == 0 { 50 } else { query.limit.min(MOST) };
        let sql = format!("SELECT {COLUMNS} FROM lychgate_audit{filter} ORDER BY seq DESC LIMIT {limit}");
        self.query(sql, values, Reach::Scan).await?.into_iter().map(row).collect()
    }

    /// Chained entries after a place, in their order; at most `limit`, and at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn audit_chained(&self, after_place: i64, limit: u32) -> Result<Vec<AuditRow>> {
        let limit = limit.min(MOST);
        let sql = format!("SELECT {COLUMNS} FROM lychgate_audit WHERE place > $1 ORDER BY place, seq LIMIT {limit}");
        self.query(sql, vec![after_place.into()], Reach::Scan).await?.into_iter().map(row).collect()
    }

    /// How many entries have a place up to this one.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn count_audit_chained(&self, up_to: i64) -> Result<u64> {
        let sql = "SELECT COUNT(*) FROM lychgate_audit WHERE place <= $1";
        let rows = self.query(sql, vec![up_to.into()], Reach::Scan).await?;
        let count = rows.first().and_then(|row| row.first()).map(Value::int).transpose()?.flatten();
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    /// Entries that wait to be chained and have a higher number than this; at most `limit`, and at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn audit_waiting(&self, after_seq: i64, limit: u32) -> Result<Vec<AuditRow>> {
        let limit = limit.min(MOST);
        let sql =
            format!("SELECT {COLUMNS} FROM lychgate_audit WHERE place IS NULL AND seq > $1 ORDER BY seq LIMIT {limit}");
        self.query(sql, vec![after_seq.into()], Reach::Scan).await?.into_iter().map(row).collect()
    }

    /// The checkpoint with which the chain ends; none as long as nothing is chained.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn audit_end(&self) -> Result<Option<AuditCheckpoint>> {
        Ok(self.meta_get(END).await?.as_deref().and_then(read))
    }

    /// The checkpoint after which the chain begins; none as long as nothing was forgotten.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn audit_beginning(&self) -> Result<Option<AuditCheckpoint>> {
        Ok(self.meta_get(BEGINNING).await?.as_deref().and_then(read))
    }

    /// Checkpoints after a place up to another, in their order; at most `limit`, and at most 1000.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn audit_checkpoints(&self, after: i64, up_to: i64, limit: u32) -> Result<Vec<AuditCheckpoint>> {
        let limit = limit.min(MOST);
        let sql = format!(
            "SELECT place, link, at, mac FROM lychgate_audit_checkpoints WHERE place > $1 AND place <= $2 \
             ORDER BY place LIMIT {limit}"
        );
        let rows = self.query(sql, vec![after.into(), up_to.into()], Reach::Scan).await?;
        let point = |row: Row| {
            let mut values = row.into_iter();
            let mut next = || values.next().ok_or_else(missing);
            Ok(AuditCheckpoint {
                place: next()?.int()?.ok_or_else(missing)?,
                link: next()?.text()?.ok_or_else(missing)?,
                at: next()?.time()?.ok_or_else(missing)?,
                mac: next()?.text()?.ok_or_else(missing)?,
            })
        };
        rows.into_iter().map(point).collect()
    }

    /// The last chained entry before the first one that is as young as this; none if there is nothing older.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn audit_older(&self, than: OffsetDateTime, after_place: i64) -> Result<Option<AuditRow>> {
        let sql = "SELECT place FROM lychgate_audit WHERE place > $1 AND at >= $2 ORDER BY place LIMIT 1";
        let rows = self.query(sql, vec![after_place.into(), micros(than).into()], Reach::Scan).await?;
        let young = rows.first().and_then(|row| row.first()).map(Value::int).transpose()?.flatten();
        let sql =
            format!("SELECT {COLUMNS} FROM lychgate_audit WHERE place > $1 AND place < $2 ORDER BY place DESC LIMIT 1");
        let values = vec![after_place.into(), young.unwrap_or(i64::MAX).into()];
        self.query(sql, values, Reach::Scan).await?.into_iter().next().map(row).transpose()
    }
}
