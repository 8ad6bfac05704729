//! Whatever is sent: no panic, and nothing passes that was not signed.
#![allow(clippy::unwrap_used)]

mod site;

use std::sync::LazyLock;

use lychgate_webauthn::{Algorithm, PublicKey, Registered, testing::Authenticator};
use proptest::prelude::*;
use site::{ORIGIN, bytes, creation, judge_assertion, judge_registration, registered, request, with_bytes};

struct Ceremony {
    registration: String,
    registered: Registered,
    assertion: String,
}

static CEREMONY: LazyLock<Ceremony> = LazyLock::new(|| {
    let mut key = Authenticator { attests: true, ..Authenticator::default() };
    let registration = key.create(&creation(), ORIGIN).unwrap();
    let registered = judge_registration(&registration).unwrap();
    let assertion = key.get(&request(&[]), ORIGIN).unwrap();
    Ceremony { registration, registered, assertion }
});

/// A few places changed, cut out or doubled.
fn mutate(mut bytes: Vec<u8>, edits: &[(usize, u8, u8)]) -> Vec<u8> {
    for &(place, kind, byte) in edits {
        let at = place % (bytes.len() + 1);
        match kind % 4 {
            0 => bytes.insert(at, byte),
            1 => bytes.truncate(at),
            2 => bytes.extend_from_within(at..),
            _ => {
                if let Some(found) = bytes.get_mut(at) {
                    *found = byte;
                }
            }
        }
        bytes.truncate(8192);
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    prop::collection::vec((0_usize..4096, any::<u8>(), any::<u8>()), 1..6)
}

proptest! {
    #[test]
    fn changed_registrations(edits in edits(), name in prop::sample::select(vec!["clientDataJSON", "attestationObject"])) {
        let right = bytes(&CEREMONY.registration, name);
        let changed = mutate(right.clone(), &edits);
        let judged = judge_registration(&with_bytes(&CEREMONY.registration, name, &changed));
        // Not every byte of CBOR is signed: what is told may be written otherwise, and says the same.
        if changed != right && let Ok(judged) = judged {
            prop_assert_eq!(&judged, &CEREMONY.registered);
        }
    }

    #[test]
    fn changed_assertions(
        edits in edits(),
        name in prop::sample::select(vec!["clientDataJSON", "authenticatorData", "signature"]),
    ) {
        let right = bytes(&CEREMONY.assertion, name);
        let changed = mutate(right.clone(), &edits);
        let judged = judge_assertion(&CEREMONY.registered, &with_bytes(&CEREMONY.assertion, name, &changed));
        prop_assert_eq!(judged.is_ok(), changed == right);
    }

    #[test]
    fn changed_json(edits in edits()) {
        let changed = mutate(CEREMONY.assertion.clone().into_bytes(), &edits);
        let _ = judge_assertion(&CEREMONY.registered, &String::from_utf8_lossy(&changed));
        let changed = mutate(CEREMONY.registration.clone().into_bytes(), &edits);
        let _ = judge_registration(&String::from_utf8_lossy(&changed));
    }

    #[test]
    fn changed_keys(edits in edits()) {
        let changed = mutate(CEREMONY.registered.public_key.clone(), &edits);
        if let Ok(key) = PublicKey::from_cose(&changed) {
            let _ = key.verify(b"message", b"signature");
        }
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        let _ = PublicKey::from_cose(&bytes);
        let _ = judge_registration(&text);
        let _ = judge_registration(&with_bytes(&CEREMONY.registration, "attestationObject", &bytes));
        prop_assert!(judge_assertion(&CEREMONY.registered, &text).is_err());
    }

    #[test]
    fn honest_ceremonies_pass(
        algorithm in prop::sample::select(vec![Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512]),
        backup in prop::sample::select(vec![(false, false), (true, false), (true, true)]),
        attests: bool,
        resident: bool,
        counts: bool,
    ) {
        let (backup_eligible, backed_up) = backup;
        let mut key =
            Authenticator { algorithm, backup_eligible, backed_up, attests, resident, counts, ..Authenticator::default() };
        let registered = registered(&mut key);
        prop_assert_eq!((registered.backup_eligible, registered.backup_state), backup);
        prop_assert_eq!(registered.discoverable, Some(resident));
        let credential = key.get(&request(&[&registered.credential_id]), ORIGIN).unwrap();
        let asserted = judge_assertion(&registered, &credential).unwrap();
        prop_assert_eq!(asserted.sign_count, u32::from(counts));
        prop_assert_eq!(asserted.backup_state, backed_up);
    }
}
