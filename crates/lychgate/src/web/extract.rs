//! The current user as an argument of a handler.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{StatusCode, request::Parts};
use lychgate_store::User;

use super::{
    admission::require,
    exchange::Exchange,
    identify::{Authenticated, Mechanism},
};
use crate::{
    failure::{Error, Failure, Refused},
    flow::impersonation::Impersonator,
    principal::{Explanation, Identity, ItemSet, Need, Permission, Rights},
};

/// Whoever makes the request. As an argument it asks for somebody: strangers get the sign-in page or 401. As
/// `Option<CurrentUser>` it takes what comes.
///
/// It is whom the route's guard let in; without a guard the session's user, else the bearer of an auth token, else, where
/// `api_enabled_methods` has `api_key`, the owner of an API key.
///
/// ```
/// use lychgate::CurrentUser;
///
/// async fn greet(user: Option<CurrentUser>) -> String {
///     user.map_or("Hello".to_owned(), |user| format!("Hello {}", user.email()))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CurrentUser(pub(crate) Arc<Authenticated>);

impl CurrentUser {
    /// The key of the user's row.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.0.user.id
    }

    /// The e-mail address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.0.user.email
    }

    /// The username, where usernames are in use.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.0.user.username.as_deref()
    }

    /// Whether the user has this role. Never by an API key, which has permissions alone.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        self.0.has_role(name)
    }

    /// Whether one of the user's roles holds this permission, and the API key, if they came by one, was given it.
    #[must_use]
    pub fn has_permission(&self, name: &str) -> bool {
        self.0.has_permission(name)
    }

    /// Which mechanism proved who this is.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.0.via
    }

    /// The administrator who acts as this user, if one does. What a user alone may decide, such as a payment, is refused
    /// then; see also [`ImpersonationBanner`](crate::ImpersonationBanner).
    #[must_use]
    pub fn impersonator(&self) -> Option<&Impersonator> {
        self.0.impersonator.as_ref()
    }

    /// What the user provides to permissions.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        self.0.identity()
    }

    /// Whether `permission` allows the user.
    #[must_use]
    pub fn can(&self, permission: &Permission) -> bool {
        permission.allows(self.0.identity())
    }

    /// Stops the handler with a 403 unless `permission` allows the user.
    ///
    /// # Errors
    ///
    /// If the permission does not allow the user.
    pub fn require(&self, permission: &Permission) -> Result<(), Error> {
        require(permission, self.identity()).map_err(Error)
    }

    /// As [`require`](Self::require), but with another status: 404 hides that there is something.
    ///
    /// # Errors
    ///
    /// If the permission does not allow the user.
    pub fn require_or(&self, permission: &Permission, status: StatusCode) -> Result<(), Error> {
        require(permission, self.identity()).map_err(|failure| match failure {
            Failure::Forbidden { refused: Some(refused) } => {
                Error(Failure::Forbidden { refused: Some(Box::new(Refused { status, ..*refused })) })
            }
            other => Error(other),
        })
    }

    /// Why `permission` allows the user or not, and which role each right comes from.
    #[must_use]
    pub fn explain(&self, permission: &Permission) -> Explanation {
        let origins = |need: &Need| crate::rights::origins(&self.0.user, need);
        permission.explain_with(self.identity(), &origins)
    }

    /// The items of type `kind` on which the user is allowed `method`: the condition of a list.
    #[must_use]
    pub fn items(&self, method: &str, kind: &str) -> ItemSet {
        self.identity().items(method, kind)
    }

    /// The user's rights together with `more`, which the handler has read for all items of a page in one query. See also
    /// [`Lychgate::preload`](crate::Lychgate::preload). An API key brings none of them: it opens what it names.
    #[must_use]
    pub fn rights_with(&self, more: impl IntoIterator<Item = Need>) -> Rights {
        Rights::new(self.identity(), more.into_iter().filter(|_| !self.0.is_limited()))
    }

    /// A column of the application's own in the user table, by name and as a type of your choice; nothing if there is
    /// no such column, it is empty, or it holds something else.
    #[must_use]
    pub fn column<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.user.extra.get(name).and_then(|value| T::deserialize(value).ok())
    }

    /// The user's row.
    #[must_use]
    pub fn row(&self) -> &User {
        &self.0.user
    }
}

async fn current(parts: &Parts) -> Result<Option<CurrentUser>, Error> {
    let exchange = parts.extensions.get::<Arc<Exchange>>().ok_or(Error(Failure::MissingLayer))?;
    Ok(exchange.caller().await.map_err(Error)?.map(CurrentUser))
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        current(parts).await?.ok_or_else(Error::unauthenticated)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for CurrentUser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        current(parts).await
    }
}

/// The proof that a form of the application comes from its own page.
///
/// ```
/// use lychgate::{Csrf, Error};
///
/// async fn save(csrf: Csrf) -> Result<&'static str, Error> {
///     csrf.verify()?;
///     Ok("saved")
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Csrf(Arc<Exchange>);

impl Csrf {
    /// The token for a hidden field `csrf_token`, or for one of the headers of `csrf.headers`.
    #[must_use]
    pub fn token(&self) -> String {
        self.0.csrf_token()
    }

    /// Whether CSRF protection is switched on.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.0.config().csrf.enabled
    }

    /// Checks the token of the request's form, unless that was done before the handler.
    ///
    /// # Errors
    ///
    /// If the token is missing, expired, of another session, or not one of ours.
    pub fn verify(&self) -> Result<(), Error> {
        self.0.csrf_of_request().map_err(Error)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Csrf {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Arc<Exchange>>().cloned().map(Csrf).ok_or(Error(Failure::MissingLayer))
    }
}

/// Whether the client wants JSON rather than a page: it sent JSON, or its best `Accept` entry is JSON.
#[derive(Clone, Copy, Debug)]
pub struct WantsJson(pub bool);

impl<S: Send + Sync> FromRequestParts<S> for WantsJson {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let exchange = parts.extensions.get::<Arc<Exchange>>().ok_or(Error(Failure::MissingLayer))?;
        Ok(Self(exchange.wants_json()))
    }
}
