//! The vectors of RFC 4226 and RFC 6238, and what passlib and Flask-Security write.
#![allow(clippy::unwrap_used)]

use lychgate_otp::{
    Algorithm, BadMethodSecrets, BadParameter, Key, MethodSecrets, Totp, UriError, Wallet, WalletError, hotp,
    qr_data_url,
};

const T0: u64 = 1_750_000_000;
const SECRET: &str = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B";
const PLAIN: &str = r#"{"key":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","type":"totp","v":1}"#;
const ENCRYPTED: &str = r#"{"enckey":{"c":14,"k":"M5ZV7D5IRESWMXDFDU3TRBUGFTG5H23F","s":"AAAQEAYEAUDAOCAJBIFQ","t":"1","v":1},"type":"totp","v":1}"#;

fn key(bytes: usize) -> Key {
    Key::new(b"1234567890".iter().copied().cycle().take(bytes).collect::<Vec<_>>()).unwrap()
}

fn totp() -> Totp {
    Totp::new(key(20))
}

fn wallet() -> Wallet {
    Wallet::new([("1", SECRET)]).unwrap()
}

#[test]
fn hotp_of_rfc_4226() {
    let codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (counter, code) in (0..).zip(codes) {
        assert_eq!(hotp(&key(20), counter, 6, Algorithm::Sha1).unwrap().as_str(), code);
    }
    for digits in [0, 5, 11, u32::MAX] {
        assert_eq!(hotp(&key(20), 0, digits, Algorithm::Sha1).err(), Some(BadParameter::Digits));
    }
}

#[test]
fn totp_of_rfc_6238() {
    let rows = [
        (59, "94287082", "46119246", "90693936"),
        (1_111_111_109, "07081804", "68084774", "25091201"),
        (1_111_111_111, "14050471", "67062674", "99943326"),
        (1_234_567_890, "89005924", "91819424", "93441116"),
        (2_000_000_000, "69279037", "90698825", "38618901"),
        (20_000_000_000, "65353130", "77737706", "47863826"),
    ];
    for (time, sha1, sha256, sha512) in rows {
        for (algorithm, bytes, code) in
            [(Algorithm::Sha1, 20, sha1), (Algorithm::Sha256, 32, sha256), (Algorithm::Sha512, 64, sha512)]
        {
            let totp = Totp::new(key(bytes)).with_algorithm(algorithm).with_digits(8).unwrap();
            assert_eq!(totp.code_at(time).as_str(), code);
        }
        assert_eq!(totp().code_at(time).as_str(), &sha1[2..]);
    }
    assert_eq!(totp().code_at(T0).as_str(), "678608");
}

/// The offsets, on a grid of ten seconds, that the reference accepts a code of T0 at.
#[test]
fn windows_of_the_reference() {
    for (window, most) in [(0, 10), (30, 40), (120, 130), (300, 310)] {
        for offset in (-400_i64..=400).step_by(10) {
            let now = T0.checked_add_signed(offset).unwrap();
            let found = totp().verify("678608", now, window, None);
            // T0 lies ten seconds into its period: from there the window reaches evenly to both sides.
            assert_eq!(found, (offset.abs() <= most).then_some(T0 / 30), "{window} {offset}");
        }
    }
}

#[test]
fn a_code_is_good_once() {
    let totp = totp();
    let counter = T0 / 30;
    let code = |counter: u64| totp.code_at(counter * 30);
    assert_eq!(totp.verify(code(counter).as_str(), T0, 30, Some(counter - 1)), Some(counter));
    assert_eq!(totp.verify(code(counter).as_str(), T0, 30, Some(counter)), None);
    assert_eq!(totp.verify(code(counter - 1).as_str(), T0, 30, Some(counter)), None);
    assert_eq!(totp.verify(code(counter + 1).as_str(), T0, 30, Some(counter)), Some(counter + 1));
    assert_eq!(totp.verify(code(counter).as_str(), T0, 30, Some(u64::MAX)), None);
}

#[test]
fn the_ends_of_time() {
    let totp = totp();
    assert_eq!(totp.verify(totp.code_at(0).as_str(), 0, 300, None), Some(0));
    assert_eq!(totp.verify(totp.code_at(0).as_str(), 0, 300, Some(0)), None);
    assert_eq!(totp.verify(totp.code_at(u64::MAX).as_str(), u64::MAX, 300, None), Some(u64::MAX / 30));
    let fast = Totp::new(key(20)).with_period(1).unwrap();
    assert_eq!(fast.verify(fast.code_at(T0 - 3600).as_str(), T0, u64::MAX, None), Some(T0 - 3600));
    assert_eq!(fast.verify(fast.code_at(T0 - 3601).as_str(), T0, u64::MAX, None), None);
}

#[test]
fn codes_are_cleaned_before_they_are_compared() {
    for code in ["678608", "678 608", "678-608", "=678608", " 678608\n"] {
        assert!(totp().verify(code, T0, 0, None).is_some(), "{code}");
    }
    for code in ["", "678609", "67860", "6786080", "678608x", "\u{ff16}78608"] {
        assert!(totp().verify(code, T0, 0, None).is_none(), "{code}");
    }
}

#[test]
fn stored_texts_of_passlib() {
    for stored in [ENCRYPTED, PLAIN] {
        let read = wallet().decrypt(stored).unwrap();
        assert_eq!(read.key().as_bytes(), b"12345678901234567890");
        assert_eq!((read.algorithm(), read.digits(), read.period()), (Algorithm::Sha1, 6, 30));
        assert_eq!((read.label(), read.issuer()), (None, None));
        assert_eq!(*read.to_plain_json(), PLAIN);
    }
    assert!(Totp::from_plain_json(PLAIN).is_ok());
    assert!(Totp::from_plain_json(ENCRYPTED).is_err());
    // No integrity: another ciphertext is another key.
    let odd = ENCRYPTED.replace("M5ZV", "AAAA");
    assert_eq!(*wallet().decrypt(&odd).unwrap().key().base32(), "KZAWGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

#[test]
fn what_is_written_is_read() {
    let stored = wallet().encrypt(&totp()).unwrap();
    assert_eq!(stored.len(), ENCRYPTED.len());
    assert!(stored.len() <= 255);
    assert_ne!(stored, wallet().encrypt(&totp()).unwrap());
    assert_eq!(wallet().decrypt(&stored).unwrap().key().as_bytes(), key(20).as_bytes());
    // Another secret under the same tag decrypts to another key.
    let other = Wallet::new([("1", "another secret")]).unwrap();
    assert_ne!(other.decrypt(&stored).unwrap().key().as_bytes(), key(20).as_bytes());
}

/// Written by passlib with these options.
#[test]
fn optional_members_are_kept() {
    let plain = r#"{"alg":"sha256","digits":8,"issuer":"\u00dcn\u00ef \"x\"","key":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","label":"joe@lp.com","period":60,"type":"totp","v":1}"#;
    let encrypted = r#"{"alg":"sha256","digits":8,"enckey":{"c":14,"k":"JO6IFYJE67JQH4PIKZHJXF75SKDFWILM","s":"MXGJTU42SMJCFBBQQ2IA","t":"1","v":1},"issuer":"\u00dcn\u00ef \"x\"","label":"joe@lp.com","period":60,"type":"totp","v":1}"#;
    for stored in [plain, encrypted] {
        let read = wallet().decrypt(stored).unwrap();
        assert_eq!((read.algorithm(), read.digits(), read.period()), (Algorithm::Sha256, 8, 60));
        assert_eq!((read.label(), read.issuer()), (Some("joe@lp.com"), Some("\u{dc}n\u{ef} \"x\"")));
        assert_eq!(*read.to_plain_json(), plain);
        let (head, tail) = encrypted.split_once("JO6I").unwrap();
        let again = wallet().encrypt(&read).unwrap();
        assert!(again.starts_with(head) && again.ends_with(tail.split_once("2IA").unwrap().1), "{again}");
    }
    // Members with their usual value, and the name in capitals, are read and not written.
    let verbose =
        r#"{"alg":"SHA1","digits":6,"key":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","period":30,"type":"totp","v":1}"#;
    assert_eq!(*Totp::from_plain_json(verbose).unwrap().to_plain_json(), PLAIN);
}

#[test]
fn damaged_texts_are_refused() {
    let error = |stored: &str| wallet().decrypt(stored).map(|_| ()).unwrap_err();
    assert_eq!(error(&ENCRYPTED.replace(r#""t":"1""#, r#""t":"9""#)), WalletError::UnknownTag);
    for stored in [
        String::new(),
        "{}".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "not JSON".to_owned(),
        "[".repeat(4000),
        " ".repeat(5000),
        PLAIN.replace("totp", "hotp"),
        PLAIN.replace(r#""v":1"#, r#""v":2"#),
        PLAIN.replace(r#","v":1"#, ""),
        PLAIN.replace("GEZD", "G1ZD"),
        PLAIN.replace("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "GEZA"),
        PLAIN.replace(r#""v":1"#, r#""v":1,"x":1"#),
        PLAIN.replace(r#""v":1"#, r#""v":1,"v":1"#),
        PLAIN.replace(r#""v":1"#, r#""v":1,"digits":5"#),
        PLAIN.replace(r#""v":1"#, r#""v":1,"digits":11"#),
        PLAIN.replace(r#""v":1"#, r#""v":1,"digits":"8""#),
        PLAIN.replace(r#""v":1"#, r#""v":1,"period":0"#),
        PLAIN.replace(r#""v":1"#, r#""v":1,"period":86401"#),
        PLAIN.replace(r#""v":1"#, r#""v":1,"alg":"md5""#),
        PLAIN.replace(r#""v":1"#, r#""v":1,"label":"a:b""#),
        ENCRYPTED.replace(r#""c":14"#, r#""c":21"#),
        ENCRYPTED.replace(r#""c":14"#, r#""c":0"#),
        ENCRYPTED.replace(r#""c":14"#, r#""c":256"#),
        ENCRYPTED.replace(r#""t":"1","v":1"#, r#""t":"1","v":2"#),
        ENCRYPTED.replace(r#""t":"1""#, r#""t":1"#),
        ENCRYPTED.replace("AAAQEAYEAUDAOCAJBIFQ", "1"),
        ENCRYPTED.replace("AAAQEAYEAUDAOCAJBIFQ", &"A".repeat(136)),
        ENCRYPTED.replace("M5ZV7D5IRESWMXDFDU3TRBUGFTG5H23F", "M5ZV"),
        ENCRYPTED.replace("M5ZV7D5IRESWMXDFDU3TRBUGFTG5H23F", ""),
        ENCRYPTED.replace(r#""type""#, r#""key":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","type""#),
    ] {
        assert!(matches!(error(&stored), WalletError::Malformed(_)), "{stored}");
    }
}

#[test]
fn old_tags_and_costs_are_to_be_renewed() {
    let rotated = Wallet::new([("1", SECRET), ("2", "a newer secret")]).unwrap();
    assert_eq!(rotated.default_tag(), "2");
    assert!(!wallet().needs_recrypt(ENCRYPTED));
    assert!(rotated.needs_recrypt(ENCRYPTED));
    assert!(wallet().with_cost(13).unwrap().needs_recrypt(ENCRYPTED));
    assert!(wallet().needs_recrypt(PLAIN));
    assert!(!wallet().needs_recrypt("{}"));
    let renewed = rotated.encrypt(&rotated.decrypt(ENCRYPTED).unwrap()).unwrap();
    assert!(renewed.contains(r#""t":"2""#));
    assert!(!rotated.needs_recrypt(&renewed));
    assert_eq!(rotated.decrypt(&renewed).unwrap().key().as_bytes(), key(20).as_bytes());
}

#[test]
fn links_of_the_reference() {
    let uri = |label: &str, issuer: &str| totp().uri(label, issuer).map(|uri| uri.to_string());
    let link =
        |path: &str, query: &str| Ok(format!("otpauth://totp/{path}?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ{query}"));
    assert_eq!(uri("joe@lp.com", "lychgate"), link("lychgate:joe@lp.com", "&issuer=lychgate"));
    assert_eq!(uri("joe smith", "lychgate"), link("lychgate:joe%20smith", "&issuer=lychgate"));
    assert_eq!(uri("a/b?c", "lychgate"), link("lychgate:a%2Fb%3Fc", "&issuer=lychgate"));
    assert_eq!(uri("a+b~c_d.e-f!*'()", "i"), link("i:a%2Bb~c_d.e-f%21%2A%27%28%29", "&issuer=i"));
    assert_eq!(uri("j\u{f6}", "My App & Co"), link("My%20App%20%26%20Co:j%C3%B6", "&issuer=My%20App%20%26%20Co"));
    assert_eq!(uri("a@b", "c@d"), link("c@d:a@b", "&issuer=c%40d"));
    assert_eq!(uri("joe", ""), link("joe", ""));
    let other = Totp::new(key(20)).with_algorithm(Algorithm::Sha256).with_digits(8).unwrap().with_period(60).unwrap();
    assert_eq!(
        other.uri("joe", "lychgate").map(|uri| uri.to_string()),
        link("lychgate:joe", "&algorithm=SHA256&digits=8&period=60&issuer=lychgate")
    );
    for label in ["", "a:b", &"x".repeat(201)] {
        assert_eq!(uri(label, "lychgate"), Err(UriError::Label));
    }
    assert_eq!(uri("joe", "a:b"), Err(UriError::Issuer));
    assert!(qr_data_url(&totp().uri(&"\u{f6}".repeat(100), &"\u{f6}".repeat(100)).unwrap()).is_ok());
}

#[test]
fn keys_by_method() {
    let column = r#"{"email": "{\"enckey\":{\"c\":14},\"type\":\"totp\",\"v\":1}", "authenticator": "x"}"#;
    let mut secrets = MethodSecrets::parse(Some(column)).unwrap();
    assert_eq!(secrets.to_column().as_deref(), Some(column));
    assert_eq!(secrets.methods().collect::<Vec<_>>(), ["email", "authenticator"]);
    assert_eq!(secrets.get("email"), Some(r#"{"enckey":{"c":14},"type":"totp","v":1}"#));
    assert_eq!(secrets.get("sms"), None);
    secrets.set("email", "y");
    assert_eq!(secrets.to_column().as_deref(), Some(r#"{"email": "y", "authenticator": "x"}"#));
    assert!(secrets.remove("email") && !secrets.remove("email"));
    assert!(secrets.remove("authenticator") && secrets.is_empty());
    assert_eq!(secrets.to_column(), None);
    for empty in [None, Some(""), Some("{}")] {
        assert!(MethodSecrets::parse(empty).unwrap().is_empty());
    }
    let many: Vec<String> = (0..17).map(|place| format!(r#""m{place}": "x""#)).collect();
    for bad in ["[]", "null", "1", r#"{"email": 1}"#, r#"{"email": null}"#, "{", &format!("{{{}}}", many.join(", "))] {
        assert_eq!(MethodSecrets::parse(Some(bad)), Err(BadMethodSecrets), "{bad}");
    }
    assert_eq!(MethodSecrets::parse(Some(&format!("{{}}{}", " ".repeat(40_000)))), Err(BadMethodSecrets));
}

#[test]
fn nothing_secret_is_shown() {
    let secrets = MethodSecrets::parse(Some(r#"{"email": "the key"}"#)).unwrap();
    assert_eq!(format!("{secrets:?}"), r#"["email"]"#);
    let shown = format!("{:?} {:?}", totp(), totp().code_at(T0));
    assert!(!shown.contains("678608") && !shown.contains("GEZD") && !shown.contains("49, 50"), "{shown}");
}
