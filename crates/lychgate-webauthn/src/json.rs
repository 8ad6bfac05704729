//! JSON without ambiguity, and base64url inside it.

use std::fmt;

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::Refused;

/// Scripts of Flask-Security send some members padded and some not.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An object in which no key stands twice, at no depth. Text beyond [`MAX_JSON`](crate::MAX_JSON) is not read.
pub(crate) fn object(text: &[u8]) -> Option<Map<String, Value>> {
    if text.len() > crate::MAX_JSON {
        return None;
    }
    match serde_json::from_slice(text).ok()? {
        Strict(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// The bytes of a member that must be there.
pub(crate) fn bytes(object: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Refused> {
    optional_bytes(object, name)?.ok_or_else(|| Refused::malformed(format!("{name} is missing")))
}

/// The bytes of a member that may be missing or null.
pub(crate) fn optional_bytes(object: &Map<String, Value>, name: &str) -> Result<Option<Vec<u8>>, Refused> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match BASE64URL.decode(text) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(_) => Err(Refused::malformed(format!("{name} is not base64url"))),
        },
        Some(_) => Err(Refused::malformed(format!("{name} is not text"))),
    }
}

/// A credential as a browser writes it, of either ceremony.
pub(crate) struct Credential {
    pub(crate) id: Vec<u8>,
    pub(crate) response: Map<String, Value>,
    /// All but the response.
    pub(crate) members: Map<String, Value>,
}

pub(crate) fn credential(text: &str) -> Result<Credential, Refused> {
    let mut credential = object(text.as_bytes()).ok_or_else(|| Refused::malformed("not a JSON object"))?;
    if credential.get("type") != Some(&Value::from("public-key")) {
        return Err(Refused::malformed("the type is not public-key"));
    }
    let id = bytes(&credential, "rawId")?;
    let Some(Value::String(named)) = credential.get("id") else {
        return Err(Refused::malformed("id is missing"));
    };
    if id.is_empty() || id.len() > crate::MAX_CREDENTIAL_ID {
        return Err(Refused::malformed("the credential id is empty or too long"));
    }
    if *named != encode(&id) {
        return Err(Refused::new(crate::Reason::CredentialId, "id and rawId differ"));
    }
    match credential.remove("response") {
        Some(Value::Object(response)) => Ok(Credential { id, response, members: credential }),
        _ => Err(Refused::malformed("response is missing")),
    }
}

/// A JSON value in which no key stands twice. serde_json bounds the depth.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = from.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Strict(value))) = from.next_entry::<String, Strict>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_twice_is_refused_at_any_depth() {
        assert!(object(br#"{"a": 1, "b": [{"c": null, "d": -1.5}, true]}"#).is_some());
        assert!(object(br#"{"a": 1, "a": 1}"#).is_none());
        assert!(object(br#"{"a": [{"b": 1, "\u0062": 2}]}"#).is_none());
        assert!(object(br#"[{}]"#).is_none());
        assert!(object(br#"{} {}"#).is_none());
        assert!(object(b"{\"a\": \"\xff\"}").is_none());
        let deep = "[".repeat(10_000);
        assert!(object(format!("{{\"a\": {deep}").as_bytes()).is_none());
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(crate::MAX_JSON));
        assert!(object(long.as_bytes()).is_none());
    }

    #[test]
    fn base64url_with_and_without_padding() {
        let given = object(br#"{"a": "_w", "b": "_w==", "c": "/w", "d": "_x", "e": 1, "f": null}"#).unwrap();
        assert_eq!(bytes(&given, "a").unwrap(), [255]);
        assert_eq!(bytes(&given, "b").unwrap(), [255]);
        for name in ["c", "d", "e", "f", "g"] {
            assert!(bytes(&given, name).is_err(), "{name}");
        }
        assert_eq!(optional_bytes(&given, "f").unwrap(), None);
    }
}
