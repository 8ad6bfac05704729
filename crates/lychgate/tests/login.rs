//! Signing in with a password.
#![allow(clippy::unwrap_used)]

use axum::{Router, routing::get};
use lychgate::{
    Event, guard,
    store::{NewUser, UserPatch},
};
use lychgate_passwords::Context;
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, Reply, TestApp};
use rstest::rstest;
use serde_json::json;
use url::Url;

/// CSRF tokens have tests of their own.
fn app() -> AppBuilder {
    let basic = |routes: Router| routes.route("/basic", get(async || "in").route_layer(guard::basic()));
    TestApp::builder().toml("[csrf]\nenabled = false").routes(basic)
}

async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> Reply {
    browser.post_json("/login", json!({"email": email, "password": password})).await
}

#[rstest]
#[tokio::test]
async fn a_person_signs_in(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = TestApp::builder().on(database).start().await;
    let mut browser = app.browser();
    let page = browser.get("/login?next=/whoami").await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.header("cache-control"), "private, no-store");
    let token = page.csrf_token();
    let fields = [("email", "joe@lp.com"), ("password", PASSWORD), ("csrf_token", token.as_str())];
    let reply = browser.post_form("/login?next=/whoami", &fields).await;
    assert_eq!(reply.location(), "/whoami");
    assert_eq!(browser.who().await, "joe@lp.com");
    let id = app.user("joe@lp.com").await.id;
    let signed_in = Event::UserAuthenticated { user_id: id, via: "password" };
    let changed = Event::IdentityChanged { user_id: Some(id), auth_type: Some("session".into()) };
    assert_eq!(app.take_events(), [signed_in, changed]);
}

#[rstest]
#[tokio::test]
async fn a_program_signs_in(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = TestApp::builder().on(database).start().await;
    let mut browser = app.browser();
    let asked = browser.get_json("/login").await;
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.response()["identity_attributes"], json!(["email"]));
    let token = asked.csrf_token();
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD, "csrf_token": token});
    let reply = browser.post_json("/login", fields).await;
    assert_eq!(reply.status(), 200);
    let token = reply.csrf_token();
    let user = json!({"email": "joe@lp.com"});
    assert_eq!(reply.response(), json!({"csrf_token": token, "tf_required": false, "user": user}));
    assert!(reply.text().starts_with(r#"{"meta":{"code":200},"response":{"#) && reply.text().ends_with("}\n"));
    assert_eq!(browser.who().await, "joe@lp.com");
    assert_eq!(browser.get_json("/login").await.response()["user"], user);
}

#[tokio::test]
async fn every_page_has_what_a_browser_needs() {
    let app = TestApp::builder().start().await;
    let page = app.browser().get("/login?next=/a%26b").await;
    for input in ["email", "password", "remember", "csrf_token", "submit"] {
        assert!(page.text().contains(&format!("id=\"{input}\"")), "{input}: {}", page.text());
    }
    assert!(page.text().contains(r#"action="/login?next=/a%26b""#), "{}", page.text());
    assert!(page.text().contains(r#"name="login_user_form""#));
}

#[rstest]
#[case::unknown("nobody@lp.com", "password", "email", "USER_DOES_NOT_EXIST")]
#[case::wrong_password("joe@lp.com", "passwort", "password", "INVALID_PASSWORD")]
#[case::password_with_a_tail("joe@lp.com", "password\0", "password", "INVALID_PASSWORD")]
#[case::other_case("joe@lp.com", "Password", "password", "INVALID_PASSWORD")]
#[case::no_password_set("jess@lp.com", "password", "password", "INVALID_PASSWORD")]
#[case::inactive("tiya@lp.com", "password", "email", "DISABLED_ACCOUNT")]
#[case::inactive_but_wrong("tiya@lp.com", "passwort", "password", "INVALID_PASSWORD")]
#[case::no_address("", "password", "email", "EMAIL_NOT_PROVIDED")]
#[case::no_password("joe@lp.com", "", "password", "PASSWORD_NOT_PROVIDED")]
#[case::no_password_set_none_given("jess@lp.com", "", "password", "PASSWORD_NOT_PROVIDED")]
#[case::no_address_at_all("joe", "password", "email", "INVALID_EMAIL_ADDRESS")]
#[case::nul_in_address("joe@lp.com\0", "password", "email", "INVALID_EMAIL_ADDRESS")]
#[tokio::test]
async fn refusals_say_what_is_wrong(
    #[case] email: &str,
    #[case] password: &str,
    #[case] field: &str,
    #[case] message: &str,
) {
    let app = app().start().await;
    let mut browser = app.browser();
    let reply = sign_in(&mut browser, email, password).await;
    assert_eq!(reply.status(), 400);
    assert_eq!(reply.response(), json!({"errors": [message], "field_errors": {field: [message]}}));
    let page = browser.post_form("/login", &[("email", email), ("password", password)]).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains(&format!(r#"<li class="fs-error-msg">{message}</li>"#)), "{}", page.text());
    assert!(password.is_empty() || !page.text().contains(&format!("value=\"{password}\"")));
    assert_eq!(browser.who().await, "nobody");
}

#[tokio::test]
async fn a_failure_is_an_event_for_known_users() {
    let app = app().start().await;
    let id = app.user("joe@lp.com").await.id;
    sign_in(&mut app.browser(), "joe@lp.com", "passwort").await;
    assert_eq!(app.take_events(), [Event::UserFailedAuthentication { user_id: Some(id), via: "password" }]);
}

#[rstest]
#[tokio::test]
async fn addresses_are_found_in_any_case(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("JOE@LP.COM", "Joe@Lp.Com")] email: &str,
) {
    let app = app().on(database).start().await;
    let mut browser = app.browser();
    assert_eq!(sign_in(&mut browser, email, PASSWORD).await.status(), 200);
    assert_eq!(browser.who().await, "joe@lp.com");
}

#[tokio::test]
async fn passwords_are_read_in_one_unicode_form() {
    let app = app().start().await;
    let wide = "\u{ff50}\u{ff41}\u{ff53}\u{ff53}\u{ff57}\u{ff4f}\u{ff52}\u{ff44}";
    assert_eq!(sign_in(&mut app.browser(), "joe@lp.com", wide).await.status(), 200);
}

#[tokio::test]
async fn usernames_sign_in_where_they_are_in_use() {
    let app = app().toml("[security]\nusername_enable = true").start().await;
    let mut browser = app.browser();
    let attributes = &browser.get_json("/login").await.response()["identity_attributes"];
    assert_eq!(*attributes, json!(["email", "username"]));
    let fields = json!({"username": "JOE", "password": PASSWORD});
    assert_eq!(browser.post_json("/login", fields).await.status(), 200);
    assert_eq!(browser.who().await, "joe@lp.com");

    let mut browser = app.browser();
    let both = json!({"username": "joe", "email": "matt@lp.com", "password": PASSWORD});
    assert_eq!(browser.post_json("/login", both).await.status(), 200);
    assert_eq!(browser.who().await, "matt@lp.com", "the address wins");

    let unknown = json!({"username": "nobody", "password": PASSWORD});
    let reply = app.browser().post_json("/login", unknown).await;
    assert_eq!(reply.field_errors(), json!({"username": ["USER_DOES_NOT_EXIST"]}));
    let neither = app.browser().post_json("/login", json!({"password": PASSWORD})).await;
    assert_eq!(neither.field_errors(), json!({"": ["USER_DOES_NOT_EXIST"]}));
}

/// What a reply tells beside the time and random values.
fn told(reply: &Reply) -> (u16, Vec<(String, usize)>, String) {
    let headers = reply.headers().iter().map(|(name, value)| (name.to_string(), value.len())).collect();
    (reply.status(), headers, reply.text().to_owned())
}

#[rstest]
#[tokio::test]
async fn generic_replies_are_the_same_for_everybody(#[values(false, true)] json: bool) {
    let app = app().toml("[security]\nreturn_generic_responses = true\nconfirmable = true").start().await;
    let confirmed_at = Some(Some(app.now()));
    app.update("tiya@lp.com", UserPatch { confirmed_at, ..UserPatch::default() }).await;
    let mut seen = Vec::new();
    for (email, password) in [
        ("nobody@lp.com", PASSWORD),
        ("joe@lp.com", "passwort"),
        ("joe@lp.com", PASSWORD), // not confirmed
        ("tiya@lp.com", PASSWORD),
        ("jess@lp.com", PASSWORD),
        ("not an address", PASSWORD),
        ("joe@lp.com", ""),
    ] {
        let mut browser = app.browser();
        let reply = if json {
            sign_in(&mut browser, email, password).await
        } else {
            browser.post_form("/login", &[("email", email), ("password", password)]).await
        };
        let (status, headers, text) = told(&reply);
        // The page shows what was typed, and that alone may differ.
        seen.push((status, headers, text.replace(&format!("value=\"{email}\""), "")));
    }
    assert!(seen[0].2.contains("GENERIC_AUTHN_FAILED"), "{}", seen[0].2);
    for other in &seen[1..] {
        assert_eq!(other, &seen[0]);
    }
}

#[rstest]
#[case::empty("")]
#[case::blank(" ")]
#[case::plain_text("password")]
#[case::marked_plain_text("{plaintext}password")]
#[case::null_word("None")]
#[case::unusable("!")]
#[case::cut_off("$argon2id$v=19$m=64,t=1,p=1$")]
#[case::empty_digest("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$")]
#[case::greedy("$argon2id$v=19$m=4294967295,t=4294967295,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA")]
#[tokio::test]
async fn a_column_that_is_no_hash_accepts_nothing(
    #[case] stored: &str,
    #[values("", " ", "password", "None", "!")] password: &str,
) {
    let app = app().start().await;
    app.update("joe@lp.com", UserPatch { password: Some(Some(stored.to_owned())), ..UserPatch::default() }).await;
    let mut browser = app.browser();
    assert_eq!(sign_in(&mut browser, "joe@lp.com", password).await.status(), 400);
    assert_eq!(browser.call("GET", "/basic").basic("joe@lp.com", password).send().await.status(), 401);
}

#[tokio::test]
async fn bcrypt_reads_passwords_to_their_end() {
    let settings = "[security]\npassword_hash = \"bcrypt\"\npassword_hash_passlib_options = { bcrypt__rounds = 4 }\n";
    let whole = "a".repeat(72);
    for single in [false, true] {
        let app = app().toml(&format!("{settings}password_single_hash = {single}")).start().await;
        let joe = app.user("joe@lp.com").await;
        assert!(joe.password.as_deref().unwrap().starts_with("$2b$04$"));
        for tail in ["\0", "\0x", " "] {
            let reply = sign_in(&mut app.browser(), "joe@lp.com", &format!("{PASSWORD}{tail}")).await;
            assert_eq!(reply.status(), 400, "{single} {tail:?}");
        }
        let accounts = app.gate().accounts();
        accounts.change_password(&joe, &whole).await.unwrap();
        assert_eq!(sign_in(&mut app.browser(), "joe@lp.com", &whole).await.status(), 200);
        let joe = app.user("joe@lp.com").await;
        if single {
            // Hashed alone, what stands behind 72 bytes would not count: nobody gets such a password.
            accounts.change_password(&joe, &format!("{whole}b")).await.unwrap_err();
        } else {
            let reply = sign_in(&mut app.browser(), "joe@lp.com", &format!("{whole}b")).await;
            assert_eq!(reply.status(), 400);
        }
    }
}

#[rstest]
#[tokio::test]
async fn an_old_hash_is_renewed(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let old = Context::builder()
        .schemes(["pbkdf2_sha256"])
        .default_scheme("pbkdf2_sha256")
        .salt(app.gate().settings().text("password_salt"))
        .option("pbkdf2_sha256__rounds", 1000)
        .build()
        .unwrap()
        .hash(PASSWORD)
        .unwrap();
    app.update("joe@lp.com", UserPatch { password: Some(Some(old)), ..UserPatch::default() }).await;
    assert_eq!(sign_in(&mut app.browser(), "joe@lp.com", "passwort").await.status(), 400);
    assert!(
        app.user("joe@lp.com").await.password.as_deref().unwrap().starts_with("$pbkdf2"),
        "only who knows it renews it"
    );
    let mut browser = app.browser();
    assert_eq!(sign_in(&mut browser, "joe@lp.com", PASSWORD).await.status(), 200);
    assert!(app.user("joe@lp.com").await.password.as_deref().unwrap().starts_with("$argon2id$"));
    assert_eq!(browser.who().await, "joe@lp.com", "a renewed hash ends no session");
    assert_eq!(sign_in(&mut app.browser(), "joe@lp.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn who_must_confirm_cannot_sign_in_before() {
    let settings = "[security]\nconfirmable = true\nrequires_confirmation_error_view = \"/confirm-first\"";
    let app = app().toml(settings).start().await;
    let mut browser = app.browser();
    let reply = sign_in(&mut browser, "joe@lp.com", PASSWORD).await;
    assert_eq!(browser.call("GET", "/basic").basic("joe@lp.com", PASSWORD).send().await.status(), 401);
    assert_eq!(reply.field_errors(), json!({"email": ["CONFIRMATION_REQUIRED"]}));
    let reply = browser.post_form("/login", &[("email", "joe@lp.com"), ("password", PASSWORD)]).await;
    assert_eq!(reply.location(), "/confirm-first?email=joe%40lp.com");
    app.update("joe@lp.com", UserPatch { confirmed_at: Some(Some(app.now())), ..UserPatch::default() }).await;
    assert_eq!(sign_in(&mut browser, "joe@lp.com", PASSWORD).await.status(), 200);
}

#[rstest]
#[tokio::test]
async fn sign_ins_are_counted_where_asked(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).toml("[security]\ntrackable = true").start().await;
    let first = app.now();
    sign_in(&mut app.browser(), "joe@lp.com", PASSWORD).await;
    let joe = app.user("joe@lp.com").await;
    assert_eq!((joe.login_count, joe.current_login_at, joe.last_login_at), (Some(1), Some(first), Some(first)));
    assert_eq!((joe.current_login_ip.as_deref(), joe.last_login_ip.as_deref()), (Some("127.0.0.1"), None));
    app.advance(60);
    let mut browser = app.browser();
    browser.peer = ([127, 0, 0, 2], 1).into();
    sign_in(&mut browser, "joe@lp.com", PASSWORD).await;
    let joe = app.user("joe@lp.com").await;
    assert_eq!((joe.login_count, joe.current_login_at, joe.last_login_at), (Some(2), Some(app.now()), Some(first)));
    assert_eq!((joe.current_login_ip.as_deref(), joe.last_login_ip.as_deref()), (Some("127.0.0.2"), Some("127.0.0.1")));
}

#[rstest]
#[tokio::test]
async fn nobody_is_led_to_another_site(
    #[values(
        "//evil.com",
        "///evil.com",
        "////evil.com",
        "/\\evil.com",
        "\\\\evil.com",
        "\\/evil.com",
        "/%5cevil.com",
        "\t//evil.com",
        "/\t/evil.com",
        "/\n/evil.com",
        "\u{1}//evil.com",
        "https:evil.com",
        "https:/evil.com",
        "http:///evil.com",
        "https://localhost@evil.com/",
        "https://evil.com#@localhost",
        "https://localhost:443@evil.com",
        "https://localhost.evil.com",
        "https://evil.com\\.localhost",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "\u{1}javascript:alert(1)",
        "http://[bad",
        "//evil.com/..//localhost",
        "/..//evil.com",
        "/.//evil.com",
        ".//evil.com",
        "\u{3000}//evil.com"
    )]
    target: &str,
) {
    let app = app().start().await;
    let base = Url::parse("http://localhost/login").unwrap();
    let in_query = form_urlencoded::Serializer::new(String::new()).append_pair("next", target).finish();
    for (path, next) in [("/login".to_owned(), target), (format!("/login?{in_query}"), "")] {
        let mut browser = app.browser();
        let fields = [("email", "joe@lp.com"), ("password", PASSWORD), ("next", next)];
        let reply = browser.post_form(&path, &fields).await;
        if reply.status() == 302 {
            let led_to = base.join(reply.location()).unwrap();
            assert_eq!(
                (led_to.scheme(), led_to.host_str(), led_to.port()),
                ("http", Some("localhost"), None),
                "{led_to}"
            );
        } else {
            assert!(reply.text().contains("INVALID_REDIRECT"), "{}", reply.text());
            assert_eq!(browser.who().await, "nobody");
        }
        let page = app.browser().get(&path).await;
        assert_eq!(page.status(), 200);
        let actions = page.text().split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
        for action in actions {
            let action = action.replace("&amp;", "&").replace("&#39;", "'");
            assert_eq!(base.join(&action).unwrap().host_str(), Some("localhost"), "{action}");
        }
    }
}

#[tokio::test]
async fn a_refused_next_is_an_error_of_its_field() {
    let app = app().start().await;
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD, "next": "http://evil.com"});
    let reply = app.browser().post_json("/login", fields).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"next": ["INVALID_REDIRECT"]})));
}

#[tokio::test]
async fn next_may_name_an_endpoint_and_the_field_wins() {
    let settings = "[security]\npost_login_view = \"dashboard\"";
    let app = app().toml(settings).configure(|builder| builder.endpoint("dashboard", "/dash")).start().await;
    for (path, next, leads_to) in [
        ("/login", "", "/dash"),
        ("/login", "dashboard", "/dash"),
        ("/login", ".login", "/login"),
        ("/login?next=/b", "/a", "/a"),
        ("/login?next=/b", "", "/b"),
        ("/login?next=/b?x%3D1%26y%3D2", "", "/b?x=1&y=2"),
    ] {
        let fields = [("email", "joe@lp.com"), ("password", PASSWORD), ("next", next)];
        assert_eq!(app.browser().post_form(path, &fields).await.location(), leads_to, "{path} {next}");
    }
}

#[tokio::test]
async fn whoever_is_signed_in_goes_on_to_the_usual_place() {
    let app = app().toml("[security]\npost_login_view = \"/home\"").start().await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    // A `next` that asks for more than a session would lead straight back here, for ever.
    assert_eq!(browser.get("/login?next=/whoami").await.location(), "/home");
    let fields = [("email", "matt@lp.com"), ("password", PASSWORD)];
    assert_eq!(browser.post_form("/login?next=/whoami", &fields).await.location(), "/home");
    let reply = sign_in(&mut browser, "matt@lp.com", PASSWORD).await;
    assert_eq!((reply.status(), reply.response()), (400, json!({"errors": ["ANONYMOUS_USER_REQUIRED"]})));
    assert_eq!(browser.who().await, "joe@lp.com");
}

#[tokio::test]
async fn looking_at_the_page_signs_nobody_in() {
    let app = app().start().await;
    let query = "/login?email=joe@lp.com&password=password&_method=POST";
    for method in ["GET", "HEAD"] {
        let mut browser = app.browser();
        let reply = browser.call(method, query).header("x-http-method-override", "POST").send().await;
        assert_eq!(reply.status(), 200);
        assert_eq!(browser.who().await, "nobody");
        assert!(!reply.text().contains(PASSWORD.to_owned().as_str()) || !reply.text().contains("value=\"password\""));
    }
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(app.browser().call(method, "/login").send().await.status(), 405);
    }
}

#[tokio::test]
async fn a_full_queue_of_hashes_says_when_to_come_back() {
    let app = app().empty().configure(|builder| builder.max_waiting_hashes(0)).start().await;
    for _ in 0..3 {
        let reply = sign_in(&mut app.browser(), "joe@lp.com", PASSWORD).await;
        assert_eq!((reply.status(), reply.response()), (503, json!({"errors": ["TRY_AGAIN_LATER"]})));
        assert!(reply.header("retry-after").parse::<u32>().unwrap() > 0);
    }
    assert_eq!(app.browser().who().await, "nobody", "other requests are served");
}

#[tokio::test]
async fn passwords_that_are_too_long_are_refused_before_any_hash() {
    // With no room for a hash, a request that came to hashing would be answered with 503.
    let app = app().empty().configure(|builder| builder.max_waiting_hashes(0)).start().await;
    let reply = sign_in(&mut app.browser(), "joe@lp.com", &"a".repeat(1_000_000)).await;
    assert_eq!((reply.status(), reply.response()), (413, json!({"errors": ["BODY_TOO_LARGE"]})));
}

#[tokio::test]
async fn unknown_users_cost_a_hash_too() {
    let app = app().empty().configure(|builder| builder.max_waiting_hashes(0)).start().await;
    let mut jess = NewUser::new("jess@lp.com", "u");
    jess.username = Some("jess".to_owned());
    app.store().create_user(jess, app.now()).await.unwrap();
    // Where no hash can be computed, nobody is told that they are unknown or have no password.
    for email in ["nobody@lp.com", "jess@lp.com"] {
        assert_eq!(sign_in(&mut app.browser(), email, PASSWORD).await.status(), 503, "{email}");
    }
    let basic = app.browser().call("GET", "/basic").basic("nobody@lp.com", PASSWORD).send().await;
    assert_eq!(basic.status(), 503);
}

#[tokio::test]
async fn the_modern_profile_tells_nothing_and_guards_its_cookies() {
    let app = TestApp::builder().toml("profile = \"modern\"").start().await;
    let mut browser = app.browser();
    browser.origin = "https://localhost".to_owned();
    let token = browser.get_json("/login").await.csrf_token();
    let fields = json!({"email": "joe@lp.com", "password": "wrong", "csrf_token": token});
    let call = browser.call("POST", "/login").header("referer", "https://localhost/login");
    let reply = call.json(&fields).send().await;
    assert_eq!(reply.response()["errors"], json!(["GENERIC_AUTHN_FAILED"]));
    let fields = json!({"email": "joe@lp.com", "password": PASSWORD, "csrf_token": token, "remember": true});
    let call = browser.call("POST", "/login").header("referer", "https://localhost/login");
    let reply = call.json(&fields).send().await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    for name in ["session", "remember_token"] {
        let cookie = reply.set_cookie(name).unwrap();
        for attribute in ["; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert!(!cookie.contains("Domain") && cookie.len() < 4096);
    }
}

#[tokio::test]
async fn secrets_of_a_request_are_nowhere_in_its_reply() {
    let app = app().start().await;
    let canary = "canary-7f3a";
    let json = json!({"email": "joe@lp.com", "password": canary, "next": "/x"});
    let replies = [
        app.browser().post_json("/login", json).await,
        app.browser().post_form("/login", &[("email", "joe@lp.com"), ("password", canary)]).await,
    ];
    for reply in replies {
        assert!(!reply.text().contains(canary));
        assert!(!format!("{:?}", reply.headers()).contains(canary));
    }
}
