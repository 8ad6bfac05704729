//! Routes that ask how much was proved, and when.
#![allow(clippy::unwrap_used)]

mod second_factor;

use std::time::Duration;

use axum::{Router, routing::get};
use lychgate::guard;
use lychgate_signing::session::Value as Kept;
use lychgate_testkit::{Browser, PASSWORD, TestApp};
use second_factor::{ON, begin, code, enrol, plain, validate};
use serde_json::json;

async fn app(more: &str) -> TestApp {
    let minute = Duration::from_secs(60);
    let routes = move |routes: Router| {
        routes
            .route("/pay", get(async || "paid").route_layer(guard::fresh_second_factor(minute)))
            .route("/keys", get(async || "shown").route_layer(guard::phishing_resistant(minute)))
            .route(
                "/either",
                get(async || "in").route_layer(guard::role("admin").and(guard::fresh_second_factor(minute))),
            )
    };
    TestApp::builder().toml(ON).toml(&format!("[security]\n{more}")).routes(routes).start().await
}

async fn status(browser: &mut Browser, path: &str) -> u16 {
    browser.get_json(path).await.status()
}

async fn signed_in_by_both(app: &TestApp, email: &str) -> Browser {
    let mut browser = begin(app, email).await;
    assert_eq!(validate(&mut browser, &code(app, 0)).await, 200);
    browser
}

#[tokio::test]
async fn a_second_factor_counts_for_a_while() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = signed_in_by_both(&app, "gal@lp.com").await;
    assert_eq!(status(&mut browser, "/pay").await, 200);
    assert_eq!(status(&mut browser, "/either").await, 200);
    app.advance(61);
    let refused = browser.get_json("/pay").await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.response()["proof_required"], "second_factor");
    assert_eq!(refused.response()["reauth_required"], true);
    // The password is no second factor, however fresh.
    assert_eq!(browser.post_json("/verify", json!({"password": PASSWORD})).await.status(), 200);
    assert_eq!(status(&mut browser, "/pay").await, 401);
    let page = browser.get("/pay").await;
    assert_eq!((page.status(), page.location()), (302, "/tf-verify?next=/pay"));
    let page = browser.get("/tf-verify?next=/pay").await;
    assert!(page.text().contains(r#"name="two_factor_verify_form""#) && !page.text().contains("send_code"));
    let wrong = browser.post_form("/tf-verify?next=/pay", &[("code", "000000")]).await;
    assert!(wrong.status() == 200 && wrong.text().contains("TWO_FACTOR_INVALID_TOKEN"));
    let done = browser.post_form("/tf-verify?next=/pay", &[("code", &code(&app, 0))]).await;
    assert_eq!((done.status(), done.location()), (302, "/pay"));
    assert_eq!(status(&mut browser, "/pay").await, 200);
    // A code is used up here as everywhere.
    app.advance(61);
    let used = code(&app, 0);
    assert_eq!(browser.post_json("/tf-verify", json!({"code": used})).await.status(), 200);
    assert_eq!(browser.post_json("/tf-verify", json!({"code": used})).await.status(), 400);
    // Guesses are counted apart from those of sign-ins.
    for _ in 0..9 {
        assert_eq!(browser.post_json("/tf-verify", json!({"code": "000000"})).await.status(), 400);
    }
    assert_eq!(browser.post_json("/tf-verify", json!({"code": "000000"})).await.status(), 429);
    app.advance(30);
    signed_in_by_both(&app, "gal@lp.com").await;
}

#[tokio::test]
async fn a_code_makes_nothing_else_fresh() {
    let app = app("freshness = 60\nfreshness_grace_period = 0\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = signed_in_by_both(&app, "gal@lp.com").await;
    app.advance(61);
    assert_eq!(browser.post_json("/tf-verify", json!({"code": code(&app, 0)})).await.status(), 200);
    assert_eq!(status(&mut browser, "/tf-setup").await, 401);
}

#[tokio::test]
async fn codes_are_sent_when_asked_for() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "email").await;
    let mut browser = app.browser();
    browser.post_json("/login", json!({"email": "gal@lp.com", "password": PASSWORD})).await;
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
    app.advance(61);
    app.mails().await;
    let page = browser.get("/tf-verify").await;
    assert!(page.text().contains(r#"name="send_code""#) && app.mails().await.is_empty(), "a look sends nothing");
    let page = browser.post_form("/tf-verify", &[("send_code", "y"), ("code", "")]).await;
    assert!(page.status() == 200 && page.text().contains(r#"name="code""#), "{}", page.text());
    assert_eq!(app.mails().await.len(), 1);
    let sent = browser.post_json("/tf-verify", json!({"send_code": true})).await;
    assert_eq!(plain(&sent), json!({"tf_method": "email"}));
    let mail = app.mails().await.remove(0);
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    let code = mail.text.as_ref().unwrap().split_whitespace().find(is_code).unwrap().to_owned();
    assert_eq!(browser.post_json("/tf-verify", json!({"code": code})).await.status(), 200);
    assert_eq!(status(&mut browser, "/pay").await, 200);
}

#[tokio::test]
async fn who_has_none_sets_one_up() {
    let app = app("").await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(status(&mut browser, "/pay").await, 401);
    assert_eq!(browser.get("/pay").await.location(), "/tf-setup?next=/pay");
    assert_eq!(browser.get("/tf-verify").await.location(), "/tf-setup");
    assert_eq!(browser.get_json("/tf-verify").await.status(), 400);
    let begun = plain(&browser.post_json("/tf-setup", json!({"setup": "authenticator"})).await);
    let key = lychgate_otp::Key::from_base32(begun["tf_authr_b32key"].as_str().unwrap()).unwrap();
    let now = u64::try_from(app.now().unix_timestamp()).unwrap();
    let first = lychgate_otp::Totp::new(key).code_at(now);
    let path = format!("/tf-setup/{}", begun["tf_state_token"].as_str().unwrap());
    assert_eq!(browser.post_json(&path, json!({"code": first.as_str()})).await.status(), 200);
    assert_eq!(status(&mut browser, "/pay").await, 200, "its first code is a proof");
}

#[tokio::test]
async fn one_mailbox_is_not_two_factors() {
    let app = app("passwordless = true\n").await;
    let mut browser = app.browser();
    browser.post_json("/login", json!({"email": "joe@lp.com"})).await;
    let link = app.mailed_link("/login").await;
    browser.get(&link).await;
    assert_eq!(browser.who().await, "joe@lp.com");
    enrol(&app, "joe@lp.com", "email").await;
    browser.post_json("/tf-verify", json!({"send_code": true})).await;
    assert_eq!(browser.post_json("/tf-verify", json!({"code": code(&app, 0)})).await.status(), 200);
    assert_eq!(status(&mut browser, "/pay").await, 401);
    assert_eq!(browser.get("/pay").await.location(), "/verify?next=/pay");
    // An app beside the mailbox is.
    enrol(&app, "joe@lp.com", "authenticator").await;
    assert_eq!(browser.post_json("/tf-verify", json!({"code": code(&app, 30)})).await.status(), 200);
    assert_eq!(status(&mut browser, "/pay").await, 200);
}

#[tokio::test]
async fn strangers_tokens_and_remembered_browsers_have_proved_nothing() {
    let app = app("").await;
    let mut stranger = app.browser();
    assert_eq!(status(&mut stranger, "/pay").await, 401);
    assert_eq!(stranger.get("/pay").await.location(), "/login?next=/pay");
    assert_eq!(stranger.get("/tf-verify").await.location(), "/login?next=/tf-verify");
    let token = app.auth_token("joe@lp.com").await;
    let mut program = app.browser();
    let call = program.call("GET", "/pay").header("authentication-token", &token).header("accept", "application/json");
    assert_eq!(call.send().await.response()["proof_required"], "second_factor");
    let call = program.call("POST", "/tf-verify").header("authentication-token", &token).json(&json!({"code": "1"}));
    assert_eq!(call.send().await.status(), 401, "a proof belongs to a session");
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = app.browser();
    let fields = json!({"email": "gal@lp.com", "password": PASSWORD, "remember": true});
    browser.post_json("/login", fields).await;
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
    assert_eq!(status(&mut browser, "/pay").await, 200);
    browser.drop_cookie("session");
    assert_eq!(browser.who().await, "gal@lp.com");
    assert_eq!(status(&mut browser, "/pay").await, 401);
    // First the password, then the code.
    assert_eq!(browser.get("/pay").await.location(), "/verify?next=/pay");
    browser.post_json("/verify", json!({"password": PASSWORD})).await;
    assert_eq!(browser.get("/pay").await.location(), "/tf-verify?next=/pay");
    app.advance(30);
    assert_eq!(browser.post_json("/tf-verify", json!({"code": code(&app, 0)})).await.status(), 200);
    assert_eq!(status(&mut browser, "/pay").await, 200);
}

#[tokio::test]
async fn proofs_are_of_the_user_who_gave_them() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = signed_in_by_both(&app, "gal@lp.com").await;
    // Another server that shares the cookie signs somebody else in, and leaves alone what it does not know.
    let mut session = app.session_of(&browser);
    let joe = app.user("joe@lp.com").await;
    session.insert("_user_id".to_owned(), Kept::from(joe.fs_uniquifier.as_str()));
    session.insert("fs_paa".to_owned(), Kept::from(1_750_000_000.0));
    session.remove("lg_sid");
    let cookie = app.sessions().encode(&session, app.now().unix_timestamp()).unwrap();
    browser.set_cookie("session", &cookie);
    assert_eq!(browser.who().await, "joe@lp.com");
    assert_eq!(status(&mut browser, "/pay").await, 401);
}

#[tokio::test]
async fn a_changed_password_keeps_what_was_proved() {
    let app = app("changeable = true\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = signed_in_by_both(&app, "gal@lp.com").await;
    let new = "battery staple";
    let fields = json!({"password": PASSWORD, "new_password": new, "new_password_confirm": new});
    assert_eq!(browser.post_json("/change", fields).await.status(), 200);
    assert_eq!(status(&mut browser, "/pay").await, 200);
    app.advance(61);
    assert_eq!(status(&mut browser, "/pay").await, 401);
}

#[tokio::test]
async fn only_a_passkey_resists_phishing() {
    let app = app("webauthn = true\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = signed_in_by_both(&app, "gal@lp.com").await;
    let refused = browser.get_json("/keys").await;
    assert_eq!((refused.status(), &refused.response()["proof_required"]), (401, &json!("passkey")));
    assert_eq!(browser.get("/keys").await.location(), "/wan-register?next=/keys");
    // Where there are no passkeys nobody can get in, and the reply says so.
    let app = self::app("").await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/keys").await.status(), 403);
    assert_eq!(browser.get_json("/keys").await.status(), 401);
}

#[tokio::test]
async fn the_password_alone_changes_no_second_factor() {
    let app =
        app("webauthn = true\nwan_rp_name = \"Tests\"\nunified_signin = true\nmulti_factor_recovery_codes = true\n\
         recoverable = true\nfreshness = 600\nfreshness_grace_period = 0\n")
        .await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let pages = ["/tf-setup", "/mf-recovery-codes", "/wan-register", "/wan-delete", "/us-setup"];
    for page in pages {
        assert_eq!(status(&mut browser, page).await, 200, "{page}: there is no second factor yet");
    }
    enrol(&app, "joe@lp.com", "authenticator").await;
    assert_eq!(browser.post_json("/verify", json!({"password": PASSWORD})).await.status(), 200);
    for page in pages {
        let refused = browser.get_json(page).await;
        assert_eq!((refused.status(), &refused.response()["proof_required"]), (401, &json!("second_factor")), "{page}");
        assert_eq!(browser.post_json(page, json!({"setup": "disable"})).await.status(), 401, "{page}");
        assert_eq!(browser.get(page).await.location(), format!("/tf-verify?next={page}"));
    }
    assert!(app.user("joe@lp.com").await.tf_totp_secret.is_some());
    assert_eq!(browser.post_json("/tf-verify", json!({"code": code(&app, 0)})).await.status(), 200);
    for page in pages {
        assert_eq!(status(&mut browser, page).await, 200, "{page}");
    }
    // As old as the password may be, so old may the code.
    app.advance(601);
    assert_eq!(browser.post_json("/verify", json!({"password": PASSWORD})).await.status(), 200);
    assert_eq!(status(&mut browser, "/tf-setup").await, 401);
}

#[tokio::test]
async fn a_browser_that_is_not_asked_for_codes_changes_none() {
    let app = app("two_factor_always_validate = false\n").await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let mut browser = app.browser();
    let fields = json!({"email": "gal@lp.com", "password": PASSWORD, "remember": true});
    browser.post_json("/login", fields.clone()).await;
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
    assert_eq!(status(&mut browser, "/tf-setup").await, 200);
    browser.post_json("/logout", json!({})).await;
    browser.post_json("/login", fields).await;
    assert_eq!(browser.who().await, "gal@lp.com", "no code was asked for");
    assert_eq!(status(&mut browser, "/tf-setup").await, 401);
}

#[tokio::test]
async fn a_password_that_was_chosen_just_now_proves_nothing() {
    let app = app("passwordless = true\nchangeable = true\n").await;
    let mut browser = app.browser();
    browser.post_json("/login", json!({"email": "jess@lp.com"})).await;
    let link = app.mailed_link("/login").await;
    browser.get(&link).await;
    let new = json!({"new_password": "battery staple", "new_password_confirm": "battery staple"});
    assert_eq!(browser.post_json("/change", new).await.status(), 200);
    enrol(&app, "jess@lp.com", "email").await;
    browser.post_json("/tf-verify", json!({"send_code": true})).await;
    assert_eq!(browser.post_json("/tf-verify", json!({"code": code(&app, 0)})).await.status(), 200);
    assert_eq!(status(&mut browser, "/pay").await, 401, "a mailbox, twice");
}

/// An auth token out of the reply to `body`.
async fn token_of(browser: &mut Browser, path: &str, body: serde_json::Value) -> String {
    let reply = browser.post_json(&format!("{path}?include_auth_token"), body).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    reply.response()["user"]["authentication_token"].as_str().unwrap().to_owned()
}

/// A session that was left open and a password must not be enough to take the second factor away, also not by way of a
/// token that the password alone was proved for.
#[tokio::test]
async fn a_token_says_whether_a_second_factor_was_proved() {
    let minute = Duration::from_secs(60);
    let routes =
        move |routes: Router| routes.route("/others", get(async || "changed").route_layer(guard::fresh_proof(minute)));
    let short = "[security]\nfreshness = 60\nfreshness_grace_period = 0\napi_enabled_methods = [\"session\", \"token\", \"jwt\"]\n\
                 [jwt]\nenabled = true\nauthenticate_reply = \"json\"";
    let app = TestApp::builder().toml(ON).toml(short).routes(routes).start().await;
    enrol(&app, "gal@lp.com", "authenticator").await;
    let by_token = async |name: &str, token: &str, method: &str, path: &str| {
        let mut program = app.browser();
        let call = program.call(method, path).header(name, token).header("accept", "application/json");
        if method == "GET" { call.send().await } else { call.json(&json!({"setup": "disable"})).send().await }
    };
    let mut browser = begin(&app, "gal@lp.com").await;
    let whole = token_of(&mut browser, "/tf-validate", json!({"code": code(&app, 0)})).await;
    for path in ["/tf-setup", "/others"] {
        assert_eq!(
            by_token("authentication-token", &whole, "GET", path).await.status(),
            200,
            "{path}: both were proved"
        );
    }
    app.advance(61);
    let half = token_of(&mut browser, "/verify", json!({"password": PASSWORD})).await;
    let issued = browser.post_json("/jwt/tokens", json!({})).await;
    let jwt = format!("Bearer {}", issued.json()["access_token"].as_str().unwrap());
    for (name, token) in [("authentication-token", &half), ("authorization", &jwt)] {
        for (method, path) in [("GET", "/tf-setup"), ("POST", "/tf-setup"), ("GET", "/others")] {
            let refused = by_token(name, token, method, path).await;
            assert_eq!(refused.status(), 401, "{name} {method} {path}: {}", refused.text());
            assert_eq!(refused.response()["proof_required"], "second_factor", "{name} {method} {path}");
        }
        assert_eq!(by_token(name, token, "GET", "/whoami").await.json()["email"], "gal@lp.com");
    }
    assert_eq!(app.user("gal@lp.com").await.tf_primary_method.as_deref(), Some("authenticator"));
    // With the code, tokens from then on say so.
    assert_eq!(browser.post_json("/tf-verify", json!({"code": code(&app, 0)})).await.status(), 200);
    let whole = token_of(&mut browser, "/verify", json!({"password": PASSWORD})).await;
    let issued = browser.post_json("/jwt/tokens", json!({})).await;
    let jwt = format!("Bearer {}", issued.json()["access_token"].as_str().unwrap());
    for (name, token) in [("authorization", &jwt), ("authentication-token", &whole)] {
        assert_eq!(by_token(name, token, "GET", "/others").await.status(), 200, "{name}");
        let off = by_token(name, token, "POST", "/tf-setup").await;
        // The second has nothing left to take away.
        assert_eq!(off.status(), if name == "authorization" { 200 } else { 400 }, "{name}: {}", off.text());
    }
}

/// The address gets links for a new password and mailed codes; a key acts without any proof.
#[tokio::test]
async fn what_opens_the_account_later_asks_for_both_factors() {
    let app = app("freshness = 60\nfreshness_grace_period = 0\nchange_email = true\napi_keys = true\n").await;
    enrol(&app, "gal@lp.com", "email").await;
    let mut browser = begin(&app, "gal@lp.com").await;
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 200);
    app.advance(61);
    assert_eq!(browser.post_json("/verify", json!({"password": PASSWORD})).await.status(), 200);
    app.mails().await;
    let changes = [
        ("/change-email", json!({"email": "elsewhere@lp.com"})),
        ("/account/keys", json!({"name": "build", "scopes": []})),
    ];
    for (path, body) in &changes {
        let refused = browser.post_json(path, body.clone()).await;
        assert_eq!(refused.status(), 401, "{path}: {}", refused.text());
        assert_eq!(refused.response()["proof_required"], "second_factor", "{path}");
    }
    assert!(app.mails().await.is_empty());
    assert_eq!(browser.get("/change-email").await.location(), "/tf-verify?next=/change-email");
    assert!(browser.get("/account/keys").await.text().contains("/tf-verify?next=/account/keys"));
    assert_eq!(browser.post_json("/tf-verify", json!({"send_code": true})).await.status(), 200);
    assert_eq!(browser.post_json("/tf-verify", json!({"code": code(&app, 0)})).await.status(), 200);
    for (path, body) in changes {
        assert_eq!(browser.post_json(path, body).await.status(), 200, "{path}");
    }
}
