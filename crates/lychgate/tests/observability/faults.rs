//! T145, T149, T150: what people see when something breaks, and that it is whole again afterwards.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lychgate::store::{OpenOptions, Store, testing::PgServer};
use lychgate_testkit::{Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::json;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
};

const ON: &str = "[security]\nrecoverable = true\nreset_password_within = 3600\nregisterable = true\naudit = true\n\
                  [csrf]\nenabled = false\n";

/// T145, T150: without the database nobody gets in, the reply says when to come again and nothing of what is wrong.
#[tokio::test]
async fn without_the_database_doors_stay_shut() {
    let app = TestApp::builder().toml(ON).real_texts().start().await;
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    app.store().close().await;
    let body = json!({"email": "joe@lp.com", "password": PASSWORD});
    let json = app.browser().post_json("/login", body.clone()).await;
    let page = app.browser().post_form("/login", &[("email", "joe@lp.com"), ("password", PASSWORD)]).await;
    let reset = app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let inside = joe.get_json("/change").await;
    for reply in [&json, &page, &reset] {
        assert_eq!(reply.status(), 503, "{}", reply.text());
        assert!(reply.header("retry-after").parse::<u32>().unwrap() >= 1);
        assert!(reply.set_cookie("remember_token").is_none());
        for word in ["sqlite", "SQL", "store", "panicked", ".rs", "closed"] {
            assert!(!reply.text().contains(word), "{word}: {}", reply.text());
        }
    }
    assert!(matches!(inside.status(), 401 | 404 | 503), "nobody is taken for somebody: {}", inside.text());
    assert!(!inside.text().contains("joe@lp.com"));
}

/// T145: a page that cannot be shown is a number that the log knows.
#[tokio::test]
async fn a_broken_template_says_a_number_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("security")).unwrap();
    std::fs::write(folder.path().join("security/login_user.html"), "{{ secret_inside }} {% if %}").unwrap();
    let toml = format!("templates = {:?}\n", folder.path().display().to_string());
    let app = TestApp::builder().toml(&toml).toml(ON).real_texts().start().await;
    let reply = app.browser().call("GET", "/login").header("x-request-id", "the-broken-page").send().await;
    assert_eq!(reply.status(), 500, "{}", reply.text());
    assert!(reply.text().contains("the-broken-page"), "{}", reply.text());
    let folder = folder.path().display().to_string();
    for word in ["secret_inside", "syntax", "minijinja", "login_user", folder.as_str()] {
        assert!(!reply.text().contains(word), "{word}: {}", reply.text());
    }
    assert_eq!(
        app.browser().post_json("/login", json!({"email": "joe@lp.com", "password": PASSWORD})).await.status(),
        200
    );
}

/// T149: a clock that jumps revives nothing that was used or ended, and locks nobody out once it is right again.
#[rstest]
#[tokio::test]
async fn a_clock_that_jumps_revives_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    const HOUR: i64 = 3600;
    const YEAR: i64 = 365 * 24 * HOUR;
    let app = TestApp::builder().toml(ON).on(database).start().await;
    let login = |password: &str| json!({"email": "joe@lp.com", "password": password});
    let mut ended = app.browser();
    ended.sign_in("joe@lp.com").await;
    let copy = ended.clone();
    ended.post_json("/logout", json!({})).await;
    app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let link = app.mailed_link("/reset").await;
    let new = json!({"password": "nobody guesses this phrase", "password_confirm": "nobody guesses this phrase"});
    assert_eq!(app.browser().post_json(&link, new.clone()).await.status(), 200);
    let mut live = app.browser();
    assert_eq!(live.post_json("/login", login("nobody guesses this phrase")).await.status(), 200);
    let before = live.clone();
    for jump in [-HOUR, HOUR, YEAR, -YEAR, 61, -61] {
        app.advance(jump);
        app.gate().tidy().await.unwrap();
        assert_eq!(copy.clone().who().await, "nobody", "an ended session after {jump}");
        let again = app.browser().post_json(&link, new.clone()).await;
        assert_eq!(again.status(), 400, "a used link after {jump}: {}", again.text());
        let mut fresh = app.browser();
        let reply = fresh.post_json("/login", login("nobody guesses this phrase")).await;
        assert_eq!(reply.status(), 200, "after {jump}: {}", reply.text());
        assert_eq!(fresh.who().await, "joe@lp.com", "after {jump}");
    }
    // A year in the future it had expired, and was swept away with what had.
    assert_eq!(before.clone().who().await, "nobody", "what was forgotten stays so");
}

/// A way to the database that can be cut and mended.
struct Wire {
    address: SocketAddr,
    is_cut: Arc<AtomicBool>,
    cut: Arc<Notify>,
}

impl Wire {
    async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self { address: listener.local_addr().unwrap(), is_cut: Arc::default(), cut: Arc::default() };
        let (is_cut, cut) = (Arc::clone(&wire.is_cut), Arc::clone(&wire.cut));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                let cut = Arc::clone(&cut);
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(target).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        () = cut.notified() => {}
                    }
                });
            }
        });
        wire
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.cut.notify_waiters();
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

/// T150: PostgreSQL is gone: 503 and when to come again, for known and unknown names alike, and nobody gets in. It is back:
/// everything works, the sessions of before too, without a new start.
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_goes_and_comes_back() {
    let server = PgServer::start().unwrap();
    let url = server.fresh_database().unwrap();
    let (before, place) = url.split_once('@').unwrap();
    let (target, database) = place.split_once('/').unwrap();
    let wire = Wire::to(target.parse().unwrap()).await;
    let mut options = OpenOptions::new(format!("{before}@{}/{database}", wire.address).parse().unwrap());
    options.busy_timeout = Duration::from_secs(5);
    let store = Store::open(options).await.unwrap();
    let app = TestApp::builder().toml(ON).configure(move |builder| builder.store(store)).start().await;
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    wire.cut();
    for email in ["joe@lp.com", "nobody@lp.com"] {
        let reply = app.browser().post_json("/login", json!({"email": email, "password": PASSWORD})).await;
        assert_eq!(reply.status(), 503, "{email}: {}", reply.text());
        assert!(reply.header("retry-after").parse::<u32>().unwrap() >= 1);
        assert!(!reply.text().contains("postgres") && !reply.text().contains("connection"), "{}", reply.text());
    }
    let who = joe.clone().call("GET", "/whoami").header("accept", "application/json").send().await;
    assert!(!who.text().contains("joe@lp.com"), "nothing old is taken for true: {}", who.text());
    wire.mend();
    assert_eq!(joe.who().await, "joe@lp.com");
    app.browser().sign_in("joe@lp.com").await;
    app.store().close().await;
}

/// The hashing queue is full: 503 and when to come again, and what needs no hash goes on.
#[tokio::test]
async fn a_full_hashing_queue_asks_to_come_again() {
    let first = TestApp::builder().toml(ON).start().await;
    let mut joe = first.browser();
    joe.sign_in("joe@lp.com").await;
    let full =
        TestApp::builder().sharing(&first).toml(ON).configure(|builder| builder.max_waiting_hashes(0)).start().await;
    for email in ["joe@lp.com", "nobody@lp.com"] {
        let reply = full.browser().post_json("/login", json!({"email": email, "password": PASSWORD})).await;
        assert_eq!((reply.status(), reply.header("retry-after")), (503, "5"), "{email}: {}", reply.text());
    }
    let mut elsewhere = full.browser();
    elsewhere.set_cookie("session", joe.cookie("session").unwrap());
    assert_eq!(elsewhere.who().await, "joe@lp.com");
}
