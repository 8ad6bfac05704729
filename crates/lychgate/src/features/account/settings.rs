//! Settings of the account page.

use crate::settings::setting::{DAY, Preset, Setting, duration, flag, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("account", false)
        .modern(Preset::Flag(true))
        .means("Whether users have a page on their account: how they sign in, where they are signed in, their data."),
    path("account_url", "/account").means("Route of that page; what it does lies below."),
    text("account_template", "security/account.html").means("Template of that page."),
    flag("activity", false).modern(Preset::Flag(true)).means(
        "Whether sign-ins, failed ones and changes of an account are noted for its owner, with time, address and browser.",
    ),
    duration("activity_within", 365 * DAY).means("How long such notes are kept."),
];
