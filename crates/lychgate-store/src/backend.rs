//! The one interface to both databases.

use std::sync::Arc;

use crate::batch::{Done, Planned};
use crate::decode::Row;
use crate::error::Result;
use crate::postgres::PostgresBackend;
use crate::sql::Statement;
use crate::sqlite::SqliteBackend;

/// How much a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A row or a few, found by an index: quick enough for the calling worker.
    Key,
    /// A list or a search.
    Scan,
}

/// An open database.
#[derive(Debug)]
pub(crate) enum Backend {
    Sqlite(SqliteBackend),
    Postgres(PostgresBackend),
}

impl Backend {
    pub(crate) async fn query(&self, statement: &Statement, reach: Reach) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(database) => database.query(statement, reach).await,
            Self::Postgres(database) => database.query(statement).await,
        }
    }

    /// Runs all statements in one transaction, or none of them.
    pub(crate) async fn write(&self, batch: Arc<Vec<Planned>>) -> Result<Vec<Done>> {
        match self {
            Self::Sqlite(database) => database.write(batch).await,
            Self::Postgres(database) => database.write(batch).await,
        }
    }

    /// A number that changes whenever anything may have changed; `None` while that cannot be told.
    pub(crate) fn epoch(&self) -> Option<u64> {
        match self {
            Self::Sqlite(database) => database.epoch(),
            Self::Postgres(database) => database.epoch(),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
            Self::Postgres(database) => database.close().await,
        }
    }
}

/// What opening a database found out.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) backend: Backend,
    pub(crate) schema: crate::schema::Schema,
    pub(crate) warnings: Vec<String>,
}
