//! Properties over arbitrary passwords and stored values.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use lychgate_passwords::{
    Context, Form, Limits, Scheme, SingleHash, Verdict, breached::Query, data, normalize, policy::Policy,
};
use proptest::prelude::*;

/// Every scheme, new hashes at the least cost, and low limits, so that a case that slips through is seen.
fn context(default: Scheme, single: SingleHash) -> Context {
    let mut limits = Limits::default();
    limits.argon2_memory_kib = 256;
    limits.argon2_work_kib = 512;
    limits.scrypt_memory_kib = 256;
    limits.scrypt_work_kib = 512;
    limits.pbkdf2_rounds = 2000;
    limits.sha_crypt_rounds = 2000;
    limits.bcrypt_cost = 4;
    let mut builder = Context::builder()
        .schemes(Scheme::ALL.iter().map(|scheme| scheme.as_str()))
        .default_scheme(default.as_str())
        .single_hash(single)
        .salt("salt")
        .limits(limits);
    for name in ["argon2", "django_argon2"] {
        builder = builder
            .option(format!("{name}__memory_cost"), 16)
            .option(format!("{name}__rounds"), 1)
            .option(format!("{name}__parallelism"), 1);
    }
    for scheme in Scheme::ALL {
        let rounds = match scheme.as_str() {
            "bcrypt" | "django_bcrypt" | "django_bcrypt_sha256" | "scrypt" | "werkzeug_scrypt" => 4,
            name if name.contains("pbkdf2") || name.contains("_crypt") && !name.contains("des") => 1000,
            _ => continue,
        };
        builder = builder.option(format!("{scheme}__rounds"), rounds);
    }
    builder.build().unwrap()
}

fn written() -> impl Strategy<Value = Scheme> {
    let written = |scheme: &Scheme| !matches!(scheme, Scheme::Plaintext | Scheme::WerkzeugSha256);
    prop::sample::select(Scheme::ALL.iter().copied().filter(written).collect::<Vec<_>>())
}

/// Text with the look of a hash: pieces of real ones in any order.
fn hashlike() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "$argon2id$",
        "argon2",
        "v=19$",
        "m=64,t=1,p=1",
        "m=4294967295,t=4294967295,p=4294967295",
        "$2b$",
        "$2x$31$",
        "04$",
        "bcrypt$",
        "bcrypt_sha256$",
        "$pbkdf2$",
        "$pbkdf2-sha512$",
        "pbkdf2_sha256$",
        "4294967295$",
        "1000$",
        "$scrypt$",
        "ln=8,r=8,p=1",
        "ln=255,r=4294967295,p=4294967295",
        "ln=63,r=1,p=1",
        "$5$",
        "$6$",
        "rounds=1000$",
        "rounds=999999999$",
        "crypt$",
        "sha1$",
        "md5$",
        "sha256$",
        "scrypt:",
        "1024:8:1$",
        "4294967295:1:1$",
        "pbkdf2:",
        "sha256:1$",
        "$",
        "lychgatesalt0001",
        "bHljaGdhdGVzYWx0MDAwMQ",
        "=",
        "\u{e4}",
        "\0",
        "pgBGzCUJLOuBshGAB7GUltjgFlz5ad231C96+QQWiYg",
        "lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq",
        "ZLg94NHuxwWjv4p57ZVgu87PHTM5yUaB2AAq8QPSxy2",
        "1659653bae180ef38aa3b528febd65356dc808fd",
        "10646cf0aa82f345904f314492845b1f",
    ]);
    prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_hashed_is_verified(scheme in written(), single: bool, password in "\\PC{0,8}", other in "\\PC{0,8}") {
        let context = context(scheme, if single { SingleHash::All } else { SingleHash::None });
        let Ok(stored) = context.hash(&password) else {
            // Only the eight bytes of the old crypt can be too few.
            prop_assert!(single && password.len() > 8);
            return Ok(());
        };
        prop_assert!(stored.len() <= 255, "{}", stored);
        prop_assert_eq!(context.verify(&password, &stored), Verdict::Match { needs_rehash: false });
        prop_assert!(!context.needs_rehash(&stored));
        let seven_bits = single && matches!(scheme, Scheme::DesCrypt | Scheme::DjangoDesCrypt) && !(password.is_ascii() && other.is_ascii());
        if password != other && other.len() <= 8 && !seven_bits {
            prop_assert_eq!(context.verify(&other, &stored), Verdict::Mismatch);
        }
    }

    #[test]
    fn no_stored_value_does_harm(stored in prop_oneof![any::<String>(), hashlike()], password: String) {
        let context = context(Scheme::Argon2, SingleHash::All);
        let clock = Instant::now();
        let verdict = context.verify(&password, &stored);
        prop_assert!(clock.elapsed() < Duration::from_secs(2), "{}", stored);
        if let Verdict::Match { needs_rehash } = verdict {
            prop_assert!(needs_rehash || !context.needs_rehash(&stored));
        }
        prop_assert!(!context.verify(&stored, &stored).is_match(), "{}", stored);
        data::verify(&password, "$5$rounds=1000$lychgatesalt0001$g3851hhjqz/he0LpElTPn7VCEX/IleGE.Erte5AjB76");
    }

    #[test]
    fn a_changed_hash_is_another(scheme in written(), at: prop::sample::Index, to in "[!-~]") {
        let context = context(scheme, SingleHash::None);
        let stored = context.hash("password").unwrap();
        let at = at.index(stored.len());
        let changed = format!("{}{to}{}", &stored[..at], &stored[at + 1..]);
        // Other spellings of the same: bcrypt's version letter, bits of a salt that no byte uses.
        let same = context.identify(&changed) == Some(scheme)
            && (stored.contains("$2") || stored.starts_with("$pbkdf2") && stored[at + 1..].starts_with('$'));
        if changed != stored && !same {
            prop_assert!(!context.verify("password", &changed).is_match(), "{} {}", stored, changed);
        }
    }

    #[test]
    fn policy_and_query_take_any_text(password: String, word: String, reply: Vec<u8>) {
        let mut policy = Policy::default();
        policy.min_score = Some(3);
        let _ = policy.check(&password, &[&word], None);
        let _ = policy.check_strength(&password, &[&word, &password]);
        let query = Query::new(&password);
        prop_assert_eq!(query.prefix().len(), 5);
        let _ = query.count(&reply);
    }

    #[test]
    fn a_normal_form_is_its_own(text: String) {
        for form in [Form::Nfc, Form::Nfd, Form::Nfkc, Form::Nfkd] {
            let once = normalize(&text, form);
            prop_assert_eq!(&*normalize(&once, form), &*once);
        }
    }
}
