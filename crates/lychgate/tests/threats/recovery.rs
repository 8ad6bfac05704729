//! T37, T44: accounts that somebody else made first, and links opened while somebody else is there.

use lychgate::store::UserPatch;
use lychgate_testkit::{Browser, Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::json;

const ON: &str = r#"
[security]
api_keys = true
api_enabled_methods = ["session", "token", "api_key"]
confirmable = true
login_without_confirmation = true
recoverable = true
refresh_token = true
refresh_token_cookie_name = false
registerable = true
[csrf]
enabled = false
"#;

const NEW: &str = "a password that only the owner knows";

async fn recover(app: &TestApp, owner: &mut Browser, email: &str) {
    assert_eq!(owner.post_json("/reset", json!({"email": email})).await.status(), 200);
    let link = app.mailed_link("/reset").await;
    let reply = owner.post_json(&link, json!({"password": NEW, "password_confirm": NEW})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
}

#[rstest]
#[tokio::test]
async fn t37_nothing_is_left_to_whoever_took_the_address_first(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = TestApp::builder().toml(ON).on(database).start().await;
    let email = "victim@lp.com";
    let mut attacker = app.browser();
    let fields = json!({"email": email, "password": PASSWORD, "password_confirm": PASSWORD});
    assert_eq!(attacker.post_json("/register", fields).await.status(), 200);
    let mut attacker = app.browser();
    let fields = json!({"email": email, "password": PASSWORD, "remember": true});
    let signed_in = attacker.post_json("/login?include_auth_token", fields.clone()).await;
    assert_eq!(signed_in.status(), 200, "{}", signed_in.text());
    let user = &signed_in.response()["user"];
    let text = |name: &str| user[name].as_str().unwrap().to_owned();
    let (token, refresh) = (text("authentication_token"), text("refresh_token"));
    let made = attacker.post_json("/account/keys", json!({"name": "mine"})).await;
    let key = made.response()["key"].as_str().unwrap().to_owned();
    app.mails().await;
    // Whoever reads the mail takes the account over.
    recover(&app, &mut app.browser(), email).await;
    assert_eq!(attacker.who().await, "nobody", "session and remember-me cookie");
    let mut program = app.browser();
    for (name, value) in [("authentication-token", &token), ("authorization", &format!("Bearer {key}"))] {
        let who = program.call("GET", "/whoami").header(name, value).send().await;
        assert!(who.status() != 200 || who.json()["email"].is_null(), "{name}: {}", who.text());
    }
    assert_eq!(program.post_json("/refresh-token", json!({"refresh_token": refresh})).await.status(), 400);
    assert_eq!(app.browser().post_json("/login", fields).await.status(), 400, "the old password");
}

#[tokio::test]
async fn t44_a_reset_link_leaves_whoever_is_signed_in_alone() {
    let app = TestApp::builder().toml(ON).start().await;
    let confirmed = || UserPatch { confirmed_at: Some(Some(app.now())), ..UserPatch::default() };
    app.update("joe@lp.com", confirmed()).await;
    app.update("matt@lp.com", confirmed()).await;
    let before = app.user("joe@lp.com").await.password.clone();
    app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let link = app.mailed_link("/reset").await;
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    matt.get(&link).await;
    assert_eq!(matt.who().await, "matt@lp.com");
    assert_eq!(app.user("joe@lp.com").await.password, before, "a page alone changes nothing");
    // Joe, who has the mail, goes on elsewhere.
    let mut joe = app.browser();
    assert_eq!(joe.post_json(&link, json!({"password": NEW, "password_confirm": NEW})).await.status(), 200);
    assert_eq!(matt.who().await, "matt@lp.com");
}
