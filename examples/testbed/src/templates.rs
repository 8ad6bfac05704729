//! The templates that the testbed brings: its page, and those that the settings select to show that overriding works.

const PAGE: &str = include_str!("../templates/testbed.html");
const FORM: &str = include_str!("../templates/form.html");

/// Pages of the library that settings may replace, and what stands on them.
const CUSTOM: &[(&str, &str)] = &[
    ("change_email", "CUSTOM CHANGE EMAIL"),
    ("change_password", "CUSTOM CHANGE PASSWORD"),
    ("change_username", "CUSTOM CHANGE USERNAME"),
    ("forgot_password", "CUSTOM FORGOT PASSWORD"),
    ("login_user", "CUSTOM LOGIN USER"),
    ("logout_user", "CUSTOM LOGOUT USER"),
    ("mf_recovery", "CUSTOM MF RECOVERY"),
    ("mf_recovery_codes", "CUSTOM MF RECOVERY CODES"),
    ("recover_username", "CUSTOM RECOVER USERNAME"),
    ("register_user", "CUSTOM REGISTER USER"),
    ("reset_password", "CUSTOM RESET PASSWORD"),
    ("send_confirmation", "CUSTOM SEND CONFIRMATION"),
    ("send_login", "CUSTOM SEND LOGIN"),
    ("verify", "CUSTOM VERIFY USER"),
    ("tf_setup", "CUSTOM TWO FACTOR SETUP"),
    ("tf_verify", "CUSTOM TWO FACTOR VERIFY CODE"),
    ("us_setup", "CUSTOM UNIFIED SIGNIN SETUP"),
    ("us_signin", "CUSTOM UNIFIED SIGN IN"),
    ("us_verify", "CUSTOM UNIFIED VERIFY"),
    ("wan_register", "CUSTOM WAN REGISTER"),
    ("wan_signin", "CUSTOM WAN SIGNIN"),
    ("wan_verify", "CUSTOM WAN VERIFY"),
];

/// Mails of `Name:value` lines: three instead of the library's text, the others for settings to select.
macro_rules! mails {
    ($($file:literal),*) => {
        &[$((concat!("security/email/", $file), include_str!(concat!("../templates/email/", $file)))),*]
    };
}

const MAILS: &[(&str, &str)] = mails![
    "welcome.txt",
    "welcome_existing.txt",
    "login_instructions.txt",
    "confirmation_instructions_test.txt",
    "confirmation_instructions_test.html",
    "reset_instructions_test.txt",
    "reset_instructions_test.html",
    "change_email_instructions_test.txt",
    "change_email_instructions_test.html",
    "us_instructions_test.txt",
    "us_instructions_test.html"
];

/// Every template by its name.
pub(crate) fn all() -> impl Iterator<Item = (String, String)> {
    let own = [("testbed.html", PAGE), ("form.html", FORM)].map(|(name, source)| (name.to_owned(), source.to_owned()));
    let custom = CUSTOM
        .iter()
        .map(|(name, words)| (format!("custom_security/{name}.html"), PAGE.replace("{{ content }}", words)));
    let mails = MAILS.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned()));
    own.into_iter().chain(custom).chain(mails)
}
