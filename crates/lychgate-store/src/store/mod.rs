//! The open database.

mod credentials;
mod limits;
mod meta;
mod names;
mod overview;
mod rates;
mod redemptions;
mod roles;
mod rotation;
mod sessions;
mod users;
mod users_page;

pub use overview::ActivityCount;

use std::fmt;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::backend::{Backend, Opened, Reach};
use crate::batch::{Batch, BatchOutcome, Tally};
use crate::cache::Caches;
use crate::decode::Row;
use crate::error::{ErrorKind, OpenError, Result, StoreError};
use crate::options::OpenOptions;
use crate::schema::Schema;
use crate::sql::{Sql, Statement};
use crate::url::Target;
use crate::{postgres, sqlite};

/// An open database; clones are the same store.
///
/// Values to be looked up are compared as they are: normalising addresses, names and numbers is the caller's. Where a
/// look-up ignores case, SQLite folds ASCII letters only, PostgreSQL those of the database's locale.
///
/// A write is acknowledged only after the database has made it durable. All methods work on any tokio runtime; with
/// SQLite, reads by key run on the calling worker, as that takes less time than going to another thread.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Backend,
    sql: Arc<Sql>,
    caches: Caches,
    shown: String,
    warnings: Vec<String>,
    begun: AtomicU64,
    ended: AtomicU64,
}

/// What this store has done since it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCounts {
    /// For each kind of record that is kept in memory: its name, look-ups that were answered from there, and others.
    pub cache: Vec<(&'static str, u64, u64)>,
    /// Sessions that began.
    pub sessions_begun: u64,
    /// Sessions that were ended before their time.
    pub sessions_ended: u64,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("url", &self.inner.shown)
            .field("backend", &self.inner.backend)
            .finish_non_exhaustive()
    }
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// What was found when the database was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaReport {
    /// Which database it is.
    pub kind: DatabaseKind,
    /// Its URL without the password.
    pub url: String,
    /// The bundled model that the tables look like: `fsqla v1` to `fsqla v4`, `sqla v1`, `sqla v2`, or `custom`.
    pub version: String,
    /// The application's tables that are used.
    pub tables: Vec<String>,
    /// Columns of the newest model's user table that do not exist; features that need them cannot be switched on.
    pub missing_columns: Vec<String>,
    /// SQLite's journal mode.
    pub journal_mode: Option<String>,
    /// Whether users and sessions are answered from memory while nothing has changed.
    pub cache: bool,
    /// What could not be done when the database was opened, one line each.
    pub warnings: Vec<String>,
}

impl Store {
    /// Opens the database and, if that is wished, creates its tables.
    ///
    /// Lychgate's own tables, indexes on what sign-in looks for, and on PostgreSQL the triggers that announce changes
    /// are made where they are missing. No column of the application's tables is changed.
    ///
    /// # Errors
    ///
    /// [`OpenError`], one line that says what to put right.
    pub async fn open(options: OpenOptions) -> Result<Self, OpenError> {
        options.names.check()?;
        let shown = options.url.to_string();
        let Opened { backend, schema, warnings } = match options.url.target.clone() {
            Target::Memory => sqlite::open(options, None).await?,
            Target::File(path) => sqlite::open(options, Some(path)).await?,
            Target::Postgres(target) => postgres::open(&options, &target).await?,
        };
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        Ok(Self {
            inner: Arc::new(Inner {
                backend,
                sql: Arc::new(Sql::new(schema)),
                caches: Caches::new(),
                shown,
                warnings,
                begun: AtomicU64::new(0),
                ended: AtomicU64::new(0),
            }),
        })
    }

    /// Finishes writes under way and closes all connections; afterwards every operation fails as unavailable.
    pub async fn close(&self) {
        self.inner.backend.close().await;
    }

    /// Asks the database whether it answers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] or [`ErrorKind::Busy`] if it does not.
    pub async fn ping(&self) -> Result<()> {
        self.query("SELECT 1", vec![], Reach::Key).await.map(drop)
    }

    /// What was found when the database was opened.
    #[must_use]
    pub fn describe(&self) -> SchemaReport {
        let schema = self.schema();
        let (kind, journal_mode, cache) = match &self.inner.backend {
            Backend::Sqlite(database) => (DatabaseKind::Sqlite, Some(database.journal.clone()), true),
            Backend::Postgres(database) => (DatabaseKind::Postgres, None, database.listens()),
        };
        let optional = [&schema.webauthn, &schema.refresh].into_iter().flatten();
        let mut tables = vec![schema.user.name.clone(), schema.role.name.clone()];
        tables.push(schema.links.trim_matches('"').to_owned());
        tables.extend(optional.map(|table| table.name.clone()));
        SchemaReport {
            kind,
            url: self.inner.shown.clone(),
            version: schema.version.clone(),
            tables,
            missing_columns: schema.missing.iter().map(|&name| name.to_owned()).collect(),
            journal_mode,
            cache,
            warnings: self.inner.warnings.clone(),
        }
    }

    /// Whether the user table has a column of this name that can be read.
    #[must_use]
    pub fn has_user_column(&self, name: &str) -> bool {
        self.schema().user.has(name)
    }

    /// Begins a batch of writes for [`commit`](Self::commit).
    pub fn batch(&self) -> Batch {
        Batch::new(self.inner.sql.clone())
    }

    /// Writes all of a batch, or nothing of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unmet`] with the number of the step that changed other than the rows it had to,
    /// [`ErrorKind::Conflict`] and [`ErrorKind::Invalid`] for values, and the usual ones of the database.
    pub async fn commit(&self, batch: Batch) -> Result<BatchOutcome> {
        let steps = batch.len();
        if let Some(text) = batch.error {
            return Err(StoreError::invalid(text));
        }
        if batch.planned.is_empty() {
            return Ok(BatchOutcome::new(&[], steps, &[]));
        }
        let planned = Arc::new(batch.planned);
        let done = self.inner.backend.write(planned.clone()).await?;
        for (planned, done) in planned.iter().zip(&done) {
            let count = match planned.tally {
                None => continue,
                Some(Tally::Begun) => &self.inner.begun,
                Some(Tally::Ended) => &self.inner.ended,
            };
            count.fetch_add(done.affected, Ordering::Relaxed);
        }
        Ok(BatchOutcome::new(&planned, steps, &done))
    }

    /// What was done since the store was opened, for whoever watches over it.
    #[must_use]
    pub fn counts(&self) -> StoreCounts {
        StoreCounts {
            cache: self.inner.caches.counts(),
            sessions_begun: self.inner.begun.load(Ordering::Relaxed),
            sessions_ended: self.inner.ended.load(Ordering::Relaxed),
        }
    }

    /// Commits a batch of one statement and gives the rows that it returned.
    pub(crate) async fn commit_rows(&self, batch: Batch) -> Result<Vec<Row>> {
        if let Some(text) = batch.error {
            return Err(StoreError::invalid(text));
        }
        let done = self.inner.backend.write(Arc::new(batch.planned)).await?;
        Ok(done.into_iter().flat_map(|done| done.rows).collect())
    }

    /// Commits a batch of one step and says how many rows it changed.
    pub(crate) async fn commit_one(&self, make: impl FnOnce(&mut Batch) -> &mut Batch) -> Result<u64> {
        let mut batch = self.batch();
        let _ = make(&mut batch);
        self.commit(batch).await.map(|outcome| outcome.changed(0))
    }

    pub(crate) async fn query(
        &self,
        sql: impl Into<Arc<str>>,
        params: Vec<crate::value::Value>,
        reach: Reach,
    ) -> Result<Vec<Row>> {
        self.inner.backend.query(&Statement::new(sql, params), reach).await
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.inner.sql.schema
    }

    pub(crate) fn caches(&self) -> &Caches {
        &self.inner.caches
    }

    /// The quoted table of refresh families, and whether it says when they began.
    pub(crate) fn trackers(&self) -> (&str, bool) {
        (&self.inner.sql.trackers, self.inner.sql.trackers_dated)
    }

    pub(crate) fn epoch(&self) -> Option<u64> {
        self.inner.backend.epoch()
    }
}

/// Turns "no row was changed" into `false`.
pub(crate) fn met(result: Result<u64>) -> Result<bool> {
    match result {
        Ok(rows) => Ok(rows > 0),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a text can be the key of anything stored; others are not even looked for.
pub(crate) fn is_key(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1024 && !text.contains('\0')
}
