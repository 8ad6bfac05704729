//! The mailed link that lifts the waits after wrong passwords.

use crate::settings::setting::{DAY, Setting, duration, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    path("unlock_url", "/unlock").means("Route of the link by which an owner lifts the waits after wrong passwords."),
    text("unlock_template", "security/unlock.html").means("Template of its page."),
    duration("unlock_within", DAY).means("Life of that link."),
    text("unlock_salt", "unlock-salt").means("Salt of that link."),
    text("email_subject_lockout", "Somebody is trying passwords on your account")
        .means("Subject of the mail that carries it."),
    text("email_template_lockout", "security/email/lockout_notice").means("Template of that mail."),
];
