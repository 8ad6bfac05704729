//! Settings of API keys. All are Lychgate's own.

use crate::settings::setting::{DAY, Setting, flag, int, opt_duration, path, seconds, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("api_keys", false).means(
        "Whether users can make API keys for programs. Where the application takes them say `guard::api_key()` and \
         `api_enabled_methods`.",
    ),
    path("api_keys_url", "/account/keys").means("Route that lists and makes them."),
    text("api_keys_template", "security/api_keys.html").means("Template of that page."),
    text("api_key_prefix", "lgk").means(
        "What new keys begin with, before a `_`: a small letter, then small letters and digits, 20 at most. Scanners of \
         leaked secrets know keys by it.",
    ),
    text("api_key_header", "X-API-Key").means("Header of a key, besides `Authorization: Bearer`."),
    opt_duration("api_key_max_age")
        .modern(seconds(366 * DAY))
        .means("Longest life of a key; off allows keys that do not expire."),
    int("api_keys_most", 20).within(1, 1000).means("Most keys of one user that can be used."),
];
