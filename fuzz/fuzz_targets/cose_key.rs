#![no_main]
//! Public keys of passkeys, as an authenticator sends them or a database holds them.

use libfuzzer_sys::fuzz_target;
use lychgate_webauthn::PublicKey;

fuzz_target!(|data: &[u8]| {
    if let Ok(key) = PublicKey::from_cose(data) {
        assert!(key.verify(b"message", b"").is_err());
        let _ = key.verify(b"message", data);
    }
});
