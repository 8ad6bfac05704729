//! PostgreSQL: the suite, and what is particular to a server.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{SERVER, now, open_url, url_options};
use lychgate_store::testing::PgServer;
use lychgate_store::{CreateMode, ErrorKind, NewUser, OpenError, OpenOptions, Store, UserPatch, conformance};

const A_WHILE: Duration = Duration::from_millis(1000);
const LONG: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn suite_on_a_new_database() {
    let store = open_url(&SERVER.fresh_database().unwrap()).await;
    let report = store.describe();
    assert!(report.warnings.is_empty() && report.cache, "{report:?}");
    assert_eq!(report.version, "fsqla v4");
    conformance::run(&store).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suite_with_one_connection() {
    let mut options = url_options(&SERVER.fresh_database().unwrap());
    options.max_connections = 1;
    let store = Store::open(options).await.unwrap();
    conformance::run(&store).await;
    store.close().await;
}

/// Asks until the answer is as wished; fails after a while.
async fn until(mut wished: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !wished().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, asking).await.unwrap();
}

async fn with_joe(url: &str) -> (Store, i64) {
    let store = open_url(url).await;
    let joe = NewUser::new("joe@lp.com", "u1");
    let id = store.create_user(joe, now()).await.unwrap().id;
    (store, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_of_others_are_announced() {
    let url = SERVER.fresh_database().unwrap();
    let (store, id) = with_joe(&url).await;
    store.create_role("editor", None, None, now()).await.unwrap();
    let user = async || store.user_by_uniquifier("u1").await.unwrap();
    assert!(user().await.unwrap().active);
    SERVER.execute(&url, "UPDATE \"user\" SET active = false").unwrap();
    until(async || !user().await.unwrap().active).await;
    SERVER.execute(&url, &format!("INSERT INTO roles_users VALUES ({id}, 1)")).unwrap();
    until(async || user().await.unwrap().has_role("editor")).await;
    SERVER.execute(&url, "UPDATE role SET permissions = 'p'").unwrap();
    until(async || user().await.unwrap().has_permission("p")).await;
    SERVER.execute(&url, "DELETE FROM roles_users; DELETE FROM \"user\"").unwrap();
    until(async || user().await.is_none()).await;
    store.close().await;
}

/// Two stores on one database, as two processes would be: own writes count at once, the other's soon.
#[tokio::test(flavor = "multi_thread")]
async fn two_stores_agree() {
    let url = SERVER.fresh_database().unwrap();
    let (first, id) = with_joe(&url).await;
    let second = open_url(&url).await;
    for round in 0..20 {
        let active = round % 2 == 0;
        let patch = UserPatch { active: Some(active), ..UserPatch::default() };
        assert!(first.update_user(id, patch, now()).await.unwrap());
        let own = first.user_by_uniquifier("u1").await.unwrap().unwrap();
        assert_eq!(own.active, active);
        until(async || second.user_by_uniquifier("u1").await.unwrap().unwrap().active == active).await;
    }
    first.close().await;
    second.close().await;
}

/// The server drops every connection, the listening one among them: requests go on, and nothing stale is answered.
#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_are_replaced() {
    let url = SERVER.fresh_database().unwrap();
    let (store, id) = with_joe(&url).await;
    for round in 0..3 {
        assert!(store.user_by_uniquifier("u1").await.unwrap().is_some());
        SERVER
            .execute(
                &url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .unwrap();
        let method = Some(format!("round {round}"));
        let sql = format!("UPDATE \"user\" SET tf_primary_method = 'round {round}'");
        SERVER.execute(&url, &sql).unwrap();
        until(async || {
            let user = store.user_by_uniquifier("u1").await.unwrap().unwrap();
            user.tf_primary_method == method
        })
        .await;
        let patch = UserPatch { login_count: Some(Some(round)), ..UserPatch::default() };
        assert!(store.update_user(id, patch, now()).await.unwrap());
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_row_makes_a_request_wait() {
    let url = SERVER.fresh_database().unwrap();
    let (store, id) = with_joe(&url).await;
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE \"user\" IN EXCLUSIVE MODE").await.unwrap();
    let writer = store.clone();
    let mut write = tokio::spawn(async move { writer.update_user(id, UserPatch::default(), now()).await });
    let waited = tokio::time::timeout(A_WHILE, &mut write).await;
    assert!(waited.is_err(), "the lock was not there");
    assert!(store.user_by_id(id).await.unwrap().is_some());
    client.batch_execute("COMMIT").await.unwrap();
    assert!(write.await.unwrap().unwrap());

    let mut options = url_options(&url);
    // Long enough for the set-up on a busy machine.
    options.statement_timeout = Duration::from_millis(1500);
    let hasty = Store::open(options).await.unwrap();
    client.batch_execute("BEGIN; LOCK TABLE \"user\" IN EXCLUSIVE MODE").await.unwrap();
    let busy = hasty.update_user(id, UserPatch::default(), now()).await;
    assert_eq!(*busy.unwrap_err().kind(), ErrorKind::Busy);
    drop(client);
    connection.await.unwrap().unwrap();
    hasty.close().await;
    store.close().await;
}

/// All connections are taken: whoever comes waits for `busy_timeout`, is told to come again, and gets one when it is free.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_used_up_is_busy() {
    let url = SERVER.fresh_database().unwrap();
    let (store, id) = with_joe(&url).await;
    store.close().await;
    let mut options = url_options(&url);
    options.max_connections = 1;
    // Long enough for connecting on a busy machine.
    options.busy_timeout = Duration::from_secs(3);
    let small = Store::open(options).await.unwrap();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE \"user\" IN EXCLUSIVE MODE").await.unwrap();
    let writer = small.clone();
    let mut write = tokio::spawn(async move { writer.update_user(id, UserPatch::default(), now()).await });
    assert!(tokio::time::timeout(A_WHILE, &mut write).await.is_err(), "the lock was not there");
    let refused = small.meta_get("k").await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Busy);
    client.batch_execute("COMMIT").await.unwrap();
    assert!(write.await.unwrap().unwrap());
    assert_eq!(small.meta_get("k").await.unwrap(), None);
    drop(client);
    connection.await.unwrap().unwrap();
    small.close().await;
}

/// Two transactions that want the same rows in opposite order: one is told to give way, and is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn transactions_in_each_others_way_both_go_through() {
    let url = SERVER.fresh_database().unwrap();
    let (store, joe) = with_joe(&url).await;
    let ann = NewUser::new("ann@lp.com", "u2");
    let ann = store.create_user(ann, now()).await.unwrap().id;
    let mut tasks = Vec::new();
    for round in 0..8 {
        let (first, second) = if round % 2 == 0 { (joe, ann) } else { (ann, joe) };
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut batch = store.batch();
            for id in [first, second] {
                let _ = batch.update_user(id, &UserPatch::default(), now());
            }
            store.commit(batch).await.map(drop)
        }));
    }
    let mut done = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => done += 1,
            Err(error) => assert_eq!(*error.kind(), ErrorKind::Busy, "{error}"),
        }
    }
    assert!(done >= 4, "{done} of 8");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_do_not_fit_are_refused() {
    let (store, id) = with_joe(&SERVER.fresh_database().unwrap()).await;
    let long = UserPatch { tf_phone_number: Some(Some("x".repeat(129))), ..UserPatch::default() };
    let large = UserPatch { login_count: Some(Some(i64::MAX)), ..UserPatch::default() };
    for patch in [long, large] {
        let refused = store.update_user(id, patch, now()).await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Invalid(_)), "{refused:?}");
    }
    store.close().await;
}

/// An account that owns nothing can work with tables that are there, without what it may not create.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_few_rights_is_warned() {
    let url = SERVER.fresh_database().unwrap();
    open_url(&url).await.close().await;
    SERVER
        .execute(
            &url,
            "DROP TRIGGER lychgate_notify_user ON \"user\"; DROP INDEX lychgate_ix_user_email_lower; \
             CREATE ROLE clerk LOGIN PASSWORD 'clerk'; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk; \
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO clerk",
        )
        .unwrap();
    let clerk = url.replace("postgres:only-for-tests", "clerk:clerk");
    let store = open_url(&clerk).await;
    let report = store.describe();
    assert!(!report.cache);
    assert_eq!(report.warnings.len(), 2, "{report:?}");
    let joe = NewUser::new("joe@lp.com", "u1");
    let joe = store.create_user(joe, now()).await.unwrap();
    assert_eq!(store.user_by_uniquifier("u1").await.unwrap(), Some(joe));
    store.close().await;
}

async fn refused(options: OpenOptions) -> String {
    let error = Store::open(options).await.unwrap_err();
    let text = error.to_string();
    assert!(text.lines().count() == 1 && text.len() < 300, "{text}");
    assert!(!text.contains("only-for-tests"), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_one_clear_line() {
    let url = SERVER.fresh_database().unwrap();
    let text = refused(url_options(&SERVER.url("nowhere"))).await;
    assert!(text.starts_with("cannot open the database: postgresql://postgres:***@127.0.0.1:"), "{text}");
    assert!(text.ends_with("database \"nowhere\" does not exist"), "{text}");
    let wrong = url.replace("only-for-tests", "wrong");
    let text = refused(url_options(&wrong)).await;
    assert!(text.contains("password authentication failed"), "{text}");
    let text = refused(url_options("postgresql://joe:only-for-tests@127.0.0.1:1/app")).await;
    assert!(text.contains("refused"), "{text}");
    let text = refused(url_options(&url.replace("prefer", "verify-full"))).await;
    assert!(text.contains("TLS"), "{text}");
    let mut options = url_options(&format!("{}&sslrootcert=/no/such.pem", url.replace("prefer", "verify-ca")));
    options.busy_timeout = A_WHILE;
    let text = refused(options).await;
    assert!(text.contains("sslrootcert \"/no/such.pem\" cannot be read"), "{text}");

    let never = || url_options(&url).create(CreateMode::Never);
    let text = refused(never()).await;
    assert_eq!(
        text,
        "the database has no table \"user\" (none of the application's tables exist and none are to be created)"
    );
    SERVER.execute(&url, "CREATE TABLE \"user\" (id SERIAL)").unwrap();
    let text = refused(url_options(&url)).await;
    assert_eq!(text, "the database has no table \"role\" (the schema is incomplete: found only \"user\")");
    SERVER.execute(&url, "DROP TABLE \"user\"").unwrap();
    open_url(&url).await.close().await;
    SERVER.execute(&url, "ALTER TABLE \"user\" DROP COLUMN fs_uniquifier").unwrap();
    assert_eq!(refused(never()).await, "the table \"user\" has no column \"fs_uniquifier\", which Lychgate needs");
    SERVER.execute(&url, "ALTER TABLE \"user\" ADD COLUMN fs_uniquifier VARCHAR(64)").unwrap();
    SERVER.execute(&url, "UPDATE lychgate_meta SET value = '99'").unwrap();
    let error = Store::open(never()).await.unwrap_err();
    assert_eq!(error, OpenError::NewerSchema { found: 99, known: 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn many_open_an_empty_database_at_once() {
    let url = SERVER.fresh_database().unwrap();
    let mut tasks = Vec::new();
    for _ in 0..6 {
        let options = url_options(&url);
        tasks.push(tokio::spawn(Store::open(options)));
    }
    for task in tasks {
        task.await.unwrap().unwrap().close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_is_unavailable() {
    let server = PgServer::start().unwrap();
    let url = server.fresh_database().unwrap();
    let (store, id) = with_joe(&url).await;
    assert!(store.user_by_uniquifier("u1").await.unwrap().is_some());
    drop(server);
    until(async || store.user_by_uniquifier("u1").await.is_err()).await;
    let read = store.user_by_id(id).await.unwrap_err();
    assert_eq!(*read.kind(), ErrorKind::Unavailable);
    let write = store.meta_set("k", "v").await.unwrap_err();
    assert_eq!(*write.kind(), ErrorKind::Unavailable);
    store.close().await;
}
