//! Settings of codes as a second factor.

use crate::settings::setting::{
    DAY, MINUTE, Preset, Setting, any, choices, duration, flag, list, map, opt_text, path, text,
};

const METHODS: &[&str] = &["email", "authenticator", "sms"];

pub(crate) const SETTINGS: &[Setting] = &[
    flag("two_factor", false).means("Whether users can set up codes as a second factor."),
    flag("two_factor_required", false).means("Whether every user must have a second factor."),
    list("two_factor_required_roles", &[]).means("Roles whose users must have a second factor."),
    choices("two_factor_enabled_methods", METHODS, METHODS).means("Ways in which codes reach the user."),
    duration("two_factor_authenticator_validity", 120)
        .means("How far the clock of an authenticator app may be off; half a minute counts at most."),
    duration("two_factor_mail_validity", 300).means("How long a mailed code is accepted."),
    duration("two_factor_sms_validity", 120).means("How long a code sent by text message is accepted."),
    flag("two_factor_always_validate", true).means(
        "Whether the second factor is asked for at every sign-in; off remembers the \
             browser.",
    ),
    duration("two_factor_login_validity", 30 * DAY).means("How long a browser is remembered."),
    text("two_factor_validity_cookie_name", "tf_validity").means("Cookie of a remembered browser."),
    map(
        "two_factor_validity_cookie",
        &[("httponly", Preset::Flag(true)), ("secure", Preset::Flag(true)), ("samesite", Preset::Text("Strict"))],
    )
    .means("Attributes of that cookie."),
    text("two_factor_validity_salt", "tf-validity-salt").means("Salt of that cookie."),
    duration("two_factor_setup_within", 30 * MINUTE).means("Time to finish setting up."),
    text("two_factor_setup_salt", "tf-setup-salt").means("Salt of the set-up state."),
    path("two_factor_setup_url", "/tf-setup").means("Route of the set-up page."),
    path("two_factor_token_validation_url", "/tf-validate").means("Route that takes a code."),
    path("two_factor_rescue_url", "/tf-rescue").means("Route for somebody who cannot get a code."),
    path("two_factor_verify_url", "/tf-verify").means("Route to prove the second factor again while signed in."),
    path("two_factor_select_url", "/tf-select").means("Route to choose among several second factors."),
    text("two_factor_post_setup_view", ".two_factor_setup")
        .means("Where a browser goes after setting up or switching off."),
    text("two_factor_error_view", ".login").means("Where a browser goes when the sign-in is not at that step."),
    text("two_factor_setup_template", "security/two_factor_setup.html").means("Template of the set-up page."),
    text("two_factor_verify_code_template", "security/two_factor_verify_code.html")
        .means("Template of the page for a code."),
    text("two_factor_verify_template", "security/two_factor_verify.html")
        .means("Template of the page to prove the second factor again."),
    text("two_factor_select_template", "security/two_factor_select.html").means("Template of the page to choose."),
    text("two_factor_email_template", "security/email/two_factor_instructions")
        .means("Template of the mail with a code."),
    flag("two_factor_rescue_email", true)
        .modern(Preset::Flag(false))
        .means("Whether a code by mail is offered to somebody who cannot get another."),
    text("two_factor_rescue_mail", "no-reply@localhost").means("Address of the operator who is asked for help."),
    text("two_factor_rescue_email_template", "security/email/two_factor_rescue")
        .means("Template of the mail to the operator."),
    map("totp_secrets", &[]).secret().means(
        "Keys that encrypt stored authenticator secrets, by tag; the greatest tag \
             encrypts.",
    ),
    opt_text("totp_issuer").means("Name that authenticator apps show."),
    any("two_factor_implementations")
        .without_meaning("second factors are features of the library")
        .means("Classes of the second factors."),
];
