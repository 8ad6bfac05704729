#![no_main]
//! CSRF tokens, and whatever JSON or zlib stream stands under a right signature.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use lychgate_signing::{Derivation, KeyRing, TimestampSigner, csrf::CsrfCodec, json::Value};

const NOW: i64 = 1_750_000_000;
const RAW: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

static KEYS: LazyLock<KeyRing> =
    LazyLock::new(|| KeyRing::new("lychgate-test-secret-0001").expect("a key"));
static CODEC: LazyLock<CsrfCodec> = LazyLock::new(|| CsrfCodec::new(&KEYS, CsrfCodec::SALT));
static SIGNER: LazyLock<TimestampSigner> =
    LazyLock::new(|| TimestampSigner::new(&KEYS, CsrfCodec::SALT, Derivation::default()));

fuzz_target!(|data: &[u8]| {
    let body = URL_SAFE_NO_PAD.encode(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = CODEC.validate(text, Some(RAW), NOW, Some(3600));
        if let Ok(token) = CODEC.sign(text, NOW) {
            let own = CODEC.validate(&token, Some(text), NOW, Some(3600));
            assert!(own.is_ok() || text.is_empty());
            assert!(CODEC.validate(&token, Some(RAW), NOW, Some(3600)).is_err() || text == RAW);
        }
        let passed = CODEC
            .validate(&SIGNER.sign(&body, NOW), Some(RAW), NOW, Some(3600))
            .is_ok();
        assert_eq!(
            passed,
            Value::from_json(text).is_ok_and(|value| value.as_str() == Some(RAW)) && fits(&body)
        );
    }
    let _ = CODEC.validate(
        &SIGNER.sign(&format!(".{body}"), NOW),
        Some(RAW),
        NOW,
        Some(3600),
    );
});

/// With timestamp, signature and two dots.
fn fits(body: &str) -> bool {
    body.len() + 6 + 27 + 2 <= lychgate_signing::csrf::MAX_LEN
}
