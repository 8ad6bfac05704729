//! The panel through the router: for administrators only, as pages and as JSON.
#![allow(clippy::unwrap_used)]

mod support;

use lychgate::store::UserPatch;
use lychgate_otp::{Key, Totp};
use lychgate_testkit::{Browser, Database, PASSWORD, TestApp};
use serde_json::json;
use support::{admin, change, id_of, panel, post};

/// Every page of the panel.
const PAGES: [&str; 11] = [
    "/admin",
    "/admin/users",
    "/admin/users/new",
    "/admin/users/import",
    "/admin/approvals",
    "/admin/roles",
    "/admin/sessions",
    "/admin/rights",
    "/admin/audit",
    "/admin/outbox",
    "/admin/settings?all=yes",
];

#[tokio::test(flavor = "multi_thread")]
async fn administrators_see_every_page_and_nobody_else_any() {
    let app = panel("").await;
    let (mut matt, _) = admin(&app).await;
    let (mut joe, mut stranger) = (app.browser(), app.browser());
    joe.sign_in("joe@lp.com").await;
    let own = format!("/admin/users/{}", id_of(&app, "joe@lp.com").await);
    for page in PAGES.into_iter().chain([own.as_str(), "/admin/users.csv"]) {
        let reply = matt.get(page).await;
        assert_eq!(reply.status(), 200, "{page}: {}", reply.text());
        assert_eq!(reply.header("cache-control"), "no-store", "{page}");
        assert!(!reply.text().contains("style="), "{page}");
        let program = matt.get_json(page).await;
        assert_eq!(program.status(), 200, "{page}");
        assert_eq!(joe.get(page).await.status(), 403, "{page}");
        assert_eq!(joe.get_json(page).await.response()["errors"][0], "UNAUTHORIZED");
        assert!(stranger.get(page).await.location().starts_with("/login?next="), "{page}");
        assert_eq!(stranger.get_json(page).await.status(), 401, "{page}");
    }
    // Below `/api` everything is JSON, whatever a client asks for, refusals as well.
    for path in ["/admin/api", "/admin/api/users", "/admin/api/users/create", "/admin/api/users/1/delete"] {
        for (browser, status) in [(&mut stranger, 401), (&mut joe, 403)] {
            for method in ["GET", "POST"] {
                let reply = browser.call(method, path).header("accept", "text/html").send().await;
                assert_eq!(reply.header("content-type"), "application/json", "{method} {path}");
                assert!([status, 405].contains(&reply.status()), "{method} {path}: {}", reply.text());
            }
        }
    }
    let none = stranger.call("GET", "/admin/api/nothing").header("accept", "text/html").send().await;
    assert_eq!((none.status(), none.header("content-type")), (404, "application/json"));
    let api = matt.call("GET", "/admin/api/users").send().await;
    assert!(api.response()["users"].as_array().unwrap().len() >= 8);
    assert_eq!(matt.get("/admin/static/admin.css").await.status(), 200);
    assert_eq!(matt.get("/admin/static/other").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_for_administrators_with_a_token_and_a_fresh_proof() {
    let app = panel("").await;
    let (mut matt, token) = admin(&app).await;
    let joe = id_of(&app, "joe@lp.com").await;
    let paths = [
        format!("/admin/users/{joe}/deactivate"),
        format!("/admin/users/{joe}/delete"),
        format!("/admin/users/{joe}/give-role"),
        "/admin/users/bulk".to_owned(),
        "/admin/users/bulk/resume".to_owned(),
        "/admin/users/create".to_owned(),
        "/admin/users/import/run".to_owned(),
        "/admin/roles/create".to_owned(),
        "/admin/roles/delete".to_owned(),
        "/admin/approvals/invite".to_owned(),
        "/admin/outbox/drop".to_owned(),
    ];
    let mut editor = app.browser();
    let editors = editor.sign_in("joe@lp.com").await;
    for path in &paths {
        let refused = matt.post_form(path, &[("id", "1")]).await;
        assert_eq!(refused.status(), 400, "{path} without a token: {}", refused.text());
        let refused = change(&mut editor, path, &editors, json!({})).await;
        assert_eq!(refused.status(), 403, "{path} by an editor");
        assert_eq!(matt.get(path).await.status(), 303, "{path} by GET leads up");
    }
    app.advance(86_400);
    for path in &paths {
        let refused = change(&mut matt, path, &token, json!({})).await;
        assert_eq!((refused.status(), &refused.response()["reauth_required"]), (401, &json!(true)), "{path}");
        let sent = post(&mut matt, path, &token, &[]).await;
        assert!(sent.location().contains("/verify"), "{path}: {}", sent.location());
    }
    assert!(app.user("joe@lp.com").await.active);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auth_token_reads_and_needs_no_csrf_token() {
    let app = panel("[security]\nfreshness_allow_auth_token = true").await;
    let token = app.auth_token("matt@lp.com").await;
    let joe = id_of(&app, "joe@lp.com").await;
    let mut program = app.browser();
    let list = program.call("GET", "/admin/api/users?q=joe").header("authentication-token", &token).send().await;
    assert_eq!(list.response()["users"][0]["email"], "joe@lp.com");
    let path = format!("/admin/api/users/{joe}/deactivate");
    let done = program.call("POST", &path).header("authentication-token", &token).json(&json!({})).send().await;
    assert_eq!(done.status(), 200, "{}", done.text());
    assert!(!app.user("joe@lp.com").await.active);
}

/// Browsers send a password that was typed once with every request, also for a page of somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_sent_by_the_browser_changes_nothing_without_a_token() {
    let app = panel("[security]\napi_enabled_methods = [\"session\", \"basic\"]").await;
    let path = format!("/admin/users/{}/deactivate", id_of(&app, "joe@lp.com").await);
    let mut browser = app.browser();
    let shown = browser.call("GET", "/admin/api/users").basic("matt@lp.com", "password").send().await;
    assert_eq!(shown.status(), 200, "{}", shown.text());
    for body in ["", "csrf_token=forged"] {
        let call = browser.call("POST", &path).basic("matt@lp.com", "password");
        let forged = call.body("application/x-www-form-urlencoded", body).send().await;
        assert_eq!(forged.status(), 400, "{body:?}: {}", forged.text());
    }
    assert!(app.user("joe@lp.com").await.active);
    let token = shown.csrf_token();
    let call = browser.call("POST", &path).basic("matt@lp.com", "password");
    assert_eq!(call.form(&[("csrf_token", token.as_str())]).send().await.status(), 302);
    assert!(!app.user("joe@lp.com").await.active);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_moment_of_the_calendar_is_a_moment() {
    let app = panel("").await;
    let (mut matt, token) = admin(&app).await;
    for (before, found) in [("9999-12-31T23:59:59-01:00", true), ("0000-01-01T00:00:00%2B01:00", false)] {
        let reply = matt.get_json(&format!("/admin/sessions?before={before}")).await;
        assert_eq!(reply.status(), 200, "{before}: {}", reply.text());
        assert_eq!(reply.response()["sessions"].as_array().unwrap().is_empty(), !found, "{before}");
    }
    let path = format!("/admin/users/{}/suspend", id_of(&app, "joe@lp.com").await);
    let reply = change(&mut matt, &path, &token, json!({"until": "9999-12-31T23:59:59-01:00"})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
}

const SECOND: &str = r#"
[csrf]
enabled = false
[security]
impersonation = true
two_factor = true
totp_issuer = "lychgate"
totp_secrets = { 1 = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
"#;

/// A key of one-time codes as the reference stores it under that secret, and its code at this moment.
const STORED: &str = concat!(
    r#"{"enckey":{"c":14,"k":"M5ZV7D5IRESWMXDFDU3TRBUGFTG5H23F","s":"AAAQEAYEAUDAOCAJBIFQ","t":"1","v":1},"#,
    r#""type":"totp","v":1}"#
);

fn code(app: &TestApp) -> String {
    let at = u64::try_from(app.now().unix_timestamp()).unwrap();
    Totp::new(Key::new(*b"12345678901234567890").unwrap()).code_at(at).as_str().to_owned()
}

/// Who acts as somebody else, or changes anything, proves anew what they signed in with: with a second factor, that one.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_with_a_second_factor_proves_that_one() {
    let app = panel(SECOND).await;
    let patch = UserPatch {
        tf_primary_method: Some(Some("authenticator".to_owned())),
        tf_totp_secret: Some(Some(STORED.to_owned())),
        ..UserPatch::default()
    };
    app.update("matt@lp.com", patch).await;
    let mut matt = app.browser();
    let asked = matt.post_json("/login", json!({"email": "matt@lp.com", "password": PASSWORD})).await;
    assert_eq!(asked.response()["tf_required"], true, "{}", asked.text());
    assert_eq!(matt.post_json("/tf-validate", json!({"code": code(&app)})).await.status(), 200);
    let path = format!("/admin/users/{}/impersonate", id_of(&app, "joe@lp.com").await);
    let why = json!({"reason": "cannot find a document"});
    app.advance(86_460);
    for (proof, asked, page) in [
        (None, json!(null), "/verify?next="),
        (Some(json!({"password": PASSWORD})), json!("second_factor"), "/tf-verify?next="),
    ] {
        if let Some(proof) = proof {
            assert_eq!(matt.post_json("/verify", proof).await.status(), 200);
        }
        let refused = matt.post_json(&path, why.clone()).await;
        let said = refused.response();
        assert_eq!((refused.status(), &said["reauth_required"]), (401, &json!(true)), "{said}");
        assert_eq!(said["proof_required"], asked, "{said}");
        let sent = matt.post_form(&path, &[("reason", "x")]).await;
        assert!(sent.location().starts_with(page), "{}", sent.location());
        assert_eq!(matt.who().await, "matt@lp.com");
    }
    assert_eq!(matt.post_json("/tf-verify", json!({"code": code(&app)})).await.status(), 200);
    let done = matt.post_json(&path, why).await;
    assert_eq!(done.status(), 200, "{}", done.text());
    assert_eq!(matt.who().await, "joe@lp.com");
}

async fn emails(browser: &mut Browser, query: &str) -> Vec<String> {
    let reply = browser.get_json(&format!("/admin/users?{query}")).await;
    assert_eq!(reply.status(), 200, "{query}: {}", reply.text());
    let users = reply.response()["users"].take();
    users.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap().replace("@lp.com", "")).collect()
}

async fn found(database: Database) {
    let app = TestApp::builder().on(database).mount(lychgate_admin::routes).start().await;
    let (mut matt, _) = admin(&app).await;
    assert_eq!(emails(&mut matt, "q=J&sort=email").await, ["jess", "jill", "joe"]);
    assert_eq!(emails(&mut matt, "q=%40lp.com&limit=2").await, ["matt", "joe"]);
    assert_eq!(emails(&mut matt, "q=oe").await, ["joe"]);
    assert_eq!(emails(&mut matt, "role=admin&sort=-email").await, ["matt", "gal", "dave"]);
    assert_eq!(emails(&mut matt, "active=no").await, ["tiya"]);
    assert_eq!(emails(&mut matt, "second_factor=yes").await, ["gal"]);
    assert_eq!(emails(&mut matt, "role=nobody").await, Vec::<String>::new());
    let tiya = id_of(&app, "tiya@lp.com").await;
    assert_eq!(emails(&mut matt, &format!("q={tiya}")).await, ["tiya"]);
    for hostile in ["q=%27%3B+DROP+TABLE+x", "role=%00", "q=%25_%5C", "state=%27"] {
        assert_eq!(emails(&mut matt, hostile).await, Vec::<String>::new(), "{hostile}");
    }
    for mistake in [
        "limit=0",
        "limit=-1",
        "limit=1000000000",
        "sort=password",
        "active=x",
        "after=x%27",
        "after=1&before=1",
        "sort=email&after=7",
    ] {
        let reply = matt.get_json(&format!("/admin/users?{mistake}")).await;
        assert_eq!(reply.status(), 400, "{mistake}: {}", reply.text());
    }
    let (mut seen, mut query) = (Vec::new(), "limit=3&sort=email".to_owned());
    loop {
        let page = matt.get_json(&format!("/admin/users?{query}")).await.response();
        seen.extend(page["users"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("limit=3&sort=email&after={next}");
    }
    assert_eq!(seen.len(), 8);
    assert!(seen.is_sorted());
    let page = matt.get("/admin/users?q=gal").await;
    assert!(page.text().contains("gal@lp.com") && !page.text().contains("joe@lp.com"));
    assert!(!page.text().contains("fs_uniquifier") && !page.text().contains("argon2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_on_sqlite() {
    found(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_on_postgres() {
    found(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_chosen_and_the_table_follows() {
    let app = panel("").await;
    let (mut matt, _) = admin(&app).await;
    let usual = matt.get("/admin/users").await;
    assert!(usual.text().contains("data-name=\"Roles\"") && !usual.text().contains("data-name=\"Id\""));
    let chosen = matt.get("/admin/users?column=id&column=username&sort=email&limit=3").await;
    assert!(chosen.text().contains("data-name=\"Id\"") && !chosen.text().contains("data-name=\"Roles\""));
    // Every way on keeps them.
    for kept in ["users.csv?", "after=", "sort=-email"] {
        let link = chosen.text().split('"').find(|text| text.contains(kept)).unwrap();
        assert!(link.contains("column=id") && link.contains("column=username"), "{link}");
    }
    let table = matt.get("/admin/users.csv?column=roles&column=id&sort=email").await;
    assert!(table.text().starts_with("\"email\",\"id\",\"roles\"\r\n\"dave@lp.com\","), "{}", table.text());
    for page in ["/admin/users?column=password", "/admin/users.csv?column=fs_uniquifier"] {
        assert_eq!(matt.get_json(page).await.status(), 400, "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_the_settings_stay_hidden() {
    let app = panel("").await;
    let (mut matt, _) = admin(&app).await;
    for reply in [matt.get("/admin/settings?all=yes").await, matt.get_json("/admin/settings?all=yes").await] {
        assert!(reply.text().contains("secret_key") && reply.text().contains("password_salt"));
        assert!(!reply.text().contains("a key of the test") && !reply.text().contains("a salt of the test"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_is_shown_as_text() {
    let app = panel("").await;
    let (mut matt, token) = admin(&app).await;
    let evil = "<script>alert(1)</script>{{1000003*1000003}}";
    let mut joe = app.browser();
    joe.user_agent = evil.to_owned();
    joe.sign_in("joe@lp.com").await;
    let made = change(&mut matt, "/admin/roles/create", &token, json!({"role": evil, "description": evil})).await;
    assert_eq!(made.status(), 200, "{}", made.text());
    let own = format!("/admin/users/{}", id_of(&app, "joe@lp.com").await);
    for page in ["/admin/roles", "/admin/sessions", "/admin/users?q=%3Cscript%3E", &own, "/admin/users"] {
        let text = matt.get(page).await.text().to_owned();
        assert!(!text.contains("<script>alert") && !text.contains("1000006000009"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_panel_speaks_the_language_of_its_reader() {
    let app = panel("languages = [\"en\", \"de\", \"es\"]\n[security]\naudit = true").await;
    let (mut matt, token) = admin(&app).await;
    app.gate().audit().settled().await;
    for (page, texts) in [
        ("/admin/audit", ["Angemeldet <small><code>sign-in</code>", "matt@lp.com</a>"]),
        ("/admin/rights?permission=role:admin", ["Rolle admin", "Warum?"]),
        ("/admin/settings", ["steht auf Englisch da", "<small lang=\"en\">"]),
    ] {
        let page = matt.call("GET", page).header("accept-language", "de").send().await;
        assert!(texts.iter().all(|text| page.text().contains(text)), "{texts:?}: {}", page.text());
    }
    for (tag, heading, count, none) in [
        ("de-AT", "<h1>Konten</h1>", "8 Konten", "So etwas gibt es hier nicht."),
        ("es", "<h1>Usuarios</h1>", "8 cuentas", "Aquí no hay nada así."),
        ("fr", "<h1>Users</h1>", "8 accounts", "There is no such thing here."),
    ] {
        let page = matt.call("GET", "/admin/users").header("accept-language", tag).send().await;
        assert!(page.text().contains(heading) && page.text().contains(count), "{tag}: {}", page.text());
        let call = matt.call("POST", "/admin/users/99999/activate").header("accept-language", tag);
        let missing = call.header("x-csrftoken", &token).json(&json!({"csrf_token": token})).send().await;
        assert_eq!(missing.response()["errors"][0], none, "{tag}");
    }
    let call = matt.call("POST", "/admin/users/import").header("accept-language", "de");
    let table = json!({"csrf_token": token, "csv": "email,roles\nnew@lp.com,nobody\n"});
    let checked = call.header("x-csrftoken", &token).json(&table).send().await.response();
    assert_eq!(checked["lines"][0]["error"], "es gibt keine Rolle nobody");
}

/// The names of the members of a described object.
fn described(document: &serde_json::Value, path: &str) -> Vec<String> {
    let content = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    let members = content["properties"]["response"]["properties"].as_object();
    members.unwrap_or_else(|| panic!("{path} is not described")).keys().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_has_the_panel_and_tells_the_truth() {
    let app = panel("").await;
    let (mut matt, _) = admin(&app).await;
    let document = app.gate().openapi();
    app.store().meta_set("admin-bulk", r#"{"state": "done", "refused": []}"#).await.unwrap();
    let joe = id_of(&app, "joe@lp.com").await;
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/admin/api") || item.get("get").is_none() || path.ends_with(".csv") {
            continue;
        }
        let reply = matt.call("GET", &path.replace("{id}", &joe.to_string())).send().await;
        assert_eq!(reply.status(), 200, "{path}");
        let known = described(&document, path);
        for name in reply.response().as_object().unwrap().keys().filter(|name| *name != "csrf_token") {
            assert!(known.contains(name), "{path} answers {name}, which is not described");
        }
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
    // What is referred to is there.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let place = reference.split('"').next().unwrap();
        assert!(document.pointer(place).is_some(), "{place}");
    }
    let routes = app.gate().route_list();
    let guard = |path: &str| routes.iter().find(|route| route.path == path).map(|route| route.guard);
    assert_eq!(guard("/admin"), Some("administrators"));
    assert_eq!(guard("/admin/api/users/{id}/delete"), Some("administrators, with a fresh proof"));
}
