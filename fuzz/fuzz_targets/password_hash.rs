#![no_main]
//! Stored password hashes of any scheme: whatever stands in the column, checking it ends soon.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lychgate_passwords::{Context, Limits, Scheme};

/// Low limits and a cheap default: a case costs microseconds unless a limit fails to hold.
static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
    let mut limits = Limits::default();
    limits.argon2_memory_kib = 256;
    limits.argon2_work_kib = 512;
    limits.scrypt_memory_kib = 256;
    limits.scrypt_work_kib = 512;
    limits.pbkdf2_rounds = 2000;
    limits.sha_crypt_rounds = 2000;
    limits.bcrypt_cost = 4;
    Context::builder()
        .schemes(Scheme::ALL.iter().map(|scheme| scheme.as_str()))
        .default_scheme("pbkdf2_sha256")
        .option("pbkdf2_sha256__rounds", 1)
        .salt("salt")
        .limits(limits)
        .build()
        .expect("a context")
});

fuzz_target!(|stored: &str| {
    let _ = CONTEXT.identify(stored);
    let _ = CONTEXT.needs_rehash(stored);
    let _ = CONTEXT.verify("password1", stored);
});
