//! Text messages.

use crate::settings::setting::{Preset, Section, Setting, flag, int, map, opt_duration, opt_text, section, text};

pub(crate) const SETTINGS: &[Setting] = &[
    text("sms_service", "Dummy").modern(Preset::Text("")).means(
        "Sender of text messages: \"webhook\", \"Twilio\", \"log\" (development only), \"Dummy\", which sends nothing, \
         or none, and then nothing that needs text messages is offered.",
    ),
    map(
        "sms_service_config",
        &[("ACCOUNT_SID", Preset::Off), ("AUTH_TOKEN", Preset::Off), ("PHONE_NUMBER", Preset::Off)],
    )
    .secret()
    .means("Account and token at Twilio, and the number that sends, for any sender."),
];

pub(crate) const GATEWAY: &[Setting] = &section(
    Section::Sms,
    [
        opt_text("webhook_url")
            .secret()
            .means("Where each text message is posted as JSON: `from_number`, `to_number`, `msg`."),
        opt_text("webhook_token").secret().means("Sent to the webhook as `Authorization: Bearer …`."),
        text("twilio_url", "https://api.twilio.com").means("Where Twilio's API is."),
        opt_duration("timeout").means("Longest wait for the gateway; off for 10 seconds."),
        int("most_per_hour", 30)
            .within(1, 1_000_000)
            .means("Messages to one number within an hour, for whichever accounts; beyond that none are sent."),
        flag("e164", false).modern(Preset::Flag(true)).means(
            "Whether numbers are handed to the sender in E.164 form, `+16505551212`; otherwise as they were typed.",
        ),
    ],
);
