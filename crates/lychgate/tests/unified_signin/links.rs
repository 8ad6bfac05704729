//! Links that sign in.

use super::*;

async fn mailed(app: &TestApp, email: &str) -> (String, String) {
    let reply = send(&mut app.browser(), email, "email").await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let mails = app.mails().await;
    let mail = mails.last().unwrap();
    (link_in(mail, "/us-verify-link").unwrap(), unified::code_of(mail))
}

#[tokio::test]
async fn sign_in_once_and_use_up_the_code() {
    let app = app("").await;
    enrol(&app, "jess@lp.com", &["email"]).await;
    let (link, code) = mailed(&app, "jess@lp.com").await;
    let user = app.user("jess@lp.com").await;
    assert!(!link.contains(&user.fs_uniquifier) && !link.contains(&code), "{link}");
    let mut browser = app.browser();
    let reply = browser.get(&link).await;
    assert_eq!((reply.status(), reply.location()), (302, "/"));
    assert_eq!(app.flashes(&browser), ["PASSWORDLESS_LOGIN_SUCCESSFUL"]);
    assert_eq!(browser.who().await, "jess@lp.com");
    let mut other = app.browser();
    assert_eq!(other.get(&link).await.location(), "/us-signin");
    assert_eq!(app.flashes(&other), ["INVALID_CODE"]);
    assert_eq!(sign_in(&mut other, "jess@lp.com", &code).await.status(), 400, "link and code are one");
    let (link, code) = mailed(&app, "jess@lp.com").await;
    assert_eq!(sign_in(&mut other, "jess@lp.com", &code).await.status(), 200);
    assert_eq!(app.browser().get(&link).await.location(), "/us-signin");
    assert_eq!(browser.get(&link).await.location(), "/", "whoever is signed in is");
}

#[tokio::test]
async fn of_all_who_follow_one_gets_in() {
    let app = app("").await;
    enrol(&app, "jess@lp.com", &["email"]).await;
    let (link, code) = mailed(&app, "jess@lp.com").await;
    let tries = (0..8).map(|n| {
        let (mut browser, link, code) = (app.browser(), link.clone(), code.clone());
        async move {
            match n % 2 {
                0 => browser.get(&link).await.location() == "/",
                _ => sign_in(&mut browser, "jess@lp.com", &code).await.status() == 200,
            }
        }
    });
    let through = at_once(tries.collect::<Vec<_>>()).await;
    assert_eq!(through.iter().filter(|through| **through).count(), 1, "{through:?}");
}

#[tokio::test]
async fn die_with_what_they_are_bound_to() {
    let app = app("").await;
    enrol(&app, "jess@lp.com", &["email"]).await;
    let fresh = || "f".repeat(32);
    let moved = UserPatch { email: Some("moved@lp.com".to_owned()), ..UserPatch::default() };
    let renewed = UserPatch { fs_uniquifier: Some(fresh()), ..UserPatch::default() };
    let off = UserPatch { active: Some(false), ..UserPatch::default() };
    let gone = UserPatch { us_totp_secrets: Some(None), ..UserPatch::default() };
    for patch in [moved, renewed, off, gone] {
        let app = unified::app("").await;
        enrol(&app, "jess@lp.com", &["email"]).await;
        let (link, _) = mailed(&app, "jess@lp.com").await;
        app.update("jess@lp.com", patch.clone()).await;
        let mut browser = app.browser();
        assert_eq!(browser.get(&link).await.location(), "/us-signin", "{patch:?}");
        assert_eq!(browser.who().await, "nobody", "{patch:?}");
    }
    let (link, _) = mailed(&app, "jess@lp.com").await;
    app.advance(121);
    assert_eq!(app.browser().get(&link).await.location(), "/us-signin", "late");
    let (link, _) = mailed(&app, "jess@lp.com").await;
    let (head, tail) = link.split_at(link.len() - 5);
    for bad in [format!("{head}AAAAA"), format!("{link}A"), "/us-verify-link/x".to_owned(), format!("{head}%00{tail}")]
    {
        assert_eq!(app.browser().get(&bad).await.location(), "/us-signin", "{bad}");
    }
    assert_eq!(app.browser().get(&link).await.location(), "/", "and the right one still works");
}

#[tokio::test]
async fn of_a_flask_application_work_within_the_window() {
    let app = app("").await;
    enrol(&app, "joe@lp.com", &["email"]).await;
    let id = app.user("joe@lp.com").await.fs_uniquifier.clone();
    for bad in ["", "?id=", "?code=1", "?id=x", &format!("?id={id}")] {
        let mut browser = app.browser();
        assert_eq!(browser.get(&format!("/us-verify-link{bad}")).await.location(), "/us-signin");
        assert_eq!(app.flashes(&browser), ["API_ERROR"], "{bad}");
    }
    let mut browser = app.browser();
    browser.get("/us-verify-link?id=nobody&code=123456").await;
    browser.get(&format!("/us-verify-link?id={id}&code=000000")).await;
    let off = app.user("tiya@lp.com").await.fs_uniquifier.clone();
    browser.get(&format!("/us-verify-link?id={off}&code=000000")).await;
    assert_eq!(app.flashes(&browser), ["USER_DOES_NOT_EXIST", "INVALID_CODE", "DISABLED_ACCOUNT"]);
    // What that application mailed is the code of its time.
    let link = format!("/us-verify-link?id={id}&code={}", app_code(&app, -60));
    assert_eq!(browser.get(&link).await.location(), "/");
    assert_eq!(browser.who().await, "joe@lp.com");
    assert_eq!(app.browser().get(&link).await.location(), "/us-signin", "once");
    let mut guesser = app.browser();
    for n in 0..12 {
        guesser.get(&format!("/us-verify-link?id={id}&code={n:06}")).await;
    }
    let flashes = app.flashes(&guesser);
    assert!(flashes.last().is_some_and(|last| last.starts_with("TOO_MANY_REQUESTS")), "{flashes:?}");
}

#[tokio::test]
async fn lead_to_pages_of_a_single_page_application() {
    let spa = "redirect_behavior = \"spa\"\nlogin_error_view = \"/oops\"\npost_login_view = \"/in\"\n";
    let app = app(spa).await;
    enrol(&app, "joe@lp.com", &["email"]).await;
    let id = app.user("joe@lp.com").await.fs_uniquifier.clone();
    let get = async |path: String| app.browser().get(&path).await.location().to_owned();
    assert_eq!(get("/us-verify-link".to_owned()).await, "/oops?error=API_ERROR");
    assert_eq!(get("/us-verify-link?id=x&code=1".to_owned()).await, "/oops?error=USER_DOES_NOT_EXIST");
    assert_eq!(
        get(format!("/us-verify-link?id={id}&code=1")).await,
        "/oops?error=INVALID_CODE&email=joe%40lp.com&identity=joe%40lp.com"
    );
    let (link, _) = mailed(&app, "joe@lp.com").await;
    assert_eq!(get(link).await, "/in?email=joe%40lp.com&identity=joe%40lp.com");
    let app = unified::app(&format!("{spa}{GENERIC}")).await;
    enrol(&app, "joe@lp.com", &["email"]).await;
    let id = app.user("joe@lp.com").await.fs_uniquifier.clone();
    for path in ["/us-verify-link?id=x&code=1".to_owned(), format!("/us-verify-link?id={id}&code=1")] {
        assert_eq!(app.browser().get(&path).await.location(), "/oops?error=GENERIC_AUTHN_FAILED");
    }
}

#[tokio::test]
async fn ask_for_a_click_in_the_modern_profile() {
    let app = app("profile = \"modern\"\n").await;
    enrol(&app, "jess@lp.com", &["email"]).await;
    let (link, code) = mailed(&app, "jess@lp.com").await;
    let id = app.user("jess@lp.com").await.fs_uniquifier.clone();
    for link in [link.clone(), format!("/us-verify-link?id={id}&code={code}")] {
        let mut browser = app.browser();
        let page = browser.get(&link).await;
        assert_eq!(page.status(), 200);
        let action = format!("action=\"{}\"", link.replace('&', "&amp;"));
        assert!(page.text().contains(r#"name="relay_form""#) && page.text().contains(&action), "{}", page.text());
        assert_eq!(browser.who().await, "nobody");
    }
    let mut browser = app.browser();
    assert_eq!(browser.call("HEAD", &link).send().await.status(), 200);
    assert_eq!(browser.post_form(&link, &[]).await.location(), "/");
    assert_eq!(browser.who().await, "jess@lp.com");
}
