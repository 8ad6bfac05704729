//! The same with pages, as a browser goes.

use lychgate_testkit::{Authenticator, TestApp};

use crate::support::{HERE, action, app, call, passkeys_of, signed_in};

#[tokio::test]
async fn a_person_does_the_same_with_pages() {
    let app = app().toml("[csrf]\nenabled = true").start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let page = browser.get("/wan-register").await;
    assert!(page.text().contains(r#"name="wan_register_form""#) && page.text().contains("js/webauthn.js"));
    let token = page.csrf_token();
    let fields = [("name", "O'Neil"), ("usage", "first"), ("csrf_token", &token)];
    assert!(browser.post_form("/wan-register", &fields).await.text().contains("WEBAUTHN_NAME_DISALLOWED_CHARACTERS"));
    let fields = [("name", "phone"), ("usage", "first"), ("csrf_token", &token)];
    let page = browser.post_form("/wan-register", &fields).await;
    let mut device = Authenticator::default();
    let made = device.create(&call(&page, "handleRegister"), HERE).unwrap();
    let fields = [("credential", made.as_str()), ("csrf_token", &page.csrf_token())];
    assert_eq!(browser.post_form(&action(&page), &fields).await.location(), "/wan-register");
    assert_eq!(app.flashes(&browser), ["WEBAUTHN_REGISTER_SUCCESSFUL"]);
    let page = browser.get("/wan-register").await;
    assert!(page.text().contains("phone") && page.text().contains(r#"name="wan_delete_form""#));

    let mut visitor = app.browser();
    let login = visitor.get("/login?next=/here").await;
    assert!(login.text().contains(r#"autocomplete="username webauthn""#) && login.text().contains("passkey-autofill"));
    let page = visitor.get("/wan-signin?next=/here").await;
    let fields = [("csrf_token", page.csrf_token()), ("remember", "y".to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = visitor.post_form(&action(&page), &fields).await;
    assert_eq!(page.input("remember").as_deref(), Some("True"));
    let used = device.get(&call(&page, "handleSignin"), HERE).unwrap();
    let token = page.csrf_token();
    let path = action(&page);
    let fields = [("credential", used.as_str()), ("csrf_token", "wrong")];
    assert!(visitor.post_form(&path, &fields).await.location().starts_with("/wan-signin"));
    assert_eq!(app.flashes(&visitor), ["CSRF_INVALID"]);
    let fields = [("credential", used.as_str()), ("remember", "True"), ("csrf_token", &token)];
    assert_eq!(visitor.post_form(&path, &fields).await.location(), "/here");
    assert_eq!(visitor.who().await, "joe@lp.com");
    assert!(visitor.cookie("remember_token").is_some());

    let page = visitor.get("/wan-verify?next=/there").await;
    let page = visitor.post_form(&action(&page), &[("csrf_token", &page.csrf_token())]).await;
    let used = device.get(&call(&page, "handleSignin"), HERE).unwrap();
    let fields = [("credential", used.as_str()), ("csrf_token", &page.csrf_token())];
    assert_eq!(visitor.post_form(&action(&page), &fields).await.location(), "/there");

    let page = visitor.get("/wan-register").await;
    let fields = [("name", "phone"), ("csrf_token", &page.csrf_token())];
    assert_eq!(visitor.post_form("/wan-delete", &fields).await.location(), "/wan-register");
    assert!(app.flashes(&visitor).contains(&"WEBAUTHN_CREDENTIAL_DELETED".to_owned()));
    assert!(passkeys_of(&app, "joe@lp.com").await.is_empty());
    assert_eq!(visitor.get("/wan-delete").await.location(), "/wan-register");
}

#[tokio::test]
async fn switched_off_there_is_nothing() {
    let app = TestApp::builder().start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    for path in ["/wan-register", "/wan-signin", "/wan-verify", "/wan-delete", "/.well-known/passkey-endpoints"] {
        assert_eq!(joe.get(path).await.status(), 404, "{path}");
    }
    let login = app.browser().get("/login").await;
    assert!(!login.text().contains("passkey") && !login.text().contains("webauthn"));
}
