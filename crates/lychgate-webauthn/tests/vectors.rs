//! A ceremony that Flask-Security 5.9.2 accepts, and the five ways of changing it that it names.
#![allow(clippy::unwrap_used)]

use lychgate_webauthn::{
    Algorithm, Asserted, Assertion, AssertionCheck, Reason, Refused, Registered, RegistrationCheck, Stored,
};

const CHALLENGE: &str = "smCCiy_k2CqQydSQ_kPEjV5a2d0ApfatcpQ1aXDmQPo";
const REGISTRATION: &str = r#"{"id":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","rawId":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","type":"public-key","response":{"attestationObject":"o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikSZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2NFAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fpQECAyYgASFYIAIX5hfwtkQ5KCePlpmeaaI6TywVK99tbN9m5bgCgtTtIlggGUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q","clientDataJSON":"eyJ0eXBlIjogIndlYmF1dGhuLmNyZWF0ZSIsICJjaGFsbGVuZ2UiOiAiYzIxRFEybDVYMnN5UTNGUmVXUlRVVjlyVUVWcVZqVmhNbVF3UVhCbVlYUmpjRkV4WVZoRWJWRlFidyIsICJvcmlnaW4iOiAiaHR0cDovL2xvY2FsaG9zdCIsICJjcm9zc09yaWdpbiI6IGZhbHNlfQ","transports":["usb"]}}"#;
const ASSERTION: &str = r#"{"id":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","rawId":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","type":"public-key","response":{"authenticatorData":"SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ","clientDataJSON":"eyJ0eXBlIjogIndlYmF1dGhuLmdldCIsICJjaGFsbGVuZ2UiOiAiYzIxRFEybDVYMnN5UTNGUmVXUlRVVjlyVUVWcVZqVmhNbVF3UVhCbVlYUmpjRkV4WVZoRWJWRlFidyIsICJvcmlnaW4iOiAiaHR0cDovL2xvY2FsaG9zdCIsICJjcm9zc09yaWdpbiI6IGZhbHNlfQ","signature":"MEUCIQCbh3wjVPB8A6lbOu7K3NuQJCvgs4qgJctPRvHWoePX1wIgGX1_0Pqyhhpespu25QSUoOX0Nz81KQgOtNLqGUZPmmk","userHandle":"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE"}}"#;
const PUBLIC_KEY: &str = "a50102032620012158200217e617f0b6443928278f96999e69a23a4f2c152bdf6d6cdf66e5b80282d4ed225820194a7debcb97712d2dda3ca85aa8765a56f45fc758599652f2897c65306e5794";

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn register(challenge: &str, rp_id: &str, origin: &str) -> Result<Registered, Refused> {
    let check = RegistrationCheck {
        challenge,
        rp_id,
        origins: &[origin.to_owned()],
        require_user_verification: true,
        algorithms: Algorithm::OFFERED,
    };
    check.verify(REGISTRATION)
}

fn assert_on(challenge: &str, rp_id: &str, origin: &str, sign_count: i64, json: &str) -> Result<Asserted, Refused> {
    let assertion = Assertion::parse(json).unwrap();
    let check = AssertionCheck {
        challenge,
        rp_id,
        origins: &[origin.to_owned()],
        require_user_verification: true,
        stored: Stored {
            credential_id: &(0..32).collect::<Vec<u8>>(),
            public_key: &unhex(PUBLIC_KEY),
            sign_count,
            backup_eligible: Some(false),
            user_handle: &[b'a'; 32],
        },
    };
    check.verify(&assertion)
}

#[test]
fn registration() {
    let registered = register(CHALLENGE, "localhost", "http://localhost").unwrap();
    assert_eq!(registered.credential_id, (0..32).collect::<Vec<u8>>());
    assert_eq!(registered.public_key, unhex(PUBLIC_KEY));
    assert_eq!(registered.algorithm, Algorithm::Es256);
    assert_eq!(registered.sign_count, 0);
    assert!(registered.user_verified);
    assert_eq!(registered.device_type(), "single_device");
    assert!(!registered.backup_state);
    assert_eq!(registered.transports, ["usb"]);
    assert_eq!(registered.aaguid, [0; 16]);
    assert_eq!((registered.extensions, registered.discoverable), (None, None));
}

#[test]
fn registration_refused() {
    let cause = |refused: Result<Registered, Refused>| refused.unwrap_err().cause().to_owned();
    assert_eq!(cause(register(CHALLENGE, "other", "http://localhost")), "Unexpected RP ID hash");
    assert_eq!(
        cause(register(CHALLENGE, "localhost", "https://localhost")),
        r#"Unexpected client data origin "http://localhost", expected "https://localhost""#
    );
    for challenge in ["another", "", &CHALLENGE[..42]] {
        assert_eq!(
            cause(register(challenge, "localhost", "http://localhost")),
            "Client data challenge was not expected challenge"
        );
    }
}

#[test]
fn assertion() {
    let parsed = Assertion::parse(ASSERTION).unwrap();
    assert_eq!(parsed.credential_id(), (0..32).collect::<Vec<u8>>());
    assert_eq!(parsed.user_handle(), Some(&[b'a'; 32][..]));
    let asserted = assert_on(CHALLENGE, "localhost", "http://localhost", 0, ASSERTION).unwrap();
    assert_eq!(asserted.sign_count, 1);
    assert!(asserted.user_verified);
    assert!(!asserted.backup_state);
}

#[test]
fn assertion_refused() {
    let flipped = ASSERTION.replace("UZPmmk", "UZPmmg");
    for (refused, reason, cause) in [
        (
            assert_on(CHALLENGE, "localhost", "http://localhost", 0, &flipped),
            Reason::Signature,
            "Could not verify authentication signature",
        ),
        (
            assert_on(CHALLENGE, "other", "http://localhost", 0, ASSERTION),
            Reason::RelyingParty,
            "Unexpected RP ID hash",
        ),
        (
            assert_on(CHALLENGE, "localhost", "https://localhost", 0, ASSERTION),
            Reason::Origin,
            r#"Unexpected client data origin "http://localhost", expected "https://localhost""#,
        ),
        (
            assert_on(CHALLENGE, "localhost", "http://localhost", 1, ASSERTION),
            Reason::SignCount,
            "Response sign count of 1 was not greater than current count of 1",
        ),
        (
            assert_on("another", "localhost", "http://localhost", 0, ASSERTION),
            Reason::Challenge,
            "Client data challenge was not expected challenge",
        ),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.reason(), reason);
        assert_eq!(refused.cause(), cause);
        assert_ne!(refused.to_string(), cause);
    }
}
