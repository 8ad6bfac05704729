//! Text messages: entered in the outbox like mails, and handed to a gateway by an [`SmsSender`].
//!
//! `sms_service` names the gateway: `"webhook"`, `"Twilio"`, `"log"` for development, `"Dummy"` for none that is real. An
//! application may hand in a sender of its own instead.
//!
//! A message that carries a code is worth nothing once the code has expired, so it is not tried for longer than that.
//! The log never shows what a message says, but for that of [`LogSender`].
//!
//! ```
//! use lychgate::{
//!     Lychgate,
//!     sms::{SmsError, SmsSender, TextMessage},
//! };
//!
//! /// Hands text messages to a modem.
//! struct Modem;
//!
//! impl SmsSender for Modem {
//!     async fn send(&self, message: &TextMessage) -> Result<(), SmsError> {
//!         println!("{}: {}", message.to, message.body);
//!         Ok(())
//!     }
//! }
//!
//! let builder = Lychgate::builder().sms_sender(Modem);
//! ```

mod choose;
mod erased;
mod local;
mod message;
mod send;
mod twilio;
mod webhook;

pub(crate) use self::{
    choose::{Gateway, gateway},
    erased::AnySmsSender,
};
pub use self::{
    local::{DummySender, LogSender},
    message::{SmsError, SmsSender, TextMessage},
    twilio::TwilioSender,
    webhook::WebhookSender,
};

/// Why a gateway gave no reply.
fn unreachable(error: reqwest::Error) -> SmsError {
    SmsError::temporary(crate::outgoing::explain(error))
}
