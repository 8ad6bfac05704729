//! What went wrong elsewhere at the edge of a site, one test a row.

use axum::{Router, routing::get};
use lychgate::guard;
use lychgate_testkit::{PASSWORD, TestApp};
use serde_json::json;

/// Somebody looks whether a link is there: scanners of mails, previews of chats, browsers that fetch ahead.
#[tokio::test]
async fn t48_a_link_that_is_only_looked_at_is_not_used_up() {
    let toml = "profile = \"modern\"\n[security]\npasswordless = true\nlogin_within = 3600\n[csrf]\nenabled = false";
    let app = TestApp::builder().toml(toml).start().await;
    let asked = app.browser().post_json("/login", json!({"email": "joe@lp.com"})).await;
    assert_eq!(asked.status(), 200, "{}", asked.text());
    let link = app.mailed_link("/login").await;
    let agents = ["Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Mozilla/5.0 (X11; Linux x86_64)"];
    for (method, agent) in ["HEAD", "GET", "OPTIONS"].into_iter().flat_map(|method| agents.map(|agent| (method, agent)))
    {
        let mut robot = app.browser();
        robot.user_agent = agent.to_owned();
        let call = robot.call(method, &link).header("purpose", "prefetch").header("sec-purpose", "prefetch;prerender");
        let reply = call.send().await;
        assert_eq!(reply.status(), 200, "{method}");
        assert_eq!(robot.who().await, "nobody", "{method}");
    }
    let mut browser = app.browser();
    let clicked = browser.call("POST", &link).header("referer", "http://localhost/login").form(&[]).send().await;
    assert_eq!(clicked.status(), 302, "{}", clicked.text());
    assert_eq!(browser.who().await, "joe@lp.com", "the link is as good as new");
}

/// `same-origin` keeps the address of the page from every other site. `no-referrer` would do that too, but with it
/// browsers send `Origin: null` with the form, which then looks like one of a stranger.
#[tokio::test]
async fn t49_the_page_of_a_link_tells_nobody_its_address() {
    let toml = "profile = \"modern\"\n[security]\nrecoverable = true\n[csrf]\nenabled = false";
    let app = TestApp::builder().toml(toml).start().await;
    app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let link = app.mailed_link("/reset").await;
    let page = app.browser().get(&link).await;
    assert_eq!((page.status(), page.header("referrer-policy")), (200, "same-origin"));
    assert!(page.header("cache-control").contains("no-store"));
    for part in page.text().split(['"', '\'', '(']) {
        let elsewhere = part.starts_with("//") || part.starts_with("http:") || part.starts_with("https:");
        assert!(!elsewhere || part.starts_with("http://www.w3.org/"), "{part}");
    }
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
}

#[tokio::test]
async fn t56_cookies_are_for_this_host_and_for_https_only() {
    let app = TestApp::builder()
        .toml("profile = \"modern\"\nbase_url = \"https://app.example\"\n[proxy]\nx_proto = 1")
        .start()
        .await;
    let mut browser = app.browser();
    browser.origin = "https://app.example".to_owned();
    let mut seen = Vec::new();
    let page = browser.call("GET", "/login").header("x-forwarded-proto", "https").send().await;
    seen.extend(page.set_cookies().into_iter().map(str::to_owned));
    let token = page.csrf_token();
    let fields = [("email", "joe@lp.com"), ("password", PASSWORD), ("remember", "y"), ("csrf_token", &token)];
    let call = browser.call("POST", "/login").header("x-forwarded-proto", "https");
    let reply = call.header("referer", "https://app.example/login").form(&fields).send().await;
    assert_eq!(reply.status(), 302, "{}", reply.text());
    seen.extend(reply.set_cookies().into_iter().map(str::to_owned));
    assert!(seen.iter().any(|cookie| cookie.starts_with("session=")) && seen.len() >= 2, "{seen:?}");
    for cookie in seen {
        let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
        assert!(["Secure", "HttpOnly", "Path=/"].iter().all(|wanted| attributes.contains(wanted)), "{cookie}");
        assert!(
            attributes.iter().any(|attribute| matches!(*attribute, "SameSite=Lax" | "SameSite=Strict")),
            "{cookie}"
        );
        assert!(!cookie.contains("; Domain") && cookie.len() < 4096, "{cookie}");
    }
}

/// A page of a neighbouring host can set a cookie of ours, and choose the path so that it is sent first.
#[tokio::test]
async fn t57_a_second_session_cookie_makes_nobody_somebody_else() {
    let app = TestApp::builder().toml("profile = \"modern\"").start().await;
    let (mut victim, mut attacker) = (app.browser(), app.browser());
    victim.sign_in("joe@lp.com").await;
    attacker.sign_in("matt@lp.com").await;
    let [own, tossed] = [&victim, &attacker].map(|browser| browser.cookie("session").unwrap().to_owned());
    for (cookies, who) in [
        (format!("session={tossed}; session={own}"), "null"),
        (format!("session={own}; session={tossed}"), "null"),
        (format!("session=rubbish; session={own}"), "\"joe@lp.com\""),
        (format!("session={own}; session={own}"), "\"joe@lp.com\""),
    ] {
        let mut browser = app.browser();
        let reply = browser.call("GET", "/whoami").header("cookie", &cookies).send().await;
        assert_eq!(reply.json()["email"].to_string(), who);
    }
}

#[tokio::test]
async fn t69_the_method_is_the_one_of_the_request_line() {
    let app = TestApp::builder().toml("profile = \"modern\"\n[csrf]\nenabled = false").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    for path in ["/logout?_method=POST", "/logout?_method=DELETE"] {
        let mut call = browser.call("GET", path);
        for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
            call = call.header(name, "POST");
        }
        call.send().await;
    }
    assert_eq!(browser.who().await, "joe@lp.com", "a GET signs nobody out");
    let mut stranger = app.browser();
    let fields = [("_method", "POST"), ("email", "joe@lp.com"), ("password", PASSWORD)];
    for method in ["PUT", "DELETE", "PATCH"] {
        let call = stranger.call(method, "/login").header("x-http-method-override", "POST");
        assert_eq!(call.form(&fields).send().await.status(), 405, "{method}");
    }
    let query = "/login?email=joe@lp.com&password=password&_method=POST";
    assert_eq!(stranger.call("GET", query).header("x-http-method-override", "POST").send().await.status(), 200);
    assert_eq!(stranger.who().await, "nobody", "a GET signs nobody in");
}

#[tokio::test]
async fn t70_no_other_origin_is_reflected() {
    let toml = "profile = \"modern\"\n[cors]\norigins = [\"https://ours.example\", \"https://*.parts.example\"]\nsupports_credentials = true";
    let app = TestApp::builder().toml(toml).start().await;
    let mut browser = app.browser();
    for (origin, allowed) in [
        ("https://ours.example", true),
        ("https://a.parts.example", true),
        ("null", false),
        ("http://ours.example", false),
        ("https://ours.example:444", false),
        ("https://ours.example.evil.example", false),
        ("https://evilours.example", false),
        ("https://parts.example", false),
        ("https://a.parts.example.evil.example", false),
    ] {
        for method in ["GET", "OPTIONS"] {
            let call = browser.call(method, "/login").header("origin", origin);
            let reply = call.header("access-control-request-method", "POST").send().await;
            assert_eq!(reply.header("access-control-allow-origin"), if allowed { origin } else { "" }, "{method}");
            assert_eq!(reply.header("access-control-allow-credentials"), if allowed { "true" } else { "" }, "{method}");
            assert!(reply.headers().get_all("vary").iter().any(|by| by == "Origin"), "{method} {origin}");
            assert_eq!(reply.header("x-content-type-options"), "nosniff", "a preflight too");
        }
    }
}

/// Whoever posts with a session that is gone is sent to sign in, never to where they say they come from.
#[tokio::test]
async fn t5_the_referer_leads_nowhere() {
    let app = TestApp::builder().toml("profile = \"modern\"").start().await;
    for path in ["/change", "/logout", "/verify", "/login"] {
        for method in ["GET", "POST"] {
            let mut browser = app.browser();
            browser.set_cookie("session", "eyJnb25lIjp0cnVlfQ.aE7hgA.QFsvmqK1Y2kTLUqDUc3nGkYwkKg");
            let call = browser.call(method, path).header("referer", "https://evil.example/here");
            let reply = call.send().await;
            assert!(!reply.header("location").contains("evil"), "{method} {path}: {}", reply.header("location"));
            assert!(!reply.text().contains("evil.example"), "{method} {path}");
        }
    }
}

const SPELLINGS: [&str; 12] = [
    "/admin",
    "//admin",
    "/admin/",
    "/%61dmin",
    "/admin;x",
    "/./admin",
    "/ADMIN",
    "/x/../admin",
    "/admin/.",
    "/%2e/admin",
    "/admin%2f",
    "/admin%00",
];

#[tokio::test]
async fn t126_no_spelling_of_a_path_escapes_its_guard() {
    let routes =
        |router: Router| router.route("/admin", get(|| async { "the panel itself" }).route_layer(guard::role("admin")));
    let app = TestApp::builder().toml("profile = \"modern\"").routes(routes).start().await;
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    for path in SPELLINGS {
        for browser in [&mut app.browser(), &mut joe] {
            let reply = browser.get(path).await;
            assert!([302, 403, 404].contains(&reply.status()), "{path}: {}", reply.status());
            assert!(!reply.text().contains("the panel itself"), "{path}");
        }
    }
}

#[tokio::test]
async fn t126_no_spelling_of_a_path_escapes_its_address_rule() {
    let routes = |router: Router| {
        router
            .route("/admin", get(|| async { "the panel itself" }))
            .route("/office/{room}", get(|| async { "a room" }))
            .fallback(|| async { "whatever a proxy makes of it" })
    };
    let toml = "profile = \"modern\"\n[proxy]\nx_for = 1\n[addresses]\n\
                \"/admin\" = {allow = [\"10.0.0.0/8\", \"2001:db8::/32\"], deny = [\"10.6.6.6\"]}\n\
                \"/office/{room}\" = {deny = [\"10.0.0.0/8\"]}";
    let app = TestApp::builder().toml(toml).routes(routes).start().await;
    let mut browser = app.browser();
    for path in SPELLINGS {
        let call = browser.call("GET", path).header("x-forwarded-for", "192.0.2.1");
        let reply = call.send().await;
        assert_eq!(reply.status(), 403, "{path}");
        assert!(reply.text().contains("ADDRESS_NOT_ALLOWED"), "{path}: {}", reply.text());
        assert!(!reply.header("x-request-id").is_empty() && !reply.header("content-security-policy").is_empty());
    }
    for (path, from, status) in [
        ("/admin", "10.1.2.3", 200),
        ("/admin", "::ffff:10.1.2.3", 200),
        ("/admin", "[2001:db8::7]:4711", 200),
        ("/admin", "10.6.6.6", 403),
        ("/admin", "::ffff:10.6.6.6", 403),
        // Only the entry that our proxy wrote counts.
        ("/admin", "10.1.2.3, 192.0.2.1", 403),
        ("/office/7", "10.1.2.3", 403),
        ("/office/7", "192.0.2.1", 200),
        ("/login", "192.0.2.1", 200),
    ] {
        let reply = browser.call("GET", path).header("x-forwarded-for", from).send().await;
        assert_eq!(reply.status(), status, "{path} {from}");
    }
    let call = browser.call("GET", "/admin").header("accept", "application/json");
    let refused = call.send().await;
    let told = json!({"meta": {"code": 403}, "response": {"errors": ["ADDRESS_NOT_ALLOWED"]}});
    assert_eq!((refused.status(), refused.json()), (403, told), "this machine is no exception");
    browser.peer = "192.0.2.9:40000".parse().unwrap();
    let claimed = browser.call("GET", "/admin").header("x-forwarded-for", "10.1.2.3").send().await;
    assert_eq!(claimed.status(), 403, "a stranger is no proxy");
}

#[tokio::test]
async fn guards_ask_for_the_address_too() {
    let routes = |router: Router| {
        let mapped = guard::address_in(["::ffff:10.0.0.0/104"]).unwrap();
        let outside = guard::address_not_in(["10.6.6.6", "192.0.2.0/24"]).unwrap();
        router
            .route("/in", get(|| async { "in" }).route_layer(mapped))
            .route("/out", get(|| async { "out" }).route_layer(outside))
    };
    let app = TestApp::builder()
        .toml("[proxy]\nx_for = 1\n[security]\nunauthorized_sign_in = true")
        .routes(routes)
        .start()
        .await;
    for (path, from, status) in [
        ("/in", "10.1.2.3", 200),
        ("/in", "11.1.2.3", 403),
        ("/out", "10.1.2.3", 200),
        ("/out", "10.6.6.6", 403),
        ("/out", "::ffff:192.0.2.7", 403),
    ] {
        let reply = app.browser().call("GET", path).header("x-forwarded-for", from).send().await;
        assert_eq!(reply.status(), status, "{path} {from}");
        assert_eq!(reply.text().contains("ADDRESS_NOT_ALLOWED"), status == 403, "{path} {from}");
    }
    let wrong = guard::address_not_in(["10.0.0.0/33"]).unwrap_err();
    assert!(wrong.to_string().contains("10.0.0.0/33"));
}
