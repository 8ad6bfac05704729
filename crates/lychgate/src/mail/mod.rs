//! Mails: composed from templates, entered in the outbox in the transaction of the change that they tell of, and sent
//! by a [`Mailer`].
//!
//! A letter that is in the outbox is sent at least once, whatever happens to the process or the mail server in between.
//! A letter that cannot be sent is tried again, later each time, and is `dead` in the outbox after [`MOST_ATTEMPTS`] or
//! when the mail server says that there is no such recipient. Whether sending works changes no reply to a request.
//!
//! ```
//! use lychgate::{
//!     Lychgate,
//!     mail::{MailError, Mailer, Message},
//! };
//!
//! /// Hands letters to the API of a mail service.
//! struct Service;
//!
//! impl Mailer for Service {
//!     async fn send(&self, message: &Message) -> Result<(), MailError> {
//!         println!("{}: {}", message.to, message.subject);
//!         Ok(())
//!     }
//! }
//!
//! let builder = Lychgate::builder().mailer(Service);
//! ```

mod compose;
mod desk;
mod erased;
mod local;
mod message;
mod mime;
mod parcel;
mod post;
mod smtp;

pub(crate) use self::{
    desk::Desk,
    erased::AnyMailer,
    post::{Letter, Post},
};
pub use self::{
    desk::MOST_ATTEMPTS,
    local::{FileMailer, LogMailer},
    message::{MailError, Mailer, Message},
    smtp::SmtpMailer,
};
