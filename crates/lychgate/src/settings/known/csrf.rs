//! Protection against forged requests: the settings of the library and those of the token.

use crate::settings::setting::{
    HOUR, Preset, Section, Setting, choices, flag, list, map, opt_duration, opt_text, seconds, section, text,
};

/// Mechanisms whose requests may be forged; a browser sends no API key by itself.
const MECHANISMS: &[&str] = &["basic", "session", "token"];

pub(crate) const SETTINGS: &[Setting] = &[
    choices("csrf_protect_mechanisms", MECHANISMS, MECHANISMS).modern(Preset::List(&["basic", "session"])).means(
        "Mechanisms whose requests to protected routes must carry a CSRF token. Fewer \
             than all need `csrf.protect`, and `csrf.check_default` off.",
    ),
    flag("csrf_ignore_unauth_endpoints", false).means(
        "Whether callers who are not signed in need no CSRF token on routes that are \
         open to them, such as sign-in.",
    ),
    opt_text("csrf_cookie_name").means("Cookie that carries the CSRF token to scripts; off sends none."),
    map(
        "csrf_cookie",
        &[("samesite", Preset::Text("Strict")), ("httponly", Preset::Flag(false)), ("secure", Preset::Flag(true))],
    )
    .means("Attributes of that cookie; the older form `key` gives its name."),
    text("csrf_header", "X-XSRF-Token").means("Header in which a CSRF token is accepted besides `csrf.headers`."),
    flag("csrf_cookie_refresh_each_request", false).means("Whether the cookie is sent again with every reply."),
];

pub(crate) const TOKENS: &[Setting] = &section(
    Section::Csrf,
    [
        flag("enabled", true).means("Whether forms carry a CSRF token and check it."),
        flag("protect", false).modern(Preset::Flag(true)).means(
            "Whether requests with an unsafe method are checked throughout the application, \
             and tokens are accepted in headers.",
        ),
        flag("check_default", true).modern(Preset::Flag(false)).means(
            "With `protect`, whether every unsafe request is checked; off leaves it to the \
                 library's routes and guards, which know how the caller was authenticated.",
        ),
        flag("check_origin", false).modern(Preset::Flag(true)).means(
            "Whether an unsafe request is refused when the browser says that another site \
                 sent it. Lychgate's own.",
        ),
        opt_duration("time_limit")
            .default(seconds(HOUR))
            .means("Life of a CSRF token; false for as long as the session."),
        text("field_name", "csrf_token").means("Name of the form field and of the session entry."),
        list("headers", &["X-CSRFToken", "X-CSRF-Token"]).means("Headers in which a CSRF token is accepted."),
        choices("methods", &["POST", "PUT", "PATCH", "DELETE"], &["POST", "PUT", "PATCH", "DELETE"])
            .means("Methods that are checked."),
        flag("ssl_strict", true).means("Whether a request over https must name a page of this host as its referrer."),
        opt_text("secret_key").secret().means("Key that signs CSRF tokens; off for `secret_key`."),
        text("meta_name", "csrf-token")
            .without_meaning("the token is handed to templates as `csrf_token()`")
            .means("Flask-WTF: name of the meta tag that carries the token."),
    ],
);
