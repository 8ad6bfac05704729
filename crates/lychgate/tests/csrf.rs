//! Protection against forged requests, in each configuration.
#![allow(clippy::unwrap_used)]

use axum::{
    Router,
    routing::{get, post},
};
use lychgate::{Csrf, Error, Mechanism, guard};
use lychgate_testkit::{AppBuilder, Browser, PASSWORD, Reply, TestApp};
use rstest::rstest;
use serde_json::{Value, json};

const FORMS_ONLY: &str = "[csrf]\nenabled = true";
const EVERYWHERE: &str = "[csrf]\nprotect = true";
const BY_GUARD: &str = "[csrf]\nprotect = true\ncheck_default = false";

fn app(toml: &str) -> AppBuilder {
    TestApp::builder().toml(toml).routes(routes)
}

fn routes(routes: Router) -> Router {
    let any = [Mechanism::Session, Mechanism::Token, Mechanism::Basic];
    routes
        .route("/open", post(async || "open"))
        .route("/session", post(async || "session").route_layer(guard::session()))
        .route("/token", post(async || "token").route_layer(guard::token()))
        .route("/basic", post(async || "basic").route_layer(guard::basic()))
        .route("/any", post(async || "any").route_layer(guard::authenticated_by(any)))
        .route("/form", get(async |csrf: Csrf| csrf.token()).post(async |csrf: Csrf| csrf.verify().map(|()| "form")))
        .route("/fallible", post(fallible))
}

async fn fallible(csrf: Csrf) -> Result<&'static str, Error> {
    csrf.verify()?;
    Ok("fallible")
}

fn credentials() -> Value {
    json!({"email": "joe@lp.com", "password": PASSWORD})
}

fn with_token(token: &str) -> Value {
    json!({"email": "joe@lp.com", "password": PASSWORD, "csrf_token": token})
}

async fn header(browser: &mut Browser, path: &str, token: &str) -> Reply {
    browser.call("POST", path).header("x-csrftoken", token).json(&credentials()).send().await
}

/// One reply for people and one for programs.
async fn both(browser: &mut Browser, path: &str) -> (u16, u16) {
    let form = browser.call("POST", path).form(&[]).send().await.status();
    let json = browser.call("POST", path).json(&json!({})).send().await.status();
    (form, json)
}

#[tokio::test]
async fn forms_check_their_field() {
    let app = app(FORMS_ONLY).start().await;
    let mut browser = app.browser();
    let token = browser.get_json("/login").await.csrf_token();
    let refused = browser.post_json("/login", credentials()).await;
    assert_eq!((refused.status(), refused.field_errors()), (400, json!({"csrf_token": ["CSRF_MISSING"]})));
    assert_eq!(header(&mut browser, "/login", &token).await.status(), 400, "a header is for other configurations");
    let page = browser.post_form("/login", &[("email", "joe@lp.com"), ("password", PASSWORD)]).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("CSRF_MISSING"), "{}", page.text());
    assert_eq!(browser.who().await, "nobody");
    assert_eq!(browser.post_json("/login", with_token(&token)).await.status(), 200);
    assert_eq!(both(&mut browser, "/open").await, (200, 200), "the application's own routes check what they like");
    assert_eq!(both(&mut browser, "/session").await, (200, 200));
    assert_eq!(both(&mut browser, "/logout").await, (302, 200));
}

#[tokio::test]
async fn forms_of_token_bearers_are_checked_too() {
    let app = app(FORMS_ONLY).start().await;
    let token = app.auth_token("joe@lp.com").await;
    let mut program = app.browser();
    let body = json!({"password": PASSWORD});
    let refused = program.call("POST", "/verify").header("authentication-token", &token).json(&body).send().await;
    assert_eq!(refused.field_errors(), json!({"csrf_token": ["CSRF_MISSING"]}));
}

#[rstest]
#[case("", "CSRF_MISSING")]
#[case("nonsense", "CSRF_INVALID")]
#[case("ImEi.aaaaaa.bbbb", "CSRF_INVALID")]
#[case("é", "CSRF_INVALID")]
#[tokio::test]
async fn tokens_that_are_none(#[case] token: &str, #[case] message: &str) {
    let app = app(FORMS_ONLY).start().await;
    let mut browser = app.browser();
    let genuine = browser.get_json("/login").await.csrf_token();
    let refused = browser.post_json("/login", with_token(token)).await;
    assert_eq!(refused.field_errors(), json!({"csrf_token": [message]}));
    let no_session = app.browser().post_json("/login", with_token(&genuine)).await;
    assert_eq!(no_session.field_errors(), json!({"csrf_token": ["CSRF_NO_SESSION"]}));
}

#[tokio::test]
async fn tokens_of_another_session_are_refused() {
    for configuration in [FORMS_ONLY, EVERYWHERE, BY_GUARD] {
        let app = app(configuration).start().await;
        let foreign = app.browser().get_json("/login").await.csrf_token();
        let mut browser = app.browser();
        browser.get_json("/login").await;
        let refused = browser.call("POST", "/login").header("x-csrftoken", &foreign).json(&with_token(&foreign));
        let refused = refused.send().await;
        assert_eq!((refused.status(), refused.text().contains("CSRF_MISMATCH")), (400, true), "{}", refused.text());
        let mut attacker = app.browser();
        let own = attacker.sign_in("matt@lp.com").await;
        browser.sign_in("joe@lp.com").await;
        let forged = browser.post_form("/form", &[("csrf_token", &own)]).await;
        assert_eq!(forged.status(), 400);
    }
}

#[tokio::test]
async fn tokens_age() {
    let app = app("[csrf]\ntime_limit = 600").start().await;
    let mut browser = app.browser();
    let token = browser.get_json("/login").await.csrf_token();
    app.advance(601);
    let refused = browser.post_json("/login", with_token(&token)).await;
    assert_eq!(refused.field_errors(), json!({"csrf_token": ["CSRF_EXPIRED"]}));
    let token = browser.get_json("/login").await.csrf_token();
    app.advance(600);
    assert_eq!(browser.post_json("/login", with_token(&token)).await.status(), 200);
}

#[tokio::test]
async fn without_a_time_limit_tokens_live_as_long_as_the_session() {
    let app = app("[csrf]\ntime_limit = false").start().await;
    let mut browser = app.browser();
    let token = browser.get_json("/login").await.csrf_token();
    app.advance(20 * 86_400);
    assert_eq!(browser.post_json("/login", with_token(&token)).await.status(), 200);
}

#[tokio::test]
async fn a_form_that_was_open_during_the_sign_in_still_works() {
    let app = app(EVERYWHERE).start().await;
    let mut browser = app.browser();
    let in_the_other_tab = browser.get("/login").await.csrf_token();
    let token = browser.get_json("/login").await.csrf_token();
    app.advance(10);
    let signed_in = header(&mut browser, "/login", &token).await.csrf_token();
    let raw = |token: &str| token.split('.').next().unwrap().to_owned();
    assert_ne!(raw(&signed_in), raw(&token), "the session has a new token");
    let mut copy = browser.clone();
    let late = browser.post_form("/login", &[("csrf_token", &in_the_other_tab)]).await;
    assert_eq!(late.location(), "/", "the second tab lands signed in");
    assert_eq!(header(&mut browser, "/open", &signed_in).await.status(), 200);
    app.advance(3600);
    assert_eq!(header(&mut copy, "/open", &in_the_other_tab).await.status(), 400, "until its time is over");
}

#[tokio::test]
async fn who_knew_the_token_from_before_cannot_write_later_ones() {
    let app = app(EVERYWHERE).start().await;
    let mut browser = app.browser();
    let before = browser.get_json("/login").await.csrf_token();
    let mut planted = browser.clone();
    app.advance(10);
    header(&mut browser, "/login", &before).await;
    app.advance(10);
    // The cookie from before the sign-in still gives tokens; they are of no use in the session after it.
    let fresh = planted.get_json("/login").await.csrf_token();
    assert_eq!(header(&mut browser, "/open", &fresh).await.status(), 400);
}

#[tokio::test]
async fn signing_out_ends_the_token() {
    let app = app(EVERYWHERE).start().await;
    let mut browser = app.browser();
    let token = browser.sign_in("joe@lp.com").await;
    assert_eq!(header(&mut browser, "/logout", &token).await.status(), 200);
    let refused = header(&mut browser, "/open", &token).await;
    assert_eq!((refused.status(), refused.text().contains("CSRF_NO_SESSION")), (400, true));
    browser.get_json("/login").await;
    assert_eq!(header(&mut browser, "/open", &token).await.status(), 400);
}

#[tokio::test]
async fn everything_is_checked_where_asked() {
    let app = app(EVERYWHERE).start().await;
    let auth = app.auth_token("joe@lp.com").await;
    let mut browser = app.browser();
    let token = browser.get_json("/login").await.csrf_token();
    for path in ["/login", "/logout", "/open", "/session", "/token", "/basic", "/any", "/form"] {
        for name in ["authentication-token", "x-other"] {
            let call = browser.call("POST", path).header(name, &auth).basic("joe@lp.com", PASSWORD);
            let refused = call.form(&[]).send().await;
            assert_eq!((refused.status(), refused.text().contains("CSRF_MISSING")), (400, true), "{path} {name}");
        }
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        assert_eq!(browser.call(method, "/whoami").send().await.status(), 400);
        assert_eq!(browser.call(method, "/whoami").header("x-csrf-token", &token).send().await.status(), 200);
    }
    for name in ["x-csrftoken", "x-csrf-token", "x-xsrf-token"] {
        assert_eq!(browser.call("POST", "/open").header(name, &token).send().await.status(), 200, "{name}");
    }
    let form = |name| [(name, token.as_str())];
    assert_eq!(browser.call("POST", "/open").form(&form("csrf_token")).send().await.status(), 200);
    assert_eq!(browser.call("POST", "/open").form(&form("my-csrf_token")).send().await.status(), 200);
    assert_eq!(browser.call("POST", "/open").json(&json!({"csrf_token": token})).send().await.status(), 400);
    let query = format!("/open?csrf_token={token}");
    assert_eq!(browser.call("POST", &query).send().await.status(), 400, "what stands in an address may be in a log");
    assert_eq!(header(&mut browser, "/login", &token).await.status(), 200, "the form asks no second time");
    assert_eq!(header(&mut browser, "/nowhere", "").await.status(), 404);
}

#[rstest]
#[case("text/plain")]
#[case("text/plain; x=application/json")]
#[case("application/json-evil")]
#[case("")]
#[case("APPLICATION/JSON")]
#[case("multipart/form-data")]
#[case("application/x-www-form-urlencoded, application/json")]
#[tokio::test]
async fn no_content_type_is_a_way_round(#[case] content_type: &str) {
    for configuration in [FORMS_ONLY, EVERYWHERE, BY_GUARD] {
        let app = app(configuration).start().await;
        let mut browser = app.browser();
        browser.get("/login").await;
        for body in [credentials().to_string(), "email=joe%40lp.com&password=password".to_owned()] {
            let reply = browser.call("POST", "/login").body(content_type, body).send().await;
            assert!(matches!(reply.status(), 200 | 400), "{}", reply.status());
            assert_eq!(browser.who().await, "nobody");
        }
    }
}

#[tokio::test]
async fn guards_check_by_mechanism() {
    let app = app(BY_GUARD).start().await;
    let auth = app.auth_token("joe@lp.com").await;
    let mut browser = app.browser();
    let refused = browser.post_json("/login", credentials()).await;
    assert_eq!((refused.status(), refused.response()), (400, json!({"errors": ["CSRF_MISSING"]})));
    let token = browser.sign_in("joe@lp.com").await;
    assert_eq!(both(&mut browser, "/open").await, (200, 200));
    assert_eq!(both(&mut browser, "/session").await, (400, 400));
    assert_eq!(header(&mut browser, "/session", &token).await.status(), 200);
    let mut program = app.browser();
    assert_eq!(program.call("POST", "/token").header("authentication-token", &auth).send().await.status(), 400);
    assert_eq!(program.call("POST", "/basic").basic("joe@lp.com", PASSWORD).send().await.status(), 400);
    assert_eq!(both(&mut app.browser(), "/session").await, (302, 401), "a stranger is told to sign in");
}

#[tokio::test]
async fn tokens_may_be_left_out_of_it() {
    let app = app(BY_GUARD).toml("[security]\ncsrf_protect_mechanisms = [\"session\", \"basic\"]").start().await;
    let auth = app.auth_token("joe@lp.com").await;
    let foreign = app.auth_token("matt@lp.com").await;
    let mut program = app.browser();
    for path in ["/token", "/any"] {
        assert_eq!(program.call("POST", path).header("authentication-token", &auth).send().await.status(), 200);
    }
    let body = json!({"password": PASSWORD});
    let verified = program.call("POST", "/verify").header("authentication-token", &auth).json(&body).send().await;
    assert_eq!(verified.status(), 200, "nor do the library's own forms ask for one: {}", verified.text());
    assert_eq!(program.call("POST", "/basic").basic("joe@lp.com", PASSWORD).send().await.status(), 400);

    let mut victim = app.browser();
    victim.sign_in("joe@lp.com").await;
    for path in ["/any", "/session"] {
        assert_eq!(both(&mut victim, path).await, (400, 400), "{path}");
        // Another site can add what it likes to the address of its form, but not the token that is checked.
        for token in [foreign.as_str(), "", "nonsense"] {
            let in_query = format!("{path}?auth_token={token}");
            let reply = victim.call("POST", &in_query).header("accept", "application/json").send().await;
            assert!(matches!(reply.status(), 400 | 401), "{in_query} {}", reply.status());
            let reply = victim.call("POST", path).header("authentication-token", token).send().await;
            assert!(matches!(reply.status(), 302 | 400 | 401), "{path} {}", reply.status());
        }
    }
    let in_query = format!("/verify?auth_token={foreign}");
    let call = victim.call("POST", &in_query).header("accept", "application/json").form(&[("password", PASSWORD)]);
    assert_eq!(call.send().await.status(), 401);
}

#[tokio::test]
async fn without_any_mechanism_only_open_routes_are_checked() {
    let app = app(BY_GUARD).toml("[security]\ncsrf_protect_mechanisms = []").start().await;
    let mut browser = app.browser();
    assert_eq!(browser.post_json("/login", credentials()).await.status(), 400);
    browser.sign_in("joe@lp.com").await;
    assert_eq!(both(&mut browser, "/session").await, (200, 200));
}

#[rstest]
#[case(BY_GUARD)]
#[case(FORMS_ONLY)]
#[tokio::test]
async fn strangers_may_be_left_out_of_it(#[case] configuration: &str) {
    let app = app(configuration).toml("[security]\ncsrf_ignore_unauth_endpoints = true").start().await;
    let mut browser = app.browser();
    assert_eq!(browser.post_json("/login", credentials()).await.status(), 200);
    let again = browser.post_json("/login", credentials()).await;
    assert_eq!(again.status(), 400);
    if configuration == BY_GUARD {
        assert_eq!(again.response(), json!({"errors": ["CSRF_MISSING"]}), "whoever is signed in is checked");
    }
}

#[tokio::test]
async fn scripts_read_the_token_from_a_cookie() {
    let app = app("[csrf]\nprotect = true\n[security]\ncsrf_cookie_name = \"XSRF-TOKEN\"").start().await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    let cookie = page.set_cookie("XSRF-TOKEN").unwrap();
    assert!(cookie.ends_with("; Secure; Path=/; SameSite=Strict"), "{cookie}");
    let sent = browser.cookie("XSRF-TOKEN").unwrap().to_owned();
    assert_eq!(browser.get("/open").await.set_cookie("XSRF-TOKEN"), None, "once is enough");
    let call = browser.call("POST", "/login").header("x-xsrf-token", &sent).json(&credentials());
    let reply = call.send().await;
    assert_eq!(reply.status(), 200);
    assert!(reply.set_cookie("XSRF-TOKEN").is_some(), "the new session's token");
    let sent = browser.cookie("XSRF-TOKEN").unwrap().to_owned();
    assert_eq!(browser.call("POST", "/session").header("x-xsrf-token", &sent).send().await.status(), 200);
    app.advance(3601);
    assert_eq!(browser.call("POST", "/session").header("x-xsrf-token", &sent).send().await.status(), 400);
    let renewed = browser.cookie("XSRF-TOKEN").unwrap().to_owned();
    assert_ne!(renewed, sent, "an expired one is sent anew");
    let reply = browser.call("POST", "/logout").header("x-xsrf-token", &renewed).send().await;
    assert!(reply.set_cookie("XSRF-TOKEN").unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn the_cookie_can_be_sent_with_every_reply() {
    let settings =
        "[csrf]\nprotect = true\n[security]\ncsrf_cookie_name = \"X\"\ncsrf_cookie_refresh_each_request = true";
    let app = app(settings).start().await;
    let mut browser = app.browser();
    assert_eq!(browser.get("/whoami").await.set_cookie("X"), None, "not to those who never came near a sign-in");
    browser.get("/login").await;
    assert!(browser.get("/whoami").await.set_cookie("X").is_some());
}

#[tokio::test]
async fn over_https_the_page_must_be_of_this_host() {
    let app = app(EVERYWHERE).start().await;
    let mut browser = app.browser();
    browser.origin = "https://localhost".to_owned();
    let token = browser.get_json("/login").await.csrf_token();
    for (referer, message) in [
        ("", "CSRF_REFERER_MISSING"),
        ("http://localhost/login", "CSRF_REFERER_MISMATCH"),
        ("https://localhost:8443/login", "CSRF_REFERER_MISMATCH"),
        ("https://localhost.evil.com/", "CSRF_REFERER_MISMATCH"),
        ("https://localhost@evil.com/", "CSRF_REFERER_MISMATCH"),
        ("https://evil.com/https://localhost/", "CSRF_REFERER_MISMATCH"),
        ("https://localhost/login?x", "open"),
    ] {
        let mut call = browser.call("POST", "/open").header("x-csrftoken", &token);
        if !referer.is_empty() {
            call = call.header("referer", referer);
        }
        let reply = call.send().await;
        assert_eq!(reply.status(), if message == "open" { 200 } else { 400 }, "{referer}");
        assert!(reply.text().contains(message), "{referer}");
    }
    let relaxed = TestApp::builder().toml("[csrf]\nprotect = true\nssl_strict = false").routes(routes).start().await;
    let mut browser = relaxed.browser();
    browser.origin = "https://localhost".to_owned();
    let token = browser.get_json("/login").await.csrf_token();
    assert_eq!(browser.call("POST", "/open").header("x-csrftoken", &token).send().await.status(), 200);
}

#[rstest]
#[case("origin", "http://evil.com", false)]
#[case("origin", "null", false)]
#[case("origin", "http://localhost.evil.com", false)]
#[case("origin", "http://localhost:8080", false)]
#[case("origin", "http://localhost", true)]
#[case("x-other", "", true)]
#[tokio::test]
async fn another_site_is_refused_whatever_it_knows(#[case] name: &str, #[case] value: &str, #[case] allowed: bool) {
    let app = TestApp::builder().toml("profile = \"modern\"").routes(routes).start().await;
    let mut browser = app.browser();
    let token = browser.get_json("/login").await.csrf_token();
    let call = browser.call("POST", "/login").header(name, value).json(&with_token(&token));
    let reply = call.send().await;
    assert_eq!(reply.status(), if allowed { 200 } else { 400 }, "{}", reply.text());
    assert!(allowed || reply.response() == json!({"errors": ["CSRF_FOREIGN_ORIGIN"]}));
    assert_eq!(browser.who().await, if allowed { "joe@lp.com" } else { "nobody" });
    assert_eq!(browser.call("GET", "/whoami").header(name, value).send().await.status(), 200, "reading is no matter");
}

/// Whoever can change what comes unencrypted can write any page of this host.
#[rstest]
#[case("http://localhost", 400)]
#[case("https://localhost", 200)]
#[tokio::test]
async fn an_unencrypted_page_of_the_same_host_is_another_site(#[case] origin: &str, #[case] status: u16) {
    let app = TestApp::builder().toml("profile = \"modern\"\n[csrf]\nssl_strict = false").routes(routes).start().await;
    let mut browser = app.browser();
    browser.origin = "https://localhost".to_owned();
    let token = browser.get_json("/login").await.csrf_token();
    let call = browser.call("POST", "/login").header("origin", origin).json(&with_token(&token));
    assert_eq!(call.send().await.status(), status);
}

#[tokio::test]
async fn the_modern_profile_checks_sign_in_and_sign_out() {
    let app = TestApp::builder().toml("profile = \"modern\"").routes(routes).start().await;
    let auth = app.auth_token("joe@lp.com").await;
    let mut browser = app.browser();
    assert_eq!(browser.post_json("/login", credentials()).await.status(), 400);
    let token = browser.sign_in("joe@lp.com").await;
    assert_eq!(both(&mut browser, "/session").await, (400, 400));
    assert_eq!(browser.post_json("/session", json!({"csrf_token": token})).await.status(), 200, "a JSON member counts");
    assert_eq!(browser.post_json("/logout", json!({})).await.status(), 400);
    assert_eq!(browser.who().await, "joe@lp.com");
    assert_eq!(browser.post_json("/logout", json!({"csrf_token": token})).await.status(), 200);
    assert_eq!(browser.who().await, "nobody");
    let mut program = app.browser();
    assert_eq!(program.call("POST", "/token").header("authentication-token", &auth).send().await.status(), 200);
}

#[tokio::test]
async fn forms_of_the_application_can_be_checked() {
    for configuration in [FORMS_ONLY, BY_GUARD] {
        let app = app(configuration).start().await;
        let mut browser = app.browser();
        let token = browser.get("/form").await.text().to_owned();
        for path in ["/form", "/fallible"] {
            let refused = browser.post_form(path, &[("message", "hello")]).await;
            assert_eq!((refused.status(), refused.text().contains("CSRF_MISSING")), (400, true));
            let reply = browser.post_form(path, &[("message", "hello"), ("csrf_token", &token)]).await;
            assert_eq!(reply.status(), 200);
        }
    }
    let off = app("[csrf]\nenabled = false").start().await;
    assert_eq!(off.browser().post_form("/form", &[]).await.status(), 200);
}

#[tokio::test]
async fn a_route_of_the_application_is_checked_whatever_it_is_called() {
    let routes = |routes: Router| routes.route("/devices/setup/{token}", post(async || "set up"));
    let app = app(EVERYWHERE).routes(routes).start().await;
    assert_eq!(app.browser().post_form("/devices/setup/7", &[]).await.status(), 400);
}

#[tokio::test]
async fn what_answers_for_unknown_paths_is_checked_too() {
    let app = app(EVERYWHERE).routes(|routes| routes.fallback(async || "caught")).start().await;
    let mut browser = app.browser();
    let token = browser.get_json("/login").await.csrf_token();
    assert_eq!(browser.get("/anything").await.text(), "caught");
    assert_eq!(browser.post_form("/anything", &[]).await.status(), 404);
    assert_eq!(header(&mut browser, "/anything", &token).await.text(), "caught");
}
