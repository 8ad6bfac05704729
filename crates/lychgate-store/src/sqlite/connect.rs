//! Connections and their pragmas.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, MAIN_DB, OpenFlags, ffi};

use super::error::is_busy;
use super::{MMAP, NO_WAIT, STATEMENTS};
use crate::error::{OpenError, one_line};
use crate::options::{CreateMode, JournalMode};

/// Where the database is kept.
#[derive(Debug, Clone)]
pub(super) struct Place(Option<PathBuf>);

impl Place {
    pub(super) fn memory() -> Self {
        Self(None)
    }

    /// A file that exists now; made, readable by its owner only, if it may be.
    pub(super) fn file(path: PathBuf, create: CreateMode) -> Result<Self, OpenError> {
        let refuse = |text: String| Err(OpenError::Connect(text));
        let shown = path.display();
        match std::fs::metadata(&path) {
            Ok(found) if found.is_dir() => return refuse(format!("\"{shown}\" is a folder")),
            Ok(_) => {}
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return refuse(format!("\"{shown}\": {error}"));
            }
            Err(_) if create == CreateMode::Never => {
                return refuse(format!("there is no file \"{shown}\""));
            }
            Err(_) => {
                if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty())
                    && !folder.is_dir()
                {
                    return refuse(format!("there is no folder \"{}\"", folder.display()));
                }
                if let Err(error) = create_private(&path) {
                    return refuse(format!("\"{shown}\" cannot be created: {error}"));
                }
            }
        }
        Ok(Self(Some(path)))
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// The connection that writes.
    pub(super) fn writer(&self, busy_timeout: Duration) -> Result<Connection, OpenError> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = match &self.0 {
            Some(path) => Connection::open_with_flags(path, flags),
            None => Connection::open_in_memory(),
        };
        connection
            .and_then(|connection| {
                // A file that may only be read is opened as well, and nothing could be written; before anything makes a log
                // beside it.
                if connection.is_readonly(MAIN_DB)? {
                    return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_READONLY), None));
                }
                connection.busy_timeout(busy_timeout)?;
                common(&connection)?;
                connection.execute_batch(
                    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;",
                )?;
                // The first page is read only now: this is where a file that is no database shows.
                connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
                // That the log beside it cannot be written shows here. A lock does not matter yet.
                match connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK") {
                    Err(error) if !is_busy(&error) => Err(error),
                    _ => Ok(connection),
                }
            })
            .map_err(|error| self.refused(&error))
    }

    /// A connection that only reads and waits for no lock.
    pub(super) fn reader(&self, wait: Duration) -> Result<Connection, OpenError> {
        self.try_reader(wait).map_err(|error| self.refused(&error))
    }

    /// Some pragmas read the file already; for these alone `wait` is how long a lock may keep them.
    pub(super) fn try_reader(&self, wait: Duration) -> rusqlite::Result<Connection> {
        // Not the read-only flag: with it, the file of the write-ahead log could not be made.
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let path = self.0.as_deref().unwrap_or(Path::new(":memory:"));
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(wait)?;
        common(&connection)?;
        connection.execute_batch("PRAGMA query_only = ON;")?;
        connection.busy_timeout(NO_WAIT)?;
        Ok(connection)
    }

    fn refused(&self, error: &rusqlite::Error) -> OpenError {
        let shown = match &self.0 {
            Some(path) => format!("\"{}\"", path.display()),
            None => "memory".to_owned(),
        };
        let reason = match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => "is not an SQLite database".to_owned(),
            Some(ErrorCode::DatabaseBusy) => "is locked by another program".to_owned(),
            Some(ErrorCode::ReadOnly) => "cannot be written".to_owned(),
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                "cannot be opened for reading and writing".to_owned()
            }
            _ => format!("cannot be used: {}", one_line(&error.to_string())),
        };
        OpenError::Connect(format!("{shown} {reason}"))
    }
}

fn common(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Otherwise statements are planned again for each value that is bound, which costs five times the look-up.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(&format!(
        "PRAGMA trusted_schema = OFF; PRAGMA mmap_size = {MMAP}; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;"
    ))
}

/// Sets the journal mode if it can be set, and says which one there is.
pub(super) fn journal(connection: &Connection, wanted: JournalMode) -> String {
    let ask = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
    if wanted == JournalMode::Wal
        && let Ok(mode) = ask("PRAGMA journal_mode = WAL")
    {
        return mode;
    }
    ask("PRAGMA journal_mode").unwrap_or_else(|_| "unknown".to_owned())
}

fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.truncate(false).open(path).map(drop)
}
