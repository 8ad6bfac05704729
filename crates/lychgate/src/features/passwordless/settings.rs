//! Sign-in by a link in a mail.

use crate::settings::setting::{DAY, Setting, duration, flag, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("passwordless", false).means(
        "Whether the sign-in page sends a link by mail instead of asking for a \
             password.",
    ),
    text("send_login_template", "security/send_login.html").means("Template of that page."),
    duration("login_within", DAY).means("Life of a sign-in link."),
    text("login_salt", "login-salt").means("Salt of sign-in links."),
];
