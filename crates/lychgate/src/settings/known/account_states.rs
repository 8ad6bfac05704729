//! What may be with an account, and requests that were refused.

use crate::settings::setting::{DAY, Setting, duration, flag, opt_text, text};

pub(crate) const SETTINGS: &[Setting] = &[
    opt_text("suspended_view")
        .means("Where a browser goes whose account is suspended; off for a page that says so. Lychgate's own."),
    text("account_state_template", "security/account_state.html")
        .means("Template of the page that says that an account waits, or was declined, suspended or locked."),
    flag("notify_account_state", true)
        .means("Whether a mail tells somebody that their account was declined, suspended or locked, or is open again."),
    text("account_state_email_template", "security/email/account_state").means("Template of that mail."),
    text("email_subject_account_state", "About your account").means("Subject of that mail."),
    duration("account_declined_within", 30 * DAY)
        .means("How long a declined account is kept; then it is deleted and its address is free again."),
    flag("refusals", true).means(
        "Whether refused requests are noted, so that an administrator can look up by the reference on the page what was \
         missing; the latest 5000 are kept.",
    ),
    duration("refusals_within", 30 * DAY).means("How long such a note is kept."),
];
