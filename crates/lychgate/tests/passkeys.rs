//! Passkeys: registration, sign-in, renewed proof, removal.
#![allow(clippy::unwrap_used)]

use lychgate::{
    Event,
    store::{Credential, UserPatch},
};
use lychgate_testkit::{AppBuilder, Authenticator, Browser, Database, Lies, Reply, TestApp, at_once};
use rstest::rstest;
use serde_json::{Value, json};

const HERE: &str = "http://localhost";

fn app() -> AppBuilder {
    TestApp::builder().toml("[security]\nwebauthn = true\nwan_rp_name = \"Tests\"\n[csrf]\nenabled = false")
}

async fn signed_in(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(email).await;
    browser
}

/// The path of the second step.
fn second(page: &str, first: &Value) -> String {
    format!("{page}/{}", first["wan_state"].as_str().unwrap())
}

async fn begin(browser: &mut Browser, page: &str, body: Value) -> Value {
    let reply = browser.post_json(page, body).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    reply.response()
}

/// Registers a passkey of this usage for whoever is signed in.
async fn register(browser: &mut Browser, device: &mut Authenticator, name: &str, usage: &str) {
    let first = begin(browser, "/wan-register", json!({"name": name, "usage": usage})).await;
    let made = device.create(&first["credential_options"], HERE).unwrap();
    let reply = browser.post_json(&second("/wan-register", &first), json!({"credential": made})).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
}

/// A device with a passkey of this usage for a user.
async fn device_of(app: &TestApp, email: &str, usage: &str) -> Authenticator {
    let mut device = Authenticator::default();
    register(&mut signed_in(app, email).await, &mut device, "key", usage).await;
    device
}

/// Both steps of a sign-in, with lies if so wished.
async fn sign_in_with(browser: &mut Browser, device: &mut Authenticator, lies: &Lies) -> Reply {
    let first = begin(browser, "/wan-signin", json!({})).await;
    let used = device.get_with(&first["credential_options"], HERE, lies).unwrap();
    browser.post_json(&second("/wan-signin", &first), json!({"credential": used})).await
}

async fn sign_in(browser: &mut Browser, device: &mut Authenticator) -> Reply {
    sign_in_with(browser, device, &Lies::default()).await
}

#[track_caller]
fn refused(reply: &Reply, field: &str, message: &str) {
    assert_eq!((reply.status(), reply.field_errors()), (400, json!({field: [message]})), "{}", reply.text());
}

async fn passkeys_of(app: &TestApp, email: &str) -> Vec<Credential> {
    app.store().credentials_of(app.user(email).await.id).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn a_program_registers_and_signs_in(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    let empty = browser.get_json("/wan-register").await;
    assert_eq!(empty.response(), json!({"csrf_token": empty.csrf_token(), "registered_credentials": []}));

    let first = begin(&mut browser, "/wan-register", json!({"name": " my key ", "usage": "first"})).await;
    let options = &first["credential_options"];
    let handle = app.user("joe@lp.com").await.fs_webauthn_user_handle.clone().unwrap();
    assert_eq!(options["rp"], json!({"id": "localhost", "name": "Tests"}));
    assert_eq!(options["user"]["name"], "joe@lp.com");
    assert_eq!(
        options["authenticatorSelection"],
        json!({
            "authenticatorAttachment": "cross-platform", "requireResidentKey": false, "residentKey": "preferred",
            "userVerification": "preferred",
        })
    );
    let mut device = Authenticator::default();
    let made = device.create(options, HERE).unwrap();
    assert_eq!(device.keys[0].user_handle, handle.as_bytes());
    let _ = app.take_events();
    let reply = browser.post_json(&second("/wan-register", &first), json!({"credential": made})).await;
    assert_eq!((reply.status(), reply.response()), (200, json!({"csrf_token": reply.csrf_token()})));
    let user_id = app.user("joe@lp.com").await.id;
    assert_eq!(app.take_events(), [Event::PasskeyAdded { user_id, name: "my key".to_owned() }]);

    let list = browser.get_json("/wan-register").await.response();
    let known = json!([{
        "name": "my key", "credential_id": first_id(&device), "transports": ["usb"], "lastuse": "2025-06-15T15:06:40",
        "usage": "first", "backup_state": false, "device_type": "single_device", "discoverable": true,
    }]);
    assert_eq!(list["registered_credentials"], known);

    app.advance(60);
    let mut visitor = app.browser();
    let asked = visitor.get_json("/wan-signin").await;
    assert_eq!(asked.response(), json!({"csrf_token": asked.csrf_token(), "is_secondary": false}));
    let first = begin(&mut visitor, "/wan-signin", json!({"identity": "joe@lp.com", "remember": true})).await;
    assert_eq!((&first["is_secondary"], &first["remember"]), (&json!(false), &json!(true)));
    let options = &first["credential_options"];
    assert_eq!(
        options["allowCredentials"],
        json!([{"id": first_id(&device), "type": "public-key", "transports": ["usb"]}])
    );
    assert_eq!((&options["userVerification"], &options["rpId"]), (&json!("preferred"), &json!("localhost")));
    let used = device.get(options, HERE).unwrap();
    let path = format!("{}?include_auth_token", second("/wan-signin", &first));
    let reply = visitor.post_json(&path, json!({"credential": used, "remember": true})).await;
    let mut response = reply.response();
    assert!(response["user"]["authentication_token"].take().is_string());
    let user = json!({"email": "joe@lp.com", "authentication_token": null});
    let expected = json!({"csrf_token": reply.csrf_token(), "post_login_url": "/", "tf_required": false, "user": user});
    assert_eq!(response, expected);
    assert_eq!(visitor.who().await, "joe@lp.com");
    assert!(visitor.cookie("remember_token").is_some());
    let stored = passkeys_of(&app, "joe@lp.com").await.remove(0);
    assert_eq!((stored.sign_count, stored.last_used_at, stored.usage.as_str()), (1, app.now(), "first"));
}

fn first_id(device: &Authenticator) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(&device.keys[0].id)
}

/// What a page hands to the script.
fn call(page: &Reply, function: &str) -> Value {
    let text = page.text().split(&format!("{function}('")).nth(1).unwrap().split("')").next().unwrap();
    serde_json::from_str(text).unwrap()
}

fn action(page: &Reply) -> String {
    page.text().split("<form action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

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
async fn names_are_the_users_own() {
    let app = app().start().await;
    let mut browser = signed_in(&app, "joe@lp.com").await;
    register(&mut browser, &mut Authenticator::default(), "caf\u{e9} 1", "first").await;
    assert_eq!(passkeys_of(&app, "joe@lp.com").await[0].name, "cafe\u{301} 1", "kept in its normal form");
    for (name, why) in [
        ("", "WEBAUTHN_NAME_REQUIRED"),
        ("  ", "WEBAUTHN_NAME_REQUIRED"),
        ("<b>", "INVALID_INPUT"),
        ("a\r\nSubject: x", "INVALID_INPUT"),
        ("tick'", "WEBAUTHN_NAME_DISALLOWED_CHARACTERS"),
        (&"x".repeat(65), "INVALID_INPUT_LENGTH"),
        (&"x".repeat(9999), "INVALID_INPUT_LENGTH"),
        ("caf\u{e9} 1", "WEBAUTHN_NAME_INUSE"),
    ] {
        let reply = browser.post_json("/wan-register", json!({"name": name})).await;
        refused(&reply, "name", why);
    }
    refused(&browser.post_json("/wan-register", json!({"name": 7})).await, "name", "API_ERROR");
    refused(
        &browser.post_json("/wan-register", json!({"name": "x", "usage": "third"})).await,
        "usage",
        "INVALID_CHOICE",
    );
    let unnamed = browser.post_form("/wan-register", &[]).await;
    assert!(unnamed.status() == 200 && unnamed.text().contains("WEBAUTHN_NAME_REQUIRED"));
    // The same name may be another's.
    register(&mut signed_in(&app, "dave@lp.com").await, &mut Authenticator::default(), "caf\u{e9} 1", "first").await;
}

#[tokio::test]
async fn a_registration_is_its_beginners_own_and_works_once() {
    let app = app().start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let mut copy_of_joe = joe.clone();
    let first = begin(&mut joe, "/wan-register", json!({"name": "key", "usage": "first"})).await;
    let path = second("/wan-register", &first);
    let options = &first["credential_options"];
    let made = |device: &mut Authenticator| json!({"credential": device.create(options, HERE).unwrap()});
    let mut device = Authenticator::default();

    // Another user, another session of the same user, nobody.
    let body = made(&mut device);
    let mut dave = signed_in(&app, "dave@lp.com").await;
    refused(&dave.post_json(&path, body.clone()).await, "", "API_ERROR");
    refused(&copy_of_joe.post_json(&path, body.clone()).await, "", "API_ERROR");
    assert_eq!(app.browser().post_json(&path, body.clone()).await.status(), 401);
    refused(&joe.post_json("/wan-register/nonsense", body.clone()).await, "", "API_ERROR");
    // The state of a registration is none of a sign-in or a renewed proof.
    let state = path.rsplit('/').next().unwrap();
    refused(&joe.post_json(&format!("/wan-signin/{state}"), body.clone()).await, "", "API_ERROR");
    refused(&joe.post_json(&format!("/wan-verify/{state}"), body.clone()).await, "", "API_ERROR");

    for wrong in [
        json!({}),
        json!({"credential": ""}),
        json!({"credential": "{}"}),
        json!({"credential": 7}),
        json!({"credential": "["}),
    ] {
        refused(&joe.post_json(&path, wrong).await, "credential", "API_ERROR");
    }
    let foreign = device.create_with(options, "https://evil.example", &Lies::default()).unwrap();
    refused(&joe.post_json(&path, json!({"credential": foreign})).await, "credential", "WEBAUTHN_NO_VERIFY");
    assert!(passkeys_of(&app, "joe@lp.com").await.is_empty());

    assert_eq!(joe.post_json(&path, body.clone()).await.status(), 200);
    let mut other = Authenticator::default();
    let again = joe.post_json(&path, made(&mut other)).await;
    refused(&again, "credential", "WEBAUTHN_NAME_INUSE");
    joe.post_json("/wan-delete", json!({"name": "key"})).await;
    refused(&joe.post_json(&path, made(&mut other)).await, "credential", "API_ERROR");
    assert!(passkeys_of(&app, "joe@lp.com").await.is_empty(), "a used state is good for nothing");

    let first = begin(&mut joe, "/wan-register", json!({"name": "late", "usage": "first"})).await;
    app.advance(1801);
    let made = device.create(&first["credential_options"], HERE).unwrap();
    refused(
        &joe.post_json(&second("/wan-register", &first), json!({"credential": made})).await,
        "",
        "WEBAUTHN_EXPIRED",
    );
}

#[tokio::test]
async fn one_passkey_belongs_to_one_user() {
    // Two users who begin with the same challenge are offered the same answer.
    let app = app().toml("[webauthn]\nchallenge = \"smCCiy_k2CqQydSQ_kPEjV5a2d0ApfatcpQ1aXDmQPo\"").start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let mut dave = signed_in(&app, "dave@lp.com").await;
    let first = begin(&mut joe, "/wan-register", json!({"name": "key", "usage": "first"})).await;
    let mut device = Authenticator::default();
    let made = json!({"credential": device.create(&first["credential_options"], HERE).unwrap()});
    assert_eq!(joe.post_json(&second("/wan-register", &first), made.clone()).await.status(), 200);
    let first = begin(&mut dave, "/wan-register", json!({"name": "key", "usage": "first"})).await;
    let stolen = dave.post_json(&second("/wan-register", &first), made).await;
    refused(&stolen, "credential", "WEBAUTHN_CREDENTIAL_ID_INUSE");
    // The browser is told which passkeys a user has, so that no device makes two.
    let first = begin(&mut joe, "/wan-register", json!({"name": "twice", "usage": "first"})).await;
    assert!(device.create(&first["credential_options"], HERE).is_err());
}

#[tokio::test]
async fn what_does_not_verify_signs_nobody_in() {
    let app = app().start().await;
    let mut device = device_of(&app, "joe@lp.com", "first").await;
    let stranger = &mut Authenticator::default();
    let mut visitor = app.browser();
    let lies = |name: &str, value: Value| Lies {
        client_data: [(name.to_owned(), value)].into_iter().collect(),
        ..Lies::default()
    };
    for (lie, why) in [
        (lies("origin", json!("http://localhost:81")), "WEBAUTHN_NO_VERIFY"),
        (lies("origin", json!("https://localhost")), "WEBAUTHN_NO_VERIFY"),
        (lies("origin", json!("http://localhost.evil.example")), "WEBAUTHN_NO_VERIFY"),
        (lies("challenge", json!("c21DQ2k")), "WEBAUTHN_NO_VERIFY"),
        (lies("type", json!("webauthn.create")), "WEBAUTHN_NO_VERIFY"),
        (lies("crossOrigin", json!(true)), "WEBAUTHN_NO_VERIFY"),
        (lies("topOrigin", json!("https://evil.example")), "WEBAUTHN_NO_VERIFY"),
        (Lies { rp_id: Some("evil.example".to_owned()), ..Lies::default() }, "WEBAUTHN_NO_VERIFY"),
        (Lies { user_handle: Some(b"somebody else".to_vec()), ..Lies::default() }, "WEBAUTHN_MISMATCH_USER_HANDLE"),
    ] {
        refused(&sign_in_with(&mut visitor, &mut device, &lie).await, "credential", why);
    }
    let first = begin(&mut visitor, "/wan-signin", json!({})).await;
    let path = second("/wan-signin", &first);
    for wrong in [json!({}), json!({"credential": ""}), json!({"credential": "{}"}), json!({"credential": {"id": "x"}})]
    {
        refused(&visitor.post_json(&path, wrong).await, "credential", "API_ERROR");
    }
    // A key that nobody registered.
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let unfinished = begin(&mut joe, "/wan-register", json!({"name": "never", "usage": "first"})).await;
    stranger.create(&unfinished["credential_options"], HERE).unwrap();
    refused(&sign_in(&mut visitor, stranger).await, "credential", "WEBAUTHN_UNKNOWN_CREDENTIAL_ID");
    // Nobody touched it.
    device.user_present = false;
    refused(&sign_in(&mut visitor, &mut device).await, "credential", "WEBAUTHN_NO_VERIFY");
    device.user_present = true;
    // Backed up though it cannot be.
    device.backed_up = true;
    refused(&sign_in(&mut visitor, &mut device).await, "credential", "WEBAUTHN_NO_VERIFY");
    device.backed_up = false;
    assert_eq!(visitor.who().await, "nobody");
    let failed = app
        .take_events()
        .iter()
        .filter(|event| matches!(event, Event::UserFailedAuthentication { via: "webauthn", .. }))
        .count();
    assert_eq!(failed, 10);
    assert_eq!(sign_in(&mut visitor, &mut device).await.status(), 200);
}

#[tokio::test]
async fn a_counter_that_falls_back_is_a_copy() {
    let app = app().start().await;
    let mut device = device_of(&app, "joe@lp.com", "first").await;
    device.keys[0].sign_count = 41;
    assert_eq!(sign_in(&mut app.browser(), &mut device).await.status(), 200);
    for count in [41, 40, 0] {
        device.keys[0].sign_count = count;
        refused(&sign_in(&mut app.browser(), &mut device).await, "credential", "WEBAUTHN_NO_VERIFY");
    }
    device.keys[0].sign_count = 42;
    assert_eq!(sign_in(&mut app.browser(), &mut device).await.status(), 200);
}

/// The counter stays 0, so only the state keeps an answer from being used twice.
#[tokio::test]
async fn an_answer_works_once_and_in_one_session() {
    let app = app().start().await;
    let mut device = Authenticator { counts: false, ..Authenticator::default() };
    register(&mut signed_in(&app, "joe@lp.com").await, &mut device, "key", "first").await;
    let mut visitor = app.browser();
    let first = begin(&mut visitor, "/wan-signin", json!({})).await;
    let (path, body) =
        (second("/wan-signin", &first), json!({"credential": device.get(&first["credential_options"], HERE).unwrap()}));
    let copy = visitor.clone();
    let mut elsewhere = app.browser();
    begin(&mut elsewhere, "/wan-signin", json!({})).await;
    refused(&elsewhere.post_json(&path, body.clone()).await, "", "API_ERROR");
    refused(&app.browser().post_json(&path, body.clone()).await, "", "API_ERROR");

    let calls = (0..20).map(|_| {
        let (mut visitor, path, body) = (visitor.clone(), path.clone(), body.clone());
        async move { visitor.post_json(&path, body).await.status() }
    });
    let mut statuses = at_once(calls).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[400; 19]].concat());
    refused(&copy.clone().post_json(&path, body).await, "", "API_ERROR");

    let mut late = app.browser();
    let first = begin(&mut late, "/wan-signin", json!({})).await;
    app.advance(61);
    let body = json!({"credential": device.get(&first["credential_options"], HERE).unwrap()});
    refused(&late.post_json(&second("/wan-signin", &first), body).await, "", "WEBAUTHN_EXPIRED");
}

/// Nine tabs of one browser: the newest eight can finish.
#[tokio::test]
async fn several_sign_ins_of_one_browser() {
    let app = app().start().await;
    let mut device = device_of(&app, "joe@lp.com", "first").await;
    let mut visitor = app.browser();
    let mut tabs = Vec::new();
    for _ in 0..9 {
        tabs.push(begin(&mut visitor, "/wan-signin", json!({})).await);
    }
    for (tab, works) in [(0, false), (1, true)] {
        let body = json!({"credential": device.get(&tabs[tab]["credential_options"], HERE).unwrap()});
        let reply = visitor.clone().post_json(&second("/wan-signin", &tabs[tab]), body).await;
        assert_eq!(reply.status() == 200, works, "{tab}: {}", reply.text());
    }
}

#[tokio::test]
async fn accounts_that_may_not_be_used() {
    let app = app().toml("[security]\nconfirmable = true").start().await;
    for email in ["joe@lp.com", "dave@lp.com"] {
        app.update(email, UserPatch { confirmed_at: Some(Some(app.now())), ..UserPatch::default() }).await;
    }
    let mut joes = device_of(&app, "joe@lp.com", "first").await;
    let mut daves = device_of(&app, "dave@lp.com", "first").await;
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    refused(&sign_in(&mut app.browser(), &mut joes).await, "credential", "DISABLED_ACCOUNT");
    app.update("dave@lp.com", UserPatch { confirmed_at: Some(None), ..UserPatch::default() }).await;
    refused(&sign_in(&mut app.browser(), &mut daves).await, "credential", "CONFIRMATION_REQUIRED");
}

#[tokio::test]
async fn the_second_factor_is_the_pending_users_own() {
    let app = app().start().await;
    let mut joes = device_of(&app, "joe@lp.com", "secondary").await;
    let mut daves = device_of(&app, "dave@lp.com", "secondary").await;
    let mut first_of_joe = Authenticator::default();
    {
        // Whoever has a second factor needs it from now on, so this session is from before.
        let mut joe = app.browser();
        let asked = joe.post_json("/login", json!({"email": "joe@lp.com", "password": "password"})).await.response();
        assert_eq!((&asked["tf_method"], &asked["tf_signin_url"]), (&json!("webauthn"), &json!("/wan-signin")));
        assert_eq!(joe.who().await, "nobody");
        assert_eq!(joe.get_json("/wan-signin").await.response()["is_secondary"], true);
        let first = begin(&mut joe, "/wan-signin", json!({"identity": "dave@lp.com"})).await;
        let options = &first["credential_options"];
        assert_eq!(options["allowCredentials"][0]["id"], first_id(&joes), "joe's, whatever is said");
        assert_eq!(options["userVerification"], "discouraged");
        let path = second("/wan-signin", &first);
        let theirs = daves.get_by(0, options, HERE, &Lies::default());
        refused(
            &joe.post_json(&path, json!({"credential": theirs})).await,
            "credential",
            "WEBAUTHN_MISMATCH_USER_HANDLE",
        );
        let lie = Lies { user_handle: Some(Vec::new()), ..Lies::default() };
        let theirs = daves.get_by(0, options, HERE, &lie);
        refused(
            &joe.post_json(&path, json!({"credential": theirs})).await,
            "credential",
            "WEBAUTHN_MISMATCH_USER_HANDLE",
        );
        // The state is for the second factor of joe: nobody without his password can use it.
        let own = json!({"credential": joes.get(options, HERE).unwrap()});
        refused(&app.browser().post_json(&path, own.clone()).await, "", "API_ERROR");
        let reply = joe.post_json(&path, own).await;
        assert_eq!((reply.status(), &reply.response()["user"]["email"]), (200, &json!("joe@lp.com")));
        assert_eq!(joe.who().await, "joe@lp.com");
        register(&mut joe, &mut first_of_joe, "for sign-in", "first").await;
    }
    // Each passkey for its own step.
    refused(&sign_in(&mut app.browser(), &mut daves).await, "credential", "WEBAUTHN_CREDENTIAL_WRONG_USAGE");
    let mut joe = app.browser();
    joe.post_json("/login", json!({"email": "joe@lp.com", "password": "password"})).await;
    let first = begin(&mut joe, "/wan-signin", json!({})).await;
    let used = first_of_joe.get_by(0, &first["credential_options"], HERE, &Lies::default());
    let reply = joe.post_json(&second("/wan-signin", &first), json!({"credential": used})).await;
    refused(&reply, "credential", "WEBAUTHN_CREDENTIAL_WRONG_USAGE");
}

#[tokio::test]
async fn a_passkey_that_verified_its_user_is_both_factors() {
    let app = app().start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let (mut main, mut spare) = (Authenticator::default(), Authenticator::default());
    register(&mut joe, &mut main, "main", "first").await;
    register(&mut joe, &mut spare, "spare", "secondary").await;
    let reply = sign_in(&mut app.browser(), &mut main).await;
    assert_eq!(reply.response()["tf_required"], false);

    main.user_verified = false;
    let mut visitor = app.browser();
    let asked = sign_in(&mut visitor, &mut main).await.response();
    assert_eq!(
        (&asked["tf_required"], &asked["tf_state"], &asked["user"]),
        (&json!(true), &json!("ready"), &Value::Null)
    );
    assert_eq!(visitor.who().await, "nobody");
    assert_eq!(sign_in(&mut visitor, &mut spare).await.status(), 200);
    assert_eq!(visitor.who().await, "joe@lp.com");

    // Where it may not count for both, it never does.
    let strict = TestApp::builder()
        .sharing(&app)
        .toml("[security]\nwebauthn = true\nwan_allow_as_multi_factor = false\n[csrf]\nenabled = false");
    let strict = strict.start().await;
    main.user_verified = true;
    assert_eq!(sign_in(&mut strict.browser(), &mut main).await.response()["tf_required"], true);
}

#[tokio::test]
async fn where_the_user_must_be_verified() {
    let app = app().toml("[webauthn]\nuser_verification = \"required\"").start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let mut device = Authenticator { user_verified: false, ..Authenticator::default() };
    let first = begin(&mut joe, "/wan-register", json!({"name": "key", "usage": "first"})).await;
    assert_eq!(first["credential_options"]["authenticatorSelection"]["userVerification"], "required");
    let made = device.create(&first["credential_options"], HERE).unwrap();
    refused(
        &joe.post_json(&second("/wan-register", &first), json!({"credential": made})).await,
        "credential",
        "WEBAUTHN_NO_VERIFY",
    );
    device = Authenticator::default();
    register(&mut joe, &mut device, "key", "first").await;
    device.user_verified = false;
    refused(&sign_in(&mut app.browser(), &mut device).await, "credential", "WEBAUTHN_NO_VERIFY");
    device.user_verified = true;
    assert_eq!(sign_in(&mut app.browser(), &mut device).await.status(), 200);
}

#[tokio::test]
async fn where_a_passkey_may_not_be_the_first_factor() {
    let app = app().toml("[security]\nwan_allow_as_first_factor = false").start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let mut device = Authenticator::default();
    register(&mut joe, &mut device, "key", "first").await;
    assert_eq!(passkeys_of(&app, "joe@lp.com").await[0].usage, "secondary", "whatever was asked for");
    let mut visitor = app.browser();
    assert_eq!(visitor.get("/wan-signin").await.status(), 404);
    assert_eq!(visitor.post_json("/wan-signin", json!({})).await.status(), 404);
    let login = visitor.get("/login").await;
    assert!(!login.text().contains("wan-signin") && !login.text().contains("webauthn"));
    visitor.post_json("/login", json!({"email": "joe@lp.com", "password": "password"})).await;
    assert_eq!(sign_in(&mut visitor, &mut device).await.status(), 200);
    assert_eq!(visitor.who().await, "joe@lp.com");
}

#[tokio::test]
async fn a_renewed_proof_is_by_ones_own_passkey() {
    let app = app().toml("[security]\nfreshness = 60\nfreshness_grace_period = 0").start().await;
    let mut joes = device_of(&app, "joe@lp.com", "first").await;
    let mut daves = device_of(&app, "dave@lp.com", "first").await;
    let mut joe = app.browser();
    sign_in(&mut joe, &mut joes).await;
    app.advance(61);
    let stale = joe.get_json("/wan-register").await;
    let response = stale.response();
    assert_eq!((stale.status(), &response["has_webauthn_verify_credential"]), (401, &json!(true)));
    assert_eq!(joe.get_json("/verify").await.response()["has_webauthn_verify_credential"], true);
    assert!(joe.get("/verify?next=/x").await.text().contains("formaction=\"/wan-verify?next=/x\""));

    let first = begin(&mut joe, "/wan-verify", json!({})).await;
    assert_eq!(first["credential_options"]["allowCredentials"][0]["id"], first_id(&joes));
    let path = second("/wan-verify", &first);
    let theirs = daves.get_by(0, &first["credential_options"], HERE, &Lies::default());
    refused(&joe.post_json(&path, json!({"credential": theirs})).await, "", "WEBAUTHN_MISMATCH_USER_HANDLE");
    assert_eq!(joe.get_json("/wan-register").await.status(), 401);
    let own = json!({"credential": joes.get(&first["credential_options"], HERE).unwrap()});
    // The state of a renewed proof signs nobody in, nor the other way round.
    let state = path.rsplit('/').next().unwrap().to_owned();
    refused(&joe.clone().post_json(&format!("/wan-signin/{state}"), own.clone()).await, "", "API_ERROR");
    let reply = joe.post_json(&path, own.clone()).await;
    assert_eq!((reply.status(), &reply.response()["user"]), (200, &json!({"email": "joe@lp.com"})));
    assert_eq!(joe.get_json("/wan-register").await.status(), 200);
    app.advance(61);
    refused(&joe.post_json(&path, own).await, "", "WEBAUTHN_EXPIRED");
    assert_eq!(joe.get_json("/wan-register").await.status(), 401);
    assert_eq!(app.browser().get_json("/wan-verify").await.status(), 401);

    let mut visitor = app.browser();
    let first = begin(&mut visitor, "/wan-signin", json!({})).await;
    let used = json!({"credential": joes.get(&first["credential_options"], HERE).unwrap()});
    let state = first["wan_state"].as_str().unwrap();
    refused(&joe.post_json(&format!("/wan-verify/{state}"), used).await, "", "API_ERROR");
}

#[tokio::test]
async fn a_renewed_proof_by_the_kinds_that_are_allowed() {
    let app = app().toml("[security]\nwan_allow_as_verify = [\"secondary\"]").start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let mut device = Authenticator::default();
    register(&mut joe, &mut device, "key", "first").await;
    assert_eq!(joe.get_json("/verify").await.response()["has_webauthn_verify_credential"], false);
    let first = begin(&mut joe, "/wan-verify", json!({})).await;
    assert_eq!(first["credential_options"]["allowCredentials"], json!([]));
    let used = device.get(&first["credential_options"], HERE).unwrap();
    let reply = joe.post_json(&second("/wan-verify", &first), json!({"credential": used})).await;
    refused(&reply, "credential", "WEBAUTHN_CREDENTIAL_WRONG_USAGE");
    for off in ["wan_allow_as_verify = []", "freshness = -1"] {
        let toml = format!("[security]\nwebauthn = true\n{off}");
        let app = TestApp::builder().toml(&toml).start().await;
        assert_eq!(signed_in(&app, "joe@lp.com").await.get("/wan-verify").await.status(), 404, "{off}");
    }
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let app = app().start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    register(&mut joe, &mut Authenticator::default(), "one", "first").await;
    register(&mut joe, &mut Authenticator::default(), "two", "first").await;
    app.update("joe@lp.com", UserPatch { password: Some(None), ..UserPatch::default() }).await;
    let before = app.now();
    let calls =
        (0..20).map(|at| {
            let mut joe = joe.clone();
            async move {
                joe.post_json("/wan-delete", json!({"name": if at % 2 == 0 { "one" } else { "two" }})).await.status()
            }
        });
    let done = at_once(calls).await.into_iter().filter(|status| *status == 200).count();
    assert_eq!((done, before), (1, app.now()));
    let left = passkeys_of(&app, "joe@lp.com").await;
    assert_eq!(left.len(), 1);
    refused(&joe.post_json("/wan-delete", json!({"name": left[0].name})).await, "name", "WEBAUTHN_LAST_WAY_IN");
    // One that does not sign in goes, and so does any where a mail would do.
    register(&mut joe, &mut Authenticator::default(), "second", "secondary").await;
    assert_eq!(joe.post_json("/wan-delete", json!({"name": "second"})).await.status(), 200);
    let by_mail = TestApp::builder()
        .sharing(&app)
        .toml("[security]\nwebauthn = true\nrecoverable = true\n[csrf]\nenabled = false");
    let by_mail = by_mail.start().await;
    let mut there = by_mail.browser();
    there.set_cookie("session", joe.cookie("session").unwrap());
    assert_eq!(there.post_json("/wan-delete", json!({"name": left[0].name})).await.status(), 200);
}

#[tokio::test]
async fn removal_is_of_ones_own() {
    let app = app().start().await;
    let _theirs = device_of(&app, "dave@lp.com", "first").await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    register(&mut joe, &mut Authenticator::default(), "mine", "first").await;
    refused(&joe.post_json("/wan-delete", json!({"name": "key"})).await, "name", "WEBAUTHN_NAME_NOT_FOUND");
    refused(&joe.post_json("/wan-delete", json!({})).await, "name", "WEBAUTHN_NAME_REQUIRED");
    let token = joe.get_json("/wan-delete").await;
    assert_eq!(token.response(), json!({"csrf_token": token.csrf_token()}));
    let _ = app.take_events();
    assert_eq!(joe.post_json("/wan-delete", json!({"name": "mine"})).await.status(), 200);
    let user_id = app.user("joe@lp.com").await.id;
    assert_eq!(app.take_events(), [Event::PasskeyRemoved { user_id, name: "mine".to_owned() }]);
    assert_eq!(passkeys_of(&app, "dave@lp.com").await.len(), 1);
    assert_eq!(app.browser().post_json("/wan-delete", json!({"name": "key"})).await.status(), 401);
}
