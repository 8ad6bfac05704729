//! "It was not me": the link of a notice takes an account out of foreign hands.
#![allow(clippy::unwrap_used)]

#[path = "not_me/factors.rs"]
mod factors;
mod second_factor;

use lychgate::{Event, store::UserPatch};
use lychgate_testkit::{AppBuilder, Browser, Database, PASSWORD, TestApp, at_once, link_in};
use rstest::rstest;
use serde_json::{Value, json};

const NEW: &str = "new@lp.com";
const NEW_PASSWORD: &str = "nobody guesses this phrase";

fn app() -> AppBuilder {
    TestApp::builder().toml(
        "[security]\nnot_me = true\nchangeable = true\nrecoverable = true\nchange_email = true\n\
         send_email_change_notice = true\n[csrf]\nenabled = false",
    )
}

async fn signed_in(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(email).await;
    browser
}

/// Joe's password is changed; the browser that did it, and the link of the notice.
async fn password_changed(app: &TestApp) -> (Browser, String) {
    let mut browser = signed_in(app, "joe@lp.com").await;
    let fields = json!({"password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD});
    assert_eq!(browser.post_json("/change", fields).await.status(), 200);
    (browser, app.mailed_link("/not-me").await)
}

/// Joe's account is moved to `email`; the browser that did it, and the link in the mail to the address it had.
async fn moved(app: &TestApp, mut browser: Browser, email: &str) -> (Browser, String) {
    let before = browser.who().await;
    assert_eq!(browser.post_json("/change-email", json!({"email": email})).await.status(), 200);
    let link = app.mailed_link("/change-email").await;
    browser.get(&link).await;
    assert_eq!(browser.who().await, email);
    let mails = app.mails().await;
    let to_old = mails.iter().find(|mail| mail.to == before).unwrap();
    let to_new = mails.iter().find(|mail| mail.to == email).unwrap();
    assert_eq!(link_in(to_new, "/not-me"), None, "whoever has the new address gets no such link");
    (browser, link_in(to_old, "/not-me").unwrap())
}

async fn can_sign_in(app: &TestApp, email: &str, password: &str) -> bool {
    app.browser().post_json("/login", json!({"email": email, "password": password})).await.status() == 200
}

async fn refused(app: &TestApp, link: &str) {
    let mut browser = app.browser();
    for reply in [browser.get_json(link).await, browser.post_json(link, json!({})).await] {
        let errors = reply.field_errors();
        assert_eq!((reply.status(), errors), (400, json!({"": ["NOT_ME_LINK_INVALID"]})));
    }
    assert_eq!(browser.get(link).await.location(), "/login");
    assert_eq!(browser.post_form(link, &[]).await.location(), "/login");
    assert_eq!(app.flashes(&browser), ["NOT_ME_LINK_INVALID", "NOT_ME_LINK_INVALID"]);
}

fn without_token(mut response: Value) -> Value {
    response.as_object_mut().unwrap().remove("csrf_token");
    response
}

#[tokio::test]
async fn an_account_that_was_to_be_deleted_stays() {
    let app = app().toml("[security]\naccount = true").start().await;
    let (mut intruder, link) = password_changed(&app).await;
    assert_eq!(intruder.post_json("/account/delete", json!({"password": NEW_PASSWORD})).await.status(), 200);
    let id = app.user("joe@lp.com").await.id;
    assert!(app.store().account_state(id).await.unwrap().unwrap().deletion_due_at.is_some());
    assert_eq!(app.browser().post_json(&link, json!({})).await.status(), 200);
    assert_eq!(app.store().account_state(id).await.unwrap().unwrap().deletion_due_at, None);
    app.advance(15 * 86_400);
    assert_eq!(app.gate().accounts().delete_due().await.unwrap(), 0);
}

#[rstest]
#[tokio::test]
async fn an_owner_takes_the_account_back(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).toml("[csrf]\nenabled = true\n[remember]\n").start().await;
    let mut intruder = app.browser();
    let csrf = intruder.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    let token = app.auth_token("joe@lp.com").await;
    let fields = json!({
        "password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD, "csrf_token": csrf,
    });
    let call = intruder.call("POST", "/change?include_auth_token").header("accept", "application/json");
    let reply = call.json(&fields).send().await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let new_token = reply.response()["user"]["authentication_token"].as_str().unwrap().to_owned();
    let link = app.mailed_link("/not-me").await;
    let mut owner = app.browser();
    let page = owner.get(&link).await;
    assert!(page.status() == 200 && page.text().contains("take your account back"), "{}", page.text());
    assert_eq!(owner.call("HEAD", &link).send().await.status(), 200);
    assert_eq!(owner.post_form(&link, &[]).await.status(), 200, "without its CSRF token the button does nothing");
    assert_eq!(intruder.who().await, "joe@lp.com", "nothing has happened yet");
    let page = owner.post_form(&link, &[("csrf_token", &page.csrf_token())]).await;
    assert!(page.status() == 200 && page.text().contains("a link to choose a new password"), "{}", page.text());
    let mut remembered = intruder.clone();
    remembered.drop_cookie("session");
    assert_eq!((intruder.who().await.as_str(), remembered.who().await.as_str()), ("nobody", "nobody"));
    for token in [token, new_token] {
        let mut program = app.browser();
        let reply = program.call("GET", "/whoami").header("authentication-token", &token).send().await;
        assert_eq!(reply.json()["email"], Value::Null);
    }
    assert!(!can_sign_in(&app, "joe@lp.com", NEW_PASSWORD).await && !can_sign_in(&app, "joe@lp.com", PASSWORD).await);
    let user_id = app.user("joe@lp.com").await.id;
    assert!(app.take_events().contains(&Event::AccountSecured { user_id }));
    let mails = app.mails().await;
    assert_eq!(
        (mails.len(), mails[0].to.as_str(), mails[0].subject.as_str()),
        (1, "joe@lp.com", "Your account is secured")
    );
    let reset = link_in(&mails[0], "/reset").unwrap();
    let token = owner.get(&reset).await.csrf_token();
    let fields =
        [("password", "yet another phrase"), ("password_confirm", "yet another phrase"), ("csrf_token", &token)];
    assert_eq!(owner.post_form(&reset, &fields).await.location(), "/login");
    assert!(app.flashes(&owner).contains(&"PASSWORD_RESET_NO_LOGIN".to_owned()));
}

#[tokio::test]
async fn a_program_is_told_what_was_done() {
    let app = app().start().await;
    let (_, link) = password_changed(&app).await;
    let mut browser = app.browser();
    assert_eq!(without_token(browser.get_json(&link).await.response()), json!({"restore": null}));
    let done = browser.post_json(&link, json!({})).await;
    assert_eq!(
        without_token(done.response()),
        json!({"restored": false, "locked": false, "mailed": true, "second_factor": false})
    );
    refused(&app, &link).await;
}

#[tokio::test]
async fn old_forged_and_foreign_links_are_refused() {
    let app = app().toml("[security]\nnot_me_within = 3600").start().await;
    let (_, link) = password_changed(&app).await;
    app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let reset = app.mailed_link("/reset").await.replace("/reset/", "/not-me/");
    for bad in ["/not-me/nonsense", &format!("{link}x"), &reset] {
        refused(&app, bad).await;
    }
    app.advance(3601);
    refused(&app, &link).await;
    assert!(can_sign_in(&app, "joe@lp.com", NEW_PASSWORD).await);
}

#[tokio::test]
async fn the_former_address_comes_back() {
    let app = app().start().await;
    let browser = signed_in(&app, "joe@lp.com").await;
    let id = app.user("joe@lp.com").await.id;
    let (mut intruder, link) = moved(&app, browser, NEW).await;
    intruder.post_json("/reset", json!({"email": NEW})).await;
    let reset = app.mailed_link("/reset").await;
    let mut owner = app.browser();
    let page = owner.get(&link).await;
    assert!(page.text().contains("former email address back: joe@lp.com"), "{}", page.text());
    let done = owner.post_json(&link, json!({})).await;
    assert_eq!(
        without_token(done.response()),
        json!({"restored": true, "locked": false, "mailed": true, "second_factor": false})
    );
    let user = app.user("joe@lp.com").await;
    assert_eq!((user.id, user.confirmed_at), (id, Some(app.now())));
    assert_eq!(intruder.who().await, "nobody");
    assert_eq!(app.browser().get(&reset).await.location(), "/reset", "links to the other address are dead");
    let mails = app.mails().await;
    let to_owner = mails.iter().find(|mail| mail.to == "joe@lp.com").unwrap();
    assert!(link_in(to_owner, "/reset").is_some());
    let to_other = mails.iter().find(|mail| mail.to == NEW).unwrap();
    assert!(!to_other.text.as_deref().unwrap().contains("/reset"), "{to_other:?}");
    refused(&app, &link).await;
}

#[tokio::test]
async fn moving_on_does_not_help_an_intruder() {
    let app = app().start().await;
    let browser = signed_in(&app, "joe@lp.com").await;
    let (intruder, first) = moved(&app, browser, NEW).await;
    app.advance(1);
    let (_, second) = moved(&app, intruder, "newer@lp.com").await;
    let done = app.browser().post_json(&first, json!({})).await;
    assert_eq!(done.response()["restored"], json!(true));
    app.mails().await;
    // The link that went to the intruder's own address would take the account back again.
    refused(&app, &second).await;
    assert!(app.mails().await.is_empty());
    assert_eq!(app.user("joe@lp.com").await.email, "joe@lp.com");
}

#[tokio::test]
async fn an_older_link_outlives_a_newer_one() {
    let app = app().start().await;
    let browser = signed_in(&app, "joe@lp.com").await;
    let (intruder, first) = moved(&app, browser, NEW).await;
    app.advance(1);
    let (_, second) = moved(&app, intruder, "newer@lp.com").await;
    app.advance(1);
    let done = app.browser().post_json(&second, json!({})).await;
    assert_eq!(done.response()["restored"], json!(true), "the intruder plays the owner");
    app.mails().await;
    let done = app.browser().post_json(&first, json!({})).await;
    assert_eq!(done.response()["restored"], json!(true), "and loses");
    assert_eq!(app.user("joe@lp.com").await.email, "joe@lp.com");
    app.mails().await;
    app.advance(1);
    // What comes later has links of its own.
    app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let reset = app.mailed_link("/reset").await;
    let fields = json!({"password": PASSWORD, "password_confirm": PASSWORD});
    assert_eq!(app.browser().post_json(&reset, fields).await.status(), 200);
    let link = app.mailed_link("/not-me").await;
    assert_eq!(app.browser().post_json(&link, json!({})).await.status(), 200);
}

#[tokio::test]
async fn an_account_whose_address_is_taken_is_locked() {
    let app = app().start().await;
    let browser = signed_in(&app, "joe@lp.com").await;
    let (mut intruder, link) = moved(&app, browser, NEW).await;
    app.update("matt@lp.com", UserPatch { email: Some("JOE@lp.com".to_owned()), ..UserPatch::default() }).await;
    let done = app.browser().post_json(&link, json!({})).await;
    assert_eq!(
        without_token(done.response()),
        json!({"restored": false, "locked": true, "mailed": false, "second_factor": false})
    );
    let user = app.user(NEW).await;
    assert!(!user.active && intruder.who().await == "nobody");
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "joe@lp.com"));
    assert!(mails[0].text.as_deref().unwrap().contains("is locked"));
    intruder.post_json("/reset", json!({"email": NEW})).await;
    assert!(app.mails().await.is_empty(), "nobody gets in by a reset");
}

#[tokio::test]
async fn a_link_dies_with_the_address_that_it_went_to() {
    let app = app().start().await;
    let (browser, link) = password_changed(&app).await;
    app.advance(1);
    moved(&app, browser, NEW).await;
    refused(&app, &link).await;
    app.update("matt@lp.com", UserPatch { email: Some("joe@lp.com".to_owned()), ..UserPatch::default() }).await;
    refused(&app, &link).await;
}

#[tokio::test]
async fn a_later_account_with_the_same_key_is_left_alone() {
    let app = app().start().await;
    let browser = signed_in(&app, "joe@lp.com").await;
    let (_, link) = moved(&app, browser, NEW).await;
    let id = app.user(NEW).await.id;
    app.store().delete_user(id).await.unwrap();
    app.advance(5);
    let mut last = id;
    for n in 0..20 {
        let new = lychgate::store::NewUser::new(format!("later{n}@lp.com"), format!("later {n}"));
        last = app.store().create_user(new, app.now()).await.unwrap().id;
        if last == id {
            break;
        }
    }
    // SQLite gives the key again only if it was the last one; the link is refused either way.
    assert!(last >= id);
    refused(&app, &link).await;
}

#[rstest]
#[tokio::test]
async fn of_many_uses_at_once_one_acts(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let browser = signed_in(&app, "joe@lp.com").await;
    let (_, link) = moved(&app, browser, NEW).await;
    let calls = (0..20).map(|_| {
        let (mut browser, link) = (app.browser(), link.clone());
        async move { browser.post_json(&link, json!({})).await.status() }
    });
    let statuses = at_once(calls).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 400].contains(status)), "{statuses:?}");
    assert_eq!(app.mails().await.len(), 2, "one letter to each address");
    assert_eq!(app.user("joe@lp.com").await.email, "joe@lp.com");
}

#[tokio::test]
async fn whoever_has_no_password_gets_none() {
    let app = app().start().await;
    let (_, link) = password_changed(&app).await;
    app.update("joe@lp.com", UserPatch { password: Some(None), ..UserPatch::default() }).await;
    let done = app.browser().post_json(&link, json!({})).await;
    assert_eq!(done.response()["mailed"], json!(false));
    assert_eq!(app.user("joe@lp.com").await.password, None);
    let text = app.mails().await.remove(0).text.unwrap();
    assert!(!text.contains("password"), "{text}");
}

#[tokio::test]
async fn without_recovery_the_operator_helps() {
    let app = app().toml("[security]\nrecoverable = false").start().await;
    let (_, link) = password_changed(&app).await;
    let page = app.browser().post_form(&link, &[]).await;
    assert!(page.text().contains("Please ask the people who run"), "{}", page.text());
    assert!(app.mails().await.remove(0).text.unwrap().contains("Please ask the people who run"));
    assert!(!can_sign_in(&app, "joe@lp.com", NEW_PASSWORD).await);
}

#[tokio::test]
async fn switched_off_there_is_neither_link_nor_route() {
    let app = app().toml("[security]\nnot_me = false").start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let fields = json!({"password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD});
    browser.post_json("/change", fields).await;
    let mail = app.mails().await.remove(0);
    assert_eq!(link_in(&mail, "/not-me"), None);
    assert_eq!(app.browser().get("/not-me/x").await.status(), 404);
}

#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn codes_that_an_intruder_set_up_let_nobody_in(#[case] on: bool) {
    let app = app().toml(&format!("[security]\nunified_signin = {on}\ntotp_secrets = {{1 = \"a long secret of this test\"}}\ntotp_issuer = \"x\"")).start().await;
    let secrets = r#"{"email": "mailed", "authenticator": "intruder", "sms": "intruder"}"#;
    let id = app.user("joe@lp.com").await.id;
    let codes = UserPatch {
        us_totp_secrets: Some(Some(secrets.to_owned())),
        us_phone_number: Some(Some("+16505551234".to_owned())),
        ..UserPatch::default()
    };
    app.store().update_user(id, codes, app.now()).await.unwrap();
    let (_, link) = password_changed(&app).await;
    assert_eq!(app.browser().post_json(&link, json!({})).await.status(), 200);
    let joe = app.user("joe@lp.com").await;
    let left = (joe.us_totp_secrets.as_deref(), joe.us_phone_number.as_deref());
    let untouched = (Some(secrets), Some("+16505551234"));
    assert_eq!(left, if on { (Some(r#"{"email": "mailed"}"#), None) } else { untouched });
}
