//! Registration.
#![allow(clippy::unwrap_used)]

use lychgate::{Event, store::UserPatch};
use lychgate_testkit::{AppBuilder, Browser, Database, Reply, TestApp, at_once, link_in};
use rstest::rstest;
use serde_json::{Value, json};

const PHRASE: &str = "nobody guesses this phrase";

fn app() -> AppBuilder {
    TestApp::builder().toml("[security]\nregisterable = true\n[csrf]\nenabled = false")
}

fn fields(email: &str) -> Value {
    json!({"email": email, "password": PHRASE, "password_confirm": PHRASE})
}

async fn register(browser: &mut Browser, email: &str) -> Reply {
    browser.post_json("/register", fields(email)).await
}

async fn knows(app: &TestApp, email: &str) -> bool {
    app.store().user_by_identity("email", email, true).await.unwrap().is_some()
}

#[rstest]
#[tokio::test]
async fn a_person_registers(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let toml = "[csrf]\nenabled = true\n[security]\npost_register_view = \"/hello\"";
    let app = app().toml(toml).on(database).start().await;
    let mut browser = app.browser();
    let page = browser.get("/register?next=/there").await;
    assert!(page.text().contains(r#"name="register_user_form""#) && page.text().contains("/register?next=/there"));
    let fields = [("email", "new@lp.com"), ("password", PHRASE), ("password_confirm", PHRASE)];
    let refused = browser.post_form("/register", &fields).await;
    assert_eq!(refused.status(), 200);
    assert!(!knows(&app, "new@lp.com").await, "without a CSRF token nobody registers");
    let token = page.csrf_token();
    let fields = [fields.as_slice(), &[("csrf_token", &token)]].concat();
    assert_eq!(browser.post_form("/register", &fields).await.location(), "/hello");
    assert_eq!(browser.who().await, "new@lp.com");
    let user = app.user("new@lp.com").await;
    assert!(user.active && user.confirmed_at.is_none() && user.password.as_deref().unwrap().starts_with("$argon2id$"));
    let signed_in = Event::UserAuthenticated { user_id: user.id, via: "register" };
    assert!(app.take_events().contains(&signed_in));
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str(), mails[0].subject.as_str()), (1, "new@lp.com", "Welcome"));
    assert_eq!(link_in(&mails[0], ""), None, "nothing is to be confirmed");
}

#[tokio::test]
async fn a_program_registers() {
    let app = app().start().await;
    let mut browser = app.browser();
    let reply = register(&mut browser, "New@LP.com").await;
    let expected = json!({"csrf_token": reply.csrf_token(), "tf_required": false, "user": {"email": "New@lp.com"}});
    assert_eq!((reply.status(), reply.response()), (200, expected));
    assert_eq!(browser.who().await, "New@lp.com");
    let again = register(&mut browser, "other@lp.com").await;
    assert_eq!(again.status(), 400, "who is signed in does not register");
    assert_eq!(browser.get("/register").await.location(), "/");
    let mut stranger = app.browser();
    let call = stranger.call("POST", "/register?include_auth_token");
    let reply = call.json(&fields("third@lp.com")).send().await;
    let token = reply.response()["user"]["authentication_token"].as_str().unwrap().to_owned();
    let mut program = app.browser();
    let who = program.call("GET", "/whoami").header("authentication-token", &token).send().await;
    assert_eq!(who.json()["email"], "third@lp.com");
}

#[rstest]
#[case(json!({"email": ""}), json!({"email": ["EMAIL_NOT_PROVIDED"]}))]
#[case(json!({"email": "nobody"}), json!({"email": ["INVALID_EMAIL_ADDRESS"]}))]
#[case(json!({"email": " new@lp.com"}), json!({"email": ["INVALID_EMAIL_ADDRESS"]}))]
#[case(json!({"email": 7}), json!({"email": ["API_ERROR"]}))]
#[case(json!({"email": "joe@lp.com"}), json!({"email": ["EMAIL_ALREADY_ASSOCIATED"]}))]
#[case(json!({"email": "JOE@lp.com"}), json!({"email": ["EMAIL_ALREADY_ASSOCIATED"]}))]
#[case(json!({"email": "j\u{43e}e@lp.com"}), json!({"email": ["EMAIL_ALREADY_ASSOCIATED"]}))]
#[case(json!({"password": "short", "password_confirm": "short"}), json!({"password": ["PASSWORD_INVALID_LENGTH"]}))]
#[case(json!({"password_confirm": "another phrase"}), json!({"password_confirm": ["RETYPE_PASSWORD_MISMATCH"]}))]
#[case(json!({"password_confirm": null}), json!({"password_confirm": ["PASSWORD_NOT_PROVIDED"]}))]
#[case(json!({"username": "ab"}), json!({"username": ["USERNAME_INVALID_LENGTH"]}))]
#[case(json!({"username": "a b c"}), json!({"username": ["USERNAME_DISALLOWED_CHARACTERS"]}))]
#[case(json!({"username": "JOE"}), json!({"username": ["USERNAME_ALREADY_ASSOCIATED"]}))]
#[case(json!({"username": null}), json!({"username": ["USERNAME_NOT_PROVIDED"]}))]
#[case(json!({"next": "//evil.com"}), json!({"next": ["INVALID_REDIRECT"]}))]
#[case(json!({"email": "joe@lp.com", "username": "joe"}),
    json!({"email": ["EMAIL_ALREADY_ASSOCIATED"], "username": ["USERNAME_ALREADY_ASSOCIATED"]}))]
#[tokio::test]
async fn refusals_say_what_is_wrong_and_leave_nothing(#[case] wrong: Value, #[case] errors: Value) {
    let app = app().toml("[security]\nusername_enable = true\nusername_required = true").start().await;
    let before = app.store().count_users().await.unwrap();
    let mut body = fields("new@lp.com");
    body["username"] = "newcomer".into();
    body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
    let reply = app.browser().post_json("/register", body).await;
    assert_eq!((reply.status(), reply.field_errors()), (400, errors));
    assert_eq!(app.store().count_users().await.unwrap(), before);
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn of_many_at_once_one_gets_the_address() {
    let app = app().start().await;
    let before = app.store().count_users().await.unwrap();
    let calls = (0..20).map(|i| {
        let mut browser = app.browser();
        let email = if i % 2 == 0 { "new@lp.com" } else { "NEW@lp.com" };
        async move { register(&mut browser, email).await.status() }
    });
    let statuses = at_once(calls).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 19, "{statuses:?}");
    assert_eq!(app.store().count_users().await.unwrap(), before + 1);
    assert_eq!(app.mails().await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn of_names_that_look_alike_one_is_given(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let toml = "[security]\nusername_enable = true\nauto_login_after_confirm = false";
    let app = app().toml(toml).on(database).start().await;
    // Latin, Cyrillic, full width, and a Greek one; the first and the last look different.
    const NAMES: [&str; 5] =
        ["scope", "\u{455}\u{441}\u{43e}\u{440}\u{435}", "\u{ff53}cope", "s\u{441}ope", "\u{3c3}cope"];
    let calls = NAMES.iter().enumerate().map(|(number, name)| {
        let mut browser = app.browser();
        async move {
            let mut sent = fields(&format!("look{number}@lp.com"));
            sent["username"] = (*name).into();
            browser.post_json("/register", sent).await
        }
    });
    let replies: Vec<Reply> = at_once(calls.take(4)).await;
    assert_eq!(replies.iter().filter(|reply| reply.status() == 200).count(), 1);
    for reply in replies.iter().filter(|reply| reply.status() != 200) {
        assert!(reply.text().contains("\"username\":["), "{}", reply.text());
    }
    let mut browser = app.browser();
    let mut sent = fields("look9@lp.com");
    sent["username"] = NAMES[4].into();
    assert_eq!(browser.post_json("/register", sent).await.status(), 200);
}

#[tokio::test]
async fn who_has_to_confirm_is_mailed_a_link() {
    let app = app().toml("[security]\nconfirmable = true").start().await;
    let mut browser = app.browser();
    let reply = register(&mut browser, "new@lp.com").await;
    let expected = json!({"csrf_token": reply.csrf_token(), "user": {"email": "new@lp.com"}});
    assert_eq!((reply.status(), reply.response()), (200, expected));
    assert_eq!(app.flashes(&browser), ["CONFIRM_REGISTRATION"]);
    assert_eq!(browser.who().await, "nobody");
    let link = app.mailed_link("/confirm").await;
    browser.get(&link).await;
    assert!(app.user("new@lp.com").await.confirmed_at.is_some());
}

/// What the caller sees, without the values that differ each time.
fn seen(app: &TestApp, browser: &Browser, reply: &Reply) -> (u16, String, Vec<String>, Vec<String>) {
    let is_json = reply.header("content-type").starts_with("application/json");
    let members = if is_json { reply.response().as_object().unwrap().keys().cloned().collect() } else { vec![] };
    let session = app.session_of(browser).keys().cloned().collect();
    (reply.status(), reply.header("location").to_owned(), members, session)
}

#[rstest]
#[tokio::test]
async fn generic_replies_are_the_same_for_known_and_new(
    #[values(false, true)] confirmable: bool,
    #[values("open", "approval")] mode: &str,
) {
    let toml = format!(
        "[security]\nreturn_generic_responses = true\nusername_enable = true\nrecoverable = true\nconfirmable = {confirmable}\n\
         register_mode = \"{mode}\""
    );
    let app = app().toml(&toml).start().await;
    let mut replies = Vec::new();
    for (email, name) in [("new@lp.com", "newcomer"), ("joe@lp.com", "another"), ("third@lp.com", "joe")] {
        for json in [false, true] {
            let mut browser = app.browser();
            let mut body = fields(email);
            body["username"] = name.into();
            let form = body.as_object().unwrap().iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap()));
            let form: Vec<_> = form.collect();
            let reply = if json {
                browser.post_json("/register", body.clone()).await
            } else {
                browser.post_form("/register", &form).await
            };
            replies.push((json, (seen(&app, &browser, &reply), app.flashes(&browser))));
            assert_eq!(browser.who().await, "nobody");
        }
    }
    for (json, reply) in &replies {
        assert_eq!(reply, &replies[usize::from(*json)].1);
    }
    assert!(knows(&app, "new@lp.com").await && !knows(&app, "third@lp.com").await);
    let mails = app.mails().await;
    let to: Vec<_> = mails.iter().map(|mail| mail.to.strip_suffix("@lp.com").unwrap()).collect();
    assert_eq!(to, ["new", "new", "joe", "joe", "third", "third"]);
    let resets: Vec<_> = mails.iter().map(|mail| link_in(mail, "/reset").is_some()).collect();
    // The second to ask for `new@lp.com` is told as the owner.
    assert_eq!(resets, [false, true, true, true, false, false]);
    // What is wrong with the form itself is told to everybody.
    let mut short = fields("joe@lp.com");
    short["password"] = "short".into();
    assert_eq!(app.browser().post_json("/register", short).await.status(), 400);
}

#[tokio::test]
async fn some_or_all_may_be_kept_out() {
    let closed = app().toml("[security]\nregister_mode = \"closed\"").start().await;
    let reply = register(&mut closed.browser(), "new@lp.com").await;
    assert_eq!((reply.status(), reply.response()["errors"].clone()), (403, json!(["REGISTRATION_CLOSED"])));
    assert!(!knows(&closed, "new@lp.com").await);
    let some = app().toml("[security]\nregister_mode = \"domain\"\nregister_domains = [\"LP.com\"]").start().await;
    let reply = register(&mut some.browser(), "new@lp.com.evil.com").await;
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({"email": ["REGISTRATION_DOMAIN"]})));
    assert_eq!(register(&mut some.browser(), "new@lp.com").await.status(), 200);
    let off = TestApp::builder().start().await;
    assert_eq!(off.browser().get("/register").await.status(), 404);
}

#[tokio::test]
async fn a_mail_server_that_is_away_costs_neither_account_nor_mail() {
    let app = app().start().await;
    app.inbox().set_down(true);
    assert_eq!(register(&mut app.browser(), "new@lp.com").await.status(), 200);
    assert!(app.mails().await.is_empty());
    app.inbox().set_down(false);
    app.advance(3600);
    assert_eq!(app.mails().await.len(), 1);
}

#[tokio::test]
async fn the_older_form_asks_programs_once() {
    let app = app().toml("[security]\nuse_register_v2 = false").start().await;
    let body = json!({"email": "new@lp.com", "password": PHRASE});
    assert_eq!(app.browser().post_json("/register", body).await.status(), 200);
    let form = [("email", "third@lp.com"), ("password", PHRASE), ("password_confirm", "")];
    assert_eq!(app.browser().post_form("/register", &form).await.status(), 200);
    assert!(!knows(&app, "third@lp.com").await);
}

#[tokio::test]
async fn a_name_of_a_deactivated_user_stays_taken() {
    let app = app().start().await;
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    let reply = register(&mut app.browser(), "joe@lp.com").await;
    assert_eq!(reply.field_errors(), json!({"email": ["EMAIL_ALREADY_ASSOCIATED"]}));
}

#[tokio::test]
async fn a_mail_that_cannot_be_written_leaves_no_account() {
    let broken = |builder: lychgate::Builder| {
        builder
            .template("security/email/welcome.txt", "{% include 'nowhere' %}")
            .template("security/email/welcome.html", "")
    };
    let app = app().configure(broken).start().await;
    let mut browser = app.browser();
    assert_eq!(register(&mut browser, "new@lp.com").await.status(), 500);
    assert!(!knows(&app, "new@lp.com").await && browser.who().await == "nobody");
    assert!(app.mails().await.is_empty() && app.take_events().is_empty());
}
