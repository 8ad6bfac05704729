//! Signing in by a mailed link.
#![allow(clippy::unwrap_used)]

use lychgate::{Event, store::UserPatch};
use lychgate_testkit::{AppBuilder, Database, TestApp, at_once};
use rstest::rstest;
use serde_json::json;

fn app() -> AppBuilder {
    TestApp::builder().toml("[security]\npasswordless = true\nlogin_within = 3600\n[csrf]\nenabled = false")
}

/// The path of a link that is mailed to `email`.
async fn link(app: &TestApp, email: &str) -> String {
    let reply = app.browser().post_json("/login", json!({"email": email})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    app.mailed_link("/login").await
}

/// The link signs nobody in, and a browser is told why.
async fn refused(app: &TestApp, link: &str, why: &str) {
    let mut browser = app.browser();
    assert_eq!(browser.get(link).await.location(), "/login");
    assert_eq!((browser.who().await.as_str(), app.flashes(&browser)), ("nobody", vec![why.to_owned()]));
}

#[rstest]
#[tokio::test]
async fn a_person_signs_in(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let toml = "[csrf]\nenabled = true\n[security]\npost_login_view = \"/home\"";
    let app = app().toml(toml).on(database).start().await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    assert!(page.text().contains(r#"name="send_login_form""#) && page.input("password").is_none());
    let page = browser.post_form("/login", &[("email", "JOE@lp.com"), ("csrf_token", &page.csrf_token())]).await;
    assert!(page.status() == 200 && page.text().contains("LOGIN_EMAIL_SENT"));
    let link = app.mailed_link("/login").await;
    assert_eq!(browser.call("HEAD", &link).send().await.status(), 200);
    assert_eq!(browser.who().await, "nobody", "looking whether the link is there signs nobody in");
    assert_eq!(browser.get(&link).await.location(), "/home");
    assert_eq!(
        (browser.who().await.as_str(), app.flashes(&browser)),
        ("joe@lp.com", vec!["PASSWORDLESS_LOGIN_SUCCESSFUL".to_owned()])
    );
    let user_id = app.user("joe@lp.com").await.id;
    assert!(app.take_events().contains(&Event::UserAuthenticated { user_id, via: "token" }));
    assert_eq!(browser.get(&link).await.location(), "/home", "who is signed in needs no link");
    refused(&app, &link, "INVALID_LOGIN_TOKEN").await;
}

#[tokio::test]
async fn a_program_is_told_nothing_of_the_user() {
    let app = app().start().await;
    let reply = app.browser().post_json("/login", json!({"email": "joe@lp.com"})).await;
    assert_eq!(reply.response(), json!({"csrf_token": reply.csrf_token()}));
}

#[rstest]
#[case("", "EMAIL_NOT_PROVIDED")]
#[case("joe", "INVALID_EMAIL_ADDRESS")]
#[case("nobody@lp.com", "USER_DOES_NOT_EXIST")]
#[case("tiya@lp.com", "DISABLED_ACCOUNT")]
#[tokio::test]
async fn refusals_say_what_is_wrong(#[case] email: &str, #[case] error: &str) {
    let app = app().start().await;
    let reply = app.browser().post_json("/login", json!({"email": email})).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"email": [error]})));
    let page = app.browser().post_form("/login", &[("email", email)]).await;
    assert!(page.status() == 200 && page.text().contains(error));
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn superseded_and_foreign_links_are_refused() {
    let app = app().toml("[security]\nrecoverable = true").start().await;
    let old = link(&app, "joe@lp.com").await;
    app.advance(1);
    let newer = link(&app, "joe@lp.com").await;
    app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let reset = app.mailed_link("/reset").await.replace("/reset/", "/login/");
    for bad in [&old, "/login/nonsense", &format!("{newer}x"), &reset] {
        refused(&app, bad, "INVALID_LOGIN_TOKEN").await;
    }
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    refused(&app, &newer, "DISABLED_ACCOUNT").await;
    app.update("joe@lp.com", UserPatch { active: Some(true), ..UserPatch::default() }).await;
    let mut browser = app.browser();
    browser.get(&newer).await;
    assert_eq!(browser.who().await, "joe@lp.com");
}

#[tokio::test]
async fn an_old_link_brings_a_new_one() {
    let app = app().start().await;
    let old = link(&app, "joe@lp.com").await;
    app.advance(3601);
    refused(&app, &old, "LOGIN_EXPIRED").await;
    let new = app.mailed_link("/login").await;
    let mut browser = app.browser();
    browser.get(&new).await;
    assert_eq!(browser.who().await, "joe@lp.com");
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    refused(&app, &old, "INVALID_LOGIN_TOKEN").await;
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn an_old_link_is_no_way_to_fill_a_mailbox() {
    let app = app().toml("[limits]\nenabled = true\nmessages_by_account = \"3/hour\"").start().await;
    let old = link(&app, "joe@lp.com").await;
    app.advance(3 * 3600);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(app.browser().get(&old).await.status());
    }
    assert_eq!((statuses, app.mails().await.len()), (vec![302, 302, 302, 429], 3));
}

#[tokio::test]
async fn of_many_uses_at_once_one_wins() {
    let app = app().start().await;
    let link = link(&app, "joe@lp.com").await;
    let calls = (0..20).map(|_| {
        let (mut browser, link) = (app.browser(), link.clone());
        async move {
            browser.get(&link).await;
            browser.who().await
        }
    });
    let who = at_once(calls).await;
    assert_eq!(who.iter().filter(|who| *who == "joe@lp.com").count(), 1, "{who:?}");
}

#[tokio::test]
async fn generic_replies_are_the_same_for_known_and_unknown() {
    let app = app().toml("[security]\nreturn_generic_responses = true").start().await;
    for email in ["joe@lp.com", "nobody@lp.com", "tiya@lp.com", "nonsense"] {
        let response = app.browser().post_json("/login", json!({"email": email})).await.response();
        assert_eq!(response.as_object().unwrap().keys().collect::<Vec<_>>(), ["csrf_token"], "{email}");
        let page = app.browser().post_form("/login", &[("email", email)]).await;
        assert!(page.text().contains("LOGIN_EMAIL_SENT") && !page.text().contains("fs-error-msg"), "{email}");
    }
    let mails = app.mails().await;
    assert!(mails.len() == 2 && mails.iter().all(|mail| mail.to == "joe@lp.com"));
}

#[tokio::test]
async fn in_the_modern_profile_mail_scanners_sign_nobody_in() {
    let app = app().toml("profile = \"modern\"\n[csrf]\nenabled = true").start().await;
    let mut browser = app.browser();
    browser.origin = "https://localhost".to_owned();
    let token = browser.get("/login").await.csrf_token();
    let fields = [("email", "joe@lp.com"), ("csrf_token", token.as_str())];
    browser.call("POST", "/login").header("referer", "https://localhost/login").form(&fields).send().await;
    let link = app.mailed_link("/login").await;
    let page = browser.get(&link).await;
    assert!(page.status() == 200 && page.text().contains(&format!(r#"action="{link}""#)), "{}", page.text());
    assert_eq!(page.header("referrer-policy"), "same-origin", "the link is a secret");
    let token = page.csrf_token();
    let call = browser.call("POST", &link).header("referer", "https://localhost/");
    assert_ne!(call.form(&[("csrf_token", "wrong")]).send().await.status(), 302);
    assert_eq!(browser.who().await, "nobody");
    let call = browser.call("POST", &link).header("referer", "https://localhost/");
    assert_eq!(call.form(&[("csrf_token", &token)]).send().await.location(), "/");
    assert_eq!(browser.who().await, "joe@lp.com");
}

#[tokio::test]
async fn a_single_page_application_is_told_in_the_query() {
    let toml = "[security]\nredirect_behavior = \"spa\"\npost_login_view = \"/ok\"\nlogin_error_view = \"/bad\"";
    let app = app().toml(toml).start().await;
    let link = link(&app, "joe@lp.com").await;
    assert_eq!(app.browser().get(&link).await.location(), "/ok?email=joe%40lp.com&identity=joe%40lp.com");
    assert_eq!(app.browser().get(&link).await.location(), "/bad?error=INVALID_LOGIN_TOKEN");
}
