#![no_main]
//! Remember-me cookies, as they come and with a right signature.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lychgate_signing::{KeyRing, remember::RememberCodec};

static CODEC: LazyLock<RememberCodec> = LazyLock::new(|| {
    RememberCodec::new(&KeyRing::new("lychgate-test-secret-0001").expect("a key"))
});

fuzz_target!(|text: &str| {
    if let Ok(user) = CODEC.decode(text) {
        assert_eq!(CODEC.encode(user).as_deref(), Ok(text));
    }
    if let Ok(cookie) = CODEC.encode(text) {
        assert_eq!(CODEC.decode(&cookie), Ok(text));
    }
});
