//! Sign-in through other services.

use crate::settings::setting::{Setting, flag, later, list, opt_text, path};

pub(crate) const SETTINGS: &[Setting] = &later(
    "OAuth",
    [
        flag("oauth_enable", false).means("Whether users can sign in through another service."),
        list("oauth_builtin_providers", &["github", "google"]).means("Services that are set up without code."),
        path("oauth_start_url", "/login/oauthstart").means("Route that begins a sign-in."),
        path("oauth_response_url", "/login/oauthresponse").means("Route that the service returns to."),
        path("oauth_verify_start_url", "/login/oauth-verify-start").means("Route that begins a new proof of identity."),
        path("oauth_verify_response_url", "/login/oauth-verify-response")
            .means("Route that the service returns to after it."),
        opt_text("post_oauth_login_view").means("Page of a single-page application after the sign-in."),
        opt_text("post_oauth_verify_view").means("Page of a single-page application after the new proof."),
        opt_text("verify_error_view").means("Page of a single-page application when the new proof fails."),
    ],
);
