//! Registration pages that give roles, where users land, the session as the application sees it, guards of addresses.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use axum::{
    Router,
    extract::Path,
    response::Redirect,
    routing::{get, post},
};
use lychgate::{
    Error, Session,
    guard::{self, Quota},
};
use lychgate_testkit::{AppBuilder, TestApp};
use serde_json::json;

fn app() -> AppBuilder {
    let toml = "[security]\nregisterable = true\npassword_confirm_required = false\n[csrf]\nenabled = false";
    TestApp::builder().toml(toml).routes(routes).configure(|builder| {
        builder.sign_up("/join/simple", ["simple"]).sign_up("/join/editor", ["editor"]).landing(|user| {
            ["editor", "simple"].iter().find(|role| user.has_role(role)).map(|role| format!("/{role}/home"))
        })
    })
}

fn routes(routes: Router) -> Router {
    let office = guard::address_in(["10.0.0.0/8", "2001:db8::1"]).unwrap();
    routes
        .route("/keep/{value}", get(keep))
        .route("/kept", get(kept))
        .route("/forget", post(forget))
        .route("/own", get(async |session: Session| session.set("_user_id", "1")))
        .route("/leave", post(leave).route_layer(guard::role("simple")))
        .route("/office", get(async || "in").route_layer(office))
}

async fn keep(session: Session, Path(value): Path<String>) -> Result<&'static str, Error> {
    session.set("cart", json!({"items": [value, 1.5, null], "paid": false}))?;
    Ok("kept")
}

async fn kept(session: Session) -> String {
    session.get::<serde_json::Value>("cart").map_or_else(|| "nothing".to_owned(), |cart| cart.to_string())
}

async fn forget(session: Session) {
    session.remove("cart");
    session.remove("_user_id");
}

async fn leave(session: Session) -> Result<Redirect, Error> {
    session.sign_out().await?;
    Ok(Redirect::to("/"))
}

#[tokio::test]
async fn a_page_of_its_own_gives_the_role_and_the_client_does_not() {
    let app = app().start().await;
    for (page, role, email) in [("/join/simple", "simple", "one@lp.com"), ("/join/editor", "editor", "two@lp.com")] {
        let mut browser = app.browser();
        let form = browser.call("GET", page).send().await;
        assert!(form.text().contains(&format!("action=\"{page}\"")), "{}", form.text());
        let fields = [("email", email), ("password", "a long password of mine"), ("roles", "admin"), ("role", "admin")];
        let reply = browser.call("POST", page).form(&fields).send().await;
        assert_eq!((reply.status(), reply.location()), (302, format!("/{role}/home").as_str()));
        let user = app.store().user_by_identity("email", email, true).await.unwrap().unwrap();
        assert_eq!(user.roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(), [role]);
    }
    let mut browser = app.browser();
    let fields = [("email", "three@lp.com"), ("password", "a long password of mine")];
    assert_eq!(browser.call("POST", "/register").form(&fields).send().await.location(), "/");
    assert!(app.store().user_by_identity("email", "three@lp.com", true).await.unwrap().unwrap().roles.is_empty());
}

#[tokio::test]
async fn errors_stay_on_the_page_that_was_sent() {
    let app = app().start().await;
    let reply = app.browser().call("POST", "/join/editor").form(&[("email", "no"), ("password", "x")]).send().await;
    assert_eq!(reply.status(), 200);
    assert!(reply.text().contains("action=\"/join/editor\""));
}

#[tokio::test]
async fn users_land_where_the_application_says() {
    let app = app().start().await;
    let mut joe = app.browser();
    let fields = [("email", "joe@lp.com"), ("password", lychgate_testkit::PASSWORD)];
    assert_eq!(joe.call("POST", "/login").form(&fields).send().await.location(), "/editor/home");
    // Signed in already, and asked for a page.
    assert_eq!(joe.call("GET", "/login").send().await.location(), "/editor/home");
    let mut gene = app.browser();
    let fields = [("email", "gene@lp.com"), ("password", lychgate_testkit::PASSWORD)];
    assert_eq!(gene.call("POST", "/login?next=/page").form(&fields).send().await.location(), "/page");
    // Nobody the application knows a place for.
    let mut jill = app.browser();
    let fields = [("email", "jill@lp.com"), ("password", lychgate_testkit::PASSWORD)];
    assert_eq!(jill.call("POST", "/login").form(&fields).send().await.location(), "/");
}

#[tokio::test]
async fn the_application_keeps_what_it_likes_in_the_session() {
    let app = app().start().await;
    let mut browser = app.browser();
    assert_eq!(browser.call("GET", "/kept").send().await.text(), "nothing");
    assert_eq!(browser.call("GET", "/keep/apple").send().await.text(), "kept");
    assert_eq!(browser.call("GET", "/kept").send().await.text(), r#"{"items":["apple",1.5,null],"paid":false}"#);
    browser.call("POST", "/forget").send().await;
    assert_eq!(browser.call("GET", "/kept").send().await.text(), "nothing");
    // What is Lychgate's own is not the application's.
    assert_eq!(browser.call("GET", "/own").send().await.status(), 500);
    browser.sign_in("gene@lp.com").await;
    browser.call("POST", "/forget").send().await;
    assert_eq!(browser.who().await, "gene@lp.com");
}

#[tokio::test]
async fn an_area_signs_its_own_people_out() {
    let app = app().start().await;
    let mut joe = app.browser();
    joe.sign_in("joe@lp.com").await;
    assert_eq!(joe.call("POST", "/leave").send().await.status(), 403);
    let mut gene = app.browser();
    gene.sign_in("gene@lp.com").await;
    let copy = gene.clone();
    assert_eq!(gene.call("POST", "/leave").send().await.status(), 303);
    for mut browser in [gene, copy] {
        assert_eq!(browser.call("POST", "/leave").send().await.status(), 403);
    }
}

#[tokio::test]
async fn a_network_is_let_in() {
    assert!(guard::address_in(["10.0.0.0/33"]).unwrap_err().to_string().contains("10.0.0.0/33"));
    let app = app().toml("[proxy]\nx_for = 1").start().await;
    for (forwarded, status) in [
        ("10.1.2.3", 200),
        ("2001:db8::1", 200),
        ("::ffff:10.1.2.3", 200),
        ("11.0.0.1", 403),
        ("2001:db8::2", 403),
        ("10.0.0.1, 11.0.0.1", 403),
        ("nonsense", 403),
    ] {
        let reply = app.browser().call("GET", "/office").header("x-forwarded-for", forwarded).send().await;
        assert_eq!(reply.status(), status, "{forwarded}");
    }
    let untrusting = self::app().start().await;
    let reply = untrusting.browser().call("GET", "/office").header("x-forwarded-for", "10.1.2.3").send().await;
    assert_eq!(reply.status(), 403, "what a client claims is no address");
}

#[tokio::test]
async fn what_is_costly_has_a_quota_by_role() {
    let quota = || Quota::new("render", 1, Duration::from_secs(60)).role("editor", 3);
    let app = app().routes(move |routes| {
        let costly = guard::authenticated().and(guard::quota(quota()));
        let open = guard::quota(Quota::new("open", 1, Duration::from_secs(60)));
        routes
            .route("/render", get(async || "done").route_layer(costly))
            .route("/open", get(async || "done").route_layer(open))
            .route("/cheap", get(async || "done"))
    });
    let app = app.start().await;
    let (mut joe, mut gene) = (app.browser(), app.browser());
    joe.sign_in("joe@lp.com").await;
    gene.sign_in("gene@lp.com").await;
    for (browser, most) in [(&mut joe, 3), (&mut gene, 1)] {
        for _ in 0..most {
            assert_eq!(browser.get("/render").await.status(), 200);
        }
        let refused = browser.get_json("/render").await;
        assert_eq!((refused.status(), refused.header("retry-after")), (429, "60"), "{}", refused.text());
        assert_eq!(browser.get("/cheap").await.status(), 200);
    }
    // Strangers are counted by address, and those without a session before the quota count for nobody.
    assert_eq!(app.browser().get_json("/render").await.status(), 401);
    assert_eq!(app.browser().get("/open").await.status(), 200);
    assert_eq!(app.browser().get("/open").await.status(), 429);
    app.advance(61);
    assert_eq!(gene.get("/render").await.status(), 200);
    assert_eq!(app.browser().get("/open").await.status(), 200);
}
