//! Which tables and columns there are, and what has to be made.

mod ddl;
mod detect;
mod layout;

use crate::error::OpenError;

pub(crate) use ddl::{index_statements, side_tables, side_tables_known};
pub(crate) use detect::{Plan, Schema, plan};
pub(crate) use layout::{Field, Layout};

/// The version of the `lychgate_*` tables that this program makes and reads.
pub(crate) const SIDE_VERSION: i64 = 1;

/// The database that is spoken to; nearly all SQL is the same for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// What a column holds, as far as reading it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Text,
    Int,
    Float,
    Bool,
    Time,
    Blob,
    /// Read as the database's own text for it.
    Other,
}

/// A column found in the database.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: ColumnKind,
    pub(crate) primary: bool,
}

/// The columns of each table that was found, by table name.
pub(crate) type Tables = std::collections::HashMap<String, Vec<Column>>;

/// An identifier in quotes; `user` is a reserved word, and an application's column may be anything.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Refuses tables of a version that this program does not know.
pub(crate) fn check_version(version: Option<&str>) -> Result<(), OpenError> {
    let Some(version) = version else {
        return Ok(());
    };
    match version.parse::<i64>() {
        Ok(found) if found > SIDE_VERSION => Err(OpenError::NewerSchema { found, known: SIDE_VERSION }),
        Ok(_) => Ok(()),
        Err(_) => Err(OpenError::Setup("lychgate_meta holds a schema_version that is not a number".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert!(check_version(None).is_ok());
        assert!(check_version(Some("1")).is_ok());
        assert_eq!(check_version(Some("99")), Err(OpenError::NewerSchema { found: 99, known: SIDE_VERSION }));
        assert!(check_version(Some("x")).is_err());
    }
}
