//! Rate limits and lockout.

use crate::settings::setting::{
    DAY, MINUTE, Preset, Section, Setting, any, choice, duration, flag, int, map, opt_text, section, text,
};

const OWN: &str = "limits are declared by the features";

/// Ways of counting; the names are Flask-Limiter's, and one of our own.
const STRATEGIES: &[&str] = &["fixed-window", "sliding-window-counter", "moving-window", "gcra"];

pub(crate) const SETTINGS: &[Setting] = &section(
    Section::Limits,
    [
        flag("enabled", false)
            .modern(Preset::Flag(true))
            .means("Whether sign-in and the like are limited by account and by address."),
        text("secrets_by_address", "100 per minute; 2000 per hour").means(
            "How often one address may send passwords, codes, passkeys and links, to all such endpoints together. Empty for \
             no limit.",
        ),
        text("secrets_by_account", "30 per minute; 300 per hour")
            .means("How often that may be for one account or name, whether there is one or not, from wherever."),
        text("messages_by_address", "30 per minute; 200 per hour; 1000 per day")
            .means("How often one address may have mails and text messages sent, or make accounts."),
        text("messages_by_account", "6 per 15 minutes; 30 per day")
            .means("How often that may be for one account or name, whether there is one or not, from wherever."),
        text("setups_by_account", "30 per 15 minutes; 100 per day").means(
            "How often somebody who is signed in may have codes sent to set up how they sign in, which then is not counted \
             as above.",
        ),
        text("mails_in_all", "").modern(Preset::Text("10000 per hour; 100000 per day")).means(
            "How many mails leave in all; what is beyond waits in the outbox. Notices of changes to accounts have as many of \
             their own.",
        ),
        text("texts_in_all", "")
            .modern(Preset::Text("1000 per hour; 10000 per day"))
            .means("How many text messages are sent in all; beyond that none are, as the codes in them do not last."),
        text("texts_by_country", "").means(
            "How many to numbers of one country (in North America, of one area), as `200 per hour`: against those who have \
             messages sent to numbers that they earn by.",
        ),
        text("changes_by_address", "300 per minute")
            .means("How often one address may change anything else, or renew tokens."),
        flag("lockout", false).modern(Preset::Flag(true)).means(
            "Whether wrong passwords in a row make the next try wait, longer each time; counted in the database. Where \
             nothing is said, also wherever `limits.enabled` is on; a switch of its own otherwise.",
        ),
        int("lockout_after", 5)
            .within(1, 100)
            .means("How many wrong ones of an account from one address cost nothing."),
        int("lockout_after_all", 20)
            .within(1, 1000)
            .means("How many wrong ones of an account from all strangers together cost nothing."),
        duration("lockout_delay", 15).means("The first wait; the next is twice as long."),
        duration("lockout_longest", 15 * MINUTE).means("The longest wait."),
        duration("lockout_within", DAY).means("How long after the last wrong one they are forgotten."),
        text("storage_uri", "memory://").means(
            "Where counts are kept: `memory://` of this process, `sql://` for the database, or the URL of a Redis or \
             Valkey server, as redis://host:6379, rediss://host or redis+unix:///path.",
        ).secret(),
        map("storage_options", &[])
            .secret()
            .without_meaning("the URL says it all")
            .means("Flask-Limiter: options of that store."),
        choice("strategy", STRATEGIES, "fixed-window").modern(Preset::Text("gcra")).means(
            "How counts are kept: in windows that the first request opens, in windows that slide (two names for one way), \
             or flowing back steadily (GCRA).",
        ),
        text("key_prefix", "").means("What keys of the store begin with; 32 characters at most."),
        flag("ratelimit_headers", false).modern(Preset::Flag(true)).means(
            "Whether replies say how much of a limit by address is left, as `RateLimit` and `RateLimit-Policy` of the \
             draft of the IETF.",
        ),
        flag("headers_enabled", false)
            .means("Whether replies say it in the headers of Flask-Limiter, which the next settings name."),
        text("header_limit", "X-RateLimit-Limit").means("Header that tells the limit."),
        text("header_remaining", "X-RateLimit-Remaining").means("Header that tells what is left."),
        text("header_reset", "X-RateLimit-Reset").means("Header that tells when it starts anew."),
        text("header_retry_after", "Retry-After").means("Header that tells how long to wait."),
        choice("header_retry_after_value", &["delta-seconds", "http-date"], "delta-seconds")
            .means("Whether that is in seconds or a date (\"http-date\")."),
        flag("swallow_errors", false).means("Whether requests pass while the store cannot be reached."),
        flag("in_memory_fallback_enabled", true).means(
            "Whether this process counts for itself while the store cannot be reached. If neither, requests that are \
             counted are refused.",
        ),
        opt_text("default").means("Limit of every route for one address, as `100 per minute`."),
        opt_text("application").means("Limit of all routes together for one address."),
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
            any("request_identifier").without_meaning(OWN).means("Flask-Limiter: what a limit counts."),
    ],
);
