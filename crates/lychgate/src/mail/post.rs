//! The letters and text messages of one request.

use lychgate_store::Batch;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Message, parcel::Parcel};
use crate::{failure::Failure, gate::Lychgate, sms::TextMessage, web::exchange::Exchange};

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

/// The letters and text messages of one request: written first, then entered in the outbox in the transaction of the
/// change that they tell of, then, after the commit, delivered.
#[derive(Debug)]
#[must_use = "letters are sent only once they are enqueued and delivered"]
pub(crate) struct Post {
    parcels: Vec<Parcel>,
    /// What the request has for sending them itself, before others take them.
    head_start: time::Duration,
}

impl Exchange {
    /// Writes a letter and sends it at once, beside the outbox: for trying out whether that works. Gives what the other
    /// side answered.
    pub(crate) async fn try_letter(&self, letter: Letter<'_>) -> Result<String, String> {
        let letter = self.compose(letter).map_err(|failure| format!("the mail cannot be written: {failure:?}"))?;
        self.gate.try_once(&letter).await
    }

    /// No letters yet.
    pub(crate) fn post(&self) -> Post {
        Post::new(&self.gate)
    }
}

impl Post {
    pub(crate) fn new(gate: &Lychgate) -> Self {
        Self { parcels: Vec::new(), head_start: gate.desk().head_start() }
    }

    /// Writes a letter, with a text part and an HTML part where the settings want them and the template has them.
    pub(crate) fn letter(&mut self, exchange: &Exchange, letter: Letter<'_>) -> Result<(), Failure> {
        self.parcels.push(Parcel::Letter(exchange.compose(letter)?));
        Ok(())
    }

    /// The same for a letter that tells of a change to an account: it goes before others where there are too many.
    pub(crate) fn notice(&mut self, exchange: &Exchange, letter: Letter<'_>) -> Result<(), Failure> {
        let message = exchange.compose(letter)?;
        self.parcels.push(Parcel::Letter(Message { is_notice: true, ..message }));
        Ok(())
    }

    /// Adds a text message.
    pub(crate) fn text(&mut self, text: TextMessage) {
        self.parcels.push(Parcel::Text(text));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// Enters everything in the outbox, in the caller's transaction.
    pub(crate) fn enqueue(&self, batch: &mut Batch, now: OffsetDateTime) {
        for parcel in &self.parcels {
            let mut item = parcel.item(now);
            item.due_at = now + self.head_start;
            batch.enqueue(&item);
        }
    }

    /// Sends everything now, or sees to it that it is sent soon. What cannot be sent stays in the outbox. Says whether
    /// nothing has failed so far; mostly that must not change the reply.
    pub(crate) async fn deliver(self, gate: &Lychgate) -> bool {
        self.is_empty() || gate.deliver_parcels(self.parcels).await
    }
}
