//! User names: as identity, changed, recovered.

use crate::settings::setting::{Setting, flag, int, list, opt_text, path, text};

/// What a user name may be, and whether it signs in.
pub(crate) const NAMES: &[Setting] = &[
    flag("username_enable", false).means("Whether users have a name that they can sign in with."),
    list("username_allowed_chars", &["L", "N"]).means("Unicode categories of the characters of a user name."),
    int("username_min_length", 4).means("Fewest characters of a user name."),
    int("username_max_length", 32).means("Most characters of a user name."),
];

/// Change and recovery.
pub(crate) const SETTINGS: &[Setting] = &[
    flag("username_required", false).means("Whether a user name must be given at registration."),
    flag("change_username", false).means("Whether users can change their user name."),
    path("change_username_url", "/change-username").means("Route of the page to change the user name."),
    text("change_username_template", "security/change_username.html").means("Template of that page."),
    text("change_username_email_template", "security/email/change_username_notice")
        .means("Template of the mail that tells of the change."),
    opt_text("post_change_username_view").means("Where a browser goes after the change."),
    flag("send_username_change_email", true).means("Whether a mail tells of the change."),
    flag("username_recovery", false).means("Whether a forgotten user name is sent by mail."),
    path("username_recovery_url", "/recover-username").means("Route of the page that asks for it."),
    text("username_recovery_template", "security/recover_username.html").means("Template of that page."),
    text("username_recovery_email_template", "security/email/username_recovery").means("Template of that mail."),
];
