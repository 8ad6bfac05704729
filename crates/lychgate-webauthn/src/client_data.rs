//! What the browser says of a ceremony: `clientDataJSON` (WebAuthn section 5.8.1).

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use crate::{Reason, Refused, json};

/// What both ceremonies expect of the browser.
pub(crate) struct Expected<'a> {
    pub(crate) kind: &'static str,
    pub(crate) challenge: &'a str,
    pub(crate) origins: &'a [String],
}

impl Expected<'_> {
    /// Judges client data and gives its SHA-256 (WebAuthn sections 7.1 and 7.2).
    pub(crate) fn check(&self, client_data: &[u8]) -> Result<[u8; 32], Refused> {
        let given =
            json::object(client_data).ok_or_else(|| Refused::unreadable("the client data is not a JSON object"))?;
        let text = |name: &str| match given.get(name) {
            Some(Value::String(text)) => Ok(text.as_str()),
            _ => Err(Refused::unreadable(format!("the client data has no {name}"))),
        };
        let (kind, challenge, origin) = (text("type")?, text("challenge")?, text("origin")?);
        if kind != self.kind {
            return Err(Refused::new(Reason::Type, format!("the client data is not of type {}", self.kind)));
        }
        let expected = json::encode(self.challenge.as_bytes());
        if self.challenge.is_empty() || !bool::from(challenge.as_bytes().ct_eq(expected.as_bytes())) {
            return Err(Refused::challenge());
        }
        if !self.origins.iter().any(|ours| ours == origin) {
            return Err(Refused::origin(origin, self.origins));
        }
        match given.get("crossOrigin") {
            None | Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => {
                return Err(Refused::new(Reason::CrossOrigin, "made in a frame of another origin"));
            }
            Some(_) => return Err(Refused::unreadable("crossOrigin is not true or false")),
        }
        if given.contains_key("topOrigin") {
            return Err(Refused::new(Reason::CrossOrigin, "made in a frame of another origin"));
        }
        Ok(sha256(client_data))
    }
}

pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, data).as_ref());
    hash
}
