//! Which passkeys a sign-in names, and to whom.

use lychgate::store::UserPatch;
use lychgate_testkit::{Authenticator, Lies, TestApp};
use serde_json::json;

use crate::support::{HERE, app, begin, device_of, first_id, refused, register, sign_in, sign_in_with, signed_in};

#[tokio::test]
async fn the_modern_profile_leaves_people_the_choice_and_tells_nothing() {
    let toml = "profile = \"modern\"\napp_name = \"Sample\"\n[security]\nwebauthn = true\n[csrf]\nenabled = false";
    let app = TestApp::builder().toml(toml).start().await;
    let mut joe = signed_in(&app, "joe@lp.com").await;
    let first = begin(&mut joe, "/wan-register", json!({"name": "phone"})).await;
    let options = &first["credential_options"];
    assert_eq!(options["rp"]["name"], "Sample");
    let selection = json!({"requireResidentKey": true, "residentKey": "required", "userVerification": "preferred"});
    assert_eq!(options["authenticatorSelection"], selection, "a passkey to sign in with, wherever it lives");
    let mut device = Authenticator::default();
    register(&mut joe, &mut device, "phone", "first").await;

    let mut visitor = app.browser();
    for identity in ["joe@lp.com", "nobody@lp.com"] {
        let first = begin(&mut visitor, "/wan-signin", json!({"identity": identity})).await;
        assert_eq!(first["credential_options"]["allowCredentials"], json!([]), "{identity}");
    }
    assert!(!visitor.get("/wan-signin").await.text().contains("name=\"identity\""));
    let lie = Lies { rp_id: Some("evil.example".to_owned()), ..Lies::default() };
    refused(&sign_in_with(&mut visitor, &mut device, &lie).await, "", "GENERIC_AUTHN_FAILED");
    let mut stranger = Authenticator::default();
    stranger.create(options, HERE).unwrap();
    refused(&sign_in(&mut visitor, &mut stranger).await, "", "GENERIC_AUTHN_FAILED");
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    refused(&sign_in(&mut visitor, &mut device).await, "", "GENERIC_AUTHN_FAILED");
    app.update("joe@lp.com", UserPatch { active: Some(true), ..UserPatch::default() }).await;
    assert_eq!(sign_in(&mut visitor, &mut device).await.status(), 200);
    let account = visitor.get_json("/account").await.response();
    let section = account["sections"].as_array().unwrap().iter().find(|section| section["key"] == "passkeys").unwrap();
    assert_eq!(section["rows"][0]["name"], "phone");
    let activity: Vec<&str> =
        account["activity"].as_array().unwrap().iter().map(|item| item["text"].as_str().unwrap()).collect();
    assert!(activity.contains(&"ACTIVITY_PASSKEY_ADDED"), "{activity:?}");
}

#[tokio::test]
async fn with_generic_replies_everybody_seems_to_have_passkeys() {
    let app = app().toml("[security]\nreturn_generic_responses = true").start().await;
    let device = device_of(&app, "joe@lp.com", "first").await;
    let mut visitor = app.browser();
    let mut hints = async |identity: &str| {
        let first = begin(&mut visitor, "/wan-signin", json!({"identity": identity})).await;
        first["credential_options"]["allowCredentials"].clone()
    };
    assert_eq!(hints("joe@lp.com").await[0]["id"], first_id(&device));
    let mut seen = std::collections::BTreeSet::new();
    // Without passkeys, deactivated, unknown, and no address at all.
    for identity in ["dave@lp.com", "tiya@lp.com", "nobody@lp.com", "someone@lp.com", "no address"] {
        let made_up = hints(identity).await;
        assert!(matches!(made_up.as_array().unwrap().len(), 1 | 2), "{made_up}");
        assert!(made_up.as_array().unwrap().iter().all(|hint| hint["type"] == "public-key"));
        assert_eq!(hints(identity).await, made_up, "the same each time");
        assert_eq!(hints(&identity.to_uppercase()).await, made_up, "however it is written");
        assert!(seen.insert(made_up.to_string()), "another's");
    }
    assert_eq!(hints("").await, json!([]));
    // People change their passkeys now and then, and so do those who are nobody.
    let before = hints("nobody@lp.com").await;
    app.advance(300 * 86_400);
    assert_ne!(hints("nobody@lp.com").await, before);
}

#[tokio::test]
async fn without_generic_replies_nobody_is_made_up() {
    let app = app().start().await;
    let mut visitor = app.browser();
    for identity in ["dave@lp.com", "tiya@lp.com", "nobody@lp.com", "no address", "nul\0"] {
        let first = begin(&mut visitor, "/wan-signin", json!({"identity": identity})).await;
        assert_eq!(first["credential_options"]["allowCredentials"], json!([]), "{identity}");
    }
    refused(&visitor.post_json("/wan-signin", json!({"identity": 7})).await, "identity", "API_ERROR");
    let elsewhere = json!({"next": "https://evil.example"});
    refused(&visitor.post_json("/wan-signin", elsewhere).await, "next", "INVALID_REDIRECT");
}
