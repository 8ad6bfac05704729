//! Text messages.

use crate::settings::setting::{Preset, Section, Setting, later, map, opt_text, section, text};

pub(crate) const SETTINGS: &[Setting] = &later(
    "text messages",
    [
        text("sms_service", "Dummy").means(
            "Sender of text messages: \"webhook\", or a name that the application \
             registers.",
        ),
        map(
            "sms_service_config",
            &[("ACCOUNT_SID", Preset::Off), ("AUTH_TOKEN", Preset::Off), ("PHONE_NUMBER", Preset::Off)],
        )
        .secret()
        .means("Account, token and number of the sender."),
    ],
);

pub(crate) const GATEWAY: &[Setting] = &later(
    "text messages",
    section(
        Section::Sms,
        [opt_text("webhook_url")
            .means("Where each text message is posted as JSON: `from_number`, `to_number`, `msg`.")],
    ),
);
