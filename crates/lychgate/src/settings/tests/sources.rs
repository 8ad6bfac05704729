//! Files, the environment and code.

use super::*;

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
fn large_files_are_refused() {
    let errors = lines(with(&"#".repeat((1 << 20) + 1)));
    assert!(errors[0].contains("larger than"), "{errors:?}");
}
