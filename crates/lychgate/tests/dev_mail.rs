//! The inbox of development: for whoever sits at this machine, and for nobody else.
#![allow(clippy::unwrap_used)]

use lychgate_testkit::{AppBuilder, Browser, TestApp};
use rstest::rstest;
use serde_json::{Value, json};

const DEVELOPMENT: &str = "environment = \"development\"";

fn app() -> AppBuilder {
    let html = "<html><head></head><body><script>alert(1)</script><p>Hello \"you\" {{ user.email }}</p></body></html>";
    TestApp::builder().toml("[security]\nregisterable = true").configure(move |builder| {
        builder
            .template("security/email/welcome.txt", "Hello, sign in at {{ url_for('.login') }}.\n<script>")
            .template("security/email/welcome.html", html)
    })
}

async fn register(browser: &mut Browser) {
    let token = browser.get_json("/register").await.csrf_token();
    let password = "nobody guesses this phrase";
    let fields =
        json!({"email": "new@lp.com", "password": password, "password_confirm": password, "csrf_token": token});
    let reply = browser.call("POST", "/register").header("x-csrftoken", &token).json(&fields).send().await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
}

async fn letters(app: &TestApp) -> Vec<Value> {
    let reply = app.browser().get_json("/dev/mail").await;
    reply.response()["letters"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_mail_is_shown() {
    let app = app().toml(DEVELOPMENT).start().await;
    assert!(app.browser().get("/dev/mail").await.text().contains("No mails yet."));
    register(&mut app.browser()).await;
    let letters = letters(&app).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["to"], "new@lp.com");
    assert_eq!(letters[0]["subject"], "Welcome");
    assert_eq!(letters[0]["state"], "sent");
    let url = letters[0]["url"].as_str().unwrap();
    assert!(app.browser().get("/dev/mail").await.text().contains(&format!("href=\"{url}\"")));

    let letter = app.browser().get_json(url).await.response();
    assert_eq!(letter["links"], json!(["http://localhost/login"]));
    assert!(letter["html"].as_str().unwrap().contains("new@lp.com"));

    let page = app.browser().get(url).await;
    assert_eq!(page.status(), 200);
    let text = page.text();
    // The letter's own HTML is nothing but the value of an attribute, in a frame that may run no script.
    assert!(!text.contains("alert(1)</script>"));
    assert!(text.contains("<iframe sandbox=\"allow-popups allow-popups-to-escape-sandbox\""));
    assert!(text.contains("srcdoc=\"&lt;html&gt;&lt;head&gt;&lt;base target=&#34;_blank&#34;&gt;"));
    assert!(text.contains("&lt;script&gt;</pre>"));
    assert!(text.contains("<a href=\"http://localhost/login\">"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("script-src 'unsafe-inline'"));
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(app.browser().get("/dev/mail/unknown").await.status(), 404);
}

#[tokio::test]
async fn what_could_not_be_sent_is_shown_with_its_error() {
    let app = app().toml(DEVELOPMENT).start().await;
    app.inbox().set_down(true);
    register(&mut app.browser()).await;
    let letters = letters(&app).await;
    assert_eq!(letters[0]["state"], "waiting");
    assert_eq!(letters[0]["error"], "the inbox is away");
}

#[tokio::test]
async fn without_a_mail_server_development_still_has_its_mails() {
    let app = app().toml(DEVELOPMENT).real_mail().start().await;
    register(&mut app.browser()).await;
    assert_eq!(letters(&app).await[0]["state"], "sent");
}

#[rstest]
#[case::another_machine("203.0.113.9:5000", "http://localhost", "")]
#[case::another_name("127.0.0.1:5000", "http://evil.example", "")]
#[case::behind_a_proxy("127.0.0.1:5000", "http://localhost", "203.0.113.9")]
#[tokio::test]
async fn nobody_else_sees_it(#[case] peer: &str, #[case] origin: &str, #[case] forwarded: &str) {
    let app = app().toml(DEVELOPMENT).toml("[proxy]\nx_for = 1").start().await;
    register(&mut app.browser()).await;
    let url = letters(&app).await[0]["url"].as_str().unwrap().to_owned();
    for path in ["/dev/mail", &url] {
        let mut browser = app.browser();
        browser.peer = peer.parse().unwrap();
        browser.origin = origin.to_owned();
        let mut call = browser.call("GET", path);
        if !forwarded.is_empty() {
            call = call.header("x-forwarded-for", forwarded);
        }
        let reply = call.send().await;
        assert_eq!(reply.status(), 404);
        assert!(!reply.text().contains("new@lp.com"));
    }
}

#[tokio::test]
async fn there_is_none_in_production() {
    let app = app().start().await;
    assert_eq!(app.browser().get("/dev/mail").await.status(), 404);
    assert!(!app.gate().route_list().iter().any(|route| route.path.contains("dev/mail")));
}
