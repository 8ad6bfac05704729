//! A fresh proof by a code.

use super::*;

#[tokio::test]
async fn is_asked_for_here() {
    let app = app("").await;
    enrol(&app, "joe@lp.com", &["email"]).await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    app.advance(90_000);
    let reply = browser.get("/us-setup").await;
    assert_eq!(reply.location(), "/us-verify?next=/us-setup");
    let refused = browser.get_json("/us-setup").await;
    let said = refused.response();
    assert_eq!((refused.status(), &said["unified_signin_enabled"]), (401, &json!(true)));
    let known = json!({
        "available_methods": ["password", "email", "authenticator", "sms"], "code_methods": ["email"],
        "has_webauthn_verify_credential": false, "oauth_enabled": false, "oauth_providers": [],
    });
    assert_eq!(plain(&browser.get_json("/us-verify").await), known);
    let page = browser.get("/us-verify?next=/us-setup").await;
    for part in [
        r#"name="us_verify_form""#,
        r#"action="/us-verify?next=/us-setup""#,
        r#"formaction="/us-verify/send-code?next=/us-setup""#,
        r#"value="email""#,
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    assert!(!page.text().contains(r#"value="sms""#));
    for (fields, field, message) in [
        (json!({}), "passcode", "INVALID_PASSWORD_CODE"),
        (json!({"passcode": "no"}), "passcode", "INVALID_PASSWORD_CODE"),
        (json!({"passcode": PASSWORD, "next": "//evil"}), "next", "INVALID_REDIRECT"),
    ] {
        let reply = browser.post_json("/us-verify", fields.clone()).await;
        assert_eq!((reply.status(), reply.field_errors()), (400, json!({field: [message]})), "{fields}");
    }
    for (method, message) in
        [("", "US_METHOD_NOT_AVAILABLE"), ("sms", "US_METHOD_NOT_AVAILABLE"), ("pigeon", "INVALID_CHOICE")]
    {
        let reply = browser.post_json("/us-verify/send-code", json!({"chosen_method": method})).await;
        assert_eq!((reply.status(), reply.field_errors()), (400, json!({"chosen_method": [message]})), "{method}");
    }
    let sent = browser.post_json("/us-verify/send-code", json!({"chosen_method": "email"})).await;
    assert_eq!((sent.status(), plain(&sent)), (200, json!({})));
    let mails = app.mails().await;
    assert_eq!(link_in(&mails[0], "/us-verify-link"), None, "this mail signs nobody in");
    let code = unified::code_of(&mails[0]);
    let done = browser.post_json("/us-verify", json!({"passcode": code})).await;
    assert_eq!((done.status(), plain(&done)), (200, json!({"user": {"email": "joe@lp.com"}})));
    assert_eq!(browser.get("/us-setup").await.status(), 200);
}

#[tokio::test]
async fn leads_a_browser_on() {
    let app = app("post_verify_view = \"/verified\"\n").await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    let reply = browser.post_form("/us-verify?next=/there", &[("passcode", PASSWORD)]).await;
    assert_eq!((reply.status(), reply.location()), (302, "/there"));
    assert_eq!(app.flashes(&browser), ["REAUTHENTICATION_SUCCESSFUL"]);
    assert_eq!(browser.post_form("/us-verify", &[("passcode", PASSWORD)]).await.location(), "/verified");
    let page = browser.post_form("/us-verify/send-code", &[("chosen_method", "email")]).await;
    assert!(page.status() == 200 && page.text().contains("US_METHOD_NOT_AVAILABLE"), "{}", page.text());
}

#[tokio::test]
async fn belongs_to_somebody_signed_in() {
    let app = app("").await;
    let mut browser = app.browser();
    assert_eq!(browser.get("/us-verify").await.location(), "/login?next=/us-verify");
    for path in ["/us-verify", "/us-verify/send-code", "/us-setup", "/us-setup/x"] {
        assert_eq!(browser.post_json(path, json!({})).await.status(), 401, "{path}");
    }
    let app = unified::app("freshness = -1\n").await;
    let mut browser = app.browser();
    browser.sign_in("joe@lp.com").await;
    assert_eq!(browser.get("/us-verify").await.status(), 404);
    assert_eq!(browser.get("/us-setup").await.status(), 200);
}
