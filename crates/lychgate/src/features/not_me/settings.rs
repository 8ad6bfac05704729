//! "It was not me."

use crate::settings::setting::{DAY, Preset, Setting, duration, flag, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("not_me", false)
        .modern(Preset::Flag(true))
        .means("Whether notices carry a link by which the owner of an account ends what somebody else has begun."),
    path("not_me_url", "/not-me").means("Route of that link."),
    text("not_me_template", "security/not_me.html").means("Template of its page."),
    duration("not_me_within", 7 * DAY).means("Life of that link."),
    text("not_me_salt", "not-me-salt").means("Salt of that link."),
    text("email_subject_account_secured", "Your account is secured").means("Subject of the mail that comes after it."),
    text("email_template_account_secured", "security/email/secured_notice").means("Template of that mail."),
];
