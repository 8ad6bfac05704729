//! Guards and extractors: who reaches a route, and what the others are told.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use axum::{
    Router,
    extract::State,
    routing::{MethodRouter, get},
};
use lychgate::{CurrentUser, Error, Lychgate, Mechanism, Need, Permission, guard, guard::Guard, store::UserPatch};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::json;

fn behind(guard: Guard) -> MethodRouter {
    get(async || "in").route_layer(guard)
}

fn app() -> AppBuilder {
    TestApp::builder().toml("[csrf]\nenabled = false").routes(routes)
}

fn routes(routes: Router) -> Router {
    let any = [Mechanism::Basic, Mechanism::Session, Mechanism::Token];
    let minute = Duration::from_secs(60);
    routes
        .route("/authenticated", behind(guard::authenticated()).post(async || "in").route_layer(guard::authenticated()))
        .route("/session", behind(guard::session()))
        .route("/token", behind(guard::token()))
        .route("/basic", behind(guard::basic()))
        .route("/realm", behind(guard::basic_in("My \"Realm\"")))
        .route("/any", behind(guard::authenticated_by(any)))
        .route("/anonymous", behind(guard::anonymous()))
        .route("/admin", behind(guard::role("admin")))
        .route("/admin-or-editor", behind(guard::any_role(["admin", "editor"])))
        .route("/admin-and-editor", behind(guard::all_roles(["admin", "editor"])))
        .route("/simple", behind(guard::role("simple")))
        .route("/write", behind(guard::permission("full-write")))
        .route("/write-or-super", behind(guard::any_permission(["full-write", "super"])))
        .route("/write-and-super", behind(guard::all_permissions(["full-write", "super"])))
        .route("/not-editor", behind(guard::permit(!Permission::from(Need::role("editor")))))
        .route("/nobody", behind(guard::permit(Permission::any([]))))
        .route("/fresh", behind(guard::fresh(minute)))
        .route("/fresh-grace", behind(guard::fresh_with_grace(minute, Duration::from_secs(600))))
        .route("/session-and-admin", behind(guard::session().and(guard::role("admin"))))
        .route("/token-and-write", behind(guard::token().and(guard::permission("full-write"))))
        .route("/token-or-admin", behind(guard::token().or(guard::session().and(guard::role("admin")))))
        .route("/basic-or-session", behind(guard::basic().or(guard::session())))
        .route("/user", get(async |user: CurrentUser| user.email().to_owned()))
        .route("/articles/{id}", get(article))
}

/// Something that only the item's own right or a role opens.
async fn article(user: CurrentUser, axum::extract::Path(id): axum::extract::Path<i64>) -> Result<String, Error> {
    user.require(&Permission::any([Need::item("edit", id, "article"), Need::role("admin")]))?;
    Ok(format!("{} edits {id}", user.username().unwrap_or_default()))
}

async fn status(browser: &mut Browser, path: &str) -> u16 {
    browser.get_json(path).await.status()
}

#[rstest]
#[case("/admin", ["matt", "dave", "gal"].as_slice())]
#[case("/admin-or-editor", ["matt", "joe", "dave", "gal"].as_slice())]
#[case("/admin-and-editor", ["dave"].as_slice())]
#[case("/simple", ["gene"].as_slice())]
#[case("/write", ["matt", "joe", "dave", "gal"].as_slice())]
#[case("/write-or-super", ["matt", "joe", "dave", "gal"].as_slice())]
#[case("/write-and-super", ["matt", "dave", "gal"].as_slice())]
#[case("/not-editor", ["matt", "jill", "gene", "gal", ""].as_slice())]
#[case("/nobody", [].as_slice())]
#[case("/session-and-admin", ["matt", "dave", "gal"].as_slice())]
#[tokio::test]
async fn roles_and_permissions_open_what_they_say(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[case] path: &str,
    #[case] allowed: &[&str],
) {
    let app = app().on(database).start().await;
    for name in ["matt", "joe", "dave", "jill", "gene", "gal", ""] {
        let mut browser = app.browser();
        if !name.is_empty() {
            browser.sign_in(&format!("{name}@lp.com")).await;
        }
        let expected = match (allowed.contains(&name), path) {
            (true, _) => 200,
            (false, "/session-and-admin") if name.is_empty() => 401,
            (false, _) => 403,
        };
        assert_eq!(status(&mut browser, path).await, expected, "{name:?}");
    }
}

#[tokio::test]
async fn each_mechanism_opens_its_own_routes() {
    let app = app().start().await;
    let token = app.auth_token("joe@lp.com").await;
    let mut session = app.browser();
    session.sign_in("joe@lp.com").await;
    for (path, by_session, by_token, by_basic) in [
        ("/authenticated", 200, 200, 401),
        ("/session", 200, 401, 401),
        ("/token", 401, 200, 401),
        ("/basic", 401, 401, 200),
        ("/any", 200, 200, 200),
        ("/basic-or-session", 200, 401, 200),
        ("/token-and-write", 401, 200, 401),
        ("/token-or-admin", 403, 200, 401),
        ("/user", 200, 200, 401),
    ] {
        assert_eq!(status(&mut session, path).await, by_session, "session {path}");
        let mut program = app.browser();
        let call =
            program.call("GET", path).header("authentication-token", &token).header("accept", "application/json");
        assert_eq!(call.send().await.status(), by_token, "token {path}");
        let call = program.call("GET", path).basic("joe@lp.com", PASSWORD).header("accept", "application/json");
        assert_eq!(call.send().await.status(), by_basic, "basic {path}");
        assert_eq!(program.cookie("session"), None, "neither makes a session");
        assert_eq!(status(&mut app.browser(), path).await, 401, "nobody {path}");
    }
}

#[tokio::test]
async fn the_settings_choose_the_mechanisms_of_authenticated() {
    let app = app().toml("[security]\napi_enabled_methods = [\"basic\"]").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let refused = browser.get("/authenticated").await;
    assert_eq!((refused.status(), refused.header("www-authenticate")), (401, "Basic realm=\"Login Required\""));
    assert_eq!(browser.call("GET", "/authenticated").basic("joe@lp.com", PASSWORD).send().await.status(), 200);
}

#[tokio::test]
async fn strangers_are_shown_the_way_in() {
    let app = app().start().await;
    let mut browser = app.browser();
    let json = browser.get_json("/authenticated").await;
    assert_eq!((json.status(), json.response()), (401, json!({"errors": ["UNAUTHENTICATED"]})));
    for (path, leads_to) in [
        ("/authenticated", "/login?next=/authenticated"),
        ("/authenticated?x=1&y=a%20b", "/login?next=/authenticated?x%3D1%26y%3Da%2520b"),
        ("/authenticated?a=%23%2B", "/login?next=/authenticated?a%3D%2523%252B"),
    ] {
        assert_eq!(browser.get(path).await.location(), leads_to);
    }
    let page = browser.get("/login?next=/authenticated?x%3D1%26y%3Da%2520b").await;
    assert!(page.text().contains(r#"<li class="error">UNAUTHENTICATED</li>"#), "{}", page.text());
    assert!(!browser.get("/login").await.text().contains("UNAUTHENTICATED"), "it is said once");
    let fields = [("email", "joe@lp.com"), ("password", PASSWORD)];
    let reply = browser.post_form("/login?next=/authenticated?x%3D1%26y%3Da%2520b", &fields).await;
    assert_eq!(reply.location(), "/authenticated?x=1&y=a%20b", "and leads back");
}

#[tokio::test]
async fn basic_asks_in_its_realm() {
    let app = app().start().await;
    let mut browser = app.browser();
    for (path, challenge) in [("/basic", "Basic realm=\"Login Required\""), ("/realm", "Basic realm=\"My Realm\"")] {
        let page = browser.get(path).await;
        assert_eq!((page.status(), page.header("www-authenticate")), (401, challenge));
        assert_eq!(page.text(), "UNAUTHENTICATED");
        let json = browser.get_json(path).await;
        assert_eq!((json.status(), json.header("www-authenticate")), (401, challenge));
    }
    assert_eq!(browser.cookie("session"), None, "no message is kept");
}

#[rstest]
#[case("Basic")]
#[case("Basic ")]
#[case("Basic =")]
#[case("Basic !!!!")]
#[case("Basic am9l")]
#[case("Basic OnBhc3N3b3Jk")] // only a password
#[case("Basic am9lQGxwLmNvbTo=")] // only a name
#[case("Basic am9lQGxwLmNvbQ==")] // no colon
#[case("Basic /////w==")] // not UTF-8
#[case("Bearer am9lQGxwLmNvbTpwYXNzd29yZA==")]
#[case("BasicX am9lQGxwLmNvbTpwYXNzd29yZA==")]
#[case("Basicam9lQGxwLmNvbTpwYXNzd29yZA==")]
#[tokio::test]
async fn credentials_that_cannot_be_read_are_none(#[case] header: &str) {
    let app = app().start().await;
    let reply = app.browser().call("GET", "/basic").header("authorization", header).send().await;
    assert_eq!(reply.status(), 401);
    let reply = app.browser().call("GET", "/any").header("authorization", header).send().await;
    assert_eq!(reply.status(), 401);
}

#[tokio::test]
async fn credentials_are_read_in_any_case_and_within_bounds() {
    let app = app().start().await;
    let mut program = app.browser();
    let genuine = "bASIC am9lQGxwLmNvbTpwYXNzd29yZA==";
    assert_eq!(program.call("GET", "/basic").header("authorization", genuine).send().await.status(), 200);
    let endless = format!("Basic {}", "A".repeat(64 * 1024));
    assert_eq!(program.call("GET", "/basic").header("authorization", &endless).send().await.status(), 401);
}

#[tokio::test]
async fn basic_asks_as_much_as_signing_in_does() {
    let confirmable = app().toml("[security]\nconfirmable = true").start().await;
    let plain = app().start().await;
    for (app, email, password, expected) in [
        (&plain, "joe@lp.com", PASSWORD, 200),
        (&plain, "joe@lp.com", "passwort", 401),
        (&plain, "joe@lp.com", "", 401),
        (&plain, "", "", 401),
        (&plain, "nobody@lp.com", PASSWORD, 401),
        (&plain, "tiya@lp.com", PASSWORD, 401), // inactive
        (&plain, "jess@lp.com", PASSWORD, 401), // has no password
        (&plain, "jess@lp.com", "", 401),
        (&plain, "gal@lp.com", PASSWORD, 401), // has a second factor
        (&confirmable, "joe@lp.com", PASSWORD, 401),
    ] {
        let reply = app.browser().call("GET", "/basic").basic(email, password).send().await;
        assert_eq!(reply.status(), expected, "{email} {password}");
    }
}

#[tokio::test]
async fn tokens_are_read_where_they_may_stand() {
    let app = app().start().await;
    let token = app.auth_token("joe@lp.com").await;
    let mut program = app.browser();
    assert_eq!(program.call("GET", "/token").header("authentication-token", &token).send().await.status(), 200);
    assert_eq!(status(&mut program, &format!("/token?auth_token={token}")).await, 200);
    let body = json!({"auth_token": token});
    assert_eq!(program.call("POST", "/authenticated").json(&body).send().await.status(), 200);
    let form = [("auth_token", token.as_str())];
    assert_eq!(program.call("POST", "/authenticated").form(&form).send().await.status(), 302, "not in a form");
    for (key, value) in [("authorization", format!("Bearer {token}")), ("authentication-token", format!("{token}x"))] {
        let call = program.call("GET", "/token").header(key, &value).header("accept", "application/json");
        assert_eq!(call.send().await.status(), 401, "{key}");
    }
    for empty in ["", " ", "null"] {
        let call =
            program.call("GET", "/token").header("authentication-token", empty).header("accept", "application/json");
        assert_eq!(call.send().await.status(), 401, "{empty:?}");
    }
    for odd in [json!({"auth_token": null}), json!({"auth_token": 1}), json!({"auth_token": [token]}), json!([])] {
        assert_eq!(program.call("POST", "/authenticated").json(&odd).send().await.status(), 401, "{odd}");
    }
    let modern = TestApp::builder().toml("profile = \"modern\"").routes(routes).start().await;
    let token = modern.auth_token("joe@lp.com").await;
    let mut program = modern.browser();
    assert_eq!(status(&mut program, &format!("/token?auth_token={token}")).await, 401, "addresses end up in logs");
    assert_eq!(program.call("GET", "/token").header("authentication-token", &token).send().await.status(), 200);
}

#[rstest]
#[tokio::test]
async fn tokens_end(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).toml("[security]\ntoken_max_age = 600").start().await;
    let call = async |token: &str| {
        let mut program = app.browser();
        let call = program.call("GET", "/token").header("authentication-token", token);
        call.header("accept", "application/json").send().await.status()
    };
    let token = app.auth_token("joe@lp.com").await;
    app.advance(600);
    assert_eq!(call(&token).await, 200);
    app.advance(1);
    assert_eq!(call(&token).await, 401, "by age");
    let token = app.auth_token("joe@lp.com").await;
    let joe = app.user("joe@lp.com").await;
    app.gate().accounts().reset_access(&joe).await.unwrap();
    assert_eq!(call(&token).await, 401, "by a new uniquifier");
    let token = app.auth_token("joe@lp.com").await;
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(bytes).unwrap();
        assert!(forged == token || call(&forged).await == 401, "{forged}");
    }
    assert_eq!(call(&token).await, 200);
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    assert_eq!(call(&token).await, 401, "with its user");
}

#[tokio::test]
async fn the_application_may_end_tokens_sooner() {
    let app = app().configure(|builder| builder.token_expiry(|_| 1_750_000_060)).start().await;
    let token = app.auth_token("joe@lp.com").await;
    let mut program = app.browser();
    assert_eq!(program.call("GET", "/token").header("authentication-token", &token).send().await.status(), 200);
    app.advance(61);
    assert_eq!(program.call("GET", "/token").header("authentication-token", &token).send().await.status(), 302);
}

#[tokio::test]
async fn two_people_in_one_request_are_refused() {
    let app = app().start().await;
    let (own, foreign) = (app.auth_token("joe@lp.com").await, app.auth_token("matt@lp.com").await);
    let mut victim = app.browser();
    victim.sign_in("joe@lp.com").await;
    for path in ["/token", "/authenticated", "/any", "/token-or-admin"] {
        let call =
            victim.call("GET", path).header("authentication-token", &foreign).header("accept", "application/json");
        assert!(matches!(call.send().await.status(), 401 | 403), "{path}");
        let call = victim.call("GET", path).header("authentication-token", &own).header("accept", "application/json");
        assert_eq!(call.send().await.status(), 200, "{path}: both are of one person");
    }
    let call = victim.call("GET", "/basic").basic("matt@lp.com", PASSWORD);
    assert_eq!(call.send().await.status(), 401);
    let call = victim.call("GET", "/basic").basic("joe@lp.com", PASSWORD);
    assert_eq!(call.send().await.status(), 200);
    // Without a guard the session says who it is; the token of somebody else gives nothing.
    let call = victim.call("GET", "/admin").header("authentication-token", &foreign);
    assert_eq!(call.send().await.status(), 403);
}

#[tokio::test]
async fn people_without_a_right_are_told_so() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let json = browser.get_json("/admin").await;
    assert_eq!((json.status(), json.response()), (403, json!({"errors": ["UNAUTHORIZED"]})));
    let page = browser.get("/simple").await;
    assert_eq!(page.status(), 403);
    assert!(page.text().contains("UNAUTHORIZED") && !page.text().contains("simple"), "not what is missing");
}

#[tokio::test]
async fn the_application_says_where_people_without_a_right_go() {
    let by_setting = app().toml("[security]\nunauthorized_view = \"/sorry\"").start().await;
    let mut browser = by_setting.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/admin").await.location(), "/sorry");
    let page = browser.get("/whoami").await;
    assert_eq!(page.status(), 200);
    assert_eq!(browser.get_json("/admin").await.status(), 403);

    let choose = |path: &str| (path == "/admin").then(|| "/not-for-you".to_owned());
    let by_code = app().configure(move |builder| builder.unauthorized_view(choose)).start().await;
    let mut browser = by_code.browser();
    assert_eq!(browser.get("/admin").await.location(), "/not-for-you");
    assert_eq!(browser.get("/simple").await.status(), 403);
}

#[tokio::test]
async fn a_proof_ages() {
    let app = app().toml("[security]\nfreshness_grace_period = 0").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    app.advance(59);
    assert_eq!(status(&mut browser, "/fresh").await, 200);
    app.advance(1);
    let json = browser.get_json("/fresh").await;
    assert_eq!(json.status(), 401);
    assert_eq!(
        json.response(),
        json!({
            "errors": ["REAUTHENTICATION_REQUIRED"],
            "reauth_required": true,
            "unified_signin_enabled": false,
            "has_webauthn_verify_credential": false,
            "oauth_enabled": false,
            "oauth_providers": [],
        })
    );
    assert_eq!(browser.get("/fresh?x=1").await.location(), "/verify?next=/fresh?x%3D1");
    assert!(browser.get("/verify").await.text().contains("REAUTHENTICATION_REQUIRED"));
    assert_eq!(app.browser().get("/fresh").await.location(), "/login?next=/fresh", "strangers sign in first");
}

#[tokio::test]
async fn using_a_fresh_route_keeps_it_open_for_a_while() {
    let app = app().toml("[security]\nfreshness_grace_period = 0").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    app.advance(50);
    assert_eq!(status(&mut browser, "/fresh-grace").await, 200);
    app.advance(599);
    assert_eq!(status(&mut browser, "/fresh-grace").await, 200);
    app.advance(601);
    assert_eq!(status(&mut browser, "/fresh-grace").await, 401);
}

#[tokio::test]
async fn the_age_of_a_token_is_that_of_its_sign_in() {
    let app = app().start().await;
    let token = app.auth_token("joe@lp.com").await;
    let mut program = app.browser();
    let call = async |program: &mut Browser| {
        let call =
            program.call("GET", "/fresh").header("authentication-token", &token).header("accept", "application/json");
        call.send().await.status()
    };
    assert_eq!(call(&mut program).await, 200);
    app.advance(61);
    assert_eq!(call(&mut program).await, 401, "a token has no grace");
    let never = TestApp::builder().toml("[csrf]\nenabled = false\n[security]\nfreshness_allow_auth_token = false");
    let never = never.routes(routes).start().await;
    let token = never.auth_token("joe@lp.com").await;
    let mut program = never.browser();
    let call =
        program.call("GET", "/fresh").header("authentication-token", &token).header("accept", "application/json");
    assert_eq!(call.send().await.status(), 401);
}

#[tokio::test]
async fn some_routes_are_for_strangers() {
    let app = app().toml("[security]\npost_login_view = \"/home\"").start().await;
    let mut browser = app.browser();
    assert_eq!(status(&mut browser, "/anonymous").await, 200);
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/anonymous").await.location(), "/home");
    let json = browser.get_json("/anonymous").await;
    assert_eq!((json.status(), json.response()), (400, json!({"errors": ["ANONYMOUS_USER_REQUIRED"]})));
}

#[tokio::test]
async fn the_application_adds_rights_of_its_own() {
    let needs = |builder: lychgate::Builder| {
        builder.needs(async |user| {
            let edits = (user.email == "joe@lp.com").then(|| Need::item("edit", 7, "article"));
            edits.into_iter().collect()
        })
    };
    let app = app().configure(needs).start().await;
    for (email, seven, eight) in [("joe@lp.com", 200, 403), ("matt@lp.com", 200, 200), ("jill@lp.com", 403, 403)] {
        let mut browser = app.browser();
        browser.sign_in(email).await;
        assert_eq!(status(&mut browser, "/articles/7").await, seven, "{email}");
        assert_eq!(status(&mut browser, "/articles/8").await, eight, "{email}");
    }
    assert_eq!(status(&mut app.browser(), "/articles/7").await, 401);
}

/// Sends one request to a router and gives status and text.
async fn ask(router: Router, path: &str) -> (u16, String) {
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
    let reply = router.oneshot(request).await.unwrap();
    let status = reply.status().as_u16();
    (status, String::from_utf8_lossy(&reply.into_body().collect().await.unwrap().to_bytes()).into_owned())
}

#[tokio::test]
async fn without_the_layer_nothing_is_let_in() {
    let app = app().start().await;
    for path in ["/authenticated", "/admin", "/not-editor", "/anonymous", "/fresh", "/token-or-admin", "/user"] {
        let (status, text) = ask(routes(Router::new()), path).await;
        assert_eq!((status, text.contains(".layer(gate.layer())")), (500, true), "{path}: {text}");
    }
    let (status, text) = ask(app.gate().routes(), "/login").await;
    assert_eq!((status, text.contains(".layer(gate.layer())")), (500, true), "{text}");
    let optional = Router::new().route("/", get(async |_: Option<CurrentUser>| "in"));
    assert_eq!(ask(optional, "/").await.0, 500);
}

#[tokio::test]
async fn guards_and_extractors_work_with_any_state() {
    #[derive(Clone)]
    struct Shared(&'static str);
    async fn hello(State(shared): State<Shared>, user: CurrentUser) -> String {
        format!("{} {}", shared.0, user.email())
    }
    fn whole(gate: &Lychgate) -> Router {
        Router::new()
            .route("/hello", get(hello).route_layer(guard::session()))
            .merge(gate.routes())
            .layer(gate.layer())
            .layer(gate.layer())
            .with_state(Shared("hello"))
    }
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let mut moved = browser.clone().at(whole(app.gate()));
    assert_eq!(moved.get("/hello").await.text(), "hello joe@lp.com");
    assert_eq!(ask(whole(app.gate()), "/hello").await.0, 302);
}

#[tokio::test]
async fn below_a_root_every_address_has_it() {
    let app = app().toml("application_root = \"/app\"\n[security]\nurl_prefix = \"/auth\"").start().await;
    let mut browser = app.browser();
    assert_eq!(browser.get("/app/authenticated").await.location(), "/app/auth/login?next=/app/authenticated");
    assert_eq!(browser.get("/authenticated").await.status(), 404);
    let page = browser.get("/app/auth/login").await;
    assert!(page.text().contains(r#"action="/app/auth/login""#) && page.text().contains("/app/auth/fs-static/css/"));
    let fields = [("email", "joe@lp.com"), ("password", PASSWORD)];
    let reply = browser.post_form("/app/auth/login?next=/app/authenticated", &fields).await;
    assert_eq!(reply.location(), "/app/authenticated");
    assert!(reply.set_cookie("session").unwrap().contains("; Path=/app"), "{:?}", reply.set_cookies());
    assert_eq!(browser.get("/app/authenticated").await.text(), "in");
    assert_eq!(app.gate().url("login"), "/app/auth/login");
}

#[tokio::test]
async fn every_route_is_listed_with_its_guard() {
    let app = app().start().await;
    let listed: Vec<String> = app
        .gate()
        .route_list()
        .into_iter()
        .map(|route| format!("{} {:?} {} {}", route.name, route.methods, route.path, route.guard))
        .collect();
    for expected in ["login [GET] /login anyone", "login [POST] /login anyone", "verify [POST] /verify signed in"] {
        assert!(listed.iter().any(|line| line == expected), "{listed:#?}");
    }
}

#[tokio::test]
async fn a_user_is_read_from_the_row() {
    async fn about(user: CurrentUser) -> String {
        let lower = user.can(&Permission::from(Need::permission("my-write")));
        format!("{} {} {:?}", user.has_role("author"), user.has_permission("full-read") && lower, user.mechanism())
    }
    let app = app().routes(|routes| routes.route("/about", get(about))).start().await;
    let mut browser = app.browser();
    browser.sign_in("jill@lp.com").await;
    assert_eq!(browser.get("/about").await.text(), "true true Session");
    let shown = format!("{:?}", app.user("jill@lp.com").await);
    assert!(!shown.contains("argon2") && !shown.contains(&app.user("jill@lp.com").await.fs_uniquifier), "{shown}");
}
