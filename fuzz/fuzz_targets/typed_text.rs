#![no_main]
//! Short texts that people type or paste: codes, keys of authenticators, API keys, checkpoints of the audit log.

use libfuzzer_sys::fuzz_target;
use lychgate_otp::{Code, Key, recovery};
use lychgate_signing::{api_key, audit::Checkpoint};

const CODES: [&str; 2] = ["71f3-0b8d-24aa", "0000-1111-2222"];

fuzz_target!(|text: &str| {
    if let Some(code) = Code::parse(text, 6) {
        assert!(code.as_str().len() == 6 && code.as_str().bytes().all(|byte| byte.is_ascii_digit()));
    }
    if let Ok(key) = Key::from_base32(text) {
        let again = Key::from_base32(&key.base32()).expect("what was written is read");
        assert_eq!(again.as_bytes(), key.as_bytes());
        let pretty = Key::from_base32(&key.pretty()).expect("what is shown is read");
        assert_eq!(pretty.as_bytes(), key.as_bytes());
    }
    if let Some(clean) = recovery::clean(text) {
        assert_eq!(recovery::clean(&clean).as_deref(), Some(&*clean), "what is clean stays as it is");
        if let Some(place) = recovery::find(&CODES, text) {
            assert_eq!(CODES[place], clean.as_str());
        }
    }
    if let Some(digest) = api_key::digest(text) {
        assert!(digest.len() == 64 && text.starts_with(&api_key::hint(text)));
    }
    let _ = api_key::hint(text);
    if let Some(point) = Checkpoint::from_text(text) {
        assert_eq!(Checkpoint::from_text(&point.to_text()), Some(point));
    }
    let _ = lychgate_passwords::data::verify("text", text);
});
