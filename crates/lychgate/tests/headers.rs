//! The headers that tell a browser what a page may do: on every reply, as the settings and the routes want them.
#![allow(clippy::unwrap_used)]

#[path = "headers/threats.rs"]
mod threats;

use axum::{Router, http::StatusCode, routing::get};
use lychgate::{CspNonce, CurrentUser, SecurityHeaders, guard};
use lychgate_testkit::{AppBuilder, Reply, TestApp};
use rstest::rstest;

const NAMES: [&str; 8] = [
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "strict-transport-security",
];

fn modern() -> AppBuilder {
    let routes = |router: Router| {
        router
            .route(
                "/own",
                get(|| async {
                    ([("content-security-policy", "default-src 'none'"), ("cache-control", "max-age=5")], "own")
                }),
            )
            .route("/nonce", get(|nonce: CspNonce| async move { nonce.as_str().to_owned() }))
            .route("/mine", get(|user: CurrentUser| async move { user.email().to_owned() }))
            .route("/open", get(|| async { "open" }))
            .route("/fails", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
            .route("/admin", get(|| async { "admin" }).route_layer(guard::role("admin")))
            .route(
                "/widget",
                get(|| async { "shown elsewhere" }).route_layer(
                    SecurityHeaders::new().without("x-frame-options").set("referrer-policy", "no-referrer"),
                ),
            )
            .route(
                "/framed",
                get(|| async { "framed" }).route_layer(SecurityHeaders::new().set("x-frame-options", "DENY")),
            )
    };
    TestApp::builder().toml("profile = \"modern\"\n[headers]\nforce_https = false").routes(routes)
}

fn directive<'a>(reply: &'a Reply, name: &str) -> &'a str {
    let policy = reply.header("content-security-policy").split("; ");
    policy
        .filter_map(|directive| directive.split_once(' '))
        .find(|(known, _)| *known == name)
        .map_or("", |(_, value)| value)
}

/// Rows S0-60, S0-62, S0-63, S0-66 of the seed.
#[tokio::test]
async fn every_reply_carries_them() {
    let app = modern().start().await;
    let mut browser = app.browser();
    for (path, status) in [
        ("/login", 200),
        ("/open", 200),
        ("/whoami", 200),
        ("/nothing", 404),
        ("/fails", 500),
        ("/admin", 403),
        ("/mine", 302),
    ] {
        let reply = browser.get(path).await;
        assert_eq!(reply.status(), status, "{path}");
        for name in &NAMES[..7] {
            assert!(!reply.header(name).is_empty(), "{path}: {name}");
            assert_eq!(reply.headers().get_all(*name).iter().count(), 1, "{path}: {name}");
        }
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("x-frame-options"), "SAMEORIGIN");
        assert_eq!(reply.header("strict-transport-security"), "", "not over http");
        for absent in ["x-xss-protection", "public-key-pins"] {
            assert_eq!(reply.header(absent), "", "{path}");
        }
    }
    let wrong =
        browser.call("POST", "/login").header("accept", "application/json").form(&[("email", "x")]).send().await;
    assert!(wrong.status() == 400 && wrong.json().is_object());
    assert_eq!(wrong.header("x-content-type-options"), "nosniff");
    assert!(wrong.header("cache-control").contains("no-store"));
}

#[tokio::test]
async fn files_and_what_lies_outside_of_the_application_carry_them_too() {
    let toml = "profile = \"modern\"\napplication_root = \"/app\"\nenvironment = \"development\"";
    let app = TestApp::builder().toml(toml).start().await;
    let mut browser = app.browser();
    for (path, status) in [
        ("/app/fs-static/css/lychgate.css", 200),
        ("/app/fs-static/nothing", 404),
        ("/app/dev/mail", 200),
        ("/app/openapi.json", 200),
        ("/elsewhere", 404),
    ] {
        let reply = browser.get(path).await;
        assert_eq!(reply.status(), status, "{path}");
        for name in &NAMES[..7] {
            assert_eq!(reply.headers().get_all(*name).iter().count(), 1, "{path}: {name}");
        }
    }
    let by_hand = app.gate().with_headers(axum::response::IntoResponse::into_response("made elsewhere"));
    assert_eq!(by_hand.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn scripts_and_styles_are_let_in_by_origin_or_by_a_nonce_that_is_new_each_time() {
    let app = modern().start().await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    let policy = page.header("content-security-policy");
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    for (name, value) in [
        ("default-src", "'self'"),
        ("object-src", "'none'"),
        ("base-uri", "'none'"),
        ("frame-ancestors", "'self'"),
        ("form-action", "'self'"),
    ] {
        assert_eq!(directive(&page, name), value, "{policy}");
    }
    let nonce = directive(&page, "script-src").strip_prefix("'self' 'nonce-").unwrap().strip_suffix('\'').unwrap();
    assert!(nonce.len() >= 22 && page.text().contains(&format!("nonce=\"{nonce}\"")), "{}", page.text());
    let other = browser.get("/nonce").await;
    assert!(directive(&other, "script-src").contains(other.text()) && other.text() != nonce);
}

#[tokio::test]
async fn a_route_can_have_others() {
    let app = modern().start().await;
    let mut browser = app.browser();
    let own = browser.get("/own").await;
    assert_eq!(
        (own.header("content-security-policy"), own.header("cache-control")),
        ("default-src 'none'", "max-age=5")
    );
    assert_eq!(own.header("x-frame-options"), "SAMEORIGIN");
    let widget = browser.get("/widget").await;
    assert_eq!((widget.header("x-frame-options"), widget.header("referrer-policy")), ("", "no-referrer"));
    assert_eq!(browser.get("/framed").await.header("x-frame-options"), "DENY");
}

/// Row T147.
#[tokio::test]
async fn caches_keep_nothing_that_is_for_one_person() {
    let app = modern().start().await;
    let mut browser = app.browser();
    assert_eq!(browser.get("/open").await.header("cache-control"), "");
    assert_eq!(browser.get("/nothing").await.header("cache-control"), "private, no-store");
    for path in ["/login", "/verify", "/logout"] {
        assert!(browser.get(path).await.header("cache-control").contains("no-store"), "{path}");
    }
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/mine").await.header("cache-control"), "private, no-store");
}

/// Row S0-64.
#[rstest]
#[case("force_https = true", "/login", 302)]
#[case("force_https = true\nforce_https_permanent = true", "/login?next=/a", 301)]
#[tokio::test]
async fn http_is_led_to_https(#[case] toml: &str, #[case] path: &str, #[case] status: u16) {
    let app = TestApp::builder()
        .toml(&format!("profile = \"modern\"\n[headers]\n{toml}\n[proxy]\nx_proto = 1"))
        .start()
        .await;
    let mut browser = app.browser();
    let reply = browser.get(path).await;
    assert_eq!((reply.status(), reply.header("location")), (status, format!("https://localhost{path}").as_str()));
    assert!(!reply.header("content-security-policy").is_empty());
    let sent = browser.call("POST", "/login").form(&[("email", "x")]).send().await;
    assert_eq!(sent.status(), if status == 302 { 307 } else { 308 }, "the method stays");
    let secure = browser.call("GET", path).header("x-forwarded-proto", "https").send().await;
    assert_eq!(secure.status(), 200);
    assert_eq!(secure.header("strict-transport-security"), "max-age=31556926; includeSubDomains");
    let odd = browser.call("GET", "/login").header("host", "evil@x y").send().await;
    assert!(odd.status() < 500);
}

#[tokio::test]
async fn by_itself_http_is_led_away_only_where_https_is_sure_to_answer() {
    let with = "base_url = \"https://app.example\"\nprofile = \"modern\"\n[proxy]\nx_proto = 1";
    let app = TestApp::builder().toml(with).start().await;
    let mut browser = app.browser();
    assert_eq!(browser.get("/login").await.status(), 200, "this machine");
    browser.origin = "http://app.example".to_owned();
    assert_eq!(browser.get("/login").await.location(), "https://app.example/login");
    browser.origin = "http://evil.example".to_owned();
    assert_eq!(browser.get("/login").await.location(), "https://app.example/login");
    let app = TestApp::builder().toml("base_url = \"https://app.example\"\nprofile = \"modern\"").start().await;
    let mut browser = app.browser();
    browser.origin = "http://app.example".to_owned();
    assert_eq!(browser.get("/login").await.status(), 200, "a proxy that says nothing would lead in circles");
}

/// The settings of Flask-Talisman; rows S0-60, S0-61, S0-65.
#[tokio::test]
async fn the_flask_profile_sends_what_talisman_does_and_only_if_asked() {
    let app = TestApp::builder().start().await;
    let reply = app.browser().get("/whoami").await;
    for name in NAMES {
        assert_eq!(reply.header(name), "", "{name}");
    }
    let toml = "[headers]\nenabled = true\nforce_https = false\nx_xss_protection = true\nforce_file_save = true\n\
                frame_options = \"ALLOW-FROM\"\nframe_options_allow_from = \"https://a.example\"\n\
                permissions_policy = { geolocation = \"(self)\", camera = \"()\" }\nfeature_policy = { usb = \"'none'\" }";
    let app = TestApp::builder().toml(toml).start().await;
    let reply = app.browser().get("/whoami").await;
    for (name, value) in [
        ("content-security-policy", "default-src 'self'; object-src 'none'"),
        ("x-xss-protection", "1; mode=block"),
        ("x-download-options", "noopen"),
        ("x-frame-options", "ALLOW-FROM https://a.example"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("permissions-policy", "geolocation=(self), camera=()"),
        ("feature-policy", "usb 'none'"),
        ("public-key-pins", ""),
    ] {
        assert_eq!(reply.header(name), value, "{name}");
    }
    let toml = "[headers]\nenabled = true\nforce_https = false\ncontent_security_policy_report_only = true\n\
                content_security_policy_report_uri = \"/csp\"\ncontent_security_policy_nonce_in = [\"script-src\"]\n\
                [headers.content_security_policy]\nscript-src = [\"'self'\", \"https://cdn.example\"]\nimg-src = \"*\"";
    let app = TestApp::builder().toml(toml).start().await;
    let plain = app.browser().get("/whoami").await;
    let told = "script-src 'self' https://cdn.example; img-src *; report-uri /csp";
    assert_eq!(plain.header("content-security-policy-report-only"), told, "no nonce where nothing carries it");
    let reply = app.browser().get("/login").await;
    let policy = reply.header("content-security-policy-report-only");
    assert!(policy.starts_with("script-src 'self' https://cdn.example 'nonce-"), "{policy}");
    assert!(policy.ends_with("'; img-src *; report-uri /csp"), "{policy}");
    assert_eq!(reply.header("content-security-policy"), "");
}
