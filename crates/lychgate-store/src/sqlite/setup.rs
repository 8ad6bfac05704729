//! A first look at the database, and what has to be made in it.

use rusqlite::{Connection, TransactionBehavior};

use super::error::is_busy;
use crate::error::{OpenError, one_line};
use crate::options::OpenOptions;
use crate::schema::{
    self, Column, ColumnKind, Dialect, Plan, SIDE_VERSION, Schema, Tables, check_version, index_statements,
    side_tables, side_tables_known,
};

pub(super) struct Prepared {
    pub(super) schema: Schema,
    pub(super) warnings: Vec<String>,
}

pub(super) fn prepare(connection: &mut Connection, options: &OpenOptions) -> Result<Prepared, OpenError> {
    let schema = match look(connection, options)? {
        Plan::Ready(schema) => schema,
        // Decided again inside the transaction: another process may be creating them as well.
        Plan::Create(_) => create(connection, options)?,
    };
    side(connection)?;
    let mut warnings = Vec::new();
    for (name, sql) in index_statements(&schema) {
        if let Err(error) = connection.execute_batch(&sql) {
            warnings.push(format!("the index {name} could not be created: {}", one_line(&error.to_string())));
        }
    }
    Ok(Prepared { schema: *schema, warnings })
}

fn look(connection: &Connection, options: &OpenOptions) -> Result<Plan, OpenError> {
    let tables = read_tables(connection, options).map_err(|error| failed(&error))?;
    schema::plan(Dialect::Sqlite, &options.names, options.create, &tables)
}

fn create(connection: &mut Connection, options: &OpenOptions) -> Result<Box<Schema>, OpenError> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| failed(&error))?;
    if let Plan::Create(statements) = look(&transaction, options)? {
        for sql in statements {
            transaction.execute_batch(&sql).map_err(|error| failed(&error))?;
        }
    }
    let plan = look(&transaction, options)?;
    transaction.commit().map_err(|error| failed(&error))?;
    match plan {
        Plan::Ready(schema) => Ok(schema),
        Plan::Create(_) => Err(OpenError::Setup("the tables were not created".to_owned())),
    }
}

/// Makes Lychgate's own tables, unless they are there.
fn side(connection: &mut Connection) -> Result<(), OpenError> {
    let ready = |connection: &Connection| -> Result<bool, OpenError> {
        let mut found = 0;
        for &table in side_tables_known() {
            let columns = columns(connection, table).map_err(|error| failed(&error))?;
            found += usize::from(!columns.is_empty());
        }
        if found == 0 {
            return Ok(false);
        }
        let version: Option<String> = connection
            .query_row("SELECT value FROM lychgate_meta WHERE key = 'schema_version'", [], |row| row.get(0))
            .ok();
        check_version(version.as_deref())?;
        Ok(found == side_tables_known().len() && version.is_some())
    };
    if ready(connection)? {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| failed(&error))?;
    ready(&transaction)?;
    for sql in side_tables(Dialect::Sqlite) {
        transaction.execute_batch(&sql).map_err(|error| failed(&error))?;
    }
    transaction
        .execute(
            "INSERT INTO lychgate_meta (key, value) VALUES ('schema_version', $1) ON CONFLICT DO NOTHING",
            [SIDE_VERSION.to_string()],
        )
        .map_err(|error| failed(&error))?;
    transaction.commit().map_err(|error| failed(&error))
}

fn read_tables(connection: &Connection, options: &OpenOptions) -> rusqlite::Result<Tables> {
    let names = &options.names;
    let mut tables = Tables::new();
    let wanted = [names.user.as_str(), names.role.as_str(), names.roles_users.as_str()]
        .into_iter()
        .chain(names.webauthn_candidates())
        .chain(names.refresh_candidates());
    for name in wanted {
        let columns = columns(connection, name)?;
        if !columns.is_empty() {
            tables.insert(name.to_owned(), columns);
        }
    }
    Ok(tables)
}

/// The columns of a table; none if it does not exist.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Column>> {
    let mut statement = connection.prepare("SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid")?;
    let rows = statement.query_map([table], |row| {
        Ok(Column { name: row.get(0)?, kind: kind(&row.get::<_, String>(1)?), primary: row.get::<_, i64>(2)? != 0 })
    })?;
    rows.collect()
}

/// What a declared type holds, by the words that SQLAlchemy writes and SQLite's own rules of affinity.
fn kind(declared: &str) -> ColumnKind {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    if has(&["BOOL"]) {
        ColumnKind::Bool
    } else if has(&["DATETIME", "TIMESTAMP"]) {
        ColumnKind::Time
    } else if has(&["INT"]) {
        ColumnKind::Int
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        ColumnKind::Text
    } else if has(&["BLOB", "BINARY"]) {
        ColumnKind::Blob
    } else if has(&["REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"]) {
        ColumnKind::Float
    } else {
        ColumnKind::Other
    }
}

fn failed(error: &rusqlite::Error) -> OpenError {
    OpenError::Setup(if is_busy(error) {
        "the file is locked by another program".to_owned()
    } else {
        one_line(&error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("VARCHAR(255)", ColumnKind::Text)]
    #[case("integer", ColumnKind::Int)]
    #[case("BOOLEAN", ColumnKind::Bool)]
    #[case("DATETIME", ColumnKind::Time)]
    #[case("DATE", ColumnKind::Other)]
    #[case("BLOB", ColumnKind::Blob)]
    #[case("NUMERIC(10, 2)", ColumnKind::Float)]
    #[case("JSON", ColumnKind::Other)]
    #[case("", ColumnKind::Other)]
    fn declared_types(#[case] declared: &str, #[case] expected: ColumnKind) {
        assert_eq!(kind(declared), expected);
    }
}
