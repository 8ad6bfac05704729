//! What the outbox holds: letters and text messages.

use std::{future::Future, pin::Pin};

use lychgate_store::OutboxItem;
use time::OffsetDateTime;

use super::{AnyMailer, Message};
use crate::sms::{Gateway, TextMessage};

/// Something to be sent.
#[derive(Clone, Debug)]
pub(super) enum Parcel {
    Letter(Message),
    Text(TextMessage),
}

/// Why something was not sent.
pub(super) struct Trouble {
    pub(super) text: String,
    pub(super) is_permanent: bool,
}

impl Trouble {
    pub(super) fn new(text: impl std::fmt::Display, is_permanent: bool) -> Self {
        Self { text: text.to_string(), is_permanent }
    }
}

type Sending = Pin<Box<dyn Future<Output = Result<(), Trouble>> + Send>>;

impl Parcel {
    /// What an item of the outbox holds, if it can be read.
    pub(super) fn read(item: &OutboxItem) -> Option<Self> {
        match item.kind.as_str() {
            Message::KIND => Message::from_payload(&item.payload).map(Self::Letter),
            TextMessage::KIND => TextMessage::from_payload(&item.payload).map(Self::Text),
            _ => None,
        }
    }

    /// The item of the outbox, due at once.
    pub(super) fn item(&self, now: OffsetDateTime) -> OutboxItem {
        match self {
            Self::Letter(letter) => {
                OutboxItem::new(&letter.id, Message::KIND, shown(&letter.to), letter.to_payload(), now)
            }
            Self::Text(text) => OutboxItem::new(&text.id, TextMessage::KIND, shown(&text.to), text.to_payload(), now),
        }
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::Letter(letter) => &letter.id,
            Self::Text(text) => &text.id,
        }
    }

    /// What the log calls it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Letter(_) => "mail",
            Self::Text(_) => "text message",
        }
    }

    /// Whether it is worth nothing any more.
    pub(super) fn is_stale(&self, now: OffsetDateTime) -> bool {
        matches!(self, Self::Text(text) if text.good_until < now)
    }

    /// An attempt to send it.
    pub(super) fn send(&self, mailer: &AnyMailer, gateway: Option<&Gateway>) -> Sending {
        match self.clone() {
            Self::Letter(letter) => {
                let mailer = mailer.clone();
                Box::pin(async move {
                    let sent = mailer.send(&letter).await;
                    sent.map_err(|error| Trouble::new(&error, error.is_permanent()))
                })
            }
            Self::Text(text) => {
                let sender = gateway.map(|gateway| gateway.sender.clone());
                Box::pin(async move {
                    let Some(sender) = sender else {
                        return Err(Trouble::new("sms_service names no sender of text messages", true));
                    };
                    let sent = sender.send(&text).await;
                    sent.map_err(|error| Trouble::new(&error, error.is_permanent()))
                })
            }
        }
    }
}

/// A recipient as lists show it: bounded, on one line.
fn shown(to: &str) -> String {
    let mut shown = String::new();
    for c in to.chars().filter(|c| !c.is_control()) {
        if shown.len() + c.len_utf8() > 320 {
            break;
        }
        shown.push(c);
    }
    shown
}

#[cfg(test)]
mod tests {
    #[test]
    fn recipients_are_bounded() {
        assert_eq!(super::shown("joe@lp.com\r\nBcc: eve@lp.com"), "joe@lp.comBcc: eve@lp.com");
        assert_eq!(super::shown(&"ü".repeat(1000)).len(), 320);
    }
}
