//! Change of the username.
#![allow(clippy::unwrap_used)]

use lychgate::store::UserPatch;
use lychgate_testkit::{AppBuilder, Browser, Database, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};

fn app() -> AppBuilder {
    TestApp::builder().toml("[security]\nusername_enable = true\nchange_username = true\n[csrf]\nenabled = false")
}

async fn signed_in(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(email).await;
    browser
}

async fn name(app: &TestApp, email: &str) -> Option<String> {
    app.user(email).await.username.clone()
}

#[rstest]
#[tokio::test]
async fn a_person_changes_it(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let toml = "[csrf]\nenabled = true\n[security]\npost_change_username_view = \"/done\"";
    let app = app().toml(toml).on(database).start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let page = browser.get("/change-username").await;
    assert_eq!(page.input("username").as_deref(), Some("joe"));
    let token = page.csrf_token();
    assert_eq!(browser.post_form("/change-username", &[("username", "joseph")]).await.status(), 200);
    assert_eq!(name(&app, "joe@lp.com").await.as_deref(), Some("joe"), "it needs a CSRF token");
    let form = [("username", " joseph "), ("csrf_token", token.as_str())];
    assert_eq!(browser.post_form("/change-username", &form).await.location(), "/done");
    assert_eq!(app.flashes(&browser), ["USERNAME_CHANGE"]);
    assert_eq!(
        (name(&app, "joe@lp.com").await.as_deref(), browser.who().await.as_str()),
        (Some("joseph"), "joe@lp.com")
    );
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "joe@lp.com"));
    assert!(mails[0].text.as_deref().unwrap().contains("joseph"));
}

#[tokio::test]
async fn a_program_changes_it() {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let reply = browser.get_json("/change-username").await;
    let user = json!({"email": "joe@lp.com"});
    assert_eq!(reply.response(), json!({"csrf_token": reply.csrf_token(), "current_username": "joe", "user": user}));
    let reply = browser.post_json("/change-username", json!({"username": "joseph"})).await;
    assert_eq!((reply.status(), reply.response()), (200, json!({"csrf_token": reply.csrf_token(), "user": user})));
    assert_eq!(name(&app, "joe@lp.com").await.as_deref(), Some("joseph"));
}

#[rstest]
#[case(json!({}), "USERNAME_NOT_PROVIDED")]
#[case(json!({"username": ""}), "USERNAME_NOT_PROVIDED")]
#[case(json!({"username": null}), "USERNAME_NOT_PROVIDED")]
#[case(json!({"username": "   "}), "USERNAME_INVALID_LENGTH")]
#[case(json!({"username": "ab"}), "USERNAME_INVALID_LENGTH")]
#[case(json!({"username": "a b c"}), "USERNAME_DISALLOWED_CHARACTERS")]
#[case(json!({"username": "MATT"}), "USERNAME_ALREADY_ASSOCIATED")]
#[case(json!({"username": "joe"}), "USERNAME_ALREADY_ASSOCIATED")]
#[case(json!({"username": 7}), "API_ERROR")]
#[tokio::test]
async fn refusals_say_what_is_wrong_and_change_nothing(#[case] body: Value, #[case] error: &str) {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let reply = browser.post_json("/change-username", body).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"username": [error]})));
    assert_eq!(name(&app, "joe@lp.com").await.as_deref(), Some("joe"));
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn it_is_for_people_who_have_just_proved_who_they_are() {
    let app = app().toml("[security]\nfreshness = 60\nfreshness_grace_period = 0").start().await;
    assert_eq!(app.browser().get("/change-username").await.location(), "/login?next=/change-username");
    let body = json!({"username": "joseph"});
    assert_eq!(app.browser().post_json("/change-username", body.clone()).await.status(), 401);
    let mut browser = signed_in(&app, "joe@lp.com").await;
    app.advance(61);
    assert_eq!(browser.get("/change-username").await.location(), "/verify?next=/change-username");
    let reply = browser.post_json("/change-username", body.clone()).await;
    assert_eq!((reply.status(), &reply.response()["reauth_required"]), (401, &json!(true)));
    let mut browser = signed_in(&app, "joe@lp.com").await;
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    assert_eq!(browser.post_json("/change-username", body).await.status(), 401);
    assert_eq!(name(&app, "joe@lp.com").await.as_deref(), Some("joe"));
}

#[tokio::test]
async fn of_many_at_once_one_gets_the_name() {
    let app = app().start().await;
    let mut browsers = Vec::new();
    for email in ["joe@lp.com", "matt@lp.com", "dave@lp.com", "jill@lp.com"] {
        browsers.push(signed_in(&app, email).await);
    }
    let calls =
        browsers.into_iter().zip(["wanted", "Wanted", "WANTED", "wanted"]).map(|(mut browser, username)| async move {
            browser.post_json("/change-username", json!({"username": username})).await.status()
        });
    let mut statuses = at_once(calls).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400]);
    assert_eq!(app.mails().await.len(), 1);
}
