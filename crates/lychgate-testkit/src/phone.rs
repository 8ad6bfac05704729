//! A telephone that keeps its text messages.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use lychgate::sms::{SmsError, SmsSender, TextMessage};
use parking_lot::Mutex;

/// Takes text messages and keeps them for the test to look at; a clone is the same telephone.
#[derive(Clone, Debug, Default)]
pub struct Phone {
    texts: Arc<Mutex<Vec<TextMessage>>>,
    is_down: Arc<AtomicBool>,
    tried: Arc<AtomicUsize>,
}

impl Phone {
    /// The text messages since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<TextMessage> {
        std::mem::take(&mut *self.texts.lock())
    }

    /// Whether messages fail from now on, as with a gateway that is away.
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How often a message was handed in.
    #[must_use]
    pub fn tried(&self) -> usize {
        self.tried.load(Ordering::SeqCst)
    }
}

/// The last word of a message, which is its code.
#[must_use]
pub fn code_in(text: &TextMessage) -> &str {
    text.body.split_whitespace().last().unwrap_or_default()
}

impl SmsSender for Phone {
    async fn send(&self, message: &TextMessage) -> Result<(), SmsError> {
        self.tried.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err(SmsError::temporary("the telephone is off"));
        }
        self.texts.lock().push(message.clone());
        Ok(())
    }
}
