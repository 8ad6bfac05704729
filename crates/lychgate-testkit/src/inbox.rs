//! A mailer that keeps the letters.

use lychgate::mail::{MailError, Mailer, Message};

use crate::kept::Kept;

/// Takes letters and keeps them for the test to look at; a clone is the same inbox.
pub type Inbox = Kept<Message>;

/// The path of the first link in a letter's text that leads below `folder`.
#[must_use]
pub fn link_in(mail: &Message, folder: &str) -> Option<String> {
    let words = mail.text.as_deref()?.split_whitespace();
    let paths = words.filter_map(|word| word.split_once("://localhost"));
    paths.map(|(_, path)| path).find(|path| path.starts_with(&format!("{folder}/"))).map(str::to_owned)
}

impl Mailer for Inbox {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        if self.hand_in(message) { Ok(()) } else { Err(MailError::temporary("the inbox is away")) }
    }
}
