//! T53, T54, T63: sessions before, beside and after another one.

use lychgate_testkit::{Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::json;

use crate::second_factor::{ON, enrol};

#[rstest]
#[tokio::test]
async fn t54_signing_out_counts_for_every_process(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = TestApp::builder().toml(ON).on(database).start().await;
    let other = TestApp::builder().toml(ON).sharing(&app).start().await;
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    let mut copy = other.browser();
    copy.set_cookie("session", joe.cookie("session").unwrap());
    assert_eq!(copy.who().await, "joe@lp.com");
    joe.post_json("/logout", json!({})).await;
    // PostgreSQL announces what changed; however long that takes here, it is all there is to wait for.
    let gone = async {
        while copy.who().await != "nobody" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), gone).await.unwrap();
}

#[tokio::test]
async fn t53_a_session_that_was_planted_stays_a_strangers() {
    let app = TestApp::builder().toml(ON).start().await;
    let mut attacker = app.browser();
    attacker.get("/login").await;
    let planted = attacker.cookie("session").unwrap().to_owned();
    let mut victim = app.browser();
    victim.set_cookie("session", &planted);
    victim.sign_in("joe@lp.com").await;
    assert_ne!(victim.cookie("session").unwrap(), planted);
    assert_eq!((victim.who().await.as_str(), attacker.who().await.as_str()), ("joe@lp.com", "nobody"));
}

#[tokio::test]
async fn t63_a_second_sign_in_that_stops_half_way_is_nobody_else() {
    let app = TestApp::builder().toml(ON).start().await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    for path in ["/login", "/verify"] {
        browser.post_json(path, json!({"email": "gal@lp.com", "password": PASSWORD})).await;
        assert_ne!(browser.who().await, "gal@lp.com", "{path}");
        // What joe had proved is not gal's.
        let setup = browser.get_json("/tf-setup").await;
        assert!(!setup.text().contains("gal@lp.com"), "{}", setup.text());
    }
}
