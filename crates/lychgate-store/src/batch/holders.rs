//! Batch steps that keep a role from being left without anybody who has it.

use time::OffsetDateTime;

use super::{Batch, Expect};
use crate::schema::Dialect;
use crate::sql::Statement;
use crate::value::micros;

impl Batch {
    /// Goes on only if `role` does not depend on this user: they do not have it, or somebody else has it who may act and
    /// stays, which is to say is active, without a mark on the account, and not about to be deleted.
    ///
    /// For batches that delete this user, deactivate them or take the role away. Those of one role wait for one
    /// another, so of two who are the last ones one stays.
    pub fn role_stays_held(&mut self, role: &str, without: i64, now: OffsetDateTime) -> &mut Self {
        let sql = self.sql.clone();
        let (user, role_table, links) = (&sql.schema.user.quoted, &sql.schema.role.quoted, &sql.schema.links);
        self.step(|batch| {
            // SQLite has only one writer at a time.
            if sql.dialect() == Dialect::Postgres {
                let lock = "SELECT pg_advisory_xact_lock(hashtext($1))::text";
                batch.aside(Statement::new(lock, vec![format!("role held: {role}").into()]).returning());
            }
            let holders = format!("{links} x JOIN {role_table} r ON r.id = x.role_id AND r.name = $1");
            let held = format!(
                "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM {holders} WHERE x.user_id = CAST($2 AS BIGINT)) \
                 OR EXISTS (SELECT 1 FROM {holders} JOIN {user} u ON u.id = x.user_id \
                 WHERE u.id <> CAST($2 AS BIGINT) AND u.active AND NOT EXISTS (\
                 SELECT 1 FROM lychgate_account_state s WHERE s.user_id = u.id AND (s.deletion_due_at IS NOT NULL \
                 OR s.state IS NOT NULL AND (s.state_until IS NULL OR s.state_until > $3))))"
            );
            let values = vec![role.into(), without.into(), micros(now).into()];
            batch.push(Statement::new(held, values).returning(), Expect::One);
            Ok(())
        })
    }
}
