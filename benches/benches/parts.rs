//! The parts alone: cookies, tokens, hashes.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use benches::{client::PASSWORD, plain};
use criterion::{Criterion, criterion_group, criterion_main};
use lychgate_passwords::{Context, SingleHash};
use lychgate_signing::{
    KeyRing,
    csrf::CsrfCodec,
    session::{Map, SessionCodec, Value},
    tokens::{AuthToken, AuthTokenPayload, TokenCodec},
};

const NOW: i64 = 1_750_000_000;

/// What a session holds after a sign-in.
fn session() -> Map {
    let text = |length: usize| Value::from("a".repeat(length));
    Map::from([
        ("_fresh".to_owned(), Value::from(true)),
        ("_id".to_owned(), text(128)),
        ("_user_id".to_owned(), text(32)),
        ("csrf_token".to_owned(), text(40)),
        ("fs_cc".to_owned(), Value::from("set")),
        ("fs_paa".to_owned(), Value::from(1_750_000_000.25)),
        ("lychgate_sid".to_owned(), text(32)),
    ])
}

fn signing(c: &mut Criterion) {
    let keys = KeyRing::new("a key of 26 bytes or longer").unwrap();
    let sessions = SessionCodec::new(&keys, SessionCodec::SALT);
    let session = session();
    let cookie = sessions.encode(&session, NOW).unwrap();
    c.bench_function("session cookie, read", |b| b.iter(|| sessions.decode(black_box(&cookie), NOW, 3600).unwrap()));
    c.bench_function("session cookie, write", |b| b.iter(|| sessions.encode(black_box(&session), NOW).unwrap()));

    let csrf = CsrfCodec::new(&keys, CsrfCodec::SALT);
    let raw = CsrfCodec::mint().unwrap();
    let token = csrf.sign(&raw, NOW).unwrap();
    c.bench_function("CSRF token, check", |b| {
        b.iter(|| csrf.validate(black_box(&token), Some(&raw), NOW, Some(3600)).unwrap());
    });

    let tokens = TokenCodec::<AuthToken>::with_defaults(&keys);
    let payload = AuthTokenPayload::new("0".repeat(32), 1_750_000_000.25, 0);
    let token = tokens.mint(&payload, NOW).unwrap().into_string();
    c.bench_function("auth token, check", |b| b.iter(|| tokens.redeem(black_box(&token), NOW).unwrap()));
}

/// A password check here and by the bare argon2 crate, with little and with the usual memory.
fn hashing(c: &mut Criterion) {
    for (name, memory, passes, lanes) in [("64 KiB", 64, 1, 1), ("64 MiB", 65536, 3, 4)] {
        let context = Context::builder()
            .single_hash(SingleHash::All)
            .option("argon2__memory_cost", memory)
            .option("argon2__time_cost", passes)
            .option("argon2__parallelism", lanes)
            .build()
            .unwrap();
        let hash = context.hash(PASSWORD).unwrap();
        let mut group = c.benchmark_group(format!("argon2id, {name}"));
        group.sample_size(if memory > 64 { 10 } else { 100 });
        group.bench_function("Lychgate", |b| b.iter(|| context.verify(PASSWORD, black_box(&hash))));
        group.bench_function("argon2 alone", |b| b.iter(|| plain::verify(PASSWORD, black_box(&hash))));
        group.finish();
    }
}

criterion_group!(benches, signing, hashing);
criterion_main!(benches);
