//! Confirmation of addresses.
#![allow(clippy::unwrap_used)]

use lychgate::{Event, store::UserPatch};
use lychgate_testkit::{AppBuilder, Database, PASSWORD, TestApp, at_once};
use rstest::rstest;
use serde_json::json;

fn app() -> AppBuilder {
    TestApp::builder().toml("[security]\nconfirmable = true\nconfirm_email_within = 3600\n[csrf]\nenabled = false")
}

/// The path of a link that is mailed to `email`.
async fn link(app: &TestApp, email: &str) -> String {
    let reply = app.browser().post_json("/confirm", json!({"email": email})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    app.mailed_link("/confirm").await
}

async fn is_confirmed(app: &TestApp, email: &str) -> bool {
    app.user(email).await.confirmed_at.is_some()
}

/// Nobody has confirmed yet; some tests need somebody who has.
async fn confirm(app: &TestApp, email: &str) {
    app.update(email, UserPatch { confirmed_at: Some(Some(app.now())), ..UserPatch::default() }).await;
}

/// Where a link leads a new browser, and what that is told.
async fn followed(app: &TestApp, link: &str) -> (String, Vec<String>) {
    let mut browser = app.browser();
    let location = browser.get(link).await.location().to_owned();
    (location, app.flashes(&browser))
}

fn told(location: &str, message: &str) -> (String, Vec<String>) {
    (location.to_owned(), vec![message.to_owned()])
}

#[rstest]
#[tokio::test]
async fn a_person_confirms(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().toml("[csrf]\nenabled = true").on(database).start().await;
    let mut browser = app.browser();
    let token = browser.get_json("/login").await.csrf_token();
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD, "csrf_token": token});
    let reply = browser.post_json("/login", fields).await;
    assert_eq!(reply.field_errors(), json!({"email": ["CONFIRMATION_REQUIRED"]}));
    let page = browser.get("/confirm").await;
    assert!(page.text().contains(r#"name="send_confirmation_form""#));
    let page = browser.post_form("/confirm", &[("email", "JOE@lp.com"), ("csrf_token", &page.csrf_token())]).await;
    assert!(page.status() == 200 && page.text().contains("CONFIRMATION_REQUEST"));
    let link = app.mailed_link("/confirm").await;
    assert_eq!(browser.call("HEAD", &link).send().await.status(), 200);
    assert!(!is_confirmed(&app, "joe@lp.com").await, "looking whether the link is there confirms nothing");
    assert_eq!(browser.get(&link).await.location(), "/login");
    assert_eq!(app.flashes(&browser), ["EMAIL_CONFIRMED"]);
    assert_eq!(app.user("joe@lp.com").await.confirmed_at, Some(app.now()));
    assert_eq!(browser.who().await, "nobody");
    browser.sign_in("joe@lp.com").await;
    assert_eq!(followed(&app, &link).await, told("/confirm", "ALREADY_CONFIRMED"));
}

#[rstest]
#[case("", "EMAIL_NOT_PROVIDED")]
#[case("joe", "INVALID_EMAIL_ADDRESS")]
#[case("nobody@lp.com", "USER_DOES_NOT_EXIST")]
#[case("matt@lp.com", "ALREADY_CONFIRMED")]
#[tokio::test]
async fn refusals_say_what_is_wrong(#[case] email: &str, #[case] error: &str) {
    let app = app().start().await;
    confirm(&app, "matt@lp.com").await;
    let reply = app.browser().post_json("/confirm", json!({"email": email})).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"email": [error]})));
    let page = app.browser().post_form("/confirm", &[("email", email)]).await;
    assert!(page.status() == 200 && page.text().contains(error));
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn it_may_sign_in_and_ends_the_session_of_somebody_else() {
    let app = app().toml("[security]\nauto_login_after_confirm = true\npost_confirm_view = \"/done\"").start().await;
    let mut browser = app.browser();
    confirm(&app, "matt@lp.com").await;
    browser.sign_in("matt@lp.com").await;
    let copy = browser.clone();
    let link = link(&app, "joe@lp.com").await;
    assert_eq!(browser.get(&link).await.location(), "/done");
    assert_eq!((browser.who().await.as_str(), copy.clone().who().await.as_str()), ("joe@lp.com", "nobody"));
    let user_id = app.user("joe@lp.com").await.id;
    assert!(app.take_events().contains(&Event::UserAuthenticated { user_id, via: "confirm" }));
}

#[tokio::test]
async fn a_deactivated_user_confirms_but_is_not_signed_in() {
    let app = app().toml("[security]\nauto_login_after_confirm = true").start().await;
    let link = link(&app, "tiya@lp.com").await;
    let mut browser = app.browser();
    browser.get(&link).await;
    assert!(browser.who().await == "nobody" && !app.session_of(&browser).contains_key("_user_id"));
}

#[tokio::test]
async fn old_superseded_and_foreign_links_are_refused() {
    let app = app().start().await;
    let old = link(&app, "joe@lp.com").await;
    app.advance(1);
    let newer = link(&app, "joe@lp.com").await;
    for bad in [old, "/confirm/nonsense".to_owned(), format!("{newer}x")] {
        assert_eq!(followed(&app, &bad).await, told("/confirm", "INVALID_CONFIRMATION_TOKEN"));
    }
    let email = Some("joseph@lp.com".to_owned());
    app.update("joe@lp.com", UserPatch { email, ..UserPatch::default() }).await;
    assert_eq!(
        followed(&app, &newer).await,
        told("/confirm", "INVALID_CONFIRMATION_TOKEN"),
        "it was for the old address"
    );
    let newest = link(&app, "joseph@lp.com").await;
    app.advance(3601);
    assert_eq!(followed(&app, &newest).await, told("/confirm", "CONFIRMATION_EXPIRED"));
    assert!(!is_confirmed(&app, "joseph@lp.com").await);
}

#[tokio::test]
async fn of_many_uses_at_once_one_wins() {
    let app = app().toml("[security]\nauto_login_after_confirm = true").start().await;
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
    confirm(&app, "matt@lp.com").await;
    for email in ["joe@lp.com", "nobody@lp.com", "matt@lp.com", "nonsense"] {
        let response = app.browser().post_json("/confirm", json!({"email": email})).await.response();
        assert_eq!(response.as_object().unwrap().keys().collect::<Vec<_>>(), ["csrf_token"], "{email}");
        let page = app.browser().post_form("/confirm", &[("email", email)]).await;
        assert!(page.text().contains("CONFIRMATION_REQUEST") && !page.text().contains("fs-error-msg"), "{email}");
    }
    let mails = app.mails().await;
    assert!(mails.len() == 2 && mails.iter().all(|mail| mail.to == "joe@lp.com"));
}

#[tokio::test]
async fn a_single_page_application_is_told_in_the_query() {
    let toml = "[security]\nredirect_behavior = \"spa\"\npost_confirm_view = \"/ok\"\nconfirm_error_view = \"/bad\"";
    let app = app().toml(toml).start().await;
    let link = link(&app, "joe@lp.com").await;
    let done = "/ok?success=EMAIL_CONFIRMED&email=joe%40lp.com&identity=joe%40lp.com";
    assert_eq!(app.browser().get(&link).await.location(), done);
    assert_eq!(app.browser().get(&link).await.location(), "/bad?info=ALREADY_CONFIRMED");
    assert_eq!(app.browser().get("/confirm/x").await.location(), "/bad?error=INVALID_CONFIRMATION_TOKEN");
}

#[tokio::test]
async fn mail_scanners_confirm_nothing() {
    let app = app().toml("[security]\nlinks_ask_for_a_click = true\n[csrf]\nenabled = true").start().await;
    let mut browser = app.browser();
    let token = browser.get("/confirm").await.csrf_token();
    browser.post_form("/confirm", &[("email", "joe@lp.com"), ("csrf_token", &token)]).await;
    let link = app.mailed_link("/confirm").await;
    let page = browser.get(&link).await;
    assert!(page.status() == 200 && page.text().contains(&format!(r#"action="{link}""#)), "{}", page.text());
    assert_eq!(browser.post_form(&link, &[]).await.status(), 200, "the click needs its CSRF token");
    assert!(!is_confirmed(&app, "joe@lp.com").await);
    let clicked = browser.post_form(&link, &[("csrf_token", &page.csrf_token())]).await;
    assert_eq!(clicked.location(), "/login");
    assert!(is_confirmed(&app, "joe@lp.com").await);
}
