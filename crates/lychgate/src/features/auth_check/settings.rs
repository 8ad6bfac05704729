//! Settings of forward authentication.

use crate::settings::setting::{Preset, Setting, flag, map, path};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("auth_check", false).means("Whether a proxy may ask who sends a request and whether they may pass."),
    path("auth_check_url", "/auth/check").means("Route at which it asks."),
    map(
        "auth_check_headers",
        &[
            ("user", Preset::Text("X-Auth-User")),
            ("email", Preset::Text("X-Auth-Email")),
            ("roles", Preset::Text("X-Auth-Roles")),
            ("permissions", Preset::Text("X-Auth-Permissions")),
            ("location", Preset::Text("X-Auth-Location")),
        ],
    )
    .means(
        "Headers of the answer: the user's id, address, roles and permissions, and where a refused browser \
                goes; what is left out is not sent.",
    ),
];
