//! Pages: what they look like, what they escape, and how an application puts its own in their place.
#![allow(clippy::unwrap_used)]

use axum::{Router, http::StatusCode, response::IntoResponse as _, routing::get};
use lychgate::{Error, Page, guard};
use lychgate_testkit::{AppBuilder, PASSWORD, Reply, TestApp};
use rstest::rstest;
use serde_json::json;

fn app() -> AppBuilder {
    let routes = |routes: Router| {
        routes
            .route("/", get(async || Page::new("home.html").with("title", "<b>Home</b>")))
            .route("/admin", get(async || "in").route_layer(guard::role("admin")))
            .route("/broken", get(async || Page::new("broken.html")))
            .route("/missing", get(async || Page::new("missing.html")))
            .route("/endless", get(async || Page::new("endless.html")))
            .route("/teapot", get(async || Page::new("home.html").status(StatusCode::IM_A_TEAPOT)))
            .route("/forbidden", get(async || Err::<(), Error>(Error::forbidden())))
            .route("/gone", get(async || StatusCode::GONE))
            .route("/own", get(async || (StatusCode::NOT_FOUND, "my own words")))
            .route("/typed", get(async || ([("x-extra", "kept")], Page::new("home.html")).into_response()))
    };
    let home = "<title>{{ title }}</title><p>{{ current_user.email if current_user else 'nobody' }}</p>\
                <a href=\"{{ url_for('.login', next='/a?b=c&d') }}\">in</a>";
    TestApp::builder()
        .routes(routes)
        .configure(move |builder| builder.template("home.html", home))
        .configure(|builder| builder.template("broken.html", "{{ nothing.at.all }}"))
        .configure(|builder| {
            builder.template(
                "endless.html",
                "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
            )
        })
}

/// The page without what differs each time: CSRF tokens and the version in the names of files.
fn fixed(reply: &Reply) -> String {
    let token = reply.input("csrf_token").unwrap_or_else(|| "no token".to_owned());
    reply.text().replace(&token, "TOKEN").replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[tokio::test]
async fn the_sign_in_page() {
    let app = app().real_texts().start().await;
    let mut browser = app.browser();
    insta::assert_snapshot!("login", fixed(&browser.get("/login").await));
    let fields = [("email", "joe@lp.com"), ("password", "passwort"), ("csrf_token", "x")];
    insta::assert_snapshot!("login_refused", fixed(&browser.post_form("/login", &fields).await));
    let mut json = browser.get_json("/login").await.json();
    json["response"]["csrf_token"] = "TOKEN".into();
    insta::assert_json_snapshot!("login_json", json);
    let refused = browser.post_json("/login", json!({"email": "joe"})).await;
    insta::assert_json_snapshot!("login_refused_json", refused.json());
}

#[tokio::test]
async fn the_error_page() {
    let app = app().real_texts().start().await;
    let mut browser = app.browser();
    let page = browser.call("GET", "/admin").header("x-request-id", "request-0001").send().await;
    assert_eq!(page.status(), 403);
    insta::assert_snapshot!("forbidden", fixed(&page));
    insta::assert_json_snapshot!("forbidden_json", browser.get_json("/admin").await.json());
    insta::assert_json_snapshot!("not_found_json", browser.get_json("/nowhere").await.json());
}

#[rstest]
#[case("/nowhere", 404, "NOT_FOUND")]
#[case("/forbidden", 403, "UNAUTHORIZED")]
#[case("/gone", 410, "BAD_REQUEST")]
#[case("/broken", 500, "INTERNAL_ERROR")]
#[case("/missing", 500, "INTERNAL_ERROR")]
#[case("/endless", 500, "INTERNAL_ERROR")]
#[tokio::test]
async fn errors_are_pages_for_people_and_json_for_programs(
    #[case] path: &str,
    #[case] status: u16,
    #[case] message: &str,
) {
    let app = app().start().await;
    let mut browser = app.browser();
    let call = browser.call("GET", path).header("x-request-id", "request-0001");
    let page = call.send().await;
    assert_eq!((page.status(), page.header("content-type")), (status, "text/html; charset=utf-8"));
    assert!(page.text().contains(message) && page.text().contains("request-0001"), "{}", page.text());
    assert!(!page.text().contains("nothing.at.all") && !page.text().contains("missing.html"), "no inner workings");
    let json = browser.get_json(path).await;
    assert_eq!((json.status(), json.response()), (status, json!({"errors": [message]})));
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = app().start().await;
    let page = app.browser().call("DELETE", "/login").send().await;
    assert_eq!(page.status(), 405);
    assert!(page.text().contains("METHOD_NOT_ALLOWED"));
    let mut allowed: Vec<&str> = page.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "OPTIONS", "POST"]);
    let asked = app.browser().call("OPTIONS", "/login").send().await;
    assert_eq!((asked.status(), asked.header("allow").contains("POST")), (200, true));
}

#[tokio::test]
async fn what_the_application_says_itself_stays() {
    let app = app().start().await;
    let mut browser = app.browser();
    let own = browser.get("/own").await;
    assert_eq!((own.status(), own.text()), (404, "my own words"));
    assert_eq!(browser.get("/teapot").await.status(), 418);
    assert_eq!(browser.get("/typed").await.header("x-extra"), "kept");
    assert_eq!(browser.get("/").await.header("cache-control"), "", "its pages are cached as it likes");
}

#[tokio::test]
async fn templates_know_who_is_signed_in_and_escape_what_they_show() {
    let app = app().start().await;
    let mut browser = app.browser();
    let page = browser.get("/").await;
    assert_eq!(
        page.text(),
        "<title>&lt;b&gt;Home&lt;/b&gt;</title><p>nobody</p><a href=\"/login?next=/a?b%3Dc%26d\">in</a>"
    );
    browser.sign_in("joe@lp.com").await;
    assert!(browser.get("/").await.text().contains("<p>joe@lp.com</p>"));
}

#[tokio::test]
async fn templates_never_see_secrets() {
    let source = "{{ current_user }} {{ security }} {{ current_user.password }} {{ debug() }}";
    let app = app().configure(move |builder| builder.template("home.html", source)).start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let page = browser.get("/").await;
    let joe = app.user("joe@lp.com").await;
    for secret in [joe.password.as_deref().unwrap(), &joe.fs_uniquifier, app.gate().settings().text("secret_key")] {
        assert!(!page.text().contains(secret), "{}", page.text());
    }
}

#[rstest]
#[case("\"><script>alert(1)</script>")]
#[case("'\"><img src=x onerror=alert(1)>")]
#[case("</title><script>alert(1)</script>")]
#[case("{{ 1000003*1000003 }}{% include 'x' %}")]
#[case("javascript:alert(1)")]
#[tokio::test]
async fn what_was_typed_comes_back_harmless(#[case] typed: &str) {
    let app = app().toml("[csrf]\nenabled = false\n[security]\nusername_enable = true").start().await;
    let mut browser = app.browser();
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", typed).finish();
    for reply in [
        browser.get(&format!("/login?{query}")).await,
        browser.post_form("/login", &[("email", typed), ("username", typed), ("next", typed), ("password", "x")]).await,
        browser.get(&format!("/{}", query.trim_start_matches("next="))).await,
    ] {
        for marker in
            ["<script>alert", "<img", "onerror=alert(1)>", "href=\"javascript", "action=\"javascript", "1000006000009"]
        {
            assert!(!reply.text().contains(marker), "{marker}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn a_page_is_replaced_by_source_by_file_and_by_setting() {
    let by_source = app().configure(|builder| builder.template("security/login_user.html", "mine {{ form.name }}"));
    assert_eq!(by_source.start().await.browser().get("/login").await.text(), "mine login_user_form");

    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("security")).unwrap();
    let extends = "{% extends 'security/base.html' %}{% block content %}from a file{% endblock %}";
    std::fs::write(folder.path().join("security/login_user.html"), extends).unwrap();
    let path = folder.path().to_owned();
    let by_file = app().configure(move |builder| builder.templates(path)).start().await;
    let page = by_file.browser().get("/login").await;
    assert!(page.text().contains("from a file") && page.text().contains("<!doctype html>"), "{}", page.text());
    assert_eq!(by_file.browser().get("/nowhere").await.status(), 404, "the other pages are as before");

    let setting = format!("templates = {:?}", folder.path().display().to_string());
    let by_setting = app().toml(&setting).start().await;
    assert!(by_setting.browser().get("/login").await.text().contains("from a file"));

    let renamed = app().toml("[security]\nlogin_user_template = \"custom/login.html\"");
    let renamed = renamed.configure(|builder| builder.template("custom/login.html", "custom")).start().await;
    assert_eq!(renamed.browser().get("/login").await.text(), "custom");
}

#[tokio::test]
async fn a_broken_error_page_still_says_something() {
    let app = app().configure(|builder| builder.template("security/error.html", "{{ nothing.at.all }}")).start().await;
    let reply = app.browser().get("/nowhere").await;
    assert_eq!((reply.status(), reply.text()), (404, "Not Found"));
    let reply = app.browser().get("/broken").await;
    assert_eq!((reply.status(), reply.text()), (500, "Internal Server Error"));
}

#[tokio::test]
async fn messages_are_shown_once_in_their_category() {
    let app = app().start().await;
    let mut browser = app.browser();
    for _ in 0..40 {
        browser.call("GET", "/verify").send().await;
    }
    let page = browser.get("/login").await;
    let shown = page.text().matches(r#"<li class="error">UNAUTHENTICATED</li>"#).count();
    assert!((1..=12).contains(&shown), "{shown}: a session has room for a few");
    assert!(!browser.get("/login").await.text().contains("flashes"));
    let silent = app_without_messages().await;
    let mut browser = silent.browser();
    browser.get("/verify").await;
    assert!(!browser.get("/login").await.text().contains("UNAUTHENTICATED"));
}

async fn app_without_messages() -> TestApp {
    app().toml("[security]\nflash_messages = false").start().await
}

#[tokio::test]
async fn texts_and_categories_come_from_the_settings() {
    let app =
        app().toml("[messages]\nINVALID_PASSWORD = [\"Falsches <i>Passwort</i>\", \"error\"]\n[csrf]\nenabled = false");
    // The texts of settings win over those of the test kit.
    let app = app.real_texts().start().await;
    let mut browser = app.browser();
    let json = browser.post_json("/login", json!({"email": "joe@lp.com", "password": "x"})).await;
    assert_eq!(json.response()["errors"], json!(["Falsches <i>Passwort</i>"]));
    let page = browser.post_form("/login", &[("email", "joe@lp.com"), ("password", "x")]).await;
    assert!(page.text().contains("Falsches &lt;i&gt;Passwort&lt;/i&gt;"), "{}", page.text());
    assert_eq!(browser.post_form("/login", &[("email", "joe@lp.com"), ("password", PASSWORD)]).await.status(), 302);
}

#[rstest]
#[case("text/html", false)]
#[case("application/json", true)]
#[case("text/html,application/json", false)]
#[case("application/json,text/html", true)]
#[case("application/json;q=0.5,text/html", false)]
#[case("application/vnd.api+json", false)]
#[case("*/*", false)]
#[case("", false)]
#[tokio::test]
async fn accept_chooses_between_page_and_json(#[case] accept: &str, #[case] json: bool) {
    let app = app().start().await;
    let reply = app.browser().call("GET", "/login").header("accept", accept).send().await;
    let expected = if json { "application/json" } else { "text/html; charset=utf-8" };
    assert_eq!(reply.header("content-type"), expected);
}

#[rstest]
#[case("[security]\ncache_control = {}", "")]
#[case("[security]\ncache_control = { no-cache = true, max-age = 0 }", "no-cache, max-age=0")]
#[tokio::test]
async fn caching_is_as_the_settings_say(#[case] settings: &str, #[case] expected: &str) {
    let app = app().toml(settings).start().await;
    assert_eq!(app.browser().get("/login").await.header("cache-control"), expected);
    assert_eq!(app.browser().post_json("/login", json!({})).await.header("cache-control"), expected);
}
