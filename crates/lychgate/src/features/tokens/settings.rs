//! Settings of auth tokens and refresh tokens.

use crate::settings::setting::{DAY, MINUTE, Preset, Setting, any, duration, flag, map, opt_text, path, seconds, text};

pub(crate) const SETTINGS: &[Setting] = &[
    text("token_authentication_key", "auth_token").means("Name of an authentication token in a JSON body or query."),
    text("token_authentication_header", "Authentication-Token").means("Header of an authentication token."),
    duration("token_max_age", 15 * MINUTE).means("Life of an authentication token."),
    flag("token_query_enabled", true).modern(Preset::Flag(false)).means(
        "Whether a token in the query is accepted; addresses end up in logs, so better \
             not. Lychgate's own.",
    ),
    flag("token_ends_with_session", false).modern(Preset::Flag(true)).means(
        "Whether an authentication token ends when the session ends in which it was handed out, by sign-out for one. \
         Lychgate's own.",
    ),
    text("remember_salt", "remember-salt").means("Salt of authentication tokens (the remember-me cookie has none)."),
    flag("backwards_compat_auth_token", false).means(
        "Whether replies to JSON sign-ins always hold an authentication token, asked \
         for or not.",
    ),
    any("token_expire_timestamp")
        .without_meaning("it is a function in the reference; hand one to `Builder::token_expiry`")
        .means("Time at which an authentication token ends whatever its age."),
];

pub(crate) const REFRESH: &[Setting] = &[
    flag("refresh_token", false).means("Whether sign-ins that hand out an authentication token add a refresh token."),
    path("refresh_token_url", "/refresh-token").means("Route that trades a refresh token for new tokens."),
    text("refresh_token_salt", "refresh-token-salt").means("Salt of refresh tokens."),
    duration("refresh_token_max_age", 90 * DAY).means("Life of a family of refresh tokens."),
    duration("refresh_token_max_idle", 7 * DAY).means("Longest time between two uses of a family."),
    duration("refresh_token_grace", 0).modern(seconds(10)).means(
        "How long the refresh token that was used last still gives the same successor, for tabs that refresh at once; 0 \
         ends the family at once. Lychgate's own.",
    ),
    flag("refresh_token_is_fresh", true).modern(Preset::Flag(false)).means(
        "Whether the authentication token that a refresh gives counts as a proof of identity of now, as in the \
         reference, rather than of the sign-in. Lychgate's own.",
    ),
    flag("refresh_token_cleanup_expired", true).means("Whether expired rows are removed when a token is issued."),
    flag("refresh_token_cleanup_revoked", false).means("Whether revoked rows are removed when a token is issued."),
    opt_text("refresh_token_cookie_name")
        .default(Preset::Text("fs_refresh"))
        .means("Cookie that carries the refresh token; off for the JSON body."),
    map(
        "refresh_token_cookie",
        &[("samesite", Preset::Text("Strict")), ("httponly", Preset::Flag(true)), ("secure", Preset::Flag(true))],
    )
    .means("Attributes of that cookie."),
];
