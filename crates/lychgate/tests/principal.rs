//! Identities, needs and permissions through an application; the rows of the documents site are named.
#![allow(clippy::unwrap_used)]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::Path,
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get},
};
use http::StatusCode;
use lychgate::{
    CurrentUser, Error, Event, Identity, Lychgate, Need, Page, Permission, RoleChange, Steps, Why, guard, guard::Guard,
};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, TestApp};
use parking_lot::Mutex;
use rstest::rstest;
use serde_json::{Value, json};

fn app() -> AppBuilder {
    TestApp::builder().toml("[csrf]\nenabled = false\n[security]\nregisterable = true").routes(routes).configure(
        |builder| {
            builder
                // Joe owns documents 1 to 3, and whoever is an administrator every document.
                .needs(|user| async move {
                    let own = (1..=3).map(|id| Need::item("edit", id, "document"));
                    match user.username.as_deref() {
                        Some("joe") => own.chain([sponsor_edits(7)]).collect(),
                        Some("matt") => vec![Need::every("edit", "document")],
                        _ => Vec::new(),
                    }
                })
                .user_type(|user| user.has_role("author").then(|| "sponsor".to_owned()))
                .permission("write", Permission::any([Need::role("admin"), Need::permission("my-write")]))
                .guarded("/reports/{year}", &reports())
                .template("menu.html", "{% if can('write') %}write {% endif %}{% if can('role', 'editor') %}edit {% endif %}{% if can('permission', 'super') %}super {% endif %}{% if can('edit', 2, 'document') %}two{% endif %}")
                .template("unknown.html", "{{ can('nonsense') }}")
        },
    )
}

/// A kind of need of the application's own (S0-18).
fn sponsor_edits(id: i64) -> Need {
    Need::item("sponsor-edits", id, "document")
}

fn reports() -> Guard {
    guard::authenticated().and(guard::any_role(["editor", "admin"]))
}

fn behind(guard: Guard) -> MethodRouter {
    get(async || "in").route_layer(guard)
}

fn routes(routes: Router) -> Router {
    let admin = || Permission::from(Need::role("admin"));
    routes
        .route("/identity", get(identity))
        .route("/reports/{year}", behind(reports()))
        .route("/documents/{id}", get(document))
        .route("/sponsored/{id}", get(sponsored))
        .route("/list", get(list))
        .route("/page", get(async || Page::new("menu.html")))
        .route("/unknown", get(async || Page::new("unknown.html")))
        .route("/hidden", behind(guard::permit(admin()).status(StatusCode::NOT_FOUND)))
        .route("/hidden-from-strangers", behind(guard::authenticated().status(StatusCode::NOT_FOUND)))
        .route("/as-401", behind(guard::permit(admin()).status(StatusCode::UNAUTHORIZED)))
        .route("/denied", behind(guard::permit(lychgate::Allowance::denial([Need::role("editor")]))))
        .route("/sponsor/home", behind(guard::authenticated().sign_in_at("/sponsor/login").and(guard::role("author"))))
        .route("/editor/home", behind(guard::authenticated().and(guard::role("editor")).sign_in_at("/editor/login")))
        .route("/step1", get(async || "one").route_layer(guard::visit("one")))
        .route("/step2", behind(guard::step("one").instead("/step1")))
        .route("/step3", behind(guard::step("two")))
        .route("/take-two", get(async |steps: Steps| steps.take("two")))
        .route("/forget-two", get(async |steps: Steps| steps.forget("two")))
        .route("/admin", behind(guard::role("admin")))
        .route("/static/site.css", get(async || "body {}"))
}

/// S0-11.
async fn identity(user: Option<CurrentUser>) -> Json<Value> {
    let nobody = Identity::anonymous();
    let identity = user.as_ref().map_or(&nobody, |user| user.identity());
    let provides: Vec<String> = identity.provides.iter().map(ToString::to_string).collect();
    Json(json!({"known": identity.id.is_some(), "auth_type": identity.auth_type, "provides": provides}))
}

/// S0-17, S0-51: what is not theirs is not there.
async fn document(user: CurrentUser, Path(id): Path<i64>) -> Result<&'static str, Error> {
    user.require_or(&Need::item("edit", id, "document").into(), StatusCode::NOT_FOUND)?;
    Ok("document")
}

/// S0-22: in the handler.
async fn sponsored(user: CurrentUser, Path(id): Path<i64>) -> Result<&'static str, Error> {
    user.require(&sponsor_edits(id).into())?;
    Ok("sponsored")
}

async fn list(user: CurrentUser) -> Json<Value> {
    let (condition, values) = user.items("edit", "document").condition("id", 1);
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    Json(json!({"condition": condition, "values": values}))
}

async fn status(browser: &mut Browser, path: &str) -> u16 {
    browser.get_json(path).await.status()
}

async fn signed_in(app: &TestApp, name: &str) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&format!("{name}@lp.com")).await;
    browser
}

/// S0-11, S0-13, S0-14, S0-30 to S0-33: an identity with what it provides on each request, and none for strangers.
#[rstest]
#[tokio::test]
async fn an_identity_has_its_needs(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let anonymous = app.browser().get("/identity").await.json();
    assert_eq!(anonymous, json!({"known": false, "auth_type": null, "provides": []}));
    let mut dave = signed_in(&app, "dave").await;
    let user = app.user("dave@lp.com").await;
    let expected = json!({"known": true, "auth_type": "session", "provides": [
        "permission full-read", "permission full-write", "permission super",
        format!("id {}", user.fs_uniquifier), "role admin", "role editor",
    ]});
    for _ in 0..2 {
        let mut found = dave.get("/identity").await.json();
        found["provides"].as_array_mut().unwrap().sort_by_key(Value::to_string);
        let mut expected = expected.clone();
        expected["provides"].as_array_mut().unwrap().sort_by_key(Value::to_string);
        assert_eq!(found, expected);
    }
    // After a restart, with the same cookie.
    let again = self::app().sharing(&app).start().await;
    let cookie = dave.cookie("session").unwrap().to_owned();
    let mut browser = again.browser();
    browser.set_cookie("session", &cookie);
    assert_eq!(browser.get("/identity").await.json()["known"], true);
    let mut jill = signed_in(&app, "jill").await;
    assert_eq!(jill.get("/identity").await.json()["auth_type"], "sponsor");
    app.store().add_role(user.id, "simple").await.unwrap();
    assert!(dave.get("/identity").await.text().contains("role simple"), "at the next request");
}

/// S0-17, S0-18, S0-19, S0-21, S0-22, S0-23: item rights, kinds of one's own, any of several, denials, both forms,
/// statuses.
#[tokio::test]
async fn guards_and_handlers_ask_alike() {
    let app = app().start().await;
    let (mut matt, mut joe, mut jill, mut nobody) =
        (signed_in(&app, "matt").await, signed_in(&app, "joe").await, signed_in(&app, "jill").await, app.browser());
    for (path, by_matt, by_joe, by_jill, by_nobody) in [
        ("/documents/2", 200, 200, 404, 401),
        ("/documents/9", 200, 404, 404, 401),
        ("/sponsored/7", 403, 200, 403, 401),
        ("/sponsored/8", 403, 403, 403, 401),
        ("/reports/2026", 200, 200, 403, 401),
        ("/hidden", 200, 404, 404, 404),
        ("/hidden-from-strangers", 200, 200, 200, 404),
        ("/as-401", 200, 401, 401, 401),
        ("/denied", 200, 403, 200, 200),
    ] {
        let found = [&mut matt, &mut joe, &mut jill, &mut nobody];
        for (browser, expected) in found.into_iter().zip([by_matt, by_joe, by_jill, by_nobody]) {
            assert_eq!(status(browser, path).await, expected, "{path}");
        }
    }
    let (missing, foreign) = (joe.get("/documents/9").await, joe.get("/nowhere").await);
    let plain = |reply: &lychgate_testkit::Reply| {
        let reference = reply.text().split("id=\"request-id\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        (reply.status(), reply.text().replace(&reference, ""))
    };
    assert_eq!(plain(&missing), plain(&foreign), "what is foreign looks like what is not there");
}

/// Lists by one condition, and by rights that were read at once.
#[tokio::test]
async fn lists_need_no_query_for_each_item() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let app = app()
        .configure(move |builder| {
            builder.item_needs("invoice", move |_, ids: Vec<i64>| {
                counter.fetch_add(1, Ordering::Relaxed);
                async move {
                    let even = ids.iter().filter(|id| *id % 2 == 0).map(|&id| Need::item("pay", id, "invoice"));
                    // What was not asked for does not count.
                    even.chain([Need::item("pay", 99, "invoice"), Need::role("admin"), Need::every("pay", "invoice")])
                        .collect()
                }
            })
        })
        .routes(|routes| {
            routes.route(
                "/invoices",
                get(async |user: CurrentUser, gate: axum::Extension<Arc<Mutex<Option<Lychgate>>>>| {
                    let gate = gate.lock().clone().unwrap();
                    let ids: Vec<i64> = (1..=6).collect();
                    let rights = gate.preload(&user, "invoice", &ids).await?;
                    let admin = rights.can(&Need::role("admin").into());
                    let can: Vec<i64> = (1..=100).filter(|&id| rights.can_on("pay", id, "invoice")).collect();
                    let known = gate.preload(&user, "nonsense", &ids).await.is_ok();
                    Ok::<_, Error>(Json(json!({"can": can, "admin": admin, "known": known})))
                }),
            )
        });
    let slot = Arc::new(Mutex::new(None));
    let shared = Arc::clone(&slot);
    let app = app.routes(move |routes| routes.layer(axum::Extension(shared))).start().await;
    *slot.lock() = Some(app.gate().clone());
    let mut joe = signed_in(&app, "joe").await;
    assert_eq!(joe.get("/list").await.json(), json!({"condition": "id IN ($1, $2, $3)", "values": ["1", "2", "3"]}));
    assert_eq!(signed_in(&app, "matt").await.get("/list").await.json()["condition"], "1 = 1");
    assert_eq!(signed_in(&app, "jill").await.get("/list").await.json()["condition"], "1 = 0");
    assert_eq!(joe.get("/invoices").await.json(), json!({"can": [2, 4, 6], "admin": false, "known": false}));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// S0-25: buttons only for who may press them.
#[tokio::test]
async fn templates_ask_too() {
    let app = app().start().await;
    for (name, shown) in [("matt", "write super two"), ("joe", "edit two"), ("jill", "write"), ("gene", "")] {
        assert_eq!(signed_in(&app, name).await.get("/page").await.text().trim(), shown, "{name}");
    }
    assert_eq!(app.browser().get("/page").await.text(), "");
    assert_eq!(app.browser().get("/unknown").await.status(), 500, "a name that is none is a mistake");
}

/// S0-27 to S0-31, S0-35: events of sign-in, sign-up, sign-out; one for each request that asks; none for static files.
#[tokio::test]
async fn identities_are_heard_of() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&heard);
    let app = app()
        .configure(|builder| {
            builder.on(move |event| match event {
                Event::IdentityLoaded { auth_type, .. } => {
                    list.lock().push(format!("loaded {}", auth_type.clone().unwrap()))
                }
                Event::IdentityChanged { user_id, auth_type } => {
                    list.lock().push(format!(
                        "changed {} {}",
                        user_id.is_some(),
                        auth_type.as_deref().unwrap_or("nobody")
                    ));
                }
                _ => {}
            })
        })
        .start()
        .await;
    let take = || std::mem::take(&mut *heard.lock());
    let mut jill = signed_in(&app, "jill").await;
    assert_eq!(take(), ["changed true sponsor"], "S0-27, S0-30");
    jill.get("/identity").await;
    jill.get("/documents/1").await;
    assert_eq!(take(), ["loaded sponsor", "loaded sponsor"], "S0-31");
    for path in ["/static/site.css", "/fs-static/css/lychgate.css"] {
        assert_eq!(jill.get(path).await.status(), 200);
    }
    assert_eq!(take(), [""; 0], "S0-35");
    jill.post_json("/logout", json!({})).await;
    assert_eq!(take(), ["loaded sponsor", "changed false nobody"], "S0-29");
    let phrase = "nobody guesses this phrase";
    let fields = json!({"email": "new@lp.com", "password": phrase, "password_confirm": phrase});
    assert_eq!(app.browser().post_json("/register", fields).await.status(), 200);
    assert_eq!(take(), ["changed true session"], "S0-28");
    app.browser().get("/identity").await;
    assert_eq!(take(), [""; 0], "S0-32");
}

/// S0-34: what a loader gives is kept while its version is the same.
#[tokio::test]
async fn a_loader_may_be_asked_once_for_a_version() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let app = app()
        .configure(move |builder| {
            let version = |user: &lychgate::store::User| user.roles.len().to_string();
            builder.needs_by_version(version, move |user| {
                counter.fetch_add(1, Ordering::Relaxed);
                async move { vec![Need::new("roles", i64::try_from(user.roles.len()).unwrap())] }
            })
        })
        .start()
        .await;
    let mut joe = signed_in(&app, "joe").await;
    for _ in 0..3 {
        assert!(joe.get("/identity").await.text().contains("roles 1"));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    app.store().add_role(app.user("joe@lp.com").await.id, "simple").await.unwrap();
    assert!(joe.get("/identity").await.text().contains("roles 2"));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert!(signed_in(&app, "gene").await.get("/identity").await.text().contains("roles 1"), "each has their own");
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

/// S0-34: as long as nothing is written, no request asks the database who its user is; a role counts at the next one.
#[rstest]
#[tokio::test]
async fn who_it_is_is_not_asked_again(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut joe = signed_in(&app, "joe").await;
    assert_eq!(status(&mut joe, "/admin").await, 403);
    let asked = || {
        let found = app.store().counts().cache.into_iter().find(|(kind, _, _)| *kind == "user");
        found.map(|(_, _, others)| others).unwrap()
    };
    // Signing in and refusing have written, and PostgreSQL tells of it in its own time.
    let (mut before, mut quiet, begun) = (asked(), 0, std::time::Instant::now());
    while quiet < 20 && begun.elapsed().as_secs() < 60 {
        assert_eq!(joe.get("/identity").await.status(), 200);
        quiet = if asked() == before { quiet + 1 } else { 0 };
        before = asked();
    }
    assert_eq!(quiet, 20, "twenty requests on end without a question");
    app.store().add_role(app.user("joe@lp.com").await.id, "admin").await.unwrap();
    assert_eq!(status(&mut joe, "/admin").await, 200);
    assert!(asked() > before);
}

/// S0-7: each part of the site has its own way in.
#[tokio::test]
async fn areas_have_sign_in_pages_of_their_own() {
    let app = app().start().await;
    let mut browser = app.browser();
    assert_eq!(browser.get("/sponsor/home?a=1").await.location(), "/sponsor/login?next=/sponsor/home?a%3D1");
    assert_eq!(browser.get("/editor/home").await.location(), "/editor/login?next=/editor/home");
    assert_eq!(browser.get("/reports/1").await.location(), "/login?next=/reports/1");
    assert_eq!(status(&mut browser, "/sponsor/home").await, 401);
    let mut joe = signed_in(&app, "joe").await;
    assert_eq!((status(&mut joe, "/sponsor/home").await, status(&mut joe, "/editor/home").await), (403, 200));
}

/// S0-54: strangers may be sent to sign in, and come back; who is signed in gets 403.
#[tokio::test]
async fn strangers_sign_in_first_and_come_back() {
    let app = app().toml("[security]\nunauthorized_sign_in = true").start().await;
    let mut browser = app.browser();
    assert_eq!(browser.get("/admin").await.location(), "/login?next=/admin");
    assert_eq!(status(&mut browser, "/admin").await, 403);
    let fields = [("email", "matt@lp.com"), ("password", PASSWORD)];
    assert_eq!(browser.post_form("/login?next=/admin", &fields).await.location(), "/admin");
    assert_eq!(browser.get("/admin").await.text(), "in");
    assert_eq!(signed_in(&app, "joe").await.get("/admin").await.status(), 403);
}

/// S0-79: one route after the other, in this session.
#[tokio::test]
async fn a_step_comes_before_another() {
    let app = app().start().await;
    let mut browser = app.browser();
    assert_eq!(browser.get("/step2").await.location(), "/step1");
    assert_eq!(status(&mut browser, "/step2").await, 403);
    assert_eq!(browser.get("/step1").await.text(), "one");
    assert_eq!(browser.get("/step2").await.text(), "in");
    assert_eq!(status(&mut browser, "/step3").await, 403);
    browser.get("/take-two").await;
    assert_eq!(browser.get("/step3").await.text(), "in");
    browser.get("/forget-two").await;
    assert_eq!((status(&mut browser, "/step3").await, status(&mut browser, "/step2").await), (403, 200));
    assert_eq!(status(&mut app.browser(), "/step2").await, 403, "of another session");
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/step2").await.text(), "in", "signing in goes on with them");
    browser.post_json("/logout", json!({})).await;
    assert_eq!(status(&mut browser, "/step2").await, 403, "signing out does not");
}

/// S0-24, S0-53: 403 says nothing of what is inside; an application may say it in its own words, here and there.
#[tokio::test]
async fn refusals_are_the_applications_to_word() {
    let plain = app().real_texts().start().await;
    let mut joe = signed_in(&plain, "joe").await;
    let page = joe.get("/admin").await;
    assert_eq!(page.status(), 403);
    for inner in ["role admin", "Need::", "Permission", "needed", "missing"] {
        assert!(!page.text().contains(inner), "{inner}: {}", page.text());
    }
    let own = app()
        .configure(|builder| {
            builder
                .template("mine.html", "mine: {{ current_user.email }}")
                .replies(|refused| {
                    (refused.why == Why::Forbidden && !refused.wants_json)
                        .then(|| Page::new("mine.html").status(StatusCode::FORBIDDEN).into_response())
                })
                .replies_below("/sponsor", |refused| -> Option<Response> {
                    let said = format!("{:?} of sponsors, {}", refused.why, refused.reference.len());
                    Some((StatusCode::IM_A_TEAPOT, said).into_response())
                })
        })
        .start()
        .await;
    let mut joe = signed_in(&own, "joe").await;
    let page = joe.get("/admin").await;
    assert_eq!((page.status(), page.text()), (403, "mine: joe@lp.com"));
    assert_eq!(joe.get_json("/admin").await.response(), json!({"errors": ["UNAUTHORIZED"]}), "left to Lychgate");
    let page = joe.get("/sponsor/home").await;
    assert_eq!((page.status(), page.text()), (418, "Forbidden of sponsors, 12"));
    let page = own.browser().get("/sponsor/home").await;
    assert_eq!((page.status(), page.text()), (418, "SignIn of sponsors, 12"));
    assert_eq!(own.browser().get("/editor/home").await.status(), 302);
}

/// Why somebody may, which role it comes from, and what was missing when they might not.
#[rstest]
#[tokio::test]
async fn rights_are_explained(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).toml("profile = \"modern\"").start().await;
    let gate = app.gate();
    let joe = app.user("joe@lp.com").await;
    let write = gate.named_permission("write").unwrap();
    let why = gate.explain(&joe, write).await.unwrap();
    assert_eq!(why.missing(), ["role admin", "permission my-write"]);
    let edits = Permission::any([Need::permission("full-write"), Need::item("edit", 2, "document")]);
    let text =
        "yes any of\nyes   permission full-write (from role editor)\nyes   edit 2 document (from the application)";
    assert_eq!(gate.explain(&joe, &edits).await.unwrap().to_string(), text);

    let mut browser = signed_in(&app, "joe").await;
    let reply = browser.get_json("/admin").await;
    let reference = reply.response()["reference"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("x-request-id"), reference);
    let found = gate.explain_refusal(&reference).await.unwrap().unwrap();
    let refusal = &found.refusal;
    assert_eq!((found.user.as_ref().unwrap().id, refusal.mechanism.as_deref()), (joe.id, Some("session")));
    assert_eq!((refusal.method.as_str(), refusal.path.as_str(), refusal.at), ("GET", "/admin", app.now()));
    assert_eq!((refusal.needed.as_deref(), refusal.missing.as_deref()), (Some("role admin"), Some("role admin")));
    let page = browser.get("/sponsored/8").await;
    let shown = page.text().split("id=\"request-id\">").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(
        gate.explain_refusal(shown).await.unwrap().unwrap().refusal.needed.as_deref(),
        Some("sponsor-edits 8 document")
    );
    let stranger = app.browser().get_json("/admin").await.response()["reference"].as_str().unwrap().to_owned();
    assert!(gate.explain_refusal(&stranger).await.unwrap().unwrap().user.is_none());
    for unknown in ["", "nonsense", "x\0y"] {
        assert!(gate.explain_refusal(unknown).await.unwrap().is_none());
    }
    app.advance(31 * 86_400);
    gate.tidy().await.unwrap();
    assert!(gate.explain_refusal(&reference).await.unwrap().is_none(), "it is forgotten in time");

    for (user, path, allowed, guard) in [
        ("joe", "/reports/2026?x=1", Some(true), "signed in and any of (role editor, role admin)"),
        ("jill", "/reports/2026", Some(false), "signed in and any of (role editor, role admin)"),
        ("tiya", "/reports/2026", Some(false), "signed in and any of (role editor, role admin)"),
        ("joe", "/logout", Some(true), "anyone"),
    ] {
        let route = gate.explain_route(&app.user(&format!("{user}@lp.com")).await, path).await.unwrap().unwrap();
        assert_eq!((route.allowed, route.guard.as_str()), (allowed, guard), "{user} {path}");
    }
    assert!(gate.explain_route(&joe, "/nowhere").await.unwrap().is_none());
}

/// Who can reach something, and who would gain or lose by a change, before it is made.
#[rstest]
#[tokio::test]
async fn changes_are_foreseen(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    // Without loaders roles alone decide, with them everybody is looked at.
    let (app, plain) = (app().on(database).start().await, TestApp::builder().start().await);
    let names = |people: &[lychgate::Allowed]| {
        people.iter().map(|who| who.user.username.clone().unwrap()).collect::<std::collections::BTreeSet<_>>()
    };
    for (permission, expected) in [
        (Permission::from(Need::role("editor")), vec!["dave", "joe"]),
        (
            Permission::any([Need::permission("super"), Need::permission("my-write")]),
            vec!["dave", "gal", "jill", "matt"],
        ),
        (Permission::from(Need::role("admin")).and(Need::role("editor").into()), vec!["dave"]),
        (!Permission::from(Need::permission("full-read")), vec!["gene", "jess"]),
        (Permission::any([]), vec![]),
    ] {
        for gate in [app.gate(), plain.gate()] {
            let mut found = std::collections::BTreeSet::new();
            let mut after = None;
            for _ in 0..20 {
                // One at a time, and each once.
                let page = gate.who_can(&permission, after.as_deref(), 1).await.unwrap();
                assert!(page.people.len() <= 1 && page.people.iter().all(|who| who.why.holds));
                for name in names(&page.people) {
                    assert!(found.insert(name), "twice");
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert!(after.is_none());
            assert_eq!(found, expected.iter().map(|name| (*name).to_owned()).collect(), "{permission}");
        }
    }
    let items = app.gate().who_can(&Need::item("edit", 2, "document").into(), None, 9).await.unwrap();
    assert_eq!(names(&items.people), ["joe", "matt"].map(str::to_owned).into());
    assert!(app.gate().who_can(&Need::role("editor").into(), Some("nonsense"), 9).await.is_err());

    let editors = RoleChange::Permissions {
        role: "editor".to_owned(),
        permissions: vec!["my-write".to_owned(), "full-read".to_owned()],
    };
    let effects = app.gate().would_change(&editors, None, 9).await.unwrap().people;
    let told: Vec<_> = effects
        .iter()
        .map(|effect| {
            let words = |needs: &[Need]| needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            (
                effect.user.username.clone().unwrap(),
                words(&effect.gained),
                words(&effect.lost),
                effect.opened.join(", "),
            )
        })
        .collect();
    let of = |name: &str, gained: &str, lost: &str, opened: &str| {
        (name.to_owned(), gained.to_owned(), lost.to_owned(), opened.to_owned())
    };
    assert_eq!(
        told,
        [of("joe", "permission my-write", "permission full-write", "write"), of("dave", "permission my-write", "", ""),],
        "dave has it as administrator too"
    );
    let gene = app.user("gene@lp.com").await;
    let give = RoleChange::Give { user_id: gene.id, role: "editor".to_owned() };
    let effects = app.gate().would_change(&give, None, 9).await.unwrap().people;
    assert_eq!(effects[0].opened, ["/reports/{year}"]);
    assert!(!app.user("gene@lp.com").await.has_role("editor"), "nothing is changed");
    let delete = RoleChange::Delete { role: "author".to_owned() };
    let effects = app.gate().would_change(&delete, None, 9).await.unwrap().people;
    assert_eq!((effects.len(), effects[0].closed.as_slice()), (1, ["write".to_owned()].as_slice()));
    let nonsense = RoleChange::Delete { role: "nonsense".to_owned() };
    assert!(app.gate().would_change(&nonsense, None, 9).await.is_err());
}

/// S0-12 to S0-16, S0-19 to S0-21: needs are plain values, permissions ask for any, all or none of them.
#[test]
fn needs_and_permissions_are_values() {
    let one = Need::new("colour", "red");
    assert_eq!(one, Need::new("colour".to_owned(), "red".to_owned()));
    assert_eq!(std::collections::HashSet::from([one.clone(), one]).len(), 1);
    assert_ne!(Need::user(1), Need::user("1"));
    for (need, method) in
        [(Need::user(1), "id"), (Need::role("a"), "role"), (Need::kind("b"), "type"), (Need::action("c"), "action")]
    {
        assert_eq!((need.method(), need.item_kind()), (method, None));
        assert_eq!(need, Need::new(method, need.value().clone()));
    }
    let item = Need::item("update", 27, "posts");
    assert_eq!((item.method(), item.value().to_string(), item.item_kind()), ("update", "27".to_owned(), Some("posts")));
    assert_ne!(item, Need::new("update", 27));

    let (sponsor, editor) = (Need::role("sponsor"), Need::role("editor"));
    let both = lychgate::Allowance::of([sponsor.clone(), editor.clone()]);
    let banned = lychgate::Allowance::denial([Need::role("banned")]);
    let mut somebody = Identity::anonymous();
    assert!(!both.allows(&somebody) && banned.allows(&somebody));
    somebody.provides.insert(editor.clone());
    assert!(somebody.can(&both.clone().into()), "any of them is enough");
    assert!(both.union(&banned).allows(&somebody));
    somebody.provides.insert(Need::role("banned"));
    assert!(
        !both.union(&banned).allows(&somebody)
            && both
                .union(&banned)
                .reverse()
                .allows(&Identity { provides: [Need::role("banned")].into(), ..Identity::anonymous() })
    );
    assert!(lychgate::Allowance::of([sponsor.clone()]).is_subset(&both));
    assert!(!both.difference(&lychgate::Allowance::of([sponsor, editor])).allows(&somebody), "and not everybody");
}

fn of_editors() -> Guard {
    guard::role("editor").and(guard::session())
}

fn guarded() -> Router {
    Router::new().route("/guarded", behind(of_editors()))
}

/// A gate whose layer nobody has made yet.
async fn bare_gate() -> Lychgate {
    let settings = lychgate::Settings::builder()
        .set("secret_key", "f3b0c44298fc1c149afbf4c8996fb924")
        .set("password_salt", "27ae41e4649b934ca495991b7852b855")
        .set("database_url", "sqlite://")
        .build();
    Lychgate::builder().settings(settings.unwrap()).outbox_worker(false).build().await.unwrap()
}

/// S0-26: what needs the layer and stands outside is found before the first request, with where it was written.
#[tokio::test]
async fn what_stands_outside_of_the_layer_is_found_at_the_start() {
    let gate = bare_gate().await;
    let said = |app: Router| gate.checked(app).unwrap_err().to_string();
    let listener = async || tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    assert!(said(guarded()).contains("`gate.layer()` was never called"), "{}", said(guarded()));
    let refused = gate.serve(guarded(), listener().await).await.unwrap_err().to_string();
    assert!(refused.contains(".layer(gate.layer())"), "{refused}");

    let layered = || Router::new().route("/", get(async || "home")).layer(gate.layer());
    let place = format!("the guard \"{}\" of {}:", of_editors(), file!());
    let nothing = tower::layer::util::Identity::new();
    // The layer comes too early; is on another part; is on a nested part alone.
    for app in [
        layered().merge(guarded()),
        Router::new().nest("/a", guarded()).merge(layered()),
        Router::new().nest("/a", layered()).nest("/b", guarded().route_layer(nothing.clone())),
    ] {
        let said = said(app.clone());
        assert!(said.contains(&place) && said.contains(".layer(gate.layer())"), "{place}: {said}");
        assert!(gate.serve(app, listener().await).await.is_err());
    }
    // Routes of the toolkit, guards for tokens, limits.
    let of_toolkit = said(layered().merge(gate.routes()));
    assert!(of_toolkit.contains("  /login of `gate.routes()`"), "{of_toolkit}");
    let more = Router::new()
        .route("/jwt", get(async || "in").route_layer(guard::jwt()))
        .route("/limited", get(async || "in").route_layer(guard::limit("1/minute").unwrap()));
    let of_more = said(layered().merge(more));
    assert!(of_more.contains("the guard \"within a limit\""), "{of_more}");
    assert_eq!(of_more.matches("  the guard").count(), 2, "{of_more}");

    // What is right stays right: with a state, nested, merged, below other layers, and even twice.
    let with_state: Router<u8> =
        Router::new().route("/state", get(async |_: axum::extract::State<u8>| "in").route_layer(of_editors()));
    let whole = || guarded().nest("/a", guarded()).merge(gate.routes()).fallback(async || "nothing");
    for right in [
        whole().layer(gate.layer()),
        whole().layer(gate.layer()).layer(gate.layer()),
        whole().layer(gate.layer()).layer(nothing),
        with_state.layer(gate.layer()).with_state(1),
        guarded().layer(gate.layer()).merge(Router::new().nest("/b", guarded()).layer(gate.layer())),
    ] {
        assert!(gate.checked(right).is_ok());
    }
    // And it works as before.
    let app = gate.checked(whole().layer(gate.layer())).unwrap();
    let request = http::Request::get("/guarded").body(axum::body::Body::empty()).unwrap();
    assert_eq!(tower::ServiceExt::oneshot(app, request).await.unwrap().status(), 403);

    let other = bare_gate().await;
    assert!(said(guarded().layer(gate.layer()).layer(other.layer())).contains("two gates"));
}

/// S0-26: a guard or an argument without the layer is a failure that names the missing line, never an open door.
#[tokio::test]
async fn without_the_layer_nothing_opens() {
    let app = app().start().await;
    let bare = Router::new()
        .route("/guarded", behind(guard::permit(!Permission::from(Need::role("nobody")))))
        .route("/step", behind(guard::visit("one")))
        .route("/steps", get(async |steps: Steps| steps.has("one").to_string()));
    let mut browser = app.browser().at(bare);
    for path in ["/guarded", "/step", "/steps"] {
        let reply = browser.get(path).await;
        assert_eq!(reply.status(), 500, "{path}");
        assert!(reply.text().contains(".layer(gate.layer())"), "{path}: {}", reply.text());
    }
}
