//! The link by which the first administrator is set up.
#![allow(clippy::unwrap_used)]

use lychgate_testkit::{AppBuilder, Browser, Database, Reply, TestApp};
use rstest::rstest;
use serde_json::{Value, json};

const LONG: &str = "a password of the first one";

fn app() -> AppBuilder {
    let base = "[csrf]\nenabled = false\n[security]\npassword_length_min = 15";
    TestApp::builder().toml(base).empty().configure(|builder| builder.setup_link(true))
}

async fn link(app: &TestApp) -> String {
    app.gate().new_setup_link().await.unwrap().unwrap()
}

fn account(email: &str) -> Value {
    json!({"email": email, "password": LONG, "password_confirm": LONG})
}

async fn follow(browser: &mut Browser, link: &str, email: &str) -> Reply {
    browser.post_json(link, account(email)).await
}

#[rstest]
#[tokio::test]
async fn the_first_administrator_sets_a_password(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let link = link(&app).await;
    assert!(link.starts_with("/setup/") && link.len() > 40, "{link}");
    let mut browser = app.browser();
    let page = browser.get(&link).await;
    assert_eq!((page.status(), page.header("cache-control")), (200, "private, no-store"));
    for input in ["email", "password", "password_confirm", "submit"] {
        assert!(page.text().contains(&format!("id=\"{input}\"")), "{input}: {}", page.text());
    }
    let fields = [("email", "Root@LP.com"), ("password", LONG), ("password_confirm", LONG)];
    let done = browser.post_form(&link, &fields).await;
    assert_eq!(done.status(), 200);
    let root = app.user("root@lp.com").await;
    assert!(root.has_role("admin") && root.active && root.confirmed_at.is_some());
    assert_eq!(browser.who().await, "nobody", "they sign in like everybody");
    let signed_in = browser.post_json("/login", json!({"email": "root@lp.com", "password": LONG})).await;
    assert_eq!(signed_in.status(), 200);
    assert_eq!(follow(&mut browser, &link, "again@lp.com").await.status(), 404);
    assert_eq!(app.gate().new_setup_link().await.unwrap(), None, "nor is there another link");
}

#[rstest]
#[tokio::test]
async fn of_two_at_once_one_wins(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let link = link(&app).await;
    let (mut a, mut b) = (app.browser(), app.browser());
    let replies =
        futures_util::future::join(follow(&mut a, &link, "a@lp.com"), follow(&mut b, &link, "b@lp.com")).await;
    let mut statuses = [replies.0.status(), replies.1.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    assert_eq!(app.store().count_users().await.unwrap(), 1);
}

#[tokio::test]
async fn a_link_is_good_for_half_an_hour_and_until_the_next() {
    let app = app().start().await;
    let (first, mut browser) = (link(&app).await, app.browser());
    let second = link(&app).await;
    assert_eq!(browser.get(&first).await.status(), 404);
    app.advance(1800);
    assert_eq!(browser.get(&second).await.status(), 200);
    app.advance(1);
    let reply = follow(&mut browser, &second, "root@lp.com").await;
    assert_eq!((reply.status(), reply.response()), (404, json!({"errors": ["SETUP_LINK_INVALID"]})));
    assert_eq!(app.store().count_users().await.unwrap(), 0);
}

#[rstest]
#[case("x")]
#[case("%00")]
#[case("%F0%9F%92%A9")]
#[case("..%2F..%2Flogin")]
#[case("' OR 1=1 --")]
#[tokio::test]
async fn other_tokens_open_nothing(#[case] token: &str) {
    let app = app().start().await;
    let link = link(&app).await;
    let path = format!("/setup/{}", token.replace(' ', "%20"));
    for path in [path, format!("{link}x"), link.get(..link.len() - 1).unwrap().to_owned(), "/setup/".to_owned()] {
        assert_eq!(app.browser().get(&path).await.status(), 404, "{path}");
        assert_eq!(follow(&mut app.browser(), &path, "root@lp.com").await.status(), 404, "{path}");
    }
    assert_eq!(app.browser().get(&link).await.status(), 200, "looking uses nothing up");
    assert_eq!(app.store().count_users().await.unwrap(), 0);
}

#[tokio::test]
async fn a_link_dies_when_there_is_an_administrator_by_other_means() {
    let app = app().start().await;
    let link = link(&app).await;
    app.store().create_role("admin", None, None, app.now()).await.unwrap();
    let root = lychgate::NewAccount {
        email: "root@lp.com".to_owned(),
        active: true,
        roles: vec!["admin".to_owned()],
        ..lychgate::NewAccount::default()
    };
    app.gate().accounts().create(&root).await.unwrap();
    assert_eq!(follow(&mut app.browser(), &link, "late@lp.com").await.status(), 404);
}

#[rstest]
#[case(json!({"email": "", "password": LONG, "password_confirm": LONG}), json!({"email": ["EMAIL_NOT_PROVIDED"]}))]
#[case(json!({"email": "root", "password": LONG, "password_confirm": LONG}), json!({"email": ["INVALID_EMAIL_ADDRESS"]}))]
#[case(json!({"email": "r@lp.com", "password": "short", "password_confirm": "short"}), json!({"password": ["PASSWORD_INVALID_LENGTH"]}))]
#[case(json!({"email": "r@lp.com", "password": LONG}), json!({"password_confirm": ["RETYPE_PASSWORD_MISMATCH"]}))]
#[case(json!({"email": "r@lp.com"}), json!({"password": ["PASSWORD_NOT_PROVIDED"]}))]
#[case(json!({"email": 1, "password": LONG, "password_confirm": LONG}), json!({"email": ["API_ERROR"]}))]
#[tokio::test]
async fn mistakes_can_be_mended(#[case] body: Value, #[case] errors: Value) {
    let app = app().start().await;
    let link = link(&app).await;
    let mut browser = app.browser();
    let reply = browser.post_json(&link, body).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, errors));
    assert_eq!(follow(&mut browser, &link, "root@lp.com").await.status(), 200, "the link is still good");
}

#[tokio::test]
async fn where_it_is_not_offered_there_is_no_route() {
    let app = TestApp::builder().empty().start().await;
    assert_eq!(app.gate().new_setup_link().await.unwrap(), None);
    assert_eq!(app.browser().get("/setup/x").await.status(), 404);
}

#[tokio::test]
async fn the_database_does_not_hold_the_link() {
    let app = app().start().await;
    let link = link(&app).await;
    let kept = app.store().meta_get("setup_link").await.unwrap().unwrap();
    assert!(!kept.contains(link.rsplit('/').next().unwrap()), "{kept}");
}

#[tokio::test]
async fn the_link_has_the_prefix_and_works_where_everything_is_checked() {
    let settings =
        "application_root = \"/app\"\n[security]\nurl_prefix = \"/auth\"\n[csrf]\nenabled = true\nprotect = true";
    let app = app().toml(settings).start().await;
    let link = link(&app).await;
    assert!(link.starts_with("/app/auth/setup/"), "{link}");
    assert_eq!(follow(&mut app.browser(), &link, "root@lp.com").await.status(), 200);
}
