//! Settings of passkeys.

use crate::settings::setting::{
    MINUTE, Preset, Section, Setting, choices, duration, flag, int, list, opt_choice, opt_int, opt_text, path, section,
    text,
};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("webauthn", false).means("Whether users can register passkeys."),
    text("wan_rp_name", "My Flask App")
        .modern(Preset::Text(""))
        .means("Name of the site that browsers show; empty for `app_name`."),
    opt_text("wan_rp_id").means(
        "Domain that passkeys belong to, such as \"example.com\" for all its sub-domains; off for the host of each \
         request. Changing it makes every passkey useless.",
    ),
    list("wan_related_origins", &[]).means(
        "Other origins, such as \"https://example.de\", on which passkeys of `wan_rp_id` may be used; they are told to \
         browsers at `/.well-known/webauthn`.",
    ),
    flag("wan_allow_as_first_factor", true).means("Whether a passkey alone signs in."),
    flag("wan_allow_as_multi_factor", true).means("Whether a passkey that verified its user counts as both factors."),
    flag("wan_allow_user_hints", true).modern(Preset::Flag(false)).means(
        "Whether the passkeys of a given identity are listed before sign-in. It tells who has an account, unless \
         replies are generic: then everybody seems to have one.",
    ),
    choices("wan_allow_as_verify", &["first", "secondary"], &["first", "secondary"])
        .means("Kinds of passkey that prove identity again."),
    opt_choice("wan_authenticator_attachment", &["cross-platform", "platform"], Preset::Text("cross-platform"))
        .modern(Preset::Off)
        .means(
            "Where a passkey for signing in may live: on a key that is carried about or on the device itself; off \
                for either.",
        ),
    opt_int("wan_challenge_bytes").within(1, 1_024).means("Bytes of randomness in a challenge; off for 32."),
    int("wan_register_timeout", 60_000).means("Milliseconds that a browser waits at registration."),
    int("wan_signin_timeout", 60_000).means("Milliseconds that a browser waits at sign-in."),
    duration("wan_register_within", 30 * MINUTE).means("Time to finish a registration."),
    duration("wan_signin_within", MINUTE).means("Time to finish a sign-in or a proof of identity."),
    text("wan_salt", "wan-salt").means("Salt of the states between the steps."),
    list("wan_name_allowed_chars", &["L", "N", "Pc", "Pd", "Zs"])
        .means("Unicode categories of the characters of a passkey's name."),
    int("wan_name_max_length", 64).means("Most characters of a passkey's name; no more than 64 are ever taken."),
    path("wan_register_url", "/wan-register").means("Route to register a passkey."),
    path("wan_signin_url", "/wan-signin").means("Route to sign in with a passkey."),
    path("wan_delete_url", "/wan-delete").means("Route to remove a passkey."),
    path("wan_verify_url", "/wan-verify").means("Route to prove identity again with a passkey."),
    text("wan_post_register_view", ".wan_register").means("Where a browser goes after registration."),
    text("wan_register_template", "security/wan_register.html").means("Template of the registration page."),
    text("wan_signin_template", "security/wan_signin.html").means("Template of the sign-in page."),
    text("wan_verify_template", "security/wan_verify.html").means("Template of the page to prove identity again."),
];

/// What an application of the reference gives by a class of its own.
pub(crate) const FIXED: &[Setting] = &section(
    Section::Webauthn,
    [
        opt_text("challenge").means("A fixed challenge, for tests only."),
        opt_text("origin").means("The origin that is expected instead of the request's."),
        opt_choice("user_verification", &["required", "preferred", "discouraged"], Preset::Off)
            .means("Whether a passkey must verify its user, instead of by its usage."),
    ],
);
