//! A telephone that keeps its text messages.

use lychgate::sms::{SmsError, SmsSender, TextMessage};

use crate::kept::Kept;

/// Takes text messages and keeps them for the test to look at; a clone is the same telephone.
pub type Phone = Kept<TextMessage>;

/// The last word of a message, which is its code.
#[must_use]
pub fn code_in(text: &TextMessage) -> &str {
    text.body.split_whitespace().last().unwrap_or_default()
}

impl SmsSender for Phone {
    async fn send(&self, message: &TextMessage) -> Result<(), SmsError> {
        if self.hand_in(message) { Ok(()) } else { Err(SmsError::temporary("the telephone is off")) }
    }
}
