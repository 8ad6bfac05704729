//! What several test files need.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::path::Path;
use std::sync::LazyLock;

use lychgate_store::testing::PgServer;
use lychgate_store::{DatabaseUrl, OpenOptions, Store};
use time::{Duration, OffsetDateTime};

/// One server for all tests of a file.
pub static SERVER: LazyLock<PgServer> = LazyLock::new(|| PgServer::start().unwrap());

pub fn now() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000)
}

pub fn file_options(path: &Path) -> OpenOptions {
    OpenOptions::new(DatabaseUrl::sqlite_path(path))
}

pub fn url_options(url: &str) -> OpenOptions {
    OpenOptions::new(url.parse().unwrap())
}

pub async fn open_file(path: &Path) -> Store {
    Store::open(file_options(path)).await.unwrap()
}

pub async fn open_url(url: &str) -> Store {
    Store::open(url_options(url)).await.unwrap()
}

/// A fixture in SQLite's words.
pub fn for_sqlite(text: &str) -> String {
    text.replace("{ID}", "INTEGER NOT NULL")
        .replace("{DATETIME}", "DATETIME")
        .replace("{NOW}", "CURRENT_TIMESTAMP")
        .replace("{BLOB}", "BLOB")
        .replace("{REAL}", "FLOAT")
        .replace("{TRUE}", "1")
        .replace("{FALSE}", "0")
}

/// A fixture in PostgreSQL's words.
pub fn for_postgres(text: &str) -> String {
    text.replace("{ID}", "SERIAL NOT NULL")
        .replace("{DATETIME}", "TIMESTAMP WITHOUT TIME ZONE")
        .replace("{NOW}", "now()")
        .replace("{BLOB}", "BYTEA")
        .replace("{REAL}", "DOUBLE PRECISION")
        .replace("{TRUE}", "true")
        .replace("{FALSE}", "false")
}

/// Runs SQL in a file as another program would.
pub fn run_in_file(path: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection.execute_batch(sql).unwrap();
}
