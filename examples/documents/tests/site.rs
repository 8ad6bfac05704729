//! The site as its people see it; the ids are those of the guide's rows.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use documents::{Desk, Site, configure, with_any_slash};
use lychgate::{
    Event,
    store::User,
    uploads::{Folder, Uploads},
};
use lychgate_testkit::{AppBuilder, Browser, PASSWORD, Reply, TestApp};
use rstest::rstest;
use serde_json::json;

const OPEN: &str = "[security]\nregisterable = true\npassword_confirm_required = false\n[csrf]\nenabled = false";

struct Lp {
    app: TestApp,
    site: Site,
    folder: tempfile::TempDir,
}

impl Lp {
    async fn start(builder: AppBuilder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::open(&folder.path().join("documents.db")).unwrap();
        let with = desk.clone();
        let app = builder.configure(move |builder| configure(builder, with)).start().await;
        let uploads = Uploads::new(Folder::at(folder.path().join("uploads")).unwrap());
        let site = Site { gate: app.gate().clone(), desk, uploads, pictures_at: "http://pictures.localhost".into() };
        Self { app, site, folder }
    }

    async fn open() -> Self {
        Self::start(TestApp::builder().toml(OPEN)).await
    }

    fn stranger(&self) -> Browser {
        self.app.browser().at(self.site.router())
    }

    async fn signed_up(&self, page: &str, email: &str) -> Browser {
        let mut browser = self.stranger();
        let reply = browser.post_form(page, &[("email", email), ("password", "a long password of mine")]).await;
        assert_eq!(reply.status(), 302, "{}", reply.text());
        browser
    }

    async fn user(&self, email: &str) -> Arc<User> {
        self.app.store().user_by_identity("email", email, true).await.unwrap().unwrap()
    }

    async fn sponsor(&self, email: &str) -> Browser {
        self.signed_up("/signupsponsor", email).await
    }

    async fn editor(&self, email: &str) -> Browser {
        self.signed_up("/signupeditor", email).await
    }
}

/// Writes a document; gives the path of its page.
async fn write(sponsor: &mut Browser, title: &str) -> String {
    let reply = sponsor.post_form("/sponsor/newdocument", &[("title", title), ("body", "text")]).await;
    assert_eq!(reply.status(), 303, "{}", reply.text());
    reply.location().to_owned()
}

async fn upload(browser: &mut Browser, page: &str, name: &str, bytes: &[u8]) -> Reply {
    let mut body =
        format!("--x\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"{name}\"\r\n\r\n").into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--x--\r\n");
    browser.call("POST", &format!("{page}/picture")).body("multipart/form-data; boundary=x", body).send().await
}

#[tokio::test]
async fn s0_36_to_39_signing_up_and_in_leads_home() {
    let lp = Lp::open().await;
    for (page, home, email) in
        [("/signupsponsor", "/sponsor/dashboard", "s@lp.com"), ("/signupeditor", "/editor/dashboard", "e@lp.com")]
    {
        assert_eq!(lp.stranger().get(page).await.status(), 200);
        let mut browser = lp.signed_up(page, email).await;
        assert_eq!(browser.get("/").await.location(), home);
        assert_eq!(browser.get("/login").await.location(), home);
        assert_eq!(browser.get(home).await.status(), 200);
        let mut again = lp.stranger();
        let reply = again.post_form("/login", &[("email", email), ("password", "a long password of mine")]).await;
        assert_eq!(reply.location(), home);
    }
    let mut admin = lp.stranger();
    let reply = admin.post_form("/login", &[("email", "matt@lp.com"), ("password", PASSWORD)]).await;
    assert_eq!(reply.location(), "/admin");
    // The panel is for administrators.
    assert_eq!(admin.get("/admin/users").await.status(), 200);
    let mut sponsor = lp.sponsor("other@lp.com").await;
    for (browser, status) in [(&mut sponsor, 403), (&mut lp.stranger(), 302)] {
        assert_eq!(browser.get("/admin/users").await.status(), status);
    }
}

#[tokio::test]
async fn s0_40_and_41_strangers_reach_the_sign_in_page_in_one_step() {
    let lp = Lp::open().await;
    let mut stranger = lp.stranger();
    assert_eq!(stranger.get("/").await.location(), "/login");
    assert_eq!(stranger.get("/login").await.status(), 200);
}

#[rstest]
#[case("/sponsor/dashboard")]
#[case("/sponsor/documents")]
#[case("/sponsor/newdocument")]
#[case("/editor/dashboard")]
#[case("/editor/documents")]
#[tokio::test]
async fn s0_42_to_50_areas_are_for_their_own_people(#[case] path: &str) {
    let lp = Lp::open().await;
    let (mut sponsor, mut editor) = (lp.sponsor("s@lp.com").await, lp.editor("e@lp.com").await);
    let (mut own, mut other) =
        if path.starts_with("/sponsor") { (&mut sponsor, &mut editor) } else { (&mut editor, &mut sponsor) };
    assert_eq!(own.get(path).await.status(), 200);
    assert_eq!(other.get(path).await.status(), 403);
    let mut stranger = lp.stranger();
    // S0-7: each area has its own way in.
    let area = path.split('/').nth(1).unwrap();
    let way_in = stranger.get(path).await.location().to_owned();
    assert!(way_in.starts_with(&format!("/{area}/login?next=")), "{way_in}");
    assert!(stranger.get(&way_in).await.text().contains(&format!("Sign in for {area}s")));
    // Each area signs its own people out.
    assert_eq!(other.post_form(&format!("/{area}/logout"), &[]).await.status(), 403);
    assert_eq!(own.post_form(&format!("/{area}/logout"), &[]).await.status(), 303);
    (own, other) = (other, own);
    assert_eq!(other.get(path).await.status(), 302);
    assert_eq!(own.get("/").await.status(), 303);
}

#[tokio::test]
async fn s0_43_to_52_documents_are_for_their_sponsor_and_their_editor() {
    let lp = Lp::open().await;
    let (mut sue, mut sam) = (lp.sponsor("sue@lp.com").await, lp.sponsor("sam@lp.com").await);
    let (mut eve, mut eli) = (lp.editor("eve@lp.com").await, lp.editor("eli@lp.com").await);
    let page = write(&mut sue, "Sue's <script>alert(1)</script>").await;
    let at_editors = page.replace("sponsor", "editor");
    // S0-57: what users write is text.
    let shown = sue.get(&page).await;
    assert!(shown.text().contains("Sue&#x27;s &lt;script&gt;") || shown.text().contains("Sue&#39;s &lt;script&gt;"));
    assert!(sue.get("/sponsor/documents").await.text().contains(&page));
    assert!(!sam.get("/sponsor/documents").await.text().contains(&page));
    // S0-51: one of somebody else is as one that is not there.
    let (mut foreign, mut missing) = (sam.clone(), sam.clone());
    let foreign = foreign.call("GET", &page).header("x-request-id", "one-of-many").send().await;
    let missing = missing.call("GET", "/sponsor/documents/4711").header("x-request-id", "one-of-many").send().await;
    assert_eq!((foreign.status(), foreign.text()), (404, missing.text()));
    for wrong in ["0", "-1", "x", "99999999999999999999"] {
        assert_eq!(sam.get(&format!("/sponsor/documents/{wrong}")).await.status(), 404, "{wrong}");
    }
    assert_eq!(sam.post_form(&page, &[("title", "mine"), ("body", "")]).await.status(), 404);
    assert_eq!(sam.post_form(&format!("{page}/editor"), &[("editor", "eve@lp.com")]).await.status(), 404);
    assert_eq!(eve.get(&at_editors).await.status(), 404);
    // S0-52: an assignment opens it, and its end closes it.
    assert_eq!(sue.post_form(&format!("{page}/editor"), &[("editor", "eve@lp.com")]).await.status(), 303);
    assert!(eve.get("/editor/documents").await.text().contains(&at_editors));
    assert_eq!(eve.post_form(&at_editors, &[("title", "Better"), ("body", "text")]).await.location(), at_editors);
    assert!(sue.get(&page).await.text().contains("Better"));
    assert_eq!(eli.get(&at_editors).await.status(), 404);
    assert_eq!(sue.post_form(&format!("{page}/editor"), &[("editor", "sam@lp.com")]).await.status(), 400, "no editor");
    assert_eq!(sue.post_form(&format!("{page}/editor"), &[("editor", "")]).await.status(), 303);
    assert_eq!(eve.get(&at_editors).await.status(), 404);
}

#[tokio::test]
async fn s0_67_every_form_needs_a_token() {
    let lp = Lp::start(TestApp::builder().toml("[security]\nregisterable = true\n[csrf]\nprotect = true")).await;
    let mut joe = lp.stranger();
    let token = joe.sign_in("joe@lp.com").await;
    assert_eq!(joe.post_form("/editor/logout", &[]).await.status(), 400);
    assert_eq!(joe.post_form("/editor/logout", &[("csrf_token", &token)]).await.status(), 303);
}

#[tokio::test]
async fn s0_70_to_72_and_s3_28_to_30_pictures() {
    let lp = Lp::open().await;
    let mut sue = lp.sponsor("sue@lp.com").await;
    let page = write(&mut sue, "With a picture").await;
    let png = b"\x89PNG\r\n\x1a\nrest";
    for (name, bytes, status) in
        [("shell.php", &png[..], 400), ("a.png", b"GIF89a", 400), ("../../a.PNG", &png[..], 303)]
    {
        assert_eq!(upload(&mut sue, &page, name, bytes).await.status(), status, "{name}");
    }
    let mut large = png.to_vec();
    large.resize(5 * 1024 * 1024, 0);
    assert_eq!(upload(&mut sue, &page, "a.png", &large).await.status(), 303, "5 MiB");
    large.push(0);
    assert_eq!(upload(&mut sue, &page, "a.png", &large).await.status(), 413, "a byte more");
    let shown = sue.get(&page).await;
    let link = shown.text().split("http://pictures.localhost").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(sue.get(link).await.status(), 404, "the site itself serves none");
    let served = lp.app.browser().at(lp.site.pictures()).get(link).await;
    assert_eq!(served.status(), 200);
    assert!(served.header("content-disposition").starts_with("attachment;"));
    assert_eq!(served.header("x-content-type-options"), "nosniff");
    // Another picture takes the place of this one, on the disk too.
    assert_eq!(upload(&mut sue, &page, "b.gif", b"GIF89a").await.status(), 303);
    assert_eq!(lp.app.browser().at(lp.site.pictures()).get(link).await.status(), 404);
    assert_eq!(std::fs::read_dir(lp.folder.path().join("uploads")).unwrap().count(), 1);
    // Nobody fills the disk in an hour.
    let mut refused = 0;
    while upload(&mut sue, &page, "b.gif", b"GIF89a").await.status() != 429 {
        refused += 1;
        assert!(refused < 60, "no end is set");
    }
    let reply = sue.post_form("/sponsor/newdocument", &[("title", "One more"), ("body", "")]).await;
    assert_eq!(reply.status(), 429);
    assert_eq!(sue.get(&page).await.status(), 200);
}

#[tokio::test]
async fn s0_8_what_is_costly_is_limited_by_role_and_s0_80_the_office_by_address() {
    let lp = Lp::open().await;
    let (mut sue, mut eve) = (lp.sponsor("sue@lp.com").await, lp.editor("eve@lp.com").await);
    for (browser, most) in [(&mut sue, 5), (&mut eve, 20)] {
        for _ in 0..most {
            assert_eq!(browser.get("/reports").await.status(), 200);
        }
        assert_eq!(browser.get("/reports").await.status(), 429);
        assert_eq!(browser.get("/").await.status(), 303);
    }
    assert_eq!(lp.stranger().get("/office").await.status(), 200);
}

#[tokio::test]
async fn s0_55_slashes_at_the_end_are_an_option() {
    let lp = Lp::open().await;
    let mut sue = lp.sponsor("sue@lp.com").await;
    assert_eq!(sue.get("/sponsor/documents/").await.status(), 404);
    let mut sue = sue.at(with_any_slash(lp.site.router()));
    assert_eq!(sue.get("/sponsor/documents/").await.status(), 200);
}

#[tokio::test]
async fn s0_2_to_6_an_administrator_approves_declines_and_suspends() {
    let lp = Lp::start(TestApp::builder().toml("[csrf]\nenabled = false\n[security]\nregisterable = true\npassword_confirm_required = false\nregister_mode = \"approval\"\nsuspended_view = \"/suspended\"")).await;
    let accounts = lp.app.gate().accounts();
    let sign_in = async |email: &str| {
        let mut browser = lp.stranger();
        let fields = [("email", email), ("password", "a long password of mine")];
        let reply = browser.post_form("/login", &fields).await;
        (browser, reply)
    };
    let (mut sue, mut sam) = (lp.sponsor("sue@lp.com").await, lp.sponsor("sam@lp.com").await);
    for browser in [&mut sue, &mut sam] {
        assert_eq!(browser.get("/sponsor/dashboard").await.status(), 302, "waits");
    }
    assert_eq!(sign_in("sue@lp.com").await.1.status(), 403);
    let (sue_row, sam_row) = (lp.user("sue@lp.com").await, lp.user("sam@lp.com").await);
    assert!(accounts.approve(&sue_row).await.unwrap());
    assert!(accounts.decline(&sam_row, None).await.unwrap());
    assert_eq!(sign_in("sam@lp.com").await.1.status(), 403);
    let (mut sue, reply) = sign_in("sue@lp.com").await;
    assert_eq!(reply.location(), "/sponsor/dashboard");
    assert_eq!(sue.get("/sponsor/dashboard").await.status(), 200);
    // S0-5: it counts at the next request of a session that is open. S0-6: they get a page of their own.
    assert!(accounts.suspend(&*lp.user("sue@lp.com").await, None, Some("unpaid")).await.unwrap());
    assert_ne!(sue.get("/sponsor/dashboard").await.status(), 200);
    assert_eq!(sign_in("sue@lp.com").await.1.location(), "/suspended");
    assert!(accounts.unsuspend(&*lp.user("sue@lp.com").await).await.unwrap());
    assert_eq!(sue.get("/sponsor/dashboard").await.status(), 200);
}

#[tokio::test]
async fn s0_79_the_contract_comes_after_the_terms() {
    let lp = Lp::open().await;
    let mut stranger = lp.stranger();
    assert_eq!(stranger.get("/contract").await.location(), "/terms");
    assert_eq!(stranger.get("/terms").await.status(), 200);
    assert_eq!(stranger.get("/contract").await.status(), 200);
    assert_eq!(lp.stranger().get("/contract").await.status(), 302);
}

#[tokio::test]
async fn s0_27_to_30_the_change_of_identity_tells_the_type_of_user() {
    let lp = Lp::open().await;
    drop(lp.app.take_events());
    let mut sue = lp.sponsor("sue@lp.com").await;
    sue.post_form("/sponsor/logout", &[]).await;
    let changes: Vec<_> = lp
        .app
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::IdentityChanged { user_id, auth_type } => {
                Some((user_id.is_some(), auth_type.map(|kind| kind.to_string())))
            }
            _ => None,
        })
        .collect();
    assert_eq!(changes, [(true, Some("sponsor".to_owned())), (false, None)]);
}

/// Every route × everybody × every way to prove it. Tokens open no area, as those ask for a session.
#[tokio::test]
async fn every_route_is_open_to_whom_it_says() {
    let lp = Lp::open().await;
    lp.sponsor("sponsor@lp.com").await;
    lp.editor("editor@lp.com").await;
    let people = [
        ("sponsor", "sponsor@lp.com", "a long password of mine"),
        ("editor", "editor@lp.com", "a long password of mine"),
        ("admin", "matt@lp.com", PASSWORD),
        ("nothing", "jill@lp.com", PASSWORD),
    ];
    let routes = [
        "/",
        "/reports",
        "/office",
        "/terms",
        "/contract",
        "/sponsor/dashboard",
        "/sponsor/documents",
        "/sponsor/newdocument",
        "/sponsor/login",
        "/editor/dashboard",
        "/editor/documents",
        "/editor/login",
    ];
    let expected = |route: &str, role: &str, by: &str| match route {
        "/" if role == "nothing" && by != "nothing" => 200,
        "/" => 303,
        "/contract" => 302,
        "/office" | "/terms" | "/sponsor/login" | "/editor/login" => 200,
        "/reports" => {
            if by == "nothing" {
                302
            } else {
                200
            }
        }
        _ if by != "session" => 302,
        _ => {
            if route.starts_with(&format!("/{role}/")) {
                200
            } else {
                403
            }
        }
    };
    for (role, email, password) in people {
        let mut signed_in = lp.stranger();
        let fields = json!({"email": email, "password": password});
        let reply = signed_in.call("POST", "/login?include_auth_token").json(&fields).send().await;
        let token = reply.response()["user"]["authentication_token"].as_str().unwrap().to_owned();
        for route in routes {
            for by in ["nothing", "session", "token"] {
                let mut browser = if by == "session" { signed_in.clone() } else { lp.stranger() };
                let call = browser.call("GET", route);
                let call = if by == "token" { call.header("authentication-token", &token) } else { call };
                let status = call.send().await.status();
                assert_eq!(status, expected(route, role, by), "{route} for {role} by {by}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_the_site_as_a_sponsor_does() {
    let lp = Lp::start(TestApp::builder().toml(OPEN).toml("[security]\nimpersonation = true")).await;
    let _ = lp.sponsor("sue@lp.com").await;
    let sue = lp.user("sue@lp.com").await.id;
    let mut admin = lp.stranger();
    admin.sign_in("matt@lp.com").await;
    let begun = admin.post_form(&format!("/admin/users/{sue}/impersonate"), &[("reason", "a question")]).await;
    assert_eq!(begun.location(), "/sponsor/dashboard", "{}", begun.text());
    let page = admin.get("/sponsor/dashboard").await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("class=\"impersonation\"") && page.text().contains("action=\"/impersonate/end\""));
    assert_eq!(admin.get("/admin").await.status(), 403);
    let ended = admin.post_form("/impersonate/end", &[]).await;
    assert_eq!(ended.location(), format!("/admin/users/{sue}"));
    assert_eq!(admin.get("/admin").await.status(), 200);
}
