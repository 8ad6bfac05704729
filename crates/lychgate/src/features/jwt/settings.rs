//! JSON Web Tokens, by the names of Flask-JWT-Extended.

use crate::settings::setting::{
    DAY, MINUTE, Preset, Section, Setting, any, choice, choices, duration, flag, list, list_or_text, opt_choice,
    opt_duration, opt_text, path, seconds, section, text,
};

const UNSAFE: &[&str] = &["POST", "PUT", "PATCH", "DELETE"];

pub(crate) const SETTINGS: &[Setting] = &section(
    Section::Jwt,
    [
            flag("enabled", false).means("Whether JSON Web Tokens are handed out and accepted."),
            opt_text("secret_key").secret().means("Key of HS algorithms; off for `secret_key` at the top."),
            text("algorithm", "HS256").means("Algorithm that signs."),
            list("decode_algorithms", &[]).means("Algorithms that are accepted; empty for `algorithm` alone."),
            opt_text("private_key").secret().means("Key that signs with RS, ES and PS algorithms, as PEM."),
            opt_text("public_key").means("Key that checks them, as PEM."),
            choices("token_location", &["headers", "cookies", "query_string", "json"], &["headers"])
                .means("Where a request carries its token."),
            opt_duration("access_token_expires")
                .default(seconds(15 * MINUTE))
                .means("Life of an access token; false for ever."),
            opt_duration("refresh_token_expires")
                .default(seconds(30 * DAY))
                .means("Life of a refresh token; false for ever."),
            text("header_name", "Authorization").means("Header of the token."),
            text("header_type", "Bearer").means("Word before the token in that header."),
            text("query_string_name", "jwt").means("Name in the query."),
            text("query_string_value_prefix", "").means("Text before the token in the query."),
            text("json_key", "access_token").means("Name in a JSON body."),
            text("refresh_json_key", "refresh_token").means("Name of a refresh token in a JSON body."),
            text("access_cookie_name", "access_token_cookie").means("Cookie of the access token."),
            path("access_cookie_path", "/").means("Path of that cookie."),
            text("refresh_cookie_name", "refresh_token_cookie").means("Cookie of the refresh token."),
            path("refresh_cookie_path", "/").means("Path of that cookie."),
            opt_text("cookie_domain").means("Domain of the cookies."),
            flag("cookie_secure", false)
                .modern(Preset::Flag(true))
                .means("Whether the cookies are sent over https only."),
            opt_choice("cookie_samesite", &["Lax", "Strict", "None"], Preset::Off)
                .modern(Preset::Text("Lax"))
                .means("Whether other sites' requests carry the cookies."),
            flag("session_cookie", true).means("Whether the cookies end with the browser session."),
            flag("cookie_csrf_protect", true).means("Whether tokens in cookies need a CSRF token beside them."),
            choices("csrf_methods", UNSAFE, UNSAFE).means("Methods that need it."),
            flag("csrf_in_cookies", true).means("Whether the CSRF token is sent as a cookie."),
            text("access_csrf_cookie_name", "csrf_access_token").means("Cookie of the CSRF token of the access token."),
            path("access_csrf_cookie_path", "/").means("Path of that cookie."),
            text("refresh_csrf_cookie_name", "csrf_refresh_token")
                .means("Cookie of the CSRF token of the refresh token."),
            path("refresh_csrf_cookie_path", "/").means("Path of that cookie."),
            text("access_csrf_header_name", "X-CSRF-TOKEN").means("Header of the CSRF token with an access token."),
            text("refresh_csrf_header_name", "X-CSRF-TOKEN").means("Header of the CSRF token with a refresh token."),
            flag("csrf_check_form", false).means("Whether the CSRF token is accepted in a form field."),
            text("access_csrf_field_name", "csrf_token").means("That field with an access token."),
            text("refresh_csrf_field_name", "csrf_token").means("That field with a refresh token."),
            text("identity_claim", "sub").means("Claim that names the user."),
            flag("verify_sub", true).means("Whether that claim must be text."),
            opt_text("encode_audience").means("Audience put into tokens."),
            list_or_text("decode_audience", &[]).means("Audiences that are accepted; empty for `encode_audience` alone."),
            opt_text("encode_issuer").means("Issuer put into tokens."),
            opt_text("decode_issuer").means("Issuer that is accepted."),
            flag("encode_nbf", true).means("Whether tokens say from when on they are valid."),
            duration("decode_leeway", 0).means("How far clocks may differ."),
            text("error_message_key", "msg").means("Name of the text in error replies."),
            any("keys").secret().means(
                "Keys as a list of tables with `algorithm`, `secret`, `private_key` or `public_key`, and an `id`, in place of \
                 the settings above. The first one signs, all are accepted.",
            ),
            opt_text("key_id").means("Id of the key, as `kid` in tokens; a pair of keys has its thumbprint without it."),
            text("identity_column", "fs_uniquifier").means("Column of users that the identity claim holds."),
            opt_text("roles_claim").means("Claim that tells programs the names of the roles; off for none."),
            flag("require_exp", false)
                .modern(Preset::Flag(true))
                .means("Whether tokens that never expire are refused."),
            opt_duration("cookie_max_age").means("How long browsers keep the cookies; off as `session_cookie` says."),
            choice("refused_status", &["401", "422"], "422")
                .modern(Preset::Text("401"))
                .means("Status of the reply to what is no good token."),
            path("authenticate_url", "/authenticate").means("Route that hands tokens out for a password."),
            choice("authenticate_reply", &["cookie", "json"], "cookie")
                .means("Whether that route sends cookies, or the tokens as JSON."),
            flag("authenticate_refresh", false)
                .modern(Preset::Flag(true))
                .means("Whether that route hands out a refresh token too."),
            path("issue_url", "/jwt/tokens").means("Route that hands tokens out to whoever has a session."),
            path("refresh_url", "/jwt/refresh").means("Route that gives a new access token for a refresh token."),
            flag("refresh_rotation", false).modern(Preset::Flag(true)).means(
                "Whether a refresh token is good once and a refresh gives the next one; one that comes back ends every \
                 token of its sign-in.",
            ),
            duration("refresh_grace", 0).modern(seconds(10)).means(
                "How long the refresh token that was used last still gives the same successor, for tabs that refresh at \
                 once; at most an hour, 0 for not at all.",
            ),
            path("logout_url", "/jwt/logout").means("Route that revokes the tokens of a request."),
            path("jwks_url", "/.well-known/jwks.json").means("Route of the public keys, below no prefix."),
    ],
);
