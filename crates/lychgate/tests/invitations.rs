//! Registration for the invited, and registration that somebody has to approve.
#![allow(clippy::unwrap_used)]

use lychgate_testkit::{AppBuilder, Browser, Database, Reply, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};

const PHRASE: &str = "nobody guesses this phrase";
const DAY: i64 = 86_400;

fn app(mode: &str) -> AppBuilder {
    TestApp::builder().toml(&format!(
        "base_url = \"http://localhost\"\n[csrf]\nenabled = false\n[security]\nregisterable = true\nregister_mode = \"{mode}\""
    ))
}

fn fields(email: &str, invitation: Option<&str>) -> Value {
    let mut fields = json!({"email": email, "password": PHRASE, "password_confirm": PHRASE});
    if let Some(invitation) = invitation {
        fields["invitation"] = invitation.into();
    }
    fields
}

async fn invite(app: &TestApp, email: &str, roles: &[&str]) -> String {
    let roles: Vec<String> = roles.iter().map(|&role| role.to_owned()).collect();
    let link = app.gate().accounts().invite(email, &roles, Some("Ann")).await.unwrap();
    let mails = app.mails().await;
    assert!(mails.len() == 1 && mails[0].text.as_deref().unwrap().contains(&format!("\n{link}\n")));
    link.strip_prefix("http://localhost/register?invitation=").unwrap().to_owned()
}

async fn register(browser: &mut Browser, email: &str, invitation: Option<&str>) -> Reply {
    browser.post_json("/register", fields(email, invitation)).await
}

#[rstest]
#[tokio::test]
async fn the_invited_register(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("invitation", "closed", "open", "domain", "approval")] mode: &str,
) {
    let app = app(mode).toml("[security]\nconfirmable = true").on(database).start().await;
    let token = invite(&app, "New@LP.com", &["editor"]).await;
    let mut browser = app.browser();
    let page = browser.get(&format!("/register?invitation={token}")).await;
    assert!(
        page.text().contains("value=\"New@lp.com\"") && page.text().contains("name=\"invitation\""),
        "{}",
        page.text()
    );
    let fields = [("email", "new@lp.com"), ("password", PHRASE), ("password_confirm", PHRASE), ("invitation", &token)];
    assert_eq!(browser.post_form("/register", &fields).await.status(), 302);
    let user = app.user("new@lp.com").await;
    assert!(user.active && user.confirmed_at.is_some(), "who followed the link has the mailbox");
    assert_eq!(user.roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(), ["editor"]);
    assert_eq!(browser.who().await, "new@lp.com");
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    assert!(!mails[0].text.as_deref().unwrap().contains("/confirm/"), "nothing is left to confirm");
}

#[tokio::test]
async fn an_invitation_is_good_for_one_account_with_one_address() {
    let app = app("invitation").start().await;
    let refused = |reply: Reply| (reply.status(), reply.response()["errors"].clone());
    let closed = || (403, json!(["INVITATION_REQUIRED"]));
    let mut browser = app.browser();
    assert_eq!(refused(register(&mut browser, "new@lp.com", None).await), closed());
    assert!(browser.get("/register").await.text().contains("by invitation"));
    let token = invite(&app, "new@lp.com", &[]).await;
    let other = register(&mut browser, "other@lp.com", Some(&token)).await;
    assert_eq!((other.status(), other.field_errors()), (400, json!({"email": ["INVITATION_ADDRESS"]})));
    for wrong in ["x", &token[1..], &format!("{token}A")] {
        assert_eq!(refused(register(&mut browser, "new@lp.com", Some(wrong)).await), closed(), "{wrong}");
    }
    let before = app.store().count_users().await.unwrap();
    let calls = (0..20).map(|number| {
        let (mut browser, token) = (app.browser(), token.clone());
        let email = if number % 2 == 0 { "new@lp.com" } else { "NEW@lp.com" };
        async move { register(&mut browser, email, Some(&token)).await.status() }
    });
    let statuses = at_once(calls).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 400, 403].contains(status)), "{statuses:?}");
    assert_eq!(app.store().count_users().await.unwrap(), before + 1);
    assert_eq!(refused(register(&mut app.browser(), "new@lp.com", Some(&token)).await), closed());
}

#[tokio::test]
async fn invitations_end() {
    let app = app("invitation").start().await;
    let first = invite(&app, "new@lp.com", &[]).await;
    let second = invite(&app, "new@lp.com", &[]).await;
    let mut browser = app.browser();
    assert_eq!(register(&mut browser, "new@lp.com", Some(&first)).await.status(), 403, "a newer one took its place");
    assert!(app.gate().accounts().uninvite("NEW@lp.com").await.unwrap());
    assert_eq!(register(&mut browser, "new@lp.com", Some(&second)).await.status(), 403, "it was taken back");
    let third = invite(&app, "new@lp.com", &[]).await;
    app.advance(7 * DAY + 1);
    assert_eq!(register(&mut browser, "new@lp.com", Some(&third)).await.status(), 403, "it is too old");
    assert!(!app.gate().accounts().uninvite("new@lp.com").await.unwrap());
    let accounts = app.gate().accounts();
    assert!(accounts.invite("joe@lp.com", &[], None).await.is_err(), "he has an account");
    assert!(accounts.invite("nobody", &[], None).await.is_err());
    assert!(accounts.invite("new@lp.com", &["nonsense".to_owned()], None).await.is_err());
    assert!(app.mails().await.is_empty());
}

#[rstest]
#[tokio::test]
async fn an_account_waits_to_be_approved(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app("approval").on(database).start().await;
    let mut browser = app.browser();
    let reply = register(&mut browser, "new@lp.com", None).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(browser.who().await, "nobody");
    assert_eq!(app.flashes(&browser), ["REGISTRATION_WAITING"]);
    app.mails().await;
    let sign_in = |password: &'static str| {
        let mut browser = app.browser();
        async move { browser.post_json("/login", json!({"email": "new@lp.com", "password": password})).await }
    };
    let told = sign_in(PHRASE).await;
    assert_eq!(told.status(), 403);
    assert_eq!(told.response(), json!({"errors": ["ACCOUNT_WAITING"], "code": "account_waiting"}));
    assert_eq!(
        sign_in("wrong").await.field_errors(),
        json!({"password": ["INVALID_PASSWORD"]}),
        "a stranger learns nothing"
    );
    let user = app.user("new@lp.com").await;
    let accounts = app.gate().accounts();
    assert!(accounts.is_waiting(&user).await.unwrap() && accounts.approve(&user).await.unwrap());
    assert!(
        !accounts.approve(&user).await.unwrap() && !accounts.decline(&user, None).await.unwrap(),
        "it waits no longer"
    );
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "new@lp.com"));
    assert!(mails[0].text.as_deref().unwrap().contains("http://localhost/login"));
    assert_eq!(sign_in(PHRASE).await.status(), 200);
    register(&mut app.browser(), "other@lp.com", None).await;
    let other = app.user("other@lp.com").await;
    assert!(accounts.decline(&other, None).await.unwrap());
    let joe = app.user("joe@lp.com").await;
    assert!(!accounts.approve(&joe).await.unwrap() && !accounts.decline(&joe, None).await.unwrap());
}
