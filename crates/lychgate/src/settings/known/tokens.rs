//! Authentication tokens and refresh tokens.

use crate::settings::setting::{DAY, MINUTE, Preset, Setting, any, duration, flag, later, map, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    text("token_authentication_key", "auth_token").means("Name of an authentication token in a JSON body or query."),
    text("token_authentication_header", "Authentication-Token").means("Header of an authentication token."),
    duration("token_max_age", 15 * MINUTE).means("Life of an authentication token."),
    flag("token_query_enabled", true).modern(Preset::Flag(false)).means(
        "Whether a token in the query is accepted; addresses end up in logs, so better \
             not. Lychgate's own.",
    ),
    text("remember_salt", "remember-salt").means("Salt of authentication tokens (the remember-me cookie has none)."),
    flag("backwards_compat_auth_token", false).means(
        "Whether replies to JSON sign-ins always hold an authentication token, asked \
         for or not.",
    ),
    any("token_expire_timestamp")
        .without_meaning("it is a function in the reference; `token_max_age` bounds the life")
        .means("Time at which an authentication token ends whatever its age."),
];

pub(crate) const REFRESH: &[Setting] = &later(
    "refresh tokens",
    [
        flag("refresh_token", false).means("Whether sign-ins hand out refresh tokens."),
        path("refresh_token_url", "/refresh-token").means("Route that trades a refresh token for new tokens."),
        text("refresh_token_salt", "refresh-token-salt").means("Salt of refresh tokens."),
        duration("refresh_token_max_age", 90 * DAY).means("Life of a family of refresh tokens."),
        duration("refresh_token_max_idle", 7 * DAY).means("Longest time between two uses of a family."),
        flag("refresh_token_cleanup_expired", true).means("Whether expired rows are removed when a token is issued."),
        flag("refresh_token_cleanup_revoked", false).means("Whether revoked rows are removed when a token is issued."),
        text("refresh_token_cookie_name", "fs_refresh")
            .means("Cookie that carries the refresh token; empty for the JSON body."),
        map(
            "refresh_token_cookie",
            &[("samesite", Preset::Text("Strict")), ("httponly", Preset::Flag(true)), ("secure", Preset::Flag(true))],
        )
        .means("Attributes of that cookie."),
    ],
);
