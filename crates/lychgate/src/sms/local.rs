//! Senders that need no gateway.

use super::{SmsError, SmsSender, TextMessage};

/// Sends nothing and says that it did, as the sender of that name in Flask-Security.
#[derive(Clone, Copy, Debug, Default)]
pub struct DummySender;

impl SmsSender for DummySender {
    async fn send(&self, _: &TextMessage) -> Result<(), SmsError> {
        Ok(())
    }
}

/// Writes text messages to the log instead of sending them. The log then holds codes that sign people in, so the
/// settings allow it in development only.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSender;

impl SmsSender for LogSender {
    async fn send(&self, message: &TextMessage) -> Result<(), SmsError> {
        tracing::info!(to = message.to, text = message.body, "a text message is written here instead of being sent");
        Ok(())
    }
}
