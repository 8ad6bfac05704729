//! Mails: sender, subjects, templates.

use crate::settings::setting::{Setting, flag, mailbox, map, text};

/// What is taken for a mail address.
pub(crate) const ADDRESSES: &[Setting] =
    &[map("email_validator_args", &[]).means("How strictly addresses are checked, as `check_deliverability = false`.")];

/// What mails look like.
pub(crate) const SETTINGS: &[Setting] = &[
    mailbox("email_sender").means("Sender of mails; off for `mail.default_sender`, else `no-reply@localhost`."),
    flag("email_plaintext", true).means("Whether mails have a text part."),
    flag("email_html", true).means("Whether mails have an HTML part."),
    text("email_subject_register", "Welcome").means("Subject of the welcome mail."),
    text("email_subject_confirm", "Please confirm your email").means("Subject of the confirmation mail."),
    text("email_subject_passwordless", "Login instructions").means("Subject of the mail with a sign-in link."),
    text("email_subject_password_reset", "Password reset instructions").means("Subject of the mail with a reset link."),
    text("email_subject_password_notice", "Your password has been reset")
        .means("Subject of the mail that tells of a reset."),
    text("email_subject_password_change_notice", "Your password has been changed")
        .means("Subject of the mail that tells of a changed password."),
    text("email_subject_username_change_notice", "Your username has been changed")
        .means("Subject of the mail that tells of a changed user name."),
    text("email_subject_username_recovery", "Your requested username").means("Subject of the mail with the user name."),
    text("email_subject_two_factor", "Two-Factor Login")
        .later("second factors")
        .means("Subject of the mail with a second-factor code."),
    text("email_subject_two_factor_rescue", "Two-Factor Rescue")
        .later("second factors")
        .means("Subject of the mail that asks the operator for help."),
    text("email_template_passwordless", "security/email/login_instructions")
        .means("Template of the mail with a sign-in link."),
    text("email_template_confirm", "security/email/confirmation_instructions")
        .means("Template of the confirmation mail."),
    text("email_template_password_reset", "security/email/reset_instructions")
        .means("Template of the mail with a reset link."),
    text("email_template_password_reset_notice", "security/email/reset_notice")
        .means("Template of the mail that tells of a reset."),
    text("email_template_password_change_notice", "security/email/change_notice")
        .means("Template of the mail that tells of a changed password."),
];
