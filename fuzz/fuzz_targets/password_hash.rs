#![no_main]
//! Stored password hashes of any scheme: whatever stands in the column, checking it ends soon.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lychgate_passwords::{Context, Limits, Scheme, data};

static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
    // Low bounds, so that the fuzzer spends its time on texts and not on hashing.
    let mut limits = Limits::default();
    limits.argon2_memory_kib = 256;
    limits.argon2_work_kib = 1024;
    limits.scrypt_memory_kib = 1024;
    limits.scrypt_work_kib = 1024;
    limits.pbkdf2_rounds = 1000;
    limits.sha_crypt_rounds = 5000;
    limits.bcrypt_cost = 4;
    Context::builder()
        .schemes(Scheme::ALL.iter().map(|scheme| scheme.as_str()))
        .salt("lychgate-pw-salt-0001")
        .option("argon2__memory_cost", 8)
        .option("argon2__rounds", 1)
        .option("argon2__parallelism", 1)
        .limits(limits)
        .build()
        .expect("a context")
});

fuzz_target!(|stored: &str| {
    let _ = CONTEXT.needs_rehash(stored);
    let verdict = CONTEXT.verify("password1", stored);
    assert!(!verdict.is_match() || CONTEXT.identify(stored).is_some());
    // Costs of this one are not for the caller to bound; leave the long ones out.
    if !stored.contains("rounds=") {
        let _ = data::verify("joe@lp.com", stored);
    }
});
