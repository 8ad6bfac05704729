//! The session: its cookie, the registry behind it, and the remember-me cookie.
#![allow(clippy::unwrap_used)]

use axum::{Router, routing::get};
use lychgate::{NewAccount, Session, guard, store::UserPatch};
use lychgate_signing::{
    KeyRing, identifier,
    remember::RememberCodec,
    session::{Map, SessionCodec, Value},
};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::json;

const BOTH: [Database; 2] = [Database::Sqlite, Database::Postgres];

fn app() -> AppBuilder {
    TestApp::builder().toml("[csrf]\nenabled = false").routes(routes)
}

fn routes(routes: Router) -> Router {
    let in_an_hour = std::time::Duration::from_secs(3600);
    routes
        .route("/fresh", get(async || "fresh").route_layer(guard::fresh(in_an_hour)))
        .route("/basic", get(async || "basic").route_layer(guard::basic()))
        .route("/token", get(async || "token").route_layer(guard::token()))
        .route("/editors", get(async || "editors").route_layer(guard::role("editor")))
}

fn text<'a>(session: &'a Map, key: &str) -> Option<&'a str> {
    session.get(key).and_then(Value::as_str)
}

#[tokio::test]
async fn the_cookie_holds_what_flask_expects() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let session = app.session_of(&browser);
    assert_eq!(text(&session, "_user_id"), Some(app.user("joe@lp.com").await.fs_uniquifier.as_str()));
    let id = identifier::identifier(Some(b"127.0.0.1"), Some(&identifier::header_bytes(b"test/1.0")));
    assert_eq!(text(&session, "_id"), Some(id.as_str()));
    assert_eq!(session.get("_fresh"), Some(&Value::Bool(true)));
    assert_eq!(session.get("fs_paa").and_then(Value::as_f64), Some(1_750_000_000.0));
}

#[tokio::test]
async fn signing_in_makes_a_new_session_each_time() {
    let app = app().start().await;
    let mut browser = app.browser();
    let before = browser.get_json("/login").await.csrf_token();
    let mut planted = browser.clone();
    let mut ids = vec![];
    for email in ["joe@lp.com", "matt@lp.com", "joe@lp.com"] {
        browser.sign_in(email).await;
        ids.push(text(&app.session_of(&browser), "lg_sid").unwrap().to_owned());
        browser.post_json("/logout", json!({})).await;
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert!(ids.iter().all(|id| id.len() >= 43));
    assert_eq!(planted.who().await, "nobody", "what was known before the sign-in is worth nothing");
    assert_ne!(browser.get_json("/login").await.csrf_token(), before);
}

#[rstest]
#[tokio::test]
async fn signing_out_ends_every_copy(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let other = TestApp::builder().toml("[csrf]\nenabled = false").sharing(&app).start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let (mut copy, mut elsewhere, mut second) = (browser.clone(), other.browser(), app.browser());
    elsewhere.set_cookie("session", browser.cookie("session").unwrap());
    second.sign_in("joe@lp.com").await;
    assert_eq!((copy.who().await, elsewhere.who().await), ("joe@lp.com".to_owned(), "joe@lp.com".to_owned()));
    browser.post_json("/logout", json!({})).await;
    assert_eq!((browser.who().await, copy.who().await), ("nobody".to_owned(), "nobody".to_owned()));
    settled(&mut elsewhere, "nobody").await;
    assert_eq!(second.who().await, "joe@lp.com", "other sessions of the same person go on");
    assert_eq!(copy.get("/fresh").await.location(), "/login?next=/fresh");
}

/// Another process hears of a change by the database's notice, which takes a moment on PostgreSQL.
async fn settled(browser: &mut Browser, expected: &str) {
    for _ in 0..10_000 {
        if browser.who().await == expected {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it goes on being {}", browser.who().await);
}

#[rstest]
#[tokio::test]
async fn a_new_uniquifier_ends_sessions_and_cookies(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(false, true)] from_elsewhere: bool,
) {
    let app = app().on(database).start().await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let mut remembered = browser.clone();
    remembered.drop_cookie("session");
    let joe = app.user("joe@lp.com").await;
    assert_eq!(browser.who().await, "joe@lp.com");
    let patch = UserPatch { fs_uniquifier: Some("another".to_owned()), ..UserPatch::default() };
    if from_elsewhere {
        let other = TestApp::builder().sharing(&app).start().await;
        other.store().update_user(joe.id, patch, app.now()).await.unwrap();
        settled(&mut browser, "nobody").await;
    } else {
        app.store().update_user(joe.id, patch, app.now()).await.unwrap();
    }
    assert_eq!(browser.who().await, "nobody");
    assert_eq!(remembered.who().await, "nobody");
}

#[rstest]
#[tokio::test]
async fn a_deactivated_user_is_out_at_the_next_request(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(false, true)] deleted: bool,
) {
    let app = app().on(database).start().await;
    let token = app.auth_token("joe@lp.com").await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let mut remembered = browser.clone();
    remembered.drop_cookie("session");
    let mut stranger = app.browser();
    let status = async |stranger: &mut Browser| {
        let by_token =
            stranger.call("GET", "/token").header("authentication-token", &token).header("accept", "application/json");
        let by_token = by_token.send().await.status();
        let by_basic = stranger.call("GET", "/basic").basic("joe@lp.com", PASSWORD).send().await.status();
        (by_token, by_basic)
    };
    assert_eq!((browser.who().await.as_str(), status(&mut stranger).await), ("joe@lp.com", (200, 200)));
    if deleted {
        let id = app.user("joe@lp.com").await.id;
        assert!(app.store().delete_user(id).await.unwrap());
    } else {
        app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    }
    assert_eq!((browser.who().await.as_str(), status(&mut stranger).await), ("nobody", (401, 401)));
    assert_eq!(remembered.who().await, "nobody");
    assert_eq!(browser.get("/editors").await.status(), 403);
}

#[rstest]
#[tokio::test]
async fn a_lost_role_is_lost_at_the_next_request(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/editors").await.status(), 200);
    let joe = app.user("joe@lp.com").await.id;
    assert!(app.store().remove_role(joe, "editor").await.unwrap());
    assert_eq!(browser.get("/editors").await.status(), 403);
}

#[rstest]
#[tokio::test]
async fn a_changed_password_ends_what_was_signed_in(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().on(database).start().await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let mut remembered = browser.clone();
    remembered.drop_cookie("session");
    let joe = app.user("joe@lp.com").await;
    app.gate().accounts().change_password(&joe, "a better password").await.unwrap();
    assert_eq!((browser.who().await.as_str(), remembered.who().await.as_str()), ("nobody", "nobody"));
    let old = json!({"email": "joe@lp.com", "password": PASSWORD});
    assert_eq!(app.browser().post_json("/login", old).await.status(), 400);
    let new = json!({"email": "joe@lp.com", "password": "a better password"});
    assert_eq!(app.browser().post_json("/login", new).await.status(), 200);
}

#[rstest]
#[tokio::test]
async fn the_registry_knows_and_ends_sessions(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let joe = app.user("joe@lp.com").await.id;
    let mut browsers = [app.browser(), app.browser(), app.browser()];
    for (at, browser) in browsers.iter_mut().enumerate() {
        browser.user_agent = format!("browser/{at}");
        browser.sign_in("joe@lp.com").await;
        app.advance(1);
    }
    let mut sessions = app.store().sessions_of(joe).await.unwrap();
    sessions.sort_by_key(|session| session.created_at);
    let agents: Vec<_> = sessions.iter().map(|session| session.user_agent.as_deref().unwrap()).collect();
    assert_eq!(agents, ["browser/0", "browser/1", "browser/2"]);
    assert!(
        sessions.iter().all(|session| session.via == "password" && session.address.as_deref() == Some("127.0.0.1"))
    );
    assert!(app.store().revoke_session(&sessions[1].sid, app.now()).await.unwrap());
    let [first, second, third] = &mut browsers;
    assert_eq!((first.who().await.as_str(), second.who().await.as_str()), ("joe@lp.com", "nobody"));
    assert_eq!(app.store().revoke_sessions_of(joe, Some(&sessions[2].sid), app.now()).await.unwrap(), 1);
    assert_eq!((first.who().await.as_str(), third.who().await.as_str()), ("nobody", "joe@lp.com"));
}

/// A session as the Flask application writes it.
async fn flask_made(app: &TestApp, email: &str, proved_at: Option<f64>) -> Browser {
    let user = app.user(email).await;
    let mut session = Map::from([
        ("_user_id".to_owned(), Value::from(user.fs_uniquifier.as_str())),
        ("_fresh".to_owned(), Value::from(true)),
        ("_id".to_owned(), Value::from(identifier::identifier(Some(b"127.0.0.1"), Some(b"test/1.0")))),
        ("fs_cc".to_owned(), Value::from("sent")),
    ]);
    if let Some(at) = proved_at {
        session.insert("fs_paa".to_owned(), Value::Float(at));
    }
    let mut browser = app.browser();
    browser.set_cookie("session", &app.sessions().encode(&session, app.now().unix_timestamp()).unwrap());
    browser
}

#[rstest]
#[tokio::test]
async fn a_flask_session_goes_on_and_is_registered(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut browser = flask_made(&app, "joe@lp.com", Some(1_749_999_990.5)).await;
    let (mut copy, mut late_copy) = (browser.clone(), browser.clone());
    assert_eq!((browser.who().await.as_str(), copy.who().await.as_str()), ("joe@lp.com", "joe@lp.com"));
    assert_eq!(browser.get("/fresh").await.status(), 200);
    let sessions = app.store().sessions_of(app.user("joe@lp.com").await.id).await.unwrap();
    assert_eq!(
        sessions.iter().map(|session| session.via.as_str()).collect::<Vec<_>>(),
        ["flask"],
        "once, for all copies"
    );
    app.advance(10);
    browser.post_json("/logout", json!({})).await;
    assert_eq!((copy.who().await.as_str(), late_copy.who().await.as_str()), ("nobody", "nobody"));
    app.advance(10);
    let mut again = flask_made(&app, "joe@lp.com", Some(1_750_000_015.0)).await;
    assert_eq!(again.who().await, "joe@lp.com", "a later sign-in at the other application counts");
}

#[tokio::test]
async fn signing_out_ends_a_flask_session_that_was_never_seen() {
    let app = app().start().await;
    let mut browser = flask_made(&app, "joe@lp.com", Some(1_749_999_990.0)).await;
    let mut copy = browser.clone();
    browser.post_json("/logout", json!({})).await;
    assert_eq!(copy.who().await, "nobody");
}

#[tokio::test]
async fn a_flask_session_without_a_proof_is_not_fresh() {
    let app = app().start().await;
    let mut browser = flask_made(&app, "joe@lp.com", None).await;
    assert_eq!(browser.get("/fresh").await.location(), "/verify?next=/fresh");
}

#[rstest]
#[case::basic("basic", true, Some(false))]
#[case::strong("strong", false, None)]
#[case::off("", true, Some(true))]
#[tokio::test]
async fn another_browser_with_the_same_cookie(
    #[case] protection: &str,
    #[case] goes_on: bool,
    #[case] fresh: Option<bool>,
    #[values(false, true)] other_address: bool,
) {
    let app = app().toml(&format!("[session]\nprotection = \"{protection}\"")).start().await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let mut thief = browser.clone();
    if other_address {
        thief.peer = ([127, 0, 0, 9], 1).into();
    } else {
        thief.user_agent = "thief/2".to_owned();
    }
    assert_eq!(thief.who().await, if goes_on { "joe@lp.com" } else { "nobody" });
    assert_eq!(app.session_of(&thief).get("_fresh").and_then(Value::as_bool), fresh);
    assert_eq!(thief.cookie("remember_token").is_some(), goes_on);
    assert_eq!(thief.who().await, if goes_on { "joe@lp.com" } else { "nobody" });
    assert_eq!(browser.who().await, "joe@lp.com", "the right browser keeps its session");
}

#[rstest]
#[tokio::test]
async fn remembering_outlives_the_window(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.cookie("remember_token"), None);
    browser.post_json("/logout", json!({})).await;
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true});
    let reply = browser.post_json("/login", fields).await;
    let cookie = reply.set_cookie("remember_token").unwrap();
    assert!(cookie.ends_with("; Expires=Mon, 15 Jun 2026 15:06:40 GMT; HttpOnly; Path=/"), "{cookie}");
    browser.drop_cookie("session");
    let copy = browser.cookie("remember_token").unwrap().to_owned();
    assert_eq!(browser.who().await, "joe@lp.com");
    let session = app.session_of(&browser);
    assert_eq!((session.get("_fresh"), session.get("fs_paa")), (Some(&Value::Bool(false)), None));
    assert_eq!(browser.get("/fresh").await.location(), "/verify?next=/fresh");
    let sessions = app.store().sessions_of(app.user("joe@lp.com").await.id).await.unwrap();
    assert_eq!(sessions.iter().filter(|session| session.via == "remember" && session.remembered).count(), 1);
    let reply = browser.post_json("/logout", json!({})).await;
    assert!(reply.set_cookie("remember_token").unwrap().starts_with("remember_token=; Expires=Thu, 01 Jan 1970"));
    assert_eq!(browser.who().await, "nobody");
    assert!(!copy.is_empty());
}

#[tokio::test]
async fn remembering_is_no_proof_whatever_the_session_held() {
    let app = app().start().await;
    let token = app.auth_token("matt@lp.com").await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    browser.drop_cookie("session");
    let remember = browser.drop_cookie("remember_token").unwrap();
    // Somebody else proves who they are in the same browser, and puts the cookie back.
    let body = json!({"password": PASSWORD});
    let verified = browser.call("POST", "/verify").header("authentication-token", &token).json(&body).send().await;
    assert_eq!(verified.status(), 200, "{}", verified.text());
    browser.set_cookie("remember_token", &remember);
    assert_eq!(browser.who().await, "joe@lp.com");
    assert_eq!(browser.get("/fresh").await.location(), "/verify?next=/fresh");
    assert_eq!(browser.get("/fresh").await.location(), "/verify?next=/fresh");
}

#[rstest]
#[tokio::test]
async fn a_remember_cookie_that_was_tampered_with_is_nothing(
    #[values("", "|", "joe", "joe|", "a|b|c", "é|0")] cookie: &str,
) {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.set_cookie("remember_token", cookie);
    assert_eq!(browser.who().await, "nobody");
    let joe = app.user("joe@lp.com").await;
    let foreign = RememberCodec::new(&KeyRing::new("another key than the application's").unwrap());
    browser.set_cookie("remember_token", &foreign.encode(&joe.fs_uniquifier).unwrap());
    assert_eq!(browser.who().await, "nobody");
}

#[tokio::test]
async fn with_strong_protection_remembering_works_more_than_once() {
    let app = app().toml("[session]\nprotection = \"strong\"").start().await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    browser.drop_cookie("session");
    for _ in 0..3 {
        assert_eq!(browser.who().await, "joe@lp.com");
    }
}

#[tokio::test]
async fn a_forged_cookie_is_nothing() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let genuine = browser.cookie("session").unwrap().to_owned();
    let session = app.session_of(&browser);
    let now = app.now().unix_timestamp();
    let mut forged: Vec<String> = vec![
        genuine.rsplit_once('.').unwrap().0.to_owned(),
        format!("{}.", genuine.rsplit_once('.').unwrap().0),
        genuine.split('.').next().unwrap().to_owned(),
        format!("{genuine}.{genuine}"),
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
    ];
    for key in ["secret", "dev", "another key than the application's"] {
        forged.push(TestApp::session_codec(key).encode(&session, now).unwrap());
    }
    let salted = SessionCodec::new(&KeyRing::new(app.gate().settings().text("secret_key")).unwrap(), "another-salt");
    forged.push(salted.encode(&session, now).unwrap());
    for at in 0..genuine.len() {
        let mut bytes = genuine.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        forged.push(String::from_utf8(bytes).unwrap());
    }
    for cookie in forged {
        browser.set_cookie("session", &cookie);
        assert_eq!(browser.who().await, "nobody", "{cookie}");
    }
    browser.set_cookie("session", &format!("forged.x.y; session={genuine}"));
    assert_eq!(browser.who().await, "joe@lp.com", "a tossed cookie does not hide the genuine one");
}

#[rstest]
#[case(Value::Null)]
#[case(Value::Int(1))]
#[case(Value::Bool(true))]
#[case(Value::Str(String::new()))]
#[case(Value::Str("a\0b".to_owned()))]
#[case(Value::Str("x".repeat(3000)))]
#[case(Value::List(vec![Value::Str("x".to_owned())]))]
#[tokio::test]
async fn odd_contents_of_a_signed_cookie_do_no_harm(#[case] odd: Value) {
    for database in BOTH {
        let app = app().on(database).empty().start().await;
        let names = [
            "_user_id",
            "_id",
            "_fresh",
            "fs_paa",
            "fs_gexp",
            "lg_sid",
            "csrf_token",
            "_flashes",
            "fs_cc",
            "lg_csrf_before",
        ];
        for name in names {
            let mut session = Map::from([("_user_id".to_owned(), Value::from("x"))]);
            session.insert(name.to_owned(), odd.clone());
            let mut browser = app.browser();
            browser.set_cookie("session", &app.sessions().encode(&session, app.now().unix_timestamp()).unwrap());
            assert_eq!(browser.who().await, "nobody");
            assert_eq!(browser.get("/login").await.status(), 200, "{name}");
        }
    }
}

#[tokio::test]
async fn keys_rotate_without_signing_anybody_out() {
    let old = app().start().await;
    let mut browser = old.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let token = old.auth_token("joe@lp.com").await;
    let (session, remember) = (browser.cookie("session").unwrap(), browser.cookie("remember_token").unwrap());
    let old_key = old.gate().settings().text("secret_key");
    let rotated =
        format!("secret_key = \"the new key of the test application\"\nsecret_key_fallbacks = [\"{old_key}\"]");
    let new = app().sharing(&old).toml(&rotated).start().await;
    let mut moved = new.browser();
    moved.set_cookie("session", session);
    assert_eq!(moved.who().await, "joe@lp.com");
    moved.drop_cookie("session");
    moved.set_cookie("remember_token", remember);
    assert_eq!(moved.who().await, "joe@lp.com");
    let written = moved.cookie("session").unwrap();
    let now = new.now().unix_timestamp();
    assert!(new.sessions().decode(written, now, 60).is_ok(), "what is written is signed with the newest key");
    assert!(old.sessions().decode(written, now, 60).is_err());
    let by_token = new.browser().call("GET", "/token").header("authentication-token", &token).send().await.status();
    assert_eq!(by_token, 200);
    let fresh = new.auth_token("joe@lp.com").await;
    let at_the_old = old.browser().call("GET", "/token").header("authentication-token", &fresh).send().await;
    assert_eq!(at_the_old.status(), 302, "the old key opens nothing new");
    let dropped = app().sharing(&old).toml("secret_key = \"the new key of the test application\"").start().await;
    let mut late = dropped.browser();
    late.set_cookie("session", session);
    late.set_cookie("remember_token", remember);
    assert_eq!(late.who().await, "nobody", "a key that is gone opens nothing");
}

#[tokio::test]
async fn a_cookie_ages() {
    let app = app().toml("[session]\npermanent_lifetime = 600").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    app.advance(600);
    assert_eq!(browser.who().await, "joe@lp.com");
    app.advance(1);
    assert_eq!(browser.who().await, "nobody");
}

#[tokio::test]
async fn a_request_that_needs_no_session_sets_no_cookie() {
    let app = app().routes(|routes| routes.route("/plain", get(async || "plain"))).start().await;
    let mut browser = app.browser();
    let reply = browser.get("/plain").await;
    assert_eq!((reply.set_cookies().len(), reply.header("vary")), (0, ""));
    let reply = browser.get("/whoami").await;
    assert_eq!((reply.set_cookies().len(), reply.header("vary")), (0, "Cookie"));
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/whoami").await.set_cookies().len(), 0, "nothing changed, nothing is written");
}

#[rstest]
#[tokio::test]
async fn an_application_counts_as_an_account_only_what_exists(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().on(database).start().await;
    let twice = NewAccount { email: "JOE@lp.com".to_owned(), active: true, ..NewAccount::default() };
    let refused = app.gate().accounts().create(&twice).await.unwrap_err();
    assert_eq!(refused.to_string(), "email: EMAIL_ALREADY_ASSOCIATED");
    assert_eq!(app.gate().accounts().find("Joe@LP.com").await.unwrap().unwrap().id, app.user("joe@lp.com").await.id);
}

/// In the modern profile the remember cookie goes on with its own session, so that ending that ends it.
#[tokio::test]
async fn a_remember_cookie_ends_with_its_session() {
    let app = app().toml("[remember]\nnames_session = true").start().await;
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true});
    let mut browser = app.browser();
    browser.sign_in_with(fields.clone()).await;
    let joe = app.user("joe@lp.com").await;
    let ids = async || -> Vec<String> {
        app.store().sessions_of(joe.id).await.unwrap().into_iter().map(|session| session.sid).collect()
    };
    let before = ids().await;
    for _ in 0..3 {
        browser.drop_cookie("session");
        assert_eq!(browser.who().await, "joe@lp.com");
        assert_eq!(browser.get("/fresh").await.location(), "/verify?next=/fresh");
    }
    assert_eq!(ids().await, before, "it is the same session");

    // It lives as long as the cookie, which is longer than other sessions.
    app.advance(100 * 86_400);
    browser.drop_cookie("session");
    assert_eq!(browser.who().await, "joe@lp.com");

    // Nobody can leave the session out of the cookie, or put another one in.
    let cookie = browser.cookie("remember_token").unwrap().to_owned();
    let (text, signature) = cookie.rsplit_once('|').unwrap();
    let mut thief = app.browser();
    for text in [text.split('~').next().unwrap(), &text.replace('~', "~x"), &format!("{text}~{}", "x".repeat(43))] {
        thief.set_cookie("remember_token", &format!("{text}|{signature}"));
        assert_eq!(thief.who().await, "nobody", "{text}");
    }
    thief.set_cookie("remember_token", &cookie);
    assert_eq!(thief.who().await, "joe@lp.com");
    thief.drop_cookie("session");
    app.store().revoke_session(&before[0], app.now()).await.unwrap();
    browser.drop_cookie("session");
    for mut ended in [thief, browser] {
        assert_eq!(ended.who().await, "nobody");
        assert_eq!(ended.cookie("remember_token"), None, "the browser is told to forget it");
    }

    // What a Flask application remembers counts as before.
    let mut flask = app.browser();
    let key = KeyRing::new(app.gate().settings().text("secret_key")).unwrap();
    flask.set_cookie("remember_token", &RememberCodec::new(&key).encode(&joe.fs_uniquifier).unwrap());
    assert_eq!(flask.who().await, "joe@lp.com");
}

#[tokio::test]
async fn a_session_that_has_expired_is_not_remembered() {
    let app = app().toml("[remember]\nnames_session = true\ncookie_duration = \"10 days\"").start().await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let other = app.browser();
    let cookie = browser.cookie("remember_token").unwrap().to_owned();
    // Thirty-one days is how long any session lives.
    app.advance(31 * 86_400);
    for mut late in [browser, other] {
        late.drop_cookie("session");
        late.set_cookie("remember_token", &cookie);
        assert_eq!(late.who().await, "nobody");
    }
}

const HOUR: i64 = 3600;

/// Uses the session, and waits until that is noted.
async fn used(app: &TestApp, browser: &mut Browser) {
    assert_eq!(browser.who().await, "joe@lp.com");
    let id = app.user("joe@lp.com").await.id;
    while app.store().sessions_of(id).await.unwrap().iter().all(|session| session.last_seen_at < app.now()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn t60_a_session_ends_when_nothing_is_asked_for_too_long() {
    let app = app().toml("[session]\nidle_timeout = \"1 hour\"").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let mut remembered = app.browser();
    remembered.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    for _ in 0..3 {
        app.advance(HOUR - 1);
        used(&app, &mut browser).await;
    }
    app.advance(HOUR);
    assert_eq!(browser.who().await, "nobody", "an hour to the second");
    assert_eq!(remembered.who().await, "joe@lp.com", "whoever asked to be remembered is");
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.who().await, "joe@lp.com");
}

/// A copy of a cookie that the Flask application wrote never has our id in it.
#[tokio::test]
async fn t60_a_flask_session_ends_too() {
    let app = app().toml("[session]\nidle_timeout = \"1 hour\"\nabsolute_timeout = \"3 hours\"").start().await;
    let mut browser = flask_made(&app, "joe@lp.com", Some(1_749_999_990.0)).await;
    let copy = browser.clone();
    for _ in 0..3 {
        used(&app, &mut browser).await;
        assert_eq!(copy.clone().who().await, "joe@lp.com");
        app.advance(HOUR - 1);
    }
    app.advance(3);
    assert_eq!((browser.who().await.as_str(), copy.clone().who().await.as_str()), ("nobody", "nobody"));
}

#[tokio::test]
async fn an_application_cannot_push_the_sign_in_out_of_the_cookie() {
    let keeps = |routes: Router| {
        let keep = async |session: Session, body: String| {
            let (name, value) = body.split_once('=').unwrap_or_default();
            session.set(name, value).map(|()| "kept")
        };
        routes.route("/keep", axum::routing::post(keep))
    };
    let app = TestApp::builder().toml("[csrf]\nenabled = false").routes(keeps).start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    // Nothing that could be compressed.
    let mut state = 1_u32;
    let mut random = |length: usize| -> String {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from_u32(u32::from('#') + (state >> 16) % 56).unwrap()
        };
        (0..length).map(|_| next()).collect()
    };
    for (name, length, status) in
        [("a", 1000, 200), ("b", 900, 200), ("b", 950, 200), ("c", 500, 413), ("a", 2000, 413)]
    {
        let reply = browser.call("POST", "/keep").body("text/plain", format!("{name}={}", random(length))).send().await;
        assert_eq!(reply.status(), status, "{name} {length}: {}", reply.text());
    }
    assert!(browser.cookie("session").unwrap().len() < 4096);
    assert_eq!(browser.who().await, "joe@lp.com");
}

#[tokio::test]
async fn t60_a_session_ends_some_time_after_its_sign_in_whatever_happens() {
    let app = app().toml("[session]\nabsolute_timeout = \"3 hours\"\n[remember]\nnames_session = true").start().await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    for _ in 0..2 {
        app.advance(HOUR);
        used(&app, &mut browser).await;
    }
    app.advance(HOUR);
    assert_eq!(browser.who().await, "nobody");
    browser.drop_cookie("session");
    assert_eq!(browser.who().await, "nobody", "its remember cookie brings it back no more");
}
