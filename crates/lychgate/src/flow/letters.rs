//! What every letter to a user says of them, and how long its link works.

use lychgate_store::User;
use serde_json::{Map, Value, json};

use crate::{mail, settings::Settings};

/// The beginning of a letter's context.
pub(crate) fn about(user: &User) -> Map<String, Value> {
    let user = json!({"email": user.email, "username": user.username});
    Map::from_iter([("user".to_owned(), user)])
}

/// The lifetime that a setting gives, in words.
pub(crate) fn within(settings: &Settings, name: &str) -> String {
    mail::within(settings.duration(name).map_or(0.0, |seconds| seconds.as_secs_f64()))
}
