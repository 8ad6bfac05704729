//! What can go wrong: [`StoreError`] while running, [`OpenError`] at start-up.

use std::error::Error;
use std::fmt;

/// The result of a store operation.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// What kind of failure a [`StoreError`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A unique column already holds this value.
    Conflict {
        /// The column, or the constraint's name where the column is not known.
        column: String,
    },
    /// The step of a [`Batch`](crate::Batch) with this number did not change as many rows as it had to; nothing of the batch was written.
    Unmet(usize),
    /// The database stayed locked (or every connection in use) for longer than the time-out.
    Busy,
    /// The database cannot be reached or cannot be written: connection gone, store closed, disk full.
    Unavailable,
    /// A value or a column name cannot be stored; the text says which.
    Invalid(String),
    /// Rows of another table still refer to the row.
    Referenced,
    /// Anything else; see the source.
    Other,
}

/// A failed store operation.
///
/// Its text never holds stored values, so it can be logged.
#[derive(Debug)]
pub struct StoreError {
    kind: ErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn with_source(kind: ErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid(text.into()))
    }

    pub(crate) fn closed() -> Self {
        Self::with_source(ErrorKind::Unavailable, "the store is closed")
    }

    /// Why the operation failed.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The column of a unique violation.
    #[must_use]
    pub fn conflict(&self) -> Option<&str> {
        match &self.kind {
            ErrorKind::Conflict { column } => Some(column),
            _ => None,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Conflict { column } => write!(f, "{column} is already in use")?,
            ErrorKind::Unmet(step) => write!(f, "step {step} of the batch did not apply")?,
            ErrorKind::Busy => f.write_str("the database is busy")?,
            ErrorKind::Unavailable => f.write_str("the database is unavailable")?,
            ErrorKind::Invalid(text) => f.write_str(text)?,
            ErrorKind::Referenced => f.write_str("other rows refer to this one")?,
            ErrorKind::Other => f.write_str("database error")?,
        }
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl Error for StoreError {}

/// Why a database could not be opened, in one line meant for the person who starts the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL cannot be used.
    #[error("database_url: {0}")]
    Url(String),
    /// The file or the server cannot be reached, or refuses us.
    #[error("cannot open the database: {0}")]
    Connect(String),
    /// A table that Lychgate needs does not exist.
    #[error("the database has no table \"{table}\" ({hint})")]
    MissingTable {
        /// The table's name.
        table: String,
        /// What was found instead.
        hint: String,
    },
    /// A column that Lychgate needs does not exist.
    #[error("the table \"{table}\" has no column \"{column}\", which Lychgate needs")]
    MissingColumn {
        /// The table's name.
        table: String,
        /// The column's name.
        column: String,
    },
    /// Lychgate's own tables were made by a newer version of it.
    #[error("newer schema: Lychgate's tables have version {found}, this program knows {known}; use a newer Lychgate")]
    NewerSchema {
        /// The version found.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// A name given for a table is not an identifier.
    #[error("\"{0}\" cannot be used as a table name")]
    Name(String),
    /// Tables could not be read or created.
    #[error("cannot prepare the database: {0}")]
    Setup(String),
}

/// The first line of a text, so that a driver's message stays one line and holds no details of rows.
pub(crate) fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}
