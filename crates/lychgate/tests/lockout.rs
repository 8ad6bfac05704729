//! Wrong passwords in a row: waits that grow, and that nobody can use to lock somebody else out.
#![allow(clippy::unwrap_used)]

mod second_factor;

use axum::{Router, routing::get};
use lychgate::guard;
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp, at_once, link_in};
use rstest::rstest;
use serde_json::json;

fn app() -> AppBuilder {
    let basic = |routes: Router| routes.route("/basic", get(async || "in").route_layer(guard::basic()));
    TestApp::builder()
        .toml(
            "[csrf]\nenabled = false\n[security]\nnotify_new_device = true\nrecoverable = true\n[limits]\nenabled = true\n\
             lockout_after = 3\nlockout_after_all = 6",
        )
        .routes(basic)
}

fn from(app: &TestApp, address: &str) -> Browser {
    let mut browser = app.browser();
    browser.peer = (address.parse::<std::net::IpAddr>().unwrap(), 50_000).into();
    browser
}

async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> Reply {
    browser.post_json("/login", json!({"email": email, "password": password})).await
}

/// Types wrong passwords for `email`, three from each of so many addresses.
async fn attack(app: &TestApp, email: &str, addresses: std::ops::Range<u8>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for at in addresses {
        let mut browser = from(app, &format!("198.51.100.{at}"));
        for _ in 0..3 {
            statuses.push(sign_in(&mut browser, email, "wrong").await.status());
        }
    }
    statuses
}

#[rstest]
#[tokio::test]
async fn the_wait_doubles_for_accounts_and_for_strangers(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("joe@lp.com", "nobody@lp.com")] email: &str,
) {
    let app = app().on(database).start().await;
    let mut browser = app.browser();
    for _ in 0..3 {
        assert_eq!(sign_in(&mut browser, email, "wrong").await.status(), 400);
    }
    for wait in [15, 30, 60] {
        let refused = sign_in(&mut browser, &email.to_uppercase(), "wrong").await;
        let seconds: i64 = refused.header("retry-after").parse().unwrap();
        assert_eq!((refused.status(), seconds), (429, wait), "{}", refused.text());
        // Not looked at, so it costs nothing; and the right one is not looked at either.
        assert_eq!(sign_in(&mut browser, email, PASSWORD).await.status(), 429);
        app.advance(wait);
        assert_eq!(sign_in(&mut browser, email, "wrong").await.status(), 400);
    }
    // By time it is all forgotten.
    app.advance(86_400);
    assert_eq!(sign_in(&mut browser, email, "wrong").await.status(), 400);
    assert_eq!(sign_in(&mut browser, email, "wrong").await.status(), 400);
}

#[tokio::test]
async fn the_owner_gets_in_where_strangers_wait() {
    let app = app().start().await;
    let mut home = from(&app, "192.0.2.1");
    assert_eq!(sign_in(&mut home, "joe@lp.com", PASSWORD).await.status(), 200);
    home.post_json("/logout", json!({})).await;
    assert_eq!(attack(&app, "joe@lp.com", 1..3).await, [400; 6]);
    // From anywhere else one waits now, whether or not it is the owner.
    assert_eq!(sign_in(&mut from(&app, "203.0.113.5"), "joe@lp.com", PASSWORD).await.status(), 429);
    // Who has signed in with this browser before does not, and has a count of their own.
    assert_eq!(sign_in(&mut home, "joe@lp.com", "typo").await.status(), 400);
    assert_eq!(sign_in(&mut home, "joe@lp.com", PASSWORD).await.status(), 200);
    // That lifted nothing for strangers, and neither does a success with another account from the same place.
    let mut stranger = from(&app, "198.51.100.1");
    assert_eq!(sign_in(&mut stranger, "gene@lp.com", PASSWORD).await.status(), 200);
    assert_eq!(sign_in(&mut from(&app, "198.51.100.1"), "joe@lp.com", "wrong").await.status(), 429);
    // Others are not concerned.
    assert_eq!(sign_in(&mut from(&app, "203.0.113.5"), "matt@lp.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn every_door_for_a_password_counts() {
    let app = app().start().await;
    let mut browser = app.browser();
    for _ in 0..2 {
        assert_eq!(browser.call("GET", "/basic").basic("joe@lp.com", "wrong").send().await.status(), 401);
    }
    assert_eq!(sign_in(&mut browser, "joe@lp.com", "wrong").await.status(), 400);
    assert_eq!(browser.call("GET", "/basic").basic("joe@lp.com", PASSWORD).send().await.status(), 429);
    // Somebody who is signed in guesses for themselves.
    let mut gene = app.browser();
    gene.sign_in("gene@lp.com").await;
    for _ in 0..3 {
        assert_eq!(gene.post_json("/verify", json!({"password": "wrong"})).await.status(), 400);
    }
    assert_eq!(gene.post_json("/verify", json!({"password": PASSWORD})).await.status(), 429);
    assert_eq!(sign_in(&mut from(&app, "192.0.2.9"), "gene@lp.com", PASSWORD).await.status(), 200);
    app.advance(15);
    assert_eq!(gene.post_json("/verify", json!({"password": PASSWORD})).await.status(), 200);
}

#[tokio::test]
async fn of_many_at_once_one_is_tried_after_a_wait() {
    let app = app().start().await;
    assert_eq!(attack(&app, "joe@lp.com", 1..2).await, [400; 3]);
    app.advance(15);
    let browser = from(&app, "198.51.100.1");
    let tries = at_once((0..12).map(|_| {
        let mut browser = browser.clone();
        async move { sign_in(&mut browser, "joe@lp.com", "wrong").await.status() }
    }));
    let tried = tries.await.into_iter().filter(|status| *status == 400).count();
    assert_eq!(tried, 1);
}

#[tokio::test]
async fn of_many_at_once_no_more_are_answered_than_cost_nothing() {
    let app = app().configure(|builder| builder.max_waiting_hashes(100)).start().await;
    let tries = (0..20).map(|at| {
        let mut browser = app.browser();
        // The right one is among them.
        let password = if at == 19 { PASSWORD.to_owned() } else { format!("wrong {at}") };
        async move { sign_in(&mut browser, "joe@lp.com", &password).await.status() }
    });
    let statuses = at_once(tries).await;
    assert!(statuses.iter().all(|status| [200, 400, 429].contains(status)), "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 400).count() <= 3, "{statuses:?}");
    // Those who are right do not wait for one another.
    let tries = (0..20).map(|_| {
        let mut browser = app.browser();
        async move { browser.call("GET", "/basic").basic("matt@lp.com", PASSWORD).send().await.status() }
    });
    assert_eq!(at_once(tries).await, [200; 20]);
}

#[tokio::test]
async fn the_mailed_link_lifts_the_wait_once() {
    let app = app().start().await;
    attack(&app, "joe@lp.com", 1..3).await;
    attack(&app, "nobody@lp.com", 3..5).await;
    // One to the owner, and none for nobody.
    let path = &*app.mailed_link("/unlock").await;
    let mut anywhere = from(&app, "203.0.113.5");
    assert_eq!(sign_in(&mut anywhere, "joe@lp.com", PASSWORD).await.status(), 429);
    // Following it does nothing yet.
    assert_eq!(anywhere.get(path).await.status(), 200);
    assert_eq!(sign_in(&mut anywhere, "joe@lp.com", PASSWORD).await.status(), 429);
    let presses = at_once((0..4).map(|_| {
        let mut browser = anywhere.clone();
        let path = path.to_owned();
        async move { browser.post_json(&path, json!({})).await.status() }
    }));
    assert_eq!(presses.await.into_iter().filter(|status| *status == 200).count(), 1);
    assert_eq!(sign_in(&mut anywhere, "joe@lp.com", PASSWORD).await.status(), 200);
    assert_eq!(app.browser().get(path).await.location(), "/login");
    assert_eq!(app.browser().get_json("/unlock/nonsense").await.status(), 400);
    // Another attack on the same day brings no other mail.
    attack(&app, "joe@lp.com", 10..12).await;
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn administrators_lift_it_and_a_new_password_does_not() {
    let app = app().start().await;
    attack(&app, "joe@lp.com", 1..3).await;
    app.mails().await;
    let mut browser = from(&app, "203.0.113.5");
    browser.post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let path = app.mailed_link("/reset").await;
    let new = "another password 3";
    let fields = json!({"password": new, "password_confirm": new});
    assert_eq!(browser.post_json(&path, fields).await.status(), 200);
    assert_eq!(sign_in(&mut from(&app, "198.51.100.7"), "joe@lp.com", new).await.status(), 429);
    let joe = app.user("joe@lp.com").await;
    assert!(app.gate().accounts().unlock(&joe).await.unwrap());
    assert!(!app.gate().accounts().unlock(&joe).await.unwrap(), "there is nothing left to lift");
    assert_eq!(sign_in(&mut from(&app, "198.51.100.7"), "joe@lp.com", new).await.status(), 200);
}

#[tokio::test]
async fn the_page_and_the_mail_say_what_happens() {
    let app = app().real_texts().start().await;
    attack(&app, "joe@lp.com", 1..3).await;
    let mails = app.mails().await;
    assert_eq!(mails[0].subject, "Somebody is trying passwords on your account");
    let path = &*link_in(&mails[0], "/unlock").unwrap();
    let page = app.browser().get(path).await;
    assert!(page.text().contains("Stop the waiting"), "{}", page.text());
    let done = app.browser().post_form(path, &[]).await;
    assert!(done.text().contains("You can sign in again"), "{}", done.text());
}

/// The mail of a day, its mark and the count are one: what cannot be entered is tried again, and the count goes on.
#[tokio::test]
async fn a_mail_that_cannot_be_entered_is_not_taken_for_written() {
    let app = app().start().await;
    app.execute("CREATE TRIGGER full BEFORE INSERT ON lychgate_outbox BEGIN SELECT RAISE(ABORT, 'full'); END");
    assert_eq!(attack(&app, "joe@lp.com", 1..3).await, [400; 6]);
    assert_eq!(sign_in(&mut from(&app, "203.0.113.5"), "joe@lp.com", PASSWORD).await.status(), 429);
    app.execute("DROP TRIGGER full");
    app.advance(15);
    assert_eq!(sign_in(&mut from(&app, "203.0.113.5"), "joe@lp.com", "wrong").await.status(), 400);
    assert_eq!(app.mails().await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn it_is_told_until_when_somebody_waits(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let joe = app.user("joe@lp.com").await;
    assert_eq!(attack(&app, "joe@lp.com", 1..2).await[..2], [400; 2]);
    attack(&app, "gene@lp.com", 1..3).await;
    let waits = async || app.gate().accounts().waits_until(&joe).await.unwrap();
    assert_eq!(waits().await, Some(app.now() + time::Duration::seconds(15)));
    app.advance(60);
    assert!(waits().await.is_some_and(|until| until < app.now()), "the next wrong one brings another wait");
    assert!(app.gate().accounts().by("matt").unlock(&joe).await.unwrap());
    assert_eq!(waits().await, None);
}

/// Two switches: limits off, as for a measurement, leave the waits on, and the other way round.
#[rstest]
#[case("enabled = false\nlockout = true", 429)]
#[case("enabled = true\nlockout = false", 400)]
#[case("enabled = false", 400)]
#[case("enabled = true", 429)]
#[tokio::test]
async fn limits_and_waits_are_switched_apart(#[case] limits: &str, #[case] expected: u16) {
    let app = TestApp::builder().toml(&format!("[csrf]\nenabled = false\n[limits]\nlockout_after = 1\n{limits}"));
    let app = app.start().await;
    let mut browser = app.browser();
    assert_eq!(sign_in(&mut browser, "joe@lp.com", "wrong").await.status(), 400);
    assert_eq!(sign_in(&mut browser, "joe@lp.com", "wrong").await.status(), expected);
}

/// Somebody who has learned the password uses up the guesses of codes; the owner's own browser has others.
#[tokio::test]
async fn who_knows_the_password_does_not_use_up_the_owners_codes() {
    let both = "[security]\ntwo_factor = true\ntotp_issuer = \"lychgate\"\n\
                totp_secrets = { 1 = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\" }";
    let app = app().toml(both).start().await;
    second_factor::enrol(&app, "gal@lp.com", "authenticator").await;
    let mut home = second_factor::begin(&app, "gal@lp.com").await;
    assert_eq!(second_factor::validate(&mut home, &second_factor::code(&app, 0)).await, 200);
    home.post_json("/logout", json!({})).await;
    let mut thief = second_factor::begin(&app, "gal@lp.com").await;
    for _ in 0..10 {
        assert_eq!(second_factor::validate(&mut thief, "000000").await, 400);
    }
    app.advance(30);
    let right = second_factor::code(&app, 0);
    let mut thief = second_factor::begin(&app, "gal@lp.com").await;
    assert_eq!(second_factor::validate(&mut thief, &right).await, 429);
    second_factor::begin_as(&mut home, "gal@lp.com").await;
    // That browser has a limit, too.
    for _ in 0..9 {
        assert_eq!(second_factor::validate(&mut home, "000000").await, 400);
    }
    assert_eq!(second_factor::validate(&mut home, &right).await, 200);
}
