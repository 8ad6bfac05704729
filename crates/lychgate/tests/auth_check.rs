//! Forward authentication, and whose forwarding headers are believed.
#![allow(clippy::unwrap_used)]

use lychgate::{Need, store::UserPatch};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp};
use rstest::rstest;

const ON: &str = "[security]\nauth_check = true\n[proxy]\ntrusted = [\"127.0.0.1\"]\nx_for = 1\nx_host = 1";

fn app() -> AppBuilder {
    TestApp::builder().toml(ON)
}

async fn check(browser: &mut Browser, question: &str) -> Reply {
    browser.get(&format!("/auth/check{question}")).await
}

/// Asks as a proxy does for a page that a client asked it for.
async fn check_for(browser: &mut Browser, question: &str, headers: &[(&str, &str)]) -> Reply {
    let path = format!("/auth/check{question}");
    let call = headers.iter().fold(browser.call("GET", &path), |call, (name, value)| call.header(name, value));
    call.send().await
}

#[rstest]
#[tokio::test]
async fn the_proxy_is_told_who_it_is(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut browser = app.browser();
    assert_eq!(check(&mut browser, "").await.status(), 401);
    browser.sign_in("dave@lp.com").await;
    let reply = check(&mut browser, "").await;
    let header = |name| reply.header(name).to_owned();
    assert_eq!((reply.status(), reply.text()), (200, ""));
    assert_eq!(header("x-auth-user"), app.user("dave@lp.com").await.id.to_string());
    assert_eq!(header("x-auth-email"), "dave@lp.com");
    assert_eq!(header("x-auth-roles"), "admin,editor");
    assert_eq!(header("x-auth-permissions"), "full-read,full-write,super");
    assert_eq!(header("cache-control"), "no-store");
    assert!(reply.header("x-auth-location").is_empty());
    // What the database says counts at once.
    app.update("dave@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    let reply = check(&mut browser, "").await;
    assert_eq!((reply.status(), reply.header("x-auth-user")), (401, ""));
}

#[tokio::test]
async fn what_the_application_adds_is_told_too() {
    let adds = |builder: lychgate::Builder| {
        builder
            .needs(|_| async { vec![Need::role("auditor"), Need::permission("audit"), Need::item("edit", 7, "page")] })
    };
    let app = app().configure(adds).start().await;
    let mut browser = app.browser();
    browser.sign_in("dave@lp.com").await;
    let reply = check(&mut browser, "?role=auditor").await;
    assert_eq!(reply.header("x-auth-roles"), "admin,auditor,editor");
    assert_eq!(reply.header("x-auth-permissions"), "audit,full-read,full-write,super");
}

#[tokio::test]
async fn it_is_off_until_the_settings_say_otherwise() {
    for profile in ["flask", "modern"] {
        let app = TestApp::builder().toml(&format!("profile = \"{profile}\"")).start().await;
        assert_eq!(check(&mut app.browser(), "").await.status(), 404, "{profile}");
    }
}

#[rstest]
#[case("?role=editor", 200)]
#[case("?role=admin", 403)]
#[case("?role=admin&role=editor", 200)]
#[case("?permission=full-write", 200)]
#[case("?permission=super", 403)]
#[case("?role=editor&permission=super", 403)]
#[case("?role=editor&permission=super&permission=full-read", 200)]
#[case("?role=", 403)]
#[case("?permission=", 403)]
#[case("?role=admin,editor", 403)]
#[case("?fresh=60", 200)]
#[case("?fresh", 200)]
// A slip must not open the door.
#[case("?roles=editor", 400)]
#[case("?Role=editor", 400)]
#[case("?fresh=soon", 400)]
#[case("?fresh=-1", 400)]
#[case("?role=editor&x=1", 400)]
#[tokio::test]
async fn questions(#[case] question: &str, #[case] expected: u16) {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let reply = check(&mut browser, question).await;
    assert_eq!(reply.status(), expected);
    assert_eq!(reply.header("x-auth-user").is_empty(), expected != 200, "nobody is named to whom the door stays shut");
    let stranger = check(&mut app.browser(), question).await.status();
    assert_eq!(stranger, if expected == 400 { 400 } else { 401 });
}

#[tokio::test]
async fn asking_changes_nothing() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let reply = check(&mut browser, "?fresh=60").await;
    assert!(reply.set_cookies().is_empty(), "{:?}", reply.set_cookies());
    // The proof of identity ages although the proxy asks again and again.
    app.advance(59);
    assert_eq!(check(&mut browser, "?fresh=60").await.status(), 200);
    app.advance(2);
    let reply = check(&mut browser, "?fresh=60").await;
    assert_eq!((reply.status(), reply.header("x-auth-location")), (401, "/verify"));
    let path = "/auth/check?fresh=60";
    let reply = browser.get_json(path).await;
    assert_eq!((reply.status(), &reply.response()["reauth_required"]), (401, &true.into()));
    assert_eq!(check(&mut browser, "").await.status(), 200);
}

#[tokio::test]
async fn programs_are_checked_by_their_token() {
    let app = app().start().await;
    let token = app.auth_token("joe@lp.com").await;
    let mut program = app.browser();
    let reply = check_for(&mut program, "?role=editor", &[("authentication-token", &token)]).await;
    assert_eq!((reply.status(), reply.header("x-auth-email")), (200, "joe@lp.com"));
    let reply = check_for(&mut program, "", &[("authentication-token", "x"), ("accept", "application/json")]).await;
    assert_eq!((reply.status(), reply.response()["errors"][0].as_str()), (401, Some("UNAUTHENTICATED")));
    // Basic credentials count where the settings say so, and are then asked for.
    let app = self::app().toml("[security]\napi_enabled_methods = [\"session\", \"basic\"]").start().await;
    let mut program = app.browser();
    let reply = check(&mut program, "").await;
    assert_eq!((reply.status(), reply.header("www-authenticate")), (401, "Basic realm=\"Login Required\""));
    assert_eq!(program.call("GET", "/auth/check").basic("joe@lp.com", PASSWORD).send().await.status(), 200);
}

#[tokio::test]
async fn a_refused_browser_is_led_to_the_sign_in_page_and_back() {
    let app = app().start().await;
    let mut browser = app.browser();
    for path in ["x-forwarded-uri", "x-original-uri"] {
        let reply = check_for(&mut browser, "", &[(path, "/orders?page=2&x=1")]).await;
        assert_eq!((reply.status(), reply.header("x-auth-location")), (401, "/login?next=/orders?page%3D2%26x%3D1"));
    }
    let reply = check_for(&mut browser, "?redirect", &[("x-forwarded-uri", "/orders")]).await;
    assert_eq!(reply.location(), "/login?next=/orders");
    let headers = [("x-forwarded-uri", "/orders"), ("accept", "application/json")];
    assert_eq!(check_for(&mut browser, "?redirect", &headers).await.status(), 401, "programs follow no redirect");
    for elsewhere in ["//evil.example", "https://evil.example/", "evil.example", "/\\evil.example", ""] {
        let reply = check_for(&mut browser, "", &[("x-forwarded-uri", elsewhere)]).await;
        assert_eq!(reply.header("x-auth-location"), "/login", "{elsewhere}");
    }
    browser.sign_in("joe@lp.com").await;
    app.advance(61);
    let reply = check_for(&mut browser, "?fresh=60&redirect", &[("x-forwarded-uri", "/pay")]).await;
    assert_eq!(reply.location(), "/verify?next=/pay");
    assert_eq!(check_for(&mut browser, "?role=admin&redirect", &[]).await.status(), 403, "signing in would not help");
}

#[tokio::test]
async fn the_page_may_be_on_another_host_of_the_domain() {
    let domain = "base_url = \"https://auth.lp.com\"\n[security]\nredirect_base_domain = \"lp.com\"\n\
                  redirect_allowed_subdomains = [\"shop\"]";
    let app = app().toml(domain).start().await;
    let mut browser = app.browser();
    let mut way = async |host: &str| {
        let headers = [("x-forwarded-host", host), ("x-forwarded-proto", "https"), ("x-forwarded-uri", "/cart")];
        check_for(&mut browser, "?redirect", &headers).await.location().to_owned()
    };
    assert_eq!(way("auth.lp.com").await, "/login?next=/cart");
    assert_eq!(way("shop.lp.com").await, "https://auth.lp.com/login?next=https://shop.lp.com/cart");
    assert_eq!(way("evil.example").await, "https://auth.lp.com/login", "nobody is led there");
}

#[tokio::test]
async fn headers_of_strangers_are_not_read() {
    let app = app().start().await;
    let mut browser = app.browser();
    browser.peer = "192.0.2.1:4711".parse().unwrap();
    let forged = [
        ("x-forwarded-uri", "/orders"),
        ("x-original-uri", "/orders"),
        ("x-original-url", "https://evil.example/"),
        ("forwarded", "for=127.0.0.1;host=evil.example;proto=https"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-auth-user", "1"),
        ("x-auth-email", "matt@lp.com"),
    ];
    let reply = check_for(&mut browser, "?redirect", &forged).await;
    assert_eq!(reply.location(), "/login");
    assert_eq!(check_for(&mut browser, "", &forged).await.status(), 401);
}

#[tokio::test]
async fn names_are_safe_in_headers_and_lists() {
    let app = app()
        .toml("[security]\nauth_check_headers = { email = \"Remote-Email\", roles = \"Remote-Groups\" }")
        .start()
        .await;
    let joe = app.user("joe@lp.com").await;
    let roles = ["a,b", "100 %", "Prüfer", "x\r\nX-Auth-User: 1"];
    for role in roles {
        app.store().create_role(role, None, None, app.now()).await.unwrap();
        app.store().add_role(joe.id, role).await.unwrap();
    }
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    app.update("joe@lp.com", UserPatch { email: Some("jö,e@lp.com".to_owned()), ..UserPatch::default() }).await;
    let reply = check(&mut browser, "?role=Pr%C3%BCfer").await;
    assert_eq!(reply.header("remote-email"), "j%C3%B6%2Ce@lp.com");
    assert_eq!(
        reply.header("remote-groups"),
        "100%20%25,Pr%C3%BCfer,a%2Cb,editor,x%0D%0AX-Auth-User:%201",
        "{:?}",
        reply.headers()
    );
    for left_out in ["x-auth-user", "x-auth-permissions", "x-auth-roles"] {
        assert_eq!(reply.header(left_out), "", "{left_out}");
    }
}

#[tokio::test]
async fn a_list_that_no_header_holds_is_left_empty() {
    let app = app().start().await;
    let joe = app.user("joe@lp.com").await;
    for number in 0..40 {
        let name = format!("{number}{}", "x".repeat(78));
        app.store().create_role(&name, None, None, app.now()).await.unwrap();
        app.store().add_role(joe.id, &name).await.unwrap();
    }
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let reply = check(&mut browser, "?role=editor").await;
    assert_eq!((reply.status(), reply.header("x-auth-roles")), (200, ""));
    assert_eq!(reply.header("x-auth-permissions"), "full-read,full-write");
}

#[rstest]
#[case("[proxy]\ntrusted = [\"10.0.0.0/33\"]", "is no network")]
#[case("[proxy]\ntrusted = [\"proxy.example\"]", "is no network")]
#[case("[security]\nauth_check_headers = { user = \"X Auth\" }", "names no header")]
#[case("[security]\nauth_check_headers = { usr = \"X-Auth\" }", "names no header")]
#[case("[cors]\npreflight_status = 202", "200 or 204")]
fn settings_that_cannot_be_meant(#[case] toml: &str, #[case] said: &str) {
    let keys =
        "secret_key = \"0123456789abcdef0123456789abcdef\"\n[security]\npassword_salt = \"fedcba9876543210fedcba98\"";
    let errors = lychgate::Settings::builder().toml("keys", keys).toml("test", toml).build().unwrap_err().to_string();
    assert!(errors.contains(said), "{errors}");
}

/// The address by which limits and lists go is that of the proxy's client, if the proxy is one of ours.
#[rstest]
#[case("127.0.0.1:1", "198.51.100.7, 192.0.2.9", "192.0.2.9")]
#[case("192.0.2.1:1", "198.51.100.7", "192.0.2.1")]
#[tokio::test]
async fn the_clients_address(#[case] peer: &str, #[case] forwarded_for: &str, #[case] expected: &str) {
    let app = app().toml("[security]\ntrackable = true").start().await;
    let mut browser = app.browser();
    browser.peer = peer.parse().unwrap();
    let token = browser.get_json("/login").await.csrf_token();
    let body = serde_json::json!({"email": "joe@lp.com", "password": PASSWORD, "csrf_token": token});
    let call = browser.call("POST", "/login").header("x-forwarded-for", forwarded_for);
    assert_eq!(call.json(&body).send().await.status(), 200);
    assert_eq!(app.user("joe@lp.com").await.current_login_ip.as_deref(), Some(expected));
}
