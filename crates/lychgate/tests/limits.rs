//! Rate limits: by address and by account on our own endpoints, on all routes, and on those of an application.
#![allow(clippy::unwrap_used)]

use axum::{Router, routing::get};
use lychgate::{guard, store::OutboxState};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp};
use rstest::rstest;
use serde_json::json;

fn app(limits: &str) -> AppBuilder {
    let basic = |routes: Router| routes.route("/basic", get(async || "in").route_layer(guard::basic()));
    TestApp::builder()
        .toml("[csrf]\nenabled = false\n[security]\nrecoverable = true\nchangeable = true")
        .toml(&format!("[limits]\nenabled = true\nstrategy = \"gcra\"\n{limits}"))
        .routes(basic)
}

fn from(app: &TestApp, address: &str) -> Browser {
    let mut browser = app.browser();
    browser.peer = (address.parse::<std::net::IpAddr>().unwrap(), 50_000).into();
    browser
}

async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> Reply {
    browser.post_json("/login", json!({"email": email, "password": password})).await
}

#[tokio::test]
async fn an_address_has_one_budget_for_all_secrets() {
    let app = app("secrets_by_address = \"3/minute\"").start().await;
    let mut browser = from(&app, "2001:db8:0:7::1");
    for name in ["joe@lp.com", "matt@lp.com", "nobody@lp.com"] {
        assert_eq!(sign_in(&mut browser, name, "wrong").await.status(), 400);
    }
    let refused = sign_in(&mut browser, "dave@lp.com", PASSWORD).await;
    assert_eq!((refused.status(), refused.header("retry-after")), (429, "20"), "{}", refused.text());
    assert_eq!(refused.response()["errors"], json!(["TOO_MANY_REQUESTS"]));
    // As a page, at another endpoint, from another address of the same customer, whatever a header claims.
    let page = from(&app, "2001:db8:0:7:ffff::2").post_form("/reset/abc", &[("password", "x")]).await;
    assert!(page.status() == 429 && page.text().contains("TOO_MANY_REQUESTS"), "{}", page.text());
    for header in ["x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip"] {
        let mut again = from(&app, "2001:db8:0:7::3");
        let body = json!({"email": "joe@lp.com", "password": PASSWORD});
        let reply = again.call("POST", "/login").header(header, "192.0.2.77").json(&body).send().await;
        assert_eq!(reply.status(), 429, "{header}");
    }
    // Others are not concerned, and looking is free.
    assert_eq!(sign_in(&mut from(&app, "2001:db8:0:8::1"), "joe@lp.com", PASSWORD).await.status(), 200);
    assert_eq!(browser.get("/login").await.status(), 200);
    app.advance(20);
    assert_eq!(sign_in(&mut browser, "dave@lp.com", PASSWORD).await.status(), 200);
}

#[rstest]
#[tokio::test]
async fn strangers_and_accounts_are_counted_alike(#[values("memory://", "sql://")] place: &str
) {
    let limits =
        format!("storage_uri = \"{place}\"\nmessages_by_account = \"2/hour\"\nsecrets_by_account = \"2/hour\"");
    let app = app(&limits).start().await;
    for (path, names) in [
        ("/reset", ["joe@lp.com", " JOE@lp.com", "joe@LP.com"]),
        ("/reset", ["nobody@lp.com", "NOBODY@lp.com", "nobody@LP.com"]),
        ("/login", ["gene@lp.com", " GENE@lp.com", "gene@LP.com"]),
        ("/login", ["none@lp.com", "NONE@lp.com", "none@LP.com"]),
    ] {
        let mut statuses = Vec::new();
        // Each from somewhere else.
        for (at, name) in names.into_iter().enumerate() {
            let mut browser = from(&app, &format!("192.0.2.{at}"));
            let reply = browser.post_json(path, json!({"email": name, "password": "wrong"})).await;
            statuses.push(reply.status() == 429);
        }
        assert_eq!(statuses, [false, false, true], "{path} {names:?}");
    }
    assert!((1..=2).contains(&app.mails().await.len()), "no third mail to the one who is there");
}

#[rstest]
#[tokio::test]
async fn processes_share_what_the_database_keeps(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let limits = "storage_uri = \"sql://\"\nsecrets_by_address = \"2/minute\"";
    let app = app(limits).on(database).start().await;
    let other = self::app(limits).sharing(&app).start().await;
    assert_eq!(sign_in(&mut app.browser(), "joe@lp.com", PASSWORD).await.status(), 200);
    assert_eq!(sign_in(&mut other.browser(), "joe@lp.com", PASSWORD).await.status(), 200);
    assert_eq!(sign_in(&mut app.browser(), "joe@lp.com", PASSWORD).await.status(), 429);
    app.advance(120);
    app.gate().tidy().await.unwrap();
    assert_eq!(sign_in(&mut other.browser(), "joe@lp.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn basic_credentials_count_when_they_are_wrong() {
    let app = app("secrets_by_address = \"3/minute\"").start().await;
    let mut browser = app.browser();
    let mut try_with =
        async |password: &str| browser.call("GET", "/basic").basic("joe@lp.com", password).send().await.status();
    for _ in 0..5 {
        assert_eq!(try_with(PASSWORD).await, 200);
    }
    for _ in 0..3 {
        assert_eq!(try_with("wrong").await, 401);
    }
    assert_eq!((try_with("wrong").await, try_with(PASSWORD).await), (429, 429), "no oracle");
}

/// A feature may be forgotten in the list of kinds, but not in being limited.
#[tokio::test]
async fn whatever_changes_something_is_limited() {
    let all = "[security]\nregisterable = true\nconfirmable = true\nchange_email = true\nchange_username = true\n\
         username_enable = true\nusername_recovery = true\nnot_me = true\nwebauthn = true\ntwo_factor = true\n\
         multi_factor_recovery_codes = true\nunified_signin = true\ntotp_issuer = \"tests\"\nusers_api = true\n\
         totp_secrets = {1 = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\"}\n[jwt]\nenabled = true\n";
    let app = app("").toml(all).start().await;
    let routes = app.gate().route_list();
    let free: Vec<_> = routes
        .iter()
        .filter(|route| !route.limited)
        .filter(|route| route.path.contains("{token}") || route.methods.iter().any(|method| !method.is_safe()))
        .map(|route| route.name)
        .collect();
    assert!(free.iter().all(|name| ["language", "logout"].contains(name)), "{free:?}");
    for name in ["login", "verify", "authenticate", "reset_password", "wan_signin_response", "us_signin_send_code"] {
        assert!(routes.iter().any(|route| route.name == name && route.limited), "{name}");
    }
}

#[tokio::test]
async fn replies_say_what_is_left() {
    let app = app(
        "default = \"3/minute\"\napplication = \"5 per hour\"\nratelimit_headers = true\nheaders_enabled = true",
    )
    .toml("[limits]\nstrategy = \"fixed-window\"\nheader_limit = \"X-Most\"\nheader_retry_after_value = \"http-date\"")
    .start()
    .await;
    let mut browser = app.browser();
    let reply = browser.get("/whoami").await;
    assert_eq!(reply.header("ratelimit-policy"), "\"application\";q=5;w=3600, \"default\";q=3;w=60");
    assert_eq!(reply.header("ratelimit"), "\"application\";r=4;t=3600, \"default\";r=2;t=60");
    assert_eq!((reply.header("x-most"), reply.header("x-ratelimit-remaining")), ("3", "2"));
    assert_eq!(reply.header("x-ratelimit-reset"), "1750000060");
    assert_eq!(reply.header("retry-after"), "");
    browser.get("/whoami").await;
    browser.get("/whoami").await;
    let refused = browser.get("/whoami").await;
    assert_eq!((refused.status(), refused.header("x-ratelimit-remaining")), (429, "0"));
    assert_eq!(refused.header("retry-after"), "Sun, 15 Jun 2025 15:07:40 GMT");
    // Another route has a count of its own, and the application one for all; what is no route is not counted.
    assert_eq!(browser.get("/login").await.status(), 200);
    assert_eq!(browser.get("/nothing").await.status(), 404);
    assert_eq!(browser.get("/login").await.status(), 429);
    app.advance(3_600);
    assert_eq!(browser.get("/login").await.status(), 200);
}

#[tokio::test]
async fn an_application_limits_its_costly_routes() {
    let routes = |routes: Router| {
        let search = guard::limit("2/minute").unwrap().per_role("editor", "4/minute").unwrap();
        let export = guard::limit("10/hour").unwrap().cost(5).by_address();
        let spared =
            guard::limit("1/hour").unwrap().exempt_when(|asked| asked.user.is_some_and(|user| user.has_role("admin")));
        let shared = || guard::limit("1/hour").unwrap().named("shared");
        routes
            .route("/search", get(async || "found").route_layer(guard::authenticated().and(search)))
            .route("/export/{id}", get(async || "all").route_layer(export))
            .route("/spared", get(async || "done").route_layer(spared))
            .route("/one", get(async || "1").route_layer(shared()))
            .route("/two", get(async || "2").route_layer(shared()))
    };
    let app = app("").routes(routes).start().await;
    let (mut joe, mut gene, mut matt) = (app.browser(), app.browser(), app.browser());
    for (browser, email) in [(&mut joe, "joe@lp.com"), (&mut gene, "gene@lp.com"), (&mut matt, "matt@lp.com")] {
        browser.sign_in(email).await;
    }
    for (browser, most) in [(&mut joe, 4), (&mut gene, 2)] {
        for _ in 0..most {
            assert_eq!(browser.get("/search").await.status(), 200);
        }
        assert_eq!(browser.get("/search").await.status(), 429);
    }
    // Whatever stands in the path, and whoever asks from that address.
    assert_eq!((gene.get("/export/1").await.status(), joe.get("/export/2").await.status()), (200, 200));
    let refused = matt.get_json("/export/3").await;
    assert_eq!((refused.status(), refused.header("retry-after")), (429, "1800"));
    for _ in 0..3 {
        assert_eq!(matt.get("/spared").await.status(), 200);
    }
    assert_eq!((joe.get("/spared").await.status(), joe.get("/spared").await.status()), (200, 429));
    assert_eq!((joe.get("/one").await.status(), joe.get("/two").await.status()), (200, 429));
    assert!(guard::limit("often").is_err() && guard::limit("1/hour").unwrap().per_role("x", "").is_err());
}

#[tokio::test]
async fn people_are_told_why_in_the_modern_profile() {
    let app = TestApp::builder()
        .toml("profile = \"modern\"\n[limits]\nsecrets_by_address = \"1/hour\"")
        .real_texts()
        .start()
        .await;
    let mut browser = app.browser();
    let page = browser.get("/login").await;
    let fields = [("email", "joe@lp.com"), ("password", "wrong"), ("csrf_token", &*page.csrf_token())];
    let wrong = browser.post_form("/login", &fields).await;
    assert_eq!((wrong.status(), wrong.header("ratelimit")), (200, "\"secrets\";r=0;t=3600"));
    let refused = browser.post_form("/login", &fields).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.text().contains("Please wait 1 hour and try again."), "{}", refused.text());
    let json = browser.post_json("/login", json!({})).await.response();
    assert_eq!((json["code"].as_str(), json["retry_after"].as_u64()), (Some("too_many_requests"), Some(3_600)));
}

/// What is beyond the limit of all mails waits, and is not lost; notices of changes do not wait behind it.
#[tokio::test]
async fn mails_beyond_the_limit_of_all_leave_later() {
    let app = app("mails_in_all = \"2/hour\"").start().await;
    for name in ["joe@lp.com", "matt@lp.com", "gene@lp.com"] {
        assert_eq!(app.browser().post_json("/reset", json!({"email": name})).await.status(), 200);
    }
    let sent = app.mails().await;
    assert_eq!(sent.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["joe@lp.com", "matt@lp.com"]);
    let waiting = app.store().outbox_list(Some(OutboxState::Waiting), 10).await.unwrap();
    let [item] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert_eq!((item.recipient.as_str(), item.attempts), ("gene@lp.com", 0));
    assert!(item.last_error.as_deref().is_some_and(|why| why.contains("mails_in_all")), "{item:?}");
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    let new = "another password 3";
    let fields = json!({"password": PASSWORD, "new_password": new, "new_password_confirm": new});
    assert_eq!(joe.post_json("/change", fields).await.status(), 200);
    let notices = app.mails().await;
    assert!(notices.len() == 1 && notices[0].is_notice, "{notices:?}");
    app.advance(3600);
    assert_eq!(app.mails().await.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["gene@lp.com"]);
}

/// Somebody sets up several ways to sign in, in one sitting; strangers have used up what they may send to the account.
#[tokio::test]
async fn setting_up_is_not_counted_with_what_strangers_have_sent() {
    let all = "[security]\nunified_signin = true\ntotp_issuer = \"tests\"\n\
         totp_secrets = {1 = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\"}";
    let app = app("messages_by_account = \"1/hour\"\nsetups_by_account = \"3/hour\"").toml(all).start().await;
    let mut stranger = from(&app, "198.51.100.1");
    let asked = json!({"identity": "joe@lp.com", "chosen_method": "email"});
    stranger.post_json("/us-signin/send-code", asked.clone()).await;
    assert_eq!(stranger.post_json("/us-signin/send-code", asked).await.status(), 429);
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    for phone in ["+16505551212", "+16505551213", "+16505551214"] {
        let reply = joe.post_json("/us-setup", json!({"chosen_method": "sms", "phone": phone})).await;
        assert_eq!(reply.status(), 200, "{}", reply.text());
    }
    let fourth = joe.post_json("/us-setup", json!({"chosen_method": "sms", "phone": "+16505551215"})).await;
    assert_eq!(fourth.status(), 429);
}

/// Whoever fills in what an endpoint does not read, writes it in another way or is signed in still asks for one account.
#[tokio::test]
async fn no_other_way_to_ask_is_a_budget_of_its_own() {
    let app = app("messages_by_account = \"2/hour\"\nsecrets_by_account = \"2/hour\"")
        .toml("[jwt]\nenabled = true\n[security]\nusername_enable = true")
        .start()
        .await;
    let mut gene = from(&app, "203.0.113.1");
    gene.sign_in("gene@lp.com").await;
    let mut statuses = Vec::new();
    for (at, body) in [
        json!({"email": "joe@lp.com"}),
        json!({"identity": "somebody else", "email": "joe@lp.com"}),
        json!({"identity": "a", "username": "b", "phone": "c", "email": "joe@lp.com"}),
        json!({"email": ["joe@lp.com"]}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut stranger = from(&app, &format!("192.0.2.{at}"));
        statuses.push(stranger.post_json("/reset", body).await.status());
    }
    statuses.push(gene.post_json("/reset", json!({"email": "joe@lp.com"})).await.status());
    assert_eq!(statuses, [200, 200, 429, 429, 429]);
    assert_eq!(app.mails().await.len(), 2);
    // What somebody does with their own account is counted once.
    for status in [200, 429] {
        assert_eq!(gene.post_json("/reset", json!({"email": "gene@lp.com"})).await.status(), status);
    }
    for (at, status) in [401, 401, 429].into_iter().enumerate() {
        let mut stranger = from(&app, &format!("192.0.2.{at}"));
        let reply = stranger.post_json("/authenticate", json!({"uid": "matt@lp.com", "password": "wrong"})).await;
        assert_eq!(reply.status(), status);
    }
}
