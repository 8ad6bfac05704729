//! One TOTP key for each way of signing in: the `us_totp_secrets` column.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use thiserror::Error;

use crate::json::push_string;

const MAX_STORED: usize = 32 * 1024;
const MAX_METHODS: usize = 16;

/// The stored keys of a user by method (`email`, `sms`, `authenticator`), in the order they were set up.
///
/// Holds the texts of a [`crate::Wallet`] as they are; debug output shows the methods only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MethodSecrets(Vec<(String, String)>);

/// The column does not hold a JSON object of texts.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the stored keys by method are damaged")]
pub struct BadMethodSecrets;

impl MethodSecrets {
    /// Reads the column; NULL and empty text mean no methods.
    ///
    /// # Errors
    /// [`BadMethodSecrets`] when it holds anything but an object of texts, or more than 16 of them.
    pub fn parse(column: Option<&str>) -> Result<Self, BadMethodSecrets> {
        match column {
            None | Some("") => Ok(Self::default()),
            Some(text) if text.len() > MAX_STORED => Err(BadMethodSecrets),
            Some(text) => serde_json::from_str(text).map_err(|_| BadMethodSecrets),
        }
    }

    /// What to store: the text that Python's `json.dumps` writes, or none (NULL) without methods.
    ///
    /// ```
    /// use lychgate_otp::MethodSecrets;
    /// let mut secrets = MethodSecrets::default();
    /// secrets.set("email", "{}");
    /// secrets.set("sms", "{}");
    /// assert_eq!(secrets.to_column().as_deref(), Some(r#"{"email": "{}", "sms": "{}"}"#));
    /// ```
    pub fn to_column(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut out = String::from("{");
        for (place, (method, secret)) in self.0.iter().enumerate() {
            if place > 0 {
                out.push_str(", ");
            }
            push_string(&mut out, method);
            out.push_str(": ");
            push_string(&mut out, secret);
        }
        out.push('}');
        Some(out)
    }

    /// The stored key of a method.
    pub fn get(&self, method: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == method).map(|(_, secret)| secret.as_str())
    }

    /// Sets the key of a method, keeping its place.
    pub fn set(&mut self, method: impl Into<String>, secret: impl Into<String>) {
        let (method, secret) = (method.into(), secret.into());
        match self.0.iter_mut().find(|(name, _)| *name == method) {
            Some((_, old)) => *old = secret,
            None => self.0.push((method, secret)),
        }
    }

    /// Takes a method away; false when it was not there.
    pub fn remove(&mut self, method: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(name, _)| name != method);
        self.0.len() != before
    }

    /// The methods, in the order they were set up.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(method, _)| method.as_str())
    }

    /// Whether there are no methods.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for MethodSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.methods()).finish()
    }
}

impl<'de> Deserialize<'de> for MethodSecrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = MethodSecrets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MethodSecrets, A::Error> {
                let mut secrets = MethodSecrets::default();
                while let Some((method, secret)) = map.next_entry::<String, String>()? {
                    secrets.set(method, secret);
                    if secrets.0.len() > MAX_METHODS {
                        return Err(A::Error::custom("too many methods"));
                    }
                }
                Ok(secrets)
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
