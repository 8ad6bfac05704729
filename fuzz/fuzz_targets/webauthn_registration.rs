#![no_main]
//! New passkeys: the whole JSON, and an attestation object under client data that is right.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use lychgate_webauthn::{Algorithm, MAX_CREDENTIAL_ID, PublicKey, RegistrationCheck};

const CHALLENGE: &str = "smCCiy_k2CqQydSQ_kPEjV5a2d0ApfatcpQ1aXDmQPo";

static ORIGINS: LazyLock<Vec<String>> = LazyLock::new(|| vec!["http://localhost".to_owned()]);

fuzz_target!(|data: &[u8]| {
    let check = RegistrationCheck {
        challenge: CHALLENGE,
        rp_id: "localhost",
        origins: &ORIGINS,
        require_user_verification: false,
        algorithms: Algorithm::ALL,
    };
    if let Ok(text) = std::str::from_utf8(data) {
        judge(&check, text);
    }
    let client_data = format!(
        r#"{{"type":"webauthn.create","challenge":"{}","origin":"http://localhost"}}"#,
        URL_SAFE_NO_PAD.encode(CHALLENGE)
    );
    let credential = format!(
        r#"{{"id":"{0}","rawId":"{0}","type":"public-key","response":{{"clientDataJSON":"{1}","attestationObject":"{2}"}}}}"#,
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        URL_SAFE_NO_PAD.encode(client_data),
        URL_SAFE_NO_PAD.encode(data)
    );
    judge(&check, &credential);
});

fn judge(check: &RegistrationCheck<'_>, credential: &str) {
    if let Ok(registered) = check.verify(credential) {
        let key = PublicKey::from_cose(&registered.public_key).expect("the key can be used");
        assert_eq!(key.algorithm(), registered.algorithm);
        assert!((1..=MAX_CREDENTIAL_ID).contains(&registered.credential_id.len()));
        assert!(registered.backup_eligible || !registered.backup_state);
    }
}
