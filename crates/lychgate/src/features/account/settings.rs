//! Settings of the account page.

use crate::settings::setting::{DAY, Preset, Setting, duration, flag, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("account", false)
        .modern(Preset::Flag(true))
        .means("Whether users have a page on their account: how they sign in, where they are signed in, their data."),
    path("account_url", "/account").means("Route of that page; what it does lies below."),
    text("account_template", "security/account.html").means("Template of that page."),
    flag("account_export", true).means("Whether users can download from that page what is kept of them."),
    flag("account_deletion", true).means("Whether users can ask on that page for the deletion of their account."),
    duration("account_deletion_grace", 14 * DAY).means(
        "How long an account stays after its owner asked for its deletion, and can be kept. 0 deletes at once.",
    ),
    text("account_delete_template", "security/account_delete.html").means("Template of the page that asks for the password."),
    text("keep_account_salt", "keep-account-salt").means("Salt of the mailed link that keeps an account."),
    text("email_template_account_deletion", "security/email/account_deletion_notice")
        .means("Template of the mails before and after a deletion."),
    text("email_subject_account_deletion", "Your account will be deleted").means("Subject of the mail before a deletion."),
    text("email_subject_account_deleted", "Your account was deleted").means("Subject of the mail after a deletion."),
    flag("activity", false).modern(Preset::Flag(true)).means(
        "Whether sign-ins, failed ones and changes of an account are noted for its owner, with time, address and browser.",
    ),
    duration("activity_within", 365 * DAY).means("How long such notes are kept."),
];
