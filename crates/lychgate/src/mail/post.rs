//! The letters of one request.

use lychgate_store::{Batch, OutboxItem};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Message, desk::KIND};
use crate::{failure::Failure, gate::Lychgate, web::exchange::Exchange};

/// A letter to be written.
#[derive(Debug)]
pub(crate) struct Letter<'a> {
    /// The name of the template without `.txt` and `.html`.
    pub(crate) template: &'a str,
    pub(crate) subject: String,
    /// The address of the recipient.
    pub(crate) to: &'a str,
    /// What the template may show beside what every letter knows.
    pub(crate) context: Map<String, Value>,
}

/// The letters of one request: written first, then entered in the outbox in the transaction of the change that they
/// tell of, then, after the commit, delivered.
#[derive(Debug)]
#[must_use = "letters are sent only once they are enqueued and delivered"]
pub(crate) struct Post {
    letters: Vec<Message>,
    /// Seconds that the request has for sending them itself, before others take them.
    head_start: time::Duration,
}

impl Exchange {
    /// No letters yet.
    pub(crate) fn post(&self) -> Post {
        Post { letters: Vec::new(), head_start: self.gate.desk().head_start() }
    }
}

impl Post {
    /// Writes a letter, with a text part and an HTML part where the settings want them and the template has them.
    pub(crate) fn letter(&mut self, exchange: &Exchange, letter: Letter<'_>) -> Result<(), Failure> {
        self.letters.push(exchange.compose(letter)?);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// Enters the letters in the outbox, in the caller's transaction.
    pub(crate) fn enqueue(&self, batch: &mut Batch, now: OffsetDateTime) {
        for letter in &self.letters {
            let mut item = OutboxItem::new(&letter.id, KIND, shown(&letter.to), letter.to_payload(), now);
            item.due_at = now + self.head_start;
            batch.enqueue(&item);
        }
    }

    /// Sends the letters now, or sees to it that they are sent soon. What cannot be sent stays in the outbox.
    pub(crate) async fn deliver(self, gate: &Lychgate) {
        if !self.is_empty() {
            gate.deliver_letters(self.letters).await;
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
