//! A token of one kind never passes for one of another: every kind at every place that takes one.

use lychgate_testkit::{PASSWORD, TestApp};
use serde_json::json;

use super::{app, tokens};

/// Something signed, and where it belongs.
struct Kind {
    name: &'static str,
    text: String,
}

/// One of each kind that the application hands out to joe.
async fn kinds(app: &TestApp) -> Vec<Kind> {
    let (access, refresh) = tokens(app, "joe@lp.com").await;
    let mut browser = app.browser();
    browser.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let cookie = |name: &str| browser.cookie(name).unwrap_or_else(|| panic!("{name}")).to_owned();
    let (session, remember) = (cookie("session"), cookie("remember_token"));
    let csrf = app.browser().get_json("/login").await.csrf_token();
    drop(app.mails().await);
    app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let reset = last(&app.mailed_link("/reset").await);
    app.browser().post_json("/confirm", json!({"email": "joe@lp.com"})).await;
    let confirm = last(&app.mailed_link("/confirm").await);
    let auth = app.auth_token("joe@lp.com").await;
    [
        ("jwt access", access),
        ("jwt refresh", refresh),
        ("session", session),
        ("remember", remember),
        ("csrf", csrf),
        ("reset", reset),
        ("confirm", confirm),
        ("auth token", auth),
    ]
    .map(|(name, text)| Kind { name, text })
    .into()
}

fn last(link: &str) -> String {
    link.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned()
}

/// Whether something passes at a place, in a browser without anything else.
async fn passes(app: &TestApp, place: &str, text: &str) -> bool {
    let mut browser = app.browser();
    let bearer = format!("Bearer {text}");
    match place {
        "jwt access" => browser.call("GET", "/protected").header("authorization", &bearer).send().await.status() == 200,
        "jwt refresh" => {
            browser.call("POST", "/jwt/refresh").header("authorization", &bearer).send().await.status() == 200
        }
        "session" => {
            browser.set_cookie("session", text);
            browser.who().await != "nobody"
        }
        "remember" => {
            browser.set_cookie("remember_token", text);
            browser.who().await != "nobody"
        }
        "auth token" => {
            let call = browser.call("GET", "/whoami").header("authentication-token", text);
            call.send().await.text().contains("joe@lp.com")
        }
        "reset" => browser.get_json(&format!("/reset/{text}")).await.status() == 200,
        "confirm" => {
            // A link shows what it did in where it leads.
            let before = app.user("joe@lp.com").await.confirmed_at;
            let reply = browser.get(&format!("/confirm/{text}")).await;
            reply.status() < 500 && app.user("joe@lp.com").await.confirmed_at != before
        }
        _ => panic!("{place}"),
    }
}

#[tokio::test]
async fn no_kind_passes_for_another() {
    let features = "[security]\nconfirmable = true\nrecoverable = true\nlogin_without_confirmation = true";
    let app = app().toml(features).start().await;
    let kinds = kinds(&app).await;
    // What works once, or changes the account, comes last.
    let places = ["jwt access", "jwt refresh", "session", "remember", "auth token", "reset", "confirm"];
    for place in places {
        for kind in kinds.iter().filter(|kind| kind.name != place) {
            assert!(!passes(&app, place, &kind.text).await, "{} as {place}", kind.name);
        }
        let own = kinds.iter().find(|kind| kind.name == place).unwrap();
        assert!(passes(&app, place, &own.text).await, "{place} itself");
    }
}
