//! Recovery of a forgotten password.
#![allow(clippy::unwrap_used)]

use lychgate::{Event, store::UserPatch};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp, at_once, link_in};
use rstest::rstest;
use serde_json::{Value, json};

const PHRASE: &str = "nobody guesses this phrase";

fn app() -> AppBuilder {
    TestApp::builder().toml("[security]\nrecoverable = true\nreset_password_within = 3600\n[csrf]\nenabled = false")
}

/// The path of a link that is mailed to `email`.
async fn link(app: &TestApp, email: &str) -> String {
    let reply = app.browser().post_json("/reset", json!({"email": email})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    app.mailed_link("/reset").await
}

async fn reset(browser: &mut Browser, link: &str) -> Reply {
    browser.post_json(link, json!({"password": PHRASE, "password_confirm": PHRASE})).await
}

async fn password_works(app: &TestApp, email: &str, password: &str) -> bool {
    app.browser().post_json("/login", json!({"email": email, "password": password})).await.status() == 200
}

/// A program and a browser are told that the link is no good, and nothing has changed.
async fn refused(app: &TestApp, link: &str, why: &str) {
    let before = app.store().user_by_identity("email", "joe@lp.com", true).await.unwrap();
    let reply = reset(&mut app.browser(), link).await;
    assert_eq!((reply.status(), reply.response()["errors"].clone()), (400, json!([why])));
    let mut browser = app.browser();
    let form = [("password", PHRASE), ("password_confirm", PHRASE)];
    assert_eq!(browser.post_form(link, &form).await.location(), "/reset");
    assert_eq!(browser.get(link).await.location(), "/reset");
    assert_eq!(app.flashes(&browser), [why, why]);
    assert_eq!(app.store().user_by_identity("email", "joe@lp.com", true).await.unwrap(), before);
}

#[rstest]
#[tokio::test]
async fn a_person_recovers(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().toml("[csrf]\nenabled = true").on(database).start().await;
    let mut elsewhere = app.browser();
    elsewhere.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let auth_token = app.auth_token("joe@lp.com").await;
    let mut browser = app.browser();
    let token = browser.get("/reset").await.csrf_token();
    let page = browser.post_form("/reset", &[("email", "JOE@lp.com"), ("csrf_token", &token)]).await;
    assert!(page.status() == 200 && page.text().contains("PASSWORD_RESET_REQUEST"), "{}", page.text());
    let link = app.mailed_link("/reset").await;
    let page = browser.get(&link).await;
    assert!(page.text().contains(r#"name="reset_password_form""#));
    assert_eq!(elsewhere.who().await, "joe@lp.com", "looking at the link changes nothing");
    let token = page.csrf_token();
    let form = [("password", PHRASE), ("password_confirm", PHRASE), ("csrf_token", &token)];
    assert_eq!(browser.post_form(&link, &form).await.location(), "/login");
    assert_eq!(app.flashes(&browser), ["PASSWORD_RESET_NO_LOGIN"]);
    assert_eq!((browser.who().await, elsewhere.who().await), ("nobody".to_owned(), "nobody".to_owned()));
    let mut program = app.browser();
    let who = program.call("GET", "/whoami").header("authentication-token", &auth_token).send().await;
    assert_eq!(who.json()["email"], Value::Null, "auth tokens end too");
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PHRASE})).await;
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "joe@lp.com"), "the notice");
    assert_eq!(link_in(&mails[0], "/reset"), None);
}

#[tokio::test]
async fn a_program_recovers() {
    let app = app().start().await;
    let link = link(&app, "joe@lp.com").await;
    let reply = reset(&mut app.browser(), &link).await;
    assert_eq!((reply.status(), reply.response()), (200, json!({})));
    assert!(password_works(&app, "joe@lp.com", PHRASE).await && !password_works(&app, "joe@lp.com", PASSWORD).await);
    refused(&app, &link, "INVALID_RESET_PASSWORD_TOKEN").await;
}

#[tokio::test]
async fn it_may_sign_in_at_once() {
    let app = app().toml("[security]\nauto_login_after_reset = true\npost_reset_view = \"/done\"").start().await;
    let path = link(&app, "joe@lp.com").await;
    let mut browser = app.browser();
    let form = [("password", PHRASE), ("password_confirm", PHRASE)];
    assert_eq!(browser.post_form(&path, &form).await.location(), "/done");
    assert_eq!(
        (browser.who().await.as_str(), app.flashes(&browser)),
        ("joe@lp.com", vec!["PASSWORD_RESET".to_owned()])
    );
    let user_id = app.user("joe@lp.com").await.id;
    assert!(app.take_events().contains(&Event::UserAuthenticated { user_id, via: "reset" }));
    drop(app.mails().await);
    let path = link(&app, "matt@lp.com").await;
    let reply = reset(&mut app.browser(), &path).await;
    let expected = json!({"csrf_token": reply.csrf_token(), "tf_required": false, "user": {"email": "matt@lp.com"}});
    assert_eq!(reply.response(), expected);
}

#[rstest]
#[case("", "EMAIL_NOT_PROVIDED")]
#[case("joe", "INVALID_EMAIL_ADDRESS")]
#[case("nobody@lp.com", "USER_DOES_NOT_EXIST")]
#[case("tiya@lp.com", "DISABLED_ACCOUNT")]
#[tokio::test]
async fn refusals_say_what_is_wrong(#[case] email: &str, #[case] error: &str) {
    let app = app().start().await;
    let reply = app.browser().post_json("/reset", json!({"email": email})).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"email": [error]})));
    let page = app.browser().post_form("/reset", &[("email", email)]).await;
    assert!(page.status() == 200 && page.text().contains(error));
    assert!(app.mails().await.is_empty());
}

#[rstest]
#[case("short", "short", json!({"password": ["PASSWORD_INVALID_LENGTH"]}))]
#[case(PHRASE, "another phrase", json!({"password_confirm": ["RETYPE_PASSWORD_MISMATCH"]}))]
#[case("", "", json!({"password": ["PASSWORD_NOT_PROVIDED"], "password_confirm": ["PASSWORD_NOT_PROVIDED"]}))]
#[tokio::test]
async fn a_refused_password_does_not_use_the_link_up(
    #[case] password: &str,
    #[case] repeat: &str,
    #[case] errors: Value,
) {
    let app = app().start().await;
    let link = link(&app, "joe@lp.com").await;
    let reply = app.browser().post_json(&link, json!({"password": password, "password_confirm": repeat})).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, errors));
    assert!(password_works(&app, "joe@lp.com", PASSWORD).await);
    assert_eq!(reset(&mut app.browser(), &link).await.status(), 200);
}

#[tokio::test]
async fn old_superseded_and_foreign_links_are_refused() {
    let app = app().start().await;
    let old = link(&app, "joe@lp.com").await;
    app.advance(1);
    let newer = link(&app, "joe@lp.com").await;
    refused(&app, &old, "INVALID_RESET_PASSWORD_TOKEN").await;
    let flipped = format!("{}{}", &newer[..newer.len() - 2], if newer.ends_with("AA") { "BB" } else { "AA" });
    for foreign in ["/reset/nonsense".to_owned(), flipped, format!("/reset/{}", app.auth_token("joe@lp.com").await)] {
        refused(&app, &foreign, "INVALID_RESET_PASSWORD_TOKEN").await;
    }
    app.advance(3600);
    assert_eq!(app.browser().get(&newer).await.status(), 200, "it lives for an hour");
    app.advance(1);
    refused(&app, &newer, "PASSWORD_RESET_EXPIRED").await;
}

#[tokio::test]
async fn a_link_dies_with_what_it_was_made_for() {
    let app = app().start().await;
    for patch in [
        UserPatch { active: Some(false), ..UserPatch::default() },
        UserPatch { password: Some(Some("changed".to_owned())), ..UserPatch::default() },
        UserPatch { fs_uniquifier: Some("another".to_owned()), ..UserPatch::default() },
    ] {
        app.update("joe@lp.com", UserPatch { active: Some(true), ..UserPatch::default() }).await;
        let link = link(&app, "joe@lp.com").await;
        app.update("joe@lp.com", patch).await;
        refused(&app, &link, "INVALID_RESET_PASSWORD_TOKEN").await;
    }
}

#[tokio::test]
async fn of_many_uses_at_once_one_wins() {
    let app = app().start().await;
    let link = link(&app, "joe@lp.com").await;
    let calls = (0..20).map(|i| {
        let (mut browser, link) = (app.browser(), link.clone());
        let password = format!("{PHRASE} {i}");
        async move {
            let body = json!({"password": password, "password_confirm": password});
            (browser.post_json(&link, body).await.status(), password)
        }
    });
    let replies = at_once(calls).await;
    let winners: Vec<_> = replies.iter().filter(|(status, _)| *status == 200).collect();
    assert!(winners.len() == 1 && replies.iter().all(|(status, _)| [200, 400].contains(status)), "{replies:?}");
    assert!(password_works(&app, "joe@lp.com", &winners[0].1).await);
    assert_eq!(app.mails().await.len(), 1, "one notice");
}

#[tokio::test]
async fn generic_replies_are_the_same_for_known_and_unknown() {
    let app = app().toml("[security]\nreturn_generic_responses = true").start().await;
    for email in ["joe@lp.com", "nobody@lp.com", "tiya@lp.com", "nonsense"] {
        let reply = app.browser().post_json("/reset", json!({"email": email})).await;
        assert_eq!((reply.status(), reply.response()), (200, json!({"csrf_token": reply.csrf_token()})), "{email}");
        let mut browser = app.browser();
        let page = browser.post_form("/reset", &[("email", email)]).await;
        assert!(page.status() == 200 && page.text().contains("PASSWORD_RESET_REQUEST"), "{email}");
        assert!(!page.text().contains("fs-error-msg"), "{email}");
    }
    let mails = app.mails().await;
    assert!(mails.len() == 2 && mails.iter().all(|mail| mail.to == "joe@lp.com"));
}

#[tokio::test]
async fn a_single_page_application_gets_the_token() {
    let app = app()
        .toml("[security]\nredirect_behavior = \"spa\"\nreset_view = \"/set\"\nreset_error_view = \"/bad\"")
        .start()
        .await;
    let link = link(&app, "joe@lp.com").await;
    let token = link.strip_prefix("/reset/").unwrap();
    assert_eq!(app.browser().get(&link).await.location(), format!("/set?token={token}"));
    assert_eq!(app.browser().get("/reset/x").await.location(), "/bad?error=INVALID_RESET_PASSWORD_TOKEN");
    assert_eq!(reset(&mut app.browser(), &link).await.status(), 200);
}

#[tokio::test]
async fn a_notice_that_cannot_be_written_leaves_the_old_password() {
    let broken =
        |builder: lychgate::Builder| builder.template("security/email/reset_notice.txt", "{% include 'nowhere' %}");
    let app = app().configure(broken).start().await;
    let link = link(&app, "joe@lp.com").await;
    let before = app.user("joe@lp.com").await;
    assert_eq!(reset(&mut app.browser(), &link).await.status(), 500);
    assert_eq!(app.user("joe@lp.com").await, before);
    assert!(password_works(&app, "joe@lp.com", PASSWORD).await && app.mails().await.is_empty());
}

#[rstest]
#[tokio::test]
async fn auth_tokens_with_a_uniquifier_of_their_own_end_as_well(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let column = "ALTER TABLE \"user\" ADD COLUMN fs_token_uniquifier VARCHAR(64)";
    let app = app().sql(column).on(database).start().await;
    let token = app.auth_token("joe@lp.com").await;
    assert!(app.user("joe@lp.com").await.fs_token_uniquifier.is_some());
    let who = async |token: &str| {
        let mut browser = app.browser();
        browser.call("GET", "/whoami").header("Authentication-Token", token).send().await.text().to_owned()
    };
    assert!(who(&token).await.contains("joe@lp.com"), "{}", who(&token).await);
    let link = link(&app, "joe@lp.com").await;
    assert_eq!(reset(&mut app.browser(), &link).await.status(), 200);
    assert!(!who(&token).await.contains("joe@lp.com"));
}
