//! What each endpoint may be asked how often.

use http::Method;

use crate::{limits::Kind, settings::Settings};

/// Endpoints that take a secret: a password, a code, a passkey, the token of a link.
const SECRET: &[&str] = &[
    "account_delete",
    "authenticate",
    "change_email_confirm",
    "change_password",
    "confirm_email",
    "login",
    "mf_recovery",
    "not_me",
    "reset_password",
    "setup",
    "token_login",
    "two_factor_token_validation",
    "two_factor_verify",
    "us_link",
    "us_setup_validate",
    "us_signin",
    "us_verify",
    "us_verify_link",
    "verify",
    "wan_signin",
    "wan_signin_response",
    "wan_verify",
    "wan_verify_response",
];

/// Endpoints that send a message to somebody, or make an account.
const MESSAGE: &[&str] = &[
    "change_email",
    "forgot_password",
    "recover_username",
    "register",
    "send_confirmation",
    "tf_select",
    "two_factor_rescue",
    "us_signin_send_code",
    "us_verify_send_code",
];

/// Endpoints that send a code to whoever sets up how they sign in.
const SETUP: &[&str] = &["two_factor_setup", "us_setup"];

/// Endpoints that have to work for whoever asks, and cost nothing.
const FREE: &[&str] = &["language", "logout"];

/// What an endpoint does that is worth a limit. One that is not named here is limited too, if it changes anything or if
/// a secret stands in its path: no feature can be forgotten.
pub(crate) fn kind_of(settings: &Settings, name: &str, method: &Method, path: &str) -> Kind {
    let takes_link = path.contains("{token}");
    if method.is_safe() && !takes_link || FREE.contains(&name) {
        return Kind::Free;
    }
    match name {
        // It mails a link.
        "login" if settings.flag("passwordless") => Kind::Message,
        name if SECRET.contains(&name) => Kind::Secret,
        _ if takes_link => Kind::Secret,
        name if MESSAGE.contains(&name) => Kind::Message,
        name if SETUP.contains(&name) => Kind::Setup,
        _ => Kind::Change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_endpoint_is_two_things() {
        let mut names: Vec<_> = SECRET.iter().chain(MESSAGE).chain(SETUP).chain(FREE).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
