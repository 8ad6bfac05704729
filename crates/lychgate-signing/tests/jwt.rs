//! JSON Web Tokens: what is signed is read, and nothing else is.
#![allow(clippy::unwrap_used)]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_signing::jwt::{Algorithm, JwtError, Key, KeyError, Keys, MAX_LENGTH, Rules, check};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const SECRET: &[u8] = b"a secret of the tests, 32 bytes or more";
const RSA: &str = include_str!("keys/rs256.pem");
const RSA_PUBLIC: &str = include_str!("keys/rs256.pub.pem");
const EC: &str = include_str!("keys/es256.pem");
const EC_PUBLIC: &str = include_str!("keys/es256.pub.pem");
const ED: &str = include_str!("keys/eddsa.pem");
const ED_PUBLIC: &str = include_str!("keys/eddsa.pub.pem");

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn hs(algorithm: Algorithm) -> Keys {
    Keys::new(vec![Key::secret(None, algorithm, SECRET).unwrap()]).unwrap()
}

fn pairs() -> [(Algorithm, &'static str, &'static str); 3] {
    [(Algorithm::Rs256, RSA, RSA_PUBLIC), (Algorithm::Es256, EC, EC_PUBLIC), (Algorithm::EdDsa, ED, ED_PUBLIC)]
}

fn part(value: &str) -> String {
    URL_SAFE_NO_PAD.encode(value)
}

/// A token with a header of one's own, signed by HS256 with `secret`.
fn forged(header: &str, claims: &str, secret: &[u8]) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let key = jsonwebtoken::EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

#[test]
fn every_algorithm_reads_what_it_signs() {
    let claims = map(json!({"sub": "a", "n": 1}));
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        let keys = hs(algorithm);
        assert_eq!(keys.open(&keys.sign(&claims).unwrap()).unwrap(), claims, "{algorithm:?}");
        assert_eq!(keys.public(), json!({"keys": []}));
    }
    for (algorithm, private, public) in pairs() {
        let keys = Keys::new(vec![Key::private_pem(None, algorithm, private).unwrap()]).unwrap();
        let token = keys.sign(&claims).unwrap();
        assert_eq!(keys.open(&token).unwrap(), claims, "{algorithm:?}");
        // Whoever has the public key alone reads it too, by the same id.
        let signer = Key::secret(Some("other"), Algorithm::Hs256, SECRET).unwrap();
        let readers = Keys::new(vec![signer, Key::public_pem(None, algorithm, public).unwrap()]).unwrap();
        assert_eq!(readers.open(&token).unwrap(), claims, "{algorithm:?}");
        assert_eq!(readers.public()["keys"][0], keys.public()["keys"][0]);
    }
    for algorithm in [Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512] {
        let keys = Keys::new(vec![Key::private_pem(None, algorithm, RSA).unwrap()]).unwrap();
        assert_eq!(keys.open(&keys.sign(&claims).unwrap()).unwrap(), claims, "{algorithm:?}");
    }
}

#[test]
fn the_example_of_rfc_7515_is_read() {
    let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leG\
                 FtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let key = Key::secret(None, Algorithm::Hs256, &URL_SAFE_NO_PAD.decode(secret).unwrap()).unwrap();
    let claims = Keys::new(vec![key]).unwrap().open(token).unwrap();
    assert_eq!(claims["iss"], "joe");
    assert_eq!(check(&claims, &Rules::default(), 1_300_819_379), Ok(()));
    assert_eq!(check(&claims, &Rules::default(), 1_300_819_380), Err(JwtError::Expired));
}

#[test]
fn public_sets_hold_nothing_private() {
    for (algorithm, private, _) in pairs() {
        let keys = Keys::new(vec![Key::private_pem(Some("k1"), algorithm, private).unwrap()]).unwrap();
        let jwk = keys.public()["keys"][0].as_object().unwrap().clone();
        assert_eq!((&jwk["kid"], &jwk["alg"], &jwk["use"]), (&json!("k1"), &json!(algorithm.name()), &json!("sig")));
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(!jwk.contains_key(private), "{algorithm:?}: {jwk:?}");
        }
        assert!(!format!("{keys:?}").contains("PRIVATE"));
    }
}

#[test]
fn keys_go_with_their_algorithms() {
    assert_eq!(Key::secret(None, Algorithm::Hs256, b"").unwrap_err(), KeyError::Empty);
    assert_eq!(Key::secret(None, Algorithm::Hs256, RSA_PUBLIC.as_bytes()).unwrap_err(), KeyError::PemAsSecret);
    assert_eq!(Key::secret(None, Algorithm::Es256, SECRET).unwrap_err(), KeyError::WrongAlgorithm);
    assert_eq!(Key::private_pem(None, Algorithm::Hs256, RSA).unwrap_err(), KeyError::WrongAlgorithm);
    for (algorithm, private, public) in pairs() {
        assert!(Key::private_pem(None, algorithm, public).is_err(), "{algorithm:?}");
        assert!(Key::public_pem(None, algorithm, private).is_err(), "{algorithm:?}");
        for (other, ..) in pairs().into_iter().filter(|(other, ..)| *other != algorithm) {
            assert!(Key::private_pem(None, other, private).is_err(), "{algorithm:?} as {other:?}");
            assert!(Key::public_pem(None, other, public).is_err(), "{algorithm:?} as {other:?}");
        }
    }
    assert!(Key::private_pem(None, Algorithm::Es384, EC).is_err());
    let public = Key::public_pem(None, Algorithm::Rs256, RSA_PUBLIC).unwrap();
    assert!(public.clone().accepting(&[Algorithm::Hs256]).is_err());
    assert_eq!(Keys::new(vec![public]).unwrap_err(), KeyError::CannotSign);
    let twice = || Key::secret(Some("a"), Algorithm::Hs256, SECRET).unwrap();
    assert_eq!(Keys::new(vec![twice(), twice()]).unwrap_err(), KeyError::Ids);
}

#[test]
fn no_algorithm_is_talked_into_another() {
    let keys = hs(Algorithm::Hs256);
    for none in ["none", "None", "NONE", "NoNe", "", "hs256"] {
        let unsigned = format!("{}.{}.", part(&json!({"alg": none}).to_string()), part(r#"{"sub":"a"}"#));
        assert_eq!(keys.open(&unsigned), Err(JwtError::Algorithm), "{none}");
    }
    // Signed with the public key as if it were a secret, in every spelling of it.
    let rsa = Keys::new(vec![Key::private_pem(None, Algorithm::Rs256, RSA).unwrap()]).unwrap();
    for secret in [RSA_PUBLIC, RSA_PUBLIC.trim_end(), ""] {
        for kid in ["", ",\"kid\":\"../../dev/null\""] {
            let token = forged(&format!("{{\"alg\":\"HS256\"{kid}}}"), r#"{"sub":"a"}"#, secret.as_bytes());
            assert_eq!(rsa.open(&token), Err(JwtError::Algorithm));
        }
    }
    // Another algorithm of the same family, unless it is accepted.
    let signed = hs(Algorithm::Hs512).sign(&map(json!({"sub": "a"}))).unwrap();
    assert_eq!(keys.open(&signed), Err(JwtError::Algorithm));
    let both = Key::secret(None, Algorithm::Hs256, SECRET).unwrap().accepting(&[Algorithm::Hs512]).unwrap();
    let both = Keys::new(vec![both]).unwrap();
    assert!(both.open(&signed).is_ok());
    assert!(keys.open(&both.sign(&map(json!({}))).unwrap()).is_ok(), "it goes on signing with its own");
}

#[test]
fn ids_choose_among_our_keys_and_do_nothing_else() {
    let key = |id, secret: &[u8]| Key::secret(id, Algorithm::Hs256, secret).unwrap();
    let old = Keys::new(vec![key(Some("old"), b"the old secret, of 32 bytes or so")]).unwrap();
    let token = old.sign(&map(json!({"sub": "a"}))).unwrap();
    let rotated =
        Keys::new(vec![key(Some("new"), SECRET), key(Some("old"), b"the old secret, of 32 bytes or so")]).unwrap();
    assert!(rotated.open(&token).is_ok());
    assert!(old.open(&rotated.sign(&map(json!({}))).unwrap()).is_err());
    let claims = r#"{"sub":"a"}"#;
    let long = "k".repeat(4000);
    for kid in ["../../../../dev/null", "' OR 1=1 --", "new\0", "", "NEW", long.as_str()] {
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        assert_eq!(rotated.open(&forged(&header, claims, SECRET)), Err(JwtError::Algorithm), "{kid}");
    }
    // The id of one key with the secret of another.
    let crossed = forged(r#"{"alg":"HS256","kid":"old"}"#, claims, SECRET);
    assert_eq!(rotated.open(&crossed), Err(JwtError::Signature));
    for kid in [json!(1), json!(null), json!(["new"]), json!({"a": 1})] {
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        assert_eq!(rotated.open(&forged(&header, claims, SECRET)), Err(JwtError::Header), "{kid}");
    }
    // Where ours has no id, that of another program is not asked.
    assert!(hs(Algorithm::Hs256).open(&forged(r#"{"alg":"HS256","kid":"theirs"}"#, claims, SECRET)).is_ok());
}

#[test]
fn keys_in_headers_are_not_looked_at() {
    let theirs = b"a secret of somebody else, 32 bytes";
    let jwk = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(theirs)});
    for (name, value) in [
        ("jku", json!("http://127.0.0.1:9/jwks.json")),
        ("x5u", json!("http://127.0.0.1:9/cert.pem")),
        ("jwk", jwk),
        ("x5c", json!(["AAAA"])),
    ] {
        let mut header = json!({"alg": "HS256", "typ": "JWT"});
        header[name] = value;
        let header = header.to_string();
        assert_eq!(hs(Algorithm::Hs256).open(&forged(&header, "{}", theirs)), Err(JwtError::Signature), "{name}");
        assert!(hs(Algorithm::Hs256).open(&forged(&header, "{}", SECRET)).is_ok(), "{name}");
    }
}

#[test]
fn broken_tokens_are_refused() {
    let keys = hs(Algorithm::Hs256);
    let good = keys.sign(&map(json!({"sub": "a"}))).unwrap();
    for (token, error) in [
        ("", JwtError::Segments),
        ("a", JwtError::Segments),
        ("a.b", JwtError::Segments),
        ("a.b.c.d", JwtError::Segments),
        ("a.b.c", JwtError::HeaderEncoding),
        ("..", JwtError::Header),
        ("ä.b.c", JwtError::HeaderEncoding),
    ] {
        assert_eq!(keys.open(token), Err(error), "{token}");
    }
    assert_eq!(keys.open(&format!("{good}=")), Err(JwtError::SignatureEncoding));
    assert_eq!(keys.open(&format!("{good}\n")), Err(JwtError::SignatureEncoding));
    assert_eq!(keys.open(&"a".repeat(MAX_LENGTH + 1)), Err(JwtError::TooLong));
    let header = r#"{"alg":"HS256"}"#;
    for claims in
        ["", "1", "\"a\"", "[]", "null", "{", r#"{"a":1,"a":1}"#, r#"{"sub":"a","sub":"b"}"#, "{\"a\":\"\u{0}\"}"]
    {
        assert_eq!(keys.open(&forged(header, claims, SECRET)), Err(JwtError::Payload), "{claims}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(2000), "]".repeat(2000));
    assert_eq!(keys.open(&forged(header, &deep, SECRET)), Err(JwtError::Payload));
    for header in [
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","enc":"A128GCM"}"#,
        r#"{"alg":"HS256","zip":"DEF"}"#,
        r#"{"alg":"HS256","typ":"dpop+jwt"}"#,
        r#"{"alg":"HS256","typ":1}"#,
    ] {
        assert_eq!(keys.open(&forged(header, "{}", SECRET)), Err(JwtError::Header), "{header}");
    }
    for header in ["{}", r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#] {
        assert_eq!(keys.open(&forged(header, "{}", SECRET)), Err(JwtError::Algorithm), "{header}");
    }
    assert!(keys.sign(&map(json!({"a": "x".repeat(MAX_LENGTH)}))).is_err());
}

#[test]
fn times_are_whole_numbers() {
    let now = 1_750_000_000;
    let rules = Rules { require_exp: true, ..Rules::default() };
    let with = |name: &str, value: Value| {
        let mut claims = json!({"exp": now + 60, "iat": now, "nbf": now});
        claims[name] = value;
        check(&map(claims), &rules, now)
    };
    for (name, error) in [("exp", JwtError::ExpType), ("nbf", JwtError::NbfType), ("iat", JwtError::IatType)] {
        for odd in [
            json!("1"),
            json!(now.to_string()),
            json!(now as f64 + 0.5),
            json!(null),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
            json!([]),
            json!(true),
        ] {
            assert_eq!(with(name, odd.clone()), Err(error), "{name}: {odd}");
        }
    }
    assert_eq!(check(&map(json!({})), &rules, now), Err(JwtError::ExpType));
    assert_eq!(check(&map(json!({})), &Rules::default(), now), Ok(()));
    assert_eq!(with("exp", json!(now)), Err(JwtError::Expired));
    assert_eq!(with("exp", json!(now + 1)), Ok(()));
    assert_eq!(with("nbf", json!(now + 1)), Err(JwtError::NotYet));
    assert_eq!(with("iat", json!(now + 1)), Err(JwtError::IssuedLater));
    let lenient = Rules { leeway: 10, ..Rules::default() };
    assert_eq!(check(&map(json!({"exp": now - 9, "nbf": now + 10, "iat": now + 10})), &lenient, now), Ok(()));
    assert_eq!(check(&map(json!({"exp": now - 10})), &lenient, now), Err(JwtError::Expired));
    assert_eq!(check(&map(json!({"exp": i64::MAX})), &lenient, now), Ok(()));
}

#[test]
fn tokens_are_for_us_and_by_whom_we_expect() {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let ask = |claims: Value, audience: &[&str], issuer: &[&str]| {
        let rules = Rules { audience: list(audience), issuer: list(issuer), subject_is_text: true, ..Rules::default() };
        check(&map(claims), &rules, 0)
    };
    for (claims, expected) in [
        (json!({"aud": "us"}), Ok(())),
        (json!({"aud": ["them", "us"]}), Ok(())),
        (json!({"aud": "them"}), Err(JwtError::Audience)),
        (json!({"aud": []}), Err(JwtError::Audience)),
        (json!({"aud": [1]}), Err(JwtError::AudienceType)),
        (json!({"aud": {"us": 1}}), Err(JwtError::AudienceType)),
        (json!({}), Err(JwtError::NoAudience)),
    ] {
        assert_eq!(ask(claims.clone(), &["us"], &[]), expected, "{claims}");
    }
    assert_eq!(ask(json!({"aud": "them"}), &[], &[]), Err(JwtError::UnexpectedAudience));
    assert_eq!(ask(json!({"iss": "a"}), &[], &["a"]), Ok(()));
    assert_eq!(ask(json!({"iss": "b"}), &[], &["a"]), Err(JwtError::Issuer));
    assert_eq!(ask(json!({"iss": ["a"]}), &[], &["a"]), Err(JwtError::Issuer));
    assert_eq!(ask(json!({}), &[], &["a"]), Err(JwtError::NoIssuer));
    assert_eq!(ask(json!({"sub": 1}), &[], &[]), Err(JwtError::Subject));
    assert_eq!(ask(json!({"jti": 1}), &[], &[]), Err(JwtError::Id));
}

proptest! {
    #[test]
    fn a_changed_token_is_refused(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let keys = hs(Algorithm::Hs256);
        let good = keys.sign(&map(json!({"sub": "user-1", "exp": 1_750_000_000}))).unwrap();
        let mut bytes = good.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(changed) = String::from_utf8(bytes) && changed != good {
            prop_assert!(keys.open(&changed).is_err());
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in ".{0,200}", claims in "\\PC{0,80}") {
        let keys = hs(Algorithm::Hs256);
        prop_assert!(keys.open(&text).is_err());
        let _ = keys.open(&forged(r#"{"alg":"HS256"}"#, &claims, SECRET)).map(|claims| check(&claims, &Rules::default(), 0));
    }
}
