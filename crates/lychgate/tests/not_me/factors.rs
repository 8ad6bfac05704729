//! Second factors and the link: an intruder's ones go if the owner had one before; whoever only reads the mail takes none
//! away.

use lychgate::store::Credential;
use lychgate_otp::{Key, Totp};

use super::{
    second_factor::{STORED, code, enrol},
    *,
};

const PHRASE: &str = "yet another phrase";

async fn on(database: Database) -> TestApp {
    let more = "[security]\ntwo_factor = true\ntotp_issuer = \"x\"\nwebauthn = true\nwan_rp_name = \"Tests\"\n\
                totp_secrets = { 1 = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\" }";
    app().on(database).toml(more).start().await
}

async fn secure(app: &TestApp, link: &str) -> Value {
    app.mails().await;
    let done = app.browser().post_json(link, json!({})).await;
    assert_eq!(done.status(), 200, "{}", done.text());
    done.response()["second_factor"].take()
}

/// Sets codes of an app up in an open session, and gives the key.
async fn set_up_app(app: &TestApp, browser: &mut Browser) -> Totp {
    let begun = browser.post_json("/tf-setup", json!({"setup": "authenticator"})).await;
    assert_eq!(begun.status(), 200, "{}", begun.text());
    let begun = begun.response();
    let totp = Totp::new(Key::from_base32(begun["tf_authr_b32key"].as_str().unwrap()).unwrap());
    let path = format!("/tf-setup/{}", begun["tf_state_token"].as_str().unwrap());
    let reply = browser.post_json(&path, json!({"code": at(app, &totp)})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    app.mails().await;
    totp
}

fn at(app: &TestApp, totp: &Totp) -> String {
    totp.code_at(u64::try_from(app.now().unix_timestamp()).unwrap()).as_str().to_owned()
}

/// Chooses a new password by mail and signs in with it, as whoever reads Joe's mail can.
async fn by_mail(app: &TestApp) -> (Browser, Value) {
    app.advance(60);
    app.mails().await;
    app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let reset = app.mailed_link("/reset").await;
    let fields = json!({"password": PHRASE, "password_confirm": PHRASE});
    let reply = app.browser().post_json(&reset, fields).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let mut browser = app.browser();
    let reply = browser.post_json("/login", json!({"email": "joe@lp.com", "password": PHRASE})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    (browser, reply.response())
}

async fn give_passkey(app: &TestApp, name: &str, usage: &str) {
    let joe = app.user("joe@lp.com").await;
    let mut batch = app.store().batch();
    batch.add_credential(&Credential {
        credential_id: name.as_bytes().to_vec(),
        public_key: vec![1],
        sign_count: 0,
        transports: Vec::new(),
        backup_state: false,
        device_type: "single_device".to_owned(),
        extensions: None,
        created_at: app.now(),
        last_used_at: app.now(),
        name: name.to_owned(),
        usage: usage.to_owned(),
        user_id: joe.id,
    });
    app.store().commit(batch).await.unwrap();
}

async fn passkeys(app: &TestApp) -> Vec<String> {
    let all = app.store().credentials_of(app.user("joe@lp.com").await.id).await.unwrap();
    all.into_iter().map(|key| key.name).collect()
}

/// Joe signs in with the app that he has, and changes his password; the browser, and the link of the notice.
async fn changed_with_app(app: &TestApp) -> (Browser, String) {
    enrol(app, "joe@lp.com", "authenticator").await;
    let mut browser = app.browser();
    browser.post_json("/login", json!({"email": "joe@lp.com", "password": PASSWORD})).await;
    assert_eq!(browser.post_json("/tf-validate", json!({"code": code(app, 0)})).await.status(), 200);
    app.mails().await;
    let fields = json!({"password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD});
    assert_eq!(browser.post_json("/change", fields).await.status(), 200);
    (browser, app.mailed_link("/not-me").await)
}

#[rstest]
#[tokio::test]
async fn the_owners_app_comes_back(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = on(database).await;
    let (mut intruder, link) = changed_with_app(&app).await;
    app.advance(60);
    let mut foreign = set_up_app(&app, &mut intruder).await;
    // Many changes hide nothing.
    for _ in 0..9 {
        app.advance(60);
        foreign = set_up_app(&app, &mut intruder).await;
    }
    give_passkey(&app, "intruder", "secondary").await;
    give_passkey(&app, "intruder too", "first").await;
    assert_eq!(secure(&app, &link).await, true);
    assert_eq!(passkeys(&app).await, Vec::<String>::new());
    assert_eq!(app.user("joe@lp.com").await.tf_totp_secret.as_deref(), Some(STORED));
    let (mut owner, asked) = by_mail(&app).await;
    assert_eq!((&asked["tf_required"], &asked["tf_method"]), (&json!(true), &json!("authenticator")));
    assert_eq!(owner.post_json("/tf-validate", json!({"code": at(&app, &foreign)})).await.status(), 400);
    assert_eq!(owner.post_json("/tf-validate", json!({"code": code(&app, 0)})).await.status(), 200);
    assert_eq!(owner.who().await, "joe@lp.com");
}

#[tokio::test]
async fn an_app_that_was_taken_away_comes_back() {
    let app = on(Database::Sqlite).await;
    let (mut intruder, link) = changed_with_app(&app).await;
    assert_eq!(intruder.post_json("/tf-setup", json!({"setup": "disable"})).await.status(), 200);
    assert_eq!(app.user("joe@lp.com").await.tf_primary_method, None);
    assert_eq!(secure(&app, &link).await, true);
    assert_eq!(app.user("joe@lp.com").await.tf_totp_secret.as_deref(), Some(STORED));
}

#[tokio::test]
async fn whoever_reads_the_mail_takes_no_first_app_away() {
    let app = on(Database::Sqlite).await;
    let (mut owner, link) = password_changed(&app).await;
    app.advance(60);
    let totp = set_up_app(&app, &mut owner).await;
    assert_eq!(secure(&app, &link).await, true);
    let (mut thief, asked) = by_mail(&app).await;
    assert_eq!(asked["tf_required"], json!(true));
    assert_eq!(thief.who().await, "nobody");
    // The owner, who has the app, is not locked out.
    assert_eq!(thief.post_json("/tf-validate", json!({"code": at(&app, &totp)})).await.status(), 200);
}

#[tokio::test]
async fn whoever_reads_the_mail_takes_no_first_passkey_away() {
    let app = on(Database::Sqlite).await;
    let (_, link) = password_changed(&app).await;
    app.advance(60);
    give_passkey(&app, "second step", "secondary").await;
    give_passkey(&app, "a way in", "first").await;
    assert_eq!(secure(&app, &link).await, true);
    assert_eq!(passkeys(&app).await, ["second step"], "ways in go");
    let (_, asked) = by_mail(&app).await;
    assert_eq!((&asked["tf_required"], &asked["tf_method"]), (&json!(true), &json!("webauthn")));
}

#[tokio::test]
async fn an_earlier_passkey_lets_later_codes_go() {
    let app = on(Database::Sqlite).await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    give_passkey(&app, "owner", "secondary").await;
    app.advance(60);
    let fields = json!({"password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD});
    assert_eq!(browser.post_json("/change", fields).await.status(), 200);
    let link = app.mailed_link("/not-me").await;
    app.advance(60);
    enrol(&app, "joe@lp.com", "email").await;
    give_passkey(&app, "later", "secondary").await;
    assert_eq!(secure(&app, &link).await, true);
    assert_eq!(passkeys(&app).await, ["owner"]);
}

#[tokio::test]
async fn mailed_codes_do_not_come_back_in_the_place_of_an_app() {
    let app = on(Database::Sqlite).await;
    enrol(&app, "joe@lp.com", "email").await;
    let mut owner = app.browser();
    owner.post_json("/login", json!({"email": "joe@lp.com", "password": PASSWORD})).await;
    assert_eq!(owner.post_json("/tf-validate", json!({"code": code(&app, 0)})).await.status(), 200);
    app.mails().await;
    let fields = json!({"password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD});
    assert_eq!(owner.post_json("/change", fields).await.status(), 200);
    let link = app.mailed_link("/not-me").await;
    app.advance(60);
    set_up_app(&app, &mut owner).await;
    assert_eq!(secure(&app, &link).await, true);
    assert_eq!(app.user("joe@lp.com").await.tf_primary_method.as_deref(), Some("authenticator"));
}

#[tokio::test]
async fn what_an_operator_reset_stays_reset_and_old_changes_are_forgotten() {
    let app = on(Database::Sqlite).await;
    let (mut intruder, link) = changed_with_app(&app).await;
    app.advance(60);
    set_up_app(&app, &mut intruder).await;
    let joe = app.user("joe@lp.com").await;
    let kept = format!("tf-before/{}/{}", joe.id, joe.create_datetime.unwrap().unix_timestamp_nanos() / 1000);
    assert!(app.store().meta_get(&kept).await.unwrap().is_some());
    let reset = UserPatch {
        tf_primary_method: Some(None),
        tf_totp_secret: Some(None),
        tf_phone_number: Some(None),
        ..UserPatch::default()
    };
    app.update("joe@lp.com", reset).await;
    assert_eq!(secure(&app, &link).await, false);
    assert_eq!(app.user("joe@lp.com").await.tf_primary_method, None);
    app.advance(8 * 86_400);
    app.gate().tidy().await.unwrap();
    assert_eq!(app.store().meta_get(&kept).await.unwrap(), None);
}
