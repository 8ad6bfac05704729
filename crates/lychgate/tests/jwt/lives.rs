//! How long tokens live, and what ends them.

use lychgate_signing::jwt::{Algorithm, Key, Keys};
use lychgate_store::UserPatch;
use lychgate_testkit::{Database, PASSWORD, TestApp};
use rstest::rstest;
use serde_json::{Value, json};

use super::{access, app, bearing, claims_of, get_with, says, tokens};

const RSA: &str = include_str!("../../../lychgate-signing/tests/keys/rs256.pem");
const EC: &str = include_str!("../../../lychgate-signing/tests/keys/es256.pem");
const EC_PUBLIC: &str = include_str!("../../../lychgate-signing/tests/keys/es256.pub.pem");
const ED: &str = include_str!("../../../lychgate-signing/tests/keys/eddsa.pem");

#[tokio::test]
async fn claims_are_those_of_flask_jwt_extended() {
    let app = app().toml("[jwt]\nroles_claim = \"roles\"\nencode_issuer = \"us\"\nencode_audience = \"them\"");
    let app = app.toml("[jwt]\ndecode_issuer = \"us\"\ndecode_audience = [\"them\"]");
    let app = app
        .configure(|builder| {
            builder.jwt_claims(async |user| {
                let claims = json!({"plan": "gold", "email": user.email, "exp": 1, "type": "refresh", "sub": "matt"});
                claims.as_object().unwrap().clone()
            })
        })
        .start()
        .await;
    let (token, refresh) = tokens(&app, "joe@lp.com").await;
    let (joe, now) = (app.user("joe@lp.com").await, app.now().unix_timestamp());
    let claims = Value::from(claims_of(&token));
    for (name, value) in [
        ("sub", json!(joe.fs_uniquifier)),
        ("type", json!("access")),
        ("fresh", json!(true)),
        ("iat", json!(now)),
        ("nbf", json!(now)),
        ("exp", json!(now + 15 * 60)),
        ("iss", json!("us")),
        ("aud", json!("them")),
        ("roles", json!(["editor"])),
        ("plan", json!("gold")),
        ("email", json!("joe@lp.com")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
    assert!(claims.get("csrf").is_none(), "cookies are not in use");
    let claims = claims_of(&refresh);
    assert_eq!((&claims["type"], &claims["fresh"]), (&json!("refresh"), &json!(false)));
    assert_eq!(claims["exp"], now + 30 * 86_400);
    assert_eq!(get_with(&app, "/gold", &token).await.status(), 200);
}

#[rstest]
#[tokio::test]
async fn a_refresh_token_gives_an_access_token_that_is_not_fresh(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let app = app().on(database).start().await;
    let (token, refresh) = tokens(&app, "joe@lp.com").await;
    app.advance(15 * 60);
    says(&get_with(&app, "/protected", &token).await, 401, "Token has expired");
    says(&get_with(&app, "/optional", &token).await, 401, "Token has expired");
    let mut browser = app.browser();
    let reply = bearing(&mut browser, "POST", "/jwt/refresh", &refresh).await;
    assert_eq!((reply.status(), reply.json().as_object().unwrap().len()), (200, 1));
    let renewed = reply.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(get_with(&app, "/protected", &renewed).await.text(), "joe@lp.com by jwt");
    says(&get_with(&app, "/fresh", &renewed).await, 401, "Fresh token required");
    assert_eq!(get_with(&app, "/fresh-minute", &renewed).await.status(), 302, "sent to prove who they are");
    says(&bearing(&mut browser, "POST", "/jwt/refresh", &renewed).await, 422, "Only refresh tokens are allowed");
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        assert_eq!(bearing(&mut browser, method, "/jwt/refresh", &refresh).await.status(), 405, "{method}");
    }
    app.advance(30 * 86_400);
    says(&bearing(&mut browser, "POST", "/jwt/refresh", &refresh).await, 401, "Token has expired");
}

#[rstest]
#[tokio::test]
async fn a_revoked_token_opens_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let app = app().on(database).start().await;
    let (token, refresh) = tokens(&app, "joe@lp.com").await;
    let other = access(&app, "joe@lp.com").await;
    let mut browser = app.browser();
    assert_eq!(bearing(&mut browser, "GET", "/protected", &token).await.status(), 200);
    says(&bearing(&mut browser, "POST", "/jwt/logout", &token).await, 200, "Token revoked");
    says(&bearing(&mut browser, "GET", "/protected", &token).await, 401, "Token has been revoked");
    says(&bearing(&mut browser, "POST", "/jwt/logout", &token).await, 401, "Token has been revoked");
    assert_eq!(bearing(&mut browser, "GET", "/protected", &other).await.status(), 200);
    says(&bearing(&mut browser, "POST", "/jwt/logout", &refresh).await, 200, "Token revoked");
    says(&bearing(&mut browser, "POST", "/jwt/refresh", &refresh).await, 401, "Token has been revoked");
    // What has expired need not be kept.
    app.gate().tidy().await.unwrap();
    says(&bearing(&mut browser, "GET", "/protected", &token).await, 401, "Token has been revoked");
    app.advance(40 * 86_400);
    app.gate().tidy().await.unwrap();
    assert!(app.store().purge_redemptions(app.now()).await.unwrap() == 0);
    says(&bearing(&mut browser, "GET", "/protected", &token).await, 401, "Token has expired");
}

#[tokio::test]
async fn another_process_hears_of_what_was_revoked() {
    let app = app().start().await;
    let token = access(&app, "joe@lp.com").await;
    let other = TestApp::builder().toml(super::ON).routes(super::routes).sharing(&app).start().await;
    assert_eq!(get_with(&other, "/protected", &token).await.status(), 200);
    assert_eq!(bearing(&mut app.browser(), "POST", "/jwt/logout", &token).await.status(), 200);
    says(&get_with(&other, "/protected", &token).await, 401, "Token has been revoked");
}

#[rstest]
#[case::uniquifier("")]
#[case::id("[jwt]\nidentity_column = \"id\"")]
#[case::email("[jwt]\nidentity_column = \"email\"")]
#[tokio::test]
async fn tokens_end_with_the_account_and_the_password(#[case] more: &str) {
    let app = app().toml(more).start().await;
    let error = |user: &str| format!("Error loading the user {user}");
    let named = async |email: &str| match more {
        "" => app.user(email).await.fs_uniquifier.clone(),
        id if id.contains("\"id\"") => app.user(email).await.id.to_string(),
        _ => email.to_owned(),
    };
    let (token, refresh) = tokens(&app, "joe@lp.com").await;
    let joe = named("joe@lp.com").await;
    assert_eq!(get_with(&app, "/protected", &token).await.status(), 200);
    app.update("joe@lp.com", UserPatch { active: Some(false), ..UserPatch::default() }).await;
    says(&get_with(&app, "/protected", &token).await, 401, &error(&joe));
    says(&bearing(&mut app.browser(), "POST", "/jwt/refresh", &refresh).await, 401, &error(&joe));
    app.update("joe@lp.com", UserPatch { active: Some(true), ..UserPatch::default() }).await;
    assert_eq!(get_with(&app, "/protected", &token).await.status(), 200);
    let user = app.user("joe@lp.com").await;
    app.gate().accounts().change_password(&user, "another password").await.unwrap();
    says(&get_with(&app, "/protected", &token).await, 401, &error(&joe));
    says(&bearing(&mut app.browser(), "POST", "/jwt/refresh", &refresh).await, 401, &error(&joe));
    let token = access(&app, "gene@lp.com").await;
    let gene = named("gene@lp.com").await;
    assert!(app.store().delete_user(app.user("gene@lp.com").await.id).await.unwrap());
    says(&get_with(&app, "/protected", &token).await, 401, &error(&gene));
}

fn with_keys(keys: &[String]) -> String {
    format!("[jwt]\nkeys = [{}]", keys.join(", "))
}

fn key(id: &str, algorithm: &str, kind: &str, text: &str) -> String {
    format!("{{id = \"{id}\", algorithm = \"{algorithm}\", {kind} = '''{text}'''}}")
}

#[tokio::test]
async fn keys_are_rotated_by_their_ids() {
    let old = key("old", "RS256", "private_key", RSA);
    let first = app().toml(&with_keys(std::slice::from_ref(&old))).start().await;
    let token = access(&first, "joe@lp.com").await;
    let new = key("new", "EdDSA", "private_key", ED);
    let sharing = |keys: Vec<String>| app().toml(&with_keys(&keys)).sharing(&first).start();
    let second = sharing(vec![new.clone(), old, key("third", "ES256", "public_key", EC_PUBLIC)]).await;
    assert_eq!(get_with(&second, "/protected", &token).await.status(), 200);
    let renewed = access(&second, "joe@lp.com").await;
    let third = sharing(vec![new]).await;
    assert_eq!(get_with(&third, "/protected", &renewed).await.status(), 200);
    says(&get_with(&third, "/protected", &token).await, 422, "The specified alg value is not allowed");
    // The set of public keys, from which another service reads what this one signed.
    let set = second.browser().get("/.well-known/jwks.json").await;
    assert_eq!((set.status(), set.header("cache-control")), (200, "public, max-age=300"));
    let of =
        |name: &str| set.json()["keys"].as_array().unwrap().iter().map(|key| key[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("kid"), ["new", "old", "third"]);
    assert_eq!(of("alg"), ["EdDSA", "RS256", "ES256"]);
    assert!(of("d").iter().chain(&of("k")).all(Value::is_null));
    assert_eq!(first.browser().get("/.well-known/jwks.json").await.json()["keys"].as_array().unwrap().len(), 1);
}

#[rstest]
#[case("HS384", "")]
#[case("HS512", "")]
#[case("RS256", RSA)]
#[case("ES256", EC)]
#[case("EdDSA", ED)]
#[tokio::test]
async fn every_algorithm_of_the_settings(#[case] algorithm: &str, #[case] private: &str) {
    let private = if private.is_empty() { String::new() } else { format!("private_key = '''{private}'''") };
    let app = app().toml(&format!("[jwt]\nalgorithm = \"{algorithm}\"\n{private}")).start().await;
    let token = access(&app, "joe@lp.com").await;
    assert_eq!(get_with(&app, "/protected", &token).await.status(), 200);
    // Whoever has the secret of the sessions has no key of a pair.
    let forged = Keys::new(vec![Key::secret(None, Algorithm::Hs256, super::SECRET.as_bytes()).unwrap()]).unwrap();
    let forged = forged.sign(json!({"sub": app.user("matt@lp.com").await.fs_uniquifier}).as_object().unwrap()).unwrap();
    says(&get_with(&app, "/protected", &forged).await, 422, "The specified alg value is not allowed");
}

#[tokio::test]
async fn older_secrets_of_the_application_are_accepted() {
    let first = app().start().await;
    let token = access(&first, "joe@lp.com").await;
    let newer = format!(
        "secret_key = \"the next key of this application, 39 bytes\"\nsecret_key_fallbacks = [\"{}\"]",
        super::SECRET
    );
    let second = app().toml(&newer).sharing(&first).start().await;
    assert_eq!(get_with(&second, "/protected", &token).await.status(), 200);
    let renewed = access(&second, "joe@lp.com").await;
    assert_eq!(get_with(&first, "/protected", &renewed).await.status(), 422);
}

#[rstest]
#[case("algorithm = \"none\"", "is no algorithm")]
#[case("algorithm = \"ES256\"", "private_key is missing")]
#[case("algorithm = \"ES256\"\nprivate_key = \"no.such.file\"", "jwt.private_key: no.such.file")]
#[case("secret_key = '''-----BEGIN PUBLIC KEY-----'''", "a PEM text is no secret")]
#[case("keys = [{algorithm = \"HS256\", secrets = \"a\"}]", "there is no \"secrets\"")]
#[case("keys = [{algorithm = \"HS256\"}]", "give one of")]
#[case("keys = \"a\"", "jwt.keys is a list")]
#[case("identity_column = \"password\"", "users cannot be named")]
#[case("identity_column = \"nickname\"", "users cannot be named")]
#[case("token_location = []", "jwt.token_location is empty")]
#[case("token_location = [\"cookies\"]\ncookie_samesite = \"None\"", "needs jwt.cookie_secure")]
#[tokio::test]
async fn settings_that_cannot_work_stop_the_start(#[case] more: &str, #[case] said: &str) {
    let settings = lychgate::Settings::builder()
        .profile(lychgate::Profile::Flask)
        .set("secret_key", super::SECRET)
        .set("password_salt", "a salt of the test applications, 38 bytes")
        .set("database_url", "sqlite://")
        .toml("test", &format!("[jwt]\nenabled = true\n{more}"))
        .build();
    let error = match settings {
        Err(errors) => errors.to_string(),
        Ok(settings) => lychgate::Lychgate::builder().settings(settings).build().await.unwrap_err().to_string(),
    };
    assert!(error.contains(said), "{error}");
}

#[tokio::test]
async fn tokens_are_off_unless_switched_on() {
    let app = app().toml("[jwt]\nenabled = false").start().await;
    assert_eq!(app.browser().get("/.well-known/jwks.json").await.status(), 404);
    let fields = json!({"uid": "joe@lp.com", "password": PASSWORD});
    assert_eq!(app.browser().post_json("/authenticate", fields).await.status(), 404);
    let token = super::signed(&json!({"sub": app.user("joe@lp.com").await.fs_uniquifier}));
    assert_eq!(
        get_with(&app, "/protected", &token).await.status(),
        500,
        "a guard without tokens is a mistake of the program"
    );
    assert_eq!(get_with(&app, "/whoami", &token).await.json()["email"], Value::Null);
}

/// Made by Flask-JWT-Extended 4.7.4 for "joe", with the secret of the test applications, and without an end.
const THEIR_ACCESS: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJmcmVzaCI6dHJ1ZSwiaWF0IjoxNzAwMDAwMDAwLCJqdGkiOiI4MWQxMDE5\
                            ZS04NzVjLTQ0NDgtYjkyMi1kOTRiODRlMGZhODEiLCJ0eXBlIjoiYWNjZXNzIiwic3ViIjoiam9lIiwibmJmIjoxNzAwMDAw\
                            MDAwLCJjc3JmIjoiY2Q4OGU5NTUtZjVkYS00YjVlLWEyNWUtOTYzMzQ2OTdlZDIxIiwicGxhbiI6ImdvbGQifQ.xBF-4QfIT\
                            73TACYzkj8_g1tJVQvYwnj3qRHb_z-EBmo";
const THEIR_REFRESH: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJmcmVzaCI6ZmFsc2UsImlhdCI6MTcwMDAwMDAwMCwianRpIjoiZTlkZTc4\
                             YjYtMmFmMC00NWIzLWExNjMtNzU4ZGFjYTA5ZmYzIiwidHlwZSI6InJlZnJlc2giLCJzdWIiOiJqb2UiLCJuYmYiOjE3MDA\
                             wMDAwMDAsImNzcmYiOiIyYTU0NzgwMC0xNzU1LTQwM2QtYWM4YS00MGI5MTJiMThjYjkifQ.WaPZsbpaYCY9_yZ-p-SQene\
                             sS__UTIlBElFUaiihu6Y";

#[tokio::test]
async fn tokens_of_flask_jwt_extended_are_honoured() {
    let places = "[jwt]\nidentity_column = \"username\"\ntoken_location = [\"headers\", \"cookies\"]";
    let app = app().toml(places).start().await;
    for path in ["/protected", "/fresh", "/gold"] {
        assert_eq!(get_with(&app, path, THEIR_ACCESS).await.text(), "joe@lp.com by jwt", "{path}");
    }
    says(&get_with(&app, "/protected", THEIR_REFRESH).await, 422, "Only non-refresh tokens are allowed");
    assert_eq!(bearing(&mut app.browser(), "POST", "/jwt/refresh", THEIR_REFRESH).await.status(), 200);
    let mut browser = app.browser();
    browser.set_cookie("access_token_cookie", THEIR_ACCESS);
    let csrf = "cd88e955-f5da-4b5e-a25e-96334697ed21";
    assert_eq!(browser.call("POST", "/protected").header("x-csrf-token", csrf).send().await.status(), 200);
    assert_eq!(bearing(&mut app.browser(), "POST", "/jwt/logout", THEIR_ACCESS).await.status(), 200);
    says(&get_with(&app, "/protected", THEIR_ACCESS).await, 401, "Token has been revoked");
}

/// T149: while the clock is wrong tokens are refused at worst; what was revoked, used or expired stays so; and what lives is good again
/// as soon as the clock is.
#[rstest]
#[tokio::test]
async fn a_clock_that_jumps_revives_no_token(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    const HOUR: i64 = 3600;
    const YEAR: i64 = 365 * 24 * HOUR;
    let app = super::app().toml("[jwt]\nrefresh_rotation = true").on(database).start().await;
    // A token of the future is one that cannot be, which flask-jwt-extended says with 422.
    let is_refused = |status: u16| matches!(status, 401 | 422);
    let (live, refresh) = tokens(&app, "joe@lp.com").await;
    let (revoked, _) = tokens(&app, "joe@lp.com").await;
    assert_eq!(bearing(&mut app.browser(), "POST", "/jwt/logout", &revoked).await.status(), 200);
    let (_, used) = tokens(&app, "joe@lp.com").await;
    assert_eq!(bearing(&mut app.browser(), "POST", "/jwt/refresh", &used).await.status(), 200);
    let mut remembered = app.browser();
    remembered.sign_in_with(json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true})).await;
    remembered.drop_cookie("session");
    for jump in [-HOUR, HOUR, YEAR, -YEAR] {
        app.advance(jump);
        let again = bearing(&mut app.browser(), "POST", "/jwt/refresh", &used).await;
        assert!(is_refused(again.status()), "a used token after {jump}: {}", again.text());
        let ended = get_with(&app, "/protected", &revoked).await;
        assert!(is_refused(ended.status()), "a revoked token after {jump}: {}", ended.text());
        let right = [HOUR, -YEAR].contains(&jump);
        let lives = get_with(&app, "/protected", &live).await;
        assert!(
            if right { lives.status() == 200 } else { is_refused(lives.status()) },
            "after {jump}: {}",
            lives.text()
        );
        let who = remembered.clone().who().await;
        assert!(who == "joe@lp.com" || (!right && who == "nobody"), "after {jump}: {who}");
    }
    assert_eq!(bearing(&mut app.browser(), "POST", "/jwt/refresh", &refresh).await.status(), 200);
}
