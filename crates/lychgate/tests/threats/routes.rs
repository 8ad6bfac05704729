//! T73, T123: every route that is for somebody signed in is closed to everybody else.

use lychgate_testkit::{Browser, TestApp};
use serde_json::json;

use crate::second_factor::{ON, begin, enrol};

/// Everything that can be switched on at once.
const ALL: &str = r#"
[security]
account = true
activity = true
api_keys = true
change_email = true
changeable = true
confirmable = true
login_without_confirmation = true
multi_factor_recovery_codes = true
recoverable = true
refresh_token = true
unified_signin = true
username_enable = true
change_username = true
username_recovery = true
users_api = true
webauthn = true
"#;

/// The path with something in the place of each parameter.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// What each route for people who are signed in answers to this browser, if that is no refusal.
async fn let_in(app: &TestApp, browser: &Browser) -> Vec<String> {
    let mut open = Vec::new();
    let mut tried = 0;
    for route in app.gate().route_list() {
        // These are also for whoever is half way, each in its own manner; their tests are in two_factor_setup.rs.
        let is_for_people = route.guard.starts_with("signed in") || route.guard.starts_with("role");
        if !is_for_people || route.guard.contains("first factor") {
            continue;
        }
        for method in &route.methods {
            tried += 1;
            let mut copy = browser.clone();
            let path = filled(&route.path);
            let call = copy.call(method.as_str(), &path).header("accept", "application/json");
            let reply = if method.is_safe() { call.send().await } else { call.json(&json!({})).send().await };
            if !matches!(reply.status(), 401 | 403) {
                open.push(format!("{method} {path} ({}): {}", route.guard, reply.status()));
            }
            if *method == http::Method::GET {
                let page = copy.call("GET", &path).header("accept", "text/html").send().await;
                let is_led = page.status() == 302 && page.location().starts_with("/login");
                if !(is_led || matches!(page.status(), 401 | 403)) {
                    open.push(format!("the page {path}: {}", page.status()));
                }
            }
        }
    }
    assert!(tried > 30, "{tried} routes");
    open
}

#[tokio::test]
async fn t123_strangers_open_nothing() {
    let app = TestApp::builder().toml(ON).toml(ALL).start().await;
    assert_eq!(let_in(&app, &app.browser()).await, [""; 0]);
    // Nor who shows what looks like a proof.
    let mut browser = app.browser();
    browser.set_cookie("session", "eyJfdXNlcl9pZCI6IjEifQ.aE7hgA.AAAA");
    browser.set_cookie("remember_token", "1|00");
    assert_eq!(let_in(&app, &browser).await, [""; 0]);
}

#[tokio::test]
async fn t73_the_first_factor_alone_opens_nothing() {
    let app = TestApp::builder().toml(ON).toml(ALL).start().await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let browser = begin(&app, "gal@lp.com").await;
    assert_eq!(let_in(&app, &browser).await, [""; 0]);
}
