//! T31, T34, T131: whom letters go to, and what a name can do in them.

use lychgate::store::UserPatch;
use lychgate_testkit::{PASSWORD, TestApp};
use serde_json::json;

const ON: &str = "[security]\nrecoverable = true\nusername_enable = true\n[csrf]\nenabled = false";

#[tokio::test]
async fn t31_a_reset_goes_to_the_stored_address_or_nowhere() {
    let app = TestApp::builder().toml(ON).start().await;
    for typed in [
        "joe@lp.com",
        "JOE@LP.COM",
        "jo\u{435}@lp.com",
        "joe@lp.\u{441}om",
        "joe\u{ff20}lp.com",
        "\u{ff4a}oe@lp.com",
        "joe@l\u{ff50}.com",
        "joe@xn--lp-kkc.com",
        "joe@lp.com\u{200b}",
        "joe@lp.com\n",
        "joe@lp.com,eve@evil.example",
        "joe@lp.com eve@evil.example",
        "<joe@lp.com>",
        "\"joe@lp.com\"@evil.example",
        "joe@lp.com@evil.example",
    ] {
        app.browser().post_json("/reset", json!({"email": typed})).await;
        for mail in app.mails().await {
            assert_eq!(mail.to, "joe@lp.com", "{typed:?}");
        }
    }
    let mut browser = app.browser();
    browser.post_json("/reset", json!({"email": "JOE@lp.com"})).await;
    assert_eq!(app.mails().await.len(), 1, "what is the same address brings a letter");
}

#[tokio::test]
async fn t34_t131_a_name_is_text_in_pages_and_letters() {
    let app = TestApp::builder().toml(ON).real_texts().start().await;
    let name = "<a href=\"//evil.example\">{{7*7}}{% raw %}${7*7}<%= 7*7 %></a>";
    // However it came there: a column can be filled by another program.
    app.update("joe@lp.com", UserPatch { username: Some(Some(name.to_owned())), ..UserPatch::default() }).await;
    let mut joe = app.browser();
    joe.user_agent = name.to_owned();
    joe.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD})).await;
    let mut stranger = app.browser();
    stranger.user_agent = name.to_owned();
    stranger.post_json("/reset", json!({"email": "joe@lp.com"})).await;
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    for mail in mails {
        let html = mail.html.clone().unwrap_or_default();
        let all = format!("{}\n{}\n{html}", mail.subject, mail.text.clone().unwrap_or_default());
        assert!(!html.contains("<a href=\"//evil.example\""), "{html}");
        assert!(!all.contains("49"), "{all}");
    }
    for path in ["/", "/change", "/verify", "/login"] {
        let page = joe.get(path).await;
        assert!(page.status() < 500, "{path}: {}", page.status());
        assert!(!page.text().contains("<a href=\"//evil.example\""), "{path}");
    }
}
