//! Settings of sign-out.

use crate::settings::setting::{Preset, Setting, choices, flag, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    path("logout_url", "/logout").means("Route of sign-out."),
    choices("logout_methods", &["GET", "POST"], &["POST"])
        .means("Methods that sign out; an empty list removes the route."),
    flag("logout_csrf", false).modern(Preset::Flag(true)).means(
        "Whether signing out needs a CSRF token; a browser without one gets a page with \
         a button.",
    ),
    text("logout_user_template", "security/logout_user.html").means("Template of that page."),
    text("post_logout_view", "/").means("Where a browser goes after sign-out."),
];
