//! The claims of a token as an argument of a handler.

use std::{fmt, sync::Arc};

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use serde_json::{Map, Value};

use super::{
    Kind, Stop,
    bearer::{Bearer, Wanted},
};
use crate::{
    failure::{Error, Failure},
    web::exchange::Exchange,
};

/// What the token of the request says. As an argument it asks for a good access token, or takes the one that the guard
/// admitted; as `Option<JwtClaims>` it takes what comes.
///
/// ```
/// use lychgate::JwtClaims;
///
/// async fn plan(claims: JwtClaims) -> String {
///     claims.get::<String>("plan").unwrap_or_else(|| "free".to_owned())
/// }
/// ```
#[derive(Clone)]
pub struct JwtClaims(Arc<Bearer>);

impl JwtClaims {
    /// A claim, as a type of your choice; nothing if it is not there or of another shape.
    #[must_use]
    pub fn get<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.claims.get(name).and_then(|value| T::deserialize(value).ok())
    }

    /// All claims.
    #[must_use]
    pub fn all(&self) -> &Map<String, Value> {
        &self.0.claims
    }

    /// Whether it is a refresh token, which only a guard with `refresh()` admits.
    #[must_use]
    pub fn is_refresh(&self) -> bool {
        self.0.kind == Kind::Refresh
    }
}

impl fmt::Debug for JwtClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JwtClaims").field(&self.0).finish()
    }
}

async fn found(parts: &Parts) -> Result<Result<JwtClaims, Failure>, Error> {
    let exchange = parts.extensions.get::<Arc<Exchange>>().ok_or(Error(Failure::MissingLayer))?;
    let admitted = exchange.jwt_bearer.lock().clone();
    if let Some(bearer) = admitted {
        return Ok(Ok(JwtClaims(bearer)));
    }
    match (exchange.bearer(Wanted::Access).await, &exchange.config().jwt) {
        (Ok(bearer), _) => Ok(Ok(JwtClaims(bearer))),
        (Err(Stop::Failed(failure)), _) => Err(Error(failure)),
        (Err(Stop::Refused(refusal)), Some(config)) => Ok(Err(refusal.into_failure(config))),
        (Err(Stop::Refused(_)), None) => Ok(Err(Failure::Unauthenticated { realm: None })),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for JwtClaims {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        found(parts).await?.map_err(Error)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for JwtClaims {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        Ok(found(parts).await?.ok())
    }
}
