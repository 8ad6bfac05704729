//! Tokens that nobody should accept: each is refused with the documented body, and never with an error of the server.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_testkit::TestApp;
use serde_json::{Value, json};

use super::{app, get_with, says, signed};

const RSA: &str = include_str!("../../../lychgate-signing/tests/keys/rs256.pem");
const RSA_PUBLIC: &str = include_str!("../../../lychgate-signing/tests/keys/rs256.pub.pem");

/// A token with a header of one's own, signed by HS256.
fn forged(header: &Value, claims: &str, secret: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(&header.to_string()), part(claims));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac_sha256(secret.as_bytes(), message.as_bytes())))
}

/// HMAC (RFC 2104) with SHA-256.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let mut block = [0_u8; 64];
    let short = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block[..short.len()].copy_from_slice(&short);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

/// Every bad token, and what is said of it.
async fn bad_tokens(app: &TestApp) -> Vec<(&'static str, String, &'static str)> {
    let (matt, now) = (app.user("matt@lp.com").await.fs_uniquifier.clone(), app.now().unix_timestamp());
    let claims = json!({"sub": matt, "exp": now + 60}).to_string();
    let with = |name: &str, value: Value| {
        let mut claims = json!({"sub": matt, "exp": now + 60, "iat": now, "nbf": now, "type": "access"});
        claims[name] = value;
        signed(&claims)
    };
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let hs = |more: Value| {
        let mut header = json!({"alg": "HS256", "typ": "JWT"});
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        header
    };
    let good = with("x", json!(1));
    let (head, rest) = good.split_once('.').unwrap();
    let tampered = format!("{head}.{}.{}", part(&claims), rest.split_once('.').unwrap().1);
    let theirs = "a secret that is not ours, 32 bytes";
    vec![
        ("none", format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&claims)), "The specified alg value is not allowed"),
        ("None", format!("{}.{}.", part(r#"{"alg":"NoNe"}"#), part(&claims)), "The specified alg value is not allowed"),
        ("confusion", forged(&hs(json!({})), &claims, RSA_PUBLIC), "Signature verification failed"),
        ("empty key", forged(&hs(json!({})), &claims, ""), "Signature verification failed"),
        ("tampered", tampered, "Signature verification failed"),
        ("kid path", forged(&hs(json!({"kid": "../../dev/null"})), &claims, ""), "Signature verification failed"),
        ("kid sql", forged(&hs(json!({"kid": "x' UNION SELECT 'k"})), &claims, "k"), "Signature verification failed"),
        ("kid huge", forged(&hs(json!({"kid": "k".repeat(5000)})), &claims, theirs), "Signature verification failed"),
        ("kid number", forged(&hs(json!({"kid": 1})), &claims, super::SECRET), "Invalid header string"),
        ("jku", forged(&hs(json!({"jku": "http://127.0.0.1:9/"})), &claims, theirs), "Signature verification failed"),
        ("x5u", forged(&hs(json!({"x5u": "http://127.0.0.1:9/"})), &claims, theirs), "Signature verification failed"),
        (
            "jwk",
            forged(&hs(json!({"jwk": {"kty": "oct", "k": part(theirs)}})), &claims, theirs),
            "Signature verification failed",
        ),
        ("crit", forged(&hs(json!({"crit": ["exp"]})), &claims, super::SECRET), "Invalid header string"),
        ("oversized", format!("{}.{}.x", part("{}"), "a".repeat(9000)), "Token is too long"),
        ("twice", forged(&hs(json!({})), r#"{"sub":"a","sub":"b"}"#, super::SECRET), "Invalid payload string"),
        (
            "deep",
            forged(&hs(json!({})), &format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500)), super::SECRET),
            "Invalid payload string",
        ),
        ("list", forged(&hs(json!({})), "[]", super::SECRET), "Invalid payload string"),
        ("not yet", with("nbf", json!(now + 3600)), "The token is not yet valid (nbf)"),
        ("later", with("iat", json!(now + 3600)), "The token is not yet valid (iat)"),
        ("exp text", with("exp", json!("9999999999")), "Expiration Time claim (exp) must be an integer."),
        ("exp float", with("exp", json!(1e300)), "Expiration Time claim (exp) must be an integer."),
        ("exp null", with("exp", json!(null)), "Expiration Time claim (exp) must be an integer."),
        ("exp negative", with("exp", json!(-1)), "Expiration Time claim (exp) must be an integer."),
        ("audience", with("aud", json!("somebody else")), "Invalid audience"),
        ("kind", with("type", json!("id")), "Only non-refresh tokens are allowed"),
        ("kind number", with("type", json!(1)), "Only non-refresh tokens are allowed"),
        ("subject", with("sub", json!(1)), "Subject must be a string"),
        ("id", with("jti", json!(["a"])), "JWT ID must be a string"),
        ("nobody named", signed(&json!({"exp": now + 60})), "Missing claim: sub"),
    ]
}

#[tokio::test]
async fn bad_tokens_are_refused_as_flask_jwt_extended_does() {
    let app = app().start().await;
    for (name, token, said) in bad_tokens(&app).await {
        for path in ["/protected", "/optional", "/refresh-only", "/claims"] {
            let reply = get_with(&app, path, &token).await;
            let said = if path == "/refresh-only" && said.starts_with("Only non") {
                "Only refresh tokens are allowed"
            } else {
                said
            };
            assert_eq!((reply.status(), &reply.json()["msg"]), (422, &json!(said)), "{name} at {path}");
        }
        assert_eq!(get_with(&app, "/whoami", &token).await.json()["email"], Value::Null, "{name}");
    }
    let now = app.now().unix_timestamp();
    let expired = signed(&json!({"sub": "x", "exp": now}));
    says(&get_with(&app, "/protected", &expired).await, 401, "Token has expired");
}

#[tokio::test]
async fn bad_tokens_are_401_where_nothing_is_moved() {
    let app = app().toml("[jwt]\nrefused_status = \"401\"\nerror_message_key = \"message\"").start().await;
    for (name, token, said) in bad_tokens(&app).await {
        let reply = get_with(&app, "/protected", &token).await;
        assert_eq!((reply.status(), reply.json()), (401, json!({"message": said})), "{name}");
        let lesson = get_with(&app, "/lesson", &token).await;
        assert_eq!((lesson.status(), &lesson.json()["error"]), (401, &json!(said)), "{name}");
    }
}

#[tokio::test]
async fn the_public_key_is_no_secret() {
    let rsa = format!("[jwt]\nalgorithm = \"RS256\"\nprivate_key = '''{RSA}'''");
    let app = app().toml(&rsa).start().await;
    let matt = app.user("matt@lp.com").await.fs_uniquifier.clone();
    let claims = json!({"sub": matt}).to_string();
    let kid = app.browser().get("/.well-known/jwks.json").await.json()["keys"][0]["kid"].clone();
    for header in [json!({"alg": "HS256"}), json!({"alg": "HS256", "kid": kid})] {
        for secret in [RSA_PUBLIC, RSA_PUBLIC.trim_end()] {
            let token = forged(&header, &claims, secret);
            says(&get_with(&app, "/protected", &token).await, 422, "The specified alg value is not allowed");
        }
    }
}

#[tokio::test]
async fn tokens_without_an_end_are_refused_where_the_settings_say_so() {
    let app = app().start().await;
    let matt = app.user("matt@lp.com").await.fs_uniquifier.clone();
    let endless = signed(&json!({"sub": matt}));
    assert_eq!(get_with(&app, "/protected", &endless).await.status(), 200);
    let strict = super::app().toml("[jwt]\nrequire_exp = true").sharing(&app).start().await;
    says(&get_with(&strict, "/protected", &endless).await, 422, "Expiration Time claim (exp) must be an integer.");
}

#[tokio::test]
async fn another_issuer_and_another_audience() {
    let app = app().toml("[jwt]\ndecode_issuer = \"us\"\ndecode_audience = [\"web\", \"app\"]").start().await;
    let matt = app.user("matt@lp.com").await.fs_uniquifier.clone();
    for (more, said) in [
        (json!({"iss": "us", "aud": "web"}), ""),
        (json!({"iss": "us", "aud": ["x", "app"]}), ""),
        (json!({"iss": "us"}), "Token is missing the \"aud\" claim"),
        (json!({"iss": "us", "aud": "x"}), "Audience doesn't match"),
        (json!({"aud": "web"}), "Token is missing the \"iss\" claim"),
        (json!({"iss": "them", "aud": "web"}), "Invalid issuer"),
    ] {
        let mut claims = json!({"sub": matt});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = get_with(&app, "/protected", &signed(&claims)).await;
        if said.is_empty() {
            assert_eq!(reply.status(), 200, "{more}");
        } else {
            says(&reply, 422, said);
        }
    }
}

#[tokio::test]
async fn tokens_for_an_audience_come_back_to_who_made_them() {
    let app = app().toml("[jwt]\nencode_audience = \"web\"").start().await;
    let token = super::access(&app, "joe@lp.com").await;
    assert_eq!(get_with(&app, "/protected", &token).await.status(), 200);
    let other = signed(&json!({"sub": app.user("joe@lp.com").await.fs_uniquifier, "aud": "app"}));
    says(&get_with(&app, "/protected", &other).await, 422, "Audience doesn't match");
}
