#![no_main]
//! Session cookies, and whatever JSON or zlib stream stands under a right signature.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use lychgate_signing::{
    Derivation, KeyRing, TimestampSigner,
    session::{Map, SessionCodec, Value},
};

const NOW: i64 = 1_750_000_000;
const MAX_AGE: i64 = 2_678_400;

static KEYS: LazyLock<KeyRing> =
    LazyLock::new(|| KeyRing::new("lychgate-test-secret-0001").expect("a key"));
static CODEC: LazyLock<SessionCodec> =
    LazyLock::new(|| SessionCodec::new(&KEYS, SessionCodec::SALT));
static SIGNER: LazyLock<TimestampSigner> =
    LazyLock::new(|| TimestampSigner::new(&KEYS, SessionCodec::SALT, Derivation::Hmac));

fuzz_target!(|data: &[u8]| {
    if let Ok(cookie) = std::str::from_utf8(data) {
        read(cookie);
    }
    let body = URL_SAFE_NO_PAD.encode(data);
    read(&SIGNER.sign(&body, NOW));
    read(&SIGNER.sign(&format!(".{body}"), NOW));
});

fn read(cookie: &str) {
    let Ok(session) = CODEC.decode(cookie, NOW, MAX_AGE) else {
        return;
    };
    // Escapes may lengthen a session past what may be written.
    let Ok(again) = CODEC.encode(&session, NOW) else {
        return;
    };
    let read = CODEC
        .decode(&again, NOW, MAX_AGE)
        .expect("what was written is read");
    assert!(
        read == session || holds_nan(&session),
        "the session changed"
    );
}

/// Not equal to itself, though it is the same.
fn holds_nan(session: &Map) -> bool {
    fn nan(value: &Value) -> bool {
        match value {
            Value::Float(number) => number.is_nan(),
            Value::List(items) | Value::Tuple(items) => items.iter().any(nan),
            Value::Map(members) => members.values().any(nan),
            _ => false,
        }
    }
    session.values().any(nan)
}
