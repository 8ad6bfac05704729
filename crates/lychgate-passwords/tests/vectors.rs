//! Hashes made by passlib and Werkzeug, good and spoilt.
#![allow(clippy::unwrap_used)]

use lychgate_passwords::{Context, Refusal, Scheme, SingleHash, Verdict, data};

const SALT: &str = "lychgate-pw-salt-0001";

/// Accepts every scheme, so that each vector meets its own.
fn context(single: SingleHash) -> Context {
    Context::builder()
        .schemes(Scheme::ALL.iter().map(|scheme| scheme.as_str()))
        .single_hash(single)
        .salt(SALT)
        .option("argon2__memory_cost", 64)
        .option("argon2__rounds", 1)
        .option("argon2__parallelism", 1)
        .allow_plaintext(true)
        .build()
        .unwrap()
}

/// Everything that is stored through Flask-Security with its default settings.
const KEYED: &[(&str, &str)] = &[
    ("argon2", "$argon2id$v=19$m=65536,t=3,p=4$bHljaGdhdGVzYWx0MDAwMQ$EYEIrsDtfrCYgOwTbXo9RXK8bJVW5Pn+n5yE6D1l6to"),
    ("argon2", "$argon2id$v=19$m=64,t=1,p=1$bHljaGdhdGVzYWx0MDAwMQ$o7bKVwwa2eW5lKqWl9Q3YzBW4yJwMi1ANQ/QntnLv/g"),
    ("bcrypt", "$2b$04$lychgatesalt0001abcde.HvP9.sWVbiIOkk4eqiPUfZbWQBAOsVa"),
    (
        "pbkdf2_sha512",
        "$pbkdf2-sha512$25000$bHljaGdhdGVzYWx0MDAwMQ$8OkQI9KcVK0sUpKeOMh25lXOb6SUCutfwUFO4SE49E8DjXtoZ5OL2blCrdKR/FWZ75wKpi80KLdAs8e6K0SdbA",
    ),
    ("pbkdf2_sha256", "$pbkdf2-sha256$29000$bHljaGdhdGVzYWx0MDAwMQ$y/ZX/JQeDFCANdMJLSwvnqucKHn.N88X4zfmRZLt2os"),
    (
        "sha512_crypt",
        "$6$lychgatesalt0001$gumcKR3pobGxGU8RNcBc325kkqUOMqGBInd0QHHqJJJZy6yPoOdiq02uKVjaC5D15a/zPtAMsl9Ze9GWK1SrW1",
    ),
    (
        "sha512_crypt",
        "$6$rounds=1000$lychgatesalt0001$z0UrM0/8uE6uWOnvCFxHxrJl8/xcu68QW.uiw6AQVWG/f769qc8rCESZBX1I38/rXm1g24rhMsPGJ56PpAxjz.",
    ),
    ("sha256_crypt", "$5$rounds=1000$lychgatesalt0001$g3851hhjqz/he0LpElTPn7VCEX/IleGE.Erte5AjB76"),
    ("des_crypt", "lyRenKv.fN/3."),
    ("plaintext", "password1"),
    ("django_pbkdf2_sha256", "pbkdf2_sha256$1000$lychgatesalt$PnHuY0HbS2eI/456SPDEX8PA3vScCNF4uhmpmTvlLrs="),
    ("django_bcrypt_sha256", "bcrypt_sha256$$2b$04$lychgatesalt0001abcde.bGknAVQx2DT1qkzTk2as./8cV0P7MhS"),
];

/// The schemes on the password itself.
const RAW: &[(&str, &str)] = &[
    ("argon2", "$argon2id$v=19$m=64,t=1,p=1$bHljaGdhdGVzYWx0MDAwMQ$pgBGzCUJLOuBshGAB7GUltjgFlz5ad231C96+QQWiYg"),
    ("bcrypt", "$2b$04$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq"),
    ("bcrypt", "$2a$04$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq"),
    ("bcrypt", "$2x$04$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq"),
    ("bcrypt", "$2y$04$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq"),
    ("scrypt", "$scrypt$ln=8,r=8,p=1$bHljaGdhdGVzYWx0MDAwMQ$AUYN2mVu91vthrjb4CoOZXej1pjfPRJQ5R5ceOTJ4oE"),
    (
        "pbkdf2_sha512",
        "$pbkdf2-sha512$1000$bHljaGdhdGVzYWx0MDAwMQ$bGQPzBRn2f1DeEn0Y4qGMmA7tK0nLmwz89iblfsS4zFE3YoWP6pvDzEZ330zuJnz9P2gZGUryRgXienXV5TJ6w",
    ),
    ("pbkdf2_sha256", "$pbkdf2-sha256$1000$bHljaGdhdGVzYWx0MDAwMQ$7d3FsI5IcUQ8CXpDC/Lbhb8o3oET5D97jT0HkOZB7fY"),
    ("pbkdf2_sha1", "$pbkdf2$1000$bHljaGdhdGVzYWx0MDAwMQ$EWZniVH.QUhEGul.NCaaBY1EEPA"),
    (
        "sha512_crypt",
        "$6$lychgatesalt0001$oG4cUTE5psK.JxdJQWVOBrraf8PPM0dElBnb/8QZH8L3D02Wl100f4ECEcUMS9MqUy26faQZsXNdv.UFfeguB0",
    ),
    (
        "sha512_crypt",
        "$6$rounds=1000$lychgatesalt0001$0I7mtfe1XypDBZjJOHp9Q8HQWDUGCzm8Wj1v4UgnX1GXDVY8rsZIo.x0LHq2h3c9Fp.ut.skYp6wzpbEjn/xI0",
    ),
    ("sha256_crypt", "$5$rounds=1000$lychgatesalt0001$ZLg94NHuxwWjv4p57ZVgu87PHTM5yUaB2AAq8QPSxy2"),
    ("django_pbkdf2_sha1", "pbkdf2_sha1$1000$lychgatesalt$WywjKsMcD5cwc6pK7QpgDo+1QEw="),
    ("django_bcrypt", "bcrypt$$2b$04$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq"),
    (
        "django_argon2",
        "argon2$argon2i$v=19$m=64,t=1,p=1$bHljaGdhdGVzYWx0MDAwMQ$1YL27ngSplbTM4aY3dCEejCyiVRLsGARnsFAii6c6wM",
    ),
    ("django_salted_sha1", "sha1$lychg$1659653bae180ef38aa3b528febd65356dc808fd"),
    ("django_salted_md5", "md5$lychg$10646cf0aa82f345904f314492845b1f"),
    (
        "werkzeug_scrypt",
        "scrypt:32768:8:1$LychgateSalt0001$a7d6f25342d6a9cc94fe7fa81916d3d6ed3b9ac56ede5b92d32cb740523773ffef3a75a3f50438b948c926c6d780151024ec7c92d6664bff922d222811d6c6ac",
    ),
    (
        "werkzeug_scrypt",
        "scrypt$LychgateSalt0001$a7d6f25342d6a9cc94fe7fa81916d3d6ed3b9ac56ede5b92d32cb740523773ffef3a75a3f50438b948c926c6d780151024ec7c92d6664bff922d222811d6c6ac",
    ),
    (
        "werkzeug_scrypt",
        "scrypt:1024:8:1$LychgateSalt0001$81f1d3b29104656788ff6edff367109946d2f8f4c151d048dad74b8b7af12a97fe927b68cc3256cb469a81671a2656d81918326f738daec3d1ee4e0de685a8be",
    ),
    (
        "werkzeug_pbkdf2",
        "pbkdf2:sha256:1000$LychgateSalt0001$d5c2e9bda163121381f002c6cf7c4ceffe11ff1d9a8e7c5c140e72b6aad72076",
    ),
    (
        "werkzeug_pbkdf2",
        "pbkdf2:sha512:1000$LychgateSalt0001$bc41774144892b9110e92a739d152a54c444d8dead0c6e01cab9b61298796796d2ad9ffc2497e3d1c5356fba1bf4f95bf5752af6c81963606ffb3cb6574dfc46",
    ),
    ("werkzeug_pbkdf2", "pbkdf2:sha1:1000$LychgateSalt0001$5414d3d0f826391b18012bbf42f5d11585c8691f"),
    (
        "werkzeug_pbkdf2",
        "pbkdf2:sha256:1000000$LychgateSalt0001$e19e03a8bd481f0e491e503cffb014344138a7caa31f9459f7ec7acdd3266974",
    ),
    ("werkzeug_pbkdf2", "pbkdf2$LychgateSalt0001$e19e03a8bd481f0e491e503cffb014344138a7caa31f9459f7ec7acdd3266974"),
    (
        "werkzeug_pbkdf2",
        "pbkdf2:sha256$LychgateSalt0001$e19e03a8bd481f0e491e503cffb014344138a7caa31f9459f7ec7acdd3266974",
    ),
];

fn cut(stored: &str, by: usize) -> &str {
    &stored[..stored.len() - by]
}

fn check(context: &Context, scheme: &str, stored: &str) {
    assert_eq!(context.identify(stored).map_or("plaintext", |found| found.as_str()), scheme, "{stored}");
    assert!(context.verify("password1", stored).is_match(), "{stored}");
    assert_eq!(context.verify("password2", stored), Verdict::Mismatch, "{stored}");
    assert_eq!(context.verify("", stored), Verdict::Mismatch, "{stored}");
    let spoilt = format!("{}AAAA", cut(stored, 4));
    assert!(!context.verify("password1", &spoilt).is_match(), "{spoilt}");
    let spoilt = format!("{}{}", cut(stored, 1), if stored.ends_with('0') { '1' } else { '0' });
    assert!(!context.verify("password1", &spoilt).is_match(), "{spoilt}");
    assert!(!context.verify("password1", cut(stored, 1)).is_match(), "{stored}");
}

#[test]
fn stored_through_flask_security() {
    let context = context(SingleHash::default());
    for (scheme, stored) in KEYED {
        check(&context, scheme, stored);
    }
}

#[test]
fn schemes_on_the_password_itself() {
    let context = context(SingleHash::All);
    for (scheme, stored) in RAW {
        check(&context, scheme, stored);
    }
}

#[test]
fn the_pre_hash_is_needed_where_it_was_applied() {
    let (keyed, raw) = (context(SingleHash::default()), context(SingleHash::All));
    let single = ["plaintext", "django_pbkdf2_sha256", "django_bcrypt_sha256"];
    for (scheme, stored) in KEYED.iter().filter(|(scheme, _)| !single.contains(scheme)) {
        assert_eq!(raw.verify("password1", stored), Verdict::Mismatch, "{scheme}");
    }
    let other = Context::builder().salt("another salt").option("argon2__memory_cost", 64).build().unwrap();
    assert_eq!(other.verify("password1", KEYED[1].1), Verdict::Mismatch);
    // Django's and Werkzeug's are read without it in any case.
    let argon2 = RAW[0].1;
    assert_eq!(keyed.verify("password1", argon2), Verdict::Mismatch);
    for (scheme, stored) in RAW.iter().filter(|(s, _)| s.starts_with("django") || s.starts_with("werkzeug")) {
        assert!(keyed.verify("password1", stored).is_match(), "{scheme}");
    }
}

/// The pre-hash itself, seen through a scheme that stores what it gets.
#[test]
fn pre_hash_is_base64_of_hmac_sha512() {
    // MD5 is not keyed by default, but is with an empty list.
    let context = context(SingleHash::None);
    let x128 = "x".repeat(128);
    let rows = [
        ("password1", "NckVhLXjKxJS2aExbCcr3/qk4PYj5GNrjVDkKP+NZUifF8T056+VLxV8nK+brPsLElEyPRLZR+C+STsLV/OQVQ=="),
        (
            "p\u{e4}ssw\u{f6}rd",
            "hcJl1xmvjElbXQu31tsmo6/V/Eso+wW2KxtO8eqqftf6xwZgYYU8b8g1PIrRq9JS4tZfgHETaPhd73owt70jkg==",
        ),
        ("battery staple", "J5n2E8Q33FUBSiqKcqYEukWTXgkeceP6PgHmVYspCnfcAEQI8vrlQJkzLFi/IPbeSf09JMpWTVk3MKZuLlTi+A=="),
        (&x128, "dzGvp6W64JiB+LKQjmHumvzMqIH0KirtjtWsb6t6WJvtmdQoskhES3DyOGxwbAT2Qt9DKcL3nwhssGUoDQpeFA=="),
    ];
    for (password, pre_hash) in rows {
        use md5::{Digest as _, Md5};
        let digest = Md5::digest(format!("salt{pre_hash}"));
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(context.verify(password, &format!("md5$salt${hex}")).is_match(), "{password}");
    }
}

#[test]
fn old_crypt_reads_eight_characters() {
    let context = context(SingleHash::All);
    for stored in ["crypt$ly$ly9sHwcMHablg", "crypt$$ly9sHwcMHablg", "ly9sHwcMHablg"] {
        // Covers a part only: to be replaced.
        assert_eq!(context.verify("password1", stored), Verdict::Match { needs_rehash: true });
        assert_eq!(context.verify("password2", stored), Verdict::Match { needs_rehash: true });
        assert_eq!(context.verify("passwor", stored), Verdict::Mismatch);
    }
    assert_eq!(context.verify("password1", "crypt$lx$ly9sHwcMHablg"), Verdict::Refused(Refusal::Malformed));
}

#[test]
fn old_werkzeug_is_an_hmac_keyed_with_the_salt() {
    // HMAC-SHA-256 of "what do ya want for nothing?" under "Jefe": RFC 4231, test case 2.
    let stored = "sha256$Jefe$5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let context = context(SingleHash::All);
    assert!(context.verify("what do ya want for nothing?", stored).is_match());
    assert_eq!(context.verify("what do ya want for something?", stored), Verdict::Mismatch);
}

#[test]
fn werkzeug_texts_that_are_none() {
    let context = context(SingleHash::All);
    for stored in [
        "pbkdf2:sha256:1000$LychgateSalt0001$",
        "pbkdf2:sha256:1000$LychgateSalt0001$d5c2",
        "pbkdf2:sha256:0$LychgateSalt0001$d5c2e9bda163121381f002c6cf7c4ceffe11ff1d9a8e7c5c140e72b6aad72076",
        "pbkdf2:whirlpool:1000$LychgateSalt0001$d5c2e9bda163121381f002c6cf7c4ceffe11ff1d9a8e7c5c140e72b6aad72076",
        "pbkdf2:sha256:1000:1$LychgateSalt0001$d5c2e9bda163121381f002c6cf7c4ceffe11ff1d9a8e7c5c140e72b6aad72076",
        "scrypt:1000:8:1$LychgateSalt0001$81f1d3b29104656788ff6edff367109946d2f8f4c151d048dad74b8b7af12a97fe927b68cc3256cb469a81671a2656d81918326f738daec3d1ee4e0de685a8be",
        "scrypt:1024:8$LychgateSalt0001$81f1",
        "scrypt:1:8:1$salt$",
    ] {
        assert_eq!(context.verify("password1", stored), Verdict::Refused(Refusal::Malformed), "{stored}");
    }
}

#[test]
fn damaged_hashes_are_refused() {
    let context = context(SingleHash::All);
    for stored in [
        "$argon2id$",
        "$argon2id$v=19$m=64,t=1,p=1$bHljaGdhdGVzYWx0MDAwMQ$",
        "$argon2id$v=19$m=64,t=1,p=1$bHljaGdhdGVzYWx0MDAwMQ",
        "$argon2id$v=18$m=64,t=1,p=1$bHljaGdhdGVzYWx0MDAwMQ$pgBGzCUJLOuBshGAB7GUltjgFlz5ad231C96+QQWiYg",
        "$argon2id$v=19$t=1,m=64,p=1$bHljaGdhdGVzYWx0MDAwMQ$pgBGzCUJLOuBshGAB7GUltjgFlz5ad231C96+QQWiYg",
        "$argon2id$v=19$m=064,t=1,p=1$bHljaGdhdGVzYWx0MDAwMQ$pgBGzCUJLOuBshGAB7GUltjgFlz5ad231C96+QQWiYg",
        "$2b$4$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq",
        "$2b$04$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVX",
        "$2b$xx$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq",
        "$2b$04$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9i\u{e4}q",
        "$5$rounds=01000$lychgatesalt0001$ZLg94NHuxwWjv4p57ZVgu87PHTM5yUaB2AAq8QPSxy2",
        "$5$lychgatesalt0001x$ZLg94NHuxwWjv4p57ZVgu87PHTM5yUaB2AAq8QPSxy2",
        "$5$rounds=1000$lychgatesalt0001$ZLg94NHuxwWjv4p57ZVgu87PHTM5yUaB2AAq8QPSxyz",
        "$scrypt$ln=8,r=8,p=1$bHljaGdhdGVzYWx0MDAwMQ$AUYN2mVu91vthrjb4CoOZXej1pjfPRJQ5R5ceOTJ4o",
        "$pbkdf2-sha256$1000$bHljaGdhdGVzYWx0MDAwMQ$",
        "pbkdf2_sha256$1000$lychgatesalt$PnHuY0HbS2eI",
        "sha1$lychg$",
        "md5$lychg",
        "bcrypt$",
        "crypt$ly",
    ] {
        assert_eq!(context.verify("password1", stored), Verdict::Refused(Refusal::Malformed), "{stored}");
    }
    // Inside the text's rules, outside of the algorithm's.
    for stored in [
        "$argon2id$v=19$m=7,t=1,p=1$bHljaGdhdGVzYWx0MDAwMQ$pgBGzCUJLOuBshGAB7GUltjgFlz5ad231C96+QQWiYg",
        "$argon2id$v=19$m=64,t=0,p=1$bHljaGdhdGVzYWx0MDAwMQ$pgBGzCUJLOuBshGAB7GUltjgFlz5ad231C96+QQWiYg",
        "$argon2id$v=19$m=64,t=1,p=1$bHlj$pgBGzCUJLOuBshGAB7GUltjgFlz5ad231C96+QQWiYg",
        "$5$rounds=999$lychgatesalt0001$ZLg94NHuxwWjv4p57ZVgu87PHTM5yUaB2AAq8QPSxy2",
        "$2b$03$lychgatesalt0001abcde.acbrrKWQ3bixT6VrBkiaZdPw.E9iVXq",
        "$scrypt$ln=8,r=0,p=1$bHljaGdhdGVzYWx0MDAwMQ$AUYN2mVu91vthrjb4CoOZXej1pjfPRJQ5R5ceOTJ4oE",
    ] {
        assert_eq!(context.verify("password1", stored), Verdict::Refused(Refusal::Impossible), "{stored}");
    }
}

#[test]
fn hash_data() {
    let joe = "joe@lp.com";
    let hd = "$5$lychgatesalt0001$luq1dOxRiiRrdW/VT8th6kikJVyyqai/vmsRni1aM.7";
    let slow = "$5$rounds=535000$lychgatesalt0001$.spAwgOwG/FEs7SzMGcAtpjdWWPIvSZNH1EYvTzst..";
    let password = "$5$rounds=1000$lychgatesalt0001$VEfZJmrM03n53qYQ8YVyQ/ksNmZGFmr4swF2JiUYOsC";
    let md5 = "61cce1aacf79caf60fca6e5a12e39fc0";
    assert!(data::verify(joe, hd));
    assert!(data::verify(joe, slow));
    assert!(data::verify("$argon2id$x", password));
    assert!(data::verify(joe, md5));
    for stored in [hd, md5] {
        assert!(!data::verify("Joe@lp.com", stored));
        assert!(!data::verify(joe, &format!("{}AAAA", cut(stored, 4))));
    }
    for stored in ["", "joe@lp.com", "$5$", "61cce1aacf79caf60fca6e5a12e39fc", "$5$rounds=999999999$lychgatesalt0001$x"]
    {
        assert!(!data::verify(joe, stored), "{stored}");
    }
    let new = data::hash(joe, 1000).unwrap();
    assert!(new.starts_with("$5$rounds=1000$"));
    assert!(data::verify(joe, &new));
    assert_ne!(data::hash(joe, 1000).unwrap(), new);
    assert!(data::hash(joe, 999).is_err());
    assert!(data::hash(joe, u32::MAX).is_err());
    assert!(data::hash(&"x".repeat(data::MAX_BYTES + 1), 1000).is_err());
}
