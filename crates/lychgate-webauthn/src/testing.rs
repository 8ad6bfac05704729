//! A passkey authenticator in software, for tests, with the part of the browser that talks to it.
//!
//! ```
//! use lychgate_webauthn::testing::{Authenticator, Lies};
//! # let options = serde_json::json!({"rp": {"id": "a.org"}, "user": {"id": "YQ"}, "challenge": "YQ"});
//! let mut key = Authenticator { user_verified: false, ..Authenticator::default() };
//! let credential = key.create(&options, "https://a.org")?;
//! # let options = serde_json::json!({"rpId": "a.org", "challenge": "YQ"});
//! let assertion = key.get(&options, "https://a.org")?;
//! let theirs = Lies { user_handle: Some(b"somebody else".to_vec()), ..Lies::default() };
//! let wrong = key.get_with(&options, "https://a.org", &theirs)?;
//! # Ok::<(), lychgate_webauthn::testing::NotAllowed>(())
//! ```
//!
//! It panics where a test is written wrong, and does wrong where a test asks it to.

// A failure here is a failure of the test.
#![allow(clippy::unwrap_used)]

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair as _,
    },
};
use serde_json::{Map, Value, json};

use crate::{Algorithm, client_data::sha256, json as member};

/// An authenticator. Flags and keys may be changed between uses.
#[derive(Debug)]
pub struct Authenticator {
    /// What new credentials sign with; of the RSA algorithms none.
    pub algorithm: Algorithm,
    /// Whether somebody is there.
    pub user_present: bool,
    /// Whether it verifies who is there.
    pub user_verified: bool,
    /// Whether credentials may be backed up.
    pub backup_eligible: bool,
    /// Whether credentials are backed up.
    pub backed_up: bool,
    /// Whether credentials are found without being named, and tell the user's handle.
    pub resident: bool,
    /// Whether it counts.
    pub counts: bool,
    /// Whether it signs new credentials with themselves (`packed`).
    pub attests: bool,
    /// The model.
    pub aaguid: [u8; 16],
    /// How it is reached.
    pub transports: Vec<String>,
    /// Its credentials, oldest first.
    pub keys: Vec<Key>,
}

/// A credential of an [`Authenticator`].
#[derive(Debug)]
pub struct Key {
    /// Its id.
    pub id: Vec<u8>,
    /// The domain that it is for.
    pub rp_id: String,
    /// The handle of its user.
    pub user_handle: Vec<u8>,
    /// How often it was used.
    pub sign_count: u32,
    /// Whether it is found without being named.
    pub resident: bool,
    signer: Signer,
}

#[derive(Debug)]
enum Signer {
    Curve(Algorithm, EcdsaKeyPair),
    Edwards(Ed25519KeyPair),
}

/// What a dishonest or mistaken browser says instead of the truth.
#[derive(Debug, Clone, Default)]
pub struct Lies {
    /// Another domain for the authenticator.
    pub rp_id: Option<String>,
    /// Another user handle; empty for none.
    pub user_handle: Option<Vec<u8>>,
    /// Members of the client data to add or replace; those that are null are left out.
    pub client_data: Map<String, Value>,
    /// Bytes after the authenticator data.
    pub trailing: Vec<u8>,
}

/// What a browser says if no credential fits, or if one exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the authenticator has nothing for this")]
#[non_exhaustive]
pub struct NotAllowed;

impl Default for Authenticator {
    /// A security key that verifies its user, counts, and does not back up.
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Es256,
            user_present: true,
            user_verified: true,
            backup_eligible: false,
            backed_up: false,
            resident: true,
            counts: true,
            attests: false,
            aaguid: [0; 16],
            transports: vec!["usb".to_owned()],
            keys: Vec::new(),
        }
    }
}

impl Authenticator {
    /// Makes a credential on a page of `origin`; `options` are the `credential_options` of a reply.
    ///
    /// # Errors
    ///
    /// [`NotAllowed`] if a credential of this authenticator is to be excluded.
    pub fn create(&mut self, options: &Value, origin: &str) -> Result<String, NotAllowed> {
        self.create_with(options, origin, &Lies::default())
    }

    /// As [`create`](Self::create), with lies.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_with(&mut self, options: &Value, origin: &str, lies: &Lies) -> Result<String, NotAllowed> {
        let excluded = named(&options["excludeCredentials"]);
        if self.keys.iter().any(|key| excluded.contains(&key.id)) {
            return Err(NotAllowed);
        }
        let rp_id = lies.rp_id.as_deref().or(options["rp"]["id"].as_str()).unwrap();
        let user_handle = member::bytes(options["user"].as_object().unwrap(), "id").unwrap();
        let key = Key::new(self.algorithm, rp_id, user_handle, self.resident);

        let cose = key.cose();
        let length = u16::try_from(key.id.len()).unwrap().to_be_bytes();
        let attested = [self.aaguid.as_slice(), &length, &key.id, &cose, &lies.trailing].concat();
        let auth_data = self.auth_data(&key, &attested, true);
        let client_data = client_data("webauthn.create", options, origin, lies);
        let mut object = vec![0xa3];
        put_text(&mut object, "fmt");
        put_text(&mut object, if self.attests { "packed" } else { "none" });
        put_text(&mut object, "attStmt");
        if self.attests {
            object.push(0xa2);
            put_text(&mut object, "alg");
            put_int(&mut object, self.algorithm.id());
            put_text(&mut object, "sig");
            put_bytes(&mut object, &key.sign(&[auth_data.as_slice(), &sha256(&client_data)].concat()));
        } else {
            object.push(0xa0);
        }
        put_text(&mut object, "authData");
        put_bytes(&mut object, &auth_data);

        let credential = json!({
            "id": member::encode(&key.id),
            "rawId": member::encode(&key.id),
            "type": "public-key",
            "response": {
                "attestationObject": member::encode(&object),
                "clientDataJSON": member::encode(&client_data),
                "transports": self.transports,
            },
            "extensions": json!({"credProps": {"rk": self.resident}}).to_string(),
        });
        self.keys.push(key);
        Ok(credential.to_string())
    }

    /// Uses the first credential that fits on a page of `origin`; `options` are the `credential_options` of a reply.
    ///
    /// # Errors
    ///
    /// [`NotAllowed`] if none fits.
    pub fn get(&mut self, options: &Value, origin: &str) -> Result<String, NotAllowed> {
        self.get_with(options, origin, &Lies::default())
    }

    /// As [`get`](Self::get), with lies.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_with(&mut self, options: &Value, origin: &str, lies: &Lies) -> Result<String, NotAllowed> {
        let rp_id = options["rpId"].as_str().unwrap();
        let allowed = named(&options["allowCredentials"]);
        let fits =
            |key: &Key| key.rp_id == rp_id && if allowed.is_empty() { key.resident } else { allowed.contains(&key.id) };
        let at = self.keys.iter().position(fits).ok_or(NotAllowed)?;
        Ok(self.get_by(at, options, origin, lies))
    }

    /// Uses the credential at `at` of [`keys`](Self::keys), whether it fits or not.
    pub fn get_by(&mut self, at: usize, options: &Value, origin: &str, lies: &Lies) -> String {
        if self.counts {
            self.keys[at].sign_count += 1;
        }
        let key = &self.keys[at];
        let client_data = client_data("webauthn.get", options, origin, lies);
        let auth_data = match &lies.rp_id {
            Some(rp_id) => {
                let truth = self.auth_data(key, &lies.trailing, false);
                [&sha256(rp_id.as_bytes()), &truth[32..]].concat()
            }
            None => self.auth_data(key, &lies.trailing, false),
        };
        let own_handle = if key.resident { key.user_handle.as_slice() } else { &[] };
        let user_handle = lies.user_handle.as_deref().unwrap_or(own_handle);
        json!({
            "id": member::encode(&key.id),
            "rawId": member::encode(&key.id),
            "type": "public-key",
            "response": {
                "authenticatorData": member::encode(&auth_data),
                "clientDataJSON": member::encode(&client_data),
                "signature": member::encode(&key.sign(&[auth_data.as_slice(), &sha256(&client_data)].concat())),
                "userHandle": member::encode(user_handle),
            },
            "assertionClientExtensions": "{}",
        })
        .to_string()
    }

    fn auth_data(&self, key: &Key, rest: &[u8], attested: bool) -> Vec<u8> {
        let flags = u8::from(self.user_present)
            | u8::from(self.user_verified) << 2
            | u8::from(self.backup_eligible) << 3
            | u8::from(self.backed_up) << 4
            | u8::from(attested) << 6;
        [&sha256(key.rp_id.as_bytes())[..], &[flags], &key.sign_count.to_be_bytes(), rest].concat()
    }
}

impl Key {
    fn new(algorithm: Algorithm, rp_id: &str, user_handle: Vec<u8>, resident: bool) -> Self {
        let mut id = vec![0; 32];
        aws_lc_rs::rand::fill(&mut id).unwrap();
        let curve = match algorithm {
            Algorithm::Es256 => Some(&ECDSA_P256_SHA256_ASN1_SIGNING),
            Algorithm::Es384 => Some(&ECDSA_P384_SHA384_ASN1_SIGNING),
            Algorithm::Es512 => Some(&ECDSA_P521_SHA512_ASN1_SIGNING),
            Algorithm::EdDsa => None,
            other => panic!("the software authenticator does not know {other:?}"),
        };
        let signer = match curve {
            Some(curve) => Signer::Curve(algorithm, EcdsaKeyPair::generate(curve).unwrap()),
            None => Signer::Edwards(Ed25519KeyPair::generate().unwrap()),
        };
        Self { id, rp_id: rp_id.to_owned(), user_handle, sign_count: 0, resident, signer }
    }

    /// Its public key.
    #[must_use]
    pub fn cose(&self) -> Vec<u8> {
        let mut cose = Vec::new();
        let (kty, algorithm, crv, parts) = match &self.signer {
            Signer::Curve(algorithm, pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let crv = match algorithm {
                    Algorithm::Es256 => 1,
                    Algorithm::Es384 => 2,
                    _ => 3,
                };
                (2, *algorithm, crv, vec![x, y])
            }
            Signer::Edwards(pair) => (1, Algorithm::EdDsa, 6, vec![pair.public_key().as_ref()]),
        };
        put_head(&mut cose, 5, 3 + parts.len());
        for number in [1, kty, 3, algorithm.id(), -1, crv] {
            put_int(&mut cose, number);
        }
        for (label, part) in [-2, -3].into_iter().zip(parts) {
            put_int(&mut cose, label);
            put_bytes(&mut cose, part);
        }
        cose
    }

    /// Its signature of `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.signer {
            Signer::Curve(_, pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Signer::Edwards(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

fn named(list: &Value) -> Vec<Vec<u8>> {
    let list = list.as_array().into_iter().flatten();
    list.map(|credential| member::bytes(credential.as_object().unwrap(), "id").unwrap()).collect()
}

fn client_data(kind: &str, options: &Value, origin: &str, lies: &Lies) -> Vec<u8> {
    let mut said = json!({"type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false});
    for (name, value) in &lies.client_data {
        said[name] = value.clone();
    }
    let members = said.as_object_mut().unwrap();
    members.retain(|_, value| !value.is_null());
    said.to_string().into_bytes()
}

fn put_head(out: &mut Vec<u8>, major: u8, value: usize) {
    match value {
        0..24 => out.push(major << 5 | u8::try_from(value).unwrap()),
        24..256 => out.extend([major << 5 | 24, u8::try_from(value).unwrap()]),
        _ => {
            out.push(major << 5 | 25);
            out.extend(u16::try_from(value).unwrap().to_be_bytes());
        }
    }
}

fn put_int(out: &mut Vec<u8>, value: i64) {
    match usize::try_from(value) {
        Ok(value) => put_head(out, 0, value),
        Err(_) => put_head(out, 1, usize::try_from(-1 - value).unwrap()),
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_head(out, 2, bytes.len());
    out.extend(bytes);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_head(out, 3, text.len());
    out.extend(text.as_bytes());
}
