//! The choices of a context: what is refused, what is replaced, what costs how much.
#![allow(clippy::unwrap_used)]

use lychgate_passwords::{
    Builder, Context, HashError, Limits, MAX_PASSWORD_CHARS, Refusal, Scheme, SingleHash, Verdict,
};

const MATCH: Verdict = Verdict::Match { needs_rehash: false };
const OUTDATED: Verdict = Verdict::Match { needs_rehash: true };

/// Flask-Security's settings at the least cost.
fn cheap() -> Builder {
    Context::builder().salt("salt").option("argon2__memory_cost", 64).option("argon2__default_rounds", 1)
}

fn raw(scheme: &str) -> Builder {
    Context::builder().schemes([scheme]).default_scheme(scheme).single_hash(SingleHash::All)
}

fn error(builder: Builder) -> String {
    builder.build().unwrap_err().message
}

#[test]
fn a_new_hash_has_the_default_scheme_and_costs() {
    let context = Context::builder().salt("salt").build().unwrap();
    let stored = context.hash("password1").unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "{stored}");
    assert_eq!(stored.len(), 97);
    assert_eq!(context.verify("password1", &stored), MATCH);
    assert_ne!(context.hash("password1").unwrap(), stored);
}

#[test]
fn each_scheme_reads_what_it_writes() {
    for scheme in Scheme::ALL.iter().filter(|scheme| !matches!(scheme, Scheme::Plaintext | Scheme::WerkzeugSha256)) {
        for single in [SingleHash::All, SingleHash::None] {
            let mut builder = raw(scheme.as_str()).single_hash(single).salt("salt");
            builder = match scheme {
                Scheme::Argon2 | Scheme::DjangoArgon2 => builder.option(format!("{scheme}__memory_cost"), 64),
                Scheme::Bcrypt | Scheme::DjangoBcrypt | Scheme::DjangoBcryptSha256 | Scheme::Scrypt => {
                    builder.option(format!("{scheme}__rounds"), 4)
                }
                Scheme::WerkzeugScrypt => builder.option("werkzeug_scrypt__rounds", 4),
                _ => builder.option("all__rounds", 1000),
            };
            let context = builder.build().unwrap();
            let stored = context.hash("Passwort").unwrap();
            assert_eq!(context.identify(&stored), Some(*scheme), "{stored}");
            assert_eq!(context.verify("Passwort", &stored), MATCH, "{stored}");
            assert_eq!(context.verify("passwort", &stored), Verdict::Mismatch, "{stored}");
            assert!(!context.needs_rehash(&stored), "{stored}");
        }
    }
}

#[test]
fn an_empty_column_signs_nobody_in() {
    for context in [cheap().build().unwrap(), cheap().allow_plaintext(true).build().unwrap()] {
        assert_eq!(context.verify("", ""), Verdict::Refused(Refusal::Empty));
        assert_eq!(context.verify("password1", ""), Verdict::Refused(Refusal::Empty));
    }
}

#[test]
fn plain_text_is_compared_only_when_allowed() {
    let context = cheap().build().unwrap();
    assert_eq!(context.verify("password1", "password1"), Verdict::Refused(Refusal::Unrecognised));
    // Listed, but not by the flag; by the flag, but not listed.
    let context = cheap().schemes(["argon2"]).allow_plaintext(true).build().unwrap();
    assert_eq!(context.verify("password1", "password1"), Verdict::Refused(Refusal::Unrecognised));
    let context = cheap().allow_plaintext(true).build().unwrap();
    assert_eq!(context.verify("password1", "password1"), OUTDATED);
    assert_eq!(context.verify("password2", "password1"), Verdict::Mismatch);
    let context = raw("plaintext").allow_plaintext(true).build().unwrap();
    assert_eq!(context.verify("password1", &context.hash("password1").unwrap()), MATCH);
    assert!(!context.needs_rehash("password1"));
}

#[test]
fn the_text_of_a_hash_is_never_a_password() {
    let context = cheap().allow_plaintext(true).build().unwrap();
    for (stored, scheme) in [
        ("scrypt:32768:8:1$LychgateSalt0001$a7d6", Scheme::WerkzeugScrypt),
        ("pbkdf2_sha256$1000$lychgatesalt$PnHu", Scheme::DjangoPbkdf2Sha256),
        ("$pbkdf2$1000$bHlj$EWZn", Scheme::Pbkdf2Sha1),
    ] {
        assert_eq!(context.verify(stored, stored), Verdict::Refused(Refusal::SchemeNotAccepted(scheme)));
    }
    let damaged = "$argon2id$v=19$m=65536";
    assert_eq!(context.verify(damaged, damaged), Verdict::Refused(Refusal::Malformed));
}

#[test]
fn deprecated_schemes_are_replaced() {
    let bcrypt = raw("bcrypt").single_hash(SingleHash::None).salt("salt").option("bcrypt__rounds", 4).build().unwrap();
    let stored = bcrypt.hash("password1").unwrap();
    assert_eq!(bcrypt.verify("password1", &stored), MATCH);
    assert_eq!(cheap().build().unwrap().verify("password1", &stored), OUTDATED);
    assert_eq!(cheap().build().unwrap().verify("password2", &stored), Verdict::Mismatch);
    let kept = cheap().deprecated(["des_crypt"]).build().unwrap();
    assert_eq!(kept.verify("password1", &stored), MATCH);
    let none = cheap().deprecated(Vec::<String>::new()).build().unwrap();
    assert_eq!(none.verify("password1", &stored), MATCH);
}

/// The answers of passlib's own `needs_update` for the same hashes and options.
#[test]
fn argon2_is_replaced_by_passlibs_rules() {
    let hash = |head: &str| format!("${head}$bHljaGdhdGVzYWx0MDAwMQ$EYEIrsDtfrCYgOwTbXo9RXK8bJVW5Pn+n5yE6D1l6to");
    let rows = [
        (vec![], "argon2id$v=19$m=65536,t=3,p=4", false),
        (vec![], "argon2id$v=19$m=65536,t=1,p=4", false),
        (vec![], "argon2id$v=19$m=65536,t=9,p=4", false),
        (vec![], "argon2id$v=19$m=64,t=3,p=4", true),
        (vec![], "argon2id$v=19$m=65536,t=3,p=1", true),
        (vec![], "argon2id$v=16$m=65536,t=3,p=4", true),
        (vec![], "argon2id$m=65536,t=3,p=4", true),
        (vec![], "argon2i$v=19$m=65536,t=3,p=4", true),
        (vec![], "argon2d$v=19$m=65536,t=3,p=4", true),
        (vec![("argon2__rounds", "3")], "argon2id$v=19$m=65536,t=3,p=4", false),
        (vec![("argon2__rounds", "3")], "argon2id$v=19$m=65536,t=4,p=4", true),
        (vec![("argon2__time_cost", "3")], "argon2id$v=19$m=65536,t=2,p=4", true),
        (vec![("argon2__min_rounds", "2")], "argon2id$v=19$m=65536,t=1,p=4", true),
        (vec![("argon2__min_rounds", "2")], "argon2id$v=19$m=65536,t=4,p=4", false),
        (vec![("argon2__max_rounds", "2")], "argon2id$v=19$m=65536,t=3,p=4", true),
        (vec![("argon2__default_rounds", "2")], "argon2id$v=19$m=65536,t=3,p=4", false),
        (vec![("argon2__type", "I")], "argon2id$v=19$m=65536,t=3,p=4", true),
        (vec![("argon2__type", "I")], "argon2i$v=19$m=65536,t=3,p=4", false),
        (vec![("argon2__hash_len", "16")], "argon2id$v=19$m=65536,t=3,p=4", true),
        (vec![("argon2__salt_len", "8")], "argon2id$v=19$m=65536,t=3,p=4", false),
        (vec![("all__rounds", "2"), ("argon2__rounds", "3")], "argon2id$v=19$m=65536,t=3,p=4", false),
    ];
    for (options, head, outdated) in rows {
        let mut builder = Context::builder().schemes(["argon2"]).salt("salt");
        for (name, value) in &options {
            builder = builder.option(*name, value);
        }
        assert_eq!(builder.build().unwrap().needs_rehash(&hash(head)), outdated, "{options:?} {head}");
    }
}

#[test]
fn other_costs_are_replaced_by_passlibs_rules() {
    let pbkdf2 = "$pbkdf2-sha256$1000$bHljaGdhdGVzYWx0MDAwMQ$7d3FsI5IcUQ8CXpDC/Lbhb8o3oET5D97jT0HkOZB7fY";
    let scrypt = "$scrypt$ln=8,r=8,p=1$bHljaGdhdGVzYWx0MDAwMQ$AUYN2mVu91vthrjb4CoOZXej1pjfPRJQ5R5ceOTJ4oE";
    let bcrypt = "$2a$04$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq";
    let padded = "$2a$04$lychgatesalt0001abcde/acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq";
    let rows = [
        ("pbkdf2_sha256", None, pbkdf2, false),
        ("pbkdf2_sha256", Some(("pbkdf2_sha256__rounds", 1000)), pbkdf2, false),
        ("pbkdf2_sha256", Some(("pbkdf2_sha256__rounds", 999)), pbkdf2, true),
        ("pbkdf2_sha256", Some(("pbkdf2_sha256__min_rounds", 1001)), pbkdf2, true),
        ("scrypt", None, scrypt, false),
        ("scrypt", Some(("scrypt__rounds", 8)), scrypt, false),
        ("scrypt", Some(("scrypt__rounds", 9)), scrypt, true),
        ("scrypt", Some(("scrypt__block_size", 4)), scrypt, true),
        ("scrypt", Some(("scrypt__parallelism", 2)), scrypt, true),
        ("bcrypt", None, bcrypt, false),
        ("bcrypt", Some(("bcrypt__rounds", 4)), bcrypt, false),
        ("bcrypt", Some(("bcrypt__rounds", 5)), bcrypt, true),
        ("bcrypt", None, padded, true),
    ];
    for (scheme, option, stored, outdated) in rows {
        let mut builder = raw(scheme);
        if let Some((name, value)) = option {
            builder = builder.option(name, value);
        }
        let context = builder.build().unwrap();
        assert_eq!(context.needs_rehash(stored), outdated, "{option:?} {stored}");
        if stored != scrypt {
            assert_eq!(context.verify("password1", stored), Verdict::Match { needs_rehash: outdated });
        }
    }
    assert!(cheap().build().unwrap().needs_rehash("no hash at all"));
}

#[test]
fn new_rounds_stay_inside_the_wanted_range() {
    let starts = |name: &str, value: u32, start: &str| {
        let stored = raw("pbkdf2_sha1").option(name, value).build().unwrap().hash("password1").unwrap();
        assert!(stored.starts_with(start), "{stored}");
    };
    starts("pbkdf2_sha1__rounds", 7, "$pbkdf2$7$");
    starts("pbkdf2_sha1__max_rounds", 7, "$pbkdf2$7$");
    starts("pbkdf2_sha1__min_rounds", 131_001, "$pbkdf2$131001$");
    starts("pbkdf2_sha1__min_rounds", 7, "$pbkdf2$131000$");
}

#[test]
fn long_passwords_are_refused_before_any_work() {
    let context = cheap().build().unwrap();
    let longest = "\u{1f600}".repeat(MAX_PASSWORD_CHARS);
    let stored = context.hash(&longest).unwrap();
    assert_eq!(context.verify(&longest, &stored), MATCH);
    let longer = format!("{longest}x");
    assert_eq!(context.hash(&longer), Err(HashError::TooLong));
    assert_eq!(context.verify(&longer, &stored), Verdict::Refused(Refusal::PasswordTooLong));
    context.dummy_verify(&longer);
    // SHA-crypt works through the password once for each round.
    let context = raw("sha512_crypt").build().unwrap();
    assert_eq!(context.hash(&longest), Err(HashError::TooLong));
}

#[test]
fn single_bcrypt_covers_72_bytes() {
    let context = raw("bcrypt").option("bcrypt__rounds", 4).build().unwrap();
    let fits = "x".repeat(72);
    let stored = context.hash(&fits).unwrap();
    assert_eq!(context.verify(&fits, &stored), MATCH);
    let longer = "x".repeat(73);
    assert_eq!(context.hash(&longer), Err(HashError::Truncated));
    assert_eq!(context.verify(&longer, &stored), OUTDATED);
    assert_eq!(context.verify(&"x".repeat(71), &stored), Verdict::Mismatch);
    // The pre-hash covers all of it.
    let keyed = cheap().default_scheme("bcrypt").option("bcrypt__rounds", 4).build().unwrap();
    let stored = keyed.hash(&longer).unwrap();
    assert_eq!(keyed.verify(&longer, &stored), MATCH);
    assert_eq!(keyed.verify(&fits, &stored), Verdict::Mismatch);
}

#[test]
fn nul_bytes_end_no_password() {
    for scheme in ["bcrypt", "django_bcrypt", "sha256_crypt", "sha512_crypt", "des_crypt"] {
        let builder = raw(scheme);
        let builder = if scheme.ends_with("bcrypt") { builder.option("all__rounds", 4) } else { builder };
        let context = builder.build().unwrap();
        assert_eq!(context.hash("a\0b"), Err(HashError::Nul), "{scheme}");
        let stored = context.hash("a").unwrap();
        assert_eq!(context.verify("a\0b", &stored), Verdict::Refused(Refusal::Nul), "{scheme}");
    }
    let context = cheap().build().unwrap();
    let stored = context.hash("a\0b").unwrap();
    assert_eq!(context.verify("a\0b", &stored), MATCH);
    assert_eq!(context.verify("a", &stored), Verdict::Mismatch);
}

#[test]
fn hashes_of_the_sign_extension_bug_are_ascii_only() {
    let context = raw("bcrypt").build().unwrap();
    let stored = "$2x$04$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq";
    assert_eq!(context.verify("password1", stored), OUTDATED);
    assert_eq!(context.verify("passw\u{f6}rd1", stored), Verdict::Refused(Refusal::Impossible));
}

#[test]
fn hostile_costs_are_refused() {
    let all = Scheme::ALL.iter().map(|scheme| scheme.as_str());
    let context = cheap().schemes(all).build().unwrap();
    let tag = "bHljaGdhdGVzYWx0MDAwMQ$EYEIrsDtfrCYgOwTbXo9RXK8bJVW5Pn+n5yE6D1l6to";
    let hex = "0".repeat(128);
    for stored in [
        format!("$argon2id$v=19$m=4294967295,t=1,p=1${tag}"),
        format!("$argon2id$v=19$m=1048576,t=9,p=1${tag}"),
        format!("$argon2id$v=19$m=65536,t=4294967295,p=1${tag}"),
        format!("$argon2id$v=19$m=1048576,t=1,p=65${tag}"),
        format!("$scrypt$ln=31,r=8,p=1${tag}"),
        format!("$scrypt$ln=63,r=4294967295,p=4294967295${tag}"),
        format!("$scrypt$ln=255,r=1,p=1${tag}"),
        format!("$scrypt$ln=1,r=1,p=4294967295${tag}"),
        format!("$scrypt$ln=14,r=8,p=512${tag}"),
        format!("scrypt:2147483648:8:1$salt${hex}"),
        format!("pbkdf2:sha512:4294967295$salt${hex}"),
        "$pbkdf2-sha256$5000001$bHljaGdhdGVzYWx0MDAwMQ$7d3FsI5IcUQ8CXpDC/Lbhb8o3oET5D97jT0HkOZB7fY".to_owned(),
        "$5$rounds=999999999$lychgatesalt0001$ZLg94NHuxwWjv4p57ZVgu87PHTM5yUaB2AAq8QPSxy2".to_owned(),
        "$2b$31$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq".to_owned(),
    ] {
        assert_eq!(context.verify("password1", &stored), Verdict::Refused(Refusal::TooCostly), "{stored}");
    }
    let long = format!("$argon2id$v=19$m=64,t=1,p=1${}$AAAA", "A".repeat(2000));
    assert_eq!(context.verify("password1", &long), Verdict::Refused(Refusal::Malformed));
}

#[test]
fn limits_are_the_sites_own() {
    let mut limits = Limits::default();
    limits.argon2_memory_kib = 32;
    assert!(error(cheap().limits(limits)).contains("above the limits"));
    limits.argon2_memory_kib = 64;
    limits.bcrypt_cost = 3;
    let context = cheap().limits(limits).build().unwrap();
    let stored = "$2b$04$lychgatesalt0001abcde.HvP9.sWVbiIOkk4eqiPUfZbWQBAOsVa";
    assert_eq!(context.verify("password1", stored), Verdict::Refused(Refusal::TooCostly));
}

#[test]
fn a_keyed_hash_needs_the_key() {
    let context = Context::builder()
        .schemes(["django_pbkdf2_sha256", "bcrypt"])
        .default_scheme("django_pbkdf2_sha256")
        .build()
        .unwrap();
    let stored = "$2b$04$lychgatesalt0001abcde.HvP9.sWVbiIOkk4eqiPUfZbWQBAOsVa";
    assert_eq!(context.verify("password1", stored), Verdict::Refused(Refusal::NoSalt));
}

#[test]
fn settings_are_checked_at_the_start() {
    assert_eq!(error(Context::builder()), "`argon2` hashes are keyed: a password salt is needed");
    assert_eq!(error(Context::builder().salt("")), "the password salt is empty");
    assert!(error(cheap().schemes(["md5_crypt"])).contains("unknown password scheme `md5_crypt`"));
    assert!(error(cheap().default_scheme("scrypt")).contains("not among"));
    assert!(error(raw("plaintext")).contains("allowed explicitly"));
    assert!(error(raw("werkzeug_sha256")).contains("only read"));
    assert!(error(cheap().deprecated(["auto", "bcrypt"])).contains("stands alone"));
    assert!(error(cheap().deprecated(["argon2"])).contains("is the default"));
    assert!(error(cheap().deprecated(["scrypt"])).contains("not among"));
    assert!(error(cheap().option("argon2_rounds", 1)).contains("`argon2_rounds`"));
    assert!(error(cheap().option("argon3__rounds", 1)).contains("unknown password scheme `argon3`"));
    assert!(error(cheap().option("argon2__bogus", 1)).contains("no such option"));
    assert!(error(cheap().option("scrypt__rounds", 99)).contains("from 1 to 31"));
    assert!(error(cheap().option("argon2__type", "X")).contains("I, D, ID"));
    assert!(error(cheap().option("argon2__memory_cost", 16)).contains("8 KiB"));
    assert!(error(cheap().option("argon2__memory_cost", "lots")).contains("whole number"));
}

#[test]
fn dummy_work_is_the_work_of_a_verification() {
    use std::time::{Duration, Instant};
    // The least of several: a busy machine only makes things longer.
    let least = |mut work: Box<dyn FnMut()>| -> Duration {
        let time = |work: &mut dyn FnMut()| {
            let clock = Instant::now();
            work();
            clock.elapsed()
        };
        (0..5).map(|_| time(&mut work)).min().unwrap()
    };
    let context = raw("pbkdf2_sha512").option("pbkdf2_sha512__rounds", 50_000).build().unwrap();
    let context = std::sync::Arc::new(context);
    let stored = context.hash("password1").unwrap();
    let verify = |stored: String, verdict: Verdict| {
        let context = context.clone();
        Box::new(move || assert_eq!(context.verify("password2", &stored), verdict))
    };
    let real = least(verify(stored.clone(), Verdict::Mismatch));
    let dummy = least(Box::new({
        let context = context.clone();
        move || context.dummy_verify("password2")
    }));
    // Without the work each would take less than a thousandth.
    assert!(dummy * 10 > real && real * 10 > dummy, "{dummy:?} {real:?}");
    for (stored, refusal) in [
        ("", Refusal::Empty),
        ("!", Refusal::Unrecognised),
        ("$pbkdf2-sha512$", Refusal::Malformed),
        ("$5$salt$", Refusal::SchemeNotAccepted(Scheme::Sha256Crypt)),
    ] {
        let refused = least(verify(stored.to_owned(), Verdict::Refused(refusal)));
        assert!(refused * 10 > real, "{stored} {refused:?} {real:?}");
    }
}

#[test]
fn secrets_stay_out_of_debug_output() {
    let builder = cheap().salt("pepper-0001");
    assert!(!format!("{builder:?}").contains("pepper"));
    assert!(!format!("{:?}", builder.build().unwrap()).contains("pepper"));
}
