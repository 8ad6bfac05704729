//! Ceremonies of 1Password's client and authenticator, which read options like ours; see `data/passkey-rs`.
#![allow(clippy::unwrap_used)]

use lychgate_webauthn::{Algorithm, Assertion, AssertionCheck, RegistrationCheck, Stored};
use serde_json::Value;

#[test]
fn ceremonies() {
    let data: Value = serde_json::from_str(include_str!("data/py_webauthn.json")).unwrap();
    let given = |name: &str| data["given"][name].as_str().unwrap();
    let data: Value = serde_json::from_str(include_str!("data/passkey_rs.json")).unwrap();
    let origins = [given("origin").to_owned()];
    let ceremonies = data["ceremonies"].as_array().unwrap();
    assert_eq!(ceremonies.len(), 3);
    for ceremony in ceremonies {
        let name = ceremony["name"].as_str().unwrap();
        let check = RegistrationCheck {
            challenge: given("challenge"),
            rp_id: given("rp_id"),
            origins: &origins,
            require_user_verification: true,
            algorithms: Algorithm::OFFERED,
        };
        let registered = check.verify(ceremony["registration"].as_str().unwrap()).expect(name);
        assert_eq!(registered.algorithm.id(), ceremony["algorithm"].as_i64().unwrap(), "{name}");
        assert_eq!(registered.device_type(), "multi_device");
        assert!(registered.user_verified && registered.backup_state);
        assert_eq!(registered.transports, ["internal", "hybrid"]);

        let assertion = Assertion::parse(ceremony["assertion"].as_str().unwrap()).unwrap();
        let check = AssertionCheck {
            challenge: given("challenge"),
            rp_id: given("rp_id"),
            origins: &origins,
            require_user_verification: true,
            stored: Stored {
                credential_id: &registered.credential_id,
                public_key: &registered.public_key,
                sign_count: registered.sign_count.into(),
                backup_eligible: Some(registered.backup_eligible),
                user_handle: given("user_handle").as_bytes(),
            },
        };
        let asserted = check.verify(&assertion).expect(name);
        assert_eq!(asserted.sign_count, u32::from(ceremony["counts"].as_bool().unwrap()), "{name}");
    }
}
