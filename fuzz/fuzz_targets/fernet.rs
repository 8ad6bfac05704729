#![no_main]
//! Fernet tokens and keys as they come, and data under a right signature.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lychgate_signing::fernet::Fernet;

const NOW: i64 = 1_750_000_000;

static FERNET: LazyLock<Fernet> =
    LazyLock::new(|| Fernet::new(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]).expect("a key"));

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(plain) = FERNET.decrypt(text, NOW, Some(3600)) {
            assert!(plain.len() < text.len());
        }
        let _ = Fernet::new([text]);
    }
    if let Ok(token) = FERNET.encrypt_with(data, NOW, &[0; 16]) {
        assert_eq!(
            FERNET
                .decrypt(&token, NOW, Some(0))
                .expect("what was encrypted is decrypted")
                .as_slice(),
            data
        );
        // A token cut short, or with a character more, is no token.
        assert!(FERNET.decrypt(&token[1..], NOW, None).is_err());
        assert!(FERNET.decrypt(&format!("{token}A"), NOW, None).is_err());
    }
});
