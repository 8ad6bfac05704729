//! Recovery of forgotten passwords.

use crate::settings::setting::{DAY, Setting, duration, flag, opt_text, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("recoverable", false).means("Whether a forgotten password can be reset by mail."),
    path("reset_url", "/reset").means("Route that asks for a reset mail and takes its link."),
    text("forgot_password_template", "security/forgot_password.html")
        .means("Template of the page that asks for the mail."),
    text("reset_password_template", "security/reset_password.html").means("Template of the page for the new password."),
    duration("reset_password_within", DAY).means("Life of a reset link."),
    text("reset_salt", "reset-salt").means("Salt of reset links."),
    opt_text("reset_view").means("Page of a single-page application that receives the token of a reset link."),
    opt_text("reset_error_view").means("Page of a single-page application for bad reset links."),
    opt_text("post_reset_view").means("Where a browser goes after the reset."),
    flag("auto_login_after_reset", false).means("Whether a reset signs the user in."),
    flag("send_password_reset_email", true).means("Whether the mail with the reset link is sent."),
    flag("send_password_reset_notice_email", true).means("Whether a mail tells that the password has been reset."),
];
