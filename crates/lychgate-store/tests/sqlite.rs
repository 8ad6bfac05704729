//! SQLite: the suite, and what is particular to a file.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use common::{file_options, for_sqlite, now, open_file, run_in_file};
use lychgate_store::{
    CreateMode, DatabaseUrl, ErrorKind, JournalMode, NewSession, NewUser, OpenError, OpenOptions, SchemaNames, Store,
    UserPatch, UserQuery, conformance,
};
use rstest::rstest;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("app.db")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suite_on_a_new_file() {
    let folder = Folder::new();
    let store = open_file(&folder.file()).await;
    assert_eq!(store.describe().version, "fsqla v4");
    conformance::run(&store).await;
    store.close().await;
    let left: Vec<_> = std::fs::read_dir(folder.0.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "the log is merged and gone: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn suite_with_a_rollback_journal() {
    let folder = Folder::new();
    let mut options = file_options(&folder.file());
    options.journal = JournalMode::Keep;
    let store = Store::open(options).await.unwrap();
    assert_eq!(store.describe().journal_mode.as_deref(), Some("delete"));
    conformance::run(&store).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suite_in_memory() {
    let store = Store::open(OpenOptions::new("sqlite://".parse().unwrap())).await.unwrap();
    conformance::run(&store).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suite_with_one_reading_connection() {
    let folder = Folder::new();
    let mut options = file_options(&folder.file());
    options.max_connections = 1;
    let store = Store::open(options).await.unwrap();
    conformance::run(&store).await;
    store.close().await;
}

#[tokio::test]
async fn a_runtime_of_one_thread_will_do() {
    let folder = Folder::new();
    let store = open_file(&folder.file()).await;
    let new = NewUser::new("joe@lp.com", "u1");
    let joe = store.create_user(new, now()).await.unwrap();
    assert_eq!(store.users_page(&Default::default()).await.unwrap().items, [joe]);
    store.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = open_file(&folder.file()).await;
    let mode = std::fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    store.close().await;
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let folder = Folder::new();
    let store = open_file(&folder.file()).await;
    let clone = store.clone();
    store.close().await;
    store.close().await;
    let read = clone.user_by_id(1).await.unwrap_err();
    assert_eq!(*read.kind(), ErrorKind::Unavailable);
    let write = clone.meta_set("k", "v").await.unwrap_err();
    assert_eq!(*write.kind(), ErrorKind::Unavailable);
    assert!(clone.ping().await.is_err());
}

/// A row that another program wrote is seen at the next look-up, though a copy is kept.
#[tokio::test(flavor = "multi_thread")]
async fn writes_of_others_are_seen_at_once() {
    let folder = Folder::new();
    let store = open_file(&folder.file()).await;
    store.create_role("editor", None, None, now()).await.unwrap();
    let joe = NewUser::new("joe@lp.com", "u1");
    let joe = store.create_user(joe, now()).await.unwrap();
    let session = NewSession {
        sid: "s1".to_owned(),
        user_id: joe.id,
        created_at: now(),
        expires_at: now() + time::Duration::DAY,
        address: None,
        user_agent: None,
        via: "password".to_owned(),
        remembered: false,
    };
    assert!(store.open_session(session).await.unwrap());
    let other = rusqlite::Connection::open(folder.file()).unwrap();
    for round in 0..50 {
        let active = round % 2 == 0;
        other.execute("UPDATE user SET active = $1", [active]).unwrap();
        let user = store.user_by_uniquifier("u1").await.unwrap().unwrap();
        assert_eq!(user.active, active);
    }
    other.execute("INSERT INTO roles_users VALUES (1, 1)", []).unwrap();
    let user = store.user_by_uniquifier("u1").await.unwrap().unwrap();
    assert!(user.has_role("editor"));
    assert!(store.session("s1").await.unwrap().is_some());
    other.execute("DELETE FROM lychgate_sessions", []).unwrap();
    assert!(store.session("s1").await.unwrap().is_none());

    // And so are those of a second store on the same file.
    let second = open_file(&folder.file()).await;
    let patch = UserPatch { active: Some(false), ..UserPatch::default() };
    assert!(second.update_user(joe.id, patch, now()).await.unwrap());
    let user = store.user_by_uniquifier("u1").await.unwrap().unwrap();
    assert!(!user.active);
    second.close().await;
    store.close().await;
}

/// Holds a lock on the file in a thread of its own until it is told to let go.
struct Lock {
    release: mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Lock {
    fn take(path: &Path) -> Self {
        let connection = rusqlite::Connection::open(path).unwrap();
        let (release, released) = mpsc::channel();
        let (locked, wait) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
            locked.send(()).unwrap();
            let _ = released.recv();
            connection.execute_batch("COMMIT").unwrap();
        });
        wait.recv().unwrap();
        Self { release, thread }
    }

    fn release(self) {
        self.release.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

const A_WHILE: Duration = Duration::from_millis(1000);

#[rstest]
#[case(JournalMode::Wal)]
#[case(JournalMode::Keep)]
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_makes_requests_wait(#[case] journal: JournalMode) {
    let folder = Folder::new();
    let mut options = file_options(&folder.file());
    options.journal = journal;
    let store = Store::open(options).await.unwrap();
    let joe = NewUser::new("joe@lp.com", "u1");
    let joe = store.create_user(joe, now()).await.unwrap();
    let lock = Lock::take(&folder.file());

    let mut writes = Vec::new();
    for number in 0..20 {
        let store = store.clone();
        writes.push(tokio::spawn(async move { store.meta_set(&format!("k{number}"), "v").await }));
    }
    let reader = store.clone();
    let mut read = tokio::spawn(async move {
        let first = reader.user_by_uniquifier("u1").await?;
        let list = reader.users_page(&Default::default()).await?.items;
        Ok::<_, lychgate_store::StoreError>((first, list.len()))
    });
    if journal == JournalMode::Wal {
        // Readers see the last commit meanwhile.
        let (user, users) = read.await.unwrap().unwrap();
        assert_eq!((user, users), (Some(joe), 1));
        let waited = tokio::time::timeout(A_WHILE, &mut writes[0]).await;
        assert!(waited.is_err(), "the lock was not there");
        lock.release();
    } else {
        let waited = tokio::time::timeout(A_WHILE, &mut read).await;
        assert!(waited.is_err(), "the lock was not there");
        lock.release();
        let (user, users) = read.await.unwrap().unwrap();
        assert_eq!((user, users), (Some(joe), 1));
    }
    for write in writes {
        write.await.unwrap().unwrap();
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_beyond_patience_is_busy() {
    let folder = Folder::new();
    let mut options = file_options(&folder.file());
    options.busy_timeout = Duration::from_millis(50);
    let store = Store::open(options).await.unwrap();
    let lock = Lock::take(&folder.file());
    let busy = store.meta_set("k", "v").await.unwrap_err();
    assert_eq!(*busy.kind(), ErrorKind::Busy);
    lock.release();
    store.meta_set("k", "v").await.unwrap();
    store.close().await;
}

async fn refused(options: OpenOptions) -> OpenError {
    let error = Store::open(options).await.unwrap_err();
    let text = error.to_string();
    assert!(text.lines().count() == 1 && text.len() < 300, "{text}");
    error
}

#[tokio::test]
async fn each_refusal_is_one_clear_line() {
    let folder = Folder::new();
    let path = folder.file();
    let never = |path: &Path| file_options(path).create(CreateMode::Never);

    let text = refused(never(&path)).await.to_string();
    assert_eq!(text, format!("cannot open the database: there is no file \"{}\"", path.display()));
    let text = refused(file_options(&folder.0.path().join("no/app.db"))).await;
    assert!(text.to_string().contains("there is no folder"), "{text}");
    let text = refused(file_options(folder.0.path())).await.to_string();
    assert!(text.ends_with("is a folder"), "{text}");

    std::fs::write(&path, "this is a letter, and not a short one, but no database at all").unwrap();
    let text = refused(file_options(&path)).await.to_string();
    assert!(text.ends_with("is not an SQLite database"), "{text}");
    std::fs::remove_file(&path).unwrap();

    run_in_file(&path, "CREATE TABLE other (id INTEGER)");
    let missing = |table: &str, hint: &str| OpenError::MissingTable { table: table.to_owned(), hint: hint.to_owned() };
    assert_eq!(
        refused(never(&path)).await,
        missing("user", "none of the application's tables exist and none are to be created")
    );
    run_in_file(&path, "CREATE TABLE user (id INTEGER, email TEXT)");
    let text = refused(file_options(&path)).await;
    assert_eq!(text, missing("role", "the schema is incomplete: found only \"user\""));
    run_in_file(
        &path,
        "CREATE TABLE role (id INTEGER, name TEXT); CREATE TABLE roles_users (user_id INTEGER, role_id INTEGER)",
    );
    assert_eq!(
        refused(file_options(&path)).await.to_string(),
        "the table \"user\" has no column \"password\", which Lychgate needs"
    );
    std::fs::remove_file(&path).unwrap();

    let v4 = for_sqlite(include_str!("fixtures/fsqla_v4.sql"));
    run_in_file(&path, &v4);
    let mut names = SchemaNames { webauthn: Some("keys".to_owned()), ..SchemaNames::default() };
    let text = refused(file_options(&path).names(names.clone())).await;
    assert_eq!(text, missing("keys", "it is given as the name of the webauthn table"));
    names.user = "user\"; DROP TABLE role; --".to_owned();
    let text = refused(file_options(&path).names(names)).await;
    assert!(matches!(text, OpenError::Name(_)));

    let store = open_file(&path).await;
    store.close().await;
    run_in_file(&path, "UPDATE lychgate_meta SET value = '99' WHERE key = 'schema_version'");
    assert_eq!(
        refused(file_options(&path)).await.to_string(),
        "newer schema: Lychgate's tables have version 99, this program knows 1; use a newer Lychgate"
    );

    let lock = Lock::take(&path);
    let mut options = file_options(&path);
    options.busy_timeout = Duration::from_millis(20);
    options.journal = JournalMode::Keep;
    let text = Store::open(options).await.map(drop);
    lock.release();
    // In WAL mode a lock keeps nobody from looking, so the version is still what is wrong.
    assert!(matches!(text, Err(OpenError::NewerSchema { .. })), "{text:?}");
}

/// A look-up by address or name has an index to use, in any case.
#[tokio::test]
async fn sign_in_reads_no_whole_table() {
    let folder = Folder::new();
    run_in_file(&folder.file(), &for_sqlite(include_str!("fixtures/fsqla_v1.sql")));
    open_file(&folder.file()).await.close().await;
    let connection = rusqlite::Connection::open(folder.file()).unwrap();
    for condition in ["lower(u.\"email\") = lower($1)", "lower(u.\"username\") = lower($1)", "u.id = $1"] {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT u.id, r.name FROM \"user\" u LEFT JOIN roles_users x ON x.user_id = u.id \
             LEFT JOIN role r ON r.id = x.role_id WHERE {condition} ORDER BY u.id"
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let plan: Vec<String> =
            statement.query_map(["x"], |row| row.get("detail")).unwrap().collect::<Result<_, _>>().unwrap();
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{plan:?}");
    }
}

#[tokio::test]
async fn rows_of_the_applications_own_keep_a_user() {
    let folder = Folder::new();
    let store = open_file(&folder.file()).await;
    let joe = NewUser::new("joe@lp.com", "u1");
    let joe = store.create_user(joe, now()).await.unwrap();
    run_in_file(&folder.file(), "CREATE TABLE post (author INTEGER REFERENCES user (id)); INSERT INTO post VALUES (1)");
    let refused = store.delete_user(joe.id).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Referenced);
    assert!(store.user_by_id(joe.id).await.unwrap().is_some());
    store.close().await;
}

#[test]
fn urls_and_paths_name_the_same_file() {
    let url: DatabaseUrl = "sqlite:////srv/app.db".parse().unwrap();
    assert_eq!(url.file(), DatabaseUrl::sqlite_path(Path::new("/srv/app.db")).file());
}

/// What many have is not collected first, and is found all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_name_that_many_have() {
    let folder = Folder::new();
    open_file(&folder.file()).await.close().await;
    run_in_file(
        &folder.file(),
        "INSERT INTO \"user\" (id, email, active, fs_uniquifier) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL \
         SELECT n + 1 FROM c WHERE n < 1200) SELECT n, 'user' || n || '@example.com', 1, 'u' || n FROM c;",
    );
    let store = open_file(&folder.file()).await;
    for (part, expected) in [("EXAMPLE", 1200), ("r12", 12), ("r1200@", 1), ("nobody", 0)] {
        let mut query = UserQuery { search: Some(part.to_owned()), limit: 700, ..UserQuery::default() };
        let mut seen = 0;
        loop {
            let page = store.users_page(&query).await.unwrap();
            seen += page.items.len();
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "{part}");
        assert_eq!(store.count_users_matching(&query, 5000).await.unwrap(), i64::try_from(expected).unwrap(), "{part}");
    }
    store.close().await;
}
