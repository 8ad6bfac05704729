//! What guards accept and where refused or redirected callers go.

use crate::settings::setting::{Preset, Setting, choices, flag, list, opt_choice, opt_text, text};

/// The ways in which a request says who it comes from.
pub(crate) const MECHANISMS: &[&str] = &["api_key", "basic", "jwt", "session", "token"];

pub(crate) const SETTINGS: &[Setting] = &[
    opt_text("unauthorized_view").means(
        "Where a browser goes when a role or permission is missing; off replies with \
         403.",
    ),
    flag("unauthorized_sign_in", false).means(
        "Whether strangers who lack a role or permission are sent to sign in, and back to where they wanted to go, \
         instead of getting 403. Lychgate's own.",
    ),
    text("default_http_auth_realm", "Login Required").means("Realm of HTTP basic authentication."),
    choices("api_enabled_methods", MECHANISMS, &["session", "token"]).means(
        "Mechanisms that the library's own protected routes accept, and guards that name none. API keys open \
             routes of the application alone.",
    ),
];

pub(crate) const REDIRECTS: &[Setting] = &[
    opt_text("redirect_host").means(
        "Host and port put into redirects to paths, for an app whose pages live \
             elsewhere.",
    ),
    opt_choice("redirect_behavior", &["spa"], Preset::Off).means(
        "With \"spa\", links in mails lead to pages of a single-page application \
             instead of the library's.",
    ),
    flag("redirect_allow_subdomains", false).means(
        "Whether `next` may lead to `server_name` and its sub-domains; otherwise to \
         this host only.",
    ),
    opt_text("redirect_base_domain")
        .means("Another domain that `next` may lead to, with `redirect_allowed_subdomains`."),
    list("redirect_allowed_subdomains", &[]).means(
        "Sub-domains of `redirect_base_domain` that `next` may lead to; \".\" is the \
         domain itself.",
    ),
    opt_text("login_error_view").means("Page of a single-page application for sign-ins by link or OAuth that failed."),
];
