//! Change of the address.
#![allow(clippy::unwrap_used)]

use lychgate::store::UserPatch;
use lychgate_testkit::{AppBuilder, Browser, Database, TestApp, at_once};
use rstest::rstest;
use serde_json::json;

const NEW: &str = "new@lp.com";

fn app() -> AppBuilder {
    TestApp::builder().toml("[security]\nchange_email = true\nchange_email_within = 3600\n[csrf]\nenabled = false")
}

async fn signed_in(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(email).await;
    browser
}

/// The path of the link that is mailed to the address that joe asks for.
async fn link(app: &TestApp, email: &str) -> String {
    let reply = signed_in(app, "joe@lp.com").await.post_json("/change-email", json!({"email": email})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    app.mailed_link("/change-email").await
}

async fn knows(app: &TestApp, email: &str) -> bool {
    app.store().user_by_identity("email", email, true).await.unwrap().is_some()
}

/// The link changes nothing and a browser is told why.
async fn refused(app: &TestApp, link: &str, why: &str) {
    let mut browser = app.browser();
    assert_eq!(browser.get(link).await.location(), "/change-email");
    assert_eq!(app.flashes(&browser), [why]);
    assert!(knows(app, "joe@lp.com").await);
}

#[rstest]
#[tokio::test]
async fn a_person_moves(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let toml =
        "[csrf]\nenabled = true\n[security]\nsend_email_change_notice = true\npost_change_email_view = \"/done\"";
    let app = app().toml(toml).on(database).start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let page = browser.get("/change-email").await;
    assert!(page.text().contains(r#"name="change_email_form""#));
    let page = browser.post_form("/change-email", &[("email", NEW), ("csrf_token", &page.csrf_token())]).await;
    assert!(page.status() == 200 && page.text().contains("CHANGE_EMAIL_SENT"));
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, NEW));
    let link = lychgate_testkit::link_in(&mails[0], "/change-email").unwrap();
    assert_eq!(browser.call("HEAD", &link).send().await.status(), 200);
    assert!(knows(&app, "joe@lp.com").await && !knows(&app, NEW).await, "nothing has changed yet");
    let mut elsewhere = app.browser();
    assert_eq!(elsewhere.get(&link).await.location(), "/done");
    assert_eq!(app.flashes(&elsewhere), ["CHANGE_EMAIL_CONFIRMED"]);
    assert!(!knows(&app, "joe@lp.com").await);
    assert_eq!(app.user(NEW).await.confirmed_at, Some(app.now()));
    assert_eq!((browser.who().await.as_str(), elsewhere.who().await.as_str()), (NEW, "nobody"));
    let mails = app.mails().await;
    let told: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(told, [NEW, "joe@lp.com"], "both addresses are told");
}

#[tokio::test]
async fn a_program_asks() {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    for reply in
        [browser.get_json("/change-email").await, browser.post_json("/change-email", json!({"email": NEW})).await]
    {
        let csrf_token = reply.csrf_token();
        let expected =
            json!({"csrf_token": csrf_token, "current_email": "joe@lp.com", "user": {"email": "joe@lp.com"}});
        assert_eq!((reply.status(), reply.response()), (200, expected));
    }
}

#[rstest]
#[case("", "EMAIL_NOT_PROVIDED")]
#[case("new", "INVALID_EMAIL_ADDRESS")]
#[case("MATT@lp.com", "EMAIL_ALREADY_ASSOCIATED")]
#[case("joe@lp.com", "EMAIL_ALREADY_ASSOCIATED")]
#[tokio::test]
async fn refusals_say_what_is_wrong(#[case] email: &str, #[case] error: &str) {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let reply = browser.post_json("/change-email", json!({"email": email})).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"email": [error]})));
    let page = browser.post_form("/change-email", &[("email", email)]).await;
    assert!(page.status() == 200 && page.text().contains(error));
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn it_is_for_people_who_have_just_proved_who_they_are() {
    let app = app().toml("[security]\nfreshness = 60\nfreshness_grace_period = 0").start().await;
    assert_eq!(app.browser().get("/change-email").await.location(), "/login?next=/change-email");
    assert_eq!(app.browser().post_json("/change-email", json!({"email": NEW})).await.status(), 401);
    let mut browser = signed_in(&app, "joe@lp.com").await;
    app.advance(61);
    assert_eq!(browser.get("/change-email").await.location(), "/verify?next=/change-email");
    let reply = browser.post_json("/change-email", json!({"email": NEW})).await;
    assert_eq!((reply.status(), &reply.response()["reauth_required"]), (401, &json!(true)));
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn used_old_superseded_and_foreign_links_are_refused() {
    let app = app().start().await;
    let old = link(&app, NEW).await;
    app.advance(1);
    let newer = link(&app, "newer@lp.com").await;
    for bad in [&old, "/change-email/nonsense", &format!("{newer}x")] {
        refused(&app, bad, "API_ERROR").await;
    }
    app.advance(3601);
    refused(&app, &newer, "CHANGE_EMAIL_EXPIRED").await;
    let newest = link(&app, NEW).await;
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    refused(&app, &newest, "API_ERROR").await;
    app.update("joe@lp.com", UserPatch { active: Some(true), ..UserPatch::default() }).await;
    app.update("matt@lp.com", UserPatch { email: Some("NEW@lp.com".to_owned()), ..UserPatch::default() }).await;
    refused(&app, &newest, "API_ERROR").await;
    app.update("NEW@lp.com", UserPatch { email: Some("matt@lp.com".to_owned()), ..UserPatch::default() }).await;
    app.browser().get(&newest).await;
    assert!(knows(&app, NEW).await, "once nothing stands in its way");
    let back = Some("joe@lp.com".to_owned());
    app.update(NEW, UserPatch { email: back, ..UserPatch::default() }).await;
    refused(&app, &newest, "API_ERROR").await;
}

#[tokio::test]
async fn links_to_the_old_address_die() {
    let app = app().toml("[security]\nrecoverable = true").start().await;
    app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let reset = app.mailed_link("/reset").await;
    let link = link(&app, NEW).await;
    assert_eq!(app.browser().get(&reset).await.status(), 200);
    app.browser().get(&link).await;
    assert!(knows(&app, NEW).await);
    assert_eq!(app.browser().get(&reset).await.location(), "/reset");
}

#[tokio::test]
async fn of_many_uses_at_once_one_wins() {
    let app = app().toml("[security]\nsend_email_change_notice = true").start().await;
    let link = link(&app, NEW).await;
    let calls = (0..20).map(|_| {
        let (mut browser, link) = (app.browser(), link.clone());
        async move { browser.get(&link).await.location().to_owned() }
    });
    let locations = at_once(calls).await;
    assert_eq!(locations.iter().filter(|location| *location == "/").count(), 1, "{locations:?}");
    assert_eq!(app.mails().await.len(), 2, "one notice to each address");
}

#[tokio::test]
async fn generic_replies_do_not_tell_which_addresses_are_taken() {
    let app = app().toml("[security]\nreturn_generic_responses = true").start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    for email in [NEW, "matt@lp.com"] {
        let mut response = browser.post_json("/change-email", json!({"email": email})).await.response();
        response["csrf_token"].take();
        let expected = json!({"csrf_token": null, "current_email": "joe@lp.com", "user": {"email": "joe@lp.com"}});
        assert_eq!(response, expected);
        let page = browser.post_form("/change-email", &[("email", email)]).await;
        assert!(page.text().contains("CHANGE_EMAIL_SENT") && !page.text().contains("fs-error-msg"), "{email}");
    }
    assert!(app.mails().await.iter().all(|mail| mail.to == NEW));
}

#[tokio::test]
async fn mail_scanners_change_nothing_and_applications_are_told_in_the_query() {
    let toml = "[security]\nredirect_behavior = \"spa\"\npost_change_email_view = \"/ok\"\nlinks_ask_for_a_click = true\n\
                change_email_error_view = \"/bad\"";
    let app = app().toml(toml).start().await;
    let link = link(&app, NEW).await;
    let mut browser = app.browser();
    let page = browser.get(&link).await;
    assert!(page.status() == 200 && page.text().contains(&format!(r#"action="{link}""#)));
    assert!(!knows(&app, NEW).await);
    let done = "/ok?success=CHANGE_EMAIL_CONFIRMED&email=new%40lp.com&identity=new%40lp.com";
    assert_eq!(browser.post_form(&link, &[]).await.location(), done);
    assert_eq!(browser.post_form(&link, &[]).await.location(), "/bad?error=API_ERROR");
}

#[tokio::test]
async fn two_who_want_one_address_do_not_both_get_it() {
    let app = app().start().await;
    let mut links = Vec::new();
    for (user, email) in [("joe@lp.com", NEW), ("matt@lp.com", "NEW@lp.com")] {
        let mut browser = signed_in(&app, user).await;
        browser.post_json("/change-email", json!({"email": email})).await;
        links.push(app.mailed_link("/change-email").await);
    }
    let calls = links.into_iter().map(|link| {
        let mut browser = app.browser();
        async move { browser.get(&link).await.location().to_owned() }
    });
    let mut locations = at_once(calls).await;
    locations.sort_unstable();
    assert_eq!(locations, ["/", "/change-email"]);
}
