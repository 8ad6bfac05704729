//! Sends text messages by Twilio.

use std::{fmt, time::Duration};

use form_urlencoded::Serializer;
use http::{StatusCode, header};
use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::{SmsError, SmsSender, TextMessage, unreachable};
use crate::outgoing;

/// Where Twilio answers.
pub(super) const API: &str = "https://api.twilio.com";

/// Sends text messages by Twilio's API of 2010-04-01 (resource `Messages`).
///
/// A sender that begins with `MG` is the id of a messaging service, not a number.
pub struct TwilioSender {
    client: Client,
    messages: Url,
    account: String,
    token: SecretString,
}

impl TwilioSender {
    /// For an account, named by its id (`AC…`), at `api`, which is [the public address](https://api.twilio.com) or a
    /// stand-in for it; an answer may take as long as `timeout`.
    ///
    /// # Errors
    ///
    /// One line about what cannot be used.
    pub fn new(account: &str, token: SecretString, api: &str, timeout: Duration) -> Result<Self, String> {
        if account.is_empty() || account.len() > 64 || !account.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err("ACCOUNT_SID of sms_service_config is no id of an account".to_owned());
        }
        let api = outgoing::url("sms.twilio_url", api)?;
        let path = format!("/2010-04-01/Accounts/{account}/Messages.json");
        let messages = api.join(&path).map_err(|error| format!("sms.twilio_url: {error}"))?;
        Ok(Self { client: outgoing::client(&messages, timeout)?, messages, account: account.to_owned(), token })
    }
}

impl SmsSender for TwilioSender {
    async fn send(&self, message: &TextMessage) -> Result<(), SmsError> {
        let from = message.from.as_deref().unwrap_or_default();
        let sender = if from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let form = Serializer::new(String::new())
            .append_pair("To", &message.to)
            .append_pair(sender, from)
            .append_pair("Body", &message.body)
            .finish();
        let request = self
            .client
            .post(self.messages.clone())
            .basic_auth(&self.account, Some(self.token.expose_secret()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let (status, body) = outgoing::read(request.send().await.map_err(unreachable)?).await;
        if status.is_success() {
            return Ok(());
        }
        // The error's number only: its text may repeat what was sent.
        let number = serde_json::from_slice::<Value>(&body).ok().and_then(|body| body["code"].as_i64());
        let text = match number {
            Some(number) => format!("Twilio answered {status}, error {number}"),
            None => format!("Twilio answered {status}"),
        };
        // 400 is about the message: no such number, none that takes texts, one that wants none from us.
        if status == StatusCode::BAD_REQUEST { Err(SmsError::permanent(text)) } else { Err(SmsError::temporary(text)) }
    }
}

impl fmt::Debug for TwilioSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioSender").field("account", &self.account).finish_non_exhaustive()
    }
}
