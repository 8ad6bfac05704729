//! Change of the e-mail address.

use crate::settings::setting::{HOUR, Preset, Setting, duration, flag, opt_text, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("change_email", false).means("Whether users can change their mail address."),
    path("change_email_url", "/change-email").means("Route of the page to change the mail address, and of its link."),
    text("change_email_template", "security/change_email.html").means("Template of that page."),
    duration("change_email_within", 2 * HOUR).means("Life of the link sent to the new address."),
    text("change_email_salt", "change-email-salt").means("Salt of that link."),
    text("change_email_subject", "Confirm your new email address").means("Subject of the mail to the new address."),
    text("change_email_email_template", "security/email/change_email_instructions").means("Template of that mail."),
    opt_text("post_change_email_view").means("Where a browser goes after the change."),
    opt_text("change_email_error_view").means("Where a browser goes when the link is bad."),
    path("change_email_confirm_url", "/change-email-confirm")
        .without_meaning("the link leads to `change_email_url`")
        .means("Route, never used."),
    flag("send_email_change_notice", false)
        .modern(Preset::Flag(true))
        .means("Whether the old address is told that the account has moved."),
    text("email_subject_email_change_notice", "Your email address has been changed")
        .means("Subject of the mail to the old address."),
];
