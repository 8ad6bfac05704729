//! The outbox comes to files that were made before there was one.
#![allow(clippy::unwrap_used)]

use lychgate_store::{OpenOptions, OutboxItem, OutboxState, Store};
use time::{Duration, OffsetDateTime};

#[tokio::test(flavor = "multi_thread")]
async fn an_older_file_gets_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let options = || OpenOptions::new(format!("sqlite:///{}", path.display()).parse().unwrap());
    Store::open(options()).await.unwrap().close().await;
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("DROP TABLE lychgate_outbox").unwrap();
    let version = "SELECT value FROM lychgate_meta WHERE key = 'schema_version'";
    let before: String = file.query_row(version, [], |row| row.get(0)).unwrap();

    let store = Store::open(options()).await.unwrap();
    let now = OffsetDateTime::from_unix_timestamp(1_750_000_000).unwrap();
    let mut batch = store.batch();
    batch.enqueue(&OutboxItem::new("id", "mail", "joe@lp.com", "payload", now));
    store.commit(batch).await.unwrap();
    let claimed = store.outbox_claim(1, now + Duration::MINUTE, now).await.unwrap();
    assert_eq!(claimed[0].state, OutboxState::Waiting);
    assert_eq!(claimed[0].payload, "payload");
    // A program that does not know the table can still open the file.
    let after: String = file.query_row(version, [], |row| row.get(0)).unwrap();
    assert_eq!(before, after);
    assert!(!format!("{:?}", claimed[0]).contains("payload"));
    store.close().await;
}
