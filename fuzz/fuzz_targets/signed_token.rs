#![no_main]
//! Tokens of every purpose, and whatever JSON or zlib stream stands under a right signature.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use lychgate_signing::{
    Derivation, KeyRing, Signer, TimestampSigner,
    tokens::{
        AuthToken, ChangeEmail, ConfirmEmail, Passwordless, Purpose, RefreshToken, ResetPassword,
        TokenCodec, TwoFactorSetup, TwoFactorValidity, UnifiedSetup, WebauthnRegister,
        WebauthnSignin,
    },
};

const NOW: i64 = 1_750_000_000;

static KEYS: LazyLock<KeyRing> =
    LazyLock::new(|| KeyRing::new("lychgate-test-secret-0001").expect("a key"));

fuzz_target!(|data: &[u8]| {
    purpose::<AuthToken>(data);
    purpose::<RefreshToken>(data);
    purpose::<ConfirmEmail>(data);
    purpose::<ResetPassword>(data);
    purpose::<Passwordless>(data);
    purpose::<ChangeEmail>(data);
    purpose::<TwoFactorValidity>(data);
    purpose::<TwoFactorSetup>(data);
    purpose::<UnifiedSetup>(data);
    purpose::<WebauthnRegister>(data);
    purpose::<WebauthnSignin>(data);
});

fn purpose<P: Purpose>(data: &[u8]) {
    let codec = TokenCodec::<P>::with_defaults(&KEYS);
    if let Ok(text) = std::str::from_utf8(data) {
        read(&codec, text);
    }
    let body = URL_SAFE_NO_PAD.encode(data);
    for payload in [format!(".{body}"), body] {
        let salt = P::INFO.default_salt;
        let text = if P::INFO.timed {
            TimestampSigner::new(&KEYS, salt, Derivation::default()).sign(&payload, NOW)
        } else {
            Signer::new(&KEYS, salt, Derivation::default()).sign(&payload)
        };
        read(&codec, &text);
    }
}

fn read<P: Purpose>(codec: &TokenCodec<P>, text: &str) {
    let Ok(redeemed) = codec.redeem(text, NOW) else {
        return;
    };
    let Ok(again) = codec.mint(&redeemed.payload, NOW) else {
        return;
    };
    codec
        .redeem(again.as_str(), NOW)
        .expect("what was minted is redeemed");
}
