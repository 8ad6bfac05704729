//! A first configuration file.

/// A short `lychgate.toml` for a new installation: the settings that are changed most, commented
/// out, and secrets.
///
/// `secret_key` and `password_salt` must come from a random source; characters that TOML would have
/// to escape are escaped.
#[must_use]
pub fn sample_toml(secret_key: &str, password_salt: &str) -> String {
    TEMPLATE.replace("{secret_key}", &quoted(secret_key)).replace("{password_salt}", &quoted(password_salt))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

const TEMPLATE: &str = r#"# Settings of Lychgate. All of them, with their defaults: docs/SETTINGS.md, or run `lychgate doctor`.
# The environment wins over this file: SECRET_KEY, DATABASE_URL, SECURITY_URL_PREFIX, LYCHGATE_LISTEN …

# "modern": today's best practice. "flask": the defaults of Flask-Security, to move an application.
profile = "modern"

# Signs sessions, tokens and links. Keep it secret, and the same on every process.
secret_key = {secret_key}
# To change the key: put the old one here until everything it signed has expired.
# secret_key_fallbacks = ["…"]

# environment = "development"                 # weak secrets warn instead of stopping the start
# app_name = "My application"                 # on pages and in mails
# listen = "127.0.0.1:8000"
# base_url = "https://app.example"            # links in mails are built from it
# database_url = "sqlite:////var/lib/lychgate/app.db"
# templates = "templates"                     # pages of the same name here replace the library's

[security]
# Key of the step before hashing. Changing it makes every stored password useless.
password_salt = {password_salt}
# url_prefix = "/auth"                        # before every route
# login_url = "/login"
# post_login_view = "/"                       # where a browser goes after sign-in
# post_logout_view = "/"
# password_length_min = 15
# freshness = "15 minutes"                    # how long after sign-in sensitive pages open without proof
# return_generic_responses = true             # never tell who has an account

[session]
# cookie_name = "session"
# permanent_lifetime = "31 days"

[remember]
# cookie_duration = "30 days"

[proxy]
# x_for = 1                                   # behind one proxy: believe its X-Forwarded-For
# x_proto = 1                                 # and its X-Forwarded-Proto

[messages]
# INVALID_PASSWORD = "That password is not right."
"#;
