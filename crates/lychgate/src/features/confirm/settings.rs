//! Confirmation of mail addresses.

use crate::settings::setting::{DAY, Setting, duration, flag, opt_text, path, text};

/// What sign-in asks of somebody who has not confirmed.
pub(crate) const SIGN_IN: &[Setting] = &[
    flag("login_without_confirmation", false).means("Whether users may sign in before they confirm."),
    opt_text("requires_confirmation_error_view").means("Where a browser goes when somebody unconfirmed signs in."),
];

/// The mails and links.
pub(crate) const SETTINGS: &[Setting] = &[
    flag("confirmable", false).means("Whether a user must confirm the mail address."),
    path("confirm_url", "/confirm").means("Route that asks for a confirmation mail and takes its link."),
    text("send_confirmation_template", "security/send_confirmation.html")
        .means("Template of the page that asks for another confirmation mail."),
    duration("confirm_email_within", 2 * DAY).means("Life of a confirmation link."),
    text("confirm_salt", "confirm-salt").means("Salt of confirmation links."),
    flag("auto_login_after_confirm", false).means("Whether confirming signs the user in."),
    opt_text("post_confirm_view").means("Where a browser goes after confirmation."),
    opt_text("confirm_error_view").means("Where a browser goes when a confirmation link is bad."),
];
