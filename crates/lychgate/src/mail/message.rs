//! A letter as a mailer gets it.

use std::{fmt, future::Future};

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::settings::Mailbox;

/// A letter that is ready to be sent.
///
/// Its `Debug` shows no body: bodies hold links that sign people in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Random and the same at each attempt; the left half of the Message-ID.
    pub id: String,
    /// When it was written.
    pub written_at: OffsetDateTime,
    /// Who sends it.
    pub from: Mailbox,
    /// The one address that it goes to.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The body as plain text.
    pub text: Option<String>,
    /// The body as HTML.
    pub html: Option<String>,
    /// Whether it tells of a change to an account, and so does not wait for others where `limits.mails_in_all` is reached.
    pub is_notice: bool,
}

impl Message {
    /// The kind of the outbox's items that are letters.
    pub(crate) const KIND: &'static str = "mail";

    /// As the outbox keeps it.
    pub(crate) fn to_payload(&self) -> String {
        json!({
            "id": self.id,
            "written_at": self.written_at.unix_timestamp(),
            "from": [self.from.name, self.from.address],
            "to": self.to,
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "notice": self.is_notice,
        })
        .to_string()
    }

    /// What [`to_payload`](Self::to_payload) wrote.
    pub(crate) fn from_payload(payload: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(payload).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Self {
            id: text(&value["id"])?,
            written_at: OffsetDateTime::from_unix_timestamp(value["written_at"].as_i64()?).ok()?,
            from: Mailbox { name: text(&value["from"][0]), address: text(&value["from"][1])? },
            to: text(&value["to"])?,
            subject: text(&value["subject"])?,
            text: text(&value["text"]),
            html: text(&value["html"]),
            is_notice: value["notice"].as_bool().unwrap_or_default(),
        })
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("to", &self.to)
            .field("subject", &self.subject)
            .field("text", &self.text.is_some())
            .field("html", &self.html.is_some())
            .finish_non_exhaustive()
    }
}

/// Why a letter was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct MailError {
    text: String,
    permanent: bool,
}

impl MailError {
    /// It may work later: the server is away, busy or wrongly configured. The text is for the operator.
    pub fn temporary(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), permanent: false }
    }

    /// It will never work for this letter: there is no such recipient, for one.
    pub fn permanent(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), permanent: true }
    }

    /// Whether trying again is useless.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }
}

/// Sends letters.
///
/// One letter may be handed in more than once, with the same [`id`](Message::id), when nobody knows whether the first
/// attempt worked. An attempt that takes longer than `mail.timeout` (before the reply) or a minute (from the outbox) is
/// given up.
pub trait Mailer: Send + Sync + 'static {
    /// Sends one letter; done means that somebody else is responsible for it now.
    ///
    /// # Errors
    ///
    /// [`MailError`], which says whether the letter is tried again.
    fn send(&self, message: &Message) -> impl Future<Output = Result<(), MailError>> + Send;

    /// Sends one letter as [`send`](Self::send) does, and says what became of it, for people who try out whether mails
    /// arrive: what a mail server answered, or that no server is asked.
    ///
    /// # Errors
    ///
    /// [`MailError`].
    fn try_out(&self, message: &Message) -> impl Future<Output = Result<String, MailError>> + Send {
        async { self.send(message).await.map(|()| "the application took it".to_owned()) }
    }

    /// Whether letters can be sent at present, and where to, in a few words.
    ///
    /// # Errors
    ///
    /// [`MailError`] that says what is wrong.
    fn check(&self) -> impl Future<Output = Result<String, MailError>> + Send {
        async { Ok("mails are sent by the application".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_outbox_gives_back_what_it_got() {
        let message = Message {
            id: "a-id".to_owned(),
            written_at: OffsetDateTime::from_unix_timestamp(1_750_000_000).unwrap(),
            from: Mailbox { name: Some("Büro, \"Nord\"".to_owned()), address: "no-reply@lp.com".to_owned() },
            to: "joe@lp.com".to_owned(),
            subject: "Welcome \u{1f44b}".to_owned(),
            text: Some("a\nb\0".to_owned()),
            html: None,
            is_notice: true,
        };
        let payload = message.to_payload();
        assert!(!payload.contains('\0'));
        assert_eq!(Message::from_payload(&payload), Some(message));
        for broken in ["", "{}", "[]", "null", "{\"id\": 1}"] {
            assert_eq!(Message::from_payload(broken), None);
        }
    }

    #[test]
    fn debug_shows_no_body() {
        let message = Message {
            id: String::new(),
            written_at: OffsetDateTime::UNIX_EPOCH,
            from: Mailbox { name: None, address: String::new() },
            to: String::new(),
            subject: String::new(),
            text: Some("HIDDEN".to_owned()),
            is_notice: false,
            html: Some("HIDDEN".to_owned()),
        };
        assert!(!format!("{message:?}").contains("HIDDEN"));
    }
}
