//! Recovery of a forgotten username.
#![allow(clippy::unwrap_used)]

use lychgate::store::UserPatch;
use lychgate_testkit::{AppBuilder, Database, TestApp};
use rstest::rstest;
use serde_json::json;

fn app() -> AppBuilder {
    TestApp::builder().toml("[security]\nusername_enable = true\nusername_recovery = true\n[csrf]\nenabled = false")
}

#[rstest]
#[tokio::test]
async fn a_person_recovers(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().toml("[csrf]\nenabled = true").on(database).start().await;
    let username = Some(Some("joseph".to_owned()));
    app.update("joe@lp.com", UserPatch { username, ..UserPatch::default() }).await;
    let mut browser = app.browser();
    let page = browser.get("/recover-username").await;
    assert!(page.text().contains(r#"name="username_recovery_form""#));
    let token = page.csrf_token();
    let form = [("email", "JOE@lp.com"), ("csrf_token", token.as_str())];
    assert_eq!(browser.post_form("/recover-username", &form[..1]).await.status(), 200, "it needs a CSRF token");
    assert!(app.mails().await.is_empty());
    assert_eq!(browser.post_form("/recover-username", &form).await.location(), "/login");
    assert_eq!(app.flashes(&browser), ["USERNAME_RECOVERY_REQUEST"]);
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "joe@lp.com"));
    assert!(mails[0].text.as_deref().unwrap().contains("joseph"));
}

#[rstest]
#[case("", "EMAIL_NOT_PROVIDED")]
#[case("joe", "INVALID_EMAIL_ADDRESS")]
#[case("nobody@lp.com", "USER_DOES_NOT_EXIST")]
#[case("tiya@lp.com", "DISABLED_ACCOUNT")]
#[tokio::test]
async fn refusals_say_what_is_wrong(#[case] email: &str, #[case] error: &str) {
    let app = app().start().await;
    let reply = app.browser().post_json("/recover-username", json!({"email": email})).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"email": [error]})));
    let page = app.browser().post_form("/recover-username", &[("email", email)]).await;
    assert!(page.status() == 200 && page.text().contains(error));
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn generic_replies_are_the_same_for_known_and_unknown() {
    let app = app().toml("[security]\nreturn_generic_responses = true").start().await;
    for email in ["joe@lp.com", "nobody@lp.com", "tiya@lp.com", "nonsense"] {
        let response = app.browser().post_json("/recover-username", json!({"email": email})).await.response();
        assert_eq!(response.as_object().unwrap().keys().collect::<Vec<_>>(), ["csrf_token"], "{email}");
        let mut browser = app.browser();
        assert_eq!(browser.post_form("/recover-username", &[("email", email)]).await.location(), "/login");
        assert_eq!(app.flashes(&browser), ["USERNAME_RECOVERY_REQUEST"], "{email}");
    }
    let mails = app.mails().await;
    assert!(mails.len() == 2 && mails.iter().all(|mail| mail.to == "joe@lp.com"));
}

#[tokio::test]
async fn it_is_for_people_who_are_not_signed_in() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/recover-username").await.location(), "/");
    assert_eq!(browser.post_json("/recover-username", json!({"email": "joe@lp.com"})).await.status(), 400);
    assert!(app.mails().await.is_empty());
    let off = TestApp::builder().start().await;
    assert_eq!(off.browser().get("/recover-username").await.status(), 404);
}

#[tokio::test]
async fn the_unconfirmed_are_sent_to_the_page_that_explains() {
    let toml = "[security]\nconfirmable = true\nrequires_confirmation_error_view = \"/explain\"";
    let app = app().toml(toml).start().await;
    app.update("joe@lp.com", UserPatch { confirmed_at: Some(None), ..UserPatch::default() }).await;
    let mut browser = app.browser();
    let reply = browser.post_form("/recover-username", &[("email", "joe@lp.com")]).await;
    assert_eq!(reply.location(), "/explain?email=joe%40lp.com");
    let reply = browser.post_json("/recover-username", json!({"email": "joe@lp.com"})).await;
    assert_eq!(reply.field_errors(), json!({"email": ["CONFIRMATION_REQUIRED"]}));
    assert!(app.mails().await.is_empty());
}
