//! For each codec: what is written is read back, a change anywhere is noticed, and no input panics.
#![allow(clippy::unwrap_used)]

use lychgate_signing::{
    Derivation, KeyRing, Signer, TimestampSigner, UrlSafeSerializer, UrlSafeTimedSerializer,
    csrf::CsrfCodec,
    fernet::Fernet,
    identifier::{header_bytes, identifier},
    json,
    remember::RememberCodec,
    session::{Map, SessionCodec, Value},
    tokens::{
        self, AuthToken, AuthTokenPayload, Binding, Challenge, ChallengePayload, ChangeEmail, ChangeEmailPayload,
        ConfirmEmail, ConfirmEmailPayload, Invite, InvitePayload, KeepAccount, KeepAccountPayload, KnownDevice,
        KnownDevicePayload, NotMe, NotMePayload, Passwordless, PasswordlessPayload, Purpose, RefreshToken,
        RefreshTokenPayload, ResetPassword, ResetPasswordPayload, TokenCodec, TwoFactorSetup, TwoFactorSetupPayload,
        TwoFactorValidity, TwoFactorValidityPayload, UnifiedLink, UnifiedLinkPayload, UnifiedSetup,
        UnifiedSetupPayload, Unlock, UnlockPayload, WebauthnRegister, WebauthnRegisterPayload, WebauthnSignin,
        WebauthnSigninPayload, fingerprint,
    },
};
use proptest::prelude::*;
use time::OffsetDateTime;

const MAX_AGE: i64 = 1000;

fn keys() -> KeyRing {
    KeyRing::new("current").unwrap().with_fallbacks(["older"]).unwrap()
}

/// Every text that differs from `text` in one bit of one byte and is still UTF-8.
fn flipped(text: &str, at: prop::sample::Index, bit: u32) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len());
    bytes[at] ^= 1 << (bit % 8);
    String::from_utf8(bytes).ok()
}

fn session_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i128>().prop_map(Value::Int),
        prop::num::f64::ANY.prop_filter("NaN differs from itself", |n| !n.is_nan()).prop_map(Value::Float),
        any::<String>().prop_map(Value::Str),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        any::<String>().prop_map(Value::Markup),
        any::<u128>().prop_map(Value::Uuid),
        // The years 1 to 9999.
        (-62_135_596_800_i64..253_402_300_800)
            .prop_map(|seconds| Value::DateTime(OffsetDateTime::from_unix_timestamp(seconds).unwrap())),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Tuple),
            members(inner).prop_map(Value::Map),
        ]
    })
}

/// Names are often tags, with and without the mark of an escape.
fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map> {
    let name = prop_oneof![any::<String>(), " (di|t|b|m|u|d)(__)?"];
    prop::collection::btree_map(name, value, 0..5)
}

fn token_value() -> impl Strategy<Value = json::Value> {
    let leaf = prop_oneof![
        Just(json::Value::Null),
        any::<bool>().prop_map(json::Value::Bool),
        any::<i64>().prop_map(json::Value::from),
        (-1e9..1e9).prop_map(json::Value::Float),
        "[a-z0-9$@./]{0,40}".prop_map(json::Value::Str),
        Just(json::Value::from("5")),
        Just(json::Value::from("1")),
    ];
    let name = prop::sample::select(vec![
        "ver",
        "uid",
        "fs_paa",
        "exp",
        "expires_at",
        "last_used_at",
        "name",
        "family",
        "gen",
        "totp_secret",
        "method",
        "phone",
        "chosen_method",
        "phone_number",
        "challenge",
        "usage",
        "user_verification",
        "bind",
    ]);
    leaf.prop_recursive(2, 12, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(json::Value::List),
            prop::collection::btree_map(name.clone(), inner, 0..8).prop_map(json::Value::from_iter),
        ]
    })
}

/// Minted and redeemed; refused when flipped, under another key, by another purpose's salt.
fn token<P: Purpose>(payload: &P::Payload, now: i64, at: prop::sample::Index, bit: u32)
where
    P::Payload: PartialEq,
{
    let codec = TokenCodec::<P>::with_defaults(&keys());
    let minted = codec.mint(payload, now).unwrap();
    assert!(codec.redeem(minted.as_str(), now).unwrap().payload == *payload);
    if let Some(changed) = flipped(minted.as_str(), at, bit) {
        assert!(codec.redeem(&changed, now).is_err(), "{changed}");
        assert_ne!(fingerprint(minted.as_str()), fingerprint(&changed));
    }
    let other_key = TokenCodec::<P>::with_defaults(&KeyRing::new("other").unwrap());
    assert!(other_key.redeem(minted.as_str(), now).is_err());
    let other_salt = TokenCodec::<P>::new(&keys(), "other salt", P::INFO.default_lifetime);
    assert!(other_salt.redeem(minted.as_str(), now).is_err());
    assert!(!format!("{minted:?}").contains(minted.as_str()));
}

/// Signed by us, of whatever shape: an answer, and if it is yes, a payload that says the same again.
fn odd<P: Purpose>(value: &json::Value, now: i64) {
    let text = if P::INFO.timed {
        UrlSafeTimedSerializer::new(&keys(), P::INFO.default_salt).dumps(value, now).unwrap()
    } else {
        UrlSafeSerializer::new(&keys(), P::INFO.default_salt).dumps(value).unwrap()
    };
    let codec = TokenCodec::<P>::with_defaults(&keys());
    if let Ok(redeemed) = codec.redeem(&text, now) {
        let again = codec.mint(&redeemed.payload, now).unwrap();
        assert!(codec.redeem(again.as_str(), now).is_ok());
    }
}

fn binding() -> impl Strategy<Value = Option<Binding>> {
    any::<Option<(String, String)>>().prop_map(|parts| parts.map(|(user, session)| Binding::to(&[&user, &session])))
}

proptest! {
    #[test]
    fn sessions_round_trip(session in members(session_value()), now in 0..=i64::MAX) {
        let codec = SessionCodec::new(&keys(), SessionCodec::SALT);
        let cookie = codec.encode(&session, now).unwrap();
        prop_assert!(codec.decode(&cookie, now, MAX_AGE).unwrap() == session);
    }

    #[test]
    fn changed_sessions_are_refused(
        session in members(session_value()), at in any::<prop::sample::Index>(), bit in 0_u32..8,
    ) {
        let codec = SessionCodec::new(&keys(), SessionCodec::SALT);
        let cookie = codec.encode(&session, 5).unwrap();
        if let Some(changed) = flipped(&cookie, at, bit) {
            prop_assert!(codec.decode(&changed, 5, MAX_AGE).is_err());
        }
    }

    #[test]
    fn signers_round_trip(value in any::<String>(), now in 0..=i64::MAX, at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        for derivation in [Derivation::DjangoConcat, Derivation::Hmac, Derivation::Concat] {
            let plain = Signer::new(&keys(), "salt", derivation);
            let signed = plain.sign(&value);
            prop_assert_eq!(plain.unsign(&signed), Ok(value.as_str()));
            if let Some(changed) = flipped(&signed, at, bit) {
                prop_assert!(plain.unsign(&changed).is_err());
            }
            let dated = TimestampSigner::new(&keys(), "salt", derivation);
            let signed = dated.sign(&value, now);
            prop_assert_eq!(dated.unsign(&signed), Ok((value.as_str(), now)));
            if let Some(changed) = flipped(&signed, at, bit) {
                prop_assert!(dated.unsign(&changed).is_err());
            }
        }
    }

    #[test]
    fn remember_cookies_round_trip(user in any::<String>(), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let codec = RememberCodec::new(&keys());
        let cookie = codec.encode(&user).unwrap();
        prop_assert_eq!(codec.decode(&cookie), Ok(user.as_str()));
        if let Some(changed) = flipped(&cookie, at, bit) {
            prop_assert!(codec.decode(&changed).is_err());
        }
    }

    #[test]
    fn csrf_tokens_round_trip(random in any::<[u8; 32]>(), now in 0..i64::MAX / 2, at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&random);
        let raw = CsrfCodec::mint_with(&bytes);
        let codec = CsrfCodec::new(&keys(), CsrfCodec::SALT);
        let token = codec.sign(&raw, now).unwrap();
        prop_assert_eq!(codec.validate(&token, Some(&raw), now + 9, Some(9)), Ok(()));
        prop_assert!(codec.validate(&token, Some(&raw), now + 10, Some(9)).is_err());
        if let Some(changed) = flipped(&token, at, bit) {
            prop_assert!(codec.validate(&changed, Some(&raw), now, None).is_err());
        }
        if let Some(changed) = flipped(&raw, at, bit) {
            prop_assert!(codec.validate(&token, Some(&changed), now, None).is_err());
        }
    }

    #[test]
    fn fernet_tokens_round_trip(
        data in prop::collection::vec(any::<u8>(), 0..200), key in any::<[u8; 32]>(), iv in any::<[u8; 16]>(),
        now in 0..i64::MAX / 2, at in any::<prop::sample::Index>(), bit in 0_u32..8,
    ) {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE};
        let fernet = Fernet::new([URL_SAFE.encode([7; 32]), URL_SAFE.encode(key)]).unwrap();
        let token = fernet.encrypt_with(&data, now, &iv).unwrap();
        prop_assert_eq!(&*fernet.decrypt(&token, now, Some(0)).unwrap(), &data);
        if let Some(changed) = flipped(&token, at, bit) {
            prop_assert!(fernet.decrypt(&changed, now, None).is_err());
        }
    }

    #[test]
    fn tokens_round_trip(
        text in any::<[String; 5]>(), maybe in any::<Option<String>>(), flag in any::<bool>(), time in -1e12..1e12_f64,
        number in any::<i64>(), now in 0..i64::MAX, binding in binding(), at in any::<prop::sample::Index>(), bit in 0_u32..8,
    ) {
        let [user, a, b, c, d] = text;
        let expires_at = now.saturating_add(number.saturating_abs());
        token::<AuthToken>(&AuthTokenPayload::new(user.as_str(), time, expires_at), now, at, bit);
        token::<RefreshToken>(
            &RefreshTokenPayload {
                user: user.clone(), expires_at: time, last_used_at: -time, name: a.clone(), family: b.clone(), generation: number,
            },
            now, at, bit,
        );
        token::<ConfirmEmail>(&ConfirmEmailPayload { user: user.clone(), email_hash: a.clone() }, now, at, bit);
        token::<ResetPassword>(&ResetPasswordPayload { user: user.clone(), password_hash: maybe.clone() }, now, at, bit);
        token::<Passwordless>(&PasswordlessPayload { user: user.clone() }, now, at, bit);
        token::<ChangeEmail>(
            &ChangeEmailPayload { user: user.clone(), old_email_hash: a.clone(), new_email: b.clone() }, now, at, bit,
        );
        token::<Unlock>(&UnlockPayload { user: number, anchor: a.clone(), id: b.clone() }, now, at, bit);
        token::<Challenge>(
            &ChallengePayload { id: a.clone(), door: b.clone(), network: c.clone(), bits: number }, now, at, bit,
        );
        token::<NotMe>(
            &NotMePayload { user: number, anchor: a.clone(), event: b.clone(), email: c.clone(), at: number }, now, at, bit,
        );
        token::<KnownDevice>(&KnownDevicePayload { users: vec![a.clone(), b.clone()] }, now, at, bit);
        token::<KeepAccount>(&KeepAccountPayload { user: now, due: -now }, now, at, bit);
        token::<TwoFactorValidity>(&TwoFactorValidityPayload { user }, now, at, bit);
        token::<TwoFactorSetup>(
            &TwoFactorSetupPayload {
                totp_secret: a.clone(), method: b.clone(), phone: maybe.clone(), binding: binding.clone(),
            },
            now, at, bit,
        );
        token::<UnifiedLink>(
            &UnifiedLinkPayload { user: number, code: a.clone(), binding: Binding::to(&[b.as_str()]) }, now, at, bit,
        );
        token::<UnifiedSetup>(
            &UnifiedSetupPayload {
                totp_secret: a, chosen_method: b.clone(), phone_number: maybe, binding: binding.clone(),
            },
            now, at, bit,
        );
        token::<WebauthnRegister>(
            &WebauthnRegisterPayload {
                challenge: b.clone(), name: c, usage: d, user_verification: flag, binding: binding.clone(),
            },
            now, at, bit,
        );
        token::<WebauthnSignin>(
            &WebauthnSigninPayload { challenge: b, user_verification: flag, binding }, now, at, bit,
        );
    }

    #[test]
    fn odd_payloads_under_our_signature_never_panic(value in token_value(), now in 0..i64::MAX) {
        odd::<AuthToken>(&value, now);
        odd::<RefreshToken>(&value, now);
        odd::<ConfirmEmail>(&value, now);
        odd::<ResetPassword>(&value, now);
        odd::<Passwordless>(&value, now);
        odd::<ChangeEmail>(&value, now);
        odd::<NotMe>(&value, now);
        odd::<Unlock>(&value, now);
        odd::<KnownDevice>(&value, now);
        odd::<KeepAccount>(&value, now);
        odd::<TwoFactorValidity>(&value, now);
        odd::<TwoFactorSetup>(&value, now);
        odd::<UnifiedLink>(&value, now);
        odd::<UnifiedSetup>(&value, now);
        odd::<WebauthnRegister>(&value, now);
        odd::<WebauthnSignin>(&value, now);
        let cookie = UrlSafeTimedSerializer::with_derivation(&keys(), SessionCodec::SALT, Derivation::Hmac)
            .dumps(&value, now).unwrap();
        let _ = SessionCodec::new(&keys(), SessionCodec::SALT).decode(&cookie, now, MAX_AGE);
        let text = UrlSafeTimedSerializer::new(&keys(), CsrfCodec::SALT).dumps(&value, now).unwrap();
        let _ = CsrfCodec::new(&keys(), CsrfCodec::SALT).validate(&text, Some("x"), now, Some(MAX_AGE));
    }

    #[test]
    fn arbitrary_text_never_panics(
        text in any::<String>(), like in r"\.?[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,8})?(\.[A-Za-z0-9_-]{0,28})?",
        bytes in prop::collection::vec(any::<u8>(), 0..60), now in any::<i64>(), max_age in any::<Option<i64>>(),
    ) {
        let fernet = Fernet::new(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]).unwrap();
        for text in [&text, &like] {
            prop_assert!(SessionCodec::new(&keys(), SessionCodec::SALT).decode(text, now, MAX_AGE).is_err());
            prop_assert!(RememberCodec::new(&keys()).decode(text).is_err());
            prop_assert!(CsrfCodec::new(&keys(), CsrfCodec::SALT).validate(text, Some("x"), now, max_age).is_err());
            prop_assert!(TokenCodec::<AuthToken>::new(&keys(), "salt", max_age).redeem(text, now).is_err());
            prop_assert!(TokenCodec::<RefreshToken>::with_defaults(&keys()).redeem(text, now).is_err());
            prop_assert!(fernet.decrypt(text, now, max_age).is_err());
            let _ = Fernet::new([text]);
        }
        prop_assert_eq!(identifier(Some(&bytes), Some(&header_bytes(&bytes))).len(), 128);
    }
}

/// Salts must differ, but for the two passkey ceremonies, whose payloads differ.
#[test]
fn every_purpose_is_listed_once_and_has_its_own_salt() {
    let mut names: Vec<_> = tokens::ALL.iter().map(|info| info.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), tokens::ALL.len());
    for (index, one) in tokens::ALL.iter().enumerate() {
        assert!(!one.audience.is_empty() && !one.bound_to.is_empty() && one.lifetime_setting.is_some());
        for other in &tokens::ALL[index + 1..] {
            let passkeys = one.salt_setting == "WAN_SALT" && other.salt_setting == "WAN_SALT";
            assert!(passkeys || one.default_salt != other.default_salt, "{} and {}", one.name, other.name);
        }
    }
}

/// Each kind of token at each reader: only its own takes it.
#[test]
fn no_token_is_good_for_another_purpose() {
    const NOW: i64 = 1_750_000_000;
    fn accepts<P: Purpose>(text: &str) -> bool {
        TokenCodec::<P>::with_defaults(&keys()).redeem(text, NOW).is_ok()
    }
    fn mint<P: Purpose>(payload: P::Payload) -> String {
        TokenCodec::<P>::with_defaults(&keys()).mint(&payload, NOW).unwrap().into_string()
    }
    let text = || "text".to_owned();
    let minted = [
        mint::<AuthToken>(AuthTokenPayload::new("text", 1.0, 0)),
        mint::<RefreshToken>(RefreshTokenPayload {
            user: text(),
            expires_at: 1.0,
            last_used_at: 1.0,
            name: text(),
            family: text(),
            generation: 1,
        }),
        mint::<ConfirmEmail>(ConfirmEmailPayload { user: text(), email_hash: text() }),
        mint::<ResetPassword>(ResetPasswordPayload { user: text(), password_hash: Some(text()) }),
        mint::<Passwordless>(PasswordlessPayload { user: text() }),
        mint::<ChangeEmail>(ChangeEmailPayload { user: text(), old_email_hash: text(), new_email: text() }),
        mint::<NotMe>(NotMePayload { user: 1, anchor: text(), event: text(), email: text(), at: 1 }),
        mint::<Unlock>(UnlockPayload { user: 1, anchor: text(), id: text() }),
        mint::<Challenge>(ChallengePayload { id: text(), door: text(), network: text(), bits: 1 }),
        mint::<KnownDevice>(KnownDevicePayload { users: vec![text()] }),
        mint::<KeepAccount>(KeepAccountPayload { user: 1, due: 2 }),
        mint::<Invite>(InvitePayload { invitation: text() }),
        mint::<TwoFactorValidity>(TwoFactorValidityPayload { user: text() }),
        mint::<TwoFactorSetup>(TwoFactorSetupPayload {
            totp_secret: text(),
            method: text(),
            phone: None,
            binding: None,
        }),
        mint::<UnifiedLink>(UnifiedLinkPayload { user: 1, code: text(), binding: Binding::to(&["text"]) }),
        mint::<UnifiedSetup>(UnifiedSetupPayload {
            totp_secret: text(),
            chosen_method: text(),
            phone_number: None,
            binding: None,
        }),
        mint::<WebauthnRegister>(WebauthnRegisterPayload {
            challenge: text(),
            name: text(),
            usage: text(),
            user_verification: true,
            binding: None,
        }),
        mint::<WebauthnSignin>(WebauthnSigninPayload { challenge: text(), user_verification: true, binding: None }),
    ];
    let readers = [
        accepts::<AuthToken>,
        accepts::<RefreshToken>,
        accepts::<ConfirmEmail>,
        accepts::<ResetPassword>,
        accepts::<Passwordless>,
        accepts::<ChangeEmail>,
        accepts::<NotMe>,
        accepts::<Unlock>,
        accepts::<Challenge>,
        accepts::<KnownDevice>,
        accepts::<KeepAccount>,
        accepts::<Invite>,
        accepts::<TwoFactorValidity>,
        accepts::<TwoFactorSetup>,
        accepts::<UnifiedLink>,
        accepts::<UnifiedSetup>,
        accepts::<WebauthnRegister>,
        accepts::<WebauthnSignin>,
    ];
    assert_eq!((minted.len(), readers.len()), (tokens::ALL.len(), tokens::ALL.len()));
    for (i, text) in minted.iter().enumerate() {
        for (j, reader) in readers.iter().enumerate() {
            assert_eq!(reader(text), i == j, "{} at the reader of {}", tokens::ALL[i].name, tokens::ALL[j].name);
        }
    }
}

/// A stream that inflates a thousandfold is refused once it passes the bound, whoever signed it.
#[test]
fn a_signed_deflate_bomb_is_refused() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 10_000_000]).unwrap();
    let payload = format!(".{}", URL_SAFE_NO_PAD.encode(encoder.finish().unwrap()));
    let cookie = TimestampSigner::new(&keys(), SessionCodec::SALT, Derivation::Hmac).sign(&payload, 1);
    assert!(cookie.len() < 16 * 1024);
    assert!(SessionCodec::new(&keys(), SessionCodec::SALT).decode(&cookie, 1, MAX_AGE).is_err());
}

/// What is too deep to be read is not written, tags counted.
#[test]
fn depth_is_the_same_for_reader_and_writer() {
    let codec = SessionCodec::new(&keys(), SessionCodec::SALT);
    let nest = |depth, wrap: fn(Value) -> Value| {
        let value = (0..depth).fold(Value::Null, |inner, _| wrap(inner));
        codec.encode(&Map::from([("a".to_owned(), value)]), 1)
    };
    let list: fn(Value) -> Value = |inner| Value::List(vec![inner]);
    let tuple: fn(Value) -> Value = |inner| Value::Tuple(vec![inner]);
    for (wrap, deepest) in [(list, json::MAX_DEPTH - 1), (tuple, (json::MAX_DEPTH - 1) / 2)] {
        let cookie = nest(deepest, wrap).unwrap();
        assert!(codec.decode(&cookie, 1, MAX_AGE).is_ok());
        assert!(nest(deepest + 1, wrap).is_err());
    }
}
