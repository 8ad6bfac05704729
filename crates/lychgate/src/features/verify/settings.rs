//! Settings of freshness: proving identity again before something sensitive.

use crate::settings::setting::{DAY, HOUR, MINUTE, Setting, duration, flag, opt_text, path, seconds, text};

pub(crate) const SETTINGS: &[Setting] = &[
    path("verify_url", "/verify").means("Route of the page that asks for the password again."),
    opt_text("post_verify_view").means("Where a browser goes afterwards when no `next` is given."),
    text("verify_template", "security/verify.html").means("Template of that page."),
    duration("freshness", DAY).modern(seconds(15 * MINUTE)).means(
        "How long after sign-in sensitive routes are open without proof; below zero \
             switches freshness off and removes the route.",
    ),
    duration("freshness_grace_period", HOUR).modern(seconds(5 * MINUTE)).means(
        "How long a sensitive route stays open after a fresh use, so that a form can be \
             finished.",
    ),
    flag("freshness_allow_auth_token", true)
        .means("Whether a token counts as fresh by the age of the sign-in it came from."),
];
