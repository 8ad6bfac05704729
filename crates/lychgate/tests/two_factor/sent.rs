//! Codes that are sent.

use super::*;

/// The code in the newest of so many mails.
pub(super) async fn mailed(app: &TestApp, count: usize) -> String {
    let mails = app.mails().await;
    assert_eq!(mails.len(), count, "{mails:?}");
    let text = mails.last().unwrap().text.clone().unwrap();
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    text.split_whitespace().find(is_code).unwrap().to_owned()
}

#[tokio::test]
async fn codes_by_mail() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "email").await;
    let mut browser = app.browser();
    let reply = begin_as(&mut browser, "gal@lp.com").await;
    assert_eq!(reply["tf_method"], "email");
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str(), mails[0].subject.as_str()), (1, "gal@lp.com", "Two-Factor Login"));
    let first = code(&app, 0);
    assert!(mails[0].text.as_ref().unwrap().contains(&first) && mails[0].text.as_ref().unwrap().contains("5 minutes"));
    // Asked for again within the same half minute there is a new one, and the old one is no good.
    let mut browser = begin(&app, "gal@lp.com").await;
    let second = mailed(&app, 1).await;
    assert_ne!(first, second);
    assert_eq!(validate(&mut browser, &first).await, 400);
    app.advance(299);
    assert_eq!(validate(&mut browser, &code(&app, 0)).await, 400, "one that was never sent");
    assert_eq!(validate(&mut browser, &second).await, 200);
    assert_eq!(validate(&mut begin(&app, "gal@lp.com").await, &second).await, 400);
    let third = mailed(&app, 1).await;
    app.advance(301);
    assert_eq!(validate(&mut begin_without_mail(&app).await, &third).await, 400, "too old");
}

/// A sign-in whose code is not looked at.
async fn begin_without_mail(app: &TestApp) -> lychgate_testkit::Browser {
    let browser = begin(app, "gal@lp.com").await;
    app.mails().await;
    browser
}

#[tokio::test]
async fn codes_are_not_sent_without_end() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "email").await;
    for _ in 0..10 {
        begin(&app, "gal@lp.com").await;
    }
    let last = mailed(&app, 10).await;
    let mut browser = app.browser();
    let fields = json!({"email": "gal@lp.com", "password": PASSWORD});
    assert_eq!(browser.post_json("/login", fields).await.status(), 429);
    assert!(app.mails().await.is_empty());
    // The last one that was sent is still good.
    let mut browser = app.browser();
    let reply = browser.post_form("/login", &[("email", "gal@lp.com"), ("password", PASSWORD)]).await;
    assert_eq!(reply.location(), "/tf-validate");
    assert_eq!(app.flashes(&browser), ["TOO_MANY_REQUESTS"]);
    assert_eq!(validate(&mut browser, &last).await, 200);
}

#[tokio::test]
async fn codes_by_text_message() {
    let app = app("").await;
    enrol(&app, "gal@lp.com", "sms").await;
    let number = UserPatch { tf_phone_number: Some(Some("650-555-1212".to_owned())), ..UserPatch::default() };
    app.update("gal@lp.com", number).await;
    let mut browser = begin(&app, "gal@lp.com").await;
    let texts = app.texts().await;
    assert_eq!((texts.len(), texts[0].to.as_str()), (1, "650-555-1212"));
    assert!(app.mails().await.is_empty());
    app.advance(119);
    assert_eq!(validate(&mut browser, &code(&app, -119)).await, 200);
}

#[tokio::test]
async fn a_code_that_cannot_be_sent() {
    let app = app("[mail]\ntimeout = 1\n").await;
    enrol(&app, "gal@lp.com", "email").await;
    app.inbox().set_down(true);
    let mut browser = app.browser();
    let reply = browser.post_json("/login", json!({"email": "gal@lp.com", "password": PASSWORD})).await;
    assert_eq!((reply.status(), reply.response()), (500, json!({"errors": ["FAILED_TO_SEND_CODE"]})));
    let reply = browser.post_form("/login", &[("email", "gal@lp.com"), ("password", PASSWORD)]).await;
    assert_eq!(reply.location(), "/tf-validate");
    assert!(browser.get("/tf-validate").await.text().contains("FAILED_TO_SEND_CODE"));
    // A secret that cannot be read makes no codes either.
    app.inbox().set_down(false);
    let broken = UserPatch { tf_totp_secret: Some(Some("{}".to_owned())), ..UserPatch::default() };
    app.update("gal@lp.com", broken).await;
    let reply = browser.post_json("/login", json!({"email": "gal@lp.com", "password": PASSWORD})).await;
    assert_eq!(reply.status(), 500);
    assert_eq!(validate(&mut browser, "000000").await, 400);
}

#[tokio::test]
async fn codes_that_a_flask_application_sent() {
    for (profile, status) in [("flask", 200), ("modern", 400)] {
        let app = app(&format!("profile = \"{profile}\"\n")).await;
        enrol(&app, "gal@lp.com", "email").await;
        let mut browser = begin(&app, "gal@lp.com").await;
        app.advance(86_400 + 301);
        // What was sent here is forgotten by then; there the code of half a minute ago was sent.
        app.store().purge_limits(app.now()).await.unwrap();
        assert_eq!(browser.get_json("/tf-validate").await.status(), 400);
        let mut browser = app.browser();
        app.inbox().set_down(true);
        let _ = browser.post_json("/login", json!({"email": "gal@lp.com", "password": PASSWORD})).await;
        let user = app.user("gal@lp.com").await;
        forget_sent_codes(&app, user.id).await;
        assert_eq!(validate(&mut browser, &code(&app, -30)).await, status, "{profile}");
    }
}

/// As if the last code had been sent by somebody else.
async fn forget_sent_codes(app: &TestApp, user_id: i64) {
    let mark = second_factor::mark_of_key();
    app.store().clear_attempts(&format!("code-sent/{user_id}/{mark}")).await.unwrap();
}
