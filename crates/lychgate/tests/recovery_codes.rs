//! Recovery codes: made, kept, shown, used once.
#![allow(clippy::unwrap_used)]

use lychgate::{
    Lychgate, ManualClock, Settings,
    store::{CreateMode, OpenOptions, Store, UserPatch, testing::PgServer},
};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};

const ON: &str = r#"
[security]
two_factor = true
totp_issuer = "lychgate"
totp_secrets = { 1 = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
multi_factor_recovery_codes = true
[csrf]
enabled = false
"#;
const CODES: &str = "/mf-recovery-codes";
const RECOVERY: &str = "/mf-recovery";
/// Of Python's `cryptography`, made at the time that the test's clock shows: `71f3-0b8d-24aa`.
const KEYS: &str = "[security]\nmulti_factor_recovery_codes_keys = [\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"]";
const KEPT: &str =
    "gAAAAABoTuGAAAECAwQFBgcICQoLDA0OD_bawiA2zOGTxc3ewo-Potg_pOfqEY_nBsBi9ucJmR-68L0B_5PM8of8UOsUFKGWyQ==";
const CODE: &str = "71f3-0b8d-24aa";

fn app() -> AppBuilder {
    TestApp::builder().toml(ON)
}

async fn give(app: &TestApp, email: &str, codes: &[&str]) {
    let codes = codes.iter().map(|&code| code.to_owned()).collect();
    app.update(email, UserPatch { mf_recovery_codes: Some(codes), ..UserPatch::default() }).await;
}

async fn kept(app: &TestApp, email: &str) -> Vec<String> {
    app.user(email).await.mf_recovery_codes.clone()
}

/// Somebody whose first factor is proven.
async fn half_way(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.browser();
    let reply = browser.post_json("/login", json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(reply.response()["tf_required"], true, "{}", reply.text());
    browser
}

async fn enter(browser: &mut Browser, code: &str) -> Reply {
    browser.post_json(RECOVERY, json!({"code": code})).await
}

fn codes_of(reply: &Reply) -> Vec<String> {
    let codes = reply.response()["recovery_codes"].as_array().unwrap().clone();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn a_program_makes_them_and_gets_in(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("flask", "keys", "derived")] way: &str,
) {
    let extra = match way {
        "keys" => KEYS,
        "derived" => "[security]\nmulti_factor_recovery_codes_plain = false",
        _ => "",
    };
    let app = app().on(database).toml(extra).toml("[csrf]\nenabled = true").start().await;
    let mut browser = app.browser();
    let token = browser.sign_in("joe@lp.com").await;
    let none = browser.get_json(CODES).await;
    assert_eq!(none.response(), json!({"csrf_token": none.csrf_token(), "recovery_codes": []}));
    assert_eq!(browser.post_json(CODES, json!({})).await.status(), 400, "it needs a CSRF token");
    let made = browser.post_json(CODES, json!({"csrf_token": token})).await;
    let codes = codes_of(&made);
    assert_eq!(codes.len(), 5);
    let members: Vec<String> = made.response().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["csrf_token", "recovery_codes"]);
    assert_eq!(codes_of(&browser.get_json(CODES).await), codes);
    let stored = kept(&app, "joe@lp.com").await;
    assert_eq!(stored.iter().any(|kept| codes.contains(kept)), way == "flask", "{stored:?}");

    // The codes of the one are nothing to the other.
    give(&app, "gal@lp.com", &["0000-1111-2222"]).await;
    app.update("joe@lp.com", UserPatch { tf_primary_method: Some(Some("authenticator".into())), ..Default::default() })
        .await;
    let mut joe = app.browser();
    let token = joe.get_json("/login").await.csrf_token();
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true, "csrf_token": token});
    assert_eq!(joe.post_json("/login", fields).await.response()["tf_state"], "ready");
    let page = joe.get_json(RECOVERY).await;
    let token = page.csrf_token();
    assert_eq!(page.response(), json!({"csrf_token": token}), "nothing is told before the second factor");
    let wrong = joe.post_json(RECOVERY, json!({"code": "0000-1111-2222", "csrf_token": token})).await;
    assert_eq!((wrong.status(), &wrong.response()["field_errors"]), (400, &json!({"code": ["INVALID_RECOVERY_CODE"]})));
    let typed = codes[2].to_uppercase().replace('-', " ");
    let reply = joe.post_json("/mf-recovery?include_auth_token", json!({"code": typed, "csrf_token": token})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let user = json!({"email": "joe@lp.com"});
    assert_eq!(reply.response(), json!({"csrf_token": reply.csrf_token(), "user": user}));
    assert_eq!(joe.who().await, "joe@lp.com");
    assert!(joe.cookie("tf_validity").is_none());
    assert_eq!(kept(&app, "joe@lp.com").await.len(), 4);
    let left: Vec<&String> = codes.iter().filter(|code| **code != codes[2]).collect();
    assert_eq!(codes_of(&joe.get_json(CODES).await).iter().collect::<Vec<_>>(), left);
}

#[tokio::test]
async fn a_person_makes_them_and_gets_in() {
    let app = app().toml("[csrf]\nenabled = true\n[security]\npost_login_view = \"/in\"").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let page = browser.get(CODES).await;
    assert!(page.text().contains("name=\"show_codes\"") && !page.text().contains("NO_RECOVERY_CODES_SETUP"));
    let asked = browser.get("/mf-recovery-codes?show_codes=Show").await;
    assert!(asked.text().contains("<p class=\"fs-error-msg\">NO_RECOVERY_CODES_SETUP</p>"), "{}", asked.text());
    let form = [("csrf_token", asked.csrf_token()), ("generate_new_codes", "New".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(browser.post_form(CODES, &[]).await.text().contains("fs-error-msg"), "it needs a CSRF token");
    assert!(kept(&app, "joe@lp.com").await.is_empty());
    let made = browser.post_form(CODES, &form).await;
    assert_eq!(made.status(), 200);
    let codes = kept(&app, "joe@lp.com").await;
    assert_eq!(codes.len(), 5);
    assert!(codes.iter().all(|code| made.text().contains(&format!("<li><code>{code}</code></li>"))));
    assert!(made.text().contains(&format!("{}%0A{}", codes[0], codes[1])), "as a file");
    assert_eq!(made.header("cache-control"), "private, no-store");
    // Later they are shown only to somebody who asks.
    let page = browser.get(CODES).await;
    assert!(codes.iter().all(|code| !page.text().contains(code)));
    let page = browser.get("/mf-recovery-codes?show_codes=Show").await;
    assert!(codes.iter().all(|code| page.text().contains(code)));

    give(&app, "gal@lp.com", &["own-code", "0000-1111-2222"]).await;
    let mut gal = app.browser();
    let login = gal.get("/login").await.csrf_token();
    let form = [("email", "gal@lp.com"), ("password", PASSWORD), ("csrf_token", login.as_str())];
    assert_eq!(gal.post_form("/login", &form).await.status(), 302);
    assert_eq!(gal.who().await, "nobody");
    let page = gal.get("/mf-recovery?next=/page").await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("action=\"/mf-recovery?next=/page\""), "{}", page.text());
    assert!(!page.text().contains("gal@lp.com"), "nothing is told before the second factor");
    let token = page.csrf_token();
    let empty = gal.post_form(RECOVERY, &[("csrf_token", &token)]).await;
    assert!(empty.status() == 200 && empty.text().contains("FIELD_REQUIRED"), "{}", empty.text());
    let wrong = gal.post_form(RECOVERY, &[("csrf_token", &token), ("code", "x")]).await;
    assert!(wrong.status() == 200 && wrong.text().contains("INVALID_RECOVERY_CODE"), "{}", wrong.text());
    assert_eq!(gal.who().await, "nobody");
    let right = gal.post_form("/mf-recovery?next=/page", &[("csrf_token", &token), ("code", "own-code")]).await;
    assert_eq!((right.status(), right.location()), (302, "/page"));
    assert_eq!(gal.who().await, "gal@lp.com");
    assert_eq!(kept(&app, "gal@lp.com").await, ["0000-1111-2222"]);
}

#[tokio::test]
async fn codes_of_the_reference_work() {
    let app = app().toml(KEYS).start().await;
    give(&app, "gal@lp.com", &["nonsense", KEPT]).await;
    let mut browser = half_way(&app, "gal@lp.com").await;
    assert_eq!(enter(&mut browser, "nonsense").await.status(), 400);
    assert_eq!(enter(&mut browser, KEPT).await.status(), 400);
    assert_eq!(enter(&mut browser, CODE).await.status(), 200);
    assert_eq!(kept(&app, "gal@lp.com").await, ["nonsense"]);
}

#[tokio::test]
async fn old_codes_expire() {
    let app = app().toml(KEYS).toml("[security]\nmulti_factor_recovery_code_ttl = 300").start().await;
    give(&app, "gal@lp.com", &[KEPT]).await;
    app.advance(301);
    let mut browser = half_way(&app, "gal@lp.com").await;
    assert_eq!(enter(&mut browser, CODE).await.status(), 400);
}

#[rstest]
#[case::nothing(json!({}), "FIELD_REQUIRED")]
#[case::empty(json!({"code": " "}), "FIELD_REQUIRED")]
#[case::null(json!({"code": null}), "FIELD_REQUIRED")]
#[case::number(json!({"code": 123456}), "API_ERROR")]
#[case::object(json!({"code": {"a": 1}}), "API_ERROR")]
#[case::long(json!({"code": "a".repeat(100_000)}), "INVALID_RECOVERY_CODE")]
#[case::nul(json!({"code": "\u{0}"}), "INVALID_RECOVERY_CODE")]
#[case::comma(json!({"code": "a-1,b-2"}), "INVALID_RECOVERY_CODE")]
#[tokio::test]
async fn odd_codes_are_refused(#[case] body: Value, #[case] error: &str) {
    let app = app().start().await;
    give(&app, "gal@lp.com", &["a-1", "b-2"]).await;
    let mut browser = half_way(&app, "gal@lp.com").await;
    let reply = browser.post_json(RECOVERY, body).await;
    assert_eq!((reply.status(), &reply.response()["errors"]), (400, &json!([error])));
    assert_eq!(kept(&app, "gal@lp.com").await.len(), 2);
}

#[rstest]
#[tokio::test]
async fn of_many_who_use_one_code_at_once_one_gets_in(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().on(database).start().await;
    give(&app, "gal@lp.com", &["a-1", "b-2", "c-3"]).await;
    let mut browsers = Vec::new();
    for _ in 0..20 {
        browsers.push(half_way(&app, "gal@lp.com").await);
    }
    let calls = browsers.into_iter().map(|mut browser| async move {
        let status = enter(&mut browser, "b-2").await.status();
        (status, browser.who().await)
    });
    let mut in_at_last = 0;
    for (status, who) in at_once(calls).await {
        assert!(matches!(status, 200 | 400 | 429), "{status}");
        assert_eq!(who == "gal@lp.com", status == 200);
        in_at_last += usize::from(status == 200);
    }
    assert_eq!(in_at_last, 1);
    assert_eq!(kept(&app, "gal@lp.com").await, ["a-1", "c-3"]);
}

#[tokio::test]
async fn different_codes_at_once_all_count() {
    let app = app().start().await;
    let codes = ["a-1", "b-2", "c-3", "d-4"];
    give(&app, "gal@lp.com", &codes).await;
    let mut calls = Vec::new();
    for code in codes {
        let mut browser = half_way(&app, "gal@lp.com").await;
        calls.push(async move { enter(&mut browser, code).await.status() });
    }
    assert_eq!(at_once(calls).await, [200; 4]);
    assert!(kept(&app, "gal@lp.com").await.is_empty());
}

#[tokio::test]
async fn guesses_are_limited() {
    let app = app().start().await;
    give(&app, "gal@lp.com", &[CODE]).await;
    let mut browser = half_way(&app, "gal@lp.com").await;
    for _ in 0..10 {
        assert_eq!(enter(&mut browser, "0000-0000-0000").await.status(), 400);
    }
    // This sign-in is over, and starting anew gives no more guesses.
    assert_ne!(enter(&mut browser, CODE).await.status(), 200);
    let mut again = half_way(&app, "gal@lp.com").await;
    let refused = enter(&mut again, CODE).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(again.who().await, "nobody");
    // The owner gets in again by themselves.
    app.advance(900);
    let mut later = half_way(&app, "gal@lp.com").await;
    assert_eq!(enter(&mut later, CODE).await.status(), 200);
}

#[tokio::test]
async fn steps_cannot_be_skipped() {
    let app = app().start().await;
    give(&app, "gal@lp.com", &[CODE]).await;
    let mut stranger = app.browser();
    assert_eq!(stranger.get(RECOVERY).await.location(), "/login");
    let refused = stranger.get_json(RECOVERY).await;
    let errors =
        json!({"errors": ["TWO_FACTOR_PERMISSION_DENIED"], "field_errors": {"": ["TWO_FACTOR_PERMISSION_DENIED"]}});
    assert_eq!((refused.status(), refused.response()), (400, errors.clone()));
    let refused = enter(&mut stranger, CODE).await;
    assert_eq!((refused.status(), refused.response()), (400, errors));
    // Nor after ten minutes, nor by somebody who is signed in already, nor by a deactivated user.
    let mut slow = half_way(&app, "gal@lp.com").await;
    app.advance(601);
    assert_eq!(enter(&mut slow, CODE).await.status(), 400);
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    assert_eq!(joe.get(RECOVERY).await.location(), "/");
    assert_eq!(enter(&mut joe, CODE).await.response()["errors"], json!(["ANONYMOUS_USER_REQUIRED"]));
    let mut gone = half_way(&app, "gal@lp.com").await;
    app.update("gal@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    assert_eq!(enter(&mut gone, CODE).await.status(), 400);
    assert_eq!(gone.who().await, "nobody");
    assert_eq!(kept(&app, "gal@lp.com").await, [CODE]);
}

#[tokio::test]
async fn one_s_codes_need_a_fresh_sign_in() {
    let app = app().toml("[security]\nfreshness = 60\nfreshness_grace_period = 0").start().await;
    let mut stranger = app.browser();
    assert!(stranger.get(CODES).await.location().starts_with("/login?next="));
    assert_eq!(stranger.get_json(CODES).await.status(), 401);
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    app.advance(61);
    assert!(joe.get(CODES).await.location().starts_with("/verify?next="));
    let refused = joe.post_json(CODES, json!({})).await;
    assert_eq!((refused.status(), &refused.response()["reauth_required"]), (401, &json!(true)));
    assert!(kept(&app, "joe@lp.com").await.is_empty());
}

#[tokio::test]
async fn the_owner_is_told() {
    let app = app().toml("[security]\nnotify_access_change = true").start().await;
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    let codes = codes_of(&joe.post_json(CODES, json!({})).await);
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "joe@lp.com"));
    let text = mails[0].text.as_deref().unwrap();
    assert!(text.contains("NOTICE_RECOVERY_CODES_REPLACED"), "{text}");
    assert!(codes.iter().all(|code| !text.contains(code)), "{text}");
    give(&app, "gal@lp.com", &["a-1", "b-2", "c-3"]).await;
    let mut gal = half_way(&app, "gal@lp.com").await;
    assert_eq!(enter(&mut gal, "wrong").await.status(), 400);
    assert!(app.mails().await.is_empty());
    assert_eq!(enter(&mut gal, "a-1").await.status(), 200);
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "gal@lp.com"));
    assert!(mails[0].text.as_deref().unwrap().contains("NOTICE_RECOVERY_CODE_USED"));
}

#[tokio::test]
async fn the_account_page_says_how_many_are_left() {
    let app = app().toml("[security]\naccount = true\nactivity = true").start().await;
    give(&app, "gal@lp.com", &["a-1", "b-2", "c-3"]).await;
    let mut gal = half_way(&app, "gal@lp.com").await;
    assert_eq!(enter(&mut gal, "a-1").await.status(), 200);
    let page = gal.get_json("/account").await.response().to_string();
    assert!(page.contains("ACCOUNT_RECOVERY_CODES_LEFT") && page.contains("ACTIVITY_RECOVERY_CODE_USED"), "{page}");
    gal.post_json(CODES, json!({})).await;
    let page = gal.get("/account").await;
    assert!(page.text().contains("href=\"/mf-recovery-codes\""), "{}", page.text());
    assert!(page.text().contains("ACTIVITY_RECOVERY_CODES_REPLACED"), "{}", page.text());
    // Without a second factor there is nothing to stand in for.
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    assert!(!joe.get("/account").await.text().contains("/mf-recovery-codes"));
}

#[rstest]
#[case("multi_factor_recovery_codes = false")]
#[case("two_factor = false")]
#[tokio::test]
async fn they_can_be_off(#[case] toml: &str) {
    let app = app().toml(&format!("[security]\n{toml}")).start().await;
    let mut browser = app.browser();
    for path in [CODES, RECOVERY] {
        assert_eq!(browser.get(path).await.status(), 404);
    }
}

#[tokio::test]
async fn what_cannot_work_does_not_start() {
    let base = "profile = \"flask\"\nsecret_key = \"a key of the test applications, 37 bytes\"\n[security]\n\
                password_salt = \"a salt of the test applications, 38 bytes\"\ntotp_issuer = \"tests\"\n\
                totp_secrets = {1 = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\"}\n\
                multi_factor_recovery_codes = true\n";
    let keys = format!("{base}multi_factor_recovery_codes_keys = [\"hidden\"]\n");
    let server = PgServer::start().unwrap();
    let url = server.fresh_database().unwrap();
    drop(Store::open(OpenOptions::new(url.parse().unwrap()).create(CreateMode::IfEmpty)).await.unwrap());
    for (toml, named) in [(keys.as_str(), "multi_factor_recovery_codes_keys"), (base, "column mf_recovery_codes")] {
        let settings = Settings::builder().toml("test", toml).set("database_url", url.as_str()).build().unwrap();
        let clock = ManualClock::at(1_750_000_000);
        let error = Lychgate::builder().settings(settings).clock(clock).build().await.unwrap_err().to_string();
        assert!(error.contains(named) && !error.contains("hidden"), "{error}");
        // A table of users as old models have it.
        server.execute(&url, "ALTER TABLE \"user\" DROP COLUMN IF EXISTS mf_recovery_codes").unwrap();
    }
}
