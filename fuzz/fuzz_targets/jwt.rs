#![no_main]
//! JSON Web Tokens as they come, and whatever claims stand under a right signature.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lychgate_signing::jwt::{Algorithm, Key, Keys, Rules, check};
use serde_json::{Map, Value};

const NOW: i64 = 1_750_000_000;
const SECRET: &[u8] = b"lychgate-test-secret-0001-of-tokens";

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let key = Key::secret(Some("one"), Algorithm::Hs256, SECRET).expect("a key");
    Keys::new(vec![key]).expect("keys")
});
static RULES: LazyLock<Rules> = LazyLock::new(|| Rules {
    leeway: 5,
    require_exp: true,
    audience: vec!["here".to_owned()],
    issuer: vec!["us".to_owned()],
    subject_is_text: true,
});

fuzz_target!(|text: &str| {
    if let Ok(claims) = KEYS.open(text) {
        let _ = check(&claims, &RULES, NOW);
        same(&claims);
    }
    if let Ok(Value::Object(claims)) = serde_json::from_str(text) {
        if check(&claims, &RULES, NOW).is_ok() {
            assert_eq!(claims["iss"], "us");
            assert!(claims["exp"].as_i64() > Some(NOW - 6));
        }
        same(&claims);
    }
});

fn same(claims: &Map<String, Value>) {
    if let Ok(token) = KEYS.sign(claims) {
        let opened = KEYS.open(&token).expect("what was signed is opened");
        // Fractions may lose their last digit.
        assert!(opened == *claims || claims.values().any(holds_fraction));
        // Another signature is none.
        let (message, _) = token.rsplit_once('.').expect("three parts");
        assert!(KEYS.open(&format!("{message}.AAAA")).is_err());
    }
}

fn holds_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(holds_fraction),
        Value::Object(members) => members.values().any(holds_fraction),
        _ => false,
    }
}
