//! The session as the application sees it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};
use lychgate_signing::session::{Map, Value};

use super::exchange::Exchange;
use crate::{
    failure::{Error, Failure},
    messages,
};

/// What the application keeps in the visitor's session, and the way out of it.
///
/// The session is a signed cookie: the visitor can read it, cannot change it, and keeps it until it expires. What is
/// secret, large or has to be taken back belongs in the database: there is room for 2 KiB as JSON. Names that Lychgate and Flask use themselves (those
/// that begin with `_`, `fs_`, `tf_`, `lg_`, `us_`, `identity.`, and `csrf_token`) are refused.
///
/// ```
/// use lychgate::{Error, Session};
///
/// async fn visit(session: Session) -> Result<String, Error> {
///     let visits = session.get::<u32>("visits").unwrap_or(0) + 1;
///     session.set("visits", visits)?;
///     Ok(format!("Visit number {visits}"))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Session(Arc<Exchange>);

impl Session {
    /// What is kept under `name`; nothing if it is not there or of another type.
    #[must_use]
    pub fn get<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        if is_reserved(name) {
            return None;
        }
        let value = self.0.session(|session| session.map().get(name).and_then(to_json))?;
        serde_json::from_value(value).ok()
    }

    /// Keeps `value` under `name`.
    ///
    /// # Errors
    ///
    /// If the name is one of Lychgate's, or the value cannot be written as JSON; 413 if there is no more room.
    pub fn set(&self, name: &str, value: impl serde::Serialize) -> Result<(), Error> {
        if is_reserved(name) {
            return Err(Error(Failure::internal(format!("the name {name:?} in the session is not the application's"))));
        }
        let value = serde_json::to_value(value).map_err(|error| Error(Failure::internal(error)))?;
        self.0.session(|session| {
            let kept = session.map().iter().filter(|(other, _)| !is_reserved(other) && *other != name);
            let kept: usize = kept.filter_map(|(other, value)| Some(room(other, &to_json(value)?))).sum();
            if kept + room(name, &value) > MOST {
                return Err(Error(Failure::bad(StatusCode::PAYLOAD_TOO_LARGE, messages::BODY_TOO_LARGE)));
            }
            session.set(name, from_json(value));
            Ok(())
        })
    }

    /// Takes out what is kept under `name`.
    pub fn remove(&self, name: &str) {
        if !is_reserved(name) {
            self.0.session(|session| drop(session.remove(name)));
        }
    }

    /// Signs the visitor out, here and in every copy of the cookie.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn sign_out(&self) -> Result<(), Error> {
        self.0.sign_out().await.map_err(Error)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Arc<Exchange>>().cloned().map(Session).ok_or(Error(Failure::MissingLayer))
    }
}

/// What the application may keep, in bytes: a browser drops a cookie of more than 4 kB without a word, and the sign-in
/// with it.
const MOST: usize = 2048;

/// The room that something takes.
fn room(name: &str, value: &serde_json::Value) -> usize {
    name.len() + value.to_string().len()
}

fn is_reserved(name: &str) -> bool {
    ["_", "fs_", "tf_", "lg_", "us_", "identity."].iter().any(|prefix| name.starts_with(prefix)) || name == "csrf_token"
}

fn from_json(value: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(flag),
        Json::Number(number) => match (number.as_i128(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, number) => Value::Float(number.unwrap_or_default()),
        },
        Json::String(text) => Value::Str(text),
        Json::Array(values) => Value::List(values.into_iter().map(from_json).collect()),
        Json::Object(members) => {
            Value::Map(members.into_iter().map(|(name, value)| (name, from_json(value))).collect::<Map>())
        }
    }
}

/// Nothing for what JSON cannot say.
fn to_json(value: &Value) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => Json::Number(serde_json::Number::from_i128(*number)?),
        Value::Float(number) => Json::Number(serde_json::Number::from_f64(*number)?),
        Value::Str(text) | Value::Markup(text) => Json::String(text.clone()),
        Value::List(values) | Value::Tuple(values) => Json::Array(values.iter().map(to_json).collect::<Option<_>>()?),
        Value::Map(members) => {
            let mut object = serde_json::Map::new();
            for (name, value) in members.iter() {
                object.insert(name.clone(), to_json(value)?);
            }
            Json::Object(object)
        }
        _ => return None,
    })
}
