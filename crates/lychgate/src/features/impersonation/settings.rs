//! Settings of acting as somebody else.

use crate::settings::setting::{MINUTE, Preset, Setting, duration, flag, list, opt_text, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("impersonation", false)
        .modern(Preset::Flag(true))
        .means("Whether administrators can act as somebody else, with a reason, to see what they see."),
    duration("impersonation_within", 30 * MINUTE).means("After how long that ends by itself."),
    list("impersonation_protected_roles", &["root", "superadmin", "superuser"])
        .means("Whoever has one of these roles is never acted as, as administrators never are."),
    path("impersonation_end_url", "/impersonate/end").means("Route that ends it."),
    opt_text("post_impersonation_view")
        .means("Where a browser goes afterwards; without it, to the user's page in the panel of administrators."),
    flag("notify_impersonation", false)
        .modern(Preset::Flag(true))
        .means("Whether a mail tells the user that an administrator acts as them, and why."),
    text("email_subject_impersonation", "An administrator signed in as you").means("Subject of that mail."),
    text("email_template_impersonation", "security/email/impersonation_notice").means("Template of that mail."),
];
