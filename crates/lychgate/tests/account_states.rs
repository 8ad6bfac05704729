//! What an administrator does with an account, and what its owner and others see of that.
#![allow(clippy::unwrap_used)]

use axum::{Router, routing::get};
use lychgate::{AccountStatus, CurrentUser, Event, Mechanism, guard, store::User};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp, at_once};
use rstest::rstest;
use serde_json::json;
use time::Duration;

const DAY: i64 = 86_400;

fn app() -> AppBuilder {
    TestApp::builder()
        .toml("[csrf]\nenabled = false\n[security]\nactivity = true\ntoken_max_age = \"30 days\"")
        .routes(routes)
}

fn routes(routes: Router) -> Router {
    let any = [Mechanism::Basic, Mechanism::Session, Mechanism::Token];
    routes
        .route("/any", get(async || "in").route_layer(guard::authenticated_by(any)))
        .route("/editors", get(async || "in").route_layer(guard::role("editor")))
        .route("/mine", get(async |user: CurrentUser| user.email().to_owned()))
        .route("/paused", get(async || "Paused, said the application"))
}

async fn sign_in(browser: &mut Browser, password: &str) -> Reply {
    browser.post_json("/login", json!({"email": "joe@lp.com", "password": password})).await
}

async fn joe(app: &TestApp) -> std::sync::Arc<User> {
    app.user("joe@lp.com").await
}

/// S0-5, S0-6: at the next request, by each mechanism, and distinct from a plain 403.
#[rstest]
#[tokio::test]
async fn a_suspension_counts_at_the_next_request(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let token = app.auth_token("joe@lp.com").await;
    let (mut session, mut remembered, mut program) = (app.browser(), app.browser(), app.browser());
    session.sign_in("joe@lp.com").await;
    remembered.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    remembered.drop_cookie("session");
    let by_token = async |program: &mut Browser| {
        program
            .call("GET", "/any")
            .header("authentication-token", &token)
            .header("accept", "application/json")
            .send()
            .await
    };
    let by_basic = async |program: &mut Browser| {
        program.call("GET", "/any").basic("joe@lp.com", PASSWORD).header("accept", "application/json").send().await
    };
    let until = app.now() + Duration::days(3);
    let accounts = app.gate().accounts().by("Ann of the desk");
    assert!(accounts.suspend(&*joe(&app).await, Some(until), Some("too loud")).await.unwrap());
    let told = json!({
        "errors": ["ACCOUNT_SUSPENDED_UNTIL"], "code": "account_suspended", "reason": "too loud",
        "until": "2025-06-18T15:06:40Z",
    });
    for path in ["/any", "/editors", "/mine"] {
        let reply = session.get_json(path).await;
        assert_eq!((reply.status(), reply.response()), (403, told.clone()), "{path}");
    }
    for reply in [
        remembered.get_json("/any").await,
        by_token(&mut program).await,
        by_basic(&mut program).await,
        sign_in(&mut program, PASSWORD).await,
    ] {
        assert_eq!((reply.status(), reply.response()), (403, told.clone()));
        assert_eq!(reply.header("www-authenticate"), "");
    }
    assert_eq!(session.who().await, "nobody", "what asks for nobody goes on");
    let page = session.get("/any").await;
    assert_eq!(page.status(), 403);
    for part in ["Your account is suspended", "ACCOUNT_SUSPENDED_UNTIL", "too loud"] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    assert!(!page.text().contains("Ann of the desk") && !page.text().contains("Forbidden"), "{}", page.text());

    // It ends by itself, to the microsecond, also where nothing has looked after it since.
    app.advance(3 * DAY - 1);
    assert_eq!(session.get_json("/any").await.status(), 403);
    app.advance(1);
    assert_eq!(session.get_json("/any").await.text(), "in");
    assert_eq!(by_token(&mut program).await.text(), "in");
    assert_eq!(remembered.get_json("/any").await.text(), "in");
    assert!(joe(&app).await.active);
    let accounts = app.gate().accounts();
    assert_eq!(accounts.standing(&*joe(&app).await).await.unwrap().status, AccountStatus::Active);
    assert!(!accounts.unsuspend(&*joe(&app).await).await.unwrap(), "it is over");
}

/// Nobody learns of it who does not have the password.
#[rstest]
#[case("[security]\nreturn_generic_responses = false")]
#[case("[security]\nreturn_generic_responses = true")]
#[case(
    "[security]\nunified_signin = true\ntotp_issuer = \"test\"\ntotp_secrets = { \"1\" = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\" }"
)]
#[tokio::test]
async fn strangers_learn_nothing(#[case] more: &str) {
    let app = app().toml(more).start().await;
    let ask = async |email: &str| {
        let by_password = json!({"email": email, "password": "passwort"});
        let mut all = vec![app.browser().post_json("/login", by_password).await];
        if more.contains("unified") {
            let by_code = json!({"identity": email, "passcode": "passwort"});
            all.push(app.browser().post_json("/us-signin", by_code).await);
        }
        all.into_iter().map(|reply| (reply.status(), reply.response())).collect::<Vec<_>>()
    };
    let before = ask("joe@lp.com").await;
    let accounts = app.gate().accounts();
    assert!(accounts.suspend(&*joe(&app).await, None, None).await.unwrap());
    let strip = |replies: Vec<(u16, serde_json::Value)>| {
        replies
            .into_iter()
            .map(|(status, mut body)| {
                body.as_object_mut().unwrap().remove("csrf_token");
                (status, body)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(strip(ask("joe@lp.com").await), strip(before));
    let mut browser = app.browser();
    let reply = sign_in(&mut browser, PASSWORD).await;
    let told = json!({"errors": ["ACCOUNT_SUSPENDED"], "code": "account_suspended"});
    assert_eq!((reply.status(), reply.response()), (403, told.clone()), "the owner is told");
    if more.contains("unified") {
        let reply = browser.post_json("/us-signin", json!({"identity": "joe@lp.com", "passcode": PASSWORD})).await;
        assert_eq!((reply.status(), reply.response()), (403, told));
    }
    assert_eq!(browser.who().await, "nobody");
}

/// S0-6: the application's own page.
#[tokio::test]
async fn the_application_may_have_a_page_for_it() {
    let app = app().toml("[security]\nsuspended_view = \"/paused\"").start().await;
    let mut browser = app.browser();
    app.gate().accounts().suspend(&*joe(&app).await, None, None).await.unwrap();
    let reply = browser.post_form("/login", &[("email", "joe@lp.com"), ("password", PASSWORD)]).await;
    assert_eq!(reply.location(), "/paused");
    assert_eq!(browser.get("/paused").await.text(), "Paused, said the application");
    let looping = self::app().toml("[security]\nsuspended_view = \"/any\"").sharing(&app).start().await;
    let mut browser = looping.browser();
    looping.gate().accounts().unsuspend(&*joe(&app).await).await.unwrap();
    browser.sign_in("joe@lp.com").await;
    looping.gate().accounts().suspend(&*joe(&app).await, None, None).await.unwrap();
    assert_eq!(browser.get("/mine").await.location(), "/any");
    assert_eq!(browser.get("/any").await.status(), 403, "it does not go round in circles");
}

/// S0-3, S0-4: each step and none twice; the owner is told by mail, and programs by events.
#[rstest]
#[tokio::test]
async fn each_state_is_reached_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let user = joe(&app).await;
    let accounts = app.gate().accounts().by("Ann of the desk");
    assert!(!accounts.unsuspend(&user).await.unwrap() && !accounts.unlock(&user).await.unwrap());
    assert!(accounts.suspend(&user, Some(app.now()), None).await.is_err(), "it would be over already");
    let gate = app.gate().clone();
    let at_once = at_once((0..8).map(|_| {
        let (gate, user) = (gate.clone(), user.clone());
        async move { gate.accounts().lock(&user, Some("stolen")).await.unwrap() }
    }))
    .await;
    assert_eq!(at_once.iter().filter(|done| **done).count(), 1);
    assert!(!accounts.suspend(&user, None, None).await.unwrap(), "a locked account stays locked");
    assert!(accounts.unlock(&user).await.unwrap());
    assert!(accounts.suspend(&user, None, Some("one")).await.unwrap());
    assert!(accounts.suspend(&user, Some(app.now() + Duration::days(1)), Some("two")).await.unwrap(), "another time");
    let standing = accounts.standing(&*joe(&app).await).await.unwrap();
    assert_eq!((standing.reason.as_deref(), standing.by.as_deref()), (Some("two"), Some("Ann of the desk")));
    assert_eq!(accounts.in_state(AccountStatus::Suspended, 9).await.unwrap().len(), 1);
    assert!(accounts.unsuspend(&user).await.unwrap());
    let states: Vec<_> = app
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::AccountStateChanged { user_id, status, by } => {
                assert_eq!(user_id, user.id);
                Some((status.word(), by))
            }
            _ => None,
        })
        .collect();
    let ann = || Some("Ann of the desk".to_owned());
    let expected = [("locked", None), ("active", ann()), ("suspended", ann()), ("suspended", ann()), ("active", ann())];
    assert_eq!(states, expected);
    let mails = app.mails().await;
    let said = [
        "was locked for safety",
        "no longer locked",
        "is suspended. Nobody",
        "is suspended until 16 June 2025",
        "no longer suspended",
    ];
    assert_eq!(mails.len(), said.len());
    for (mail, words) in mails.iter().zip(said) {
        for part in [mail.text.as_deref().unwrap(), mail.html.as_deref().unwrap()] {
            assert!(
                mail.to == "joe@lp.com" && part.contains(words) && !part.contains("Ann of the desk"),
                "{words}: {part}"
            );
        }
    }
    assert!(mails[0].text.as_deref().unwrap().contains("Reason: stolen"));
    let noted = app.store().activity_of(user.id, 9).await.unwrap();
    let kinds: Vec<&str> = noted.iter().map(|noted| noted.kind.as_str()).collect();
    assert_eq!(kinds, ["unsuspended", "suspended", "suspended", "unlocked", "locked"]);
}

/// Locking ends for good what suspending lets rest.
#[tokio::test]
async fn a_lock_ends_everything() {
    let app = app().start().await;
    let token = app.auth_token("joe@lp.com").await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let accounts = app.gate().accounts();
    accounts.lock(&*joe(&app).await, None).await.unwrap();
    let reply = browser.get_json("/any").await;
    assert_eq!((reply.status(), reply.response()), (401, json!({"errors": ["UNAUTHENTICATED"]})));
    let reply = sign_in(&mut app.browser(), PASSWORD).await;
    assert_eq!(reply.response(), json!({"errors": ["ACCOUNT_CLOSED"], "code": "account_locked"}));
    accounts.unlock(&*joe(&app).await).await.unwrap();
    assert_eq!(browser.get_json("/any").await.status(), 401);
    let by_token = app.browser().call("GET", "/any").header("authentication-token", &token).send().await;
    assert_eq!(by_token.status(), 401);
    assert_eq!(sign_in(&mut app.browser(), PASSWORD).await.status(), 200);
}

/// A declined account can be approved for a while, then it goes.
#[rstest]
#[tokio::test]
async fn the_declined_are_told_and_forgotten(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let approval = "[security]\nregisterable = true\nregister_mode = \"approval\"";
    let app = app().on(database).toml(approval).start().await;
    let phrase = "nobody guesses this phrase";
    for name in ["new", "other"] {
        let fields = json!({"email": format!("{name}@lp.com"), "password": phrase, "password_confirm": phrase});
        assert_eq!(app.browser().post_json("/register", fields).await.status(), 200);
    }
    app.mails().await;
    let accounts = app.gate().accounts();
    assert_eq!(accounts.in_state(AccountStatus::Waiting, 9).await.unwrap().len(), 2);
    for name in ["new", "other"] {
        let user = app.user(&format!("{name}@lp.com")).await;
        assert!(accounts.decline(&user, Some("not of our town")).await.unwrap());
        assert!(!accounts.decline(&user, None).await.unwrap() && !accounts.suspend(&user, None, None).await.unwrap());
    }
    let mails = app.mails().await;
    assert!(mails.len() == 2 && mails[0].text.as_deref().unwrap().contains("was not approved"));
    let fields = json!({"email": "new@lp.com", "password": phrase});
    let reply = app.browser().post_json("/login", fields.clone()).await;
    let told = json!({"errors": ["ACCOUNT_DECLINED"], "code": "account_declined", "reason": "not of our town"});
    assert_eq!((reply.status(), reply.response()), (403, told));
    app.gate().tidy().await.unwrap();
    assert!(accounts.approve(&*app.user("new@lp.com").await).await.unwrap(), "second thoughts");
    assert_eq!(app.browser().post_json("/login", fields).await.status(), 200);
    app.advance(30 * DAY + 1);
    app.gate().tidy().await.unwrap();
    assert!(app.user("new@lp.com").await.active);
    assert_eq!(app.store().user_by_identity("email", "other@lp.com", true).await.unwrap(), None);
}

/// The row decides: another application on the database may have changed it.
#[tokio::test]
async fn a_mark_that_no_longer_fits_is_void() {
    let app = app().start().await;
    let accounts = app.gate().accounts();
    let active = |active| lychgate::store::UserPatch { active: Some(active), ..Default::default() };
    accounts.suspend(&*joe(&app).await, Some(app.now() + Duration::days(1)), None).await.unwrap();
    app.update("joe@lp.com", active(true)).await;
    assert_eq!(accounts.standing(&*joe(&app).await).await.unwrap().status, AccountStatus::Active);
    app.advance(DAY);
    app.gate().tidy().await.unwrap();
    app.update("joe@lp.com", active(false)).await;
    let standing = accounts.standing(&*joe(&app).await).await.unwrap();
    assert_eq!(standing.status, AccountStatus::SwitchedOff, "nothing switches it on again");
    assert_eq!(sign_in(&mut app.browser(), PASSWORD).await.field_errors(), json!({"email": ["DISABLED_ACCOUNT"]}));
    assert!(accounts.set_active(&*joe(&app).await, true).await.unwrap());
    assert!(!accounts.set_active(&*joe(&app).await, true).await.unwrap());
    accounts.suspend(&*joe(&app).await, None, None).await.unwrap();
    assert!(accounts.set_active(&*joe(&app).await, false).await.unwrap(), "switched off, no longer suspended");
    assert_eq!(accounts.standing(&*joe(&app).await).await.unwrap().status, AccountStatus::SwitchedOff);
}
