//! A text message as a sender gets it.

use std::{fmt, future::Future};

use serde_json::{Value, json};
use time::OffsetDateTime;

/// A text message that is ready to be sent.
///
/// Its `Debug` does not show what it says: that is mostly a code that signs somebody in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextMessage {
    /// Random and the same at each attempt.
    pub id: String,
    /// The number that sends it, or whatever the gateway takes for one: `PHONE_NUMBER` of `sms_service_config`.
    pub from: Option<String>,
    /// The number that it goes to: in E.164 form (`+16505551212`) if `sms.e164` is on, else as it was typed.
    pub to: String,
    /// What it says.
    pub body: String,
    /// When it becomes worthless, because the code in it expires.
    pub good_until: OffsetDateTime,
    /// The header `traceparent` for the gateway, if the request that it comes from is part of a trace.
    pub trace: Option<String>,
}

impl TextMessage {
    /// The kind of the outbox's items that are text messages.
    pub(crate) const KIND: &'static str = "sms";

    /// As the outbox keeps it.
    pub(crate) fn to_payload(&self) -> String {
        json!({
            "id": self.id,
            "from": self.from,
            "to": self.to,
            "body": self.body,
            "good_until": self.good_until.unix_timestamp(),
            "trace": self.trace,
        })
        .to_string()
    }

    /// What [`to_payload`](Self::to_payload) wrote.
    pub(crate) fn from_payload(payload: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(payload).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Self {
            id: text(&value["id"])?,
            from: text(&value["from"]),
            to: text(&value["to"])?,
            body: text(&value["body"])?,
            good_until: OffsetDateTime::from_unix_timestamp(value["good_until"].as_i64()?).ok()?,
            trace: text(&value["trace"]),
        })
    }
}

impl fmt::Debug for TextMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextMessage")
            .field("id", &self.id)
            .field("to", &self.to)
            .field("good_until", &self.good_until)
            .finish_non_exhaustive()
    }
}

/// Why a text message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SmsError {
    text: String,
    permanent: bool,
}

impl SmsError {
    /// It may work later: the gateway is away, busy or wrongly configured. The text is for the operator.
    pub fn temporary(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), permanent: false }
    }

    /// It will never work for this message: there is no such number, for one.
    pub fn permanent(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), permanent: true }
    }

    /// Whether trying again is useless.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }
}

/// Sends text messages.
///
/// One message may be handed in more than once, with the same [`id`](TextMessage::id), when nobody knows whether the
/// first attempt worked. An attempt that takes longer than `sms.timeout` is given up.
pub trait SmsSender: Send + Sync + 'static {
    /// Sends one message; done means that somebody else is responsible for it now.
    ///
    /// # Errors
    ///
    /// [`SmsError`], which says whether the message is tried again.
    fn send(&self, message: &TextMessage) -> impl Future<Output = Result<(), SmsError>> + Send;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message() -> TextMessage {
        TextMessage {
            id: "a-id".to_owned(),
            from: None,
            to: "+16505551212".to_owned(),
            body: "HIDDEN ü\n\"".to_owned(),
            good_until: OffsetDateTime::from_unix_timestamp(1_750_000_120).unwrap(),
            trace: None,
        }
    }

    #[test]
    fn the_outbox_gives_back_what_it_got() {
        let with_sender = TextMessage { from: Some("Lych".to_owned()), trace: Some("00-".to_owned()), ..message() };
        for message in [message(), with_sender] {
            assert_eq!(TextMessage::from_payload(&message.to_payload()), Some(message));
        }
        for broken in ["", "{}", "[]", "null", "{\"id\": 1}"] {
            assert_eq!(TextMessage::from_payload(broken), None);
        }
    }

    #[test]
    fn debug_does_not_show_what_it_says() {
        assert!(!format!("{:?}", message()).contains("HIDDEN"));
    }
}
