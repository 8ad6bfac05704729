//! How a database is opened.

use std::time::Duration;

use crate::error::OpenError;
use crate::url::DatabaseUrl;

/// Whether missing tables are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CreateMode {
    /// Creates the newest schema in a database that has none of the tables; a part of a schema is an error.
    #[default]
    IfEmpty,
    /// Creates no table of the application; a missing one is an error.
    Never,
}

/// What happens to an SQLite file's journal mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JournalMode {
    /// Switches to write-ahead logging, where readers and the writer do not wait for each other.
    /// Where that is not possible the file keeps its mode.
    #[default]
    Wal,
    /// Keeps the file's mode.
    Keep,
}

/// What the application calls its tables.
///
/// Each name is an ASCII identifier of at most 63 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaNames {
    /// The users; `user`.
    pub user: String,
    /// The roles; `role`.
    pub role: String,
    /// The links between them; `roles_users`.
    pub roles_users: String,
    /// The passkeys; by default whichever of `web_authn` and `webauthn` exists.
    pub webauthn: Option<String>,
    /// The refresh trackers; by default whichever of `fs_refresh_tracker` and `fs_refresh` exists.
    pub refresh: Option<String>,
}

impl Default for SchemaNames {
    fn default() -> Self {
        Self {
            user: "user".to_owned(),
            role: "role".to_owned(),
            roles_users: "roles_users".to_owned(),
            webauthn: None,
            refresh: None,
        }
    }
}

impl SchemaNames {
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let names = [&self.user, &self.role, &self.roles_users].into_iter().chain(&self.webauthn).chain(&self.refresh);
        for name in names {
            if !is_identifier(name) {
                let shown = name.chars().filter(|c| !c.is_control()).take(80).collect();
                return Err(OpenError::Name(shown));
            }
        }
        Ok(())
    }

    pub(crate) fn webauthn_candidates(&self) -> Vec<&str> {
        match &self.webauthn {
            Some(name) => vec![name],
            None => vec!["web_authn", "webauthn"],
        }
    }

    pub(crate) fn refresh_candidates(&self) -> Vec<&str> {
        match &self.refresh {
            Some(name) => vec![name],
            None => vec!["fs_refresh_tracker", "fs_refresh"],
        }
    }
}

/// Whether a name is `[A-Za-z_][A-Za-z0-9_]{0,62}`.
pub(crate) fn is_identifier(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// How to open a [`Store`](crate::Store).
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Where the database is.
    pub url: DatabaseUrl,
    /// Whether missing tables are created.
    pub create: CreateMode,
    /// What the application calls its tables.
    pub names: SchemaNames,
    /// SQLite only: the journal mode.
    pub journal: JournalMode,
    /// How long a request waits for a locked SQLite file or for a free connection; 10 s.
    pub busy_timeout: Duration,
    /// The most connections to PostgreSQL, or reading connections to an SQLite file, open at a time; 8.
    pub max_connections: usize,
    /// PostgreSQL only: a statement that runs longer is ended; 30 s.
    pub statement_timeout: Duration,
}

impl OpenOptions {
    /// The defaults for this database.
    #[must_use]
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            create: CreateMode::default(),
            names: SchemaNames::default(),
            journal: JournalMode::default(),
            busy_timeout: Duration::from_secs(10),
            max_connections: 8,
            statement_timeout: Duration::from_secs(30),
        }
    }

    /// Says whether missing tables are created.
    #[must_use]
    pub fn create(mut self, create: CreateMode) -> Self {
        self.create = create;
        self
    }

    /// Says what the application calls its tables.
    #[must_use]
    pub fn names(mut self, names: SchemaNames) -> Self {
        self.names = names;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_identifiers_are_names() {
        for name in ["user", "_x", "User2", &"a".repeat(63)] {
            assert!(is_identifier(name), "{name}");
        }
        for name in ["", "2a", "a b", "a\"b", "ü", "a-b", &"a".repeat(64)] {
            assert!(!is_identifier(name), "{name}");
        }
    }
}
