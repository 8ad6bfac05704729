#![no_main]
//! Stored TOTP keys, one alone and one for each method.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lychgate_otp::{MethodSecrets, Wallet};

static WALLET: LazyLock<Wallet> = LazyLock::new(|| {
    let wallet =
        Wallet::new([("1", "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B")]).expect("a wallet");
    wallet.with_cost(1).expect("a cost")
});

fuzz_target!(|text: &str| {
    if let Ok(secrets) = MethodSecrets::parse(Some(text)) {
        let column = secrets.to_column();
        let again = MethodSecrets::parse(column.as_deref()).expect("what was written is read");
        assert!(again.methods().eq(secrets.methods()));
    }
    let Ok(totp) = WALLET.decrypt(text) else {
        return;
    };
    let Ok(stored) = WALLET.encrypt(&totp) else {
        return;
    };
    let again = WALLET
        .decrypt(&stored)
        .expect("what was encrypted is decrypted");
    assert_eq!(
        again.code_at(1_750_000_000).as_str(),
        totp.code_at(1_750_000_000).as_str()
    );
});
