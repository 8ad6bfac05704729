//! SQLite's errors in the store's terms.

use rusqlite::{Error, ErrorCode, ffi};

use crate::error::{ErrorKind, StoreError, one_line};

pub(super) fn is_busy(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

pub(super) fn convert(error: &Error) -> StoreError {
    let text = one_line(&error.to_string());
    let kind = match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::ConstraintViolation => constraint(failure.extended_code, &text),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => ErrorKind::Busy,
            ErrorCode::TooBig => ErrorKind::Invalid("a value is too long".to_owned()),
            ErrorCode::CannotOpen
            | ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::PermissionDenied => ErrorKind::Unavailable,
            _ => ErrorKind::Other,
        },
        _ => ErrorKind::Other,
    };
    match kind {
        // These say it all.
        ErrorKind::Conflict { .. } | ErrorKind::Invalid(_) | ErrorKind::Referenced => StoreError::new(kind),
        _ => StoreError::with_source(kind, text),
    }
}

fn constraint(extended: i32, text: &str) -> ErrorKind {
    // "UNIQUE constraint failed: user.email", of several columns "a.x, a.y", of an expression "index 'name'".
    let subject = text.rsplit_once(": ").map_or("", |(_, subject)| subject);
    let column = subject.split(", ").next().unwrap_or_default();
    let column = column.rsplit('.').next().unwrap_or(column).to_owned();
    match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => ErrorKind::Conflict { column },
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::Referenced,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ErrorKind::Invalid(format!("the column \"{column}\" needs a value")),
        _ => ErrorKind::Invalid("the value breaks a rule of the table".to_owned()),
    }
}
