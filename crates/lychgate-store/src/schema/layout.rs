//! The columns of one table in the order in which they are read.

use super::{Column, ColumnKind, quote};

/// A column to be read.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: ColumnKind,
}

/// A table with the columns that are read from it.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) name: String,
    pub(crate) quoted: String,
    pub(crate) fields: Vec<Field>,
}

impl Layout {
    /// All columns but binary ones.
    pub(crate) fn new(name: &str, columns: &[Column]) -> Self {
        let fields = columns
            .iter()
            .filter(|column| column.kind != ColumnKind::Blob)
            .map(|column| Field { name: column.name.clone(), kind: column.kind })
            .collect();
        Self { name: name.to_owned(), quoted: quote(name), fields }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// The select list, each column with the table's alias before it.
    pub(crate) fn select(&self, alias: &str) -> String {
        let columns: Vec<String> = self
            .fields
            .iter()
            .map(|field| {
                let column = format!("{alias}.{}", quote(&field.name));
                match field.kind {
                    ColumnKind::Other => format!("CAST({column} AS TEXT)"),
                    _ => column,
                }
            })
            .collect();
        columns.join(", ")
    }
}
