//! One secret of each kind, as the application hands it out.

use std::collections::BTreeMap;

use lychgate::store::UserPatch;
use lychgate_testkit::{Browser, PASSWORD, TestApp, link_in};
use serde_json::{Value, json};

use crate::{second_factor, unified};

/// What was handed out, and the browsers that something of it is bound to.
pub(crate) struct Out {
    /// By kind.
    pub(crate) secrets: BTreeMap<&'static str, String>,
    /// With joe's session.
    pub(crate) joe: Browser,
    /// With joe's tokens in cookies.
    pub(crate) program: Browser,
    /// Where nobody is signed in.
    pub(crate) stranger: Browser,
}

/// What stands at the end of a link.
fn last(link: &str) -> String {
    link.rsplit(['/', '=']).next().unwrap().to_owned()
}

/// The end of the link in the newest mail that has one below `folder`.
async fn mailed(app: &TestApp, folder: &str) -> String {
    let mails = app.mails().await;
    let link = mails.iter().rev().find_map(|mail| link_in(mail, folder));
    last(&link.unwrap_or_else(|| panic!("no link to {folder}: {mails:?}")))
}

async fn post(browser: &mut Browser, path: &str, body: Value) -> Value {
    let reply = browser.post_json(path, body).await;
    assert_eq!(reply.status(), 200, "{path}: {}", reply.text());
    reply.response()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// Joe's are those that sign in; what would change or close an account belongs to somebody else.
pub(crate) async fn hand_out(app: &TestApp, passwordless: &TestApp) -> Out {
    let mut all = BTreeMap::new();
    let mut joe = app.browser();
    let fields = |email: &str| json!({"email": email, "password": PASSWORD, "remember": true});
    let user = post(&mut joe, "/login?include_auth_token", fields("joe@lp.com")).await["user"].take();
    all.insert("auth token", text(&user["authentication_token"]));
    all.insert("refresh token", text(&user["refresh_token"]));
    let cookie = |browser: &Browser, name: &str| browser.cookie(name).unwrap_or_else(|| panic!("{name}")).to_owned();
    all.insert("session", cookie(&joe, "session"));
    all.insert("remember", cookie(&joe, "remember_token"));
    all.insert("csrf", joe.get_json("/account/keys").await.csrf_token());
    all.insert("api key", text(&post(&mut joe, "/account/keys", json!({"name": "n"})).await["key"]));

    let mut program = app.browser();
    let reply = program.post_json("/authenticate", json!({"uid": "joe@lp.com", "password": PASSWORD})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    all.insert("jwt access", cookie(&program, "access_token_cookie"));
    all.insert("jwt refresh", cookie(&program, "refresh_token_cookie"));
    all.insert("jwt csrf", cookie(&program, "csrf_access_token"));

    app.update("jill@lp.com", UserPatch { confirmed_at: Some(None), ..UserPatch::default() }).await;
    post(&mut app.browser(), "/confirm", json!({"email": "jill@lp.com"})).await;
    all.insert("confirmation", mailed(app, "/confirm").await);
    post(&mut app.browser(), "/reset", json!({"email": "jill@lp.com"})).await;
    all.insert("recovery", mailed(app, "/reset").await);
    post(&mut passwordless.browser(), "/login", json!({"email": "jill@lp.com"})).await;
    all.insert("sign-in link", mailed(passwordless, "/login").await);
    unified::enrol(app, "jill@lp.com", &["email"]).await;
    let ask = json!({"identity": "jill@lp.com", "chosen_method": "email"});
    post(&mut app.browser(), "/us-signin/send-code", ask).await;
    all.insert("unified link", mailed(app, "/us-verify-link").await);
    let mut dave = app.browser();
    dave.sign_in("dave@lp.com").await;
    post(&mut dave, "/change-email", json!({"email": "moved@lp.com"})).await;
    all.insert("change of address", mailed(app, "/change-email").await);
    let link = app.gate().accounts().invite("new@lp.com", &[], None).await.unwrap();
    all.insert("invitation", last(&link));
    let mut gene = app.browser();
    gene.sign_in("gene@lp.com").await;
    let change = json!({"password": PASSWORD, "new_password": "another one", "new_password_confirm": "another one"});
    post(&mut gene, "/change", change).await;
    all.insert("not me", mailed(app, "/not-me").await);
    post(&mut gene, "/account/delete", json!({"password": "another one"})).await;
    all.insert("keep account", mailed(app, "/account/keep").await);

    // States of what is begun and not done, in joe's session.
    let begun = post(&mut joe, "/tf-setup", json!({"setup": "authenticator"})).await;
    all.insert("second factor begun", text(&begun["tf_state_token"]));
    let begun = post(&mut joe, "/us-setup", json!({"chosen_method": "authenticator"})).await;
    all.insert("sign-in code begun", text(&begun["state"]));
    let begun = post(&mut joe, "/wan-register", json!({"name": "n", "usage": "first"})).await;
    all.insert("passkey begun", text(&begun["wan_state"]));
    let mut stranger = app.browser();
    let begun = post(&mut stranger, "/wan-signin", json!({})).await;
    all.insert("passkey sign-in begun", text(&begun["wan_state"]));

    second_factor::enrol(app, "gal@lp.com", "authenticator").await;
    let mut gal = app.browser();
    post(&mut gal, "/login", fields("gal@lp.com")).await;
    post(&mut gal, "/tf-validate", json!({"code": second_factor::code(app, 0)})).await;
    all.insert("second factor remembered", cookie(&gal, "tf_validity"));
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    all.insert("known device", cookie(&matt, "known_device"));
    app.mails().await;
    Out { secrets: all, joe, program, stranger }
}
