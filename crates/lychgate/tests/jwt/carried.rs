//! Where tokens are carried, and who they are taken for.

use lychgate_testkit::{Database, TestApp};
use rstest::rstest;
use serde_json::json;

use super::{access, app, bearing, claims_of, get_with, says, tokens};

#[rstest]
#[tokio::test]
async fn a_token_opens_routes(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let (token, refresh) = tokens(&app, "joe@lp.com").await;
    let mut browser = app.browser();
    for (path, status, text) in [
        ("/protected", 200, "joe@lp.com by jwt"),
        ("/optional", 200, "joe@lp.com by jwt"),
        ("/fresh", 200, "joe@lp.com by jwt"),
        ("/fresh-minute", 200, "joe@lp.com by jwt"),
        ("/editors", 200, "joe@lp.com by jwt"),
        ("/any", 200, "joe@lp.com by jwt"),
        ("/either-kind", 200, "in"),
        ("/gold", 400, "{\"msg\":\"User claims verification failed\"}\n"),
        ("/refresh-only", 422, "{\"msg\":\"Only refresh tokens are allowed\"}\n"),
        ("/maybe-claims", 200, "true"),
    ] {
        let reply = bearing(&mut browser, "GET", path, &token).await;
        assert_eq!((reply.status(), reply.text()), (status, text), "{path}");
    }
    assert_eq!(bearing(&mut browser, "GET", "/admin", &token).await.status(), 403);
    assert!(get_with(&app, "/refresh-only", &refresh).await.text().contains("\"type\":\"refresh\""));
    assert_eq!(get_with(&app, "/either-kind", &refresh).await.status(), 200);
    // No session came of it.
    assert_eq!(browser.who().await, "nobody");
    let reply = bearing(&mut browser, "GET", "/whoami", &token).await;
    assert_eq!(reply.json(), json!({"email": "joe@lp.com", "mechanism": "jwt"}));
}

#[tokio::test]
async fn without_a_token_nobody_gets_in() {
    let app = app().start().await;
    let mut browser = app.browser();
    let missing = browser.get("/protected").await;
    says(&missing, 401, "Missing Authorization Header");
    assert_eq!(browser.get("/optional").await.text(), "nobody");
    assert_eq!(browser.get("/maybe-claims").await.text(), "false");
    says(&browser.get("/claims").await, 401, "Missing Authorization Header");
    let expected = "Expected 'Authorization: Bearer <JWT>'";
    for (header, status, text) in [
        ("Basic x", 401, format!("Missing 'Bearer' type in 'Authorization' header. {expected}")),
        ("bearer x", 401, format!("Missing 'Bearer' type in 'Authorization' header. {expected}")),
        ("Bearer", 422, format!("Bad Authorization header. {expected}")),
        ("Bearer a b", 422, format!("Bad Authorization header. {expected}")),
        ("Bearer x", 422, "Not enough segments".to_owned()),
    ] {
        let reply = browser.call("GET", "/protected").header("authorization", header).send().await;
        says(&reply, status, &text);
    }
    let token = access(&app, "joe@lp.com").await;
    let several = format!("Basic eDp5, Bearer {token}");
    assert_eq!(browser.call("GET", "/protected").header("authorization", &several).send().await.status(), 200);
}

#[tokio::test]
async fn every_place_is_looked_at_in_its_order() {
    let places = "[jwt]\ntoken_location = [\"headers\", \"cookies\", \"query_string\", \"json\"]\n\
                  query_string_value_prefix = \"T-\"\ncookie_csrf_protect = false";
    let app = app().toml(places).start().await;
    let token = access(&app, "joe@lp.com").await;
    let mut browser = app.browser();
    says(
        &browser.post_json("/protected", json!({"x": 1})).await,
        401,
        "Missing JWT in headers, cookies, query_string or json (Missing Authorization Header; Missing cookie \
         \"access_token_cookie\"; Missing 'jwt' query paramater; Missing \"access_token\" key in json data.)",
    );
    assert_eq!(browser.post_json("/protected", json!({"access_token": token})).await.status(), 200);
    assert_eq!(browser.get(&format!("/protected?jwt=T-{token}")).await.status(), 200);
    let odd = browser.get(&format!("/protected?jwt={token}")).await;
    says(&odd, 422, "Invalid value for query parameter 'jwt'. Expected the value to start with 'T-'");
    browser.set_cookie("access_token_cookie", &token);
    assert_eq!(browser.get("/protected").await.status(), 200);
    // A bad one in an earlier place is not made up for by a good one in a later.
    assert_eq!(bearing(&mut browser, "GET", "/protected", "a.b.c").await.status(), 422);
    let only = TestApp::builder().toml("[jwt]\nenabled = true\ntoken_location = [\"json\"]").routes(super::routes);
    let only = only.start().await;
    says(&only.browser().get("/protected").await, 401, "Invalid content-type. Must be application/json.");
}

const COOKIES: &str = "[jwt]\ntoken_location = [\"cookies\"]\nauthenticate_reply = \"cookie\"";

#[tokio::test]
async fn cookies_need_a_csrf_token_beside_them() {
    let app = app().toml(COOKIES).start().await;
    let mut browser = app.browser();
    let reply = browser.post_json("/authenticate", json!({"uid": "joe", "password": "password"})).await;
    assert_eq!((reply.status(), reply.text()), (200, "Authentication for joe@lp.com successful"));
    let cookie = reply.set_cookie("access_token_cookie").unwrap();
    assert!(cookie.ends_with("; HttpOnly; Path=/") && !cookie.contains("Max-Age"), "{cookie}");
    let cookie = reply.set_cookie("csrf_access_token").unwrap();
    assert!(cookie.ends_with("; Path=/") && !cookie.contains("HttpOnly"), "{cookie}");
    let csrf = browser.cookie("csrf_access_token").unwrap().to_owned();
    assert_eq!(claims_of(browser.cookie("access_token_cookie").unwrap())["csrf"], csrf.as_str());
    assert_eq!(browser.get("/protected").await.status(), 200);
    says(&browser.call("POST", "/protected").send().await, 401, "Missing CSRF token");
    let wrong = browser.call("POST", "/protected").header("x-csrf-token", "wrong").send().await;
    says(&wrong, 401, "CSRF double submit tokens do not match");
    let right = browser.call("POST", "/protected").header("x-csrf-token", &csrf).send().await;
    assert_eq!(right.status(), 200);
    // Nor does an unguarded handler take a request for the user's that another site could have made.
    assert_eq!(browser.call("POST", "/plain").send().await.text(), "nobody");
    assert_eq!(browser.call("POST", "/plain").header("x-csrf-token", &csrf).send().await.text(), "joe@lp.com by jwt");
    // The refresh cookie has a CSRF token of its own.
    assert_eq!(browser.call("POST", "/jwt/refresh").header("x-csrf-token", &csrf).send().await.status(), 401);
    let other = browser.cookie("csrf_refresh_token").unwrap().to_owned();
    let before = browser.cookie("access_token_cookie").unwrap().to_owned();
    let refreshed = browser.call("POST", "/jwt/refresh").header("x-csrf-token", &other).send().await;
    says(&refreshed, 200, "Token refreshed");
    assert_ne!(browser.cookie("access_token_cookie").unwrap(), before);
    says(&browser.get("/fresh").await, 401, "Fresh token required");
    // Signing out takes the cookies away and what they held is worth nothing.
    let csrf = browser.cookie("csrf_access_token").unwrap().to_owned();
    let kept = browser.clone();
    says(&browser.call("POST", "/jwt/logout").header("x-csrf-token", &csrf).send().await, 200, "Token revoked");
    assert!(browser.cookie("access_token_cookie").is_none() && browser.cookie("refresh_token_cookie").is_none());
    says(&kept.clone().get("/protected").await, 401, "Token has been revoked");
    let again = kept.clone().call("POST", "/jwt/refresh").header("x-csrf-token", &other).send().await;
    says(&again, 401, "Token has been revoked");
}

#[tokio::test]
async fn a_form_may_carry_the_csrf_token() {
    let app = app().toml(COOKIES).toml("[jwt]\ncsrf_check_form = true").start().await;
    let mut browser = app.browser();
    browser.post_json("/authenticate", json!({"uid": "joe", "password": "password"})).await;
    let csrf = browser.cookie("csrf_access_token").unwrap().to_owned();
    assert_eq!(browser.post_form("/protected", &[("csrf_token", &csrf)]).await.status(), 200);
    assert_eq!(browser.post_form("/protected", &[("csrf_token", "x")]).await.status(), 401);
}

#[tokio::test]
async fn a_session_of_somebody_else_is_not_mixed_in() {
    let app = app().start().await;
    let token = access(&app, "joe@lp.com").await;
    let mut browser = app.browser();
    browser.sign_in("matt@lp.com").await;
    for path in ["/protected", "/any", "/admin"] {
        let reply = browser.call("GET", path).header("authorization", &format!("Bearer {token}"));
        assert_eq!(reply.header("accept", "application/json").send().await.status(), 401, "{path}");
    }
    assert_eq!(browser.get("/any").await.text(), "matt@lp.com by session");
}

#[tokio::test]
async fn signing_out_of_the_session_ends_the_cookies_too() {
    let app = app().toml(COOKIES).start().await;
    let mut browser = app.browser();
    browser.post_json("/authenticate", json!({"uid": "joe", "password": "password"})).await;
    browser.sign_in("joe@lp.com").await;
    let kept = browser.cookie("access_token_cookie").unwrap().to_owned();
    assert_eq!(browser.post_json("/logout", json!({})).await.status(), 200);
    assert!(browser.cookie("access_token_cookie").is_none());
    browser.set_cookie("access_token_cookie", &kept);
    says(&browser.get("/protected").await, 401, "Token has been revoked");
}

#[tokio::test]
async fn a_session_gives_tokens_also_after_a_second_factor() {
    let app = app().toml("[csrf]\nenabled = true\nprotect = true").start().await;
    let mut browser = app.browser();
    let csrf = browser.sign_in("joe@lp.com").await;
    assert_eq!(app.browser().post_json("/jwt/tokens", json!({})).await.status(), 400);
    let stranger = super::app().sharing(&app).start().await;
    says(&stranger.browser().call("POST", "/jwt/tokens").send().await, 401, "Missing session");
    let call = browser.call("POST", "/jwt/tokens").header("x-csrftoken", &csrf);
    let reply = call.header("accept", "application/json").send().await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let token = reply.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(get_with(&app, "/fresh", &token).await.status(), 200);
    let without = browser.call("POST", "/jwt/tokens").header("accept", "application/json").send().await;
    assert_eq!(without.status(), 400, "a page of another site must not ask");
}
