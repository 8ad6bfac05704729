//! Work that senders of forms prove.

use crate::settings::setting::{
    MINUTE, Section, Setting, choices, duration, flag, int, opt_duration, path, section, text,
};

const DOORS: &[&str] = &["register", "login", "recover", "confirm"];

pub(crate) const SETTINGS: &[Setting] = &section(
    Section::Challenge,
    [
        flag("enabled", false).means(
            "Whether the browser of whoever sends a form does a calculation first, which costs robots dearly. No third \
             party is asked.",
        ),
        choices("on", DOORS, DOORS).means(
            "Which forms: \"register\"; \"login\", with codes and sign-in links that are asked for; \"recover\" a \
             password or user name; \"confirm\" an address by another mail.",
        ),
        text("free", "10 per hour").means(
            "How many of each are taken from one address, and for one account, before anybody is asked. Empty to ask always.",
        ),
        int("difficulty", 17)
            .within(8, 26)
            .means("How much work: about 2 to the power of this many SHA-256 hashes; 17 is about a second in a browser."),
        opt_duration("wait").default(crate::settings::setting::Preset::Seconds(15.0)).means(
            "How long after it was served a form is taken without the calculation, from browsers without JavaScript; off if \
             it never is.",
        ),
        text("waits", "6 per hour").means("How many such forms one address may send."),
        path("url", "/challenge").means("Route where programs fetch the calculation."),
    ],
);

pub(crate) const TOKENS: &[Setting] = &[
    duration("challenge_within", 30 * MINUTE).means("How long a calculation that was handed out counts."),
    text("challenge_salt", "challenge-salt").means("Salt of its signature."),
];
