//! Letters about what happens to an account.

use crate::settings::setting::{DAY, Preset, Setting, duration, flag, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("notify_new_device", false)
        .modern(Preset::Flag(true))
        .means("Whether a mail tells of a sign-in with a browser that the account was not used in before."),
    text("email_subject_new_device", "New sign-in to your account").means("Subject of that mail."),
    text("email_template_new_device", "security/email/new_device_notice").means("Template of that mail."),
    flag("notify_access_change", false)
        .modern(Preset::Flag(true))
        .means("Whether a mail tells of changed second factors, passkeys, phone numbers and recovery codes."),
    text("email_subject_access_change", "A change of how you sign in").means("Subject of that mail."),
    text("email_template_access_change", "security/email/access_notice").means("Template of that mail."),
    text("device_cookie_name", "known_device").means("Name of the cookie by which a browser is known again."),
    duration("device_cookie_within", 365 * DAY).means("How long a browser is known after a sign-in."),
    text("device_salt", "device-salt").means("Salt of that cookie."),
];
