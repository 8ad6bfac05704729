//! Settings of unified sign-in: an identity and a pass code, whichever the user has.

use crate::settings::setting::{MINUTE, Preset, Setting, choices, duration, flag, path, seconds, text};

const METHODS: &[&str] = &["password", "email", "authenticator", "sms"];

pub(crate) const SETTINGS: &[Setting] = &[
    flag("unified_signin", false).means("Whether unified sign-in is on."),
    choices("us_enabled_methods", METHODS, METHODS).means("Kinds of pass code that are accepted."),
    choices("us_mfa_required", METHODS, &["password", "email"])
        .modern(Preset::List(METHODS))
        .means("Kinds of pass code after which a second factor is still asked for."),
    duration("us_token_validity", 120).modern(seconds(5 * MINUTE)).means("How long a code that was sent is valid."),
    duration("us_setup_within", 30 * MINUTE).means("Time to finish setting up a method."),
    flag("us_signin_replaces_login", false).means("Whether unified sign-in is served at `login_url`."),
    path("us_signin_url", "/us-signin").means("Route of the sign-in page."),
    path("us_signin_send_code_url", "/us-signin/send-code").means("Route that sends a code for signing in."),
    path("us_setup_url", "/us-setup").means("Route of the page to set up methods."),
    path("us_verify_url", "/us-verify").means("Route of the page to prove identity again."),
    path("us_verify_send_code_url", "/us-verify/send-code").means("Route that sends a code for that."),
    path("us_verify_link_url", "/us-verify-link").means("Route of the link in a mailed code."),
    text("us_post_setup_view", ".us_setup").means("Where a browser goes after setting up."),
    text("us_signin_template", "security/us_signin.html").means("Template of the sign-in page."),
    text("us_setup_template", "security/us_setup.html").means("Template of the set-up page."),
    text("us_verify_template", "security/us_verify.html").means("Template of the page to prove identity again."),
    text("us_setup_salt", "us-setup-salt").means("Salt of the set-up state."),
    text("us_link_salt", "us-link-salt").means("Salt of the link in a mailed code."),
    text("us_email_subject", "Verification Code").means("Subject of the mail with a code."),
    text("us_email_template", "security/email/us_instructions").means("Template of the mail with a code."),
];
