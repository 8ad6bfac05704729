//! A sender whose type is forgotten.

use std::{future::Future, pin::Pin, sync::Arc};

use super::{SmsError, SmsSender, TextMessage};

type Boxed<'a> = Pin<Box<dyn Future<Output = Result<(), SmsError>> + Send + 'a>>;

trait Erased: Send + Sync {
    fn send_boxed<'a>(&'a self, message: &'a TextMessage) -> Boxed<'a>;
}

impl<S: SmsSender> Erased for S {
    fn send_boxed<'a>(&'a self, message: &'a TextMessage) -> Boxed<'a> {
        Box::pin(self.send(message))
    }
}

/// Any sender.
#[derive(Clone)]
pub(crate) struct AnySmsSender(Arc<dyn Erased>);

impl AnySmsSender {
    pub(crate) fn new(sender: impl SmsSender) -> Self {
        Self(Arc::new(sender))
    }

    pub(crate) async fn send(&self, message: &TextMessage) -> Result<(), SmsError> {
        self.0.send_boxed(message).await
    }
}
