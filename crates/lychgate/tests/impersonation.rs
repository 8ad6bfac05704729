//! An administrator acts as somebody else: what is open, what is closed, and how it ends.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use axum::{Router, extract::Path, routing::get, routing::post};
use lychgate::{CurrentUser, Error, Event, ImpersonationBanner, Operator, Page, guard, store::AuditQuery};
use lychgate_testkit::{Browser, Database, Reply, TestApp};
use serde_json::{Value, json};

/// Begins it, as the panel does; 409 with the reason why not.
async fn begin(operator: Operator, Path((id, reason)): Path<(i64, String)>) -> Result<String, Error> {
    let user = operator.gate().store().user_by_id(id).await?.ok_or_else(Error::not_found)?;
    Ok(match operator.impersonate(&user, &reason).await {
        Ok(until) => until.to_string(),
        Err(refused) => format!("refused: {refused:?}"),
    })
}

async fn own(user: CurrentUser, banner: ImpersonationBanner) -> String {
    let by = user.impersonator().map(|by| by.email().to_owned());
    format!("{} by {by:?} {banner}", user.email())
}

async fn start(database: Database, toml: &str) -> TestApp {
    let routes = |router: Router| {
        router
            .route("/begin/{id}/{reason}", post(begin))
            .route("/own", get(own).post(own))
            .route("/pay", get(|| async { "paid" }).route_layer(guard::fresh(std::time::Duration::from_secs(3600))))
            .route("/editors", get(|| async { "in" }).route_layer(guard::role("editor")))
            .route("/home", get(|| async { Page::new("home.html") }))
    };
    let all = "[security]\nimpersonation = true\nnotify_impersonation = true\nactivity = true\naudit = true\naccount = true\n\
               trackable = true\nchangeable = true\nchange_email = true\napi_keys = true\nrecoverable = true\nconfirmable = false\n\
               registerable = true\ntwo_factor = true\nmulti_factor_recovery_codes = true\ntotp_issuer = \"tests\"\n\
               totp_secrets = {1 = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\"}\n";
    TestApp::builder()
        .on(database)
        .toml(&format!("{all}{toml}"))
        .configure(|builder| builder.template("home.html", "{% extends 'security/base.html' %}"))
        .routes(routes)
        .start()
        .await
}

async fn act(app: &TestApp, browser: &mut Browser, as_whom: &str) -> String {
    let id = app.user(as_whom).await.id;
    let reply = browser.call("POST", &format!("/begin/{id}/looking")).send().await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    reply.text().to_owned()
}

async fn end(browser: &mut Browser) -> Reply {
    let token = browser.get("/home").await.input("csrf_token").unwrap();
    browser.call("POST", "/impersonate/end").form(&[("csrf_token", &token)]).send().await
}

async fn audited(app: &TestApp, kind: &str) -> Vec<Value> {
    app.gate().audit().settled().await;
    let query = AuditQuery { limit: 200, ..AuditQuery::default() };
    let all = app.gate().audit().page(&query).await.unwrap();
    all.iter().filter(|one| one.kind == kind).map(|one| one.to_json()).collect()
}

async fn it_begins_shows_and_ends(database: Database) {
    let app = start(database, "").await;
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    let (joe, admin) = (app.user("joe@lp.com").await, app.user("matt@lp.com").await);
    let before = app.session_of(&matt);
    let _ = app.take_events();
    let _ = app.mails().await;
    act(&app, &mut matt, "joe@lp.com").await;
    let began = Event::ImpersonationBegan { user_id: joe.id, by: admin.id };
    assert!(app.take_events().contains(&began));
    // They are joe, and everybody sees who it is.
    assert_eq!(matt.who().await, "joe@lp.com");
    assert_eq!(matt.get("/editors").await.text(), "in");
    let shown = matt.get("/own").await.text().to_owned();
    assert!(shown.starts_with("joe@lp.com by Some(\"matt@lp.com\")"), "{shown}");
    assert!(shown.contains("<aside class=\"impersonation\"") && shown.contains("in 30 minutes"), "{shown}");
    assert!(shown.contains("action=\"/impersonate/end\""), "{shown}");
    let home = matt.get("/home").await;
    assert!(home.text().contains("<aside class=\"impersonation\""), "{}", home.text());
    // The owner is told why, is not said to have signed in, and sees it among the sessions.
    let mails = app.mails().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert!(mail.text.as_deref().unwrap().contains("looking"), "{mail:?}");
    let now = app.user("joe@lp.com").await;
    assert_eq!((now.current_login_at, now.login_count), (joe.current_login_at, joe.login_count));
    let mut other = app.browser();
    other.sign_in("joe@lp.com").await;
    let account = other.get_json("/account").await.response();
    let sessions = account["sessions"].as_array().unwrap();
    assert!(sessions.iter().any(|one| one["via"] == "support" && one["address"].is_null()), "{sessions:?}");
    assert!(account["activity"].as_array().unwrap().iter().any(|one| one["kind"] == "support-began"));
    // The end.
    let reply = end(&mut matt).await;
    assert_eq!((reply.status(), reply.location()), (302, "/"));
    assert_eq!(matt.who().await, "matt@lp.com");
    assert!(!matt.get("/home").await.text().contains("impersonation"));
    let after = app.session_of(&matt);
    for name in ["_user_id", "lg_sid", "fs_paa", "_fresh", "lg_proofs"] {
        assert!(before.get(name) == after.get(name), "{name}");
    }
    assert_eq!(matt.get("/pay").await.status(), 200, "their own proof is as fresh as before");
    assert!(app.take_events().contains(&Event::ImpersonationEnded { user_id: joe.id, by: admin.id }));
    for kind in ["support-began", "support-ended"] {
        let entries = audited(&app, kind).await;
        let [entry] = entries.as_slice() else { panic!("{kind}: {entries:?}") };
        assert_eq!((&entry["actor_id"], &entry["user_id"]), (&json!(admin.id), &json!(joe.id)), "{kind}: {entry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_shows_and_ends_on_sqlite() {
    it_begins_shows_and_ends(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_shows_and_ends_on_postgres() {
    it_begins_shows_and_ends(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_the_owners_alone_is_closed() {
    let app = start(Database::Sqlite, "").await;
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    act(&app, &mut matt, "joe@lp.com").await;
    let joe = app.user("joe@lp.com").await;
    let open =
        ["impersonate_end", "jwks", "language", "logout", "openapi", "openapi_page", "passkey_endpoints", "static"];
    let mut closed = 0;
    for route in app.gate().route_list().to_vec() {
        if open.contains(&route.name) {
            continue;
        }
        for method in &route.methods {
            let path = route.path.replace("{token}", "x").replace("{id}", "1");
            let reply = matt.call(method.as_str(), &path).header("accept", "application/json").send().await;
            // Where a request is refused before anybody asks what it is about, nothing is shown or changed either.
            assert!(matches!(reply.status(), 403 | 400), "{method} {path}: {}", reply.text());
            if reply.status() == 403 {
                assert_eq!(reply.response()["errors"], json!(["IMPERSONATION_CLOSED"]), "{method} {path}");
                closed += 1;
            }
        }
    }
    assert!(closed > 25, "{closed}");
    for page in
        ["/account", "/change", "/change-email", "/account/keys", "/tf-setup", "/mf-recovery-codes", "/account/export"]
    {
        let reply = matt.get(page).await;
        assert_eq!(reply.status(), 403, "{page}");
        assert!(reply.text().contains("IMPERSONATION_CLOSED") && reply.text().contains("/impersonate/end"), "{page}");
    }
    // Nor is the administrator's proof one of joe's.
    assert!(matt.get("/pay").await.location().contains("/verify"));
    assert_eq!(app.user("joe@lp.com").await, joe);
    // What they did in the application is entered under both names.
    matt.call("POST", "/own").send().await;
    let entries = audited(&app, "support-request").await;
    let admin = app.user("matt@lp.com").await.id;
    assert!(!entries.is_empty());
    for entry in entries {
        assert_eq!((&entry["actor_id"], &entry["user_id"]), (&json!(admin), &json!(joe.id)), "{entry}");
        assert_eq!(entry["details"]["impersonator"], admin.to_string(), "{entry}");
        assert_eq!(entry["details"]["impersonated"], joe.id.to_string(), "{entry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gains_rights_by_it() {
    let app = start(Database::Sqlite, "").await;
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    // A role that permits nothing by itself, and that pages may ask for by its name.
    let store = app.store();
    store.create_role("superuser", None, None, app.now()).await.unwrap();
    store.add_role(app.user("jess@lp.com").await.id, "superuser").await.unwrap();
    // Other administrators; somebody with a permission that matt lacks; an account that cannot be used; oneself.
    for (whom, why) in [
        ("dave@lp.com", "Administrator"),
        ("gal@lp.com", "Administrator"),
        ("jill@lp.com", "MoreRights([\"my-write\"])"),
        ("tiya@lp.com", "NotUsable"),
        ("jess@lp.com", "Administrator"),
        ("matt@lp.com", "Yourself"),
    ] {
        assert_eq!(act(&app, &mut matt, whom).await, format!("refused: {why}"), "{whom}");
        assert_eq!(matt.who().await, "matt@lp.com");
    }
    let joe = app.user("joe@lp.com").await.id;
    let blank = matt.call("POST", &format!("/begin/{joe}/%20")).send().await;
    assert_eq!(blank.text(), "refused: NoReason");
    // No administrator, no beginning; and from within nobody goes further.
    let mut editor = app.browser();
    editor.sign_in("joe@lp.com").await;
    assert_eq!(editor.call("POST", &format!("/begin/{joe}/x")).send().await.status(), 403);
    act(&app, &mut matt, "gene@lp.com").await;
    assert_eq!(matt.call("POST", &format!("/begin/{joe}/x")).send().await.status(), 403);
    assert_eq!(matt.who().await, "gene@lp.com");
    // By a token there is no session to come back to.
    let token = app.auth_token("matt@lp.com").await;
    let path = format!("/begin/{joe}/x");
    let mut program = app.browser();
    let reply = program.call("POST", &path).header("authentication-token", &token).send().await;
    assert_eq!(reply.text(), "refused: NoSession");
    // Switched off, it is not there.
    let app = TestApp::builder().routes(|router| router.route("/begin/{id}/{reason}", post(begin))).start().await;
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    assert_eq!(act(&app, &mut matt, "joe@lp.com").await, "refused: Off");
    assert_eq!(matt.call("POST", "/impersonate/end").send().await.status(), 404);
}

/// What ends it from outside; after that the browser is the administrator's again, or nobody's.
#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_itself() {
    let app = Arc::new(start(Database::Sqlite, "").await);
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    let store = app.store();
    let joe = app.user("joe@lp.com").await;
    for way in ["time", "the owner", "more rights", "suspended"] {
        act(&app, &mut matt, "joe@lp.com").await;
        let begun = matt.clone();
        match way {
            "time" => {
                app.advance(30 * 60 - 1);
                assert_eq!(matt.who().await, "joe@lp.com");
                app.advance(1);
            }
            "the owner" => {
                let all = store.sessions_of(joe.id).await.unwrap();
                let ours = all.iter().find(|one| one.via == "support" && one.is_live(app.now())).unwrap();
                assert!(store.revoke_session(&ours.sid, app.now()).await.unwrap());
            }
            "more rights" => drop(store.add_role(joe.id, "author").await.unwrap()),
            _ => {
                app.update("joe@lp.com", lychgate::store::UserPatch { active: Some(false), ..Default::default() })
                    .await;
            }
        }
        assert_eq!(matt.who().await, "nobody", "{way}: the request that finds it over is nobody's");
        assert_eq!(matt.who().await, "matt@lp.com", "{way}");
        let mut copy = begun;
        assert_eq!(copy.who().await, "nobody", "{way}: and no copy of the cookie goes on");
        let _ = store.remove_role(joe.id, "author").await.unwrap();
        app.update("joe@lp.com", lychgate::store::UserPatch { active: Some(true), ..Default::default() }).await;
    }
    let ended = audited(&app, "support-ended").await.len();
    assert_eq!(ended, 3, "each is entered once; what its owner ended is entered as that");
    // Without the administrator's own session there is nothing to come back to.
    act(&app, &mut matt, "joe@lp.com").await;
    let admin = app.user("matt@lp.com").await.id;
    store.revoke_sessions_of(admin, None, app.now()).await.unwrap();
    assert_eq!(matt.who().await, "nobody");
    assert_eq!(matt.who().await, "nobody");
}

/// Ended by the owner, it is entered as that, and who ended it is the owner.
#[tokio::test(flavor = "multi_thread")]
async fn the_owner_ends_it() {
    let app = start(Database::Sqlite, "").await;
    let (mut matt, mut owner) = (app.browser(), app.browser());
    matt.sign_in("matt@lp.com").await;
    let token = owner.sign_in("joe@lp.com").await;
    let joe = app.user("joe@lp.com").await.id;
    for all in [false, true] {
        act(&app, &mut matt, "joe@lp.com").await;
        let sessions = owner.get_json("/account").await.response()["sessions"].take();
        let support = sessions.as_array().unwrap().iter().find(|one| one["via"] == "support").unwrap()["id"].clone();
        let (path, body) = match all {
            true => ("/account/sessions/end-others", json!({"csrf_token": token})),
            false => ("/account/sessions/end", json!({"csrf_token": token, "session": support})),
        };
        let done = owner.post_json(path, body).await;
        assert_eq!(done.status(), 200, "{}", done.text());
        assert_eq!((matt.who().await, matt.who().await), ("nobody".to_owned(), "matt@lp.com".to_owned()));
    }
    let ended = audited(&app, "support-ended").await;
    assert_eq!(ended.len(), 2, "{ended:?}");
    for entry in ended {
        assert_eq!((&entry["actor_id"], &entry["user_id"]), (&json!(joe), &json!(joe)), "{entry}");
        assert_eq!(entry["details"]["detail"], "by the owner", "{entry}");
    }
    assert!(audited(&app, "session-ended").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_both() {
    let app = start(Database::Sqlite, "").await;
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    let mut own = matt.clone();
    act(&app, &mut matt, "joe@lp.com").await;
    let mut copy = matt.clone();
    let token = matt.get("/home").await.input("csrf_token").unwrap();
    assert_eq!(matt.call("POST", "/logout").form(&[("csrf_token", &token)]).send().await.status(), 302);
    for browser in [&mut matt, &mut copy, &mut own] {
        assert_eq!(browser.who().await, "nobody");
        assert_eq!(browser.who().await, "nobody");
    }
    // Joe's own sessions are another matter.
    let live = app.store().sessions_of(app.user("joe@lp.com").await.id).await.unwrap();
    assert!(live.iter().all(|one| one.revoked_at.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_asks_for_a_token_and_says_when_there_is_nothing_to_end() {
    let app = start(Database::Sqlite, "").await;
    let mut matt = app.browser();
    let token = matt.sign_in("matt@lp.com").await;
    let none = matt.call("POST", "/impersonate/end").header("accept", "application/json").send().await;
    assert_eq!((none.status(), none.response()["errors"][0].as_str()), (409, Some("IMPERSONATION_NONE")));
    act(&app, &mut matt, "joe@lp.com").await;
    // Neither without a token nor with that of a page from before.
    assert_eq!(matt.call("POST", "/impersonate/end").send().await.status(), 400);
    let old = matt.call("POST", "/impersonate/end").json(&json!({"csrf_token": token})).send().await;
    assert_eq!(old.status(), 400, "{}", old.text());
    assert_eq!(matt.who().await, "joe@lp.com");
    let token = matt.get("/home").await.input("csrf_token").unwrap();
    let done = matt.call("POST", "/impersonate/end").json(&json!({"csrf_token": token})).send().await;
    assert_eq!(done.status(), 200, "{}", done.text());
    assert!(!done.csrf_token().is_empty());
    assert_eq!(matt.who().await, "matt@lp.com");
}
