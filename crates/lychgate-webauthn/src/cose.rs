//! Public keys of authenticators: COSE_Key (RFC 9052, RFC 9053, RFC 8230) and their signatures.

use std::fmt;

use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, ParsedPublicKey,
    RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};

use crate::cbor::{BadCbor, Reader};

/// Longest COSE key: RSA with 8192 bits takes 1100 bytes.
const MAX_COSE: usize = 2048;

/// A signature algorithm, by its number in the COSE registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519, −8.
    EdDsa,
    /// ECDSA on P-256 with SHA-256, −7.
    Es256,
    /// ECDSA on P-384 with SHA-384, −35.
    Es384,
    /// ECDSA on P-521 with SHA-512, −36.
    Es512,
    /// RSA-PSS with SHA-256, −37.
    Ps256,
    /// RSA-PSS with SHA-384, −38.
    Ps384,
    /// RSA-PSS with SHA-512, −39.
    Ps512,
    /// RSA PKCS#1 v1.5 with SHA-256, −257.
    Rs256,
    /// RSA PKCS#1 v1.5 with SHA-384, −258.
    Rs384,
    /// RSA PKCS#1 v1.5 with SHA-512, −259.
    Rs512,
}

impl Algorithm {
    /// What a new credential may use, most wanted first.
    pub const OFFERED: &[Self] = &[Self::EdDsa, Self::Es256, Self::Rs256];
    /// What a stored credential may use.
    pub const ALL: &[Self] = &[
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// The number in the [COSE registry](https://www.iana.org/assignments/cose/cose.xhtml#algorithms).
    #[must_use]
    pub fn id(self) -> i64 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
            Self::Es384 => -35,
            Self::Es512 => -36,
            Self::Ps256 => -37,
            Self::Ps384 => -38,
            Self::Ps512 => -39,
            Self::Rs256 => -257,
            Self::Rs384 => -258,
            Self::Rs512 => -259,
        }
    }

    /// The algorithm of that number, if it is one of these.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.id() == id)
    }

    fn family(self) -> Family {
        match self {
            Self::EdDsa => Family::Edwards,
            Self::Es256 => Family::Curve { id: 1, length: 32, verifier: &ECDSA_P256_SHA256_ASN1 },
            Self::Es384 => Family::Curve { id: 2, length: 48, verifier: &ECDSA_P384_SHA384_ASN1 },
            Self::Es512 => Family::Curve { id: 3, length: 66, verifier: &ECDSA_P521_SHA512_ASN1 },
            Self::Ps256 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            Self::Rs256 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        }
    }
}

enum Family {
    Edwards,
    Curve { id: i64, length: usize, verifier: &'static dyn VerificationAlgorithm },
    Rsa(&'static RsaParameters),
}

/// A public key of an authenticator.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

/// Not a key that can be used: unreadable, of an unknown kind, off its curve, or of a wrong size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key that can be used")]
#[non_exhaustive]
pub struct BadKey;

/// The signature is not this key's for this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is wrong")]
#[non_exhaustive]
pub struct BadSignature;

impl PublicKey {
    /// Reads a COSE_Key, all of it.
    ///
    /// The key must name its algorithm (RFC 9052 section 7.1, WebAuthn section 6.5.1), and the curve must be the one
    /// that WebAuthn ties to the algorithm (section 5.8.5).
    ///
    /// # Errors
    ///
    /// [`BadKey`] for anything that no key of an [`Algorithm`] looks like, for a point off its curve, for an RSA modulus
    /// below 2048 or above 8192 bits.
    pub fn from_cose(cose: &[u8]) -> Result<Self, BadKey> {
        if cose.len() > MAX_COSE {
            return Err(BadKey);
        }
        let members = Members::read(cose).map_err(|BadCbor| BadKey)?;
        let algorithm = members.algorithm.and_then(Algorithm::from_id).ok_or(BadKey)?;
        // Labels are shared between key types: -1 is the curve, or the modulus of RSA.
        let key = match (algorithm.family(), members.key_type, members.minus_1, members.minus_2, members.minus_3) {
            (Family::Edwards, Some(1), Some(Part::Int(6)), Some(x), None) => {
                let x = x.bytes().filter(|x| x.len() == 32).ok_or(BadKey)?;
                ParsedPublicKey::new(&ED25519, x)
            }
            (Family::Curve { id, length, verifier }, Some(2), Some(Part::Int(curve)), Some(x), Some(y)) => {
                let part = |part: Part<'_>| part.bytes().filter(|bytes| bytes.len() == length).map(<[u8]>::to_vec);
                let (x, y) = part(x).zip(part(y)).filter(|_| curve == id).ok_or(BadKey)?;
                ParsedPublicKey::new(verifier, [vec![4], x, y].concat())
            }
            (Family::Rsa(parameters), Some(3), Some(n), Some(e), None) => {
                let (n, e) = n.bytes().zip(e.bytes()).filter(|(n, e)| sound_rsa(n, e)).ok_or(BadKey)?;
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters)
            }
            _ => return Err(BadKey),
        };
        Ok(Self { algorithm, key: key.map_err(|_| BadKey)? })
    }

    /// Reads the key of a certificate, a SubjectPublicKeyInfo, for signatures by `algorithm`.
    pub(crate) fn from_certificate(algorithm: Algorithm, spki: &[u8]) -> Result<Self, BadKey> {
        let verifier: &'static dyn VerificationAlgorithm = match algorithm.family() {
            Family::Edwards => &ED25519,
            Family::Curve { verifier, .. } => verifier,
            Family::Rsa(parameters) => parameters,
        };
        let key = ParsedPublicKey::new(verifier, spki).map_err(|_| BadKey)?;
        Ok(Self { algorithm, key })
    }

    /// The algorithm that the key names.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Checks a signature, in the form of WebAuthn section 6.5.5 (ECDSA in DER).
    ///
    /// # Errors
    ///
    /// [`BadSignature`] if it is not this key's signature of `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.key.verify_sig(message, signature).map_err(|_| BadSignature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A modulus of 2048 to 8192 bits and an odd exponent of 3 to 2^32-1, both odd and without leading zeros (RFC 8230).
fn sound_rsa(n: &[u8], e: &[u8]) -> bool {
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    let exponent = (1..=4).contains(&e.len()) && e[0] != 0 && odd(e) && e != [1];
    (2048..=8192).contains(&bits) && n[0] != 0 && odd(n) && exponent
}

/// The members of a COSE_Key that are looked at.
#[derive(Default)]
struct Members<'a> {
    key_type: Option<i64>,
    algorithm: Option<i64>,
    minus_1: Option<Part<'a>>,
    minus_2: Option<Part<'a>>,
    minus_3: Option<Part<'a>>,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl<'a> Part<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, BadCbor> {
        let before = *reader;
        reader.int().map(Self::Int).or_else(|BadCbor| {
            *reader = before;
            reader.bytes().map(Self::Bytes)
        })
    }

    fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Int(_) => None,
        }
    }
}

impl<'a> Members<'a> {
    fn read(cose: &'a [u8]) -> Result<Self, BadCbor> {
        let mut reader = Reader::new(cose);
        let mut members = Self::default();
        for _ in 0..reader.map()? {
            match reader.int()? {
                1 => once(&mut members.key_type, reader.int()?)?,
                3 => once(&mut members.algorithm, reader.int()?)?,
                -1 => once(&mut members.minus_1, Part::read(&mut reader)?)?,
                -2 => once(&mut members.minus_2, Part::read(&mut reader)?)?,
                -3 => once(&mut members.minus_3, Part::read(&mut reader)?)?,
                // Key id, permitted operations and the like.
                _ => drop(reader.skip()?),
            }
        }
        reader.end()?;
        Ok(members)
    }
}

/// A label must not stand twice.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), BadCbor> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(BadCbor),
    }
}
