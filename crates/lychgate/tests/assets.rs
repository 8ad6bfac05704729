//! The style sheet, the script and the pictures of the pages.
#![allow(clippy::unwrap_used)]

use lychgate_testkit::TestApp;
use rstest::rstest;

#[tokio::test]
async fn every_file_that_a_page_names_is_there() {
    for settings in ["", "[security]\nurl_prefix = \"/auth\"\nstatic_folder_url = \"/files/\""] {
        let app = TestApp::builder().toml(settings).empty().start().await;
        let mut browser = app.browser();
        let page = browser.get(&app.gate().url("login")).await;
        let named = page.text().split(['"', '\'']).filter(|text| text.contains("?v="));
        let named: Vec<String> = named.map(str::to_owned).collect();
        assert!(
            named.iter().any(|file| file.contains(".css")) && named.iter().any(|file| file.contains(".js")),
            "{named:?}"
        );
        for file in named {
            let reply = browser.get(&file).await;
            assert_eq!((reply.status(), reply.header("x-content-type-options")), (200, "nosniff"), "{file}");
            assert!(reply.header("cache-control").contains("immutable"));
            assert!(reply.set_cookies().is_empty() && reply.header("vary").is_empty(), "files are shared by all");
            let expected = match file.split('?').next().unwrap().rsplit('.').next().unwrap() {
                "css" => "text/css; charset=utf-8",
                "js" => "text/javascript; charset=utf-8",
                _ => "image/svg+xml",
            };
            assert_eq!(reply.header("content-type"), expected);
        }
    }
}

/// Row T148.
#[rstest]
#[tokio::test]
async fn files_stay_in_their_folder(
    #[values(
        "../Cargo.toml",
        "..%2f..%2fCargo.toml",
        "%2e%2e/Cargo.toml",
        "/etc/passwd",
        "css/../../Cargo.toml",
        "",
        "css",
        "css/",
        "css%00.css",
        "..%5cCargo.toml",
        "C:%5cWindows%5cwin.ini",
        "%2fetc%2fpasswd",
        "....//Cargo.toml"
    )]
    file: &str,
) {
    let app = TestApp::builder().empty().start().await;
    assert_eq!(app.browser().get(&format!("/fs-static/{file}")).await.status(), 404);
}
