//! Asking for the deletion of an account, and keeping it.

use super::*;

/// Asks for the deletion and gives the path of the link in the mail that keeps the account.
async fn ask(app: &TestApp, browser: &mut Browser) -> String {
    let reply = browser.post_json("/account/delete", json!({"password": PASSWORD})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    app.mailed_link("/account/keep").await
}

async fn is_there(app: &TestApp, email: &str) -> bool {
    app.store().user_by_identity("email", email, true).await.unwrap().is_some()
}

#[rstest]
#[tokio::test]
async fn an_account_is_deleted_after_a_time_of_grace(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().real_texts().on(database).start().await;
    let mut phone = signed_in(&app, "joe@lp.com", IPHONE).await;
    let token = app.auth_token("joe@lp.com").await;
    let mut desk = signed_in(&app, "joe@lp.com", FIREFOX).await;
    assert!(desk.get("/account").await.text().contains("href=\"/account/delete\""));
    let text = desk.get("/account/delete").await.text().to_owned();
    assert!(text.contains("On 29 June 2025") && text.contains("name=\"password\""), "{text}");
    let wrong = desk.post_form("/account/delete", &[("password", "wrong")]).await;
    assert_eq!(wrong.status(), 200);
    assert!(wrong.text().contains("That password is not right."), "{}", wrong.text());
    assert!(app.mails().await.is_empty());
    assert_eq!(desk.post_form("/account/delete", &[("password", PASSWORD)]).await.location(), "/");
    assert_eq!(
        app.flashes(&desk),
        ["Your account will be deleted on 29 June 2025. Until then you can sign in and keep it."]
    );

    // Everything that was signed in is out at once.
    let mut program = app.browser();
    let by_token = program.call("GET", "/account").header("authentication-token", &token);
    assert_eq!(by_token.header("accept", "application/json").send().await.status(), 401);
    assert_eq!((phone.who().await.as_str(), desk.who().await.as_str()), ("nobody", "nobody"));
    let mails = app.mails().await;
    assert_eq!(
        (mails.len(), mails[0].to.as_str(), mails[0].subject.as_str()),
        (1, "joe@lp.com", "Your account will be deleted")
    );
    let text = mails[0].text.as_deref().unwrap();
    assert!(text.contains("14 days") && text.contains("Firefox on Linux") && text.contains("/account/keep/"), "{text}");

    // Signing in changes nothing, and says so.
    app.advance(86_400);
    let mut back = app.browser();
    let form = [("email", "joe@lp.com"), ("password", PASSWORD)];
    assert_eq!(back.post_form("/login", &form).await.status(), 302);
    assert_eq!(
        app.flashes(&back),
        ["Your account will be deleted on 29 June 2025. On your account page you can keep it."]
    );
    let text = back.get("/account").await.text().to_owned();
    assert!(
        text.contains("This account will be deleted on 29 June 2025.") && text.contains("action=\"/account/keep\"")
    );
    assert!(!text.contains("href=\"/account/delete\""));

    app.advance(13 * 86_400 - 1);
    app.gate().tidy().await.unwrap();
    assert!(is_there(&app, "joe@lp.com").await);
    app.advance(1);
    let id = app.user("joe@lp.com").await.id;
    let _ = app.take_events();
    app.gate().tidy().await.unwrap();
    assert!(!is_there(&app, "joe@lp.com").await && is_there(&app, "matt@lp.com").await);
    assert_eq!(back.who().await, "nobody");
    assert!(app.store().sessions_of(id).await.unwrap().is_empty());
    assert!(app.store().activity_of(id, 100).await.unwrap().is_empty());
    assert_eq!(app.store().account_state(id).await.unwrap(), None);
    assert_eq!(app.take_events(), [lychgate::Event::AccountDeleted { user_id: id }]);
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].subject.as_str()), (1, "Your account was deleted"));
    assert!(mails[0].text.as_deref().unwrap().contains("This is the last mail about it."));
    app.gate().tidy().await.unwrap();
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn mails_on_their_way_go_with_the_account() {
    let app = app().toml("delivery = \"outbox\"\n[security]\nrecoverable = true").start().await;
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    ask(&app, &mut browser).await;
    app.advance(14 * 86_400);
    for email in ["joe@lp.com", "matt@lp.com"] {
        assert_eq!(app.browser().post_json("/reset", json!({"email": email})).await.status(), 200);
    }
    assert_eq!(app.gate().accounts().delete_due().await.unwrap(), 1);
    let mails = app.mails().await;
    let has_link = |mail: &lychgate::mail::Message| mail.text.as_deref().unwrap().contains("/reset/");
    let mut to: Vec<(&str, bool)> = mails.iter().map(|mail| (mail.to.as_str(), has_link(mail))).collect();
    to.sort_unstable();
    assert_eq!(to, [("joe@lp.com", false), ("matt@lp.com", true)]);
    let left = app.store().outbox_of("joe@lp.com").await.unwrap();
    assert_eq!(left.len(), 1, "only the last one is known of");
}

#[tokio::test]
async fn nobody_is_deleted_for_somebody_before_them() {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    ask(&app, &mut browser).await;
    // Another program deletes the user, and SQLite gives the key to the next one.
    let next = "UPDATE \"user\" SET email = 'next@lp.com', fs_uniquifier = 'next', \
                create_datetime = '2025-06-16 00:00:00.000000' WHERE email = 'joe@lp.com'";
    drop(TestApp::builder().sharing(&app).sql(next).start().await);
    let mut next = signed_in(&app, "next@lp.com", FIREFOX).await;
    assert_eq!(page(&mut next).await["deletion_due_at"], Value::Null);
    app.advance(14 * 86_400);
    assert_eq!(app.gate().accounts().delete_due().await.unwrap(), 0);
    assert!(is_there(&app, "next@lp.com").await);
    assert!(app.store().deletions_due(app.now(), 9).await.unwrap().is_empty());
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn the_wish_of_somebody_before_them_is_in_nobodys_way() {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    ask(&app, &mut browser).await;
    let next = "UPDATE \"user\" SET email = 'next@lp.com', fs_uniquifier = 'next', \
                create_datetime = '2025-06-16 00:00:00.000000' WHERE email = 'joe@lp.com'";
    drop(TestApp::builder().sharing(&app).sql(next).start().await);
    app.advance(86_400);
    let mut next = signed_in(&app, "next@lp.com", FIREFOX).await;
    ask(&app, &mut next).await;
    app.advance(13 * 86_400);
    assert_eq!(app.gate().accounts().delete_due().await.unwrap(), 0);
    app.advance(86_400);
    assert_eq!(app.gate().accounts().delete_due().await.unwrap(), 1);
    assert!(!is_there(&app, "next@lp.com").await);
}

#[tokio::test]
async fn the_owner_keeps_it_signed_in_or_by_the_link() {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    let link = ask(&app, &mut browser).await;
    let mut back = signed_in(&app, "joe@lp.com", IPHONE).await;
    assert_eq!(page(&mut back).await["deletion_due_at"], "2025-06-29T15:06:40Z");
    let again = back.post_json("/account/delete", json!({"password": PASSWORD})).await;
    assert_eq!((again.status(), again.field_errors()), (400, json!({"": ["ACCOUNT_DELETION_ASKED"]})));
    assert_eq!(back.post_form("/account/keep", &[]).await.location(), "/account");
    assert_eq!(app.flashes(&back), ["ACCOUNT_DELETION_CANCELLED"]);
    assert_eq!(page(&mut back).await["deletion_due_at"], Value::Null);
    assert_eq!(kinds(&mut back).await[..3], ["deletion-cancelled", "sign-in", "deletion-asked"]);
    // The link told of a deletion that is no more.
    let mut stranger = app.browser();
    assert_eq!(stranger.post_form(&link, &[]).await.location(), "/login");
    assert_eq!(app.flashes(&stranger), ["ACCOUNT_KEEP_LINK_INVALID"]);

    app.advance(60);
    let later = ask(&app, &mut back).await;
    assert_eq!(stranger.post_json(&link, json!({})).await.field_errors(), json!({"": ["ACCOUNT_KEEP_LINK_INVALID"]}));
    let reply = stranger.get(&later).await;
    assert_eq!((reply.status(), reply.text().contains("Keep my account")), (200, true));
    assert_eq!(app.store().deletions_due(app.now() + time::Duration::days(15), 9).await.unwrap().len(), 1);
    let calls = (0..20).map(|_| {
        let (mut browser, later) = (app.browser(), later.clone());
        async move { browser.post_json(&later, json!({})).await.status() }
    });
    let mut statuses = at_once(calls).await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1], statuses[19]), (200, 400, 400));
    app.advance(15 * 86_400);
    app.gate().tidy().await.unwrap();
    assert!(is_there(&app, "joe@lp.com").await);
}

#[tokio::test]
async fn links_that_were_tampered_with_keep_nothing() {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    let link = ask(&app, &mut browser).await;
    let reset = app.gate().settings().text("reset_salt").to_owned();
    for wrong in
        [format!("{link}x"), "/account/keep/x".to_owned(), format!("/account/keep/{reset}"), link.replace('.', "..")]
    {
        assert_eq!(app.browser().post_json(&wrong, json!({})).await.status(), 400, "{wrong}");
    }
    app.advance(15 * 86_400 + 1);
    assert_eq!(app.browser().post_json(&link, json!({})).await.status(), 400, "the link is too old");
    assert_eq!(app.gate().accounts().delete_due().await.unwrap(), 1);
}

#[rstest]
#[tokio::test]
async fn of_many_wishes_one_counts_and_one_process_deletes(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().on(database).start().await;
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    browser.get("/account/delete").await;
    let calls = (0..10).map(|_| {
        let mut browser = browser.clone();
        async move { browser.post_json("/account/delete", json!({"password": PASSWORD})).await.status() }
    });
    let mut statuses = at_once(calls).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| [400, 401].contains(status)), "{statuses:?}");
    assert_eq!(app.mails().await.len(), 1);
    app.advance(14 * 86_400);
    let calls = (0..10).map(|_| {
        let gate = app.gate().clone();
        async move { gate.accounts().delete_due().await.unwrap() }
    });
    assert_eq!(at_once(calls).await.into_iter().sum::<u64>(), 1);
    assert_eq!(app.mails().await.len(), 1);
}

#[tokio::test]
async fn without_grace_it_is_gone_at_once() {
    let app = app().toml("[security]\naccount_deletion_grace = 0").start().await;
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    assert!(!browser.get("/account/delete").await.text().contains("until then"));
    assert_eq!(browser.post_form("/account/delete", &[("password", PASSWORD)]).await.location(), "/");
    assert_eq!(app.flashes(&browser), ["ACCOUNT_DELETED"]);
    assert!(!is_there(&app, "joe@lp.com").await);
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].subject.as_str()), (1, "Your account was deleted"));
}

#[tokio::test]
async fn deleting_and_downloading_ask_for_a_proof() {
    let app = app().toml("[security]\nfreshness = 60\nfreshness_grace_period = 0").start().await;
    for path in ["/account/delete", "/account/export"] {
        assert_eq!(app.browser().get(path).await.location(), format!("/login?next={path}"));
    }
    let mut browser = signed_in(&app, "joe@lp.com", FIREFOX).await;
    app.advance(61);
    assert_eq!(browser.get("/account/export").await.location(), "/verify?next=/account/export");
    let reply = browser.get_json("/account/export").await;
    assert_eq!((reply.status(), &reply.response()["reauth_required"]), (401, &json!(true)));
    for body in [json!({}), json!({"password": ""}), json!({"password": "wrong"}), json!({"password": 7})] {
        assert_eq!(browser.post_json("/account/delete", body).await.status(), 400);
    }
    assert!(app.mails().await.is_empty());
    assert_eq!(app.store().account_state(app.user("joe@lp.com").await.id).await.unwrap(), None);
    // The password is the proof; who has none has to come fresh.
    assert_eq!(browser.post_json("/account/delete", json!({"password": PASSWORD})).await.status(), 200);
    let mut matt = signed_in(&app, "matt@lp.com", FIREFOX).await;
    let none = lychgate::store::UserPatch { password: Some(None), ..Default::default() };
    app.update("matt@lp.com", none).await;
    app.advance(61);
    assert_eq!(matt.get("/account/delete").await.location(), "/verify?next=/account/delete");
    assert_eq!(matt.post_json("/account/delete", json!({})).await.status(), 401);
}

/// Takes the role from the other administrators.
async fn alone(app: &TestApp) {
    for other in ["dave@lp.com", "gal@lp.com"] {
        assert!(app.store().remove_role(app.user(other).await.id, "admin").await.unwrap());
    }
}

#[rstest]
#[tokio::test]
async fn the_last_administrator_stays(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut matt = signed_in(&app, "matt@lp.com", FIREFOX).await;
    alone(&app).await;
    let refused = matt.post_json("/account/delete", json!({"password": PASSWORD})).await;
    assert_eq!((refused.status(), refused.field_errors()), (400, json!({"": ["LAST_ADMINISTRATOR"]})));
    let page = matt.post_form("/account/delete", &[("password", PASSWORD)]).await;
    assert!(page.text().contains("LAST_ADMINISTRATOR"), "{}", page.text());
    assert_eq!((matt.who().await.as_str(), app.mails().await.len()), ("matt@lp.com", 0));
    let id = app.user("matt@lp.com").await.id;
    assert_eq!(app.store().account_state(id).await.unwrap(), None);
    // With another one it goes, unless that one is gone when the time has come.
    let jill = app.user("jill@lp.com").await.id;
    app.store().add_role(jill, "admin").await.unwrap();
    ask(&app, &mut matt).await;
    app.store().remove_role(jill, "admin").await.unwrap();
    app.advance(14 * 86_400);
    assert_eq!(app.gate().accounts().delete_due().await.unwrap(), 0);
    assert!(is_there(&app, "matt@lp.com").await && app.mails().await.is_empty());
    app.store().add_role(jill, "admin").await.unwrap();
    assert_eq!(app.gate().accounts().delete_due().await.unwrap(), 0, "tried again after a day");
    app.advance(86_400);
    assert_eq!(app.gate().accounts().delete_due().await.unwrap(), 1);
    assert!(!is_there(&app, "matt@lp.com").await);
}

#[rstest]
#[tokio::test]
async fn of_all_administrators_who_go_at_once_one_stays(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().on(database).start().await;
    let three = ["matt@lp.com", "dave@lp.com", "jill@lp.com"];
    app.store().add_role(app.user("jill@lp.com").await.id, "admin").await.unwrap();
    app.store().remove_role(app.user("gal@lp.com").await.id, "admin").await.unwrap();
    let mut browsers = Vec::new();
    for email in three {
        browsers.push(signed_in(&app, email, FIREFOX).await);
    }
    let calls = browsers.into_iter().map(|mut browser| async move {
        browser.post_json("/account/delete", json!({"password": PASSWORD})).await.status()
    });
    let mut statuses = at_once(calls).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 400]);
}
