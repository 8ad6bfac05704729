//! A mailer that keeps the letters.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use lychgate::mail::{MailError, Mailer, Message};
use parking_lot::Mutex;

/// Takes letters and keeps them for the test to look at; a clone is the same inbox.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    letters: Arc<Mutex<Vec<Message>>>,
    is_down: Arc<AtomicBool>,
    tried: Arc<AtomicUsize>,
}

impl Inbox {
    /// The letters since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.letters.lock())
    }

    /// Whether it refuses letters from now on, as a mail server that is away does.
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How often a letter was handed in.
    #[must_use]
    pub fn tried(&self) -> usize {
        self.tried.load(Ordering::SeqCst)
    }
}

/// The path of the first link in a letter's text that leads below `folder`.
#[must_use]
pub fn link_in(mail: &Message, folder: &str) -> Option<String> {
    let words = mail.text.as_deref()?.split_whitespace();
    let paths = words.filter_map(|word| word.split_once("://localhost"));
    paths.map(|(_, path)| path).find(|path| path.starts_with(&format!("{folder}/"))).map(str::to_owned)
}

impl Mailer for Inbox {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        self.tried.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err(MailError::temporary("the inbox is away"));
        }
        self.letters.lock().push(message.clone());
        Ok(())
    }
}
