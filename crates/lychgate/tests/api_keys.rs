//! API keys: made, used, limited, taken back.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use axum::{Json, Router, routing::get};
use lychgate::{
    CurrentUser, Event, Mechanism, Need, Permission, guard,
    store::{ApiKey, UserPatch},
};
use lychgate_signing::api_key;
use lychgate_testkit::{AppBuilder, Browser, Database, Reply, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};

const ON: &str = r#"
[security]
api_keys = true
api_enabled_methods = ["session", "token", "api_key"]
account = true
changeable = true
activity = true
notify_access_change = true
freshness = 60
freshness_grace_period = 0
[csrf]
enabled = false
"#;
const URL: &str = "/account/keys";

async fn rights(user: CurrentUser) -> Json<Value> {
    let can = ["read", "write", "delete"].map(|name| {
        let by_identity = user.can(&Permission::from(Need::permission(name)));
        assert_eq!(by_identity, user.has_permission(name), "{name}");
        by_identity
    });
    let preloaded = user.rights_with([Need::item("edit", 1, "document")]).can_on("edit", 1, "document");
    assert_eq!(preloaded, user.mechanism() != Mechanism::ApiKey, "a key opens what it names");
    let is_editor = user.has_role("editor") || user.can(&Need::role("editor").into());
    Json(json!({"email": user.email(), "mechanism": user.mechanism().name(), "editor": is_editor, "can": can}))
}

async fn ok() -> &'static str {
    "ok"
}

fn routes(routes: Router) -> Router {
    routes
        .route("/rights", get(rights).post(rights).route_layer(guard::authenticated()))
        .route("/open", get(rights).post(rights))
        .route("/key", get(ok).post(ok).route_layer(guard::api_key()))
        .route("/session", get(ok).post(ok).route_layer(guard::session()))
        .route("/token", get(ok).post(ok).route_layer(guard::token()))
        .route("/fresh", get(ok).post(ok).route_layer(guard::fresh(Duration::from_secs(3600))))
        .route("/write", get(ok).post(ok).route_layer(guard::api_key().and(guard::permission("write"))))
        .route("/bare-write", get(ok).post(ok).route_layer(guard::permission("write")))
        .route("/editor", get(ok).post(ok).route_layer(guard::role("editor")))
}

fn app() -> AppBuilder {
    TestApp::builder().toml(ON).routes(routes)
}

/// Joe, who is an editor, may read and write.
async fn start(builder: AppBuilder) -> (TestApp, Browser) {
    let app = builder.start().await;
    permit(&app, &["read", "write"]).await;
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    assert_eq!(app.mails().await.len(), 0);
    (app, joe)
}

async fn permit(app: &TestApp, permissions: &[&str]) {
    let store = app.store();
    let all = store.role_by_name("editor").await.unwrap().unwrap().permissions.clone();
    store.remove_permissions("editor", &all, app.now()).await.unwrap();
    let list: Vec<String> = permissions.iter().map(|&name| name.to_owned()).collect();
    store.add_permissions("editor", &list, app.now()).await.unwrap();
}

async fn make(browser: &mut Browser, scopes: &[&str]) -> (String, String) {
    let reply = browser.post_json(URL, json!({"name": "build", "scopes": scopes})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let response = reply.response();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&response["key"]), text(&response["api_key"]["id"]))
}

async fn call(app: &TestApp, path: &str, key: &str) -> Reply {
    let mut program = app.browser();
    let call = program.call("GET", path).header("accept", "application/json");
    call.header("authorization", &format!("Bearer {key}")).send().await
}

async fn list(browser: &mut Browser) -> Value {
    browser.get_json(URL).await.response()["api_keys"].take()
}

#[rstest]
#[tokio::test]
async fn a_program_acts_for_its_owner(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let (app, mut joe) = start(app().on(database)).await;
    let reply = joe.get_json(URL).await;
    let expected = json!({"csrf_token": reply.csrf_token(), "api_keys": [], "available_scopes": ["read", "write"]});
    assert_eq!(reply.response(), expected);
    let (key, id) = make(&mut joe, &["write"]).await;
    assert!(key.starts_with("lgk_") && key.len() == 53, "{key}");
    let joes = app.user("joe@lp.com").await.id;
    let added = Event::ApiKeyAdded { user_id: joes, id: id.clone(), name: "build".to_owned() };
    assert!(app.take_events().contains(&added));
    assert_eq!(app.mails().await.len(), 1, "the owner is told");
    let mine = list(&mut joe).await;
    let made = json!([{
        "id": id, "name": "build", "hint": key[..8], "scopes": ["write"], "created_at": "2025-06-15T15:06:40Z",
        "expires_at": "2025-09-13T15:06:40Z", "last_used_at": null, "last_used_from": null, "expired": false,
    }]);
    assert_eq!(mine, made);
    let stored = app.store().api_keys(None).await.unwrap();
    assert!(!stored[0].digest.contains(&key[4..]) && !format!("{stored:?}").contains(&stored[0].digest));
    // By either header; what it may not do its owner still may.
    let rights = json!({"email": "joe@lp.com", "mechanism": "api_key", "editor": false, "can": [false, true, false]});
    for path in ["/rights", "/open"] {
        assert_eq!(call(&app, path, &key).await.json(), rights, "{path}");
        assert_eq!(app.browser().call("GET", path).header("x-api-key", &key).send().await.json(), rights);
    }
    assert_eq!(joe.get("/rights").await.json()["can"], json!([true, true, false]));
    for (path, status) in [
        ("/key", 200),
        ("/write", 200),
        ("/bare-write", 200),
        ("/editor", 403),
        ("/session", 401),
        ("/token", 401),
        ("/fresh", 401),
    ] {
        assert_eq!(call(&app, path, &key).await.status(), status, "{path}");
    }
    // Never more than its owner has at the time.
    permit(&app, &["read"]).await;
    assert_eq!((call(&app, "/write", &key).await.status(), call(&app, "/key", &key).await.status()), (403, 200));
    permit(&app, &["write", "delete"]).await;
    assert_eq!(call(&app, "/rights", &key).await.json(), rights);
    assert_eq!(call(&app, "/write", &key).await.status(), 200);
    // Taken back: the next request is refused.
    let reply = joe.post_json(&format!("{URL}/revoke"), json!({"id": id})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    assert_eq!(call(&app, "/key", &key).await.status(), 401);
    assert_eq!(list(&mut joe).await, json!([]));
    assert!(app.take_events().contains(&Event::ApiKeyRevoked { user_id: joes, id: id.clone() }));
    let reply = joe.post_json(&format!("{URL}/revoke"), json!({"id": id})).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"id": ["API_KEY_UNKNOWN"]})));
    let noted: Vec<String> =
        app.store().activity_of(joes, 10).await.unwrap().into_iter().map(|noted| noted.kind).collect();
    assert!(noted.starts_with(&["api-key-revoked".to_owned(), "api-key-added".to_owned()]), "{noted:?}");
}

/// None of the library's own routes takes one, however the settings are.
#[tokio::test]
async fn it_opens_nothing_of_the_library() {
    let (app, mut joe) = start(app().toml("[security]\nchange_email = true\nwebauthn = true\nfreshness = -1")).await;
    let (key, id) = make(&mut joe, &[]).await;
    for (method, path) in [
        ("GET", "/account"),
        ("GET", URL),
        ("POST", URL),
        ("POST", "/account/keys/revoke"),
        ("GET", "/change"),
        ("POST", "/change"),
        ("GET", "/change-email"),
        ("POST", "/account/sessions/end-others"),
        ("GET", "/account/export"),
        ("POST", "/wan-register"),
    ] {
        let mut program = app.browser();
        let call = program.call(method, path).header("authorization", &format!("Bearer {key}"));
        let reply = call.json(&json!({"name": "x", "id": id})).send().await;
        assert!([401, 404].contains(&reply.status()), "{method} {path}: {}", reply.text());
    }
    assert_eq!(call(&app, "/account", &key).await.status(), 401);
    let mut program = app.browser();
    let reply = program.call("POST", "/logout").header("authorization", &format!("Bearer {key}")).json(&json!({}));
    assert_eq!(reply.send().await.status(), 200);
    assert_eq!(call(&app, "/key", &key).await.status(), 200, "signing out of nothing ends nothing");
    // Nor does an auth token make or take back keys.
    let token = app.auth_token("joe@lp.com").await;
    let with = async |path: &str, body: Value| {
        app.browser().call("POST", path).header("authentication-token", &token).json(&body).send().await.status()
    };
    assert_eq!(with(URL, json!({"name": "x"})).await, 401);
    assert_eq!(with("/account/keys/revoke", json!({"id": id})).await, 401);
}

#[rstest]
#[case::deactivated("deactivated")]
#[case::password("password")]
#[case::suspended("suspended")]
#[case::locked("locked")]
#[case::reset_access("reset access")]
#[case::administrator("administrator")]
#[case::expired("expired")]
#[case::deleted("deleted")]
#[case::later_user("later user")]
#[tokio::test]
async fn it_ends(#[case] how: &str) {
    let (app, mut joe) = start(app()).await;
    let (key, id) = make(&mut joe, &["read"]).await;
    let user = app.user("joe@lp.com").await;
    assert_eq!(call(&app, "/key", &key).await.status(), 200);
    let accounts = app.gate().accounts();
    match how {
        "deactivated" => {
            app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
            assert_eq!(call(&app, "/key", &key).await.status(), 401);
            app.update("joe@lp.com", UserPatch { active: Some(true), ..UserPatch::default() }).await;
            assert_eq!(call(&app, "/key", &key).await.status(), 200, "it was not the key");
            return;
        }
        "suspended" => {
            assert!(accounts.suspend(&user, None, None).await.unwrap());
            let told = call(&app, "/key", &key).await;
            assert_eq!((told.status(), &told.response()["code"]), (403, &json!("account_suspended")));
            assert!(accounts.unsuspend(&user).await.unwrap());
            assert_eq!(call(&app, "/key", &key).await.status(), 200, "it rested");
            return;
        }
        "locked" => {
            assert!(accounts.lock(&user, None).await.unwrap());
            assert!(accounts.unlock(&*app.user("joe@lp.com").await).await.unwrap());
        }
        "password" => accounts.change_password(&user, "battery staple").await.unwrap(),
        "reset access" => accounts.reset_access(&user).await.unwrap(),
        "administrator" => {
            assert_eq!(accounts.api_keys(Some(&user)).await.unwrap()[0].id, id);
            assert_eq!(accounts.api_keys(None).await.unwrap().len(), 1);
            assert!(accounts.revoke_api_key(&id).await.unwrap());
            assert!(!accounts.revoke_api_key(&id).await.unwrap() && !accounts.revoke_api_key("x").await.unwrap());
        }
        "expired" => {
            app.advance(90 * 86_400 - 1);
            assert_eq!(call(&app, "/key", &key).await.status(), 200);
            app.advance(1);
        }
        "deleted" => assert!(app.store().delete_user(user.id).await.unwrap()),
        // Another application deleted a user and made one with the same primary key.
        _ => {
            let kept = app.store().api_key(&id).await.unwrap().unwrap();
            for (secret, anchor, status) in [([7; 32], kept.anchor.as_str(), 200), ([8; 32], "of another row", 401)] {
                let text = api_key::from_secret("lgk", &secret);
                let (digest, anchor) = (api_key::digest(&text).unwrap(), anchor.to_owned());
                let mut batch = app.store().batch();
                batch.revoke_api_keys_of(user.id, app.now());
                batch.add_api_key(&ApiKey { id: digest[..8].to_owned(), anchor, digest, ..kept.clone() });
                app.store().commit(batch).await.unwrap();
                assert_eq!(call(&app, "/key", &text).await.status(), status);
            }
        }
    }
    assert_eq!(call(&app, "/key", &key).await.status(), 401);
}

#[tokio::test]
async fn what_is_no_key() {
    let (app, mut joe) = start(app()).await;
    let (key, _) = make(&mut joe, &[]).await;
    let (other, _) = make(&mut joe, &[]).await;
    let token = app.auth_token("joe@lp.com").await;
    for wrong in ["", " ", "lgk_", &key[..52], &format!("{key}0"), &key.to_uppercase(), &token, &"a".repeat(100_000)] {
        let shown = wrong.get(..20).unwrap_or(wrong);
        assert_eq!(call(&app, "/key", wrong).await.status(), 401, "{shown}");
        assert_eq!(app.browser().call("GET", "/key").header("x-api-key", wrong).send().await.status(), 302, "{shown}");
    }
    let ask = async |headers: &[(&str, &str)], path: &str| {
        let mut program = app.browser();
        let call = program.call("GET", path).header("accept", "application/json");
        headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await.status()
    };
    let bearer = format!("bearer  {key}");
    assert_eq!(ask(&[("authorization", &bearer)], "/key").await, 200);
    assert_eq!(ask(&[("authorization", &bearer), ("x-api-key", &key)], "/key").await, 200);
    assert_eq!(ask(&[("authorization", &bearer), ("x-api-key", &other)], "/key").await, 401, "two are none");
    assert_eq!(ask(&[("authorization", &bearer), ("x-api-key", "x")], "/key").await, 401);
    assert_eq!(ask(&[("authorization", &format!("Basic {key}"))], "/key").await, 401);
    assert_eq!(ask(&[("authentication-token", &key)], "/token").await, 401, "it is no auth token");
    for path in [format!("/key?api_key={key}"), format!("/key?auth_token={key}"), format!("/key?access_token={key}")] {
        assert_eq!(ask(&[], &path).await, 401, "never in an address");
    }
    // Beside the session of somebody else it is refused; beside its owner's it counts, with its limits.
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    for path in ["/rights", "/key"] {
        let call = matt.call("GET", path).header("authorization", &bearer).header("accept", "application/json");
        assert_eq!(call.send().await.status(), 401, "{path}");
    }
    let reply = joe.call("GET", "/rights").header("authorization", &bearer).send().await;
    assert_eq!(reply.json()["mechanism"], "api_key");
}

/// Without the setting that names it a key counts where a guard names it, and nowhere else.
#[tokio::test]
async fn guards_that_name_none_take_what_the_settings_say() {
    let (app, mut joe) = start(app().toml("[security]\napi_enabled_methods = [\"session\"]")).await;
    let (key, _) = make(&mut joe, &["write"]).await;
    for (path, status) in [("/key", 200), ("/write", 200), ("/rights", 401), ("/open", 401), ("/bare-write", 403)] {
        assert_eq!(call(&app, path, &key).await.status(), status, "{path}");
    }
    let off =
        TestApp::builder().toml(ON).toml("[security]\napi_keys = false").routes(routes).sharing(&app).start().await;
    assert_eq!(call(&off, "/key", &key).await.status(), 401);
    assert_eq!(off.browser().get_json(URL).await.status(), 404);
}

#[tokio::test]
async fn making_one_is_checked() {
    let (app, mut joe) = start(app().toml("[security]\napi_keys_most = 3")).await;
    let made = async |joe: &mut Browser, body: Value| {
        let reply = joe.post_json(URL, body).await;
        if reply.status() == 200 { Value::Null } else { reply.response() }
    };
    for (body, field, error) in [
        (json!({}), "name", "FIELD_REQUIRED"),
        (json!({"name": "  "}), "name", "FIELD_REQUIRED"),
        (json!({"name": 7}), "name", "API_ERROR"),
        (json!({"name": "n".repeat(65)}), "name", "API_KEY_NAME_INVALID"),
        (json!({"name": "a\nb"}), "name", "API_KEY_NAME_INVALID"),
        (json!({"name": "n", "scopes": ["delete"]}), "scopes", "API_KEY_SCOPE_MISSING"),
        (json!({"name": "n", "scopes": ["read", "admin"]}), "scopes", "API_KEY_SCOPE_MISSING"),
        (json!({"name": "n", "scopes": [""]}), "scopes", "API_KEY_SCOPE_MISSING"),
        (json!({"name": "n", "scopes": "read"}), "scopes", "API_ERROR"),
        (json!({"name": "n", "scopes": [1]}), "scopes", "API_ERROR"),
        (json!({"name": "n", "scopes": {"read": true}}), "scopes", "API_ERROR"),
        (json!({"name": "n", "expires": "1000"}), "expires", "INVALID_CHOICE"),
        (json!({"name": "n", "expires": 30}), "expires", "INVALID_CHOICE"),
    ] {
        let response = made(&mut joe, body.clone()).await;
        assert_eq!(response["field_errors"][field], json!([error]), "{body}");
    }
    // Whose it becomes is not a matter of what is sent.
    let matt = app.user("matt@lp.com").await.id;
    for body in [json!({"name": "a", "user_id": matt, "userId": matt}), json!({"name": "b", "expires": "never"})] {
        assert_eq!(made(&mut joe, body).await, Value::Null);
    }
    assert!(app.store().api_keys(Some(matt)).await.unwrap().is_empty());
    let mine = list(&mut joe).await;
    let eternal = mine.as_array().unwrap().iter().find(|key| key["name"] == "b").unwrap();
    assert_eq!(eternal["expires_at"], Value::Null);
    assert_eq!(made(&mut joe, json!({"name": "c"})).await, Value::Null);
    let response = made(&mut joe, json!({"name": "d"})).await;
    assert_eq!(response["errors"], json!(["API_KEYS_TOO_MANY"]));
    // A proof of long ago is not enough to make one, and enough to take one back.
    app.advance(61);
    assert_eq!(joe.post_json(URL, json!({"name": "e"})).await.response()["reauth_required"], true);
    let id = list(&mut joe).await[0]["id"].clone();
    assert_eq!(joe.post_json("/account/keys/revoke", json!({"id": id})).await.status(), 200);
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    let id = list(&mut joe).await[0]["id"].clone();
    for id in [id, json!(""), json!(7), json!("x".repeat(5000)), json!("\u{0}")] {
        assert_eq!(matt.post_json("/account/keys/revoke", json!({"id": id})).await.status(), 400, "of somebody else");
    }
    assert_eq!(list(&mut joe).await.as_array().unwrap().len(), 2);
    assert_eq!(app.browser().post_json(URL, json!({"name": "x"})).await.status(), 401);
}

#[tokio::test]
async fn the_longest_life() {
    let (_app, mut joe) = start(app().toml("[security]\napi_key_max_age = \"31 days\"")).await;
    let reply = joe.post_json(URL, json!({"name": "n"})).await;
    assert_eq!(reply.response()["api_key"]["expires_at"], "2025-07-15T15:06:40Z");
    for wrong in ["90", "never", "-1"] {
        let reply = joe.post_json(URL, json!({"name": "n", "expires": wrong})).await;
        assert_eq!(reply.field_errors()["expires"], json!(["INVALID_CHOICE"]), "{wrong}");
    }
    let (_app, mut joe) = start(app().toml("[security]\napi_key_max_age = \"1 hour\"")).await;
    let reply = joe.post_json(URL, json!({"name": "n"})).await;
    assert_eq!(reply.response()["api_key"]["expires_at"], "2025-06-15T16:06:40Z");
}

/// The last use is noted once a minute, whoever asks.
#[tokio::test]
async fn the_last_use() {
    let (app, mut joe) = start(app()).await;
    let (key, id) = make(&mut joe, &[]).await;
    let noted = async || loop {
        // It is noted beside the request.
        if let Some(at) = app.store().api_key(&id).await.unwrap().unwrap().last_used_at {
            return at;
        }
        tokio::task::yield_now().await;
    };
    let calls = (0..10).map(|_| {
        let (mut program, key) = (app.browser(), key.clone());
        async move { program.call("GET", "/key").header("x-api-key", &key).send().await.status() }
    });
    assert!(at_once(calls).await.iter().all(|status| *status == 200));
    let first = noted().await;
    assert_eq!(first, app.now());
    app.advance(59);
    assert_eq!(call(&app, "/key", &key).await.status(), 200);
    let shown = list(&mut joe).await[0].clone();
    assert_eq!(
        (&shown["last_used_at"], &shown["last_used_from"]),
        (&json!("2025-06-15T15:06:40Z"), &json!("127.0.0.1"))
    );
    app.advance(1);
    assert_eq!(call(&app, "/key", &key).await.status(), 200);
    while noted().await == first {
        tokio::task::yield_now().await;
    }
    assert_eq!(noted().await, app.now());
}

/// As people do it, without a script.
#[tokio::test]
async fn the_page() {
    let (app, mut joe) = start(app().toml("[csrf]\nenabled = true").real_texts()).await;
    let account = joe.get("/account").await;
    assert!(account.text().contains("id=\"api-keys\"") && account.text().contains("href=\"/account/keys\""));
    let page = joe.get(URL).await;
    assert_eq!(page.text().matches("name=\"scopes\"").count(), 2);
    let csrf = page.csrf_token();
    let fields =
        [("name", "<b>Nightly</b>"), ("scopes", "read"), ("scopes", "write"), ("expires", "7"), ("csrf_token", &csrf)];
    let page = joe.post_form(URL, &fields).await;
    assert_eq!((page.status(), page.header("cache-control")), (200, "private, no-store"));
    let key = page.text().split("<code class=\"long\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(call(&app, "/rights", &key).await.json()["can"], json!([true, true, false]));
    let page = joe.get(URL).await;
    assert!(!page.text().contains(&key) && page.text().contains(&key[..8]), "it is shown once");
    assert!(page.text().contains("&lt;b&gt;Nightly") && !page.text().contains("<b>Nightly"));
    let wrong = [("name", ""), ("scopes", "write"), ("csrf_token", &csrf)];
    let page = joe.post_form(URL, &wrong).await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.text().matches("<input checked name=\"scopes\"").count(), 1, "what was ticked stays ticked");
    assert!(joe.get("/account").await.text().contains("Nightly"));
    app.advance(61);
    let page = joe.get(URL).await;
    assert!(page.text().contains("/verify?next=/account/keys") && !page.text().contains("name=\"scopes\""));
    let id = page.input("id").unwrap();
    let reply = joe.post_form("/account/keys/revoke", &[("id", &id), ("csrf_token", &csrf)]).await;
    assert_eq!(reply.location(), URL);
    assert!(joe.get(URL).await.text().contains("The key was removed"));
    assert_eq!(call(&app, "/key", &key).await.status(), 401);
    let reply = joe.post_form("/account/keys/revoke", &[("id", &id), ("csrf_token", &csrf)]).await;
    assert_eq!(reply.location(), URL);
    assert!(joe.get(URL).await.text().contains("not there any more"));
    let mut stranger = app.browser();
    assert_eq!(stranger.get(URL).await.location(), "/login?next=/account/keys");
}

/// A key needs no CSRF token, as no page of somebody else can send one; a session beside it still does.
#[rstest]
#[case::everywhere("[csrf]\nenabled = true\nprotect = true")]
#[case::by_guards("[csrf]\nenabled = true\nprotect = true\ncheck_default = false")]
#[tokio::test]
async fn csrf(#[case] toml: &str) {
    let app = app().toml(toml).start().await;
    let mut joe = app.browser();
    let csrf = joe.sign_in("joe@lp.com").await;
    let call = joe.call("POST", URL).header("x-csrftoken", &csrf);
    let reply = call.json(&json!({"name": "n", "csrf_token": csrf})).send().await;
    let key = reply.response()["key"].as_str().unwrap().to_owned();
    let mut program = app.browser();
    let call = program.call("POST", "/key").header("x-api-key", &key);
    assert_eq!(call.send().await.status(), 200);
    assert_eq!(joe.post_json("/session", json!({})).await.status(), 400);
    let forged = format!("{}0", &key[..52]);
    assert_eq!(joe.call("POST", "/session").header("x-api-key", &forged).json(&json!({})).send().await.status(), 400);
}
