//! Accounts as tables (CSV), out and in, for whoever has no browser: what the panel does at `/users.csv` and `/users/import`.

use lychgate::{Lychgate, NewAccount, store::User};

use crate::{
    ask::Stop,
    columns::{self, COLUMNS, Column},
    csv, import,
};

/// The columns of a table that is written.
#[derive(Debug)]
pub struct Columns(Vec<&'static Column>);

impl Columns {
    /// The columns of these names besides the address, all without any; nothing if one is not known.
    pub fn named<'a>(names: impl Iterator<Item = &'a str>) -> Option<Self> {
        columns::named(names).ok().map(Self)
    }

    /// The names that can be chosen.
    #[must_use]
    pub fn all() -> Vec<&'static str> {
        COLUMNS.iter().map(|column| column.name).collect()
    }

    /// The first line.
    #[must_use]
    pub fn head(&self) -> String {
        csv::write(&columns::headings(&self.0))
    }

    /// The line of a user. A field that a spreadsheet would compute has an apostrophe before it.
    #[must_use]
    pub fn line(&self, user: &User) -> String {
        csv::write(&columns::line(user, &self.0))
    }
}

/// One line of a table that is read.
#[derive(Debug)]
pub struct Line {
    /// Its number in the text.
    pub number: usize,
    /// The account that it describes, without a password.
    pub account: NewAccount,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// Why a table cannot be read at all.
#[derive(Debug)]
pub struct TableError(String);

impl std::fmt::Display for TableError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TableError {}

/// Reads a table of at most so many accounts and looks at every line as making the account would; makes none.
///
/// # Errors
///
/// [`TableError`] if the first line does not name the columns, there are too many lines, or the database does not answer.
pub async fn check(gate: &Lychgate, text: &str, most: usize) -> Result<Vec<Line>, TableError> {
    let entries = import::checked(gate, text, most).await.map_err(|stop| match stop {
        Stop::Reply(_, text) => TableError(text.to_string()),
        Stop::Error(error) => TableError(error.to_string()),
    })?;
    let line = |entry: import::Entry| {
        let problem = entry.problem.map(|text| text.to_string());
        Line { number: entry.line, account: entry.account, problem }
    };
    Ok(entries.into_iter().map(line).collect())
}
