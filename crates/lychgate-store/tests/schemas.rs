//! Databases made by every version of the bundled models, and by an application's own.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{SERVER, file_options, for_postgres, for_sqlite, now, open_file, open_url, run_in_file};
use lychgate_store::{CreateMode, ErrorKind, NewUser, SchemaNames, Store, UserPatch, UserQuery, conformance};
use rstest::rstest;
use serde_json::json;
use time::macros::datetime;

const ROWS: &str = include_str!("fixtures/rows.sql");
const CUSTOM: &str = include_str!("fixtures/custom.sql");

/// The text of a version's tables, what the report has to call it, and how many tables it has.
fn fixture(version: &str) -> (&'static str, &'static str, usize) {
    match version {
        "fsqla_v1" => (include_str!("fixtures/fsqla_v1.sql"), "fsqla v1", 3),
        "fsqla_v2" => (include_str!("fixtures/fsqla_v2.sql"), "fsqla v2", 3),
        "fsqla_v3" => (include_str!("fixtures/fsqla_v3.sql"), "fsqla v3", 4),
        "fsqla_v4" => (include_str!("fixtures/fsqla_v4.sql"), "fsqla v4", 5),
        "sqla_v1" => (include_str!("fixtures/sqla_v1.sql"), "sqla v1", 4),
        "sqla_v2" => (include_str!("fixtures/sqla_v2.sql"), "sqla v2", 5),
        _ => panic!("no such fixture"),
    }
}

/// The application's tables as SQLite keeps them.
fn shape(path: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'lychgate%' ORDER BY name")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

async fn rows_are_read(store: &Store) {
    let joe = store.user_by_identity("email", "JOE@lp.com", true).await;
    let joe = joe.unwrap().unwrap();
    assert_eq!((joe.id, joe.username.as_deref()), (1, Some("joe")));
    assert!(joe.active);
    assert_eq!(joe.confirmed_at, Some(datetime!(2025-06-15 12:30:45.678901 UTC)));
    assert_eq!(joe.current_login_at, Some(datetime!(2026-11-22 01:43:50 UTC)));
    assert_eq!(joe.login_count, Some(3));
    assert!(joe.create_datetime.is_some());
    assert!(joe.extra.is_empty());
    let names: Vec<&str> = joe.roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["admin", "editor"]);
    assert!(joe.has_permission("p 2") && !joe.has_permission("p"));
    let tiya = store.user_by_uniquifier("u2").await.unwrap().unwrap();
    assert!(!tiya.active && tiya.roles.is_empty());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_files_of_all_versions(
    #[values("fsqla_v1", "fsqla_v2", "fsqla_v3", "fsqla_v4", "sqla_v1", "sqla_v2")] version: &str,
) {
    let (sql, name, tables) = fixture(version);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    run_in_file(&path, &for_sqlite(sql));
    let before = shape(&path);
    let store = open_file(&path).await;
    let report = store.describe();
    assert_eq!(report.version, name);
    assert_eq!(report.tables.len(), tables);
    assert_eq!(report.journal_mode.as_deref(), Some("wal"));
    assert_eq!(report.warnings, Vec::<String>::new());
    assert_eq!(report.missing_columns.is_empty(), !matches!(version, "fsqla_v1" | "fsqla_v2"));
    assert_eq!(shape(&path), before);
    conformance::run(&store).await;
    store.close().await;

    let path = folder.path().join("rows.db");
    run_in_file(&path, &for_sqlite(sql));
    run_in_file(&path, &for_sqlite(ROWS));
    let store = open_file(&path).await;
    rows_are_read(&store).await;
    store.close().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn postgres_databases_of_all_versions(
    #[values("fsqla_v1", "fsqla_v2", "fsqla_v3", "fsqla_v4", "sqla_v1", "sqla_v2")] version: &str,
) {
    let (sql, name, tables) = fixture(version);
    let url = SERVER.fresh_database().unwrap();
    SERVER.execute(&url, &for_postgres(sql)).unwrap();
    let store = open_url(&url).await;
    let report = store.describe();
    assert_eq!((report.version.as_str(), report.tables.len()), (name, tables));
    assert!(report.warnings.is_empty() && report.cache, "{report:?}");
    conformance::run(&store).await;
    store.close().await;

    let url = SERVER.fresh_database().unwrap();
    SERVER.execute(&url, &for_postgres(sql)).unwrap();
    SERVER.execute(&url, &for_postgres(ROWS)).unwrap();
    let store = open_url(&url).await;
    rows_are_read(&store).await;
    store.close().await;
}

fn custom_names() -> SchemaNames {
    SchemaNames {
        user: "app_users".to_owned(),
        role: "app_roles".to_owned(),
        roles_users: "app_links".to_owned(),
        ..SchemaNames::default()
    }
}

/// Own names, own columns, known columns missing.
async fn custom_story(store: &Store) {
    let report = store.describe();
    assert_eq!(report.version, "custom");
    assert!(report.missing_columns.contains(&"username".to_owned()));
    assert!(store.has_user_column("Full Name") && !store.has_user_column("username"));
    let joe = store.user_by_token_uniquifier("t1").await.unwrap().unwrap();
    assert_eq!(joe.username, None);
    assert_eq!(joe.create_datetime, None);
    assert_eq!(joe.roles.len(), 1, "a link that is there twice is one role");
    assert_eq!(
        serde_json::Value::Object(joe.extra.clone()),
        json!({"security_number": 17, "Full Name": "Joe", "newsletter": true, "height": 1.5, "birthday": "2001-02-03"})
    );
    assert_eq!(joe.column("security_number").as_deref(), Some("17"));
    let by_number = store.user_by_identity("security_number", "17", true).await;
    assert_eq!(by_number.unwrap().unwrap().id, joe.id);
    assert!(store.user_by_uniquifier("t1").await.unwrap().is_none());

    let mut new = NewUser::new("ann@lp.com", "u2");
    let refused = store.create_user(new.clone(), now()).await.unwrap_err();
    let ErrorKind::Invalid(text) = refused.kind() else {
        panic!("{refused:?}");
    };
    assert_eq!(text, "the column \"fs_token_uniquifier\" needs a value");
    new.fs_token_uniquifier = Some("t2".to_owned());
    new.fs_webauthn_user_handle = Some("no such column, left out".to_owned());
    new.roles = vec!["editor".to_owned()];
    new.columns.extra.insert("security_number".to_owned(), json!(18));
    new.columns.extra.insert("Full Name".to_owned(), json!("Ann"));
    new.columns.extra.insert("newsletter".to_owned(), json!(false));
    new.columns.extra.insert("height".to_owned(), json!(1.75));
    let ann = store.create_user(new.clone(), now()).await.unwrap();
    assert_eq!(ann.extra.get("newsletter"), Some(&json!(false)));
    assert_eq!(ann.extra.get("birthday"), Some(&json!(null)));
    new.email = "two@lp.com".to_owned();
    new.fs_uniquifier = "u3".to_owned();
    new.fs_token_uniquifier = Some("t3".to_owned());
    let taken = store.create_user(new.clone(), now()).await.unwrap_err();
    assert_eq!(taken.conflict(), Some("security_number"));
    new.username = Some("two".to_owned());
    let refused = store.create_user(new, now()).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Invalid(_)));

    let mut patch = UserPatch::default();
    patch.extra.insert("Full Name".to_owned(), json!("Ann B"));
    patch.extra.insert("birthday".to_owned(), json!("1999-12-31"));
    assert!(store.update_user(ann.id, patch, now()).await.unwrap());
    let ann = store.user_by_id(ann.id).await.unwrap().unwrap();
    assert_eq!(ann.extra.get("Full Name"), Some(&json!("Ann B")));
    assert_eq!(ann.extra.get("birthday"), Some(&json!("1999-12-31")));
    assert!(store.reset_user_access(ann.id, "u4", "t4", now()).await.unwrap());
    assert!(store.user_by_token_uniquifier("t2").await.unwrap().is_none());
    assert!(store.user_by_token_uniquifier("t4").await.unwrap().is_some());

    let permissions = ["p".to_owned()];
    let refused = store.add_permissions("editor", &permissions, now()).await;
    assert!(matches!(refused.unwrap_err().kind(), ErrorKind::Invalid(_)));
    let role = store.create_role("plain", None, None, now()).await.unwrap();
    assert!(role.permissions.is_empty());
    let query = UserQuery { search: Some("lp.com".to_owned()), ..UserQuery::default() };
    assert_eq!(store.users_page(&query).await.unwrap().items.len(), 2);
    assert!(store.delete_user(ann.id).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_models_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    run_in_file(&path, &for_sqlite(CUSTOM));
    let store = Store::open(file_options(&path).names(custom_names())).await.unwrap();
    custom_story(&store).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_models_on_postgres() {
    let url = SERVER.fresh_database().unwrap();
    SERVER.execute(&url, &for_postgres(CUSTOM)).unwrap();
    let options = common::url_options(&url).names(custom_names());
    let store = Store::open(options).await.unwrap();
    custom_story(&store).await;
    store.close().await;
}

/// What is created is the newest schema under the names that were asked for.
#[tokio::test(flavor = "multi_thread")]
async fn creation_follows_the_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let store = Store::open(file_options(&path).names(custom_names())).await.unwrap();
    assert_eq!(store.describe().version, "fsqla v4");
    conformance::run(&store).await;
    store.close().await;
    let url = SERVER.fresh_database().unwrap();
    let options = common::url_options(&url).names(custom_names());
    let store = Store::open(options.clone()).await.unwrap();
    conformance::run(&store).await;
    store.close().await;
    let again = Store::open(options.create(CreateMode::Never)).await;
    assert_eq!(again.unwrap().describe().version, "fsqla v4");
}
