//! A first look at the database, and what has to be made in it.

use deadpool_postgres::{Pool, PoolError, Transaction};

use super::error::{Constraints, pool_error, reason};
use super::listen::CHANNEL;
use crate::error::{OpenError, one_line};
use crate::options::OpenOptions;
use crate::schema::{
    self, Column, ColumnKind, Dialect, Plan, SIDE_VERSION, Schema, Tables, check_version, index_statements, quote,
    side_tables, side_tables_known,
};
use crate::url::DatabaseUrl;

pub(super) struct Prepared {
    pub(super) schema: Schema,
    pub(super) constraints: Constraints,
    pub(super) warnings: Vec<String>,
    /// Whether all triggers that announce changes are there.
    pub(super) announced: bool,
}

/// Only one process at a time prepares a database: "lychgate" in ASCII.
const LOCK: i64 = 0x6c79_6368_6761_7465;

pub(super) async fn prepare(pool: &Pool, options: &OpenOptions, url: &DatabaseUrl) -> Result<Prepared, OpenError> {
    let mut client = pool.get().await.map_err(|error| refused(&error, url))?;
    let mut transaction = client.transaction().await.map_err(failed)?;
    // Making an index may take longer than a request may, but nobody is to wait for ever for a lock.
    transaction
        .batch_execute(&format!(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'; SET LOCAL client_min_messages = warning; \
             SELECT pg_advisory_xact_lock({LOCK})"
        ))
        .await
        .map_err(failed)?;
    let schema = match look(&transaction, options).await? {
        Plan::Ready(schema) => schema,
        Plan::Create(statements) => {
            for sql in statements {
                transaction.batch_execute(&sql).await.map_err(failed)?;
            }
            match look(&transaction, options).await? {
                Plan::Ready(schema) => schema,
                Plan::Create(_) => {
                    return Err(OpenError::Setup("the tables were not created".to_owned()));
                }
            }
        }
    };
    side(&transaction).await?;
    let mut warnings = Vec::new();
    for (name, sql) in index_statements(&schema) {
        // Not left to IF NOT EXISTS, which wants the table's owner and a lock first.
        let there = relation_exists(&transaction, &name).await?;
        if !there && let Err(reason) = attempt(&mut transaction, &sql).await? {
            warnings.push(format!("the index {name} could not be created: {reason}"));
        }
    }
    let announced = match triggers(&mut transaction, &schema).await? {
        Ok(()) => true,
        Err(reason) => {
            warnings.push(format!(
                "nothing is cached, because the triggers that announce changes could not be created: {reason}"
            ));
            false
        }
    };
    let constraints = constraints(&transaction, &schema).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(Prepared { schema: *schema, constraints, warnings, announced })
}

/// Runs a statement that may fail without taking the transaction with it.
async fn attempt(transaction: &mut Transaction<'_>, sql: &str) -> Result<Result<(), String>, OpenError> {
    let savepoint = transaction.savepoint("attempt").await.map_err(failed)?;
    match savepoint.batch_execute(sql).await {
        Ok(()) => {
            savepoint.commit().await.map_err(failed)?;
            Ok(Ok(()))
        }
        Err(error) => {
            savepoint.rollback().await.map_err(failed)?;
            Ok(Err(reason(&error)))
        }
    }
}

async fn look(transaction: &Transaction<'_>, options: &OpenOptions) -> Result<Plan, OpenError> {
    let names = &options.names;
    let mut tables = Tables::new();
    let wanted = [names.user.as_str(), names.role.as_str(), names.roles_users.as_str()]
        .into_iter()
        .chain(names.webauthn_candidates())
        .chain(names.refresh_candidates());
    for name in wanted {
        let columns = columns(transaction, name).await?;
        if !columns.is_empty() {
            tables.insert(name.to_owned(), columns);
        }
    }
    schema::plan(Dialect::Postgres, names, options.create, &tables)
}

async fn columns(transaction: &Transaction<'_>, table: &str) -> Result<Vec<Column>, OpenError> {
    let rows = transaction
        .query(
            "SELECT a.attname::text, t.typname::text, EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid \
             AND i.indisprimary AND a.attnum = ANY (i.indkey)) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
             WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            &[&quote(table)],
        )
        .await
        .map_err(failed)?;
    rows.iter()
        .map(|row| Ok(Column { name: row.try_get(0)?, kind: kind(row.try_get(1)?), primary: row.try_get(2)? }))
        .collect::<Result<_, _>>()
        .map_err(failed)
}

fn kind(name: &str) -> ColumnKind {
    match name {
        "text" | "varchar" | "bpchar" | "name" | "citext" => ColumnKind::Text,
        "int2" | "int4" | "int8" => ColumnKind::Int,
        "float4" | "float8" => ColumnKind::Float,
        "bool" => ColumnKind::Bool,
        "timestamp" | "timestamptz" => ColumnKind::Time,
        "bytea" => ColumnKind::Blob,
        _ => ColumnKind::Other,
    }
}

async fn relation_exists(transaction: &Transaction<'_>, name: &str) -> Result<bool, OpenError> {
    let row = transaction.query_one("SELECT to_regclass($1) IS NOT NULL", &[&quote(name)]).await.map_err(failed)?;
    row.try_get(0).map_err(failed)
}

/// Makes Lychgate's own tables, unless they are there.
async fn side(transaction: &Transaction<'_>) -> Result<(), OpenError> {
    let mut found = 0;
    for &table in side_tables_known() {
        found += usize::from(relation_exists(transaction, table).await?);
    }
    let mut version = None;
    if relation_exists(transaction, "lychgate_meta").await? {
        let row = transaction
            .query_opt("SELECT value FROM lychgate_meta WHERE key = 'schema_version'", &[])
            .await
            .map_err(failed)?;
        version = match row {
            Some(row) => Some(row.try_get::<_, String>(0).map_err(failed)?),
            None => None,
        };
        check_version(version.as_deref())?;
    }
    if found == side_tables_known().len() && version.is_some() {
        return Ok(());
    }
    for sql in side_tables(Dialect::Postgres) {
        transaction.batch_execute(&sql).await.map_err(failed)?;
    }
    transaction
        .execute(
            "INSERT INTO lychgate_meta (key, value) VALUES ('schema_version', $1) ON CONFLICT DO NOTHING",
            &[&SIDE_VERSION.to_string()],
        )
        .await
        .map_err(failed)?;
    Ok(())
}

/// Makes the triggers that announce changes of what is cached. New users and sessions need none: that somebody is
/// unknown is never cached. That nothing is revoked is; that something no longer is, matters to nobody.
async fn triggers(transaction: &mut Transaction<'_>, schema: &Schema) -> Result<Result<(), String>, OpenError> {
    let wanted = [
        ("lychgate_notify_user", schema.user.quoted.as_str(), "UPDATE OR DELETE"),
        ("lychgate_notify_role", &schema.role.quoted, "INSERT OR UPDATE OR DELETE"),
        ("lychgate_notify_roles_users", &schema.links, "INSERT OR UPDATE OR DELETE"),
        ("lychgate_notify_sessions", "lychgate_sessions", "UPDATE OR DELETE"),
        ("lychgate_notify_api_keys", "lychgate_api_keys", "UPDATE OR DELETE"),
        ("lychgate_notify_redemptions", "lychgate_redemptions", "INSERT"),
    ];
    let mut missing = Vec::new();
    for (name, table, events) in wanted {
        let row = transaction
            .query_one(
                "SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = $2 AND tgenabled <> 'D')",
                &[&table, &name],
            )
            .await
            .map_err(failed)?;
        if !row.try_get::<_, bool>(0).map_err(failed)? {
            missing.push((name, table, events));
        }
    }
    if missing.is_empty() {
        return Ok(Ok(()));
    }
    let mut sql = format!(
        "CREATE OR REPLACE FUNCTION lychgate_notify() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN PERFORM pg_notify(''{CHANNEL}'', ''''); RETURN NULL; END';"
    );
    for (name, table, events) in missing {
        sql.push_str(&format!(
            "DROP TRIGGER IF EXISTS {name} ON {table}; CREATE TRIGGER {name} AFTER {events} OR TRUNCATE ON {table} \
             FOR EACH STATEMENT EXECUTE FUNCTION lychgate_notify();"
        ));
    }
    attempt(transaction, &sql).await
}

/// The first column of each unique index on users, roles and passkeys.
async fn constraints(transaction: &Transaction<'_>, schema: &Schema) -> Result<Constraints, OpenError> {
    let rows = transaction
        .query(
            "SELECT c.relname::text, a.attname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
             WHERE i.indisunique AND i.indrelid IN (to_regclass($1), to_regclass($2), to_regclass($3))",
            &[&schema.user.quoted, &schema.role.quoted, &schema.webauthn.as_ref().map(|table| table.quoted.as_str())],
        )
        .await
        .map_err(failed)?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, _>>().map_err(failed)
}

fn failed(error: tokio_postgres::Error) -> OpenError {
    OpenError::Setup(reason(&error))
}

fn refused(error: &PoolError, url: &DatabaseUrl) -> OpenError {
    let text = match error {
        PoolError::Backend(error) => reason(error),
        other => one_line(&pool_error(other).to_string()),
    };
    OpenError::Connect(format!("{url}: {text}"))
}
