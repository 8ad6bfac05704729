//! One key and what it is for.

use std::fmt;

use jsonwebtoken::{
    DecodingKey, EncodingKey,
    jwk::{Jwk, ThumbprintHash},
};
use serde_json::Value;
use thiserror::Error;

use super::algorithm::{Algorithm, Family};

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeyError {
    /// An empty secret, with which everybody could sign.
    #[error("the secret is empty")]
    Empty,
    /// A PEM text as a secret: whoever has the public key could sign.
    #[error("a PEM text is no secret; name an algorithm of pairs of keys, such as ES256")]
    PemAsSecret,
    /// A pair of keys for an HS algorithm, or a secret for another.
    #[error("the algorithm does not go with this kind of key")]
    WrongAlgorithm,
    /// The text is not a key for the algorithm.
    #[error("the text is no key for {0} in PEM: PKCS#8 or, for RSA, PKCS#1")]
    Unreadable(&'static str),
    /// Only the public half is known.
    #[error("the first key cannot sign: its private half is not given")]
    CannotSign,
    /// No key, or two with one id.
    #[error("there is no key, or two keys have one id")]
    Ids,
    /// A key could not sign.
    #[error("the key cannot sign")]
    Signing,
    /// The token would be longer than any that is accepted.
    #[error("the token is too long")]
    TooLong,
}

/// A key, its id, and the algorithms that it is pinned to.
#[derive(Clone)]
pub struct Key {
    pub(super) id: Option<String>,
    /// The first one signs; all are of one family.
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) signs: Option<EncodingKey>,
    pub(super) checks: DecodingKey,
    /// The public half as a JWK without `kid`.
    public: Option<Value>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

impl Key {
    /// A secret for one of the HS algorithms.
    ///
    /// # Errors
    ///
    /// If it is empty, a PEM text, or the algorithm is another.
    pub fn secret(id: Option<&str>, algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        if !algorithm.is_symmetric() {
            return Err(KeyError::WrongAlgorithm);
        }
        if secret.is_empty() {
            return Err(KeyError::Empty);
        }
        if secret.windows(11).any(|window| window == b"-----BEGIN ") {
            return Err(KeyError::PemAsSecret);
        }
        Ok(Self {
            id: id.map(str::to_owned),
            algorithms: vec![algorithm],
            signs: Some(EncodingKey::from_secret(secret)),
            checks: DecodingKey::from_secret(secret),
            public: None,
        })
    }

    /// The private key of a pair, in PEM. Without an id it gets its thumbprint (RFC 7638).
    ///
    /// # Errors
    ///
    /// If the text is no private key for the algorithm.
    pub fn private_pem(id: Option<&str>, algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let unreadable = KeyError::Unreadable(algorithm.name());
        let signs = match algorithm.family() {
            Family::Secret => return Err(KeyError::WrongAlgorithm),
            Family::Rsa => EncodingKey::from_rsa_pem(pem.as_bytes()),
            Family::P256 | Family::P384 => EncodingKey::from_ec_pem(pem.as_bytes()),
            Family::Ed25519 => EncodingKey::from_ed_pem(pem.as_bytes()),
        };
        let signs = signs.map_err(|_| unreadable)?;
        let jwk = Jwk::from_encoding_key(&signs, algorithm.inner()).map_err(|_| unreadable)?;
        let key = Self::of_jwk(id, algorithm, &jwk, Some(signs))?;
        // A public key in its place would be noticed at the first sign-in only.
        let signed = key.signs.as_ref().map(|signs| jsonwebtoken::crypto::sign(b"", signs, algorithm.inner()));
        let fits = matches!(&signed, Some(Ok(signature))
            if jsonwebtoken::crypto::verify(signature, b"", &key.checks, algorithm.inner()).unwrap_or(false));
        if fits { Ok(key) } else { Err(unreadable) }
    }

    /// The public key of a pair, in PEM: checks, and signs nothing.
    ///
    /// # Errors
    ///
    /// If the text is no public key for the algorithm.
    pub fn public_pem(id: Option<&str>, algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let unreadable = KeyError::Unreadable(algorithm.name());
        if pem.contains("PRIVATE KEY") {
            return Err(unreadable);
        }
        let checks = match algorithm.family() {
            Family::Secret => return Err(KeyError::WrongAlgorithm),
            Family::Rsa => DecodingKey::from_rsa_pem(pem.as_bytes()),
            Family::P256 | Family::P384 => DecodingKey::from_ec_pem(pem.as_bytes()),
            Family::Ed25519 => DecodingKey::from_ed_pem(pem.as_bytes()),
        };
        let checks = checks.map_err(|_| unreadable)?;
        let jwk = Jwk::from_decoding_key(&checks, Some(algorithm.inner())).map_err(|_| unreadable)?;
        Self::of_jwk(id, algorithm, &jwk, None)
    }

    fn of_jwk(id: Option<&str>, algorithm: Algorithm, jwk: &Jwk, signs: Option<EncodingKey>) -> Result<Self, KeyError> {
        let unreadable = KeyError::Unreadable(algorithm.name());
        let checks = DecodingKey::from_jwk(jwk).map_err(|_| unreadable)?;
        let thumbprint = || jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| unreadable);
        let id = id.map_or_else(thumbprint, |id| Ok(id.to_owned()))?;
        let public = serde_json::to_value(jwk).map_err(|_| unreadable)?;
        let curve = public.get("crv").and_then(Value::as_str);
        let fits = match algorithm.family() {
            Family::P256 => curve == Some("P-256"),
            Family::P384 => curve == Some("P-384"),
            Family::Ed25519 => curve == Some("Ed25519"),
            Family::Rsa | Family::Secret => curve.is_none(),
        };
        if !fits {
            return Err(unreadable);
        }
        Ok(Self { id: Some(id), algorithms: vec![algorithm], signs, checks, public: Some(public) })
    }

    /// Accepts further algorithms of the same family; the first one goes on signing.
    ///
    /// # Errors
    ///
    /// If one is of another family.
    pub fn accepting(mut self, algorithms: &[Algorithm]) -> Result<Self, KeyError> {
        for algorithm in algorithms {
            if self.algorithms.first().is_none_or(|own| own.family() != algorithm.family()) {
                return Err(KeyError::WrongAlgorithm);
            }
            if !self.algorithms.contains(algorithm) {
                self.algorithms.push(*algorithm);
            }
        }
        Ok(self)
    }

    /// The public half for a set of keys, if the key is one of a pair.
    pub(super) fn jwk(&self) -> Option<Value> {
        let mut jwk = self.public.clone()?;
        if let Value::Object(members) = &mut jwk {
            members.insert("use".to_owned(), "sig".into());
            if let Some(id) = &self.id {
                members.insert("kid".to_owned(), id.clone().into());
            }
        }
        Some(jwk)
    }
}
