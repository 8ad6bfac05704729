//! Ceremonies of Chromium with its virtual authenticators; see `data/chromium.py`.
#![allow(clippy::unwrap_used)]

use lychgate_webauthn::{Algorithm, Assertion, AssertionCheck, Reason, RegistrationCheck, Stored};
use serde_json::Value;

#[test]
fn ceremonies() {
    let given: Value = serde_json::from_str(include_str!("data/py_webauthn.json")).unwrap();
    let given = |name: &str| given["given"][name].as_str().unwrap();
    let data: Value = serde_json::from_str(include_str!("data/chromium.json")).unwrap();
    let origins = [data["origin"].as_str().unwrap().to_owned()];
    let ceremonies = data["ceremonies"].as_array().unwrap();
    assert_eq!(ceremonies.len(), 4);
    for ceremony in ceremonies {
        let name = ceremony["name"].as_str().unwrap();
        let verified = ceremony["verified"].as_bool().unwrap();
        let mut check = RegistrationCheck {
            challenge: given("challenge"),
            rp_id: "localhost",
            origins: &origins,
            require_user_verification: verified,
            algorithms: Algorithm::OFFERED,
        };
        let credential = ceremony["registration"].as_str().unwrap();
        let registered = check.verify(credential).expect(name);
        assert_eq!(registered.user_verified, verified, "{name}");
        assert_eq!(registered.device_type(), "single_device", "{name}");
        assert_eq!(registered.discoverable, ceremony["discoverable"].as_bool(), "{name}");
        let transports: Vec<Value> = registered.transports.iter().map(|transport| transport.as_str().into()).collect();
        assert_eq!(ceremony["transports"], Value::from(transports), "{name}");
        check.require_user_verification = true;
        assert_eq!(
            check.verify(credential).err().map(|refused| refused.reason()),
            (!verified).then_some(Reason::UserVerification)
        );

        let assertion = Assertion::parse(ceremony["assertion"].as_str().unwrap()).expect(name);
        let check = AssertionCheck {
            challenge: given("challenge"),
            rp_id: "localhost",
            origins: &origins,
            require_user_verification: verified,
            stored: Stored {
                credential_id: &registered.credential_id,
                public_key: &registered.public_key,
                sign_count: registered.sign_count.into(),
                backup_eligible: Some(false),
                user_handle: given("user_handle").as_bytes(),
            },
        };
        let asserted = check.verify(&assertion).expect(name);
        assert!(asserted.sign_count > registered.sign_count, "{name}");
        assert_eq!(assertion.user_handle().is_some(), registered.discoverable == Some(true), "{name}");
    }
}
