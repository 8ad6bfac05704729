//! Registering, and the list of one's own.

use lychgate::{
    Event,
    store::{Credential, UserPatch},
};
use lychgate_testkit::{Authenticator, Database, Lies, at_once};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{HERE, app, begin, first_id, passkeys_of, refused, register, second, signed_in};

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
async fn users_of_an_older_database_get_their_handle_once() {
    let app = app().start().await;
    let clear = UserPatch { fs_webauthn_user_handle: Some(None), ..UserPatch::default() };
    app.update("joe@lp.com", clear).await;
    let joe = signed_in(&app, "joe@lp.com").await;
    let calls = (0..10).map(|at| {
        let mut joe = joe.clone();
        async move {
            begin(&mut joe, "/wan-register", json!({"name": format!("key {at}")})).await["credential_options"]["user"]
                .to_string()
        }
    });
    let mut handles = at_once(calls).await;
    handles.dedup();
    assert_eq!(handles.len(), 1);
    assert!(app.user("joe@lp.com").await.fs_webauthn_user_handle.as_ref().is_some_and(|handle| handle.len() == 32));
}

#[tokio::test]
async fn fifty_are_enough() {
    let app = app().start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    register(&mut joe, &mut Authenticator::default(), "one", "first").await;
    let one = passkeys_of(&app, "joe@lp.com").await.remove(0);
    let mut batch = app.store().batch();
    for at in 0..49_u8 {
        batch.add_credential(&Credential { credential_id: vec![at], name: at.to_string(), ..one.clone() });
    }
    app.store().commit(batch).await.unwrap();
    refused(&joe.post_json("/wan-register", json!({"name": "more"})).await, "", "WEBAUTHN_TOO_MANY");
    assert_eq!(joe.get_json("/wan-register").await.response()["registered_credentials"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn extensions_are_kept_readable() {
    let app = app().start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    for (name, extensions, kept) in [
        ("none", Value::Null, json!("Unknown")),
        ("long", json!(json!({"credProps": {"rk": false}, "x": "y".repeat(400)}).to_string()), json!(false)),
        ("odd", json!("{\"credProps\": 7}"), json!("Unknown")),
    ] {
        let first = begin(&mut joe, "/wan-register", json!({"name": name})).await;
        let made = Authenticator::default().create(&first["credential_options"], HERE).unwrap();
        let mut made: Value = serde_json::from_str(&made).unwrap();
        made["extensions"] = extensions;
        let reply = joe.post_json(&second("/wan-register", &first), json!({"credential": made.to_string()})).await;
        assert_eq!(reply.status(), 200, "{name}: {}", reply.text());
        let list = joe.get_json("/wan-register").await.response();
        let entry = list["registered_credentials"].as_array().unwrap().iter().find(|entry| entry["name"] == name);
        assert_eq!(entry.unwrap()["discoverable"], kept, "{name}");
    }
}
