//! An audit log that shows what was done to it: entries under a MAC, chained by hashes, with signed checkpoints.
//!
//! Each entry is signed when it is made ([`AuditSigner::sign_entry`]), so that nobody without the key can add or change
//! one. Later it gets a *place*, counted from 1 without gaps, and a *link*: the SHA-256 of the link before it, its place
//! and all that it says. Whoever changes, removes or moves an entry breaks the chain there. A [`Checkpoint`] signs a
//! place and its link; one that somebody else holds shows that the log was cut or made anew.
//!
//! What is personal in an entry is not hashed itself: the entry holds a [`commitment`] to it, made with a salt of its
//! own. Without salt and text nothing can be read from the commitment, and the chain still holds.
//!
//! What is hashed is written out in one way only: the name of the format, then each field with its length before it.
//!
//! ```
//! use lychgate_signing::{KeyRing, audit::{AuditSigner, Content, Origin, Verifier, Linked, commitment, link}};
//!
//! let signer = AuditSigner::new(&KeyRing::new("secret")?);
//! let committed = commitment("a salt", r#"{"address":"192.0.2.1"}"#);
//! let content = Content {
//!     id: "e1", at: 1_750_000_000_000_000, kind: "sign-in", actor: "user", actor_id: Some(7), user_id: Some(7),
//!     request_id: None, commitment: &committed,
//! };
//! let mac = signer.sign_entry(&content);
//! let first = link(Origin::default().link(), 1, 1, &content, &mac);
//!
//! let mut verifier = Verifier::new(&signer, Origin::default());
//! let entry = Linked { seq: 1, place: 1, link: &first, content, mac: &mac, details: None };
//! assert!(verifier.entry(&entry).is_empty());
//! let other = Content { user_id: Some(8), ..content };
//! let mut verifier = Verifier::new(&signer, Origin::default());
//! assert!(!verifier.entry(&Linked { content: other, ..entry }).is_empty());
//! # Ok::<(), lychgate_signing::EmptyKey>(())
//! ```

mod chain;

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    hex,
    keys::{KeyRing, Ring},
};
pub use chain::{Finding, Linked, Verifier};

/// The name of the format of what is hashed; every hash begins with it.
const FORMAT: &str = "lychgate-audit/1";

/// What stands before a MAC of this format.
const VERSION: &str = "1.";

/// What an entry says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Content<'a> {
    /// A random name.
    pub id: &'a str,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// What.
    pub kind: &'a str,
    /// What kind of somebody did it.
    pub actor: &'a str,
    /// Who did it, if it was a user.
    pub actor_id: Option<i64>,
    /// Whose account it is about.
    pub user_id: Option<i64>,
    /// In which request.
    pub request_id: Option<&'a str>,
    /// What stands for the personal details; see [`commitment`].
    pub commitment: &'a str,
}

/// A place in the chain and its link, signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The place of the entry.
    pub place: i64,
    /// The entry's link.
    pub link: String,
    /// When it was signed, in microseconds since 1970.
    pub at: i64,
    /// The signature.
    pub mac: String,
}

impl Checkpoint {
    /// One line without spaces, for keeping it elsewhere.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}:{}:{}:{}", self.place, self.at, self.link, self.mac)
    }

    /// Reads [`to_text`](Self::to_text); nothing if it is none.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(4, ':');
        let place = parts.next()?.parse().ok().filter(|place| *place >= 0)?;
        let at = parts.next()?.parse().ok()?;
        let (link, mac) = (parts.next()?, parts.next()?);
        let plain = |text: &str| !text.is_empty() && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_graphic());
        (plain(link) && plain(mac)).then(|| Self { place, at, link: link.to_owned(), mac: mac.to_owned() })
    }
}

/// Where a chain begins: before its first entry, or after the entries that were forgotten because they were old.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    place: i64,
    link: String,
}

impl Default for Origin {
    fn default() -> Self {
        Self { place: 0, link: hex::encode(&Sha256::digest(framed(&[Field::Text("beginning")]))) }
    }
}

impl Origin {
    /// The place of the last entry that is not there any more; 0 if all are.
    #[must_use]
    pub fn place(&self) -> i64 {
        self.place
    }

    /// What the first entry's link is made with.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.link
    }
}

/// What a checkpoint was signed for; one kind is never taken for another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Purpose {
    /// The chain has reached this place.
    Reached,
    /// The chain begins after this place, because what was before it has been forgotten.
    Begins,
}

/// Signs entries and checkpoints. The current key signs, older ones still verify.
#[derive(Clone)]
pub struct AuditSigner {
    entries: Ring<Hmac<Sha256>>,
    reached: Ring<Hmac<Sha256>>,
    begins: Ring<Hmac<Sha256>>,
}

impl AuditSigner {
    /// Derives the keys, one for each purpose.
    #[must_use]
    pub fn new(keys: &KeyRing) -> Self {
        let derived = |purpose: &str| {
            keys.map(|key| {
                let derived = keyed(key.as_bytes()).chain_update(framed(&[Field::Text(purpose)])).finalize();
                keyed(&*Zeroizing::new(<[u8; 32]>::from(derived.into_bytes())))
            })
        };
        Self { entries: derived("entry"), reached: derived("checkpoint"), begins: derived("beginning") }
    }

    /// The MAC of an entry.
    #[must_use]
    pub fn sign_entry(&self, content: &Content<'_>) -> String {
        sign(&self.entries, &encoded(content))
    }

    /// Whether one of the keys made this MAC for this entry.
    #[must_use]
    pub fn is_of_entry(&self, content: &Content<'_>, mac: &str) -> bool {
        is_signed(&self.entries, &encoded(content), mac)
    }

    /// Signs a place and its link.
    #[must_use]
    pub fn sign_checkpoint(&self, purpose: Purpose, place: i64, link: &str, at: i64) -> Checkpoint {
        let mac = sign(self.ring(purpose), &place_and_link(place, link, at));
        Checkpoint { place, link: link.to_owned(), at, mac }
    }

    /// Whether one of the keys signed it for this purpose.
    #[must_use]
    pub fn is_checkpoint(&self, purpose: Purpose, given: &Checkpoint) -> bool {
        is_signed(self.ring(purpose), &place_and_link(given.place, &given.link, given.at), &given.mac)
    }

    /// Where a chain begins whose first entries were forgotten; nothing if the checkpoint is not signed for that.
    #[must_use]
    pub fn origin(&self, begins: &Checkpoint) -> Option<Origin> {
        let signed = self.is_checkpoint(Purpose::Begins, begins);
        signed.then(|| Origin { place: begins.place, link: begins.link.clone() })
    }

    fn ring(&self, purpose: Purpose) -> &Ring<Hmac<Sha256>> {
        match purpose {
            Purpose::Reached => &self.reached,
            Purpose::Begins => &self.begins,
        }
    }
}

impl fmt::Debug for AuditSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditSigner").field("keys", &self.entries.iter().count()).finish_non_exhaustive()
    }
}

/// Stands for details without telling them: the salt is random and belongs to this entry alone.
#[must_use]
pub fn commitment(salt: &str, details: &str) -> String {
    hex::encode(&Sha256::digest(framed(&[Field::Text("details"), Field::Text(salt), Field::Text(details)])))
}

/// The link of an entry: it holds the link before it, its place, its number in the table, and all that it says.
#[must_use]
pub fn link(before: &str, place: i64, seq: i64, content: &Content<'_>, mac: &str) -> String {
    let mut bytes = framed(&[Field::Text("link"), Field::Text(before), Field::Number(place), Field::Number(seq)]);
    bytes.extend(encoded(content));
    bytes.extend(framed(&[Field::Text(mac)]));
    hex::encode(&Sha256::digest(bytes))
}

enum Field<'a> {
    Text(&'a str),
    Number(i64),
    MaybeText(Option<&'a str>),
    MaybeNumber(Option<i64>),
}

/// The name of the format and the fields, each as a byte that says whether it is there, its length in four bytes, big end
/// first, and itself. Two lists of fields never give the same bytes.
fn framed(fields: &[Field<'_>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    let mut put = |field: Option<&[u8]>| {
        let length = field.map_or(0, <[u8]>::len);
        bytes.push(u8::from(field.is_some()));
        bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(field.unwrap_or_default());
    };
    put(Some(FORMAT.as_bytes()));
    for field in fields {
        match field {
            Field::Text(text) | Field::MaybeText(Some(text)) => put(Some(text.as_bytes())),
            Field::Number(number) | Field::MaybeNumber(Some(number)) => put(Some(&number.to_be_bytes())),
            Field::MaybeText(None) | Field::MaybeNumber(None) => put(None),
        }
    }
    bytes
}

fn encoded(content: &Content<'_>) -> Vec<u8> {
    framed(&[
        Field::Text("entry"),
        Field::Text(content.id),
        Field::Number(content.at),
        Field::Text(content.kind),
        Field::Text(content.actor),
        Field::MaybeNumber(content.actor_id),
        Field::MaybeNumber(content.user_id),
        Field::MaybeText(content.request_id),
        Field::Text(content.commitment),
    ])
}

fn place_and_link(place: i64, link: &str, at: i64) -> Vec<u8> {
    framed(&[Field::Text("checkpoint"), Field::Number(place), Field::Text(link), Field::Number(at)])
}

fn sign(ring: &Ring<Hmac<Sha256>>, bytes: &[u8]) -> String {
    let mac = ring.current().clone().chain_update(bytes).finalize().into_bytes();
    format!("{VERSION}{}", hex::encode(&mac))
}

fn is_signed(ring: &Ring<Hmac<Sha256>>, bytes: &[u8], mac: &str) -> bool {
    use subtle::ConstantTimeEq as _;
    let Some(given) = mac.strip_prefix(VERSION) else { return false };
    ring.iter().any(|key| {
        let wanted = hex::encode(&key.clone().chain_update(bytes).finalize().into_bytes());
        wanted.as_bytes().ct_eq(given.as_bytes()).into()
    })
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}
