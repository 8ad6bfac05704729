//! Rate limits and lockout.

use crate::settings::setting::{Preset, Section, Setting, any, flag, int, later, map, opt_text, section, text};

const OWN: &str = "limits are declared by the features";

pub(crate) const SETTINGS: &[Setting] = &later(
    "rate limits",
    section(
        Section::Limits,
        [
            flag("enabled", false)
                .modern(Preset::Flag(true))
                .means("Whether sign-in and the like are limited by account and by address."),
            text("storage_uri", "memory://").means("Where counts are kept: memory, the database, or Redis."),
            map("storage_options", &[]).secret().means("Options of that store."),
            text("strategy", "fixed-window").without_meaning("counts are kept by GCRA").means("How counts are kept."),
            text("key_prefix", "").means("What keys of the store begin with."),
            flag("headers_enabled", false).means("Whether replies say how much of a limit is left."),
            text("header_limit", "X-RateLimit-Limit").means("Header that tells the limit."),
            text("header_remaining", "X-RateLimit-Remaining").means("Header that tells what is left."),
            text("header_reset", "X-RateLimit-Reset").means("Header that tells when it starts anew."),
            text("header_retry_after", "Retry-After").means("Header that tells how long to wait."),
            text("header_retry_after_value", "delta-seconds")
                .means("Whether that is in seconds or a date (\"http-date\")."),
            flag("swallow_errors", false).means("Whether requests pass when the store cannot be reached."),
            opt_text("default").means("Limit of every route, as `100 per minute`."),
            opt_text("application").means("Limit of all routes together."),
            any("key_func").without_meaning(OWN).means("Flask-Limiter: whom a limit counts for."),
            any("defaults_per_method").without_meaning(OWN).means("Flask-Limiter: counts methods apart."),
            any("defaults_exempt_when").without_meaning(OWN).means("Flask-Limiter: function that exempts."),
            any("defaults_deduct_when").without_meaning(OWN).means("Flask-Limiter: function that counts."),
            int("defaults_cost", 1).without_meaning(OWN).means("Flask-Limiter: cost of a request."),
            any("application_per_method").without_meaning(OWN).means("Flask-Limiter: counts methods apart."),
            any("application_exempt_when").without_meaning(OWN).means("Flask-Limiter: function that exempts."),
            any("application_deduct_when").without_meaning(OWN).means("Flask-Limiter: function that counts."),
            int("application_cost", 1).without_meaning(OWN).means("Flask-Limiter: cost of a request."),
            any("meta").without_meaning(OWN).means("Flask-Limiter: limit on breached limits."),
            any("on_meta_breach_callback").without_meaning(OWN).means("Flask-Limiter: function called then."),
            any("fail_on_first_breach").without_meaning(OWN).means("Flask-Limiter: stops at the first limit."),
            any("on_breach_callback").without_meaning(OWN).means("Flask-Limiter: function called at a breach."),
            any("in_memory_fallback").without_meaning(OWN).means("Flask-Limiter: limits without the store."),
            any("in_memory_fallback_enabled")
                .without_meaning(OWN)
                .means("Flask-Limiter: counts in memory without the store."),
            any("request_identifier").without_meaning(OWN).means("Flask-Limiter: what a limit counts."),
        ],
    ),
);
