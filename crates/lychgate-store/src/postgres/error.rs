//! PostgreSQL's errors in the store's terms.

use std::collections::HashMap;
use std::error::Error as _;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::error::{ErrorKind, StoreError, one_line};

/// The first column of each unique index, by the index's name.
pub(super) type Constraints = HashMap<String, String>;

/// Whether the server gave up the transaction in favour of another.
pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
    )
}

/// The reason in one line; never the detail, which holds the row's values.
pub(super) fn reason(error: &Error) -> String {
    let text = match error.as_db_error() {
        Some(db) => db.message().to_owned(),
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    };
    one_line(&text)
}

pub(super) fn convert(error: &Error, closed: bool, constraints: &Constraints) -> StoreError {
    let Some(db) = error.as_db_error() else {
        let kind = if closed || error.is_closed() {
            ErrorKind::Unavailable
        } else if error.to_string().starts_with("error serializing parameter") {
            return StoreError::invalid("a value does not fit its column");
        } else {
            ErrorKind::Other
        };
        return StoreError::with_source(kind, reason(error));
    };
    let code = db.code();
    let column = || db.column().unwrap_or("?").to_owned();
    let kind = match code {
        _ if *code == SqlState::UNIQUE_VIOLATION => {
            let constraint = db.constraint().unwrap_or("?");
            let column = constraints.get(constraint).map_or(constraint, String::as_str);
            ErrorKind::Conflict { column: column.to_owned() }
        }
        _ if *code == SqlState::FOREIGN_KEY_VIOLATION => ErrorKind::Referenced,
        _ if *code == SqlState::NOT_NULL_VIOLATION => {
            ErrorKind::Invalid(format!("the column \"{}\" needs a value", column()))
        }
        _ if *code == SqlState::STRING_DATA_RIGHT_TRUNCATION => {
            ErrorKind::Invalid("a text is too long for its column".to_owned())
        }
        _ if code.code().starts_with("22") => ErrorKind::Invalid("a value does not fit its column".to_owned()),
        _ if code.code().starts_with("23") => ErrorKind::Invalid("the value breaks a rule of the table".to_owned()),
        _ if is_conflict(error) || *code == SqlState::LOCK_NOT_AVAILABLE || *code == SqlState::QUERY_CANCELED => {
            ErrorKind::Busy
        }
        // Class 57: the server is shutting down; 53: it is out of something; 08: connection; 25006: read only.
        _ if ["57", "53", "08"].iter().any(|class| code.code().starts_with(class))
            || *code == SqlState::READ_ONLY_SQL_TRANSACTION =>
        {
            ErrorKind::Unavailable
        }
        _ if closed => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    };
    match kind {
        ErrorKind::Conflict { .. } | ErrorKind::Invalid(_) | ErrorKind::Referenced => StoreError::new(kind),
        _ => StoreError::with_source(kind, reason(error)),
    }
}

pub(super) fn pool_error(error: &PoolError) -> StoreError {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => StoreError::with_source(ErrorKind::Busy, "every connection is in use"),
        PoolError::Timeout(_) => StoreError::with_source(ErrorKind::Unavailable, "the server does not answer"),
        PoolError::Closed => StoreError::closed(),
        PoolError::Backend(error) => StoreError::with_source(ErrorKind::Unavailable, reason(error)),
        other => StoreError::with_source(ErrorKind::Unavailable, one_line(&other.to_string())),
    }
}
