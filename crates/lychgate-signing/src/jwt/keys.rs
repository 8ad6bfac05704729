//! Several keys: one signs, all check.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{Algorithm, JwtError, Key, KeyError};

/// The longest token that is looked at, in bytes.
pub const MAX_LENGTH: usize = 8 * 1024;

/// Keys by which tokens are signed and checked.
#[derive(Clone)]
pub struct Keys(Vec<Key>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl Keys {
    /// The first key signs; the others are checked against, as older keys are while their tokens live.
    ///
    /// # Errors
    ///
    /// If there is none, the first cannot sign, or two have one id.
    pub fn new(keys: Vec<Key>) -> Result<Self, KeyError> {
        let first = keys.first().ok_or(KeyError::Ids)?;
        if first.signs.is_none() {
            return Err(KeyError::CannotSign);
        }
        let mut ids: Vec<&str> = keys.iter().filter_map(|key| key.id.as_deref()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < all { Err(KeyError::Ids) } else { Ok(Self(keys)) }
    }

    /// How many keys there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always a key")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Signs claims.
    ///
    /// # Errors
    ///
    /// If the key cannot sign, or the token would be longer than [`MAX_LENGTH`].
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, KeyError> {
        let key = self.0.first().ok_or(KeyError::Ids)?;
        let (Some(signs), Some(algorithm)) = (&key.signs, key.algorithms.first()) else {
            return Err(KeyError::CannotSign);
        };
        let mut header = json!({"alg": algorithm.name(), "typ": "JWT"});
        if let (Value::Object(header), Some(id)) = (&mut header, &key.id) {
            header.insert("kid".to_owned(), id.clone().into());
        }
        let part = |value: String| URL_SAFE_NO_PAD.encode(value);
        let claims = serde_json::to_string(claims).map_err(|_| KeyError::Signing)?;
        let message = format!("{}.{}", part(header.to_string()), part(claims));
        let signed = jsonwebtoken::crypto::sign(message.as_bytes(), signs, algorithm.inner());
        let token = format!("{message}.{}", signed.map_err(|_| KeyError::Signing)?);
        if token.len() > MAX_LENGTH { Err(KeyError::TooLong) } else { Ok(token) }
    }

    /// The claims of a token that one of the keys signed. What they say of time and place is for [`super::check`].
    ///
    /// # Errors
    ///
    /// [`JwtError`], whose texts tell nothing of the keys.
    pub fn open(&self, token: &str) -> Result<Map<String, Value>, JwtError> {
        if token.len() > MAX_LENGTH {
            return Err(JwtError::TooLong);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwtError::Segments);
        };
        let head = URL_SAFE_NO_PAD.decode(header).map_err(|_| JwtError::HeaderEncoding)?;
        let head = unique(&head).ok_or(JwtError::Header)?;
        let claims = URL_SAFE_NO_PAD.decode(payload).map_err(|_| JwtError::PayloadEncoding)?;
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwtError::SignatureEncoding)?;
        let algorithm = readable(&head)?;
        let message = token.get(..header.len() + 1 + payload.len()).ok_or(JwtError::Segments)?;
        let id = match head.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.as_str()),
            Some(_) => return Err(JwtError::Header),
        };
        let mut is_allowed = false;
        for key in self.named(id) {
            if !key.algorithms.contains(&algorithm) {
                continue;
            }
            is_allowed = true;
            let signed = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.checks, algorithm.inner());
            if signed.unwrap_or(false) {
                return unique(&claims).ok_or(JwtError::Payload);
            }
        }
        Err(if is_allowed { JwtError::Signature } else { JwtError::Algorithm })
    }

    /// The keys that a token may be of: that of its id; where none has it, those without an id, as other programs write
    /// ids of their own; all for a token without one. An id is compared with ours and used for nothing else.
    fn named(&self, id: Option<&str>) -> Vec<&Key> {
        let Some(id) = id else { return self.0.iter().collect() };
        let named: Vec<&Key> = self.0.iter().filter(|key| key.id.as_deref() == Some(id)).collect();
        if named.is_empty() { self.0.iter().filter(|key| key.id.is_none()).collect() } else { named }
    }

    /// The public keys as a JWK set (RFC 7517). Secrets are not in it.
    #[must_use]
    pub fn public(&self) -> Value {
        json!({"keys": self.0.iter().filter_map(Key::jwk).collect::<Vec<_>>()})
    }
}

/// The algorithm of a header that asks for nothing else.
fn readable(head: &Map<String, Value>) -> Result<Algorithm, JwtError> {
    // RFC 7515, 4.1.11: whoever does not know an extension that is named there must refuse.
    if head.contains_key("crit") || head.contains_key("enc") || head.contains_key("zip") {
        return Err(JwtError::Header);
    }
    match head.get("typ") {
        None => {}
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("JWT") || kind.eq_ignore_ascii_case("at+jwt") => {}
        Some(_) => return Err(JwtError::Header),
    }
    let Some(Value::String(name)) = head.get("alg") else { return Err(JwtError::Algorithm) };
    Algorithm::named(name).ok_or(JwtError::Algorithm)
}

/// A JSON object that names each member once: two readings of one token must not exist.
fn unique(bytes: &[u8]) -> Option<Map<String, Value>> {
    struct Members(Map<String, Value>);
    struct Visitor;
    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = Members;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
            let mut map = Map::new();
            while let Some((key, value)) = access.next_entry::<String, Value>()? {
                if map.insert(key, value).is_some() {
                    return Err(serde::de::Error::custom("a member stands there twice"));
                }
            }
            Ok(Members(map))
        }
    }
    impl<'de> serde::Deserialize<'de> for Members {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Visitor)
        }
    }
    serde_json::from_slice::<Members>(bytes).ok().map(|members| members.0)
}
