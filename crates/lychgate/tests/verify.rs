//! Proving again who you are.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use axum::{Router, routing::get};
use lychgate::{Event, guard, store::UserPatch};
use lychgate_testkit::{AppBuilder, Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::json;

fn app() -> AppBuilder {
    let routes =
        |routes: Router| routes.route("/pay", get(async || "paid").route_layer(guard::fresh(Duration::from_secs(60))));
    TestApp::builder().toml("[security]\nfreshness_grace_period = 0").routes(routes)
}

#[rstest]
#[tokio::test]
async fn a_person_is_asked_and_led_back(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    app.advance(61);
    drop(app.take_events());
    let page = browser.follow("/pay").await;
    assert!(page.text().contains(r#"action="/verify?next=/pay""#) && page.text().contains(r#"name="verify_form""#));
    let token = page.csrf_token();
    let wrong = browser.post_form("/verify?next=/pay", &[("password", "passwort"), ("csrf_token", &token)]).await;
    assert_eq!(wrong.status(), 200);
    assert!(wrong.text().contains("INVALID_PASSWORD"), "{}", wrong.text());
    assert_eq!(browser.get("/pay").await.status(), 302, "a wrong password proves nothing");
    let right = browser.post_form("/verify?next=/pay", &[("password", PASSWORD), ("csrf_token", &token)]).await;
    assert_eq!(right.location(), "/pay");
    assert_eq!(browser.get("/pay").await.text(), "paid");
    let user_id = app.user("joe@lp.com").await.id;
    assert_eq!(app.take_events(), [Event::UserReauthenticated { user_id }]);
    assert!(browser.get("/verify").await.text().contains("REAUTHENTICATION_SUCCESSFUL"));
}

#[tokio::test]
async fn a_program_proves_again() {
    let app = app().start().await;
    let mut browser = app.browser();
    let token = browser.sign_in("joe@lp.com").await;
    app.advance(61);
    assert_eq!(browser.get_json("/pay").await.status(), 401);
    let asked = browser.get_json("/verify").await.response();
    let user = json!({"email": "joe@lp.com"});
    assert_eq!(asked["user"], user);
    assert_eq!((&asked["has_webauthn_verify_credential"], &asked["oauth_providers"]), (&json!(false), &json!([])));
    let reply = browser.post_json("/verify", json!({"password": PASSWORD, "csrf_token": token})).await;
    let token = reply.csrf_token();
    assert_eq!(reply.response(), json!({"csrf_token": token, "user": user}));
    assert_eq!(browser.get_json("/pay").await.status(), 200);
}

#[tokio::test]
async fn a_token_is_renewed_by_proving_again() {
    let app = app().toml("[csrf]\nenabled = false").start().await;
    let stale = app.auth_token("joe@lp.com").await;
    app.advance(61);
    let mut program = app.browser();
    let call = program.call("POST", "/verify?include_auth_token").header("authentication-token", &stale);
    let reply = call.json(&json!({"password": PASSWORD})).send().await;
    let fresh = reply.response()["user"]["authentication_token"].as_str().unwrap().to_owned();
    for (token, expected) in [(stale, 302), (fresh, 200)] {
        let mut program = app.browser();
        let reply = program.call("GET", "/pay").header("authentication-token", &token).send().await;
        assert_eq!(reply.status(), expected);
    }
}

#[rstest]
#[case(json!({}), json!({"password": ["PASSWORD_NOT_PROVIDED"]}))]
#[case(json!({"password": ""}), json!({"password": ["PASSWORD_NOT_PROVIDED"]}))]
#[case(json!({"password": null}), json!({"password": ["PASSWORD_NOT_PROVIDED"]}))]
#[case(json!({"password": "passwort"}), json!({"password": ["INVALID_PASSWORD"]}))]
#[case(json!({"password": 7}), json!({"password": ["API_ERROR"]}))]
#[case(json!({"password": PASSWORD, "next": "//evil.com"}), json!({"next": ["INVALID_REDIRECT"]}))]
#[tokio::test]
async fn refusals_say_what_is_wrong(#[case] body: serde_json::Value, #[case] errors: serde_json::Value) {
    let app = app().toml("[csrf]\nenabled = false").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    app.advance(61);
    let reply = browser.post_json("/verify", body).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, errors));
    assert_eq!(browser.get_json("/pay").await.status(), 401);
}

#[rstest]
#[case(Some(""))]
#[case(Some("password"))]
#[case(None)]
#[tokio::test]
async fn who_has_no_password_cannot_prove_one(#[case] stored: Option<&str>) {
    let app = app().toml("[csrf]\nenabled = false").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let password = Some(stored.map(str::to_owned));
    app.update("joe@lp.com", UserPatch { password, ..UserPatch::default() }).await;
    for password in ["", "password", "None"] {
        assert_eq!(browser.post_json("/verify", json!({"password": password})).await.status(), 400);
    }
}

#[tokio::test]
async fn it_is_for_people_who_are_signed_in() {
    let app = app().toml("[csrf]\nenabled = false").start().await;
    let mut stranger = app.browser();
    assert_eq!(stranger.get("/verify").await.location(), "/login?next=/verify");
    assert_eq!(stranger.post_json("/verify", json!({"password": PASSWORD})).await.status(), 401);
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    assert_eq!(browser.post_json("/verify", json!({"password": PASSWORD})).await.status(), 401);
}

#[tokio::test]
async fn the_settings_choose_where_it_leads() {
    let app = app().toml("[security]\npost_verify_view = \"/done\"\n[csrf]\nenabled = false").start().await;
    for (path, field, leads_to) in [
        ("/verify", "", "/done"),
        ("/verify?next=/query", "", "/query"),
        ("/verify?next=/query", "/field", "/field"),
        ("/verify?next=https://evil.com", "", "/done"),
    ] {
        let mut browser = app.browser();
        browser.sign_in("joe@lp.com").await;
        let fields = [("password", PASSWORD), ("next", field)];
        assert_eq!(browser.post_form(path, &fields).await.location(), leads_to, "{path} {field}");
    }
}

#[tokio::test]
async fn without_freshness_there_is_no_such_route() {
    let app = app().toml("[security]\nfreshness = -1").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/verify").await.status(), 404);
}
