//! Ceremonies with every algorithm, judged by py_webauthn too; see `data/generate.py`.
#![allow(clippy::unwrap_used)]

use lychgate_webauthn::{
    Algorithm, Assertion, AssertionCheck, Attachment, CreationOptions, Descriptor, Reason, Registered,
    RegistrationCheck, RequestOptions, ResidentKey, Selection, Stored, UserVerification,
};
use serde_json::{Value, json};

fn data() -> Value {
    serde_json::from_str(include_str!("data/py_webauthn.json")).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn register(given: &Value, credential: &str) -> Result<Registered, lychgate_webauthn::Refused> {
    let check = RegistrationCheck {
        challenge: text(given, "challenge"),
        rp_id: text(given, "rp_id"),
        origins: &[text(given, "origin").to_owned()],
        require_user_verification: true,
        algorithms: Algorithm::ALL,
    };
    check.verify(credential)
}

#[test]
fn every_algorithm() {
    let data = data();
    let given = &data["given"];
    let mut seen = Vec::new();
    for ceremony in data["ceremonies"].as_array().unwrap() {
        let name = text(ceremony, "name");
        let registered = register(given, text(ceremony, "registration")).expect(name);
        let public_key: String = registered.public_key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(public_key, text(ceremony, "public_key"), "{name}");
        assert_eq!(registered.algorithm.id(), ceremony["algorithm"].as_i64().unwrap(), "{name}");
        assert_eq!(registered.device_type(), "multi_device");
        assert!(registered.backup_state);
        assert_eq!(registered.aaguid.to_vec(), (0..16).collect::<Vec<u8>>());
        assert_eq!(registered.transports, ["internal", "hybrid"]);
        assert_eq!(registered.extensions.as_deref(), Some(r#"{"credProps": {"rk": true}}"#));
        assert_eq!(registered.discoverable, Some(true));
        seen.push(registered.algorithm);

        let assertion = Assertion::parse(text(ceremony, "assertion")).unwrap();
        let check = AssertionCheck {
            challenge: text(given, "challenge"),
            rp_id: text(given, "rp_id"),
            origins: &[text(given, "origin").to_owned()],
            require_user_verification: true,
            stored: Stored {
                credential_id: &registered.credential_id,
                public_key: &registered.public_key,
                sign_count: registered.sign_count.into(),
                backup_eligible: Some(registered.backup_eligible),
                user_handle: text(given, "user_handle").as_bytes(),
            },
        };
        let asserted = check.verify(&assertion).expect(name);
        assert_eq!(asserted.sign_count, 1, "{name}");
        assert!(asserted.backup_state);
    }
    assert!(Algorithm::ALL.iter().all(|algorithm| seen.contains(algorithm)));
}

#[test]
fn certificates() {
    let data = data();
    for attestation in data["attestations"].as_array().unwrap() {
        let judged = register(&data["given"], text(attestation, "registration"));
        if attestation["right"] == true {
            judged.unwrap();
        } else {
            assert_eq!(judged.unwrap_err().reason(), Reason::Attestation, "{}", attestation["name"]);
        }
    }
}

#[test]
fn options() {
    let data = data();
    let given = &data["given"];
    let usb = ["usb".to_owned()];
    let known = [Descriptor { id: &[1; 16], transports: &usb }, Descriptor { id: &[2; 16], transports: &[] }];
    let creation = CreationOptions {
        rp_id: text(given, "rp_id"),
        rp_name: "Example",
        user_handle: text(given, "user_handle").as_bytes(),
        user_name: "matt@example.com",
        challenge: text(given, "challenge"),
        timeout: 60_000,
        algorithms: Algorithm::OFFERED,
        exclude: &known,
        selection: Selection {
            attachment: Some(Attachment::CrossPlatform),
            resident_key: ResidentKey::Required,
            user_verification: UserVerification::Discouraged,
        },
    };
    // Flask-Security adds the extensions by itself.
    let mut theirs = data["options"]["creation"].clone();
    theirs["extensions"] = json!({"credProps": true});
    assert_eq!(creation.to_json(), theirs);
    let request = RequestOptions {
        rp_id: text(given, "rp_id"),
        challenge: text(given, "challenge"),
        timeout: 60_000,
        allow: &known,
        user_verification: UserVerification::Preferred,
    };
    assert_eq!(request.to_json(), data["options"]["request"]);
}
