//! Change of the password.
#![allow(clippy::unwrap_used)]

use lychgate::{Event, store::UserPatch};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};

const PHRASE: &str = "nobody guesses this phrase";

fn app() -> AppBuilder {
    TestApp::builder().toml("[security]\nchangeable = true\n[csrf]\nenabled = false")
}

async fn signed_in(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(email).await;
    browser
}

fn fields(new: &str) -> Value {
    json!({"password": PASSWORD, "new_password": new, "new_password_confirm": new})
}

async fn password_works(app: &TestApp, email: &str, password: &str) -> bool {
    app.browser().post_json("/login", json!({"email": email, "password": password})).await.status() == 200
}

#[rstest]
#[tokio::test]
async fn a_person_changes_it(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let toml = "[csrf]\nenabled = true\n[security]\nrecoverable = true\npost_change_view = \"/done\"";
    let app = app().toml(toml).on(database).start().await;
    let mut elsewhere = signed_in(&app, "joe@lp.com").await;
    let token = elsewhere.get("/reset").await.csrf_token();
    elsewhere.post_form("/reset", &[("email", "joe@lp.com"), ("csrf_token", &token)]).await;
    let reset = app.mailed_link("/reset").await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let (copy, remembered) = (browser.clone(), browser.cookie("remember_token").unwrap().to_owned());
    let page = browser.get("/change").await;
    assert!(page.text().contains(r#"name="change_password_form""#));
    let token = page.csrf_token();
    let mut form = vec![("password", PASSWORD), ("new_password", PHRASE), ("new_password_confirm", PHRASE)];
    assert_eq!(browser.post_form("/change", &form).await.status(), 200, "it needs a CSRF token");
    form.push(("csrf_token", &token));
    drop(app.take_events());
    assert_eq!(browser.post_form("/change", &form).await.location(), "/done");
    assert_eq!(app.flashes(&browser), ["PASSWORD_CHANGE"]);
    let user_id = app.user("joe@lp.com").await.id;
    assert!(app.take_events().contains(&Event::UserAuthenticated { user_id, via: "change" }));
    assert_eq!(browser.who().await, "joe@lp.com");
    assert_ne!(browser.cookie("remember_token").unwrap(), remembered, "it stays remembered, by a new cookie");
    for mut other in [elsewhere, copy] {
        assert_eq!(other.who().await, "nobody");
    }
    assert_eq!(app.browser().get(&reset).await.location(), "/reset");
    browser.drop_cookie("session");
    assert_eq!(browser.who().await, "joe@lp.com");
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "joe@lp.com"));
}

#[tokio::test]
async fn a_program_changes_it() {
    let app = app().start().await;
    let old = app.auth_token("joe@lp.com").await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let reply = browser.get_json("/change").await;
    let expected = json!({"csrf_token": reply.csrf_token(), "active_password": true, "user": {"email": "joe@lp.com"}});
    assert_eq!(reply.response(), expected);
    let reply = browser.call("POST", "/change?include_auth_token").json(&fields(PHRASE)).send().await;
    let new = reply.response()["user"]["authentication_token"].as_str().unwrap().to_owned();
    let user = json!({"email": "joe@lp.com", "authentication_token": new});
    assert_eq!((reply.status(), reply.response()), (200, json!({"csrf_token": reply.csrf_token(), "user": user})));
    for (token, who) in [(old, Value::Null), (new, json!("joe@lp.com"))] {
        let mut program = app.browser();
        let reply = program.call("GET", "/whoami").header("authentication-token", &token).send().await;
        assert_eq!(reply.json()["email"], who);
    }
    assert!(password_works(&app, "joe@lp.com", PHRASE).await && !password_works(&app, "joe@lp.com", PASSWORD).await);
}

#[rstest]
#[case(json!({"password": ""}), json!({"password": ["PASSWORD_NOT_PROVIDED"]}))]
#[case(json!({"password": null}), json!({"password": ["PASSWORD_NOT_PROVIDED"]}))]
#[case(json!({"password": "wrong"}), json!({"password": ["INVALID_PASSWORD"]}))]
#[case(json!({"new_password": PASSWORD, "new_password_confirm": PASSWORD}), json!({"password": ["PASSWORD_IS_THE_SAME"]}))]
#[case(json!({"new_password_confirm": "another"}), json!({"new_password_confirm": ["RETYPE_PASSWORD_MISMATCH"]}))]
#[case(json!({"new_password": "a", "new_password_confirm": "a"}), json!({"new_password": ["PASSWORD_INVALID_LENGTH"]}))]
#[case(json!({"new_password": "", "new_password_confirm": ""}),
    json!({"new_password": ["PASSWORD_NOT_PROVIDED"], "new_password_confirm": ["PASSWORD_NOT_PROVIDED"]}))]
#[case(json!({"new_password": 7}),
    json!({"new_password": ["API_ERROR"], "new_password_confirm": ["RETYPE_PASSWORD_MISMATCH"]}))]
#[tokio::test]
async fn refusals_say_what_is_wrong_and_change_nothing(#[case] wrong: Value, #[case] errors: Value) {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let before = app.user("joe@lp.com").await;
    let mut body = fields(PHRASE);
    body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
    let reply = browser.post_json("/change", body).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, errors));
    assert_eq!((app.user("joe@lp.com").await, browser.who().await.as_str()), (before, "joe@lp.com"));
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn it_is_for_people_who_are_signed_in() {
    let app = app().start().await;
    assert_eq!(app.browser().get("/change").await.location(), "/login?next=/change");
    assert_eq!(app.browser().post_json("/change", fields(PHRASE)).await.status(), 401);
    let mut browser = signed_in(&app, "joe@lp.com").await;
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    assert_eq!(browser.post_json("/change", fields(PHRASE)).await.status(), 401);
    assert_eq!(app.browser().call("HEAD", "/change").send().await.status(), 302);
    let off = TestApp::builder().start().await;
    assert_eq!(signed_in(&off, "joe@lp.com").await.get("/change").await.status(), 404);
}

#[rstest]
#[case(None)]
#[case(Some(""))]
#[tokio::test]
async fn who_has_none_sets_a_first_one_by_a_fresh_proof(#[case] stored: Option<&str>) {
    let app = app().toml("[security]\nfreshness = 60\nfreshness_grace_period = 0").start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let password = Some(stored.map(str::to_owned));
    app.update("joe@lp.com", UserPatch { password, ..UserPatch::default() }).await;
    assert_eq!(browser.get_json("/change").await.response()["active_password"], json!(false));
    app.advance(61);
    let body = json!({"new_password": PHRASE, "new_password_confirm": PHRASE});
    assert_eq!(browser.post_json("/change", body.clone()).await.response()["reauth_required"], json!(true));
    app.advance(-61);
    assert_eq!(browser.post_json("/change", body).await.status(), 200);
    assert!(password_works(&app, "joe@lp.com", PHRASE).await);
}

#[tokio::test]
async fn of_many_at_once_one_wins() {
    let app = app().start().await;
    let browser = signed_in(&app, "joe@lp.com").await;
    let calls = (0..20).map(|i| {
        let (mut browser, password) = (browser.clone(), format!("{PHRASE} {i}"));
        async move { (browser.post_json("/change", fields(&password)).await.status(), password) }
    });
    let replies = at_once(calls).await;
    let winners: Vec<_> = replies.iter().filter(|(status, _)| *status == 200).collect();
    assert!(winners.len() == 1 && replies.iter().all(|(status, _)| [200, 400, 401].contains(status)), "{replies:?}");
    assert!(password_works(&app, "joe@lp.com", &winners[0].1).await);
    assert_eq!(app.mails().await.len(), 1);
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
    let mut browser = signed_in(&app, "joe@lp.com").await;
    assert_eq!(browser.post_json("/change", fields(PHRASE)).await.status(), 200);
    assert!(!who(&token).await.contains("joe@lp.com"));
}
