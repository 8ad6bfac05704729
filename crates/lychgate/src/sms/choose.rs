//! Which sender the settings name.

use std::time::Duration;

use secrecy::SecretString;

use super::{AnySmsSender, DummySender, LogSender, TwilioSender, WebhookSender};
use crate::settings::{RawValue, Settings};

/// The sender of text messages and what belongs to it.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) sender: AnySmsSender,
    /// The number that sends.
    pub(crate) from: Option<String>,
    /// The longest that a message may take.
    pub(crate) timeout: Duration,
}

/// The gateway that the settings describe, with the application's own sender if it has one. None if the settings name
/// none; then nothing that needs text messages is offered.
pub(crate) fn gateway(settings: &Settings, own: Option<AnySmsSender>) -> Result<Option<Gateway>, String> {
    let seconds = settings.duration("sms.timeout").map_or(10.0, |timeout| timeout.as_secs_f64());
    let timeout = Duration::from_secs_f64(seconds.clamp(0.01, 60.0));
    let sender = match own {
        Some(own) => Some(own),
        None => from_settings(settings, timeout)?,
    };
    Ok(sender.map(|sender| Gateway { sender, from: entry(settings, "PHONE_NUMBER"), timeout }))
}

fn from_settings(settings: &Settings, timeout: Duration) -> Result<Option<AnySmsSender>, String> {
    let name = settings.text("sms_service");
    let sender = match name.to_ascii_lowercase().as_str() {
        "" => return Ok(None),
        "dummy" => AnySmsSender::new(DummySender),
        "log" if settings.text("environment") == "development" => AnySmsSender::new(LogSender),
        "log" => {
            return Err("sms_service \"log\" writes codes that sign people in to the log: it is for \
                        environment = \"development\" only"
                .to_owned());
        }
        "webhook" => match settings.text_opt("sms.webhook_url") {
            Some(url) => {
                let token = settings.text_opt("sms.webhook_token").map(SecretString::from);
                AnySmsSender::new(WebhookSender::new(url, token, timeout)?)
            }
            None if is_needed(settings) => {
                return Err("sms_service \"webhook\" needs sms.webhook_url, where text messages are posted".to_owned());
            }
            None => return Ok(None),
        },
        "twilio" => AnySmsSender::new(twilio(settings, timeout)?),
        _ => {
            return Err(format!(
                "sms_service {name:?} is none of \"webhook\", \"Twilio\", \"log\", \"Dummy\"; an application hands in \
                 a sender of its own with `Builder::sms_sender`"
            ));
        }
    };
    Ok(Some(sender))
}

/// Whether something that is on sends text messages.
fn is_needed(settings: &Settings) -> bool {
    [("two_factor", "two_factor_enabled_methods"), ("unified_signin", "us_enabled_methods")]
        .iter()
        .any(|(feature, methods)| settings.flag(feature) && settings.list(methods).iter().any(|method| method == "sms"))
}

fn twilio(settings: &Settings, timeout: Duration) -> Result<TwilioSender, String> {
    let needed = |name: &str| {
        entry(settings, name).ok_or_else(|| format!("sms_service \"Twilio\" needs {name} in sms_service_config"))
    };
    let (account, token) = (needed("ACCOUNT_SID")?, needed("AUTH_TOKEN")?);
    needed("PHONE_NUMBER")?;
    let api = settings.text_opt("sms.twilio_url").unwrap_or(super::twilio::API);
    TwilioSender::new(&account, token.into(), api, timeout)
}

/// An entry of `sms_service_config`, whose names are upper-case in Flask.
fn entry(settings: &Settings, name: &str) -> Option<String> {
    let mut entries = settings.map("sms_service_config").iter();
    let (_, value) = entries.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    match value {
        RawValue::Text(text) | RawValue::Written(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}
