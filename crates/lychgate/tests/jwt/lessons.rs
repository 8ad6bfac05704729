//! The replies of the lessons that teach `POST /authenticate` and `token_required`, byte for byte. The names of the tests
//! are those of the rows of their checklist.

use lychgate_testkit::{AppBuilder, Browser, PASSWORD, Reply, TestApp};
use rstest::rstest;
use serde_json::{Value, json};

use super::{claims_of, routes};

/// As the lessons configure it.
const LESSON: &str = r#"
[jwt]
enabled = true
token_location = ["cookies"]
access_cookie_name = "jwt"
cookie_secure = true
cookie_samesite = "None"
cookie_max_age = 3600
cookie_csrf_protect = false
access_token_expires = 3600
identity_claim = "_uid"
identity_column = "username"
[security]
username_enable = true
users_api = true
[csrf]
enabled = false
"#;

fn lesson() -> AppBuilder {
    TestApp::builder().toml(LESSON).routes(routes)
}

async fn authenticate(browser: &mut Browser, fields: Value) -> Reply {
    browser.post_json("/api/users/authenticate", fields).await
}

#[track_caller]
fn is(reply: &Reply, status: u16, body: &Value) {
    assert_eq!((reply.status(), &reply.json()), (status, body));
}

#[rstest]
#[tokio::test]
async fn s3_9_to_11_what_is_no_sign_in(#[values("/authenticate", "/api/users/authenticate")] path: &str) {
    let app = lesson().start().await;
    let mut browser = app.browser();
    let empty = json!({"message": "Please provide user details", "data": null, "error": "Bad request"});
    is(&browser.call("POST", path).send().await, 400, &empty);
    is(&browser.post_json(path, json!({})).await, 400, &empty);
    is(&browser.post_form(path, &[("uid", "joe"), ("password", PASSWORD)]).await, 400, &empty);
    let missing = json!({"message": "User ID is missing"});
    is(&browser.post_json(path, json!({"password": PASSWORD})).await, 401, &missing);
    is(&browser.post_json(path, json!({"uid": 1, "password": PASSWORD})).await, 401, &missing);
    let wrong = json!({"message": "Invalid user id or password"});
    for fields in [
        json!({"uid": "joe", "password": "wrong password"}),
        json!({"uid": "joe"}),
        json!({"uid": "joe", "password": null}),
        json!({"uid": "nobody", "password": PASSWORD}),
        json!({"uid": "nobody@lp.com", "password": PASSWORD}),
        json!({"uid": "jess", "password": ""}),
        json!({"uid": "a".repeat(9000), "password": PASSWORD}),
        json!({"uid": "joe\0", "password": PASSWORD}),
    ] {
        let reply = browser.post_json(path, fields.clone()).await;
        is(&reply, 401, &wrong);
        assert!(reply.set_cookies().iter().all(|cookie| !cookie.starts_with("jwt=")), "{fields}");
    }
}

#[tokio::test]
async fn s3_12_and_13_a_cookie_for_a_password() {
    let app = lesson().start().await;
    let mut browser = app.browser();
    let reply = authenticate(&mut browser, json!({"uid": "joe", "password": PASSWORD})).await;
    assert_eq!((reply.status(), reply.text()), (200, "Authentication for joe successful"));
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    let token = browser.cookie("jwt").unwrap().to_owned();
    assert_eq!(
        reply.set_cookie("jwt").unwrap(),
        format!(
            "jwt={token}; Expires=Sun, 15 Jun 2025 16:06:40 GMT; Max-Age=3600; Secure; HttpOnly; Path=/; SameSite=None"
        )
    );
    let claims = claims_of(&token);
    assert_eq!((&claims["_uid"], &claims["exp"]), (&json!("joe"), &json!(app.now().unix_timestamp() + 3600)));
    assert_eq!(browser.get("/lesson").await.text(), "joe@lp.com by jwt");
    app.advance(3600);
    assert_eq!(browser.get("/lesson").await.status(), 401);
}

#[tokio::test]
async fn s2_3_an_address_is_as_good_as_a_uid() {
    let app = lesson().start().await;
    for fields in
        [json!({"email": "joe@lp.com", "password": PASSWORD}), json!({"uid": "JOE@LP.com", "password": PASSWORD})]
    {
        let reply = authenticate(&mut app.browser(), fields).await;
        assert_eq!((reply.status(), reply.text()), (200, "Authentication for joe successful"));
    }
}

#[tokio::test]
async fn s2_5_algorithm_and_claims_are_settings() {
    let app = lesson().toml("[jwt]\nalgorithm = \"HS512\"\nidentity_claim = \"sub\"").start().await;
    let mut browser = app.browser();
    authenticate(&mut browser, json!({"uid": "joe", "password": PASSWORD})).await;
    let key =
        lychgate_signing::jwt::Key::secret(None, lychgate_signing::jwt::Algorithm::Hs512, super::SECRET.as_bytes());
    let keys = lychgate_signing::jwt::Keys::new(vec![key.unwrap()]).unwrap();
    let claims = keys.open(browser.cookie("jwt").unwrap()).unwrap();
    let now = app.now().unix_timestamp();
    assert_eq!((&claims["sub"], &claims["iat"], &claims["exp"]), (&json!("joe"), &json!(now), &json!(now + 3600)));
}

#[tokio::test]
async fn s2_7_signing_out_removes_the_cookie() {
    let app = lesson().start().await;
    let mut browser = app.browser();
    authenticate(&mut browser, json!({"uid": "joe", "password": PASSWORD})).await;
    let reply = browser.call("POST", "/jwt/logout").send().await;
    assert_eq!(reply.set_cookie("jwt").unwrap(), "jwt=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/");
    assert_eq!(browser.get("/lesson").await.status(), 401);
}

#[tokio::test]
async fn s2_28_and_29_tokens_as_json() {
    let simple = "[jwt]\ntoken_location = [\"headers\"]\nauthenticate_reply = \"json\"\nauthenticate_url = \"/login\"\n\
                  identity_claim = \"sub\"\n[security]\nlogin_url = \"/page/login\"";
    let app = lesson()
        .toml(simple)
        .configure(|builder| builder.jwt_claims(async |user| json!({"email": user.email}).as_object().unwrap().clone()))
        .start()
        .await;
    let mut browser = app.browser();
    let wrong = browser.post_json("/login", json!({"email": "joe@lp.com", "password": "x"})).await;
    is(&wrong, 401, &json!({"message": "Invalid credentials"}));
    let reply = browser.post_json("/login", json!({"email": "joe@lp.com", "password": PASSWORD})).await;
    assert_eq!((reply.status(), reply.json().as_object().unwrap().len()), (200, 1));
    let token = reply.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims_of(&token)["email"], "joe@lp.com");
    // S2-30 and 31
    assert_eq!(super::get_with(&app, "/protected", &token).await.status(), 200);
    super::says(&app.browser().get("/protected").await, 401, "Missing Authorization Header");
    assert_eq!(super::get_with(&app, "/admin", &token).await.status(), 403);
}

#[tokio::test]
async fn s3_14_a_token_that_cannot_be_made() {
    let huge = |builder: lychgate::Builder| {
        builder.jwt_claims(async |_| json!({"picture": "x".repeat(5000)}).as_object().unwrap().clone())
    };
    let app = lesson().configure(huge).start().await;
    let reply = authenticate(&mut app.browser(), json!({"uid": "joe", "password": PASSWORD})).await;
    assert_eq!(reply.status(), 500);
    assert_eq!(reply.json()["error"], "Something went wrong in cookie  creation!");
    assert!(reply.json()["message"].as_str().unwrap().starts_with("Failed to generate JWT token: "));
    assert!(reply.set_cookies().is_empty(), "no cookie is sent of which browsers keep nothing");
}

#[rstest]
#[case("{", 400)]
#[case("[1]", 400)]
#[case("\"joe\"", 400)]
#[case(r#"{"uid":"joe","uid":"matt","password":"password"}"#, 400)]
#[tokio::test]
async fn s3_16_a_body_that_cannot_be_read(#[case] body: &'static str, #[case] status: u16) {
    let app = lesson().start().await;
    let reply = app.browser().call("POST", "/authenticate").body("application/json", body).send().await;
    let said = json!({"message": "Something went wrong in data processing!", "data": null, "error": "Bad request"});
    is(&reply, status, &said);
}

#[tokio::test]
async fn s3_19_to_22_token_required() {
    let app = lesson().start().await;
    let mut browser = app.browser();
    let missing = json!({"message": "Authentication Token is missing!", "data": null, "error": "Unauthorized"});
    is(&browser.get("/lesson").await, 401, &missing);
    authenticate(&mut browser, json!({"uid": "joe", "password": PASSWORD})).await;
    assert_eq!(browser.get("/lesson").await.text(), "joe@lp.com by jwt");
    assert_eq!(browser.get("/lesson-editor").await.text(), "joe@lp.com by jwt");
    is(
        &browser.get("/lesson-admin").await,
        403,
        &json!({
            "message": "Insufficient permissions. Required roles: ['Admin', \"O'Neil\"]",
            "data": null,
            "error": "Forbidden",
        }),
    );
    let mut odd = app.browser();
    odd.set_cookie("jwt", "garbage");
    is(
        &odd.get("/lesson").await,
        401,
        &json!({"message": "Something went wrong, likely with the token!", "data": null, "error": "Not enough segments"}),
    );
    assert!(app.store().delete_user(app.user("joe@lp.com").await.id).await.unwrap());
    let gone = json!({"message": "Invalid Authentication token!", "data": null, "error": "Unauthorized"});
    is(&browser.get("/lesson").await, 401, &gone);
}

#[tokio::test]
async fn accounts_are_checked_as_at_any_sign_in() {
    let app = lesson().toml("[security]\nconfirmable = true").real_texts().start().await;
    let inactive = authenticate(&mut app.browser(), json!({"uid": "tiya", "password": PASSWORD})).await;
    assert_eq!(inactive.status(), 401);
    assert!(inactive.json()["message"].as_str().unwrap().contains("switched off"), "{}", inactive.text());
    let unconfirmed = authenticate(&mut app.browser(), json!({"uid": "joe", "password": PASSWORD})).await;
    assert!(unconfirmed.json()["message"].as_str().unwrap().contains("onfirm"), "{}", unconfirmed.text());
    // Whether an account exists is not told where it must not be.
    let app = lesson().toml("[security]\nreturn_generic_responses = true").start().await;
    let generic = authenticate(&mut app.browser(), json!({"uid": "tiya", "password": PASSWORD})).await;
    is(&generic, 401, &json!({"message": "Invalid user id or password"}));
}

#[tokio::test]
async fn a_password_alone_is_no_second_factor() {
    let factors = "[security]\ntwo_factor = true\ntotp_issuer = \"tests\"\n\
                   totp_secrets = {1 = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\"}";
    let app = lesson().toml(factors).start().await;
    let reply = authenticate(&mut app.browser(), json!({"uid": "gal", "password": PASSWORD})).await;
    assert_eq!((reply.status(), &reply.json()["tf_required"]), (401, &json!(true)));
    assert_eq!((&reply.json()["sign_in"], &reply.json()["tokens"]), (&json!("/login"), &json!("/jwt/tokens")));
    assert!(reply.set_cookies().is_empty());
    // Nor where everybody has to have one.
    let app = lesson().toml(factors).toml("[security]\ntwo_factor_required = true").start().await;
    assert_eq!(authenticate(&mut app.browser(), json!({"uid": "joe", "password": PASSWORD})).await.status(), 401);
}
