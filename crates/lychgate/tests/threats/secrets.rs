//! T52, T77: secrets are long, each is another, the database does not hold them, and they are their owner's.

use std::collections::BTreeSet;

use lychgate_testkit::{PASSWORD, TestApp};
use serde_json::json;

use crate::second_factor::{ON as FACTORS, begin, enrol};

const ON: &str = r#"
[security]
api_keys = true
multi_factor_recovery_codes_plain = false
multi_factor_recovery_codes = true
recoverable = true
refresh_token = true
refresh_token_cookie_name = false
[csrf]
enabled = false
"#;

/// Whether a file of the database holds this text anywhere, after what was removed has gone from the files as well.
fn is_stored(app: &TestApp, secret: &str) -> bool {
    let files = std::fs::read_dir(app.folder()).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.into_iter().any(|file| file.windows(secret.len()).any(|window| window == secret.as_bytes()))
}

#[tokio::test]
async fn t52_secrets_differ_and_are_not_in_the_database() {
    let app = TestApp::builder().toml(FACTORS).toml(ON).start().await;
    let mut secrets = BTreeSet::new();
    let mut browser = app.browser();
    for _ in 0..8 {
        browser = app.browser();
        let fields = json!({"email": "joe@lp.com", "password": PASSWORD});
        let reply = browser.post_json("/login?include_auth_token", fields).await;
        secrets.insert(reply.response()["user"]["refresh_token"].as_str().unwrap().to_owned());
        let key = browser.post_json("/account/keys", json!({"name": "n"})).await;
        secrets.insert(key.response()["key"].as_str().unwrap().to_owned());
        app.browser().post_json("/reset", json!({"email": "joe@lp.com"})).await;
        let link = app.mailed_link("/reset").await;
        secrets.insert(link.rsplit('/').next().unwrap().to_owned());
        // Two links of one second may be one link, as they say the same.
        app.advance(1);
    }
    assert_eq!(secrets.len(), 24);
    // Letters hold their link until they are sent.
    app.execute("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
    assert!(is_stored(&app, "joe@lp.com"), "the files are those of the database");
    for secret in &secrets {
        // 22 letters of base64 are 128 bits.
        assert!(secret.len() >= 22, "{secret}");
        assert!(!is_stored(&app, secret), "{secret}");
    }
    // Recovery codes are shorter and slow to try; they are not there in the clear either.
    let codes = browser.post_json("/mf-recovery-codes", json!({"generate_new_codes": true})).await;
    let codes = codes.response()["recovery_codes"].as_array().unwrap().clone();
    assert!(codes.len() >= 3, "{codes:?}");
    for code in codes {
        let code = code.as_str().unwrap();
        assert!(!is_stored(&app, code) && !is_stored(&app, &code.replace('-', "")), "{code}");
    }
}

#[tokio::test]
async fn t77_a_recovery_code_is_its_owners() {
    let app = TestApp::builder().toml(FACTORS).toml(ON).start().await;
    let mut matt = app.browser();
    matt.sign_in("matt@lp.com").await;
    let codes = matt.post_json("/mf-recovery-codes", json!({"generate_new_codes": true})).await;
    let code = codes.response()["recovery_codes"][0].as_str().unwrap().to_owned();
    for email in ["gal@lp.com", "matt@lp.com"] {
        enrol(&app, email, "authenticator").await;
    }
    let enter = async |email: &str| {
        let mut browser = begin(&app, email).await;
        browser.post_json("/mf-recovery", json!({"code": code})).await.status()
    };
    assert_eq!(enter("gal@lp.com").await, 400, "it is matt's");
    assert_eq!(enter("matt@lp.com").await, 200, "and still good");
    assert_eq!(enter("matt@lp.com").await, 400, "once");
}
