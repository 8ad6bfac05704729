//! What is refused of a new credential, and what is not.
#![allow(clippy::unwrap_used)]

mod site;

use lychgate_webauthn::{
    Algorithm, Reason, RegistrationCheck,
    testing::{Authenticator, Lies},
};
use serde_json::{Value, json};
use site::{CHALLENGE, ORIGIN, RP_ID, bytes, creation, judge_registration, lie, replaced, with_bytes};

fn made() -> String {
    Authenticator::default().create(&creation(), ORIGIN).unwrap()
}

fn refused(credential: &str) -> Option<Reason> {
    judge_registration(credential).err().map(|refused| refused.reason())
}

fn refused_with(authenticator: Authenticator, origin: &str, lies: &Lies) -> Option<Reason> {
    let mut authenticator = authenticator;
    refused(&authenticator.create_with(&creation(), origin, lies).unwrap())
}

#[test]
fn flags() {
    let key = Authenticator::default;
    let honest = Lies::default();
    let with = |change: fn(&mut Authenticator)| {
        let mut authenticator = key();
        change(&mut authenticator);
        refused_with(authenticator, ORIGIN, &honest)
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|key| key.user_present = false), Some(Reason::UserPresence));
    assert_eq!(with(|key| key.user_verified = false), Some(Reason::UserVerification));
    assert_eq!(with(|key| key.backed_up = true), Some(Reason::BackupFlags));
    assert_eq!(with(|key| key.backup_eligible = true), None);
}

#[test]
fn verification_and_algorithms_are_as_asked() {
    let judge = |require_user_verification, algorithms, credential: &str| {
        let check = RegistrationCheck {
            challenge: CHALLENGE,
            rp_id: RP_ID,
            origins: &[ORIGIN.to_owned()],
            require_user_verification,
            algorithms,
        };
        check.verify(credential)
    };
    let credential =
        Authenticator { user_verified: false, ..Authenticator::default() }.create(&creation(), ORIGIN).unwrap();
    let registered = judge(false, Algorithm::OFFERED, &credential).unwrap();
    assert!(!registered.user_verified);
    let only_edwards = judge(false, &[Algorithm::EdDsa], &credential).unwrap_err();
    assert_eq!(only_edwards.reason(), Reason::PublicKey);
}

#[test]
fn origins_are_compared_to_the_letter() {
    for origin in [
        "http://example.com",
        "https://badexample.com",
        "https://example.com.evil.org",
        "https://www.example.com",
        "https://example.com:8443",
        "https://example.com/",
        "https://EXAMPLE.com",
        "https://example.com\0",
        "null",
        "",
    ] {
        let judged = refused_with(Authenticator::default(), origin, &Lies::default());
        assert_eq!(judged, Some(Reason::Origin), "{origin:?}");
    }
}

#[test]
fn client_data() {
    let with = |lies: &Lies| refused_with(Authenticator::default(), ORIGIN, lies);
    for (name, value, reason) in [
        ("type", json!("webauthn.get"), Reason::Type),
        ("type", json!("payment.get"), Reason::Type),
        ("type", Value::Null, Reason::Unreadable),
        ("challenge", json!("c21DQ2l5"), Reason::Challenge),
        ("challenge", json!(CHALLENGE), Reason::Challenge),
        ("challenge", json!(""), Reason::Challenge),
        ("challenge", json!([]), Reason::Unreadable),
        ("origin", json!([ORIGIN]), Reason::Unreadable),
        ("crossOrigin", json!(true), Reason::CrossOrigin),
        ("crossOrigin", json!("false"), Reason::Unreadable),
        ("topOrigin", json!(ORIGIN), Reason::CrossOrigin),
    ] {
        assert_eq!(with(&lie(name, value.clone())), Some(reason), "{name}: {value}");
    }
    // Older browsers say less, others more.
    assert_eq!(with(&lie("crossOrigin", Value::Null)), None);
    assert_eq!(with(&lie("tokenBinding", json!({"status": "supported"}))), None);
    assert_eq!(with(&Lies { rp_id: Some("example.org".to_owned()), ..Lies::default() }), Some(Reason::RelyingParty));

    let credential = made();
    let data = String::from_utf8(bytes(&credential, "clientDataJSON")).unwrap();
    for bad in [
        data.replace('}', r#","type":"webauthn.create"}"#),
        format!("{data} {{}}"),
        format!("[{data}]"),
        data.replace("webauthn", "webauthn\u{fffd}"),
        String::new(),
    ] {
        assert!(refused(&with_bytes(&credential, "clientDataJSON", bad.as_bytes())).is_some(), "{bad}");
    }
    assert_eq!(refused(&with_bytes(&credential, "clientDataJSON", b"{\"a\":\"\xff\"}")), Some(Reason::Unreadable));
}

#[test]
fn attestation_objects() {
    let credential = made();
    let object = |old: &[u8], new: &[u8]| refused(&replaced(&credential, "attestationObject", old, new));
    assert_eq!(object(b"dnone", b"dnope"), Some(Reason::Attestation));
    assert_eq!(object(b"dnone", b"hfido-u2f"), Some(Reason::Attestation));
    assert_eq!(object(b"dnone", b"fpacked"), Some(Reason::Attestation));
    assert_eq!(object(b"attStmt\xa0", b"attStmt\xa1\x61a\x00"), Some(Reason::Attestation));
    assert_eq!(object(b"attStmt\xa0", b"attStmt\x80"), Some(Reason::Attestation));
    assert_eq!(object(b"attStmt", b"attSomm"), Some(Reason::Unreadable));
    // A member twice, or one too many; indefinite length; bytes after the end.
    assert_eq!(object(b"\xa3cfmtdnone", b"\xa4cfmtdnonecfmtdnone"), Some(Reason::Unreadable));
    assert_eq!(object(b"\xa3cfmtdnone", b"\xa4cfmtdnonecfoodnone"), Some(Reason::Unreadable));
    assert_eq!(object(b"\xa3cfmt", b"\xbfcfmt"), Some(Reason::Unreadable));
    let mut longer = bytes(&credential, "attestationObject");
    longer.push(0);
    assert_eq!(refused(&with_bytes(&credential, "attestationObject", &longer)), Some(Reason::Unreadable));
    // Legal, if not as short as could be.
    assert_eq!(object(b"cfmtdnone", b"\x78\x03fmt\x79\x00\x04none"), None);
}

#[test]
fn authenticator_data() {
    let trailing = Lies { trailing: vec![0], ..Lies::default() };
    assert_eq!(refused_with(Authenticator::default(), ORIGIN, &trailing), Some(Reason::Unreadable));
    // Without a credential.
    let credential = made();
    let object = bytes(&credential, "attestationObject");
    let start = object.windows(8).position(|part| part == b"authData").unwrap() + 8 + 2;
    let mut head = object[start..start + 37].to_vec();
    head[32] &= !(1 << 6);
    let shorter = [&object[..start - 2], &[0x58, 37], &head].concat();
    assert_eq!(refused(&with_bytes(&credential, "attestationObject", &shorter)), Some(Reason::Unreadable));
}

#[test]
fn ids_agree() {
    let other = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let credential: Value = serde_json::from_str(&made()).unwrap();
    for names in [&["id"][..], &["rawId"], &["id", "rawId"]] {
        let mut changed = credential.clone();
        for name in names {
            changed[name] = other.into();
        }
        assert_eq!(refused(&changed.to_string()), Some(Reason::CredentialId), "{names:?}");
    }
}

#[test]
fn malformed_json() {
    let credential: Value = serde_json::from_str(&made()).unwrap();
    for (pointer, value) in [
        ("/type", json!("password")),
        ("/type", Value::Null),
        ("/id", json!(1)),
        ("/id", Value::Null),
        ("/rawId", json!("")),
        ("/rawId", json!("*")),
        ("/rawId", json!("AA=A")),
        ("/response", json!([])),
        ("/response/clientDataJSON", Value::Null),
        ("/response/clientDataJSON", json!({})),
        ("/response/attestationObject", json!("a b")),
        ("/response/transports", json!("usb")),
        ("/extensions", json!(1)),
        ("/extensions", json!("[]")),
        ("/extensions", json!(r#"{"a":1,"a":2}"#)),
    ] {
        let mut changed = credential.clone();
        *changed.pointer_mut(pointer).unwrap() = value.clone();
        assert_eq!(refused(&changed.to_string()), Some(Reason::Malformed), "{pointer}: {value}");
    }
    let text = credential.to_string();
    for bad in
        ["", "null", "[]", "\"x\"", "{", &text[1..], &format!("{text}x"), &text.replacen('{', r#"{"id":"x","#, 1)]
    {
        assert_eq!(refused(bad), Some(Reason::Malformed), "{bad}");
    }
    let long = text.replacen('{', &format!(r#"{{"x":"{}","#, "x".repeat(lychgate_webauthn::MAX_JSON)), 1);
    assert_eq!(refused(&long), Some(Reason::Malformed));
    let deep = text.replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(20_000), "]".repeat(20_000)), 1);
    assert_eq!(refused(&deep), Some(Reason::Malformed));
}

#[test]
fn unsigned_members() {
    let credential: Value = serde_json::from_str(&made()).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut changed = credential.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        judge_registration(&changed.to_string()).unwrap()
    };
    assert_eq!(with("/response/transports", json!(["nfc", "usb", "nfc", "pigeon", 7])).transports, ["nfc", "usb"]);
    assert!(with("/response/transports", Value::Null).transports.is_empty());

    let text = r#"{"credProps": {"rk": false}, "other": 1}"#;
    let registered = with("/extensions", json!(text));
    assert_eq!((registered.extensions.as_deref(), registered.discoverable), (Some(text), Some(false)));
    let registered = with("/extensions", json!({"credProps": {"rk": true}}));
    assert_eq!(registered.extensions.as_deref(), Some(r#"{"credProps":{"rk":true}}"#));
    for nothing in [Value::Null, json!("")] {
        let registered = with("/extensions", nothing);
        assert_eq!((registered.extensions, registered.discoverable), (None, None));
    }
    // What is too long for the column is cut down to what is of use.
    let long = json!({"credProps": {"rk": true}, "prf": "x".repeat(300)}).to_string();
    assert_eq!(with("/extensions", json!(long)).extensions.as_deref(), Some(r#"{"credProps":{"rk":true}}"#));
    assert_eq!(with("/extensions", json!({"prf": "x".repeat(300)})).extensions, None);
}

#[test]
fn self_attestation() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        let mut key = Authenticator { attests: true, algorithm, aaguid: [7; 16], ..Authenticator::default() };
        let credential = key.create(&creation(), ORIGIN).unwrap();
        assert_eq!(judge_registration(&credential).unwrap().aaguid, [7; 16]);
    }
}

/// Everything that is signed is held to the last bit.
#[test]
fn every_flipped_byte_is_refused() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let mut key = Authenticator { attests: true, algorithm, ..Authenticator::default() };
        let credential = key.create(&creation(), ORIGIN).unwrap();
        for name in ["clientDataJSON", "attestationObject"] {
            let right = bytes(&credential, name);
            for (at, bits) in (0..right.len()).flat_map(|at| [1, 0x20, 0x80, 0xff].map(|bits| (at, bits))) {
                let mut flipped = right.clone();
                flipped[at] ^= bits;
                assert!(refused(&with_bytes(&credential, name, &flipped)).is_some(), "{name} {at} {bits}");
            }
        }
    }
}
