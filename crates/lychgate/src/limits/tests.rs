//! Every place that keeps counts comes to the same results.

#![allow(clippy::unwrap_used)]

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use lychgate_store::{Counting, OpenOptions, RateRule, Store, testing::PgServer};
use rstest::rstest;
use time::{Duration, OffsetDateTime};

use super::{Limits, memory::Memory, network, redis::Redis, store::LimitStore};
use crate::Settings;

const ALL: [Counting; 3] = [Counting::Fixed, Counting::Sliding, Counting::Gcra];

fn start() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(1_795_311_830_123_456_000).unwrap()
}

/// A server of our own on a socket in a folder of our own.
struct RedisServer {
    child: Child,
    folder: tempfile::TempDir,
}

impl RedisServer {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Self::run(folder.path());
        Self { child, folder }
    }

    fn run(folder: &Path) -> Child {
        let socket = folder.join("redis.sock");
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(&socket);
        let child = command.arg("--dir").arg(folder).stdout(Stdio::null()).spawn().unwrap();
        // It is there as soon as it can be connected to.
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            std::thread::yield_now();
        }
        child
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.path().join("redis.sock").display())
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn sql(url: &str) -> Store {
    Store::open(OpenOptions::new(url.parse().unwrap())).await.unwrap()
}

/// A clock that mostly goes on, sometimes stands still and twice goes back.
async fn as_the_arithmetic(place: &dyn LimitStore, counting: Counting) {
    for (most, per) in [(1, Duration::SECOND), (7, Duration::MINUTE), (1000, Duration::days(366))] {
        let rule = RateRule::new(counting, most, per).unwrap();
        let key = format!("same/{counting:?}/{most}");
        let (mut kept, mut now) = (None, start());
        for step in 0_i32..60 {
            let cost = [1, 1, 3, 1, 200][step as usize % 5];
            let (expected, after) = rule.spend(kept, cost, now);
            let spent = place.spend(&key, &rule, cost, now).await.unwrap();
            if expected {
                kept = Some(after);
            }
            assert_eq!((spent.admitted, spent.state), (expected, kept), "{place:?} {counting:?} {most} {step}");
            assert_eq!(place.look(&key).await.unwrap(), kept, "{place:?} {counting:?} {most} {step}");
            now += match step {
                20 => -per,
                40 => -per * 30,
                50 => per * 5,
                _ => per * (step * step % 19) / 100,
            };
        }
    }
}

async fn race(place: &dyn LimitStore, counting: Counting) {
    let rule = RateRule::new(counting, 5, Duration::HOUR).unwrap();
    let all = (0..40).map(|_| place.spend("race", &rule, 1, start()));
    let spent = futures_util::future::join_all(all).await;
    let admitted = spent.into_iter().filter(|spent| spent.as_ref().unwrap().admitted).count();
    assert_eq!(admitted, 5, "{place:?} {counting:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_sqlite_postgresql_and_redis_agree() {
    let folder = tempfile::tempdir().unwrap();
    let (redis, pg) = (RedisServer::start(), PgServer::start().unwrap());
    let places: [Box<dyn LimitStore>; 4] = [
        Box::new(Memory::new()),
        Box::new(sql(&format!("sqlite:///{}", folder.path().join("app.db").display())).await),
        Box::new(sql(&pg.fresh_database().unwrap()).await),
        Box::new(Redis::new(&redis.url()).unwrap()),
    ];
    for place in &places {
        for counting in ALL {
            as_the_arithmetic(&**place, counting).await;
        }
        race(&**place, Counting::Gcra).await;
    }
}

#[tokio::test]
async fn memory_stays_within_its_bounds() {
    let (memory, rule) = (Memory::new(), RateRule::new(Counting::Gcra, 5, Duration::HOUR).unwrap());
    let day = RateRule::new(Counting::Fixed, 1, Duration::DAY).unwrap();
    assert!(memory.spend("kept", &day, 1, start()).await.unwrap().admitted);
    for number in 0..300_000 {
        memory.spend(&format!("net/{number}"), &rule, 1, start()).await.unwrap();
    }
    assert!(memory.len() <= 16 * 8_192, "{}", memory.len());
    assert!(!memory.spend("kept", &day, 1, start()).await.unwrap().admitted, "what ends late is kept longest");
}

async fn limits(toml: &str) -> Limits {
    let base = "secret_key = 'a key of the tests of limits, 36 bytes'\n[security]\npassword_salt = 'a salt of the tests of limits'\n";
    let settings = Settings::builder().toml("base", base).toml("test", toml).build().unwrap();
    let store = sql("sqlite://").await;
    Limits::from_settings(&settings, &store).unwrap()
}

#[rstest]
#[case::memory("", 2)]
#[case::open("swallow_errors = true", 3)]
#[case::closed("in_memory_fallback_enabled = false", 0)]
#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_gone(#[case] more: &str, #[case] admitted: usize) {
    let mut redis = RedisServer::start();
    let limits = limits(&format!("[limits]\nstorage_uri = '{}'\n{more}\n", redis.url())).await;
    let rules = super::parse("2/hour", Counting::Fixed).unwrap();
    assert!(limits.spend("a", &rules, 1, start()).await[0].admitted);
    redis.stop();
    let mut count = 0;
    for _ in 0..3 {
        count += usize::from(limits.spend("b", &rules, 1, start()).await[0].admitted);
    }
    assert_eq!(count, admitted);
    // After a while it is asked again; the first question may find the old connection dead.
    redis.child = RedisServer::run(redis.folder.path());
    for tens in 1..=5 {
        limits.spend("c", &rules, 1, start() + Duration::seconds(10 * tens)).await;
    }
    assert!(limits.place.look("c/f3600").await.unwrap().is_some());
}

#[test]
fn one_customer_is_one_address() {
    let of = |text: &str| network(Some(text.parse().unwrap()));
    assert_eq!(of("2001:db8::1"), of("2001:0db8:0:0:ffff::2"));
    assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
}
