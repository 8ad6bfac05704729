//! A mailer whose type is forgotten.

use std::{future::Future, pin::Pin, sync::Arc};

use super::{MailError, Mailer, Message};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, MailError>> + Send + 'a>>;

trait Erased: Send + Sync {
    fn send_boxed<'a>(&'a self, message: &'a Message) -> Boxed<'a, ()>;
    fn try_out_boxed<'a>(&'a self, message: &'a Message) -> Boxed<'a, String>;
    fn check_boxed(&self) -> Boxed<'_, String>;
}

impl<M: Mailer> Erased for M {
    fn send_boxed<'a>(&'a self, message: &'a Message) -> Boxed<'a, ()> {
        Box::pin(self.send(message))
    }

    fn try_out_boxed<'a>(&'a self, message: &'a Message) -> Boxed<'a, String> {
        Box::pin(self.try_out(message))
    }

    fn check_boxed(&self) -> Boxed<'_, String> {
        Box::pin(self.check())
    }
}

/// Any mailer.
#[derive(Clone)]
pub(crate) struct AnyMailer(Arc<dyn Erased>);

impl AnyMailer {
    pub(crate) fn new(mailer: impl Mailer) -> Self {
        Self(Arc::new(mailer))
    }

    pub(crate) async fn send(&self, message: &Message) -> Result<(), MailError> {
        self.0.send_boxed(message).await
    }

    pub(crate) async fn try_out(&self, message: &Message) -> Result<String, MailError> {
        self.0.try_out_boxed(message).await
    }

    pub(crate) async fn check(&self) -> Result<String, MailError> {
        self.0.check_boxed().await
    }
}
