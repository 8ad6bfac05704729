//! Settings of recovery codes.

use crate::settings::setting::{Preset, Setting, flag, int, list, opt_duration, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("multi_factor_recovery_codes", false)
        .means("Whether users can have recovery codes, where there are second factors or passkeys."),
    int("multi_factor_recovery_codes_n", 5).within(1, 100).means("Number of codes in a set."),
    path("multi_factor_recovery_codes_url", "/mf-recovery-codes").means("Route that shows and renews the codes."),
    text("multi_factor_recovery_codes_template", "security/mf_recovery_codes.html").means("Template of that page."),
    path("multi_factor_recovery_url", "/mf-recovery").means("Route that takes a code at sign-in."),
    text("multi_factor_recovery_template", "security/mf_recovery.html").means("Template of that page."),
    list("multi_factor_recovery_codes_keys", &[])
        .secret()
        .means("Fernet keys that encrypt stored codes; the first encrypts, all decrypt."),
    opt_duration("multi_factor_recovery_code_ttl").means("Longest age of an encrypted code."),
    flag("multi_factor_recovery_codes_plain", true).modern(Preset::Flag(false)).means(
        "Whether codes are stored readable where no such keys are given; otherwise they are encrypted with a key made \
         of `secret_key`. Lychgate's own.",
    ),
];
