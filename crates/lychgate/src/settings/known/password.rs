//! How passwords are hashed, checked and judged.

use super::core::FORMS;
use crate::settings::setting::{Preset, Setting, flag, int, list, list_or_flag, map, opt_choice, opt_text, text};

/// Schemes whose stored form other systems must be able to check, so the password goes in as it is.
const SINGLE: &[&str] = &[
    "django_argon2",
    "django_bcrypt",
    "django_bcrypt_sha256",
    "django_des_crypt",
    "django_pbkdf2_sha1",
    "django_pbkdf2_sha256",
    "django_salted_md5",
    "django_salted_sha1",
    "plaintext",
];
const SCHEMES: &[&str] =
    &["bcrypt", "argon2", "des_crypt", "pbkdf2_sha256", "pbkdf2_sha512", "sha256_crypt", "sha512_crypt", "plaintext"];
const MODERN_SCHEMES: &[&str] = &["argon2", "bcrypt", "pbkdf2_sha256", "pbkdf2_sha512", "sha256_crypt", "sha512_crypt"];

pub(crate) const SETTINGS: &[Setting] = &[
    text("password_hash", "argon2").means("Scheme of new hashes; one of `password_schemes`."),
    list("password_salt_fallbacks", &[]).secret().means(
        "Earlier values of `password_salt`, oldest first: a password that was hashed with one is still right, and is \
         hashed anew when it is used. Each makes a wrong password cost as much again.",
    ),
    opt_text("password_salt").secret().means(
        "Key of the HMAC-SHA-512 that a password passes before it is hashed. Needed \
         unless `password_single_hash` covers the scheme; changing it makes every \
         stored hash useless.",
    ),
    list_or_flag("password_single_hash", SINGLE).means(
        "Schemes that hash the password without the HMAC step; true for all, false for \
         none.",
    ),
    list("password_schemes", SCHEMES)
        .modern(Preset::List(MODERN_SCHEMES))
        .means("Schemes of stored hashes that are accepted, in the order they are recognised."),
    list("deprecated_password_schemes", &["auto"]).means(
        "Schemes that are replaced by a new hash at the next sign-in; \"auto\" for all \
         but `password_hash`.",
    ),
    map("password_hash_options", &[]).later("older hash options").means("Cost parameters by scheme, older form."),
    map("password_hash_passlib_options", &[]).means("Cost parameters, as `argon2__rounds = 3`."),
    int("password_length_min", 8).within(1, 128).modern(Preset::Int(15)).means(
        "Fewest characters of a password; the most is 128. In the modern profile 8 \
             where `two_factor_required` is on.",
    ),
    opt_choice("password_complexity_checker", &["zxcvbn"], Preset::Off)
        .means("With \"zxcvbn\", guessable passwords are refused."),
    int("zxcvbn_minimum_score", 3).within(0, 4).means("Least strength that zxcvbn must find, 0 to 4."),
    opt_choice("password_check_breached", &["best-effort", "strict"], Preset::Off)
        .modern(Preset::Text("best-effort"))
        .means(
            "Whether a password seen in a breach is refused; \"strict\" refuses as well \
         when that cannot be found out.",
        ),
    int("password_breached_count", 1).means("Number of sightings in breaches from which a password is refused."),
    opt_text("password_breached_list").means(
        "File with a list of breached passwords, made by `lychgate passwords list`; what it has is refused whatever the \
         number of sightings.",
    ),
    opt_text("password_breached_url")
        .default(Preset::Text("https://api.pwnedpasswords.com/range/"))
        .means(
            "Service that is asked as well: it is given the first five digits of the password's SHA-1 and answers with \
             all that begin so. Off for the list alone.",
        ),
    opt_choice("password_normalize_form", FORMS, Preset::Text("NFKD"))
        .means("Unicode form that passwords are brought to before hashing."),
    flag("password_required", true)
        .means("Whether every user has a password; without, `unified_signin` must be on."),
    list("hashing_schemes", &["sha256_crypt", "hex_md5"])
        .later("hashes of other data")
        .means("Schemes for hashes of other data."),
    list("deprecated_hashing_schemes", &["auto"])
        .later("hashes of other data")
        .means("Schemes for other data that are no longer used for new hashes."),
];
