//! Names that look alike.

use super::Store;
use crate::backend::Reach;
use crate::error::Result;
use crate::schema::{ColumnKind, quote};

impl Store {
    /// Users whose name in `column` has characters outside ASCII, by id: id and name. They are the ones that
    /// [`Batch::claim`](crate::Batch::claim) records; an application that shares the database does not.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn names_outside_ascii(&self, column: &str, after_id: i64, limit: u32) -> Result<Vec<(i64, String)>> {
        let user = &self.schema().user;
        if !user.field(column).is_some_and(|field| field.kind == ColumnKind::Text) {
            return Ok(Vec::new());
        }
        let (table, column) = (&user.quoted, quote(column));
        let sql = format!(
            "SELECT id, {column} FROM {table} WHERE id > CAST($1 AS BIGINT) AND octet_length({column}) <> length({column}) \
             ORDER BY id LIMIT {limit}"
        );
        let rows = self.query(sql, vec![after_id.into()], Reach::Scan).await?;
        let mut names = Vec::with_capacity(rows.len());
        for row in rows {
            let mut cells = row.into_iter();
            if let (Some(id), Some(name)) = (cells.next(), cells.next())
                && let (Some(id), Some(name)) = (id.int()?, name.text()?)
            {
                names.push((id, name));
            }
        }
        Ok(names)
    }
}
