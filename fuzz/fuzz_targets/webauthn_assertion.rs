#![no_main]
//! Sign-ins: the whole JSON, and authenticator data under client data that is right. The seed that is signed is for another
//! challenge than the one expected here, so nothing is ever accepted.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use lychgate_webauthn::{Assertion, AssertionCheck, Stored};

const CHALLENGE: &str = "another-challenge-than-that-of-the-seed";
/// The key of the private scalar 0x11 repeated, whose x and y follow the heads.
const PUBLIC_KEY: &[u8] = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20\
    \x02\x17\xe6\x17\xf0\xb6\x44\x39\x28\x27\x8f\x96\x99\x9e\x69\xa2\x3a\x4f\x2c\x15\x2b\xdf\x6d\x6c\xdf\x66\xe5\xb8\x02\x82\xd4\xed\
    \x22\x58\x20\
    \x19\x4a\x7d\xeb\xcb\x97\x71\x2d\x2d\xda\x3c\xa8\x5a\xa8\x76\x5a\x56\xf4\x5f\xc7\x58\x59\x96\x52\xf2\x89\x7c\x65\x30\x6e\x57\x94";

static ORIGINS: LazyLock<Vec<String>> = LazyLock::new(|| vec!["http://localhost".to_owned()]);

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        judge(text);
    }
    let client_data = format!(
        r#"{{"type":"webauthn.get","challenge":"{}","origin":"http://localhost"}}"#,
        URL_SAFE_NO_PAD.encode(CHALLENGE)
    );
    let credential = format!(
        r#"{{"id":"{0}","rawId":"{0}","type":"public-key","response":{{"clientDataJSON":"{1}","authenticatorData":"{2}","signature":"{3}"}}}}"#,
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        URL_SAFE_NO_PAD.encode(client_data),
        URL_SAFE_NO_PAD.encode(data),
        "MEUCIQCbh3wjVPB8A6lbOu7K3NuQJCvgs4qgJctPRvHWoePX1wIgGX1_0Pqyhhpespu25QSUoOX0Nz81KQgOtNLqGUZPmmk"
    );
    judge(&credential);
});

fn judge(credential: &str) {
    let Ok(assertion) = Assertion::parse(credential) else { return };
    let check = AssertionCheck {
        challenge: CHALLENGE,
        rp_id: "localhost",
        origins: &ORIGINS,
        require_user_verification: false,
        stored: Stored {
            credential_id: assertion.credential_id(),
            public_key: PUBLIC_KEY,
            sign_count: 0,
            backup_eligible: None,
            user_handle: &[b'a'; 32],
        },
    };
    assert!(check.verify(&assertion).is_err());
}
