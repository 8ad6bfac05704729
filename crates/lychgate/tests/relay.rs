//! Links that are opened on another device: the code they show finishes where the mail was asked for.
#![allow(clippy::unwrap_used)]

use lychgate::store::UserPatch;
use lychgate_testkit::{AppBuilder, Browser, Database, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};

const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1";

fn app() -> AppBuilder {
    TestApp::builder().toml(
        "[security]\nlinks_ask_for_a_click = true\nlinks_offer_a_code = true\nlogin_within = 3600\n\
         confirm_email_within = 3600\n[csrf]\nenabled = false",
    )
}

fn passwordless() -> AppBuilder {
    app().toml("[security]\npasswordless = true")
}

fn confirmable() -> AppBuilder {
    app().toml("[security]\nconfirmable = true\nauto_login_after_confirm = true")
}

/// Asks for a mail at `path`; gives its link.
async fn ask(app: &TestApp, browser: &mut Browser, path: &str) -> String {
    let page = browser.post_form(path, &[("email", "joe@lp.com")]).await;
    assert!(page.status() == 200 && page.text().contains(r#"name="relay_code_form""#), "{}", page.text());
    app.mailed_link(path).await
}

fn phone(app: &TestApp) -> Browser {
    let mut phone = app.browser();
    phone.user_agent = PHONE.to_owned();
    phone
}

/// The code that a link shows in a browser.
async fn shown(browser: &mut Browser, link: &str) -> Option<String> {
    let reply = browser.get_json(link).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    reply.response()["relay_code"].as_str().map(str::to_owned)
}

async fn type_code(browser: &mut Browser, path: &str, code: &str) -> (u16, Value) {
    let reply = browser.post_json(path, json!({"email": "joe@lp.com", "relay_code": code})).await;
    (reply.status(), reply.field_errors())
}

fn refused() -> (u16, Value) {
    (400, json!({"relay_code": ["RELAY_CODE_INVALID"]}))
}

/// Another code of the right form.
fn other(code: &str) -> String {
    let first = if code.starts_with('0') { '1' } else { '0' };
    format!("{first}{}", &code[1..])
}

#[rstest]
#[tokio::test]
async fn a_person_signs_in_where_they_asked(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = passwordless().on(database).toml("[csrf]\nenabled = true").real_texts().start().await;
    let (mut desk, mut phone) = (app.browser(), phone(&app));
    desk.user_agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/139.0".to_owned();
    let token = desk.get("/login").await.csrf_token();
    let page = desk.post_form("/login", &[("email", "joe@lp.com"), ("csrf_token", &token)]).await;
    assert!(page.text().contains("Look into your mailbox"), "{}", page.text());
    assert_eq!(page.input("email").as_deref(), Some("joe@lp.com"));
    let mails = app.mails().await;
    let link = lychgate_testkit::link_in(&mails[0], "/login").unwrap();
    let landing = phone.get(&link).await;
    assert!(landing.text().contains("asked for by Firefox on Linux (127.0.0.1)"), "{}", landing.text());
    assert!(landing.text().contains("Tell it to nobody"));
    let code = landing.text().split("id=\"relay-code\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(code.len() == 9 && code.as_bytes()[4] == b'-', "{code}");
    for part in [&mails[0].text, &mails[0].html] {
        assert!(!part.as_deref().unwrap().contains(&code), "the mail itself does not hold it");
    }
    assert_eq!(shown(&mut phone, &link).await.as_deref(), Some(code.as_str()), "it stays the same");
    let fields = [("email", "JOE@lp.com"), ("relay_code", &code.to_lowercase()), ("csrf_token", &page.csrf_token())];
    assert_eq!(desk.post_form("/login", &fields[..2]).await.status(), 200, "without its CSRF token it does nothing");
    assert_eq!(desk.post_form("/login", &fields).await.location(), "/");
    assert_eq!((desk.who().await.as_str(), phone.who().await.as_str()), ("joe@lp.com", "nobody"));
    let clicked = phone.post_form(&link, &[("csrf_token", &landing.csrf_token())]).await;
    assert_eq!((clicked.location(), phone.who().await.as_str()), ("/login", "nobody"), "the link is used up");
}

#[tokio::test]
async fn a_program_signs_in_with_a_code() {
    let app = passwordless().start().await;
    let mut desk = app.browser();
    assert_eq!(desk.post_json("/login", json!({"email": "joe@lp.com"})).await.status(), 200);
    let link = app.mailed_link("/login").await;
    let code = shown(&mut phone(&app), &link).await.unwrap();
    let reply = desk.post_json("/login", json!({"email": "joe@lp.com", "relay_code": code})).await;
    let expected = json!({"csrf_token": reply.csrf_token(), "tf_required": false, "user": {"email": "joe@lp.com"}});
    assert_eq!((reply.status(), reply.response()), (200, expected));
    assert_eq!(desk.who().await, "joe@lp.com");
}

#[tokio::test]
async fn the_browser_that_asked_is_shown_no_code() {
    let app = passwordless().start().await;
    let mut desk = app.browser();
    let link = ask(&app, &mut desk, "/login").await;
    assert_eq!(shown(&mut desk, &link).await, None);
    assert!(!desk.get(&link).await.text().contains("relay-code"));
    assert_eq!(desk.post_form(&link, &[]).await.location(), "/");
    assert_eq!(desk.who().await, "joe@lp.com");
}

#[tokio::test]
async fn a_code_is_worth_nothing_elsewhere() {
    let app = passwordless().start().await;
    let (mut desk, mut stranger) = (app.browser(), app.browser());
    let link = ask(&app, &mut desk, "/login").await;
    let code = shown(&mut phone(&app), &link).await.unwrap();
    assert_eq!(type_code(&mut app.browser(), "/login", &code).await, refused(), "nothing was asked for there");
    // Somebody else asked for a mail to themselves, and got the code told.
    stranger.post_json("/login", json!({"email": "matt@lp.com"})).await;
    app.mails().await;
    assert_eq!(type_code(&mut stranger, "/login", &code).await, refused());
    let as_matt = stranger.post_json("/login", json!({"email": "matt@lp.com", "relay_code": code})).await;
    assert_eq!((as_matt.status(), stranger.who().await.as_str()), (400, "nobody"));
    assert_eq!(type_code(&mut desk, "/login", &code).await.0, 200);
}

#[tokio::test]
async fn five_guesses_are_all() {
    let app = passwordless().start().await;
    let mut desk = app.browser();
    let link = ask(&app, &mut desk, "/login").await;
    let code = shown(&mut phone(&app), &link).await.unwrap();
    for malformed in ["", "ABC", "ABCD-EFGH-J", "ÄÖÜ"] {
        assert_eq!(
            desk.post_json("/login", json!({"email": "joe@lp.com", "relay_code": malformed})).await.status(),
            400
        );
    }
    for _ in 0..5 {
        assert_eq!(type_code(&mut desk, "/login", &other(&code)).await, refused());
    }
    assert_eq!(type_code(&mut desk, "/login", &code).await, refused(), "the right one comes too late");
    app.advance(1);
    let link = ask(&app, &mut desk, "/login").await;
    let code = shown(&mut phone(&app), &link).await.unwrap();
    assert_eq!(type_code(&mut desk, "/login", &code).await.0, 200, "another mail, another try");
}

#[tokio::test]
async fn guesses_at_once_are_counted_too() {
    let app = passwordless().start().await;
    let mut desk = app.browser();
    let link = ask(&app, &mut desk, "/login").await;
    let code = shown(&mut phone(&app), &link).await.unwrap();
    let calls = (0..30).map(|_| {
        let (mut desk, code) = (desk.clone(), other(&code));
        async move { type_code(&mut desk, "/login", &code).await.0 }
    });
    assert!(at_once(calls).await.iter().all(|status| *status == 400));
    assert_eq!(type_code(&mut desk, "/login", &code).await, refused());
}

#[rstest]
#[tokio::test]
async fn of_code_and_link_at_once_one_signs_in(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = passwordless().on(database).start().await;
    let mut desk = app.browser();
    let link = ask(&app, &mut desk, "/login").await;
    let code = shown(&mut phone(&app), &link).await.unwrap();
    let calls = (0..20).map(|n| {
        let (mut desk, mut phone, link, code) = (desk.clone(), phone(&app), link.clone(), code.clone());
        async move {
            if n % 5 == 0 {
                type_code(&mut desk, "/login", &code).await;
                desk.who().await
            } else {
                phone.post_form(&link, &[]).await;
                phone.who().await
            }
        }
    });
    let who = at_once(calls).await;
    assert_eq!(who.iter().filter(|who| *who == "joe@lp.com").count(), 1, "{who:?}");
}

#[tokio::test]
async fn a_code_ends_with_its_link() {
    let app = passwordless().start().await;
    let mut desk = app.browser();
    let link = ask(&app, &mut desk, "/login").await;
    let old = shown(&mut phone(&app), &link).await.unwrap();
    app.advance(1);
    let mut elsewhere = app.browser();
    let newer = ask(&app, &mut elsewhere, "/login").await;
    assert_eq!(type_code(&mut desk, "/login", &old).await, refused(), "a newer mail took its place");
    assert_eq!(shown(&mut phone(&app), &link).await, None);
    let code = shown(&mut phone(&app), &newer).await.unwrap();
    app.advance(3601);
    assert_eq!(type_code(&mut elsewhere, "/login", &code).await, refused(), "too old");
    assert_eq!(shown(&mut phone(&app), &newer).await, None);

    app.advance(1);
    let link = ask(&app, &mut desk, "/login").await;
    let code = shown(&mut phone(&app), &link).await.unwrap();
    app.update("joe@lp.com", UserPatch { fs_uniquifier: Some("another".to_owned()), ..UserPatch::default() }).await;
    assert_eq!(type_code(&mut desk, "/login", &code).await, refused(), "everything was ended meanwhile");
}

#[tokio::test]
async fn the_account_is_looked_at_again() {
    let app = passwordless().start().await;
    let mut desk = app.browser();
    let link = ask(&app, &mut desk, "/login").await;
    let code = shown(&mut phone(&app), &link).await.unwrap();
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    assert_eq!(type_code(&mut desk, "/login", &code).await, (400, json!({"": ["DISABLED_ACCOUNT"]})));
    assert_eq!(desk.who().await, "nobody");
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let app = passwordless().toml("[security]\nreturn_generic_responses = true").start().await;
    let mut pages = Vec::new();
    for email in ["joe@lp.com", "nobody@lp.com"] {
        let mut browser = app.browser();
        let page = browser.post_form("/login", &[("email", email)]).await;
        assert!(browser.cookie("session").is_some());
        let keys: Vec<String> = app.session_of(&browser).keys().cloned().collect();
        pages.push((page.status(), page.text().replace(email, "EMAIL"), keys));
        let reply = browser.post_json("/login", json!({"email": email, "relay_code": "0000-0000"})).await;
        assert_eq!((reply.status(), reply.field_errors()), refused(), "{email}");
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn a_person_confirms_where_they_asked() {
    let app = confirmable().start().await;
    let (mut desk, mut phone) = (app.browser(), phone(&app));
    let link = ask(&app, &mut desk, "/confirm").await;
    let code = shown(&mut phone, &link).await.unwrap();
    assert!(app.user("joe@lp.com").await.confirmed_at.is_none());
    let fields = [("email", "joe@lp.com"), ("relay_code", code.as_str())];
    assert_eq!(desk.post_form("/confirm", &fields).await.location(), "/");
    assert_eq!((desk.who().await.as_str(), phone.who().await.as_str()), ("joe@lp.com", "nobody"));
    assert!(app.user("joe@lp.com").await.confirmed_at.is_some());
    assert_eq!(type_code(&mut desk, "/confirm", &code).await, refused());
    assert_eq!(shown(&mut phone, &link).await, None);
}

#[rstest]
#[case::signing_in(true, json!({"tf_required": false, "user": {"email": "joe@lp.com"}}))]
#[case::confirming(false, json!({}))]
#[tokio::test]
async fn a_program_confirms_with_a_code(#[case] signs_in: bool, #[case] mut expected: Value) {
    let app = confirmable().toml(&format!("[security]\nauto_login_after_confirm = {signs_in}")).start().await;
    let mut desk = app.browser();
    desk.post_json("/confirm", json!({"email": "joe@lp.com"})).await;
    let link = app.mailed_link("/confirm").await;
    let code = shown(&mut phone(&app), &link).await.unwrap();
    let reply = desk.post_json("/confirm", json!({"email": "joe@lp.com", "relay_code": code})).await;
    expected["csrf_token"] = reply.csrf_token().into();
    assert_eq!((reply.status(), reply.response()), (200, expected));
}

#[tokio::test]
async fn a_code_for_one_thing_is_worth_nothing_for_another() {
    let app = passwordless().toml("[security]\nconfirmable = true\nlogin_without_confirmation = true").start().await;
    let mut desk = app.browser();
    let confirm = ask(&app, &mut desk, "/confirm").await;
    let login = ask(&app, &mut desk, "/login").await;
    let confirm = shown(&mut phone(&app), &confirm).await.unwrap();
    let login = shown(&mut phone(&app), &login).await.unwrap();
    assert_eq!(type_code(&mut desk, "/login", &confirm).await, refused());
    assert_eq!(type_code(&mut desk, "/confirm", &login).await, refused());
    assert_eq!(type_code(&mut desk, "/confirm", &confirm).await.0, 200);
    assert_eq!(type_code(&mut desk, "/login", &login).await.0, 200);
}

#[rstest]
#[case::plain(false)]
#[case::generic(true)]
#[tokio::test]
async fn who_registers_finds_the_field_too(#[case] generic: bool) {
    let more = format!("[security]\nregisterable = true\nreturn_generic_responses = {generic}");
    let app = confirmable().toml(&more).start().await;
    let password = "nobody guesses this phrase";
    let mut pages = Vec::new();
    for email in ["new@lp.com", "joe@lp.com"] {
        let mut desk = app.browser();
        let fields = [("email", email), ("password", password), ("password_confirm", password)];
        let reply = desk.post_form("/register", &fields).await;
        if email == "joe@lp.com" && !generic {
            break;
        }
        let field = format!("/confirm?relay=1&email={}", email.replace('@', "%40"));
        assert_eq!(reply.location(), field);
        pages.push(desk.get(&field).await.text().replace(email, "EMAIL"));
        let link = app.mailed_link("/confirm").await;
        let code = shown(&mut phone(&app), &link).await.unwrap();
        let fields = json!({"email": email, "relay_code": code});
        assert_eq!(desk.post_json("/confirm", fields).await.status(), 200);
        assert_eq!(desk.who().await, email);
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
}

#[tokio::test]
async fn switched_off_there_are_no_codes() {
    let app = passwordless().toml("[security]\nlinks_offer_a_code = false").start().await;
    let mut desk = app.browser();
    let page = desk.post_form("/login", &[("email", "joe@lp.com")]).await;
    assert!(page.text().contains(r#"name="send_login_form""#));
    let link = app.mailed_link("/login").await;
    assert_eq!(shown(&mut phone(&app), &link).await, None);
    let reply = desk.post_json("/login", json!({"email": "joe@lp.com", "relay_code": "0000-0000"})).await;
    assert_eq!(reply.status(), 200, "the field means nothing");
    assert_eq!(app.mails().await.len(), 1);
}

#[tokio::test]
async fn odd_values_are_refused() {
    let app = passwordless().start().await;
    let mut desk = app.browser();
    ask(&app, &mut desk, "/login").await;
    for code in [json!(12_345_678), json!({}), json!([]), json!(null), json!("x".repeat(5000)), json!("A\0BCDEFG")] {
        let reply = desk.post_json("/login", json!({"email": "joe@lp.com", "relay_code": code})).await;
        assert_eq!(reply.status(), 400, "{code}");
    }
    let reply = desk.post_json("/login", json!({"email": 5, "relay_code": "0000-0000"})).await;
    assert_eq!(reply.status(), 400);
}
