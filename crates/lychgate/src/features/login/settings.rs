//! Settings of sign-in.

use crate::settings::setting::{Setting, flag, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    path("login_url", "/login").means("Route of the sign-in page."),
    text("post_login_view", "/")
        .means("Where a browser goes after sign-in: a path, an address or the name of a route."),
    text("login_user_template", "security/login_user.html").means("Template of the sign-in page."),
    flag("default_remember_me", false).means("Whether the box \"remember me\" is ticked to begin with."),
];
