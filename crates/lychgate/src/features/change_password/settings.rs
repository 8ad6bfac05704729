//! Change of the password.

use crate::settings::setting::{Setting, flag, opt_text, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("changeable", false).means("Whether users can change their password."),
    path("change_url", "/change").means("Route of the page to change the password."),
    text("change_password_template", "security/change_password.html").means("Template of that page."),
    opt_text("post_change_view").means("Where a browser goes after the change."),
    flag("send_password_change_email", true).means("Whether a mail tells that the password has been changed."),
    text("change_salt", "change-salt").without_meaning("no token is made with it").means("Salt, never used."),
];
