//! Second factors after unified sign-in.

use super::*;

async fn enrolled(more: &str) -> TestApp {
    let app = app(&format!("two_factor = true\n{more}")).await;
    enrol_all(&app, "joe@lp.com").await;
    let patch = UserPatch {
        tf_primary_method: Some(Some("authenticator".to_owned())),
        tf_totp_secret: Some(Some(unified::STORED.to_owned())),
        ..UserPatch::default()
    };
    app.update("joe@lp.com", patch).await;
    app
}

#[tokio::test]
async fn are_asked_for_after_the_kinds_that_the_settings_name() {
    let app = enrolled("").await;
    let mut browser = app.browser();
    let asked = json!({
        "tf_required": true, "tf_method": "authenticator", "tf_primary_method": "authenticator", "tf_state": "ready",
    });
    assert_eq!(plain(&sign_in(&mut browser, "joe@lp.com", PASSWORD).await), asked);
    assert_eq!(browser.who().await, "nobody");
    let mut browser = app.browser();
    send(&mut browser, "joe@lp.com", "email").await;
    assert_eq!(plain(&sign_in(&mut browser, "joe@lp.com", &mailed_code(&app).await).await), asked);
    let mut browser = app.browser();
    send(&mut browser, "joe@lp.com", "sms").await;
    let texts = app.texts().await;
    assert_eq!(plain(&sign_in(&mut browser, "joe@lp.com", code_in(&texts[0])).await)["tf_required"], false);
}

#[tokio::test]
async fn follow_the_link_too() {
    let app = enrolled("").await;
    send(&mut app.browser(), "joe@lp.com", "email").await;
    let link = app.mailed_link("/us-verify-link").await;
    let mut browser = app.browser();
    let reply = browser.get(&link).await;
    assert!(reply.location().starts_with("/tf-validate"), "{}", reply.location());
    assert_eq!(browser.who().await, "nobody");
    let app = enrolled("redirect_behavior = \"spa\"\nlogin_error_view = \"/oops\"\npost_login_view = \"/in\"\n").await;
    send(&mut app.browser(), "joe@lp.com", "email").await;
    let link = app.mailed_link("/us-verify-link").await;
    let mut browser = app.browser();
    let reply = browser.get(&link).await;
    assert_eq!(reply.location(), "/oops?tf_required=1&email=joe%40lp.com&identity=joe%40lp.com");
    assert_eq!(browser.who().await, "nobody");
}
