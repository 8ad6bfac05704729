//! Batch steps that keep names apart which look the same.

use super::{Batch, Expect};
use crate::error::{Result, StoreError};
use crate::schema::{Dialect, quote};
use crate::sql::Statement;
use crate::value::Value;

/// Whose a name becomes.
#[derive(Debug, Clone, Copy)]
pub enum NameOwner<'a> {
    /// The user with this uniquifier, who is created in the same batch, after the claim's check and before its record.
    New(&'a str),
    /// A user that is there.
    User(i64),
}

/// A name and what it looks like.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    /// The column that holds it, such as `username`.
    pub column: &'a str,
    /// The name as it is stored.
    pub value: &'a str,
    /// What it looks like to a reader: the same text for all names that cannot be told apart. It has no upper case.
    pub look: &'a str,
}

impl Name<'_> {
    /// Whether the look says more than the name without its letter case. Only such names are recorded: all others are
    /// found by their column.
    fn is_plain(&self) -> bool {
        self.value.is_ascii() && self.value.eq_ignore_ascii_case(self.look)
    }
}

impl Batch {
    /// Goes on only if nobody has a name that looks like this one, letter case aside. Two batches that ask for the same
    /// look wait for one another, so of two that then take the name one does.
    pub fn unclaimed(&mut self, name: Name<'_>) -> &mut Self {
        let sql = self.sql.clone();
        let user = &sql.schema.user;
        self.step(|batch| {
            if !user.has(name.column) {
                return Err(StoreError::invalid(format!("users have no column \"{}\"", name.column)));
            }
            // SQLite has only one writer at a time.
            if sql.dialect() == Dialect::Postgres {
                let lock = "SELECT pg_advisory_xact_lock(hashtext($1))::text";
                batch.aside(Statement::new(lock, vec![name.look.into()]).returning());
            }
            // Who was deleted by the application left their claims.
            batch.aside(Statement::new(
                format!(
                    "DELETE FROM lychgate_names WHERE name_column = $1 AND look = $2 \
                     AND NOT EXISTS (SELECT 1 FROM {} u WHERE u.id = lychgate_names.user_id)",
                    user.quoted
                ),
                vec![name.column.into(), name.look.into()],
            ));
            let column = quote(name.column);
            let free = format!(
                "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM {0} WHERE lower({column}) = lower($1)) \
                 AND NOT EXISTS (SELECT 1 FROM {0} WHERE lower({column}) = lower($2)) \
                 AND NOT EXISTS (SELECT 1 FROM lychgate_names WHERE name_column = $3 AND look = $2)",
                user.quoted
            );
            let values = vec![name.value.into(), name.look.into(), name.column.into()];
            batch.push(Statement::new(free, values).returning(), Expect::One);
            Ok(())
        })
    }

    /// Records whose a name is by its look, in place of the one recorded before; for a name found free by
    /// [`unclaimed`](Self::unclaimed) in the same batch.
    pub fn claim(&mut self, name: Name<'_>, owner: NameOwner<'_>) -> &mut Self {
        let sql = self.sql.clone();
        self.step(|batch| {
            if let NameOwner::User(id) = owner {
                batch.push(
                    Statement::new(
                        "DELETE FROM lychgate_names WHERE user_id = $1 AND name_column = $2",
                        vec![id.into(), name.column.into()],
                    ),
                    Expect::Any,
                );
            }
            if name.is_plain() {
                return Ok(());
            }
            let (condition, whose): (_, Value) = match owner {
                NameOwner::New(uniquifier) => ("fs_uniquifier = $3", uniquifier.into()),
                NameOwner::User(id) => ("id = CAST($3 AS BIGINT)", id.into()),
            };
            batch.push(record(&sql.schema.user.quoted, condition, name, whose)?, Expect::Any);
            Ok(())
        })
    }
}

/// The condition keeps "ON CONFLICT" from being read as a join's.
fn record(users: &str, condition: &str, name: Name<'_>, whose: Value) -> Result<Statement> {
    if name.look.is_empty() || name.look.len() > 1024 {
        return Err(StoreError::invalid("a name's look is empty or too long"));
    }
    Ok(Statement::new(
        format!(
            "INSERT INTO lychgate_names (name_column, look, user_id) \
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), id FROM {users} WHERE {condition} ON CONFLICT DO NOTHING"
        ),
        vec![name.column.into(), name.look.into(), whose],
    ))
}
