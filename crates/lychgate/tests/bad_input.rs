//! Requests that no browser sends: each gets an answer that says so, and none does harm.
#![allow(clippy::unwrap_used)]
// The names of cases are made of what is sent.
#![allow(uncommon_codepoints)]

use axum::{
    Router,
    body::{Body, Bytes},
    routing::post,
};
use lychgate::{BodyLimit, guard};
use lychgate_testkit::{AppBuilder, Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::{Value, json};

fn app() -> AppBuilder {
    let routes = |routes: Router| {
        routes
            .route("/echo", post(async |body: Bytes| body))
            .route("/session", post(async || "in").route_layer(guard::session()))
    };
    TestApp::builder().toml("[csrf]\nenabled = false").routes(routes)
}

#[rstest]
#[case::number("1")]
#[case::text("\"x\"")]
#[case::list("[1]")]
#[case::pairs("[[\"email\", \"joe@lp.com\"]]")]
#[case::truth("true")]
#[case::broken("{\"email\":")]
#[case::trailing("{} {}")]
#[case::single_quotes("{'email': 'x'}")]
#[case::not_a_number("{\"email\": NaN}")]
#[case::lone_surrogate("{\"email\": \"\\ud800\"}")]
#[case::twice("{\"email\": \"joe@lp.com\", \"email\": \"matt@lp.com\", \"password\": \"password\"}")]
#[case::escaped_twice("{\"email\": \"joe@lp.com\", \"\\u0065mail\": \"matt@lp.com\", \"password\": \"password\"}")]
#[tokio::test]
async fn json_that_is_no_object(#[case] body: &str, #[values("/login", "/logout", "/verify")] path: &str) {
    let app = app().start().await;
    let mut browser = app.browser();
    if path == "/verify" {
        browser.sign_in("joe@lp.com").await;
    }
    let reply = browser.call("POST", path).body("application/json", body.to_owned()).send().await;
    assert_eq!((reply.status(), reply.response()), (400, json!({"errors": ["BAD_REQUEST"]})));
    let reply = browser.call("POST", "/session?x").body("application/json", body.to_owned()).send().await;
    assert_eq!(
        reply.status(),
        if path == "/verify" { 200 } else { 401 },
        "the application's own routes judge themselves"
    );
}

#[rstest]
#[tokio::test]
async fn json_that_is_empty_fills_in_nothing(#[values("null", "[]", "{}", "")] body: &str) {
    let app = app().start().await;
    let reply = app.browser().call("POST", "/login").body("application/json", body.to_owned()).send().await;
    let expected = json!({"email": ["EMAIL_NOT_PROVIDED"], "password": ["PASSWORD_NOT_PROVIDED"]});
    assert_eq!((reply.status(), reply.field_errors()), (400, expected));
}

#[rstest]
#[tokio::test]
async fn fields_of_another_type(
    #[values("email", "username", "password", "next", "remember", "csrf_token", "submit", "unknown")] field: &str,
    #[values(
        json!(1), json!(1.5), json!(-9e99), json!(true), json!(null), json!([]), json!(["x"]), json!([[["x"]]]), json!({}),
        json!({"a": {"b": [1]}}), json!("\u{0}"), json!("\u{fffd}\u{202e}"), json!("x".repeat(70_000))
    )]
    value: Value,
) {
    for settings in ["", "[security]\nusername_enable = true\nreturn_generic_responses = true"] {
        let app = app().toml(settings).empty().start().await;
        let mut body = json!({"email": "joe@lp.com", "password": PASSWORD});
        body[field] = value.clone();
        for path in ["/login", "/logout"] {
            let reply = app.browser().post_json(path, body.clone()).await;
            assert!(matches!((path, reply.status()), ("/login", 400) | ("/logout", 200)), "{path} {}", reply.text());
            assert!(reply.json().is_object());
        }
    }
}

#[tokio::test]
async fn a_number_for_a_text_is_an_error_of_its_field() {
    let app = app().start().await;
    let body = json!({"email": 1, "password": {"a": 1}, "next": 2});
    let expected = json!({"email": ["API_ERROR"], "password": ["API_ERROR"], "next": ["API_ERROR"]});
    assert_eq!(app.browser().post_json("/login", body).await.field_errors(), expected);
    let listed = json!({"email": ["joe@lp.com", "matt@lp.com"], "password": [PASSWORD]});
    assert_eq!(app.browser().post_json("/login", listed).await.status(), 200, "the first of a list counts");
}

#[rstest]
#[case("[", "]")]
#[case("{\"a\":", "}")]
#[tokio::test]
async fn nesting_has_a_bottom(#[case] open: &str, #[case] close: &str) {
    let app = app().empty().start().await;
    let body = format!("{{\"email\": {}1{}}}", open.repeat(40_000), close.repeat(40_000));
    let reply = app.browser().call("POST", "/login").body("application/json", body).send().await;
    assert_eq!(reply.status(), 400);
}

#[rstest]
#[case("application/json")]
#[case("application/x-www-form-urlencoded")]
#[case("multipart/form-data; boundary=x")]
#[tokio::test]
async fn bodies_have_a_limit(#[case] content_type: &str) {
    let app = app().empty().start().await;
    let mut browser = app.browser();
    let large = "x".repeat(600_000);
    let reply = browser.call("POST", "/login").body(content_type, large.clone()).send().await;
    assert_eq!(reply.status(), 413);
    assert!(reply.text().contains("BODY_TOO_LARGE"));
    // What the library does not read stays whole for the application.
    let reply = browser.call("POST", "/echo").body(content_type, large.clone()).send().await;
    assert_eq!((reply.status(), reply.text().len()), (200, large.len()));
    let chunks = (0..20).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 65_536]));
    let endless = Body::from_stream(futures_util::stream::iter(chunks));
    let reply = browser.call("POST", "/login").body(content_type, endless).send().await;
    assert_eq!(reply.status(), 413);
}

#[tokio::test]
async fn the_longest_body_is_a_setting_and_the_affair_of_a_route() {
    let routes = |routes: Router| {
        let echo = post(async |body: Bytes| body);
        routes.route("/echo", echo.clone()).route("/import", echo.route_layer(BodyLimit::bytes(5_000_000)))
    };
    let toml = "max_content_length = 1000\n[csrf]\nenabled = false";
    let app = TestApp::builder().toml(toml).routes(routes).empty().start().await;
    let mut browser = app.browser();
    for content_type in ["application/json", "text/plain"] {
        for (path, length, status) in [
            ("/echo", 1_000, 200),
            ("/echo", 1_001, 413),
            ("/login", 1_001, if content_type == "text/plain" { 200 } else { 413 }),
            ("/import", 3_000_000, 200),
            ("/import", 5_000_001, 413),
        ] {
            let reply = browser.call("POST", path).body(content_type, "x".repeat(length)).send().await;
            assert_eq!(reply.status(), status, "{content_type} {path} {length}");
        }
    }
}

#[tokio::test]
async fn small_bodies_reach_the_application_as_they_were() {
    let app = app().empty().start().await;
    for (content_type, body) in [
        ("application/json", "{\"a\":1,\"a\":2"),
        ("application/x-www-form-urlencoded", "a=%zz&&=&b"),
        ("text/plain", "text"),
        ("", "\u{0}"),
    ] {
        let reply = app.browser().call("POST", "/echo").body(content_type, body).send().await;
        assert_eq!(reply.text(), body);
    }
}

#[rstest]
#[case::too_many_fields("application/x-www-form-urlencoded", &"a=1&".repeat(1_001), 413)]
#[case::one_field_two_values(
    "application/x-www-form-urlencoded",
    "email=joe%40lp.com&email=matt%40lp.com&password=password",
    200
)]
#[case::bad_escapes("application/x-www-form-urlencoded", "email=%&password=%zz%", 200)]
#[case::not_unicode("application/x-www-form-urlencoded", "email=%ff%fe&password=%ff", 400)]
#[case::no_boundary("multipart/form-data", "--x\r\n\r\n--x--", 400)]
#[case::no_end(
    "multipart/form-data; boundary=x",
    "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\njoe",
    400
)]
#[case::a_file(
    "multipart/form-data; boundary=x",
    "--x\r\nContent-Disposition: form-data; name=\"email\"; filename=\"a\"\r\n\r\njoe\r\n--x--\r\n",
    200
)]
#[case::other("text/plain", "email=joe%40lp.com&password=password", 200)]
#[case::nothing("", "email=joe%40lp.com&password=password", 200)]
#[tokio::test]
async fn forms_that_no_browser_sends(#[case] content_type: &str, #[case] body: &str, #[case] status: u16) {
    let app = app().start().await;
    let mut browser = app.browser();
    let reply = browser.call("POST", "/login").body(content_type, body.to_owned()).send().await;
    assert_eq!(reply.status(), status, "{}", reply.text());
    assert_eq!(browser.who().await, "nobody");
}

#[tokio::test]
async fn a_multipart_form_signs_in_as_well() {
    let app = app().start().await;
    let part =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let body = format!("{}{}--x--\r\n", part("email", "joe@lp.com"), part("password", PASSWORD));
    let mut browser = app.browser();
    let reply = browser.call("POST", "/login").body("multipart/form-data; boundary=x", body).send().await;
    assert_eq!((reply.location(), browser.who().await.as_str()), ("/", "joe@lp.com"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_of_the_request() {
    let app = app().empty().start().await;
    let chunks = [Ok(&b"email=joe"[..]), Err(std::io::Error::other("gone"))];
    let body = Body::from_stream(futures_util::stream::iter(chunks));
    let reply = app.browser().call("POST", "/login").body("application/x-www-form-urlencoded", body).send().await;
    assert_eq!(reply.status(), 400);
}

#[rstest]
#[tokio::test]
async fn addresses_and_names_of_all_kinds(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(
        "münchen@exämple.com",
        "用户@例子.广告",
        "joe@[127.0.0.1]",
        "joe@lp.com\u{0}",
        "joe@lp.com\u{2028}",
        "@",
        "a@",
        "@b",
        "\"quoted\"@lp.com",
        "joe@lp.com' OR '1'='1",
        "joe%@lp.com",
        "j_e@lp.com",
        "%",
        "joe@lp.com, matt@lp.com",
        "joe@lp.com\r\nBcc: x@y.z",
        "ｊｏｅ@lp.com",
        "joe@ⓛp.com",
        "{{7*7}}@lp.com"
    )]
    email: &str,
) {
    let settings = "[security]\nusername_enable = true";
    let app = app().on(database).toml(settings).start().await;
    for field in ["email", "username"] {
        let mut browser = app.browser();
        let reply = browser.post_json("/login", json!({field: email, "password": "passwort"})).await;
        assert_eq!(reply.status(), 400, "{}", reply.text());
        let page = browser.post_form("/login", &[(field, email), ("password", "passwort")]).await;
        assert_eq!(page.status(), 200);
    }
}

#[rstest]
#[case("cookie", "session")]
#[case("cookie", "=; ==; session=; ;;; session==; =session")]
#[case("cookie", "session=\"; remember_token=\"")]
#[case("accept", ";;;,,,q=;*/*;q=9,application/json;q=NaN")]
#[case("accept", "application/json;q=1e99")]
#[case("accept-language", "é;q=x,,*")]
#[case("content-type", ";;;/")]
#[case("authorization", "é")]
#[case("authentication-token", "é")]
#[case("x-csrftoken", "é")]
#[case("origin", "://")]
#[case("referer", "https://[")]
#[case("x-request-id", "<script>alert(1)</script>")]
#[case("x-forwarded-for", "1.2.3.4, evil")]
#[tokio::test]
async fn headers_of_all_kinds(#[case] name: &str, #[case] value: &str) {
    let app = TestApp::builder().toml("profile = \"modern\"").start().await;
    for path in ["/login", "/whoami", "/verify", "/nowhere"] {
        let reply = app.browser().call("GET", path).header(name, value).send().await;
        assert!(matches!(
            (path, reply.status()),
            ("/login" | "/whoami", 200) | ("/verify", 302 | 401) | ("/nowhere", 404)
        ));
        assert!(!reply.text().contains("<script>alert"));
        let reply = app.browser().call("POST", "/login").header(name, value).send().await;
        assert!(matches!(reply.status(), 200 | 400), "{}", reply.status());
    }
}

#[rstest]
#[tokio::test]
async fn paths_of_all_kinds(
    #[values("/login/", "//login", "/login//", "/LOGIN", "/login%00", "/login/../login", "/%2e%2e/login", "/login;x")]
    path: &str,
) {
    let app = app().empty().start().await;
    assert_eq!(app.browser().get(path).await.status(), 404);
    assert_eq!(app.browser().get_json(path).await.status(), 404);
}
