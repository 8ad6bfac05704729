//! Texts made by Flask 3.1, itsdangerous 2.2, Flask-Login 0.6, Flask-WTF 1.3, Flask-Security 5.9 and
//! cryptography 50: each must be read, and written byte for byte where deflate leaves no choice.
#![allow(clippy::unwrap_used)]

use lychgate_signing::{
    Derivation, KeyRing, SecretKey, SignatureError, Signer, TimestampSigner, UrlSafeTimedSerializer,
    csrf::{CsrfCodec, CsrfError},
    fernet::{Fernet, FernetError},
    identifier::identifier,
    json,
    remember::RememberCodec,
    session::{Map, SessionCodec, Value},
    tokens::{
        AuthToken, AuthTokenPayload, ChangeEmail, ChangeEmailPayload, ConfirmEmail, ConfirmEmailPayload, Passwordless,
        PasswordlessPayload, Purpose, RedeemError, RefreshToken, RefreshTokenPayload, ResetPassword,
        ResetPasswordPayload, TokenCodec, TwoFactorSetup, TwoFactorSetupPayload, TwoFactorValidity,
        TwoFactorValidityPayload, UnifiedSetup, UnifiedSetupPayload, WebauthnRegister, WebauthnRegisterPayload,
        WebauthnSignin, WebauthnSigninPayload,
    },
};
use time::macros::datetime;

const SECRET: &str = "lychgate-test-secret-0001";
const T0: i64 = 1_750_000_000;
const DAYS_31: i64 = 2_678_400;
const U: &str = "11111111111111111111111111111111";
const CHALLENGE: &str = "smCCiy_k2CqQydSQ_kPEjV5a2d0ApfatcpQ1aXDmQPo";
const HD: &str = "$5$lychgatesalt0001$luq1dOxRiiRrdW/VT8th6kikJVyyqai/vmsRni1aM.7";
const HP: &str = "$5$rounds=1000$lychgatesalt0001$VEfZJmrM03n53qYQ8YVyQ/ksNmZGFmr4swF2JiUYOsC";

fn keys() -> KeyRing {
    KeyRing::new(SECRET).unwrap()
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Map {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The JSON inside a session cookie or token, for comparing writers whose deflate may differ.
fn json_of(text: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use std::io::Read as _;
    let (deflated, body) = text.strip_prefix('.').map_or((false, text), |body| (true, body));
    let bytes = URL_SAFE_NO_PAD.decode(body.split('.').next().unwrap()).unwrap();
    let mut json = String::new();
    if deflated {
        flate2::read::ZlibDecoder::new(&*bytes).read_to_string(&mut json).unwrap();
    } else {
        json = String::from_utf8(bytes).unwrap();
    }
    json
}

mod signer {
    use super::*;

    #[test]
    fn plain_and_dated() {
        let plain = Signer::new(&keys(), "s1", Derivation::DjangoConcat);
        assert_eq!(plain.sign("hello"), "hello.DdepA8XEZbi1WgZqPW6oEBrRf68");
        assert_eq!(plain.unsign("hello.DdepA8XEZbi1WgZqPW6oEBrRf68"), Ok("hello"));
        let dated = TimestampSigner::new(&keys(), "s1", Derivation::DjangoConcat);
        assert_eq!(dated.sign("hello", T0), "hello.aE7hgA.camPAFmmdoenSvQqiQSwKw5JPJo");
        assert_eq!(dated.unsign("hello.aE7hgA.camPAFmmdoenSvQqiQSwKw5JPJo"), Ok(("hello", T0)));
    }

    #[test]
    fn other_spellings_of_a_signature_are_refused() {
        let signer = TimestampSigner::new(&keys(), "s1", Derivation::DjangoConcat);
        for text in [
            // Unused bits behind the last byte.
            "hello.aE7hgA.camPAFmmdoenSvQqiQSwKw5JPJp",
            "hello.aE7hgA.camPAFmmdoenSvQqiQSwKw5JPJq",
            // Foreign characters, padding, the other alphabet.
            "hello.aE7hgA.camP!!!!AFmmdoenSvQqiQSwKw5JPJo",
            "hello.aE7hgA.camPAFmmdoenSvQqiQSwKw5JPJo=",
            "hello.aE7hgA=.camPAFmmdoenSvQqiQSwKw5JPJo",
            "hello.aE7hgA.camPAFmmdoenSvQqiQSwKw5JPJo\n",
            "hello",
            "hello.camPAFmmdoenSvQqiQSwKw5JPJo",
            "",
            ".",
            "..",
        ] {
            assert!(signer.unsign(text).is_err(), "{text}");
        }
    }

    #[test]
    fn session_ids_of_flask_session() {
        let signer = Signer::new(&keys(), "flask-session", Derivation::Hmac);
        let id = "A".repeat(43);
        let signed = format!("{id}.aYt_CYHgraqIgV0DFLJe8FISTNY");
        assert_eq!(signer.sign(&id), signed);
        assert_eq!(signer.unsign(&signed), Ok(id.as_str()));
        assert!(signer.unsign(&format!("{id}.aYt_CYHgraqIgV0DFLJe8FISTNc")).is_err());
        assert_eq!(signer.unsign(&id), Err(SignatureError::Malformed));
    }
}

mod rotation {
    use super::*;

    const OLD: &str = "eyJhIjoxfQ.aE7hgA.NA3BvwEOIlCu3bH7KMFlzLtTNl0";

    fn rotated() -> KeyRing {
        keys().with_fallbacks(["old-key-1", "old-key-2"]).unwrap()
    }

    #[test]
    fn an_old_cookie_is_read_while_its_key_is_known() {
        let session = map([("a", Value::Int(1))]);
        let codec = SessionCodec::new(&rotated(), SessionCodec::SALT);
        assert_eq!(codec.decode(OLD, T0, DAYS_31), Ok(session));
        let codec = SessionCodec::new(&keys(), SessionCodec::SALT);
        assert_eq!(codec.decode(OLD, T0, DAYS_31), Err(SignatureError::BadSignature));
    }

    #[test]
    fn the_current_key_signs() {
        let rotated = rotated();
        let payload = AuthTokenPayload::new(U, 1.0, 0);
        let minted = TokenCodec::<AuthToken>::with_defaults(&rotated).mint(&payload, T0).unwrap();
        let current = TokenCodec::<AuthToken>::with_defaults(&keys());
        assert!(current.redeem(minted.as_str(), T0).is_ok());
        let cookie = RememberCodec::new(&rotated).encode("42").unwrap();
        assert!(RememberCodec::new(&keys()).decode(&cookie).is_ok());
    }

    #[test]
    fn tokens_signed_with_a_fallback_are_accepted() {
        // The reference signs its tokens so when it has fallbacks.
        for old in ["old-key-1", "old-key-2"] {
            let former = KeyRing::new(old).unwrap();
            let payload = AuthTokenPayload::new(U, 1.0, 0);
            let token = TokenCodec::<AuthToken>::with_defaults(&former).mint(&payload, T0).unwrap();
            let codec = TokenCodec::<AuthToken>::with_defaults(&rotated());
            assert_eq!(codec.redeem(token.as_str(), T0).unwrap().payload, payload);
            let cookie = RememberCodec::new(&former).encode("42").unwrap();
            assert_eq!(RememberCodec::new(&rotated()).decode(&cookie), Ok("42"));
            let csrf = CsrfCodec::new(&former, CsrfCodec::SALT).sign("raw", T0).unwrap();
            assert_eq!(CsrfCodec::new(&rotated(), CsrfCodec::SALT).validate(&csrf, Some("raw"), T0, None), Ok(()));
        }
    }
}

mod session {
    use super::*;

    const S1: &str = ".eJyrVopPK0otzlCyKikqTdVRii8tTi2Kz0xRslIyMDQyNjE1M7ewTExKTklNQ-cr1QIAWfMSqg.aE7hgA.GjTCGZRlMaq2dXD8hG1MEFNqgHo";

    fn codec() -> SessionCodec {
        SessionCodec::new(&keys(), SessionCodec::SALT)
    }

    #[track_caller]
    fn check(session: Map, json: &str, cookie: &str) {
        let codec = codec();
        assert_eq!(json_of(cookie), json);
        assert!(codec.decode(cookie, T0, DAYS_31).unwrap() == session, "read");
        assert_eq!(codec.decode_dated(cookie, T0, DAYS_31).unwrap().1, T0);
        let ours = codec.encode(&session, T0).unwrap();
        assert_eq!(json_of(&ours), json);
        if !cookie.starts_with('.') {
            assert_eq!(ours, cookie);
        }
        assert!(codec.decode(&ours, T0, DAYS_31).unwrap() == session, "read back");
    }

    fn s1() -> Map {
        map([("_fresh", true.into()), ("_user_id", "0123456789abcdef0123456789abcdef".into())])
    }

    #[test]
    fn s1_signed_in() {
        check(s1(), r#"{"_fresh":true,"_user_id":"0123456789abcdef0123456789abcdef"}"#, S1);
    }

    #[test]
    fn s2_empty() {
        check(Map::new(), "{}", "e30.aE7hgA.lgTBuj7UZA6Pf9DICYEXwGpULRI");
    }

    #[test]
    fn s3_flashes_and_text() {
        check(
            map([
                ("_flashes", Value::List(vec![Value::Tuple(vec!["error".into(), "Bad <b>".into()])])),
                ("f", 1.5.into()),
                ("i", 7.into()),
                ("n", Value::Null),
                ("u", "héllo ☃ 😀".into()),
            ]),
            r#"{"_flashes":[{" t":["error","Bad <b>"]}],"f":1.5,"i":7,"n":null,"u":"h\u00e9llo \u2603 \ud83d\ude00"}"#,
            "eyJfZmxhc2hlcyI6W3siIHQiOlsiZXJyb3IiLCJCYWQgPGI-Il19XSwiZiI6MS41LCJpIjo3LCJuIjpudWxsLCJ1IjoiaFx1MDBlOWxsbyBcdTI2MDMgXHVkODNkXHVkZTAwIn0.aE7hgA.I6HYd6Fjt-iXFztncHWT-Zpf_2Y",
        );
    }

    #[test]
    fn s4_tags() {
        check(
            map([
                ("b", Value::Bytes(vec![0, 255])),
                ("d", Value::DateTime(datetime!(2025-06-15 12:30:45 UTC))),
                ("m", Value::Markup("<i>x</i>".to_owned())),
                ("t", Value::Tuple(vec![1.into(), "a".into()])),
                ("uu", Value::Uuid(0x1234_5678_1234_5678_1234_5678_1234_5678)),
            ]),
            r#"{"b":{" b":"AP8="},"d":{" d":"Sun, 15 Jun 2025 12:30:45 GMT"},"m":{" m":"<i>x</i>"},"t":{" t":[1,"a"]},"uu":{" u":"12345678123456781234567812345678"}}"#,
            ".eJyrVkpSsqpWUgCSSo4BFrZKtTpKKWARIKkUXJqno2BoquBVmqdgZGBkqmBoZGVsYGViquDuGwJSmgtWCiSVbDLtKmz0M-1AoiVgUSAZbaijlKgUCxQqLQWLAUklQyNjE1MzcwtctFJtLQDiFCRw.aE7hgA.KxjUdp5L_P0YAVUN3egWoKcZ1_Y",
        );
    }

    #[test]
    fn s5_an_object_that_looks_like_a_tag() {
        check(
            map([("x", Value::Map(map([(" t", "notatuple".into())])))]),
            r#"{"x":{" di":{" t__":"notatuple"}}}"#,
            "eyJ4Ijp7IiBkaSI6eyIgdF9fIjoibm90YXR1cGxlIn19fQ.aE7hgA.JG7IMsnAKvQVWyEI8x63pXaiNZU",
        );
    }

    #[test]
    fn s6_two_names_need_no_escape() {
        check(
            map([("x", Value::Map(map([(" t", 1.into()), ("k", 2.into())])))]),
            r#"{"x":{" t":1,"k":2}}"#,
            "eyJ4Ijp7IiB0IjoxLCJrIjoyfX0.aE7hgA.4mCTGyTnwUm7lHKufCeuViicdkk",
        );
    }

    #[test]
    fn s7_the_session_itself_looks_like_a_tag() {
        check(
            map([(" t", Value::List(vec![1.into(), 2.into()]))]),
            r#"{" di":{" t__":[1,2]}}"#,
            "eyIgZGkiOnsiIHRfXyI6WzEsMl19fQ.aE7hgA.1V01Km6pu-J1YjRw4DnqGdOBYUM",
        );
    }

    #[test]
    fn s8_repetition() {
        let text = "a".repeat(200);
        check(
            map([("k", text.as_str().into())]),
            &format!(r#"{{"k":"{text}"}}"#),
            ".eJyrVspWslJKHCZAqRYAlOZN7g.aE7hgA.2xc7Cq6PA1b21-thxN8-8NQBKsk",
        );
    }

    #[test]
    fn s9_all_that_a_sign_in_writes() {
        let (id, csrf) = ("ab".repeat(64), "cd".repeat(20));
        check(
            map([
                ("_fresh", true.into()),
                ("_id", id.as_str().into()),
                ("_permanent", true.into()),
                ("_user_id", "0123456789abcdef0123456789abcdef".into()),
                ("csrf_token", csrf.as_str().into()),
                ("fs_cc", "set".into()),
                ("fs_paa", 1_750_000_000.25.into()),
            ]),
            &format!(
                r#"{{"_fresh":true,"_id":"{id}","_permanent":true,"_user_id":"0123456789abcdef0123456789abcdef","csrf_token":"{csrf}","fs_cc":"set","fs_paa":1750000000.25}}"#
            ),
            ".eJyrVopPK0otzlCyKikqTdVRis9MUbJSSkwaWKgEdEhBalFuYl5qXgncaaXFqUUQ9xkYGhmbmJqZW1gmJiWnpKah84H6k4uL0uJL8rNT84Dqk1OIg0B9acXxyclALcWpJRBeQWKikpWhuakBBOgZmdYCAPvbao0.aE7hgA.CrkSnrFK6tMSbVfhmASGG46URos",
        );
    }

    #[test]
    fn s10_numbers() {
        check(
            map([
                ("big", Value::Int(12_345_678_901_234_567_890)),
                ("e", 1e22.into()),
                ("fs_gexp", 1_750_003_600.into()),
                ("fs_paa", 1_750_000_000.0.into()),
                ("neg", (-0.5).into()),
            ]),
            r#"{"big":12345678901234567890,"e":1e+22,"fs_gexp":1750003600,"fs_paa":1750000000.0,"neg":-0.5}"#,
            ".eJyrVkrKTFeyMjQyNjE1M7ewNECwdJRSgRKp2kZGOkppxfHpqRUFQL65qYGBgbGZgQFYsCAxESYGAnpA0bxUoHm6BnqmtQAWgBaG.aE7hgA.Zu1ZKje3TY3FjHDezxugXiUQOwo",
        );
    }

    #[test]
    fn wrong_cookies_are_refused() {
        let codec = codec();
        let read = |cookie: &str, now| codec.decode(cookie, now, DAYS_31);
        assert_eq!(read(&S1.replace(".eJ", ".fJ"), T0), Err(SignatureError::BadSignature));
        assert_eq!(read(&S1.replace(".aE7hgA.", ".aE7hgQ."), T0), Err(SignatureError::BadSignature));
        assert!(read(S1, T0 + DAYS_31).is_ok());
        assert_eq!(read(S1, T0 + DAYS_31 + 1), Err(SignatureError::Expired));
        assert_eq!(read(S1, T0 - 1), Err(SignatureError::Expired));
        assert_eq!(read("", T0), Err(SignatureError::Malformed));
        assert_eq!(read("abc", T0), Err(SignatureError::Malformed));
        assert_eq!(read(&"a.".repeat(20_000), T0), Err(SignatureError::TooLong));
        assert!(read(&format!("{S1}="), T0).is_err());
    }

    #[test]
    fn signed_but_wrongly_tagged_sessions_are_refused() {
        let serializer = UrlSafeTimedSerializer::with_derivation(&keys(), SessionCodec::SALT, Derivation::Hmac);
        for bad in [
            "[]",
            "null",
            r#"{" t":[1]}"#,
            r#"{"a":{" t":5}}"#,
            r#"{"a":{" t":{"0":1}}}"#,
            r#"{"a":{" b":"AP8"}}"#,
            r#"{"a":{" b":"AP9="}}"#,
            r#"{"a":{" b":1}}"#,
            r#"{"a":{" m":null}}"#,
            r#"{"a":{" u":"1234567812345678123456781234567"}}"#,
            r#"{"a":{" u":"1234567812345678123456781234567G"}}"#,
            r#"{"a":{" u":"+2345678123456781234567812345678"}}"#,
            r#"{"a":{" d":"Mon, 15 Jun 2025 12:30:45 GMT"}}"#,
            r#"{"a":{" d":5}}"#,
            r#"{"a":{" di":{}}}"#,
            r#"{"a":{" di":{" t":1}}}"#,
            r#"{"a":{" di":{"x__":1}}}"#,
            r#"{"a":{" di":{" t__":1," b__":1}}}"#,
            r#"{"a":{" di":[]}}"#,
        ] {
            let value = json::Value::from_json(bad).unwrap();
            let cookie = serializer.dumps(&value, T0).unwrap();
            assert_eq!(codec().decode(&cookie, T0, DAYS_31), Err(SignatureError::Payload), "{bad}");
        }
    }
}

#[test]
fn identifiers() {
    for (address, user_agent, wanted) in [
        (
            "127.0.0.1",
            Some("Mozilla/5.0 (X11; Linux x86_64)"),
            "ce3fa883568032fef5ccbb32fb6b63033835ff26795134ddffae790f888f7f12158a3c6ec3bec7a1557fc201486553d9829933abdca01f5ec1d9e351640692a5",
        ),
        (
            "127.0.0.1",
            None,
            "656d8f867997c2a40397700861e67a333b935d82576d85577e2da5109fbf90ba7d035f50908ba54969f8b60c156c4a762615d025942cb19ae24d329b88d388db",
        ),
        (
            "10.0.0.7",
            Some("it's"),
            "eb53521c3df050d73a17e9b48aac67fc30a1a368826e9869fa96ff4bfc5213539df50d3bf70f7029693c479f4233ce23830a3bbae0098a5b126408af05e32c8e",
        ),
        (
            "10.0.0.7",
            Some("q\"'z\\"),
            "c56dec677e0e03edb8b8efd8f689c1302f1d847705515e499a0aa60e155194e56f192ed41661b70413f827c569064373cc9324be1dfbffb678adbf913b50c8b5",
        ),
        (
            "203.0.113.9",
            Some("curl/8"),
            "67856f3664610bb43f2c1628b2dc92900cd601a352211fffa3b0d6024a06f10143d685bc1159df773fa260991108c5916b892e1b0a3c0ad7d765bb1927593c1d",
        ),
        (
            "::1",
            Some("café"),
            "25207f277c27a8351a255baae7164585e7007cf9e9075d92a65e11d5710094801b93d077efd59c5ef5095f464cbbf7639a395bd1b07619b63580e68ed22d7312",
        ),
    ] {
        assert_eq!(identifier(Some(address.as_bytes()), user_agent.map(str::as_bytes)), wanted, "{user_agent:?}");
    }
}

mod remember {
    use super::*;

    const OK_42: &str = "42|1f7c048e393306dd30065b9ddce700ac53880557a1548f676f3a4544f91a878fce8f79b1e1b17d575537df17613b3f9077bf71613d8a2cf9f1118965a186b9aa";

    #[test]
    fn cookies() {
        for (key, user, cookie) in [
            (
                SECRET,
                "0123456789abcdef0123456789abcdef",
                "0123456789abcdef0123456789abcdef|7a02ea4476e7900d69491ad140e4ba296067c4f6ee0ed0dec59f5967d07c48affa1b39c2d4feac9b11a0043bd364c6f1fb5974493d36272bb9bdfce1d2721c45",
            ),
            (SECRET, "42", OK_42),
            (
                SECRET,
                "a|b",
                "a|b|e56189aad1f833fe7c4ed4dd2e571ebf5cf9daffa7579635d286d5f8bb71b4d169718c6d48a71e2b608d1bf657346dab04ae3bf959cdd87f1bf29d83cc9987b1",
            ),
            (
                SECRET,
                "hé",
                "hé|69c0ddba913a71c7dea082ecc008eeee5bfb4844941688a0ecab21c4716947f2300b1504e15159f88f67ec02e550fa7b33065ea35c7da7e86b800db91f89f3c8",
            ),
            (
                "sécret",
                "42",
                "42|c107a138d134c1347f39b0d27a17d0b6b2eb7a1dd24ada25784fa4a2276c436bff030c1bd3ade99141697167b60fafaf9b74b41797a516613696e7935d5352cb",
            ),
        ] {
            let codec = RememberCodec::new(&KeyRing::new(key).unwrap());
            assert_eq!(codec.encode(user).unwrap(), cookie);
            assert_eq!(codec.decode(cookie), Ok(user));
        }
    }

    #[test]
    fn a_key_given_as_bytes_is_used_as_it_is() {
        let text = KeyRing::new("sécret").unwrap();
        let bytes = KeyRing::new(SecretKey::from(&b"s\xe9cret"[..])).unwrap();
        let cookie = RememberCodec::new(&text).encode("42").unwrap();
        assert_eq!(RememberCodec::new(&bytes).decode(&cookie), Ok("42"));
    }

    #[test]
    fn wrong_cookies_are_refused() {
        let codec = RememberCodec::new(&keys());
        let (_, digest) = OK_42.split_once('|').unwrap();
        for bad in [
            format!("43|{digest}"),
            format!("42|{}b", &digest[..127]),
            format!("42{digest}"),
            format!("42|{}", digest.to_uppercase()),
            format!("42|{digest}0"),
            format!("42|{digest} "),
            "42|".to_owned(),
            "|".to_owned(),
            String::new(),
            format!("{}|{digest}", "4".repeat(5000)),
        ] {
            assert!(codec.decode(&bad).is_err(), "{bad}");
        }
    }
}

mod csrf {
    use super::*;

    const RAW: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    const TOKEN: &str = "ImRhMzlhM2VlNWU2YjRiMGQzMjU1YmZlZjk1NjAxODkwYWZkODA3MDki.aE7hgA.n-alF5QeLJerVcCB0ol_iFtDCto";
    const ZEROS: &str = ".eJxTMiASKAEApyAHxQ.aE7hgA.SOpcyxe50KQL2cPD7N78vBFSRhI";

    fn codec() -> CsrfCodec {
        CsrfCodec::new(&keys(), CsrfCodec::SALT)
    }

    #[test]
    fn tokens() {
        let codec = codec();
        assert_eq!(codec.sign(RAW, T0).unwrap(), TOKEN);
        for now in [T0, T0 + 1, T0 + 3600] {
            assert_eq!(codec.validate(TOKEN, Some(RAW), now, Some(3600)), Ok(()));
        }
        assert_eq!(codec.validate(TOKEN, Some(RAW), T0 + 1_000_000, None), Ok(()));
        let other = CsrfCodec::new(&KeyRing::new("csrf-secret-2").unwrap(), CsrfCodec::SALT);
        let token = "ImRhMzlhM2VlNWU2YjRiMGQzMjU1YmZlZjk1NjAxODkwYWZkODA3MDki.aE7hgA.creNKnp-GZ-MAS7tEWRHQQ3G_ow";
        assert_eq!(other.sign(RAW, T0).unwrap(), token);
        assert_eq!(other.validate(token, Some(RAW), T0, Some(3600)), Ok(()));
        assert_eq!(codec.validate(ZEROS, Some(&"0".repeat(40)), T0, Some(3600)), Ok(()));
    }

    #[test]
    fn errors_come_in_the_order_of_the_reference() {
        let codec = codec();
        let check = |token: &str, session: Option<&str>, now| codec.validate(token, session, now, Some(3600));
        assert_eq!(check("", None, T0), Err(CsrfError::Missing));
        assert_eq!(check("x", None, T0), Err(CsrfError::SessionMissing));
        assert_eq!(check("x", Some(""), T0), Err(CsrfError::SessionMissing));
        assert_eq!(check(TOKEN, Some("other"), T0 + 3601), Err(CsrfError::Expired));
        assert_eq!(check(TOKEN, Some(RAW), T0 - 1), Err(CsrfError::Expired));
        assert_eq!(check(&TOKEN.replacen('I', "X", 1), Some(RAW), T0), Err(CsrfError::Invalid));
        assert_eq!(check("x", Some(RAW), T0), Err(CsrfError::Invalid));
        assert_eq!(check(&"x".repeat(2000), Some(RAW), T0), Err(CsrfError::Invalid));
        assert_eq!(check(ZEROS, Some(RAW), T0), Err(CsrfError::Mismatch));
        let number = UrlSafeTimedSerializer::new(&keys(), CsrfCodec::SALT).dumps(&json::Value::Int(1), T0).unwrap();
        assert_eq!(check(&number, Some(RAW), T0), Err(CsrfError::Invalid));
    }

    #[test]
    fn minting() {
        let one = CsrfCodec::mint().unwrap();
        assert_eq!(one.len(), 40);
        assert_ne!(one, CsrfCodec::mint().unwrap());
        // SHA-1 of 64 zero bytes.
        assert_eq!(CsrfCodec::mint_with(&[0; 64]), "c8d7d0ef0eedfa82d2ea1aa592845b9a6d4b02b7");
    }
}

/// Reads `text`, writes the payload again and compares with the reference, byte for byte unless deflated.
#[track_caller]
fn both_ways<P: Purpose>(payload: &P::Payload, text: &str)
where
    P::Payload: PartialEq,
{
    let codec = TokenCodec::<P>::with_defaults(&keys());
    let redeemed = codec.redeem(text, T0).unwrap();
    assert!(redeemed.payload == *payload, "read");
    assert_eq!(redeemed.issued_at, P::INFO.timed.then_some(T0));
    let minted = codec.mint(payload, T0).unwrap();
    assert_eq!(json_of(minted.as_str()), json_of(text));
    if !text.starts_with('.') {
        assert_eq!(minted.as_str(), text);
    }
    assert!(codec.redeem(minted.as_str(), T0).unwrap().payload == *payload, "read back");
}

mod auth_token {
    use super::*;

    const FIRST: &str =
        ".eJyrVipLLVKyUjJV0lEqzUwBsgwJAKDCtOL4gsREJStDc1MDCNAz0FFKrShQsjKoBQAT_RMT.aE7hgA.KhtuesVO-_Teq_Mh49G9REndnpY";

    fn redeem(text: &str, now: i64) -> Result<AuthTokenPayload, RedeemError<AuthTokenPayload>> {
        TokenCodec::<AuthToken>::with_defaults(&keys()).redeem(text, now).map(|redeemed| redeemed.payload)
    }

    #[test]
    fn version_5() {
        both_ways::<AuthToken>(&AuthTokenPayload::new(U, 1_750_000_000.0, 0), FIRST);
        both_ways::<AuthToken>(
            &AuthTokenPayload::new(U, 1_750_000_000.25, 0),
            ".eJyrVipLLVKyUjJV0lEqzUwBsgwJAKDCtOL4gsREJStDc1MDCNAzMtVRSq0oULIyqAUAJpQTSg.aE7hgA.R-EnykPigkfHYuXAZu9zXUv9hCc",
        );
        both_ways::<AuthToken>(
            &AuthTokenPayload::new(U, 1_750_000_000.0, 1_750_000_100),
            ".eJyrVipLLVKyUjJV0lEqzUwBsgwJAKDCtOL4gsREJStDc1MDCNAz0FFKrSiACxkaGNQCAMXlFNE.aE7hgA.WSzkzzPpWxO_dPrB0iKYz4KS1t8",
        );
        both_ways::<AuthToken>(
            &AuthTokenPayload::new(U, 1_750_000_000.0, 1_750_000_000),
            ".eJyrVipLLVKyUjJV0lEqzUwBsgwJAKDCtOL4gsREJStDc1MDCNAz0FFKrShAFqoFAMXhFNA.aE7hgA.NHkaCQYhW7YB8_MYhTeOMjLCdx4",
        );
    }

    #[test]
    fn versions_3_and_4_are_read_and_never_fresh() {
        for (version, text) in [
            (4, ".eJyLVjIkAJRiAYOHBx0.aE7hgA.AsYzDSa52294kdin3muupLoM0n4"),
            (3, ".eJyLVjJU0lHKSCzOAFKGBIBSLAD04wnS.aE7hgA.zExIkt6SxvTOVSVPUnrQNnZW4AE"),
        ] {
            let payload = redeem(text, T0).unwrap();
            assert_eq!((payload.version, payload.user.as_str()), (version, U));
            assert_eq!((payload.authenticated_at, payload.expires_at), (0.0, 0));
        }
    }

    #[test]
    fn wrong_tokens_are_refused() {
        let expired = ".eJyrVipLLVKyUjJV0lEqzUwBsgwJAKDCtOL4gsREJStDc1MDCNAz0FFKrSgACZlYQkAtAMcTFQ4.aE7hgA.u7VpkqU7Gm_cvKQeUCNQp4ryXCI";
        assert_eq!(redeem(expired, T0), Err(RedeemError::Expired(None)));
        for bad in [
            ".eJyrVipLLVKyUjJV0lEqzUwBsgwJAKVaAEbOC40.aE7hgA.o9mjNAcerzkYr-T8LFsssvpnAZg",
            "WyJhIiwiYiJd.aE7hgA.6WfaBB4B09M9-a7I5i-3yOF4TKs",
        ] {
            assert_eq!(redeem(bad, T0), Err(RedeemError::Invalid(SignatureError::Payload)), "{bad}");
        }
        assert!(redeem(FIRST, T0 + 900).is_ok());
        assert_eq!(redeem(FIRST, T0 + 901), Err(RedeemError::Expired(None)));
        let changed = format!("{}A", FIRST.strip_suffix('Y').unwrap());
        assert!(matches!(redeem(&changed, T0), Err(RedeemError::Invalid(_))));
    }

    #[test]
    fn claims_of_the_application_follow_ours() {
        let payload = AuthTokenPayload::new(U, 1.0, 0).with_claim("tenant", json::Value::from("acme")).unwrap();
        assert!(payload.clone().with_claim("tenant", json::Value::Null).is_err());
        assert!(payload.clone().with_claim("uid", json::Value::Null).is_err());
        let token = TokenCodec::<AuthToken>::with_defaults(&keys()).mint(&payload, T0).unwrap();
        assert_eq!(
            json_of(token.as_str()),
            format!(r#"{{"ver":"5","uid":"{U}","fs_paa":1.0,"exp":0,"tenant":"acme"}}"#)
        );
        let read = redeem(token.as_str(), T0).unwrap();
        assert_eq!(read.claim("tenant").and_then(json::Value::as_str), Some("acme"));
    }
}

mod refresh_token {
    use super::*;

    const FIRST: &str = ".eJyrVipLLVKyUjJU0lEqzUwBsQgAoMLUioLMotTi-MQSJStDc1Nzc3MzAwMDPQMdpZzE4pL40uLUFJicAQSA5PISc1OB5qekpiWW5pQAjUlLzM3MqQQKGRgaGZuYmplbWCYmJQPl0flAtempeUDzagFRZC53.NMub1184eB95jhNy5pph3eQFUZA";

    fn payload(generation: i64) -> RefreshTokenPayload {
        RefreshTokenPayload {
            user: U.to_owned(),
            expires_at: 1_757_776_000.0,
            last_used_at: 1_750_000_000.0,
            name: "default".to_owned(),
            family: "0123456789abcdef0123456789abcdef".to_owned(),
            generation,
        }
    }

    #[test]
    fn tokens() {
        both_ways::<RefreshToken>(&payload(1), FIRST);
        both_ways::<RefreshToken>(
            &payload(2),
            ".eJyFjMEKgzAQRP9lz1I2tro2PyNrs0ogSjGJtEj_vSvixYtzmpk3zAqLzGDBQAHZu81dSIfyeftZYssJrKGKiGpEvGEBgWNqcxR3MNy1sYlH0X8nPeeQ9Kbn0YevVmjK-6OqqXly91J-zrodZAJb_v5RZi54.K6-ECe9EbphMQF7mPIfBVZ8oJMQ",
        );
    }

    #[test]
    fn a_changed_signature_is_refused_and_age_does_not_matter() {
        let codec = TokenCodec::<RefreshToken>::new(&keys(), RefreshToken::INFO.default_salt, Some(1));
        assert!(codec.redeem(FIRST, i64::MAX).is_ok());
        let changed = format!("{}E", &FIRST[..FIRST.len() - 1]);
        assert!(matches!(codec.redeem(&changed, T0), Err(RedeemError::Invalid(_))));
    }
}

mod links_and_states {
    use super::*;

    const CONFIRM: &str = ".eJyLVjIkAJR0lFRMVXIqkzPSE0tSixNzSgwMDAxVckoLDVP8K4IyM4OKUsL1w0IsSjLMsjOzvcIqKwsTM_XLcouD8jINE331zJViATZEHWY.aE7hgA.2gbfXVF6KquyYm1FWL4jlZ1m1wI";
    const RESET: &str = ".eJyLVjIkAJR0lFRMVYryS_NSim0NDQwMVHIqkzPSE0tSixNzSoB8Q5Uw17Qor9wiXwPjPFPjwshAi8iwykD97GK_3Ch3t9wik-JyNyOvzNBI_2JnpVgAcGkgEQ.aE7hgA.VqgKc_IvDecZ3RhgdNcVPw-rVwE";
    const REGISTER: &str = ".eJyrVkrOSMzJSc1LT1WyUirOdXbOrIzPNnIuDKxMCQ6Mzw5wzQozTTRKMXAsSEssSS4INEyMcMkNDMhX0lHKS8wFacqtVMhOrQTyS4sTIaakJufnpSQWQcRSi-LLUosy0zKTE0sy8_OUrNISc4pTawHN1Snd.aE7hgA.mkAgXjj8fCtFT9J7coIIm7E1t3A";

    fn confirm() -> ConfirmEmailPayload {
        ConfirmEmailPayload { user: U.to_owned(), email_hash: HD.to_owned() }
    }

    fn reset() -> ResetPasswordPayload {
        ResetPasswordPayload { user: U.to_owned(), password_hash: Some(HP.to_owned()) }
    }

    #[test]
    fn mailed_links() {
        both_ways::<ConfirmEmail>(&confirm(), CONFIRM);
        both_ways::<ResetPassword>(&reset(), RESET);
        both_ways::<ResetPassword>(
            &ResetPasswordPayload { password_hash: None, ..reset() },
            ".eJyLVjIkAJR08kpzcmIBrGUJBA.aE7hgA.bhRpjiHY-VY3unPJEF9iBJ8APb4",
        );
        both_ways::<Passwordless>(
            &PasswordlessPayload { user: U.to_owned() },
            ".eJyLVjIkAJRiAYOHBx0.aE7hgA.IhAcNe9ikUhCP2wykKgzoqte-L4",
        );
        both_ways::<ChangeEmail>(
            &ChangeEmailPayload {
                user: U.to_owned(),
                old_email_hash: HD.to_owned(),
                new_email: "joe2@lp.com".to_owned(),
            },
            ".eJyLVjIkAJR0lFRMVXIqkzPSE0tSixNzSgwMDAxVckoLDVP8K4IyM4OKUsL1w0IsSjLMsjOzvcIqKwsTM_XLcouD8jINE331zIEmZOWnGjnkFOgl5-cqxQIA8Rwhzw.aE7hgA.RwrqIq1_TsPgiqR7Mp3fDlYxT6Q",
        );
        both_ways::<TwoFactorValidity>(
            &TwoFactorValidityPayload { user: U.to_owned() },
            ".eJxTMiQAlABv-AZl.aE7hgA.ZzA_2E6Uix8ZHh2egmb2P5AbfwY",
        );
    }

    #[test]
    fn text_outside_ascii_is_written_as_itsdangerous_writes_it() {
        both_ways::<Passwordless>(
            &PasswordlessPayload { user: "jö☃\u{7f}😀".to_owned() },
            "WyJqw7bimIN_8J-YgCJd.aE7hgA.5TnrWB9vN3E_hk-pXKsmhWky7gw",
        );
    }

    #[test]
    fn setup_states() {
        let totp_secret = r#"{"enckey":{}}"#.to_owned();
        both_ways::<UnifiedSetup>(
            &UnifiedSetupPayload {
                totp_secret: totp_secret.clone(),
                chosen_method: "sms".to_owned(),
                phone_number: Some("+16505551212".to_owned()),
                binding: None,
            },
            "eyJ0b3RwX3NlY3JldCI6IntcImVuY2tleVwiOnt9fSIsImNob3Nlbl9tZXRob2QiOiJzbXMiLCJwaG9uZV9udW1iZXIiOiIrMTY1MDU1NTEyMTIifQ.aE7hgA.lCoOkZ9WJJkcN9fnnykyOrlBdho",
        );
        both_ways::<TwoFactorSetup>(
            &TwoFactorSetupPayload { totp_secret, method: "email".to_owned(), phone: None, binding: None },
            "eyJ0b3RwX3NlY3JldCI6IntcImVuY2tleVwiOnt9fSIsIm1ldGhvZCI6ImVtYWlsIiwicGhvbmUiOm51bGx9.aE7hgA.aQOF-OPEz5DlzHRgExL8m7t84Jc",
        );
    }

    #[test]
    fn passkey_states() {
        both_ways::<WebauthnSignin>(
            &WebauthnSigninPayload { challenge: CHALLENGE.to_owned(), user_verification: false, binding: None },
            "eyJjaGFsbGVuZ2UiOiJzbUNDaXlfazJDcVF5ZFNRX2tQRWpWNWEyZDBBcGZhdGNwUTFhWERtUVBvIiwidXNlcl92ZXJpZmljYXRpb24iOmZhbHNlfQ.aE7hgA.GW0dTZYPbp0dyKoomZiQyzQAW6s",
        );
        both_ways::<WebauthnRegister>(
            &WebauthnRegisterPayload {
                challenge: CHALLENGE.to_owned(),
                name: "my key".to_owned(),
                usage: "secondary".to_owned(),
                user_verification: false,
                binding: None,
            },
            REGISTER,
        );
    }

    #[test]
    fn a_confirmation_changed_misused_or_late_is_refused() {
        let codec = TokenCodec::<ConfirmEmail>::with_defaults(&keys());
        let changed = format!("{}AA", &CONFIRM[..CONFIRM.len() - 2]);
        assert!(matches!(codec.redeem(&changed, T0), Err(RedeemError::Invalid(_))));
        let reset = TokenCodec::<ResetPassword>::with_defaults(&keys());
        assert_eq!(reset.redeem(CONFIRM, T0), Err(RedeemError::Invalid(SignatureError::BadSignature)));
        assert!(codec.redeem(CONFIRM, T0 + 172_800).is_ok());
        assert_eq!(codec.redeem(CONFIRM, T0 + 172_801), Err(RedeemError::Expired(None)));
        assert_eq!(codec.redeem(CONFIRM, T0 - 1), Err(RedeemError::Expired(None)));
    }

    #[test]
    fn an_expired_reset_link_still_names_its_user() {
        let codec = TokenCodec::<ResetPassword>::with_defaults(&keys());
        let Err(RedeemError::Expired(Some(expired))) = codec.redeem(RESET, T0 + 86_401) else {
            panic!("should be expired and readable");
        };
        assert_eq!((expired.payload, expired.issued_at), (reset(), Some(T0)));
        // A wrong signature is never read, however old.
        let changed = format!("{}AA", &RESET[..RESET.len() - 2]);
        assert!(matches!(codec.redeem(&changed, T0 + 86_401), Err(RedeemError::Invalid(_))));
    }

    #[test]
    fn the_state_of_a_registration_does_not_sign_in() {
        let codec = TokenCodec::<WebauthnSignin>::with_defaults(&keys());
        assert_eq!(codec.redeem(REGISTER, T0), Err(RedeemError::Invalid(SignatureError::Payload)));
    }
}

mod fernet_tokens {
    use super::*;

    const KEY1: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const KEY2: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    const FIRST: &str =
        "gAAAAABoTuGAAAECAwQFBgcICQoLDA0OD_bawiA2zOGTxc3ewo-Potg_pOfqEY_nBsBi9ucJmR-68L0B_5PM8of8UOsUFKGWyQ==";
    const SECOND: &str =
        "gAAAAABoTuGAAAAAAAAAAAAAAAAAAAAAADCs8gE9P4BFBIlPt0HUioJ5qqGoe7LZfmELPFCnO89EDQPY2-YwQjFgx7IVdWkhLw==";

    #[test]
    fn tokens() {
        let iv: [u8; 16] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        for (key, iv, text, token) in [(KEY1, iv, "71f3-0b8d-24aa", FIRST), (KEY2, [0; 16], "0000-1111-2222", SECOND)] {
            let fernet = Fernet::new([key]).unwrap();
            assert_eq!(fernet.encrypt_with(text.as_bytes(), T0, &iv).unwrap(), token);
            assert_eq!(*fernet.decrypt(token, T0, None).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn the_first_key_encrypts_and_all_decrypt() {
        let both = Fernet::new([KEY2, KEY1]).unwrap();
        assert_eq!(*both.decrypt(FIRST, T0 + 60, Some(60)).unwrap(), b"71f3-0b8d-24aa");
        let token = both.encrypt(b"x", T0).unwrap();
        assert!(Fernet::new([KEY2]).unwrap().decrypt(&token, T0, None).is_ok());
        assert_eq!(Fernet::new([KEY2]).unwrap().decrypt(FIRST, T0, None), Err(FernetError::Invalid));
    }

    #[test]
    fn wrong_tokens_are_refused() {
        let fernet = Fernet::new([KEY1]).unwrap();
        let decrypt = |token: &str, now, ttl| fernet.decrypt(token, now, ttl);
        assert_eq!(decrypt(&FIRST.replace("yQ==", "AA=="), T0, None), Err(FernetError::Invalid));
        assert_eq!(decrypt(FIRST, T0 + 61, Some(60)), Err(FernetError::Expired));
        assert_eq!(decrypt(FIRST, T0 - 61, Some(60)), Err(FernetError::Expired));
        assert!(decrypt(FIRST, T0 - 60, Some(60)).is_ok());
        for bad in ["", "gAAAAA==", &FIRST.replace('=', ""), &FIRST.replace("yQ==", "yR=="), &format!("{FIRST}\n")] {
            assert_eq!(decrypt(bad, T0, None), Err(FernetError::Invalid), "{bad}");
        }
        assert_eq!(decrypt(&"A".repeat(70_000), T0, None), Err(FernetError::TooLong));
        assert_eq!(fernet.encrypt(&[0; 65_000], T0), Err(FernetError::TooLong));
    }

    #[test]
    fn keys_are_checked() {
        assert!(Fernet::new([""]).is_err());
        assert!(Fernet::new(["AAAA"]).is_err());
        assert!(Fernet::new(Vec::<String>::new()).is_err());
        let made = Fernet::generate_key().unwrap();
        assert!(Fernet::new([made.as_str()]).is_ok());
        assert!(!format!("{:?}", Fernet::new([KEY1]).unwrap()).contains("AAEC"));
    }
}
