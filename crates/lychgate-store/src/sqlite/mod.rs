//! SQLite: readers on the calling worker, one writer thread with group commit.

mod connect;
mod error;
mod reader;
mod setup;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use crate::backend::{Backend, Opened, Reach};
use crate::batch::{Done, Planned};
use crate::decode::Row;
use crate::error::{OpenError, Result, StoreError};
use crate::options::OpenOptions;
use crate::sql::Statement;
use crate::value::{Value, format_time};
use connect::Place;
use reader::{Pool, Sentinel};
use writer::Writer;

/// An open SQLite database.
pub(crate) struct SqliteBackend {
    /// `None` for a database in memory, which has only the writer's connection.
    files: Option<Files>,
    writer: Writer,
    /// Counts what the writer of a database in memory has committed.
    commits: Arc<AtomicU64>,
    pub(crate) journal: String,
}

struct Files {
    pool: Arc<Pool>,
    sentinel: Sentinel,
}

impl std::fmt::Debug for SqliteBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteBackend").field("journal", &self.journal).finish_non_exhaustive()
    }
}

/// Opens the file, or a new database in memory.
pub(crate) async fn open(options: OpenOptions, path: Option<std::path::PathBuf>) -> Result<Opened, OpenError> {
    tokio::task::spawn_blocking(move || open_blocking(&options, path))
        .await
        .map_err(|_| OpenError::Setup("the database could not be prepared".to_owned()))?
}

fn open_blocking(options: &OpenOptions, path: Option<std::path::PathBuf>) -> Result<Opened, OpenError> {
    let place = match path {
        Some(path) => Place::file(path, options.create)?,
        None => Place::memory(),
    };
    let mut connection = place.writer(options.busy_timeout)?;
    let journal = connect::journal(&connection, options.journal);
    let prepared = setup::prepare(&mut connection, options)?;
    let commits = Arc::new(AtomicU64::new(0));
    let files = match place.path() {
        None => None,
        Some(_) => Some(Files {
            sentinel: Sentinel::new(place.reader(options.busy_timeout)?),
            pool: Pool::new(place.clone(), options.max_connections, options.busy_timeout),
        }),
    };
    let writer = Writer::start(connection, commits.clone())
        .map_err(|error| OpenError::Setup(format!("no thread for writing: {error}")))?;
    Ok(Opened {
        backend: Backend::Sqlite(SqliteBackend { files, writer, commits, journal }),
        schema: prepared.schema,
        warnings: prepared.warnings,
    })
}

impl SqliteBackend {
    pub(crate) async fn query(&self, statement: &Statement, reach: Reach) -> Result<Vec<Row>> {
        let Some(files) = &self.files else {
            return self.writer.query(statement.clone()).await;
        };
        if reach == Reach::Key
            && let Some(rows) = files.pool.query_now(statement)?
        {
            return Ok(rows);
        }
        let pool = files.pool.clone();
        let statement = statement.clone();
        tokio::task::spawn_blocking(move || pool.query_waiting(&statement)).await.map_err(|_| StoreError::closed())?
    }

    pub(crate) async fn write(&self, batch: Arc<Vec<Planned>>) -> Result<Vec<Done>> {
        self.writer.write(batch).await
    }

    pub(crate) fn epoch(&self) -> Option<u64> {
        match &self.files {
            Some(files) => files.sentinel.epoch(),
            None => Some(self.commits.load(Ordering::Acquire)),
        }
    }

    pub(crate) async fn close(&self) {
        if let Some(files) = &self.files {
            files.pool.close();
            files.sentinel.close();
        }
        self.writer.close().await;
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Int(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Bool(flag) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*flag))),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Time(time) => ToSqlOutput::Owned(Owned::Text(format_time(*time))),
            Self::Float(number) => ToSqlOutput::Borrowed(ValueRef::Real(*number)),
        })
    }
}

/// Binds each value to its `$n`. SQLite takes that for a name and numbers parameters by first appearance.
fn bind(prepared: &mut rusqlite::Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    for index in 1..=prepared.parameter_count() {
        let number = prepared
            .parameter_name(index)
            .and_then(|name| name.strip_prefix('$'))
            .and_then(|digits| digits.parse::<usize>().ok());
        let value = number
            .and_then(|number| values.get(number.checked_sub(1)?))
            .ok_or(rusqlite::Error::InvalidParameterCount(values.len(), index))?;
        prepared.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

/// Runs a statement and takes all its rows.
fn rows(connection: &Connection, statement: &Statement) -> rusqlite::Result<Vec<Row>> {
    use rusqlite::types::ValueRef;
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let width = prepared.column_count();
    bind(&mut prepared, &statement.params)?;
    let mut cursor = prepared.raw_query();
    let mut list = Vec::new();
    while let Some(row) = cursor.next()? {
        let mut values = Vec::with_capacity(width);
        for index in 0..width {
            values.push(match row.get_ref(index)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Int(number),
                ValueRef::Real(number) => Value::Float(number),
                ValueRef::Text(text) => match std::str::from_utf8(text) {
                    Ok(text) => Value::Text(text.to_owned()),
                    Err(_) => Value::Blob(text.to_vec()),
                },
                ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
            });
        }
        list.push(values);
    }
    Ok(list)
}

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 128;

/// Pages read through the memory map, in bytes.
const MMAP: i64 = 256 << 20;

/// How long a reader on a calling worker waits for a lock: not at all.
const NO_WAIT: Duration = Duration::ZERO;
