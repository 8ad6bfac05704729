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

/// What a browser asks before a page of another origin may send JSON, and the answer.
async fn preflight(app: &TestApp, origin: &str, method: &str, headers: &str) -> Reply {
    let mut browser = app.browser();
    let call = browser.call("OPTIONS", "/lesson").header("origin", origin);
    let call = call.header("access-control-request-method", method);
    call.header("access-control-request-headers", headers).send().await
}

const SECOND: &str = r#"
[cors]
origins = ["https://myclient.github.io", "http://localhost:4000"]
supports_credentials = true
methods = ["GET", "POST", "OPTIONS", "HEAD"]
allow_headers = ["Content-Type", "Authorization", "x-csrf-token"]
expose_headers = ["*", "Authorization"]
max_age = 600
"#;

#[tokio::test]
async fn s2_12_to_15_a_page_of_a_named_origin_asks() {
    let app = lesson().toml(SECOND).start().await;
    for origin in ["https://myclient.github.io", "http://localhost:4000"] {
        let reply = preflight(&app, origin, "POST", "content-type,authorization,x-csrf-token").await;
        assert_eq!((reply.status(), reply.text()), (200, ""));
        for (name, value) in [
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET, HEAD, OPTIONS, POST"),
            ("access-control-allow-headers", "authorization, content-type, x-csrf-token"),
            ("access-control-max-age", "600"),
            ("access-control-expose-headers", "*, Authorization"),
        ] {
            assert_eq!(reply.header(name), value, "{name}");
        }
    }
    for origin in ["http://localhost:4001", "https://evil.github.io", "null"] {
        assert_eq!(preflight(&app, origin, "POST", "content-type").await.header("access-control-allow-origin"), "");
    }
    // fetch with mode "cors", credentials "include", cache "no-cache", and JSON.
    let mut page = app.browser();
    let call = page.call("POST", "/authenticate").header("origin", "http://localhost:4000");
    let reply = call.header("cache-control", "no-cache").json(&json!({"email": "joe@lp.com", "password": PASSWORD}));
    assert_eq!(reply.send().await.header("access-control-allow-origin"), "http://localhost:4000");
    let call = page.call("GET", "/lesson").header("origin", "http://localhost:4000");
    let reply = call.header("content-type", "application/json").send().await;
    assert_eq!((reply.text(), reply.header("access-control-allow-credentials")), ("joe@lp.com by jwt", "true"));
}

#[tokio::test]
async fn s2_16_19_20_and_22_a_page_reads_what_went_wrong() {
    let app = lesson().toml(SECOND).start().await;
    let origin = ("origin", "https://myclient.github.io");
    let mut page = app.browser();
    let call = page.call("POST", "/authenticate").header(origin.0, origin.1);
    let wrong = call.json(&json!({"uid": "joe", "password": "x"})).send().await;
    let stranger = page.call("GET", "/lesson").header(origin.0, origin.1).send().await;
    authenticate(&mut page, json!({"uid": "joe", "password": PASSWORD})).await;
    let barred = page.call("GET", "/lesson-admin").header(origin.0, origin.1).send().await;
    for (reply, status) in [(wrong, 401), (stranger, 401), (barred, 403)] {
        assert_eq!(reply.status(), status, "no redirect");
        assert!(reply.json()["message"].is_string());
        assert_eq!(reply.header("access-control-allow-origin"), origin.1);
    }
}

#[tokio::test]
async fn s3_7_25_and_32_four_origins_and_a_header_of_their_own() {
    let origins = [
        "http://localhost:4100",
        "http://127.0.0.1:4100",
        "http://127.0.0.1:8086",
        "https://nighthawkcoders.github.io",
    ];
    let cors = format!(
        "[cors]\norigins = {origins:?}\nsupports_credentials = true\npreflight_status = 204\n\
         methods = [\"GET\", \"POST\", \"PUT\", \"OPTIONS\", \"HEAD\"]\n\
         allow_headers = [\"Authorization\", \"Origin\", \"X-Origin\", \"X-Requested-With\", \"Content-Type\", \"Accept\"]"
    );
    let app = lesson().toml(&cors).start().await;
    let asked = "accept, authorization, content-type, origin, x-origin, x-requested-with";
    for origin in origins {
        let reply = preflight(&app, origin, "PUT", asked).await;
        assert_eq!((reply.status(), reply.header("access-control-allow-origin")), (204, origin));
        assert_eq!(reply.header("access-control-allow-credentials"), "true");
        assert_eq!(reply.header("access-control-allow-methods"), "GET, HEAD, OPTIONS, POST, PUT");
        assert_eq!(reply.header("access-control-allow-headers"), asked);
    }
    let other = preflight(&app, "https://nighthawkcoders.github.io.evil.example", "PUT", asked).await;
    assert_eq!(other.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn s3_17_and_24_users_are_read_with_a_token_and_have_a_role() {
    let app = lesson().start().await;
    let mut matt = app.browser();
    let missing = json!({"message": "Authentication Token is missing!", "data": null, "error": "Unauthorized"});
    is(&matt.get("/api/users/").await, 401, &missing);
    authenticate(&mut matt, json!({"uid": "matt", "password": PASSWORD})).await;
    let reply = matt.get("/api/users/").await;
    let users = reply.json();
    let of = |uid: &str| users.as_array().unwrap().iter().find(|user| user["username"] == uid).unwrap().clone();
    assert_eq!(
        (reply.status(), &of("dave")["role"], &of("dave")["roles"]),
        (200, &json!("admin"), &json!(["admin", "editor"]))
    );
    assert!(!reply.text().contains("password"), "{}", reply.text());
}

#[tokio::test]
async fn s2_25_and_s3_26_the_keys_of_the_settings() {
    let secret = "a key for tokens alone, which has 42 bytes";
    let environment = [
        ("SECRET_KEY", "f3b0c44298fc1c149afbf4c8996fb924"),
        ("SECURITY_PASSWORD_SALT", "27ae41e4649b934ca495991b7852b855"),
        ("SQLALCHEMY_DATABASE_URI", "sqlite://"),
        ("SQLALCHEMY_TRACK_MODIFICATIONS", "False"),
        ("JWT_SECRET_KEY", secret),
        ("JWT_ENABLED", "true"),
    ];
    let settings =
        lychgate::Settings::builder().env(environment.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let settings = settings.build().unwrap();
    assert_eq!((settings.text("jwt.secret_key"), settings.text("database_url")), (secret, "sqlite://"));
    lychgate::Lychgate::builder().settings(settings).build().await.unwrap();
    // Tokens are signed with the key that is theirs.
    let app = lesson().toml(&format!("[jwt]\nsecret_key = \"{secret}\"")).start().await;
    let mut joe = app.browser();
    authenticate(&mut joe, json!({"uid": "joe", "password": PASSWORD})).await;
    let key = lychgate_signing::jwt::Key::secret(None, lychgate_signing::jwt::Algorithm::Hs256, secret.as_bytes());
    let keys = lychgate_signing::jwt::Keys::new(vec![key.unwrap()]).unwrap();
    assert_eq!(keys.open(joe.cookie("jwt").unwrap()).unwrap()["_uid"], "joe");
}
