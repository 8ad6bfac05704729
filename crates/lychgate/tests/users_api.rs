//! The users API: who may do what, which members are read and shown, pages of the list, the last administrator.
#![allow(clippy::unwrap_used)]

use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};

const ON: &str = "[jwt]\nenabled = true\ntoken_location = [\"cookies\"]\naccess_cookie_name = \"jwt\"\n\
                  [security]\nusers_api = true\nusername_enable = true\n[csrf]\nenabled = false";

fn app() -> AppBuilder {
    TestApp::builder().toml(ON)
}

/// Somebody with a token in a cookie.
async fn signed_in(app: &TestApp, uid: &str) -> Browser {
    let mut browser = app.browser();
    let reply = browser.post_json("/api/users/authenticate", json!({"uid": uid, "password": PASSWORD})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    browser
}

async fn send(browser: &mut Browser, method: &str, path: &str, body: Value) -> Reply {
    let csrf = browser.cookie("csrf_access_token").unwrap_or_default().to_owned();
    let call = browser.call(method, path).header("x-csrf-token", &csrf).header("accept", "application/json");
    if body.is_null() { call.send().await } else { call.json(&body).send().await }
}

async fn path(app: &TestApp, email: &str) -> String {
    format!("/api/users/{}", app.user(email).await.id)
}

#[track_caller]
fn refuses(reply: &Reply, status: u16, message: &str) {
    assert_eq!((reply.status(), reply.json()["message"].as_str().unwrap()), (status, message));
    assert_eq!(reply.json()["data"], Value::Null);
}

#[rstest]
#[tokio::test]
async fn a_user_from_the_first_to_the_last(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut matt = signed_in(&app, "matt").await;
    let new = json!({"email": "New@LP.com", "username": "newcomer", "password": "some password", "roles": ["author"]});
    let made = send(&mut matt, "POST", "/api/users/", new).await;
    assert_eq!(made.status(), 201, "{}", made.text());
    let (user, path) = (made.json(), made.header("location").to_owned());
    assert_eq!(path, format!("/api/users/{}", user["id"]));
    for (name, value) in [
        ("email", json!("New@lp.com")),
        ("uid", json!("New@lp.com")),
        ("username", json!("newcomer")),
        ("active", json!(true)),
        ("role", json!("author")),
        ("roles", json!(["author"])),
        ("confirmed_at", json!(null)),
    ] {
        assert_eq!(user[name], value, "{name}");
    }
    assert_eq!(matt.get(&path).await.json(), user);
    // The new user reads themselves, and nobody else.
    let mut own = app.browser();
    let fields = json!({"uid": "newcomer", "password": "some password"});
    assert_eq!(own.post_json("/authenticate", fields).await.status(), 200);
    assert_eq!(own.get(&path).await.json()["id"], user["id"]);
    let changed = send(&mut matt, "PATCH", &path, json!({"username": "renamed", "roles": ["simple", "editor"]})).await;
    assert_eq!((changed.status(), &changed.json()["username"]), (200, &json!("renamed")), "{}", changed.text());
    assert_eq!(changed.json()["roles"], json!(["editor", "simple"]));
    let changed = send(&mut matt, "PUT", &path, json!({"password": "another password", "confirmed": true})).await;
    assert!(changed.json()["confirmed_at"].is_string(), "{}", changed.text());
    // What was signed in with the old password is over.
    refuses(&own.get(&path).await, 401, "Invalid Authentication token!");
    let fields = json!({"uid": "renamed", "password": "another password"});
    assert_eq!(own.post_json("/authenticate", fields).await.status(), 200);
    let changed = send(&mut matt, "PATCH", &path, json!({"email": "other@lp.com"})).await;
    assert_eq!((&changed.json()["email"], &changed.json()["confirmed_at"]), (&json!("other@lp.com"), &Value::Null));
    assert_eq!(send(&mut matt, "PATCH", &path, json!({"active": false})).await.json()["active"], false);
    refuses(&own.get(&path).await, 401, "Invalid Authentication token!");
    let gone = send(&mut matt, "DELETE", &path, Value::Null).await;
    assert_eq!((gone.status(), gone.text()), (204, ""));
    refuses(&matt.get(&path).await, 404, "User not found");
    refuses(&send(&mut matt, "DELETE", &path, Value::Null).await, 404, "User not found");
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let app = app().start().await;
    let mut matt = signed_in(&app, "matt").await;
    let list = matt.get("/api/users/").await;
    assert_eq!(list.status(), 200);
    let gal = app.user("gal@lp.com").await;
    for secret in [gal.password.as_ref().unwrap(), &gal.fs_uniquifier, gal.fs_webauthn_user_handle.as_ref().unwrap()] {
        assert!(!list.text().contains(secret.as_str()));
    }
    let known =
        ["active", "confirmed_at", "created_at", "email", "id", "role", "roles", "uid", "updated_at", "username"];
    for user in list.json().as_array().unwrap() {
        assert_eq!(user.as_object().unwrap().keys().collect::<Vec<_>>(), known);
    }
}

#[tokio::test]
async fn roles_decide() {
    let app = app().toml(
        "[security]\nusers_api_read_roles = [\"admin\", \"editor\"]\nusers_api_write_roles = [\"admin\", \"editor\"]",
    );
    let app = app.start().await;
    let (jill, matt) = (path(&app, "jill@lp.com").await, path(&app, "matt@lp.com").await);
    refuses(&app.browser().get("/api/users/").await, 401, "Authentication Token is missing!");
    refuses(&app.browser().get(&jill).await, 401, "Authentication Token is missing!");
    let mut nobody = app.browser();
    nobody.set_cookie("jwt", "garbage");
    refuses(&nobody.get("/api/users/").await, 401, "Something went wrong, likely with the token!");
    let mut gene = signed_in(&app, "gene").await;
    let lacks = "Insufficient permissions. Required roles: ['admin', 'editor']";
    refuses(&gene.get("/api/users/").await, 403, lacks);
    refuses(&gene.get(&jill).await, 403, lacks);
    refuses(&gene.get("/api/users/999999").await, 403, lacks);
    refuses(&send(&mut gene, "POST", "/api/users/", json!({"email": "a@lp.com"})).await, 403, lacks);
    let own = path(&app, "gene@lp.com").await;
    assert_eq!(gene.get(&own).await.json()["email"], "gene@lp.com");
    refuses(&send(&mut gene, "PATCH", &own, json!({"roles": ["admin"]})).await, 403, lacks);
    refuses(
        &send(&mut gene, "DELETE", &own, Value::Null).await,
        403,
        "Insufficient permissions. Required roles: ['admin']",
    );
    // Writers make users and change names; rights are for administrators.
    let mut joe = signed_in(&app, "joe").await;
    assert_eq!(joe.get("/api/users/").await.status(), 200);
    assert_eq!(send(&mut joe, "POST", "/api/users/", json!({"email": "made@lp.com"})).await.status(), 201);
    assert_eq!(send(&mut joe, "PATCH", &jill, json!({"username": "jilly"})).await.status(), 200);
    let lacks = "Insufficient permissions. Required roles: ['admin']";
    for body in [
        json!({"roles": ["admin"]}),
        json!({"password": "another password"}),
        json!({"active": false}),
        json!({"email": "mine@lp.com"}),
        json!({"confirmed": true}),
    ] {
        refuses(&send(&mut joe, "PATCH", &jill, body).await, 403, lacks);
    }
    let body = json!({"email": "b@lp.com", "roles": ["admin"]});
    refuses(&send(&mut joe, "POST", "/api/users/", body).await, 403, lacks);
    refuses(&send(&mut joe, "PATCH", &matt, json!({"username": "matthew"})).await, 403, lacks);
    refuses(&send(&mut joe, "DELETE", &jill, Value::Null).await, 403, lacks);
    assert_eq!(app.user("jill@lp.com").await.username.as_deref(), Some("jilly"));
}

#[tokio::test]
async fn only_known_members_are_read() {
    let app = app().start().await;
    let mut matt = signed_in(&app, "matt").await;
    let jill = path(&app, "jill@lp.com").await;
    for (body, message) in [
        (json!({"id": 1}), "There is no field \"id\"; known are email, username, password, active, roles, confirmed"),
        (
            json!({"fs_uniquifier": "x", "username": "a"}),
            "There is no field \"fs_uniquifier\"; known are email, username, password, active, roles, confirmed",
        ),
        (json!({}), "Please provide user details"),
        (json!({"active": "yes"}), "active is true or false"),
        (json!({"username": ["a"]}), "username is text"),
        (json!({"roles": "admin"}), "roles is a list of names"),
        (json!({"roles": [1]}), "roles is a list of names"),
        (json!({"roles": vec!["admin"; 101]}), "roles is a list of names"),
        (json!({"roles": ["nothing"]}), "The user was not saved"),
        (json!({"email": "no address"}), "The user was not saved"),
        (json!({"email": "JOE@lp.com"}), "The user was not saved"),
        (json!({"username": "joe"}), "The user was not saved"),
        (json!({"username": ""}), "The user was not saved"),
        (json!({"password": "short"}), "The user was not saved"),
    ] {
        refuses(&send(&mut matt, "PATCH", &jill, body).await, 400, message);
    }
    for body in ["[]", "1", "{", "{\"username\":\"a\",\"username\":\"b\"}"] {
        let csrf = matt.cookie("csrf_access_token").unwrap().to_owned();
        let call = matt.call("POST", "/api/users/").header("x-csrf-token", &csrf).body("application/json", body);
        assert_eq!(call.send().await.status(), 400, "{body}");
    }
    let empty = send(&mut matt, "POST", "/api/users/", json!({"email": "", "password": "short"})).await;
    assert_eq!(empty.json()["field_errors"]["email"], json!(["EMAIL_NOT_PROVIDED"]));
    for odd in ["0", "-1", "x", "99999999999999999999", "1%00"] {
        assert_eq!(matt.get(&format!("/api/users/{odd}")).await.status(), 404, "{odd}");
    }
}

#[rstest]
#[tokio::test]
async fn pages_filters_and_order(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut matt = signed_in(&app, "matt").await;
    let names = |reply: &Reply| {
        let users = reply.json();
        let email = |user: &Value| user["email"].as_str().unwrap().split('@').next().unwrap().to_owned();
        users.as_array().unwrap().iter().map(email).collect::<Vec<_>>()
    };
    let all = matt.get("/api/users/").await;
    assert_eq!(names(&all), ["matt", "joe", "dave", "jill", "tiya", "gene", "jess", "gal"]);
    assert_eq!(all.header("link"), "");
    for (query, expected) in [
        ("role=admin", ["matt", "dave", "gal"].as_slice()),
        ("active=false", &["tiya"]),
        ("search=j", &["joe", "jill", "jess"]),
        ("search=j&sort=-email", &["joe", "jill", "jess"]),
        ("search=j&sort=email", &["jess", "jill", "joe"]),
        ("sort=-id&limit=2", &["gal", "jess"]),
        ("role=nothing", &[]),
        ("confirmed=true", &[]),
    ] {
        assert_eq!(names(&matt.get(&format!("/api/users/?{query}")).await), expected, "{query}");
    }
    // From page to page by the links, each user once.
    let (mut seen, mut next) = (Vec::new(), Some("/api/users/?limit=3&sort=email".to_owned()));
    while let Some(path) = next {
        let page = matt.get(&path).await;
        seen.extend(names(&page));
        let links = page.header("link").to_owned();
        let link = links.split(", ").find(|link| link.ends_with("rel=\"next\""));
        next = link.map(|link| link.split(['<', '>']).nth(1).unwrap().to_owned());
    }
    assert_eq!(seen, ["dave", "gal", "gene", "jess", "jill", "joe", "matt", "tiya"]);
    for odd in ["limit=0", "limit=201", "limit=x", "sort=password", "active=maybe", "after=x", "after=1&before=2"] {
        assert_eq!(matt.get(&format!("/api/users/?{odd}")).await.status(), 400, "{odd}");
    }
    let moved = matt.get("/api/users?limit=1").await;
    assert_eq!((moved.status(), moved.header("location")), (308, "/api/users/?limit=1"));
}

#[rstest]
#[tokio::test]
async fn the_last_administrator_stays(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut matt = signed_in(&app, "matt").await;
    let gal = path(&app, "gal@lp.com").await;
    assert_eq!(send(&mut matt, "DELETE", &gal, Value::Null).await.status(), 204);
    // Each of the two that are left takes the other's role away at the same moment.
    let dave = signed_in(&app, "dave").await;
    let (of_matt, of_dave) = (path(&app, "matt@lp.com").await, path(&app, "dave@lp.com").await);
    let calls = [(matt, of_dave), (dave, of_matt)];
    let replies = at_once(calls.map(|(mut browser, path)| async move {
        send(&mut browser, "PATCH", &path, json!({"roles": []})).await.status()
    }))
    .await;
    assert!(replies.iter().filter(|status| **status == 200).count() <= 1, "{replies:?}");
    let (matt, dave) = (app.user("matt@lp.com").await, app.user("dave@lp.com").await);
    let left = if matt.has_role("admin") { ("matt", matt.id) } else { ("dave", dave.id) };
    assert!(matt.has_role("admin") || dave.has_role("admin"));
    let mut last = signed_in(&app, left.0).await;
    let other = path(&app, if left.0 == "matt" { "dave@lp.com" } else { "matt@lp.com" }).await;
    send(&mut last, "PATCH", &other, json!({"roles": []})).await;
    let own = format!("/api/users/{}", left.1);
    for body in [json!({"roles": ["editor"]}), json!({"active": false})] {
        refuses(&send(&mut last, "PATCH", &own, body).await, 409, "The last administrator stays");
    }
    refuses(&send(&mut last, "DELETE", &own, Value::Null).await, 409, "The last administrator stays");
    assert_eq!(send(&mut last, "PATCH", &own, json!({"roles": ["admin", "editor"]})).await.status(), 200);
}

#[tokio::test]
async fn changes_are_meant_and_recent() {
    let app =
        app().toml("[csrf]\nenabled = true\n[security]\nfreshness = 60\nfreshness_grace_period = 0").start().await;
    let jill = path(&app, "jill@lp.com").await;
    // A cookie alone is what a page of another site could send.
    let mut matt = signed_in(&app, "matt").await;
    let without = matt.call("PATCH", &jill).json(&json!({"active": false})).send().await;
    assert_eq!((without.status(), &without.json()["error"]), (401, &json!("Missing CSRF token")));
    let mut session = app.browser();
    let csrf = session.sign_in("matt@lp.com").await;
    let call = session.call("PATCH", &jill).json(&json!({"username": "jilly"}));
    assert_eq!(call.send().await.status(), 400);
    let body = json!({"username": "jilly", "csrf_token": csrf});
    assert_eq!(session.call("PATCH", &jill).json(&body).send().await.status(), 200);
    app.advance(61);
    let reply = send(&mut matt, "PATCH", &jill, json!({"username": "jillian"})).await;
    assert_eq!((reply.status(), &reply.response()["reauth_required"]), (401, &json!(true)));
    assert_eq!(matt.get(&jill).await.status(), 200);
    assert_eq!(app.user("jill@lp.com").await.username.as_deref(), Some("jilly"));
}

#[tokio::test]
async fn a_new_password_ends_api_keys_too() {
    let app = app().toml("[security]\napi_keys = true").start().await;
    let mut jill = app.browser();
    jill.sign_in("jill@lp.com").await;
    assert_eq!(jill.post_json("/account/keys", json!({"name": "build", "scopes": []})).await.status(), 200);
    let id = app.user("jill@lp.com").await.id;
    let live =
        async || app.store().api_keys(Some(id)).await.unwrap().iter().filter(|key| key.revoked_at.is_none()).count();
    assert_eq!(live().await, 1);
    let mut matt = signed_in(&app, "matt").await;
    let path = path(&app, "jill@lp.com").await;
    let reply = send(&mut matt, "PATCH", &path, json!({"password": "battery staple"})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    assert_eq!((live().await, jill.who().await.as_str()), (0, "nobody"));
}

#[tokio::test]
async fn it_works_without_json_web_tokens_and_can_be_off() {
    let app = app().toml("[jwt]\nenabled = false").start().await;
    let mut browser = app.browser();
    refuses(&browser.get("/api/users/").await, 401, "Authentication Token is missing!");
    browser.sign_in("matt@lp.com").await;
    assert_eq!(browser.get("/api/users/").await.status(), 200);
    assert_eq!(browser.post_json("/api/users/authenticate", json!({})).await.status(), 405);
    let app = TestApp::builder().start().await;
    assert_eq!(app.browser().get("/api/users/").await.status(), 404);
}
