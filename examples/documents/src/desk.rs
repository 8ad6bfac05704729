//! The documents: who wrote them, and who edits them. Nothing here decides who may do what.

use std::{path::Path, sync::Arc};

use lychgate::Error;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS documents (
        id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL, picture TEXT,
        sponsor INTEGER NOT NULL, editor INTEGER
    );
    CREATE INDEX IF NOT EXISTS documents_of_sponsor ON documents (sponsor);
    CREATE INDEX IF NOT EXISTS documents_of_editor ON documents (editor);";
const COLUMNS: &str = "id, title, body, picture, sponsor, editor";

/// A document.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Document {
    /// Its key.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// The name of its picture.
    pub picture: Option<String>,
    /// The user who wrote it.
    pub sponsor: i64,
    /// The user who edits it.
    pub editor: Option<i64>,
}

/// Where documents lie.
#[derive(Clone, Debug)]
pub struct Desk(Arc<Mutex<Connection>>);

impl Desk {
    /// Opens the file, and makes it if it is not there.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let database = Connection::open(path)?;
        database.execute_batch(TABLES)?;
        Ok(Self(Arc::new(Mutex::new(database))))
    }

    pub(crate) async fn document(&self, id: i64) -> Result<Option<Document>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM documents WHERE id = ?1");
        self.work(move |database| database.query_row(&sql, [id], read).optional()).await
    }

    /// What `user` wrote or edits, oldest first.
    pub(crate) async fn documents_of(&self, user: i64) -> Result<Vec<Document>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM documents WHERE sponsor = ?1 OR editor = ?1 ORDER BY id");
        self.work(move |database| database.prepare(&sql)?.query_map([user], read)?.collect()).await
    }

    pub(crate) async fn write(&self, sponsor: i64, title: String, body: String) -> Result<i64, Error> {
        let sql = "INSERT INTO documents (title, body, sponsor) VALUES (?1, ?2, ?3) RETURNING id";
        self.work(move |database| database.query_row(sql, params![title, body, sponsor], |row| row.get(0))).await
    }

    pub(crate) async fn change(&self, id: i64, title: String, body: String) -> Result<(), Error> {
        self.set("UPDATE documents SET title = ?2, body = ?3 WHERE id = ?1", (id, title, body)).await
    }

    pub(crate) async fn assign(&self, id: i64, editor: Option<i64>) -> Result<(), Error> {
        self.set("UPDATE documents SET editor = ?2 WHERE id = ?1", (id, editor)).await
    }

    pub(crate) async fn illustrate(&self, id: i64, picture: String) -> Result<(), Error> {
        self.set("UPDATE documents SET picture = ?2 WHERE id = ?1", (id, picture)).await
    }

    async fn set<P: rusqlite::Params + Send + 'static>(&self, sql: &'static str, params: P) -> Result<(), Error> {
        self.work(move |database| database.execute(sql, params).map(drop)).await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let database = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&database.lock())).await.map_err(Error::internal)?;
        done.map_err(Error::internal)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        id: row.get(0)?,
        title: row.get(1)?,
        body: row.get(2)?,
        picture: row.get(3)?,
        sponsor: row.get(4)?,
        editor: row.get(5)?,
    })
}
