//! Work that the sender of a form proves: asked where it is hot, bound, used up once, and a way without JavaScript.
#![allow(clippy::unwrap_used)]

use axum::{Router, routing::post};
use lychgate::guard;
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const ON: &str = "[csrf]\nenabled = false\n[security]\nregisterable = true\nrecoverable = true\nconfirmable = true\n\
     login_without_confirmation = true\nusername_enable = true\nusername_recovery = true\nunified_signin = true\n\
     totp_issuer = \"tests\"\ntotp_secrets = {1 = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\"}\n";

/// Work that is quickly done, asked of everybody unless `more` says otherwise.
fn app(more: &str) -> AppBuilder {
    let routes = |routes: Router| {
        routes.route("/comments", post(async || "thank you").route_layer(guard::challenge("comments")))
    };
    let free = if more.contains("free") { "" } else { "free = \"\"\n" };
    TestApp::builder()
        .toml(ON)
        .toml(&format!("[challenge]\nenabled = true\ndifficulty = 8\n{free}{more}"))
        .routes(routes)
}

fn from(app: &TestApp, address: &str) -> Browser {
    let mut browser = app.browser();
    browser.peer = (address.parse::<std::net::IpAddr>().unwrap(), 50_000).into();
    browser
}

fn solve(work: &Value) -> String {
    let (seed, bits) = (work["seed"].as_str().unwrap(), work["bits"].as_u64().unwrap());
    let one = |piece: u64| {
        let fits = |number: &u32| {
            let hash = Sha256::digest(format!("{seed}.{piece}.{number}"));
            let first = u32::from_be_bytes(hash[..4].try_into().unwrap());
            u64::from(first.leading_zeros()) >= bits
        };
        (0_u32..).find(fits).unwrap().to_string()
    };
    (0..work["pieces"].as_u64().unwrap()).map(one).collect::<Vec<_>>().join(",")
}

async fn work_for(browser: &mut Browser, door: &str) -> Value {
    let reply = browser.get_json(&format!("/challenge?for={door}")).await;
    assert_eq!((reply.status(), reply.header("cache-control")), (200, "no-store"), "{}", reply.text());
    reply.response()["challenge"].take()
}

/// Fields with work that is done.
fn with(mut fields: Value, work: &Value) -> Value {
    fields["challenge"] = work["token"].clone();
    fields["challenge_solution"] = solve(work).into();
    fields
}

fn credentials() -> Value {
    json!({"email": "joe@lp.com", "password": PASSWORD})
}

fn is_asked(reply: &Reply) -> bool {
    reply.status() == 403 && reply.response()["code"] == "challenge_required"
}

#[tokio::test]
async fn it_is_off_unless_switched_on() {
    let app = TestApp::builder().toml(ON).start().await;
    assert_eq!(app.browser().get_json("/challenge?for=login").await.status(), 404);
    assert!(!app.browser().get("/login").await.text().contains("challenge"));
    assert_eq!(app.browser().post_json("/login", credentials()).await.status(), 200);
}

#[rstest]
#[case("login", "/login", credentials())]
#[case("login", "/us-signin", json!({"identity": "joe@lp.com", "passcode": PASSWORD}))]
#[case("login", "/us-signin/send-code", json!({"identity": "joe@lp.com", "chosen_method": "email"}))]
#[case("recover", "/reset", json!({"email": "joe@lp.com"}))]
#[case("recover", "/recover-username", json!({"email": "joe@lp.com"}))]
#[case("confirm", "/confirm", json!({"email": "joe@lp.com"}))]
#[case("register", "/register", json!({"email": "new@lp.com", "password": PASSWORD, "password_confirm": PASSWORD}))]
#[tokio::test]
async fn each_form_asks_for_work_of_its_own(#[case] door: &str, #[case] path: &str, #[case] fields: Value) {
    let app = app("").start().await;
    let mut browser = app.browser();
    let asked = browser.post_json(path, fields.clone()).await;
    assert!(is_asked(&asked), "{path}: {}", asked.text());
    let page = browser.call("POST", path).form(&[("email", "joe@lp.com"), ("password", PASSWORD)]).send().await;
    assert!(page.status() == 200 && page.text().contains("CHALLENGE_REQUIRED"), "{path}: {}", page.text());
    assert!(page.input("challenge").is_some(), "{path}: {}", page.text());
    assert!(app.mails().await.is_empty() && browser.who().await == "nobody", "nothing has happened");
    // The reply itself brings the work; that of another form does not count.
    let elsewhere = if door == "login" { "recover" } else { "login" };
    let other = work_for(&mut browser, elsewhere).await;
    assert!(is_asked(&browser.post_json(path, with(fields.clone(), &other)).await), "{path}");
    let done = browser.post_json(path, with(fields, &asked.response()["challenge"])).await;
    assert!(!is_asked(&done) && done.status() < 500, "{path}: {}", done.text());
}

#[rstest]
#[tokio::test]
async fn work_counts_once_and_for_whom_it_was_given(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app("").on(database).start().await;
    let mut browser = from(&app, "198.51.100.1");
    let work = work_for(&mut browser, "login").await;
    let solved = with(json!({"email": "joe@lp.com", "password": "wrong"}), &work);
    let tries = at_once((0..6).map(|_| {
        let (mut browser, solved) = (browser.clone(), solved.clone());
        async move { is_asked(&browser.post_json("/login", solved).await) }
    }));
    assert_eq!(tries.await.into_iter().filter(|asked| !asked).count(), 1);
    assert!(is_asked(&browser.post_json("/login", solved).await));
    let work = work_for(&mut browser, "login").await;
    let solved = with(credentials(), &work);
    // What is wrong is refused, and uses nothing up.
    let mut wrong = vec![solved.clone(); 4];
    wrong[0]["challenge_solution"] = "1,1,1,1,1,1,1,1".into();
    wrong[1]["challenge_solution"] = "1".repeat(100_000).into();
    wrong[2]["challenge"] = format!("{}x", work["token"].as_str().unwrap()).into();
    wrong[3]["challenge_solution"] = json!([1, 2]);
    for fields in wrong {
        assert!(is_asked(&browser.post_json("/login", fields).await));
    }
    assert!(is_asked(&from(&app, "198.51.100.2").post_json("/login", solved.clone()).await), "another address");
    assert_eq!(browser.post_json("/login", solved).await.status(), 200);
    let mut late = from(&app, "198.51.100.3");
    let work = work_for(&mut late, "login").await;
    app.advance(30 * 60 + 1);
    assert!(is_asked(&late.post_json("/login", with(credentials(), &work)).await), "too old");
    assert_eq!(late.get_json("/challenge?for=Login").await.status(), 400);
}

/// A browser without JavaScript waits instead, and not often.
#[tokio::test]
async fn without_javascript_one_waits() {
    let app = app("waits = \"1 per hour\"").start().await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    assert!(page.text().contains("<noscript>") && page.text().contains("js/challenge.js"), "{}", page.text());
    let send = async |browser: &mut Browser, page: &Reply| {
        let token = page.input("challenge").unwrap();
        let fields = [("challenge", token.as_str()), ("challenge_solution", ""), ("email", "joe@lp.com")];
        let fields: Vec<_> = fields.into_iter().chain([("password", PASSWORD)]).collect();
        browser.post_form("/login", &fields).await
    };
    let again = send(&mut browser, &page).await;
    assert!(again.text().contains("CHALLENGE_REQUIRED"), "{}", again.text());
    assert_eq!(again.input("email").as_deref(), Some("joe@lp.com"), "what was typed is there");
    assert_eq!(again.input("password").as_deref(), Some(""), "a password is never sent back");
    app.advance(15);
    assert_eq!(send(&mut browser, &again).await.status(), 302);
    assert_eq!(browser.who().await, "joe@lp.com");
    let mut second = app.browser();
    let page = second.get("/login").await;
    app.advance(15);
    assert!(send(&mut second, &page).await.text().contains("CHALLENGE_REQUIRED"), "once in an hour");
    let never = self::app("wait = false").start().await;
    let mut browser = never.browser();
    let page = browser.get("/login").await;
    never.advance(600);
    assert!(send(&mut browser, &page).await.text().contains("CHALLENGE_REQUIRED"));
}

/// Nobody is asked before an address, or somebody at an account, has come often.
#[tokio::test]
async fn it_is_asked_where_it_is_hot() {
    let app = app("free = \"2 per hour\"").start().await;
    let try_with = async |address: &str, email: &str| {
        let fields = json!({"email": email, "password": "wrong"});
        is_asked(&from(&app, address).post_json("/login", fields).await)
    };
    assert!(!from(&app, "198.51.100.1").get("/login").await.text().contains("data-challenge"));
    assert!(!try_with("198.51.100.1", "joe@lp.com").await && !try_with("198.51.100.1", "JOE@lp.com").await);
    assert!(try_with("198.51.100.1", "matt@lp.com").await, "the address");
    assert!(from(&app, "198.51.100.1").get("/login").await.text().contains("data-challenge"));
    assert!(try_with("198.51.100.2", "joe@lp.com").await, "the account");
    assert!(!try_with("198.51.100.3", "gene@lp.com").await, "others are not concerned");
    assert!(!try_with("198.51.100.4", "no@lp.com").await && !try_with("198.51.100.5", "no@lp.com").await);
    assert!(try_with("198.51.100.6", "no@lp.com").await, "a name that nobody has, all the same");
}

#[tokio::test]
async fn a_route_of_the_application_asks_too() {
    let app = app("on = [\"register\"]").start().await;
    let mut browser = app.browser();
    let asked = browser.post_json("/comments", json!({"text": "hello"})).await;
    assert!(is_asked(&asked), "{}", asked.text());
    let page = browser.post_form("/comments", &[("text", "hello")]).await;
    assert!(page.status() == 403 && page.text().contains("CHALLENGE_REQUIRED"), "{}", page.text());
    let done = browser.post_json("/comments", with(json!({"text": "hello"}), &asked.response()["challenge"])).await;
    assert_eq!((done.status(), done.text()), (200, "thank you"));
    // Of our own forms only those that are named.
    assert_eq!(browser.post_json("/login", credentials()).await.status(), 200);
}

#[tokio::test]
async fn the_document_says_it() {
    let app = app("").start().await;
    let document = app.gate().openapi();
    assert!(document["paths"]["/challenge"]["get"].is_object());
    assert!(document["paths"]["/login"]["post"]["responses"]["403"].is_object());
    assert!(document["paths"]["/logout"]["post"]["responses"]["403"].is_null());
}
