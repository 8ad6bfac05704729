//! Whoever changes the accounts of others, as an argument of a handler.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use time::OffsetDateTime;

use super::{
    admission::require, device::device_name, exchange::Exchange, extract::CurrentUser, form::Message,
    identify::Authenticated,
};
use crate::{
    failure::{Error, Failure},
    messages::MessageKey,
    principal::{Need, Permission},
};

/// An administrator who is signed in, and their request: what they do to accounts is noted with who they are and from
/// where they came. As an argument of a handler it refuses everybody who does not have the role of `admin_role`.
///
/// ```
/// use lychgate::{Error, Operator};
///
/// async fn dismiss(operator: Operator) -> Result<String, Error> {
///     let user = operator.gate().accounts().find("joe@lp.com").await.ok().flatten();
///     let done = match user {
///         Some(user) => operator.set_active(&user, false).await.is_ok(),
///         None => false,
///     };
///     Ok(format!("{done}"))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Operator {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) who: Arc<Authenticated>,
}

impl Operator {
    /// The gate that the request came to.
    #[must_use]
    pub fn gate(&self) -> &crate::Lychgate {
        &self.exchange.gate
    }

    /// The administrator.
    #[must_use]
    pub fn user(&self) -> CurrentUser {
        CurrentUser(Arc::clone(&self.who))
    }

    /// How the administrator is called.
    #[must_use]
    pub fn name(&self) -> String {
        self.gate().identity_text(&self.who.user)
    }

    /// The moment at which this request happens.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.exchange.now.datetime()
    }

    /// The same administrator and request at a later moment: for work that goes on behind the reply, so that what is done
    /// counts from when it is done.
    #[must_use]
    pub fn later(&self) -> Self {
        Self { exchange: Arc::new(self.exchange.later()), who: Arc::clone(&self.who) }
    }

    /// The id that the log has for this request.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.exchange.request_id()
    }

    /// How long ago something was, in words.
    #[must_use]
    pub fn ago(&self, at: OffsetDateTime) -> String {
        self.exchange.ago(at)
    }

    /// What a browser that calls itself so is for people.
    #[must_use]
    pub fn device(&self, user_agent: &str) -> String {
        device_name(user_agent).in_words(self.exchange.messages())
    }

    /// What happened, for people.
    #[must_use]
    pub fn describe(&self, activity: &lychgate_store::Activity) -> String {
        self.exchange.text(&crate::flow::activity::message(activity, 1))
    }

    /// What pages call a session: its id is a secret.
    #[must_use]
    pub fn public_session_id(sid: &str) -> String {
        crate::flow::public_id::public_id(sid)
    }

    /// A text of the templates in the language of the request.
    #[must_use]
    pub fn translate(&self, english: &str) -> String {
        self.exchange.translate(english)
    }

    /// The same with its placeholders `%(name)s` filled in.
    #[must_use]
    pub fn translated(&self, english: &str, values: &[(&str, &dyn std::fmt::Display)]) -> String {
        self.exchange.messages().translated(english, values)
    }

    /// A message in the language of the request.
    #[must_use]
    pub fn message(&self, key: MessageKey) -> String {
        self.exchange.text(&Message::from(key))
    }

    /// Keeps a text for the next page; the category is `success`, `info` or `error`.
    pub fn flash(&self, category: &str, text: &str) {
        self.exchange.session(|session| session.flash(category, text));
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let exchange = parts.extensions.get::<Arc<Exchange>>().cloned().ok_or(Error(Failure::MissingLayer))?;
        let who = exchange.current().await.map_err(Error)?.ok_or_else(Error::unauthenticated)?;
        let needed = Permission::from(Need::role(exchange.gate.admin_role().to_owned()));
        require(&needed, who.identity()).map_err(Error)?;
        Ok(Self { exchange, who })
    }
}
