//! What the servers without Lychgate have in common: their arguments, their database, their sign-in.

use std::{cell::RefCell, net::SocketAddr, path::PathBuf, sync::OnceLock};

use argon2::{Argon2, PasswordHash, PasswordVerifier as _};
use axum::Router;
use rusqlite::{Connection, OptionalExtension as _};
use serde::Deserialize;
use tokio::net::TcpListener;

/// What every server is started with: `--config FILE --listen ADDRESS`.
#[derive(Debug)]
pub struct Arguments {
    /// Lychgate's settings, or the database file of a server that has none.
    pub config: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
}

impl Arguments {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// A text that says what is missing.
    pub fn read() -> Result<Self, String> {
        let given: Vec<String> = std::env::args().skip(1).collect();
        let value = |name: &str| {
            let at = given.iter().position(|word| word == name).ok_or_else(|| format!("{name} is missing"))?;
            given.get(at + 1).ok_or_else(|| format!("{name} has no value"))
        };
        let listen = value("--listen")?.parse().map_err(|error| format!("--listen: {error}"))?;
        Ok(Self { config: value("--config")?.into(), listen })
    }
}

/// Serves until killed.
///
/// # Errors
///
/// If the address cannot be used.
pub async fn serve(app: Router, listen: SocketAddr) -> std::io::Result<()> {
    axum::serve(TcpListener::bind(listen).await?, app).await
}

static DATABASE: OnceLock<PathBuf> = OnceLock::new();

thread_local! {
    static CONNECTION: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// Names the database of [`with_database`], once, before the first request.
pub fn use_database(path: PathBuf) {
    let _ = DATABASE.set(path);
}

/// Works on the calling thread's own connection.
///
/// # Errors
///
/// SQLite's.
pub fn with_database<T>(work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    CONNECTION.with_borrow_mut(|slot| {
        if slot.is_none() {
            let path = DATABASE.get().ok_or(rusqlite::Error::InvalidQuery)?;
            let connection = Connection::open(path)?;
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000; PRAGMA mmap_size = 268435456;",
            )?;
            *slot = Some(connection);
        }
        slot.as_ref().map_or(Err(rusqlite::Error::InvalidQuery), work)
    })
}

/// What a sign-in sends.
#[derive(Debug, Deserialize)]
pub struct Credentials {
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// A user's `fs_uniquifier` and password hash by address.
///
/// # Errors
///
/// SQLite's.
pub fn user_by_email(email: &str) -> rusqlite::Result<Option<(String, String)>> {
    with_database(|connection| {
        connection
            .prepare_cached("SELECT fs_uniquifier, password FROM \"user\" WHERE email = ? AND active")?
            .query_row([email], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    })
}

/// Compares a password with an argon2 hash.
#[must_use]
pub fn verify(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}
