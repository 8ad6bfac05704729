//! Refresh tokens: handed out, used once, ended; and what auth tokens depend on.
#![allow(clippy::unwrap_used)]

use lychgate::{Event, store::UserPatch};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};

const BODY: &str = r#"
[security]
refresh_token = true
refresh_token_cookie_name = false
[csrf]
enabled = false
"#;
const COOKIE: &str = "[security]\nrefresh_token = true\n[csrf]\nenabled = false";
const GRACE: &str = "[security]\nrefresh_token_grace = 10";
const URL: &str = "/refresh-token";

fn app() -> AppBuilder {
    TestApp::builder().toml(BODY)
}

/// A browser that has just signed in as joe, and the tokens that it got.
async fn begin(app: &TestApp) -> (Browser, String, String) {
    let mut browser = app.browser();
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD});
    let reply = browser.post_json("/login?include_auth_token", fields).await;
    let user = reply.response()["user"].take();
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    (browser, text("authentication_token"), text("refresh_token"))
}

/// A program without cookies trades a token.
async fn trade(app: &TestApp, token: &str) -> Reply {
    app.browser().post_json(URL, json!({"refresh_token": token})).await
}

fn next(reply: &Reply) -> String {
    assert_eq!(reply.status(), 200, "{}", reply.text());
    reply.response()["user"]["refresh_token"].as_str().unwrap().to_owned()
}

/// How many families were begun since events were looked at last.
fn begun(app: &TestApp) -> usize {
    app.take_events().iter().filter(|event| matches!(event, Event::RefreshFamilyBegun { .. })).count()
}

fn is_refused(reply: &Reply) -> bool {
    let error = json!({"refresh_token": ["REFRESH_TOKEN_INVALID"]});
    (reply.status(), reply.field_errors()) == (400, error)
}

async fn who(app: &TestApp, token: &str) -> Value {
    let mut program = app.browser();
    let reply = program.call("GET", "/whoami").header("authentication-token", token).send().await;
    reply.json()["email"].take()
}

#[rstest]
#[case::tracker(Database::Sqlite, "")]
#[case::tracker_postgres(Database::Postgres, "")]
#[case::no_tracker(Database::Sqlite, "DROP TABLE fs_refresh_tracker")]
#[case::no_tracker_postgres(Database::Postgres, "DROP TABLE fs_refresh_tracker")]
#[tokio::test]
async fn each_is_good_once(#[case] database: Database, #[case] sql: &str) {
    let builder = app().on(database).toml("[security]\nnotify_access_change = true\nactivity = true");
    let app = if sql.is_empty() { builder.start().await } else { builder.sql(sql).start().await };
    let (_, _, first) = begin(&app).await;
    assert_eq!(begun(&app), 1);
    let reply = trade(&app, &first).await;
    let second = next(&reply);
    let token = reply.response()["user"]["authentication_token"].as_str().unwrap().to_owned();
    let user = json!({"email": "joe@lp.com", "authentication_token": token, "refresh_token": second});
    assert_eq!(reply.response(), json!({"user": user}), "and no more");
    assert_eq!(reply.set_cookies(), Vec::<&str>::new(), "it makes no session");
    assert_eq!(who(&app, &token).await, "joe@lp.com");
    let third = next(&trade(&app, &second).await);
    assert!(first != second && second != third && app.take_events().is_empty());
    // An old one comes back: nobody knows who has the last.
    let id = app.user("joe@lp.com").await.id;
    app.mails().await;
    for (again, token) in [(false, &first), (false, &third), (true, &second)] {
        assert!(is_refused(&trade(&app, token).await));
        let mails = app.mails().await;
        assert_eq!(mails.len(), usize::from(!again && token == &first), "told once");
        let ended = Event::RefreshFamilyEnded { user_id: id, reason: "GEN_MISMATCH" };
        let expected = if token == &first { vec![ended] } else { vec![] };
        assert_eq!(app.take_events(), expected);
    }
    let noted = app.store().activity_of(id, 10).await.unwrap();
    assert_eq!(noted.iter().filter(|noted| noted.kind == "refresh-token-reused").count(), 1);
    // Another family is not touched.
    let (_, _, other) = begin(&app).await;
    next(&trade(&app, &other).await);
    assert!(app.store().delete_user(id).await.unwrap());
    assert!(is_refused(&trade(&app, &other).await), "the family is gone with its user");
}

#[rstest]
#[tokio::test]
async fn twenty_at_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(false, true)] grace: bool,
) {
    let app = app().on(database).toml(if grace { GRACE } else { "" }).start().await;
    let (_, _, first) = begin(&app).await;
    let calls = (0..20).map(|_| {
        let (mut program, body) = (app.browser(), json!({"refresh_token": first}));
        async move { program.post_json(URL, body).await }
    });
    let (good, bad): (Vec<Reply>, Vec<Reply>) = at_once(calls).await.into_iter().partition(|r| r.status() == 200);
    let family = &app.store().refresh_families_of(app.user("joe@lp.com").await.id).await.unwrap()[0];
    assert_eq!(family.generation, 2, "it was used up once");
    if !grace {
        assert_eq!((good.len(), bad.len()), (1, 19));
        assert!(bad.iter().all(is_refused) && family.revoked_at.is_some());
        assert!(is_refused(&trade(&app, &next(&good[0])).await));
        return;
    }
    assert_eq!(good.len(), 20, "{:?}", bad.first().map(Reply::text));
    let second = next(&good[0]);
    assert!(good.iter().all(|reply| next(reply) == second), "one successor for all");
    app.advance(10);
    assert_eq!(next(&trade(&app, &first).await), second, "a slow tab");
    let third = next(&trade(&app, &second).await);
    assert!(family.revoked_at.is_none());
    // Outside the grace, and two uses ago within it, it is a copy.
    assert!(is_refused(&trade(&app, &first).await) && is_refused(&trade(&app, &third).await));
    let (_, _, first) = begin(&app).await;
    let second = next(&trade(&app, &first).await);
    app.advance(11);
    assert!(is_refused(&trade(&app, &first).await) && is_refused(&trade(&app, &second).await));
}

#[tokio::test]
async fn by_cookie() {
    let app = TestApp::builder().toml(COOKIE).start().await;
    let mut browser = app.browser();
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD});
    let reply = browser.post_json("/login", fields.clone()).await;
    assert_eq!(reply.set_cookie("fs_refresh"), None, "nobody asked for tokens");
    assert!(app.store().refresh_families_of(app.user("joe@lp.com").await.id).await.unwrap().is_empty());
    browser = app.browser();
    let reply = browser.post_json("/login?include_auth_token", fields).await;
    assert_eq!(reply.response()["user"].get("refresh_token"), None);
    let cookie = reply.set_cookie("fs_refresh").unwrap().to_owned();
    assert!(cookie.ends_with("; Secure; HttpOnly; Path=/; SameSite=Strict") && !cookie.contains("Max-Age"), "{cookie}");
    let first = browser.cookie("fs_refresh").unwrap().to_owned();
    // What the body says is not looked at.
    let reply = browser.post_json(URL, json!({"refresh_token": 7})).await;
    assert_eq!((reply.status(), reply.header("vary")), (200, "Cookie"), "{}", reply.text());
    assert!(reply.response()["user"]["authentication_token"].is_string());
    assert_eq!(reply.response()["user"].get("refresh_token"), None);
    let second = browser.cookie("fs_refresh").unwrap().to_owned();
    assert_ne!(first, second);
    let reply = app.browser().post_json(URL, json!({"refresh_token": second})).await;
    assert_eq!(reply.field_errors(), json!({"refresh_token": ["FIELD_REQUIRED"]}));
    // Beside one that cannot be read, as a neighbouring site may set it, the good one counts.
    let both = format!("fs_refresh=x; fs_refresh={second}");
    let mut program = app.browser();
    let reply = program.call("POST", URL).header("cookie", &both).json(&json!({})).send().await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let reply = browser.post_json("/logout", json!({})).await;
    let gone = reply.set_cookie("fs_refresh").unwrap();
    assert!(gone.starts_with("fs_refresh=;") && gone.contains("Max-Age=0") && gone.contains("Path=/"), "{gone}");
    assert_eq!(browser.cookie("fs_refresh"), None);
    let mut thief = app.browser();
    let third = program.cookie("fs_refresh").unwrap();
    thief.set_cookie("fs_refresh", third);
    assert!(is_refused(&thief.post_json(URL, json!({})).await), "signed out means it");
}

#[tokio::test]
async fn what_is_refused() {
    let app = app().real_texts().start().await;
    let refused = async |body: Value| {
        let reply = app.browser().post_json(URL, body).await;
        assert_eq!(reply.status(), 400, "{}", reply.text());
        reply.field_errors()["refresh_token"][0].as_str().unwrap().to_owned()
    };
    let (_, auth, first) = begin(&app).await;
    let with = |token: &str| json!({"refresh_token": token});
    assert!(refused(json!({})).await == refused(with("")).await);
    for odd in [json!(7), json!({"a": 1}), json!([7]), json!(true)] {
        let text = refused(json!({"refresh_token": odd})).await;
        assert!(!text.contains("INVALID"), "{text}");
    }
    for wrong in [auth.as_str(), "x", &first[1..], &format!("{first}x"), &"a".repeat(100_000), "\u{0}", "ü"] {
        assert!(refused(with(wrong)).await.contains("INVALID"), "{}", wrong.get(..20).unwrap_or(wrong));
    }
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(app.browser().call(method, URL).header("authentication-token", &auth).send().await.status(), 405);
    }
    assert_eq!(app.browser().post_form(URL, &[("refresh_token", &first)]).await.status(), 400, "only JSON");
    assert_eq!(app.browser().call("POST", URL).send().await.status(), 400);
    assert_eq!(app.browser().call("POST", URL).body("application/json", "{").send().await.status(), 400);
    // Whatever was sent, the token is still good.
    let second = next(&trade(&app, &first).await);
    app.advance(7 * 86_400);
    let third = next(&trade(&app, &second).await);
    app.advance(7 * 86_400 + 1);
    assert!(refused(with(&third)).await.contains("EXPIRED"), "idle");
    let (_, _, mut token) = begin(&app).await;
    for _ in 0..15 {
        app.advance(6 * 86_400);
        token = next(&trade(&app, &token).await);
    }
    app.advance(1);
    assert!(refused(with(&token)).await.contains("EXPIRED"), "old");
    let (_, _, token) = begin(&app).await;
    let id = app.user("joe@lp.com").await.id;
    assert_eq!(app.store().refresh_families_of(id).await.unwrap().len(), 1, "what is over was forgotten");
    assert!(refused(with(&third)).await.contains("NOT_FOUND"));
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    assert!(!refused(with(&token)).await.contains("Refresh"), "its user is not active");
    app.update("joe@lp.com", UserPatch { active: Some(true), ..UserPatch::default() }).await;
    let token = next(&trade(&app, &token).await);
    // As another application does it.
    app.update("joe@lp.com", UserPatch { fs_uniquifier: Some("new".to_owned()), ..UserPatch::default() }).await;
    refused(with(&token)).await;
    let family = &app.store().refresh_families_of(id).await.unwrap()[0];
    assert_eq!((family.generation, family.revoked_at), (2, None), "a refusal uses nothing up");
}

/// Switched off there is no route, no token, and sign-out looks for none.
#[tokio::test]
async fn switched_off() {
    let app = TestApp::builder().toml("[csrf]\nenabled = false").start().await;
    let (mut browser, auth, refresh) = begin(&app).await;
    assert!(!auth.is_empty() && refresh.is_empty() && browser.cookie("fs_refresh").is_none());
    assert_eq!(browser.post_json(URL, json!({})).await.status(), 404);
    assert_eq!(browser.post_json("/logout", json!({"refresh_token": 7})).await.status(), 200);
}

#[rstest]
#[case::sign_out("sign out")]
#[case::sign_out_elsewhere("sign out elsewhere")]
#[case::given_back("given back")]
#[case::password("password")]
#[case::operator("operator")]
#[case::reset_access("reset access")]
#[tokio::test]
async fn ends_with(#[case] what: &str) {
    let app = app().toml("[security]\nchangeable = true\naccount = true").start().await;
    let (mut browser, _, first) = begin(&app).await;
    let (mut other, ..) = begin(&app).await;
    let token = next(&trade(&app, &first).await);
    let joe = app.user("joe@lp.com").await;
    match what {
        "sign out" => assert_eq!(browser.post_json("/logout", json!({})).await.status(), 200),
        "sign out elsewhere" => {
            assert_eq!(other.post_json("/account/sessions/end-others", json!({})).await.status(), 200);
        }
        // A program that kept no cookies gives any of its tokens back.
        "given back" => {
            let reply = app.browser().post_json("/logout", json!({"refresh_token": first})).await;
            assert_eq!(reply.status(), 200);
        }
        "password" => {
            let new = json!({"password": PASSWORD, "new_password": "battery staple", "new_password_confirm": "battery staple"});
            assert_eq!(other.post_json("/change", new).await.status(), 200);
        }
        "operator" => app.gate().accounts().change_password(&joe, "battery staple").await.unwrap(),
        _ => app.gate().accounts().reset_access(&joe).await.unwrap(),
    }
    assert!(is_refused(&trade(&app, &token).await));
}

#[rstest]
#[case::flask("flask", true)]
#[case::modern("modern", false)]
#[tokio::test]
async fn an_auth_token_ends_with_its_session(#[case] profile: &str, #[case] goes_on: bool) {
    let profile = format!("profile = \"{profile}\"");
    let app = app().toml(&profile).toml("[csrf]\ncheck_origin = false").start().await;
    let (mut browser, auth, refresh) = begin(&app).await;
    let (_, other, _) = begin(&app).await;
    let reply = trade(&app, &refresh).await;
    let refreshed = reply.response()["user"]["authentication_token"].as_str().unwrap().to_owned();
    for token in [&auth, &refreshed, &other] {
        assert_eq!(who(&app, token).await, "joe@lp.com");
    }
    assert_eq!(browser.post_json("/logout", json!({})).await.status(), 200);
    for token in [&auth, &refreshed] {
        assert_eq!(who(&app, token).await, if goes_on { json!("joe@lp.com") } else { Value::Null });
    }
    assert_eq!(who(&app, &other).await, "joe@lp.com", "another session");
    assert!(is_refused(&trade(&app, &next(&reply)).await));
}

/// In the modern profile whoever refreshes has proved nothing.
#[rstest]
#[case::flask("", 200)]
#[case::strict("[security]\nrefresh_token_is_fresh = false", 401)]
#[tokio::test]
async fn what_a_refresh_proves(#[case] toml: &str, #[case] status: u16) {
    let app = app().toml("[security]\nchangeable = true\nchange_email = true\nfreshness = 60").toml(toml).start().await;
    let (_, auth, refresh) = begin(&app).await;
    let ask = async |token: &str| {
        let mut program = app.browser();
        let call = program.call("GET", "/change-email").header("accept", "application/json");
        call.header("authentication-token", token).send().await.status()
    };
    let of = |reply: &Reply| reply.response()["user"]["authentication_token"].as_str().unwrap().to_owned();
    app.advance(59);
    let reply = trade(&app, &refresh).await;
    assert_eq!((ask(&auth).await, ask(&of(&reply)).await), (200, 200));
    app.advance(1);
    assert_eq!(ask(&auth).await, 401);
    let reply = trade(&app, &next(&reply)).await;
    assert_eq!(ask(&of(&reply)).await, status);
}

/// Where forms have a CSRF token, this one has, too; and the guard of callers who are not signed in is asked.
#[tokio::test]
async fn csrf() {
    let app = TestApp::builder().toml("[security]\nrefresh_token = true").start().await;
    let mut browser = app.browser();
    let csrf = browser.get_json("/login").await.csrf_token();
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD, "csrf_token": csrf});
    let csrf = browser.post_json("/login?include_auth_token", fields).await.csrf_token();
    let reply = browser.post_json(URL, json!({})).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"csrf_token": ["CSRF_MISSING"]})));
    assert_eq!(browser.post_json(URL, json!({"csrf_token": csrf})).await.status(), 200);
}

#[rstest]
#[tokio::test]
async fn the_owner_ends_a_program(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).toml("[security]\naccount = true\nactivity = true").start().await;
    let (mut browser, _, first) = begin(&app).await;
    let (mut elsewhere, _, other) = begin(&app).await;
    app.advance(60);
    let second = next(&trade(&app, &first).await);
    let page = browser.get_json("/account").await.response();
    let programs = page["programs"].as_array().unwrap();
    assert_eq!(
        (programs.len(), &programs[0]["last_used"], &programs[1]["last_used"]),
        (2, &json!("AGO_NOW"), &json!("AGO_MINUTE"))
    );
    let times = ["begun_at", "last_used_at", "expires_at"].map(|name| programs[0][name].as_str().unwrap());
    assert_eq!(times, ["2025-06-15T15:06:40Z", "2025-06-15T15:07:40Z", "2025-09-13T15:06:40Z"]);
    assert!(programs[0]["device"].is_string() && programs[0]["address"] == "127.0.0.1");
    let family = &app.store().refresh_families_of(app.user("joe@lp.com").await.id).await.unwrap()[0].family;
    assert!(!page.to_string().contains(family.as_str()), "its name is no secret of the page's");
    let html = browser.get("/account").await.text().to_owned();
    assert_eq!(html.matches("name=\"end_program_form\"").count(), 2, "{html}");
    assert!(html.contains(&format!("value=\"{}\"", programs[0]["id"].as_str().unwrap())));
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    drop(app.take_events());
    let wish = |id: &Value| json!({"program": id});
    for (mut browser, id, error) in [
        (matt, &programs[0]["id"], "ACCOUNT_PROGRAM_UNKNOWN"),
        (elsewhere.clone(), &json!("x"), "ACCOUNT_PROGRAM_UNKNOWN"),
        (elsewhere.clone(), &json!(""), "FIELD_REQUIRED"),
    ] {
        let reply = browser.post_json("/account/programs/end", wish(id)).await;
        assert_eq!((reply.status(), reply.field_errors()), (400, json!({"program": [error]})));
    }
    assert_eq!(elsewhere.post_json("/account/programs/end", wish(&programs[0]["id"])).await.status(), 200);
    let ended = Event::RefreshFamilyEnded { user_id: app.user("joe@lp.com").await.id, reason: "OWNER" };
    assert_eq!(app.take_events(), [ended]);
    assert!(is_refused(&trade(&app, &second).await));
    let again = elsewhere.post_json("/account/programs/end", wish(&programs[0]["id"])).await;
    assert_eq!(again.field_errors(), json!({"program": ["ACCOUNT_PROGRAM_UNKNOWN"]}));
    let page = browser.get_json("/account").await.response();
    assert_eq!(
        (page["programs"].as_array().unwrap().len(), &page["activity"][0]["kind"]),
        (1, &json!("program-ended"))
    );
    next(&trade(&app, &other).await);
    assert_eq!(browser.who().await, "joe@lp.com", "its session goes on");
    let id = programs[1]["id"].as_str().unwrap();
    assert_eq!(browser.post_form("/account/programs/end", &[("program", id)]).await.location(), "/account");
    assert_eq!(app.flashes(&browser), ["ACCOUNT_PROGRAM_ENDED"]);
    assert!(!browser.get("/account").await.text().contains("end_program_form"));
}
