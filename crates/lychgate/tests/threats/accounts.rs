//! T35, T36, T40: what a stranger can write into accounts.

use lychgate_testkit::{Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::{Value, json};

const OPEN: &str = "[security]\nregisterable = true\nconfirmable = true\n[csrf]\nenabled = false";

/// Members that nobody but the application may set.
fn greedy(email: &str) -> Value {
    json!({
        "email": email, "password": PASSWORD, "password_confirm": PASSWORD,
        "active": false, "id": 1, "fs_uniquifier": "chosen", "fs_token_uniquifier": "chosen", "email_verified": true,
        "confirmed_at": "2020-01-01T00:00:00", "roles": ["admin"], "role": "admin", "roles[0]": "admin",
        "user": {"roles": ["admin"], "active": false}, "tenant": 1, "is_admin": true, "admin": true,
        "tf_primary_method": "sms", "tf_phone_number": "+15551234567", "us_phone_number": "+15551234567",
        "create_datetime": "2020-01-01T00:00:00", "login_count": 99, "last_login_ip": "1.2.3.4",
    })
}

#[rstest]
#[tokio::test]
async fn t35_nothing_but_the_fields_of_the_form_is_taken(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = TestApp::builder().toml(OPEN).on(database).start().await;
    let reply = app.browser().post_json("/register", greedy("one@lp.com")).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let fields = greedy("two@lp.com");
    let texts: Vec<(&str, String)> = fields
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let reply = app.browser().post_form("/register", &texts).await;
    assert!(reply.status() < 400, "{}", reply.text());
    for email in ["one@lp.com", "two@lp.com"] {
        let user = app.user(email).await;
        assert!(user.active && user.roles.is_empty() && user.confirmed_at.is_none(), "{user:?}");
        assert!(user.id > 1 && user.fs_uniquifier.len() >= 32, "{user:?}");
        assert!(user.tf_primary_method.is_none() && user.tf_phone_number.is_none(), "{user:?}");
    }
}

#[tokio::test]
async fn t36_a_key_belongs_to_whoever_makes_it() {
    let on = "[security]\napi_keys = true\napi_enabled_methods = [\"session\", \"api_key\"]\n[csrf]\nenabled = false";
    let app = TestApp::builder().toml(on).start().await;
    let (joe, matt) = (app.user("joe@lp.com").await, app.user("matt@lp.com").await);
    let fields = json!({
        "name": "n", "user_id": matt.id, "userId": matt.id, "user": matt.id, "owner": matt.id, "email": matt.email,
        "fs_uniquifier": matt.fs_uniquifier,
    });
    assert_eq!(app.browser().post_json("/account/keys", fields.clone()).await.status(), 401);
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let reply = browser.post_json("/account/keys", fields).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    assert_eq!(app.store().api_keys(Some(joe.id)).await.unwrap().len(), 1);
    assert_eq!(app.store().api_keys(Some(matt.id)).await.unwrap().len(), 0);
}

#[tokio::test]
async fn t40_where_nobody_registers_there_is_no_other_door() {
    let toml = "[security]\nregisterable = false\nunified_signin = true\nconfirmable = true\nrecoverable = true\n\
                webauthn = true";
    let app = TestApp::builder().toml(crate::second_factor::ON).toml(toml).start().await;
    let before = app.store().count_users().await.unwrap();
    let email = "new@lp.com";
    for (path, fields) in [
        ("/register", json!({"email": email, "password": PASSWORD, "password_confirm": PASSWORD})),
        ("/login", json!({"email": email, "password": PASSWORD, "register": true})),
        ("/us-signin/send-code", json!({"identity": email, "chosen_method": "email"})),
        ("/us-signin", json!({"identity": email, "passcode": "123456"})),
        ("/confirm", json!({"email": email})),
        ("/reset", json!({"email": email})),
        ("/wan-register", json!({"name": "mine"})),
        ("/register/invitation", json!({"email": email, "password": PASSWORD})),
    ] {
        let reply = app.browser().post_json(path, fields).await;
        assert!(reply.status() < 500, "{path}: {}", reply.text());
        assert_eq!(app.store().count_users().await.unwrap(), before, "{path}");
        assert!(app.mails().await.is_empty(), "{path}");
    }
    assert_eq!(app.browser().get("/register").await.status(), 404);
}
