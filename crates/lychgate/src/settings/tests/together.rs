//! What settings demand of one another, and secrets.

use super::*;

#[test]
fn a_required_second_factor_allows_shorter_passwords() {
    let toml =
        "[security]\ntwo_factor = true\ntwo_factor_required = true\ntotp_issuer = \"x\"\ntotp_secrets = {1 = \"k\"}\n";
    assert_eq!(with(toml).unwrap().int("password_length_min"), 8);
    let toml = format!("{toml}password_length_min = 20\n");
    assert_eq!(with(&toml).unwrap().int("password_length_min"), 20);
}

#[test]
fn combinations_that_cannot_work_are_refused() {
    for (toml, want) in [
        ("[security]\npassword_hash = \"md5\"", "not among password_schemes"),
        ("[security]\npassword_required = false", "only with unified_signin"),
        ("[security]\nunified_signin = true", "needs totp_secrets"),
        ("[security]\ntwo_factor = true\ntotp_secrets = {1 = \"x\"}", "needs totp_issuer"),
        ("[security]\nmulti_factor_recovery_codes = true\ntotp_issuer = \"x\"", "needs totp_secrets"),
        ("[security]\ntwo_factor = true\ntwo_factor_enabled_methods = []", "two_factor_enabled_methods is empty"),
        ("[security]\nunified_signin = true\nus_enabled_methods = []", "us_enabled_methods is empty"),
        ("[security]\ncsrf_protect_mechanisms = [\"session\"]", "needs csrf.protect"),
        (
            "[csrf]\nprotect = true\n[security]\ncsrf_protect_mechanisms = [\"session\"]",
            "needs csrf.check_default = false",
        ),
        ("[csrf]\nprotect = true\n[security]\ncsrf_ignore_unauth_endpoints = true", "needs csrf.check_default = false"),
        ("[security]\ncsrf_cookie_name = \"XSRF-TOKEN\"", "needs csrf.protect"),
        ("[cors]\norigins = \"*\"\nsupports_credentials = true", "every site"),
        ("[session]\ncookie_name = \"a b\"", "name of a cookie"),
        ("[session]\ncookie_name = \"__Host-s\"", "session.cookie_secure = true"),
        ("[session]\ncookie_name = \"__Host-s\"\ncookie_secure = true\ncookie_domain = \"x.example\"", "with a domain"),
        ("[remember]\ncookie_name = \"session\"", "the same as session.cookie_name"),
        ("[security]\nlogout_url = \"/login\"", "same path"),
        ("[security]\nuser_identity_attributes = []", "nobody could sign in"),
        ("server_name = \"lp.example/x\"", "not a host"),
        ("listen = \"8000\"", "not an address and a port"),
        ("base_url = \"app.example\"", "not an origin"),
        ("base_url = \"https://app.example/x?y\"", "not an origin"),
        ("secret_key_fallbacks = [\"\"]", "empty key"),
    ] {
        let errors = lines(flask(toml));
        assert!(errors.iter().any(|error| error.contains(want)), "{toml}: {errors:?}");
    }
    for fine in [
        "[csrf]\nprotect = true\ncheck_default = false\n[security]\ncsrf_protect_mechanisms = [\"session\"]",
        "[security]\ncsrf_ignore_unauth_endpoints = true",
        "[csrf]\nprotect = true\n[security]\ncsrf_cookie_name = \"XSRF-TOKEN\"",
        "[security]\ncsrf_protect_mechanisms = [\"token\", \"session\", \"basic\"]",
        "[cors]\norigins = [\"https://a.example\"]\nsupports_credentials = true",
        "[session]\ncookie_name = \"__Host-s\"\ncookie_secure = true",
        "base_url = \"https://app.example:8443\"",
        "server_name = \"lp.example:5000\"",
        "listen = \"[::1]:0\"",
        "[security]\nwan_allow_as_verify = \"first\"",
        "[security]\nunified_signin = true\npassword_required = false\ntotp_secrets = {1 = \"x\"}\ntotp_issuer = \"x\"",
    ] {
        assert!(flask(fine).is_ok(), "{fine}: {:?}", flask(fine));
    }
}

#[test]
fn sms_without_a_phone_number_warns() {
    let toml = "[security]\nunified_signin = true\ntotp_secrets = {1 = \"x\"}\ntotp_issuer = \"x\"\n";
    let settings = flask(toml).unwrap();
    assert!(settings.warnings().iter().any(|warning| warning.contains("us_phone_number")), "{:?}", settings.warnings());
}

#[test]
fn secrets_must_be_given_and_strong() {
    let start = |profile: Profile, key: &str, environment: &str| {
        Settings::builder()
            .profile(profile)
            .set("secret_key", key)
            .set("environment", environment)
            .set("password_salt", "27ae41e4649b934ca495991b7852b855")
            .build()
    };
    for weak in [
        "secret",
        "Change-Me!",
        "dev",
        "super secret 123",
        "Ab3$kf9",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "your_secret_key_here",
    ] {
        assert!(start(Profile::Modern, weak, "production").is_err(), "{weak}");
        for lenient in [start(Profile::Modern, weak, "development"), start(Profile::Flask, weak, "production")] {
            assert!(lenient.unwrap().warnings().iter().any(|warning| warning.contains("secret_key")), "{weak}");
        }
    }
    assert!(start(Profile::Modern, STRONG, "production").unwrap().warnings().is_empty());
    for profile in [Profile::Modern, Profile::Flask] {
        assert!(start(profile, "", "development").unwrap_err().to_string().contains("secret_key is missing"));
    }
    let short = minimal().set("secret_key_fallbacks", ["secret"]).build().unwrap_err().to_string();
    assert!(short.contains("secret_key_fallbacks is a sample"), "{short}");
}

#[test]
fn the_salt_is_needed_where_it_is_used() {
    let start = |toml: &str| Settings::builder().set("secret_key", STRONG).toml("a.toml", toml).build();
    assert!(start("").unwrap_err().to_string().contains("password_salt is missing"));
    assert!(start("[security]\npassword_single_hash = false").is_err());
    assert!(start("[security]\npassword_single_hash = true").is_ok());
    assert!(start("[security]\npassword_single_hash = [\"argon2\"]").is_ok());
}

#[test]
fn user_names_are_an_identity_when_they_are_on() {
    let names = |toml: &str| {
        let settings = with(toml).unwrap();
        settings.identity_attributes().iter().map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("[security]\nusername_enable = true"), ["email", "username"]);
    assert_eq!(names(""), ["email"]);
}

#[test]
fn secrets_show_nowhere() {
    let settings = Settings::builder()
        .toml(
            "a.toml",
            &format!(
                "secret_key = \"{STRONG}\"\nsecret_key_fallbacks = [\"{STRONG}\"]\ndatabase_url = \"postgres://joe:{STRONG}@db/x\"\n\
                 [mail]\npassword = \"{STRONG}\"\n[security]\npassword_salt = \"{STRONG}\"\ntotp_secrets = {{1 = \"{STRONG}\"}}\ntotp_issuer = \"x\"\n"
            ),
        )
        .build()
        .unwrap();
    let rows: Vec<Row<'_>> = settings.rows().collect();
    assert!(!format!("{settings:?} {rows:?} {:?}", settings.warnings()).contains(STRONG));
    let row = rows.iter().find(|row| row.name == "secret_key").unwrap();
    assert_eq!((row.value.as_str(), row.source.to_string().as_str()), ("••••", "a.toml:1"));
    let row = rows.iter().find(|row| row.name == "database_url").unwrap();
    assert_eq!(row.value, "\"postgres://joe:••••@db/x\"");
    assert!(!format!("{:?}", RawValue::from(STRONG)).contains(STRONG));
    assert!(!format!("{:?}", Settings::builder().set("secret_key", STRONG).toml("a", STRONG)).contains(STRONG));
}
