//! Change of password and of mail address.

use crate::settings::setting::{HOUR, Setting, duration, flag, later, opt_text, path, text};

pub(crate) const PASSWORD: &[Setting] = &later(
    "password change",
    [
        flag("changeable", false).means("Whether users can change their password."),
        path("change_url", "/change").means("Route of the page to change the password."),
        text("change_password_template", "security/change_password.html")
            .means("Template of that page."),
        opt_text("post_change_view").means("Where a browser goes after the change."),
        flag("send_password_change_email", true)
            .means("Whether a mail tells that the password has been changed."),
        text("change_salt", "change-salt")
            .without_meaning("no token is made with it")
            .means("Salt, never used."),
    ],
);

pub(crate) const EMAIL: &[Setting] = &later(
    "mail address change",
    [
        flag("change_email", false).means("Whether users can change their mail address."),
        path("change_email_url", "/change-email")
            .means("Route of the page to change the mail address, and of its link."),
        text("change_email_template", "security/change_email.html").means("Template of that page."),
        duration("change_email_within", 2 * HOUR)
            .means("Life of the link sent to the new address."),
        text("change_email_salt", "change-email-salt").means("Salt of that link."),
        text("change_email_subject", "Confirm your new email address")
            .means("Subject of the mail to the new address."),
        text(
            "change_email_email_template",
            "security/email/change_email_instructions",
        )
        .means("Template of that mail."),
        opt_text("post_change_email_view").means("Where a browser goes after the change."),
        opt_text("change_email_error_view").means("Where a browser goes when the link is bad."),
        path("change_email_confirm_url", "/change-email-confirm")
            .without_meaning("the link leads to `change_email_url`")
            .means("Route, never used."),
    ],
);
