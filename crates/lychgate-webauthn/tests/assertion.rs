//! What is refused of a sign-in, and what is not.
#![allow(clippy::unwrap_used)]

mod site;

use lychgate_webauthn::{
    Algorithm, Assertion, AssertionCheck, Reason, Registered, Stored,
    testing::{Authenticator, Lies},
};
use serde_json::{Value, json};
use site::{
    CHALLENGE, HANDLE, ORIGIN, RP_ID, bytes, judge_against, judge_assertion, lie, registered, request, with_bytes,
};

fn stored(registered: &Registered) -> Stored<'_> {
    Stored {
        credential_id: &registered.credential_id,
        public_key: &registered.public_key,
        sign_count: 0,
        backup_eligible: Some(registered.backup_eligible),
        user_handle: HANDLE,
    }
}

/// What is said of an assertion by a new credential, after `change`.
fn refused(change: impl Fn(&mut Authenticator), origin: &str, lies: &Lies) -> Option<Reason> {
    let mut key = Authenticator::default();
    let registered = registered(&mut key);
    change(&mut key);
    let credential = key.get_with(&request(&[]), origin, lies).unwrap();
    judge_assertion(&registered, &credential).err().map(|refused| refused.reason())
}

#[test]
fn flags() {
    let with = |change: fn(&mut Authenticator)| refused(change, ORIGIN, &Lies::default());
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|key| key.user_present = false), Some(Reason::UserPresence));
    assert_eq!(with(|key| key.user_verified = false), Some(Reason::UserVerification));
    // Eligibility never changes.
    assert_eq!(with(|key| key.backup_eligible = true), Some(Reason::BackupFlags));
    assert_eq!(with(|key| key.backed_up = true), Some(Reason::BackupFlags));
}

#[test]
fn backup_state_may_change_and_eligibility_may_be_unknown() {
    let mut key = Authenticator { backup_eligible: true, backed_up: true, ..Authenticator::default() };
    let registered = registered(&mut key);
    key.backed_up = false;
    let credential = key.get(&request(&[]), ORIGIN).unwrap();
    assert!(!judge_assertion(&registered, &credential).unwrap().backup_state);
    let once_unknown = Stored { backup_eligible: None, ..stored(&registered) };
    assert!(judge_against(once_unknown, &credential).unwrap().backup_eligible);
    let single = Stored { backup_eligible: Some(false), ..stored(&registered) };
    assert_eq!(judge_against(single, &credential).unwrap_err().reason(), Reason::BackupFlags);
}

#[test]
fn client_data_and_relying_party() {
    let with = |lies: &Lies| refused(|_| {}, ORIGIN, lies);
    for (name, value, reason) in [
        ("type", json!("webauthn.create"), Reason::Type),
        ("challenge", json!(CHALLENGE), Reason::Challenge),
        ("crossOrigin", json!(true), Reason::CrossOrigin),
        ("topOrigin", json!("https://other.example"), Reason::CrossOrigin),
    ] {
        assert_eq!(with(&lie(name, value)), Some(reason), "{name}");
    }
    assert_eq!(with(&Lies { rp_id: Some("example.org".to_owned()), ..Lies::default() }), Some(Reason::RelyingParty));
    for origin in ["http://example.com", "https://badexample.com", "https://example.com:444", "https://a.example.com"] {
        assert_eq!(refused(|_| {}, origin, &Lies::default()), Some(Reason::Origin), "{origin}");
    }
}

#[test]
fn user_handles() {
    let with = |handle: &[u8]| refused(|_| {}, ORIGIN, &Lies { user_handle: Some(handle.to_vec()), ..Lies::default() });
    assert_eq!(with(HANDLE), None);
    // A credential that is not discoverable does not know it.
    assert_eq!(with(b""), None);
    assert_eq!(with(b"3b1g"), Some(Reason::UserHandle));
    assert_eq!(with(b"3b1"), Some(Reason::UserHandle));
    assert_eq!(with(&[b'a'; 65]), Some(Reason::Malformed));
}

#[test]
fn counters_go_up_or_stay_zero() {
    for (before, now, right) in [
        (0, 0, true),
        (0, 1, true),
        (5, 6, true),
        (5, 9, true),
        (5, 5, false),
        (5, 4, false),
        (5, 0, false),
        (i64::MAX, u32::MAX, false),
    ] {
        let mut key = Authenticator { counts: false, ..Authenticator::default() };
        let registered = registered(&mut key);
        key.keys[0].sign_count = now;
        let credential = key.get(&request(&[]), ORIGIN).unwrap();
        let judged = judge_against(Stored { sign_count: before, ..stored(&registered) }, &credential);
        match judged {
            Ok(asserted) => assert!(right && asserted.sign_count == now, "{before} {now}"),
            Err(refused) => assert!(!right && refused.reason() == Reason::SignCount, "{before} {now}"),
        }
    }
}

#[test]
fn another_credential_does_not_do() {
    let (mut one, mut two) = (Authenticator::default(), Authenticator::default());
    let (first, second) = (registered(&mut one), registered(&mut two));
    let credential = two.get(&request(&[&second.credential_id]), ORIGIN).unwrap();
    assert_eq!(judge_assertion(&first, &credential).unwrap_err().reason(), Reason::CredentialId);
    // The second key signs in the first's name.
    let mut named: Value = serde_json::from_str(&credential).unwrap();
    named["id"] = serde_json::from_str::<Value>(&one.get(&request(&[]), ORIGIN).unwrap()).unwrap()["id"].clone();
    named["rawId"] = named["id"].clone();
    assert_eq!(judge_assertion(&first, &named.to_string()).unwrap_err().reason(), Reason::Signature);
}

#[test]
fn stored_keys_that_cannot_be_used() {
    let mut key = Authenticator::default();
    let registered = registered(&mut key);
    let credential = key.get(&request(&[]), ORIGIN).unwrap();
    for public_key in [&b""[..], b"\xa0", &registered.public_key[1..], &[0xff; 3000]] {
        let judged = judge_against(Stored { public_key, ..stored(&registered) }, &credential);
        assert_eq!(judged.unwrap_err().reason(), Reason::PublicKey);
    }
}

/// Signs changed authenticator data anew.
fn resigned(key: &Authenticator, credential: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut auth_data = bytes(credential, "authenticatorData");
    change(&mut auth_data);
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes(credential, "clientDataJSON"));
    let signature = key.keys[0].sign(&[auth_data.as_slice(), hash.as_ref()].concat());
    with_bytes(&with_bytes(credential, "authenticatorData", &auth_data), "signature", &signature)
}

#[test]
fn authenticator_data() {
    let mut key = Authenticator::default();
    let registered = registered(&mut key);
    let credential = key.get(&request(&[]), ORIGIN).unwrap();
    let judge = |change: &dyn Fn(&mut Vec<u8>)| {
        let changed = resigned(&key, &credential, change);
        judge_assertion(&registered, &changed).err().map(|refused| refused.reason())
    };
    let extended = |more: &[u8]| {
        judge(&|data| {
            data[32] |= 1 << 7;
            data.extend(more);
        })
    };
    assert_eq!(judge(&|_| {}), None);
    // Reserved bits mean nothing yet.
    assert_eq!(judge(&|data| data[32] |= 1 << 1 | 1 << 5), None);
    assert_eq!(extended(b"\xa1\x69credBlob\xf5"), Some(Reason::Unreadable));
    assert_eq!(extended(b"\xa1\x68credBlob\xf5"), None);
    assert_eq!(extended(b""), Some(Reason::Unreadable));
    assert_eq!(extended(b"\x80"), Some(Reason::Unreadable));
    assert_eq!(extended(b"\xa0\x00"), Some(Reason::Unreadable));
    assert_eq!(extended(&[&b"\xa1\x61a"[..], &[0x81; 17], b"\x00"].concat()), Some(Reason::Unreadable));
    assert_eq!(judge(&|data| data.push(0)), Some(Reason::Unreadable));
    assert_eq!(judge(&|data| data.truncate(36)), Some(Reason::Unreadable));
    assert_eq!(judge(&|data| data.clear()), Some(Reason::Unreadable));
    // A new credential has no place in a sign-in.
    let attested = [&[0; 16][..], &[0, 1, 7], &registered.public_key].concat();
    assert_eq!(
        judge(&|data| {
            data[32] |= 1 << 6;
            data.extend(&attested);
        }),
        Some(Reason::Unreadable)
    );
}

#[test]
fn malformed_json() {
    let mut key = Authenticator::default();
    let registered = registered(&mut key);
    let credential: Value = serde_json::from_str(&key.get(&request(&[]), ORIGIN).unwrap()).unwrap();
    for (pointer, value) in [
        ("/type", json!("public-keys")),
        ("/rawId", json!([1])),
        ("/response", json!(null)),
        ("/response/signature", json!(7)),
        ("/response/signature", json!("=")),
        ("/response/authenticatorData", Value::Null),
        ("/response/userHandle", json!({})),
    ] {
        let mut changed = credential.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert_eq!(Assertion::parse(&changed.to_string()).unwrap_err().reason(), Reason::Malformed, "{pointer}");
    }
    let mut without = credential.clone();
    without["response"].as_object_mut().unwrap().remove("userHandle");
    assert_eq!(Assertion::parse(&without.to_string()).unwrap().user_handle(), None);
    judge_assertion(&registered, &without.to_string()).unwrap();
    let mut long = credential.clone();
    long["response"]["signature"] = "A".repeat(1400).into();
    assert_eq!(judge_assertion(&registered, &long.to_string()).unwrap_err().reason(), Reason::Signature);
}

#[test]
fn an_empty_challenge_is_no_challenge() {
    let mut key = Authenticator::default();
    let registered = registered(&mut key);
    let credential = key.get_with(&request(&[]), ORIGIN, &lie("challenge", "")).unwrap();
    let check = AssertionCheck {
        challenge: "",
        rp_id: RP_ID,
        origins: &[ORIGIN.to_owned()],
        require_user_verification: false,
        stored: stored(&registered),
    };
    let refused = check.verify(&Assertion::parse(&credential).unwrap()).unwrap_err();
    assert_eq!(refused.reason(), Reason::Challenge);
}

#[test]
fn every_flipped_byte_is_refused() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es512] {
        let mut key = Authenticator { algorithm, ..Authenticator::default() };
        let registered = registered(&mut key);
        let credential = key.get(&request(&[]), ORIGIN).unwrap();
        judge_assertion(&registered, &credential).unwrap();
        for name in ["clientDataJSON", "authenticatorData", "signature"] {
            let right = bytes(&credential, name);
            for (at, bits) in (0..right.len()).flat_map(|at| [1, 0x20, 0x80, 0xff].map(|bits| (at, bits))) {
                let mut flipped = right.clone();
                flipped[at] ^= bits;
                let judged = judge_assertion(&registered, &with_bytes(&credential, name, &flipped));
                assert!(judged.is_err(), "{algorithm:?} {name} {at} {bits}");
            }
        }
    }
}
