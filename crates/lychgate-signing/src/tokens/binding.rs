//! Ties between a state token and the session it was minted in.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::json::Value;

/// What a state token is tied to, as a digest: the user, the session, or both.
///
/// The reference mints state tokens that anybody may present. Ours carry one member more, `bind`, which the
/// reference ignores.
///
/// ```
/// use lychgate_signing::tokens::Binding;
///
/// let binding = Binding::to(&["user 42", "session abc"]);
/// assert!(binding.matches(&["user 42", "session abc"]));
/// assert!(!binding.matches(&["user 4", "2session abc"]));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binding(String);

impl Binding {
    pub(super) const NAME: &str = "bind";

    /// Ties to all of `parts`, in this order.
    #[must_use]
    pub fn to(parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            // The length in front keeps the parts apart.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self(URL_SAFE_NO_PAD.encode(digest.finalize()))
    }

    /// Whether the tie is to exactly these parts.
    #[must_use]
    pub fn matches(&self, parts: &[&str]) -> bool {
        self.0.as_bytes().ct_eq(Self::to(parts).0.as_bytes()).into()
    }

    pub(super) fn to_json(&self) -> Value {
        Value::from(self.0.as_str())
    }

    pub(super) fn from_text(text: String) -> Option<Self> {
        (text.len() == 43).then_some(Self(text))
    }
}
