#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// The names of Flask-Security 5.9.2, lower case, without `SECURITY_`.
const REFERENCE_NAMES: &str = include_str!("reference_names.txt");

const STRONG: &str = "f3b0c44298fc1c149afbf4c8996fb924";

/// A builder that has what every start needs.
pub(crate) fn minimal() -> SettingsBuilder {
    Settings::builder().set("secret_key", STRONG).set("password_salt", "27ae41e4649b934ca495991b7852b855")
}

fn with(toml: &str) -> Result<Settings, SettingsErrors> {
    minimal().toml("lychgate.toml", toml).build()
}

fn flask(toml: &str) -> Result<Settings, SettingsErrors> {
    minimal().profile(Profile::Flask).toml("lychgate.toml", toml).build()
}

fn lines(result: Result<Settings, SettingsErrors>) -> Vec<String> {
    result.unwrap_err().problems().iter().map(ToString::to_string).collect()
}

fn env(pairs: &[(&str, &str)]) -> Result<Settings, SettingsErrors> {
    minimal().env(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).build()
}

#[test]
fn every_name_of_the_reference_is_declared() {
    assert_eq!(REFERENCE_NAMES.lines().count(), 255);
    for name in REFERENCE_NAMES.lines() {
        assert!(known::find(Section::Security, name).is_ok(), "{name} is not declared");
    }
}

#[test]
fn declarations_are_sound() {
    let mut seen = std::collections::HashSet::new();
    for setting in Settings::declared() {
        let name = setting.qualified();
        assert!(seen.insert(name.clone()), "{name} is declared twice");
        assert!(setting.meaning.ends_with(['.', ')']), "{name}: the meaning is a sentence");
        assert!(setting.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'));
        for preset in [&setting.flask, &setting.modern] {
            default_fits(setting, preset);
        }
    }
}

/// A default is a value that the setting itself accepts when it is written out.
fn default_fits(setting: &Setting, preset: &Preset) {
    let value = value::Value::from_preset(preset);
    if value.is_off() {
        return;
    }
    let toml = format!("x = {}\n", value.to_string().replace("\"••••\"", "\"x\""));
    let raw = toml::de::DeTable::parse(&toml).map(|table| RawValue::from_toml(table.get_ref()["x"].get_ref()).unwrap());
    let raw = raw.unwrap_or_else(|error| panic!("{}: {toml} {error}", setting.qualified()));
    let back = parse::read(setting, raw).unwrap_or_else(|error| panic!("{}: {error}", setting.qualified()));
    assert!(back == value, "{}: {toml}", setting.qualified());
}

#[test]
fn every_setting_can_be_read_by_its_getter() {
    for settings in [minimal().build().unwrap(), minimal().profile(Profile::Flask).build().unwrap()] {
        for setting in Settings::declared() {
            let name = setting.qualified();
            match setting.kind {
                Kind::Flag => drop(settings.flag(&name)),
                Kind::FlagOrAuto => drop(settings.flag_or_auto(&name)),
                Kind::Int { .. } => drop(settings.int(&name)),
                Kind::OptInt { .. } => drop(settings.int_opt(&name)),
                Kind::Text | Kind::OptText | Kind::Path | Kind::Choice(_) | Kind::OptChoice(_) => {
                    assert_eq!(settings.text_opt(&name).unwrap_or_default(), settings.text(&name));
                }
                Kind::Duration => assert!(settings.duration(&name).is_some(), "{name}"),
                Kind::OptDuration => drop(settings.duration(&name)),
                Kind::List | Kind::ListOrText | Kind::Choices(_) => drop(settings.list(&name).to_vec()),
                Kind::ListOrFlag => drop(settings.list_or_all(&name)),
                Kind::Map => drop(settings.map(&name).to_vec()),
                Kind::Any => assert_eq!(settings.any(&name), None),
                Kind::Mailbox => drop(settings.mailbox(&name).cloned()),
                Kind::IdentityAttributes => assert_eq!(settings.identity_attributes().len(), 1),
            }
        }
    }
}

#[test]
#[should_panic(expected = "no setting is called \"logn_url\"")]
fn asking_for_an_unknown_name_panics() {
    let _ = minimal().build().unwrap().text("logn_url");
}

#[test]
#[should_panic(expected = "\"login_url\" is path")]
fn asking_for_the_wrong_kind_panics() {
    let _ = minimal().build().unwrap().flag("login_url");
}

#[test]
fn profiles_differ_in_defaults_only() {
    let modern = minimal().build().unwrap();
    let flask = minimal().profile(Profile::Flask).build().unwrap();
    assert_eq!((modern.profile(), flask.profile()), (Profile::Modern, Profile::Flask));
    assert_eq!((modern.int("password_length_min"), flask.int("password_length_min")), (15, 8));
    assert_eq!((modern.flag("return_generic_responses"), flask.flag("return_generic_responses")), (true, false));
    assert_eq!((modern.flag("token_query_enabled"), flask.flag("token_query_enabled")), (false, true));
    assert_eq!((modern.flag("csrf.protect"), flask.flag("csrf.protect")), (true, false));
    assert_eq!((modern.flag("limits.enabled"), flask.flag("limits.enabled")), (true, false));
    assert_eq!(
        (modern.flag_or_auto("session.cookie_secure"), flask.flag_or_auto("session.cookie_secure")),
        (None, Some(false))
    );
    assert_eq!(
        (modern.text_opt("session.cookie_samesite"), flask.text_opt("session.cookie_samesite")),
        (Some("Lax"), None)
    );
    let seconds = |settings: &Settings, name: &str| settings.duration(name).map(SignedSeconds::as_secs);
    assert_eq!((seconds(&modern, "freshness"), seconds(&flask, "freshness")), (Some(900), Some(86_400)));
    assert_eq!(
        (seconds(&modern, "freshness_grace_period"), seconds(&flask, "freshness_grace_period")),
        (Some(300), Some(3_600))
    );
    assert_eq!(modern.text("session.protection"), "basic");
    let given = minimal().set("return_generic_responses", false).build().unwrap();
    assert!(!given.flag("return_generic_responses") && given.given("return_generic_responses"));
}

#[test]
fn a_required_second_factor_allows_shorter_passwords() {
    let toml =
        "[security]\ntwo_factor = true\ntwo_factor_required = true\ntotp_issuer = \"x\"\ntotp_secrets = {1 = \"k\"}\n";
    assert_eq!(with(toml).unwrap().int("password_length_min"), 8);
    let toml = format!("{toml}password_length_min = 20\n");
    assert_eq!(with(&toml).unwrap().int("password_length_min"), 20);
}

/// A file with a value for most kinds of setting.
const WHOLE: &str = r#"
profile = "flask"
secret_key = "lychgate-testbed-secret-0001"
secret_key_fallbacks = ["older-0001-older-0001"]
database_url = "sqlite:////tmp/x.db"
server_name = "lp.example"
application_root = "/app"

[session]
cookie_name = "sid"
permanent_lifetime = 3600

[remember]
cookie_duration = 60

[csrf]
enabled = true
protect = true
check_default = false
time_limit = false
headers = ["X-A"]
[csrf.messages]
missing = "m"
no_session = "n"
invalid = "i"
expired = "e"
mismatch = "mm"

[mail]
server = "127.0.0.1"
port = 2525
default_sender = ["Ann", "ann@lp.example"]

[sms]
webhook_url = "http://127.0.0.1:1/sms"
[limits]
enabled = false
[proxy]
x_for = 1
[webauthn]
challenge = "abc"
origin = "https://lp.example"
user_verification = "required"

[security]
password_salt = "salt"
freshness = -1
token_max_age = 0.5
logout_methods = []
cache_control = {}
url_prefix = ""
csrf_protect_mechanisms = ["session", "basic"]
csrf_cookie = {key = "X-XSRF-Token"}
password_check_breached = ""
password_complexity_checker = ""
password_single_hash = false
password_hash_passlib_options = {argon2__rounds = 1, argon2__memory_cost = 8}
email_validator_args = {check_deliverability = false}
email_sender = "a@lp.example"
redirect_behavior = ""
multi_factor_recovery_code_ttl = ""
wan_challenge_bytes = ""
wan_allow_as_verify = ""
refresh_token_cookie_name = ""
sms_service = "webhook"
us_token_validity = -5
totp_secrets = {"1" = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"}
user_identity_attributes = [
    {email = {mapper = "uia_email_mapper", case_insensitive = true}},
    {us_phone_number = {mapper = "uia_phone_mapper"}},
    {security_number = {mapper = "identity"}},
]

[messages]
UNAUTHORIZED = ["no", "error"]
"#;

#[test]
fn a_whole_file_is_read() {
    let settings = Settings::builder().toml("app.toml", WHOLE).build().unwrap();
    assert_eq!(settings.profile(), Profile::Flask);
    assert_eq!(settings.text("session.cookie_name"), "sid");
    assert_eq!(settings.duration("session.permanent_lifetime").map(SignedSeconds::as_secs), Some(3_600));
    assert_eq!(settings.duration("csrf.time_limit"), None);
    assert!(settings.duration("freshness").unwrap().is_negative());
    assert_eq!(settings.duration("token_max_age").map(SignedSeconds::as_secs_f64), Some(0.5));
    assert!(settings.list("logout_methods").is_empty() && settings.given("logout_methods"));
    assert!(settings.map("cache_control").is_empty());
    assert_eq!(settings.text_opt("url_prefix"), None);
    assert_eq!(settings.list_or_all("password_single_hash"), AllOr::Only(&[]));
    assert_eq!(settings.map_entry("password_hash_passlib_options", "argon2__rounds"), Some(&RawValue::Int(1)));
    assert_eq!(settings.mailbox("mail.default_sender").unwrap().to_string(), "Ann <ann@lp.example>");
    assert_eq!(settings.mailbox("email_sender").unwrap().address, "a@lp.example");
    assert_eq!(settings.int_opt("wan_challenge_bytes"), None);
    assert_eq!(settings.int("proxy.x_for"), 1);
    assert_eq!(settings.text("webauthn.origin"), "https://lp.example");
    let names: Vec<&str> = settings.identity_attributes().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["email", "us_phone_number", "security_number"]);
    assert_eq!(settings.message(crate::messages::UNAUTHORIZED), Some(("no", "error")));
    assert_eq!(settings.message(crate::messages::CSRF_MISMATCH), Some(("mm", "error")));
    let line = 1 + WHOLE.lines().position(|line| line.starts_with("freshness")).unwrap();
    assert_eq!(*settings.source("freshness"), Source::File { name: "app.toml".to_owned(), line });
}

#[test]
fn tables_keep_their_order() {
    let settings = with("[security]\ncache_control = {z = true, a = \"x\", m = 1}\n").unwrap();
    let keys: Vec<&str> = settings.map("cache_control").iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["z", "a", "m"]);
}

#[test]
fn unknown_names_are_all_reported_with_line_and_nearest_name() {
    let errors = lines(with(
        "seceret_key = \"x\"\n\n[security]\nlogn_url = \"/in\"\nSECURITY_LOGOUT_URL = \"/out\"\nsecret_key = \"y\"\n\
         colour = 1\n[sesion]\na = 1\n[session]\ncookie_nam = \"x\"\n[messages]\nUNAUTHORISED = \"x\"\n[csrf.messages]\nmising = \"x\"\n",
    ));
    assert_eq!(
        errors,
        [
            "lychgate.toml:1: unknown setting \"seceret_key\" at the top of the file; did you mean \"secret_key\"?",
            "lychgate.toml:4: unknown setting \"logn_url\" in [security]; did you mean \"login_url\"?",
            "lychgate.toml:5: unknown setting \"SECURITY_LOGOUT_URL\" in [security]; write \"logout_url\" in [security]",
            "lychgate.toml:6: unknown setting \"secret_key\" in [security]; write \"secret_key\" at the top of the file",
            "lychgate.toml:7: unknown setting \"colour\" in [security]",
            "lychgate.toml:8: unknown table [sesion]; did you mean [session]?",
            "lychgate.toml:11: unknown setting \"cookie_nam\" in [session]; did you mean \"cookie_name\"?",
            "lychgate.toml:13: unknown message \"UNAUTHORISED\" in [messages]; did you mean \"UNAUTHORIZED\"?",
            "lychgate.toml:15: unknown message \"mising\" in [csrf.messages]; did you mean \"missing\"?",
        ]
    );
}

#[test]
fn names_in_the_wrong_place_are_sent_to_the_right_one() {
    for (toml, want) in [
        ("login_url = \"/in\"", "it belongs in [security]"),
        ("Login_Url = \"/in\"", "it belongs in [security]"),
        ("SECRET_KEY = \"x\"", "write \"secret_key\" at the top of the file"),
        ("[security]\nSESSION_COOKIE_NAME = \"x\"", "write \"cookie_name\" in [session]"),
        ("[security]\nLogin_Url = \"x\"", "write \"login_url\""),
        ("[session]\nx_for = 1", "it belongs in [proxy]"),
        ("security = 1", "[security] is a table"),
        ("messages = 1", "[messages] is a table"),
    ] {
        let errors = lines(with(toml));
        assert!(errors.len() == 1 && errors[0].contains(want), "{toml}: {errors:?}");
    }
}

#[test]
fn wrong_types_say_what_is_expected_and_given() {
    let errors = lines(with(
        "[security]\nconfirmable = \"yes\"\nfreshness = \"soon\"\nlogin_url = \"login\"\nlogout_methods = [\"BREW\"]\npassword_length_min = 500\n\
         user_identity_attributes = [\"email\"]\n",
    ));
    assert_eq!(
        errors,
        [
            "lychgate.toml:2: confirmable: expected true or false, found \"yes\"",
            "lychgate.toml:3: freshness: expected seconds, or a time span such as \"15 minutes\", found \"soon\"",
            "lychgate.toml:4: login_url: expected a path that begins with /, found \"login\"",
            "lychgate.toml:5: logout_methods: expected a list out of \"GET\", \"POST\", found a list",
            "lychgate.toml:6: password_length_min: expected a whole number from 1 to 128, found 500",
            "lychgate.toml:7: user_identity_attributes: each entry is a table with exactly one column, {email = {mapper = \"email\"}}",
        ]
    );
}

#[test]
fn a_broken_file_shows_the_line_but_not_its_content() {
    let errors = lines(with("profile = \"flask\"\nsecret_key = \"hunter2\nx = 1\n"));
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("lychgate.toml:2: ") && !errors[0].contains("hunter2"), "{errors:?}");
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let errors = Settings::builder().file(&folder.path().join("none.toml")).build().unwrap_err();
    assert!(errors.to_string().contains("none.toml:1: cannot be read"), "{errors}");
}

#[test]
fn a_file_on_disk_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    std::fs::write(&path, sample_toml(STRONG, "another-long-random-salt")).unwrap();
    let settings = Settings::builder().file(&path).build().unwrap();
    assert_eq!(settings.text("secret_key"), STRONG);
}

#[test]
fn names_without_effect_warn_once_each() {
    let settings = with(
        "[security]\noauth_enable = true\ndatetime_factory = \"x\"\nlogin_form = \"x\"\nrefresh_cookie_name = \"x\"\nlogin_url = \"/in\"\n",
    )
    .unwrap();
    let warnings = settings.warnings();
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    for name in ["oauth_enable", "datetime_factory", "refresh_cookie_name"] {
        assert_eq!(warnings.iter().filter(|warning| warning.contains(name)).count(), 1, "{name}: {warnings:?}");
    }
    assert!(warnings[0].starts_with("lychgate.toml:"), "{warnings:?}");
}

#[test]
fn the_environment_is_read_by_kind_and_wins_over_the_file() {
    let variables = [
        ("SECURITY_URL_PREFIX", "/auth"),
        ("SECURITY_RETURN_GENERIC_RESPONSES", "0"),
        ("SECURITY_FRESHNESS", "1 hour"),
        ("SECURITY_API_ENABLED_METHODS", "session,basic"),
        ("SECURITY_CACHE_CONTROL", "{\"private\": true}"),
        ("SECURITY_MSG_UNAUTHORIZED", "[\"no\", \"info\"]"),
        ("SECURITY_MSG_LOGIN", "plain"),
        ("SESSION_COOKIE_SECURE", "true"),
        ("PERMANENT_SESSION_LIFETIME", "60"),
        ("REMEMBER_COOKIE_DURATION", "3600"),
        ("WTF_CSRF_TIME_LIMIT", "none"),
        ("MAIL_PORT", "2525"),
        ("DATABASE_URL", "sqlite:////tmp/weak.db"),
        ("SQLALCHEMY_DATABASE_URI", "sqlite:////tmp/strong.db"),
        ("SECRET_KEY_FALLBACKS", "0ld-key-0ld-key-number-1,0ld-key-0ld-key-number-2"),
        ("LYCHGATE_LISTEN", "127.0.0.1:1"),
        ("LYCHGATE_PROXY_X_FOR", "2"),
        ("PATH", "/bin"),
    ];
    let settings = minimal()
        .toml("lychgate.toml", "[security]\nurl_prefix = \"/file\"\n")
        .env(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .build()
        .unwrap();
    assert_eq!(settings.text("url_prefix"), "/auth");
    assert!(!settings.flag("return_generic_responses"));
    assert_eq!(settings.duration("freshness").map(SignedSeconds::as_secs), Some(3_600));
    assert_eq!(settings.list("api_enabled_methods"), ["session", "basic"]);
    assert_eq!(settings.map("cache_control"), [("private".to_owned(), RawValue::Flag(true))]);
    assert_eq!(settings.message(crate::messages::UNAUTHORIZED), Some(("no", "info")));
    assert_eq!(settings.message(crate::messages::LOGIN), Some(("plain", "info")));
    assert_eq!(settings.flag_or_auto("session.cookie_secure"), Some(true));
    assert_eq!(settings.duration("session.permanent_lifetime").map(SignedSeconds::as_secs), Some(60));
    assert_eq!(settings.duration("csrf.time_limit"), None);
    assert_eq!(settings.int("mail.port"), 2_525);
    assert_eq!(settings.text("database_url"), "sqlite:////tmp/strong.db");
    assert_eq!(settings.list("secret_key_fallbacks").len(), 2);
    assert_eq!(settings.text("listen"), "127.0.0.1:1");
    assert_eq!(settings.int("proxy.x_for"), 2);
    assert_eq!(*settings.source("listen"), Source::Environment("LYCHGATE_LISTEN".to_owned()));
}

#[test]
fn code_wins_over_the_environment() {
    let variables = [("SECURITY_LOGIN_URL".to_owned(), "/env".to_owned())];
    let settings = minimal().set("login_url", "/code").env(variables).build().unwrap();
    assert_eq!(settings.text("login_url"), "/code");
    assert_eq!(*settings.source("login_url"), Source::Builder);
}

#[test]
fn strange_variables_of_ours_are_warned_about() {
    let settings = env(&[("SECURITY_LOGN_URL", "/x"), ("LYCHGATE_LOG", "debug"), ("OTHER", "x")]).unwrap();
    assert_eq!(
        settings.warnings(),
        ["environment variable SECURITY_LOGN_URL is not a setting; did you mean SECURITY_LOGIN_URL?"]
    );
    let errors = lines(env(&[("SECURITY_FRESHNESS", "soon")]));
    assert!(errors[0].starts_with("environment variable SECURITY_FRESHNESS: freshness: expected"), "{errors:?}");
}

#[test]
fn builder_calls_know_the_names_too() {
    let errors =
        lines(minimal().set("logn_url", "/x").set("session.cookie_nme", "x").set("messages.LOGN", "x").build());
    assert_eq!(
        errors,
        [
            "builder: unknown setting \"logn_url\" in [security]; did you mean \"login_url\"?",
            "builder: unknown setting \"cookie_nme\" in [session]; did you mean \"cookie_name\"?",
            "builder: unknown message \"LOGN\" in [messages]; did you mean \"LOGIN\"?",
        ]
    );
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

#[test]
fn the_sample_file_is_accepted_with_and_without_its_comments() {
    let sample = sample_toml(STRONG, "quote \" and \\ back-slash, long");
    let settings = Settings::builder().toml("lychgate.toml", &sample).build().unwrap();
    assert_eq!(settings.text("password_salt"), "quote \" and \\ back-slash, long");
    assert!(settings.warnings().is_empty(), "{:?}", settings.warnings());
    let all: Vec<String> = sample
        .lines()
        .map(|line| {
            let setting = line
                .strip_prefix("# ")
                .filter(|rest| rest.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')));
            setting.filter(|rest| !rest.starts_with("secret_key_fallbacks")).unwrap_or(line).to_owned()
        })
        .collect();
    let settings = Settings::builder().toml("lychgate.toml", &all.join("\n")).build().unwrap();
    assert!(settings.given("base_url") && settings.given("proxy.x_proto") && settings.given("freshness"));
}

#[test]
fn the_documentation_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SETTINGS.md");
    let want = settings_markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &want).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == want, "docs/SETTINGS.md is out of date: UPDATE_DOCS=1 cargo test -p lychgate settings");
}

/// A setting that is said to be in use stands in the program somewhere outside its declaration.
#[test]
fn settings_in_use_are_read() {
    // Read in this module, by a getter of its own, and by the server.
    let elsewhere = ["environment", "user_identity_attributes", "listen"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut program = String::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((path != root.join("settings")).then_some(path));
            } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("settings.rs") {
                program.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let unread: Vec<String> = Settings::declared()
        .filter(|setting| setting.status == Status::Live)
        .map(Setting::qualified)
        .filter(|name| !elsewhere.contains(&name.as_str()) && !program.contains(&format!("\"{name}\"")))
        .collect();
    assert!(unread.is_empty(), "declared as in use, but nothing reads {unread:?}");
}

#[test]
fn large_files_are_refused() {
    let errors = lines(with(&"#".repeat((1 << 20) + 1)));
    assert!(errors[0].contains("larger than"), "{errors:?}");
}

fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| if number.is_finite() { format!("{number:?}") } else { "nan".to_owned() }),
        "[a-zA-Z0-9/ .@:<>-]{0,12}".prop_map(|text| format!("{text:?}")),
        Just("1979-05-27".to_owned()),
        Just("0xffffffffffffffffffff".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::btree_map("[a-z_]{1,8}", inner, 0..3).prop_map(|entries| {
                let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_settings_or_errors(text in "\\PC{0,200}") {
        let _ = with(&text);
    }

    #[test]
    fn any_value_of_any_setting_is_taken_or_refused(at in 0..known::table().len(), value in any_value()) {
        let setting = known::table()[at];
        let table = setting.section.table();
        let header = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
        match flask(&format!("{header}{} = {value}\n", setting.name)) {
            Ok(settings) => prop_assert!(settings.rows().count() > 400),
            Err(errors) => prop_assert!(!errors.problems().is_empty() && !errors.to_string().is_empty()),
        }
    }

    #[test]
    fn any_variable_is_taken_or_refused(at in 0..known::table().len(), value in "\\PC{0,40}") {
        let names = environment::names(known::table()[at]);
        let _ = minimal().env(names.into_iter().map(|name| (name, value.clone()))).build();
    }
}
