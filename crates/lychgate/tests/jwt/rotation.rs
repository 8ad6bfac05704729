//! Refresh tokens that are good once.

use lychgate::Event;
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp, at_once};
use rstest::rstest;
use serde_json::json;

use super::{access, bearing, claims_of, get_with, says, tokens};

const GRACE: &str = "[jwt]\nrefresh_grace = 10";

fn app() -> AppBuilder {
    super::app().toml("[jwt]\nrefresh_rotation = true\n[security]\nactivity = true\nnotify_access_change = true")
}

async fn trade(app: &TestApp, refresh: &str) -> Reply {
    bearing(&mut app.browser(), "POST", "/jwt/refresh", refresh).await
}

fn pair(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let text = |name: &str| reply.json()[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// How often joe was told that a token came back.
async fn told(app: &TestApp) -> (usize, usize) {
    let id = app.user("joe@lp.com").await.id;
    let noted = app.store().activity_of(id, 50).await.unwrap();
    let ended = Event::RefreshFamilyEnded { user_id: id, reason: "GEN_MISMATCH" };
    let events = app.take_events().into_iter().filter(|event| *event == ended).count();
    assert_eq!(app.mails().await.len(), events);
    (noted.iter().filter(|noted| noted.kind == "refresh-token-reused").count(), events)
}

#[rstest]
#[tokio::test]
async fn each_is_good_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let (first_access, first) = tokens(&app, "joe@lp.com").await;
    let other = access(&app, "joe@lp.com").await;
    app.advance(60);
    let (second_access, second) = pair(&trade(&app, &first).await);
    let (claims, before) = (claims_of(&second), claims_of(&first));
    assert_eq!((&claims["exp"], &claims["lg_fam"]), (&before["exp"], &before["lg_fam"]), "it lives no longer");
    assert_ne!(claims["jti"], before["jti"]);
    says(&get_with(&app, "/fresh", &second_access).await, 401, "Fresh token required");
    says(&get_with(&app, "/refresh-only", &first).await, 401, "Token has been revoked");
    assert_eq!(get_with(&app, "/refresh-only", &second).await.status(), 200);
    let (third_access, third) = pair(&trade(&app, &second).await);
    assert_eq!(told(&app).await, (0, 0));
    // An old one comes back: nobody knows who has the last.
    for (token, times) in [(&first, 1), (&second, 0), (&third, 0)] {
        says(&trade(&app, token).await, 401, "Token has been revoked");
        assert_eq!(told(&app).await, (1, times));
    }
    for token in [&first_access, &second_access, &third_access] {
        says(&get_with(&app, "/protected", token).await, 401, "Token has been revoked");
    }
    assert_eq!(get_with(&app, "/protected", &other).await.status(), 200, "another sign-in goes on");
}

#[rstest]
#[tokio::test]
async fn twenty_at_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(false, true)] grace: bool,
) {
    let app = app().on(database).toml(if grace { GRACE } else { "" }).start().await;
    let (_, first) = tokens(&app, "joe@lp.com").await;
    let calls = (0..20).map(|_| {
        let (mut program, token) = (app.browser(), first.clone());
        async move { bearing(&mut program, "POST", "/jwt/refresh", &token).await }
    });
    let (good, bad): (Vec<Reply>, Vec<Reply>) = at_once(calls).await.into_iter().partition(|r| r.status() == 200);
    if !grace {
        assert_eq!((good.len(), bad.len()), (1, 19));
        says(&trade(&app, &pair(&good[0]).1).await, 401, "Token has been revoked");
        assert_eq!(told(&app).await, (1, 1));
        return;
    }
    assert_eq!(good.len(), 20, "{:?}", bad.first().map(Reply::text));
    // Their successor is one token, however often it was written.
    let seconds: Vec<String> = good.iter().map(|reply| pair(reply).1).collect();
    let id = |token: &str| claims_of(token)["jti"].clone();
    assert!(seconds.iter().all(|second| id(second) == id(&seconds[0])));
    app.advance(10);
    assert_eq!(id(&pair(&trade(&app, &first).await).1), id(&seconds[0]), "a slow tab");
    let third = pair(&trade(&app, &seconds[0]).await).1;
    assert_eq!(id(&pair(&trade(&app, &seconds[19]).await).1), id(&third));
    assert_eq!(told(&app).await, (0, 0));
    // Two uses ago it is a copy, even within the grace.
    says(&trade(&app, &first).await, 401, "Token has been revoked");
    says(&trade(&app, &third).await, 401, "Token has been revoked");
    assert_eq!(told(&app).await, (1, 1));
    let (_, first) = tokens(&app, "joe@lp.com").await;
    let second = pair(&trade(&app, &first).await).1;
    app.advance(11);
    says(&trade(&app, &first).await, 401, "Token has been revoked");
    says(&trade(&app, &second).await, 401, "Token has been revoked");
}

#[tokio::test]
async fn by_cookie() {
    let cookies = "[jwt]\ntoken_location = [\"cookies\"]\nauthenticate_reply = \"cookie\"";
    let app = app().toml(cookies).toml(GRACE).start().await;
    let mut browser = app.browser();
    let refresh = async |browser: &mut Browser| {
        let csrf = browser.cookie("csrf_refresh_token").unwrap().to_owned();
        browser.call("POST", "/jwt/refresh").header("x-csrf-token", &csrf).send().await
    };
    browser.post_json("/authenticate", json!({"uid": "joe@lp.com", "password": PASSWORD})).await;
    let (mut tab, first) = (browser.clone(), browser.cookie("refresh_token_cookie").unwrap().to_owned());
    says(&refresh(&mut browser).await, 200, "Token refreshed");
    assert_ne!(browser.cookie("refresh_token_cookie"), Some(first.as_str()));
    says(&refresh(&mut tab).await, 200, "Token refreshed");
    for browser in [&mut browser, &mut tab] {
        assert_eq!(browser.get("/protected").await.status(), 200);
        says(&refresh(browser).await, 200, "Token refreshed");
    }
    // Signing out ends all of the family, with whichever of its tokens.
    let mut late = app.browser();
    late.set_cookie("refresh_token_cookie", &first);
    late.set_cookie("csrf_refresh_token", claims_of(&first)["csrf"].as_str().unwrap());
    let csrf = late.cookie("csrf_refresh_token").unwrap().to_owned();
    says(&late.call("POST", "/jwt/logout").header("x-csrf-token", &csrf).send().await, 200, "Token revoked");
    says(&browser.get("/protected").await, 401, "Token has been revoked");
    says(&refresh(&mut tab).await, 401, "Token has been revoked");
    assert_eq!(told(&app).await, (0, 0), "that was no theft");
}

#[tokio::test]
async fn tokens_of_before() {
    let former = super::app().start().await;
    let (token, refresh) = tokens(&former, "joe@lp.com").await;
    assert!(claims_of(&refresh).get("lg_fam").is_none());
    let app = app().sharing(&former).start().await;
    assert_eq!(get_with(&app, "/protected", &token).await.status(), 200);
    let second = pair(&trade(&app, &refresh).await).1;
    says(&trade(&former, &refresh).await, 401, "Token has been revoked");
    assert_eq!(trade(&former, &second).await.json().as_object().unwrap().len(), 1, "nothing follows where it is off");
    says(&trade(&app, &refresh).await, 401, "Token has been revoked");
    says(&trade(&app, &second).await, 401, "Token has been revoked");
    // Signing out with an access token takes the refresh token along.
    let (token, refresh) = tokens(&app, "joe@lp.com").await;
    says(&bearing(&mut app.browser(), "POST", "/jwt/logout", &token).await, 200, "Token revoked");
    says(&trade(&app, &refresh).await, 401, "Token has been revoked");
    // What nobody can use any more is forgotten.
    app.advance(31 * 86_400);
    assert!(app.store().purge_redemptions(app.now()).await.unwrap() > 0);
}
