//! A relying party and its checks, shared by the tests.
#![allow(dead_code, clippy::unwrap_used)]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_webauthn::{
    Algorithm, Asserted, Assertion, AssertionCheck, CreationOptions, Descriptor, Refused, Registered,
    RegistrationCheck, RequestOptions, ResidentKey, Selection, Stored, UserVerification,
    testing::{Authenticator, Lies},
};
use serde_json::Value;

pub(crate) const RP_ID: &str = "example.com";
pub(crate) const ORIGIN: &str = "https://example.com";
pub(crate) const CHALLENGE: &str = "smCCiy_k2CqQydSQ_kPEjV5a2d0ApfatcpQ1aXDmQPo";
pub(crate) const HANDLE: &[u8] = b"3b1f";

pub(crate) fn creation() -> Value {
    let selection = Selection {
        attachment: None,
        resident_key: ResidentKey::Preferred,
        user_verification: UserVerification::Preferred,
    };
    let options = CreationOptions {
        rp_id: RP_ID,
        rp_name: "Example",
        user_handle: HANDLE,
        user_name: "matt",
        challenge: CHALLENGE,
        timeout: 60_000,
        algorithms: Algorithm::OFFERED,
        exclude: &[],
        selection,
    };
    options.to_json()
}

pub(crate) fn request(allow: &[&[u8]]) -> Value {
    let allow: Vec<_> = allow.iter().map(|id| Descriptor { id, transports: &[] }).collect();
    let user_verification = UserVerification::Preferred;
    RequestOptions { rp_id: RP_ID, challenge: CHALLENGE, timeout: 60_000, allow: &allow, user_verification }.to_json()
}

pub(crate) fn judge_registration(credential: &str) -> Result<Registered, Refused> {
    let check = RegistrationCheck {
        challenge: CHALLENGE,
        rp_id: RP_ID,
        origins: &[ORIGIN.to_owned()],
        require_user_verification: true,
        algorithms: Algorithm::ALL,
    };
    check.verify(credential)
}

pub(crate) fn judge_assertion(registered: &Registered, credential: &str) -> Result<Asserted, Refused> {
    judge_against(
        Stored {
            credential_id: &registered.credential_id,
            public_key: &registered.public_key,
            sign_count: registered.sign_count.into(),
            backup_eligible: Some(registered.backup_eligible),
            user_handle: HANDLE,
        },
        credential,
    )
}

pub(crate) fn judge_against(stored: Stored<'_>, credential: &str) -> Result<Asserted, Refused> {
    let check = AssertionCheck {
        challenge: CHALLENGE,
        rp_id: RP_ID,
        origins: &[ORIGIN.to_owned()],
        require_user_verification: true,
        stored,
    };
    check.verify(&Assertion::parse(credential)?)
}

/// A credential that the site knows.
pub(crate) fn registered(authenticator: &mut Authenticator) -> Registered {
    let credential = authenticator.create(&creation(), ORIGIN).unwrap();
    judge_registration(&credential).unwrap()
}

pub(crate) fn lie(name: &str, value: impl Into<Value>) -> Lies {
    Lies { client_data: [(name.to_owned(), value.into())].into_iter().collect(), ..Lies::default() }
}

/// The bytes of a member of a credential's response.
pub(crate) fn bytes(credential: &str, name: &str) -> Vec<u8> {
    let credential: Value = serde_json::from_str(credential).unwrap();
    URL_SAFE_NO_PAD.decode(credential["response"][name].as_str().unwrap()).unwrap()
}

/// The credential with other bytes in its response.
pub(crate) fn with_bytes(credential: &str, name: &str, bytes: &[u8]) -> String {
    let mut credential: Value = serde_json::from_str(credential).unwrap();
    credential["response"][name] = URL_SAFE_NO_PAD.encode(bytes).into();
    credential.to_string()
}

/// The credential with another part of its bytes in its response.
pub(crate) fn replaced(credential: &str, name: &str, old: &[u8], new: &[u8]) -> String {
    let all = bytes(credential, name);
    let at = all.windows(old.len()).position(|part| part == old).expect("the part is there");
    with_bytes(credential, name, &[&all[..at], new, &all[at + old.len()..]].concat())
}
