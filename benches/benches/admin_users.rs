//! Lists of users where there are many: `cargo bench -p benches --bench admin_users`. `USERS` says how many, a million
//! without it. On SQLite, and on PostgreSQL where its programs are installed.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use lychgate_store::{OpenOptions, Store, UserQuery, UserSort, testing::PgServer};

/// Every hundredth is inactive, every tenth an editor, the first ten are administrators; half have signed in.
const FILL: &str = "
INSERT INTO role (id, name) VALUES (1, 'admin'), (2, 'editor');
INSERT INTO \"user\" (id, email, username, active, fs_uniquifier, current_login_at)
  SELECT n, NAME || n || '@example.com', NAME || n, n % 100 <> 0, 'u' || n, CASE WHEN n % 2 = 0 THEN AT END FROM numbers;
INSERT INTO roles_users (user_id, role_id) SELECT n, 1 FROM numbers WHERE n <= 10;
INSERT INTO roles_users (user_id, role_id) SELECT n, 2 FROM numbers WHERE n % 10 = 0;
";

/// Names that do not begin all alike.
const NAMES: &str = "substr('bcdfghjklm', (n / 7) % 10 + 1, 1) || substr('aeiou', (n / 3) % 5 + 1, 1) || 'n'";

fn sql(at: &str) -> String {
    FILL.replace("NAME", NAMES).replace("AT END", &format!("{at} END"))
}

fn questions(users: i64) -> Vec<(&'static str, UserQuery)> {
    let all = || UserQuery { limit: 25, ..UserQuery::default() };
    let prefix = |text: &str| UserQuery { prefix: Some(text.to_owned()), ..all() };
    let search = |text: &str| UserQuery { search: Some(text.to_owned()), ..all() };
    let last = |sort| UserQuery { sort, descending: true, ..all() };
    vec![
        ("first page", all()),
        ("a page near the end", UserQuery { after: Some((users - 100).to_string()), ..all() }),
        ("by address", UserQuery { sort: UserSort::Email, ..all() }),
        ("by last sign-in, the latest first", last(UserSort::LastSignIn)),
        ("begins with one letter", prefix("b")),
        ("begins with a whole name", prefix("ban777")),
        ("nobody begins so", prefix("zzz")),
        ("holds a part that many have", search("example")),
        ("holds a part that nobody has", search("nowhere")),
        ("a role of ten", UserQuery { role: Some("admin".to_owned()), ..all() }),
        ("a role of every tenth", UserQuery { role: Some("editor".to_owned()), ..all() }),
        ("inactive", UserQuery { active: Some(false), ..all() }),
        ("inactive, by address", UserQuery { active: Some(false), sort: UserSort::Email, ..all() }),
        ("with a second factor, which nobody has", UserQuery { second_factor: Some(true), ..all() }),
    ]
}

async fn measure(store: &Store, users: i64) {
    for (name, query) in questions(users) {
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..5 {
            let begin = Instant::now();
            let page = store.users_page(&query).await.unwrap();
            times.push(begin.elapsed());
            assert!(page.items.len() <= 25);
        }
        times.sort();
        println!("  {name:42} {:9.2} ms", times[2].as_secs_f64() * 1000.0);
    }
}

#[tokio::main]
async fn main() {
    let users: i64 = std::env::var("USERS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.db");
    let url = format!("sqlite:///{}", file.display());
    Store::open(OpenOptions::new(url.parse().unwrap())).await.unwrap().close().await;
    let numbers =
        format!("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {users}) SELECT n FROM c");
    let fill = format!("CREATE TEMP TABLE numbers AS {numbers}; {}", sql("datetime(1700000000 + n, 'unixepoch')"));
    rusqlite::Connection::open(&file).unwrap().execute_batch(&fill).unwrap();
    let store = Store::open(OpenOptions::new(url.parse().unwrap())).await.unwrap();
    println!("SQLite, {users} users");
    measure(&store, users).await;
    store.close().await;

    let server = match PgServer::start() {
        Ok(server) => server,
        Err(why) => return println!("no PostgreSQL: {why}"),
    };
    let url = server.fresh_database().unwrap();
    Store::open(OpenOptions::new(url.parse().unwrap())).await.unwrap().close().await;
    let numbers = format!("SELECT n FROM generate_series(1, {users}) n");
    let fill = format!("CREATE TEMP TABLE numbers AS {numbers}; {}; ANALYZE", sql("to_timestamp(1700000000 + n)"));
    server.execute(&url, &fill).unwrap();
    let store = Store::open(OpenOptions::new(url.parse().unwrap())).await.unwrap();
    println!("PostgreSQL, {users} users");
    measure(&store, users).await;
    store.close().await;
}
