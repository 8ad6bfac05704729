//! Attestation objects (WebAuthn section 6.5) with the statements `none` and `packed` (sections 8.7 and 8.2).

use crate::{
    Reason, Refused,
    cbor::{BadCbor, Reader},
    certificate,
    cose::{Algorithm, PublicKey},
};

/// Most certificates of a statement. Only the first is looked at.
const MAX_CERTIFICATES: usize = 8;

/// An attestation object, taken apart.
#[derive(Debug)]
pub(crate) struct Attestation<'a> {
    format: &'a str,
    statement: &'a [u8],
    pub(crate) auth_data: &'a [u8],
}

/// A statement of format `packed`.
#[derive(Default)]
struct Packed<'a> {
    algorithm: Option<i64>,
    signature: Option<&'a [u8]>,
    certificate: Option<&'a [u8]>,
}

impl<'a> Attestation<'a> {
    pub(crate) fn parse(input: &'a [u8]) -> Result<Self, Refused> {
        Self::read(input).map_err(|BadCbor| Refused::unreadable("the attestation object cannot be read"))
    }

    fn read(input: &'a [u8]) -> Result<Self, BadCbor> {
        let mut reader = Reader::new(input);
        let (mut format, mut statement, mut auth_data) = (None, None, None);
        for _ in 0..reader.map()? {
            let twice = match reader.text()? {
                "fmt" => format.replace(reader.text()?).is_some(),
                "attStmt" => statement.replace(reader.skip()?).is_some(),
                "authData" => auth_data.replace(reader.bytes()?).is_some(),
                _ => return Err(BadCbor),
            };
            if twice {
                return Err(BadCbor);
            }
        }
        reader.end()?;
        let parts = format.zip(statement).zip(auth_data);
        let ((format, statement), auth_data) = parts.ok_or(BadCbor)?;
        Ok(Self { format, statement, auth_data })
    }

    /// Checks the statement about a new credential's key, over the authenticator data and the client data's hash.
    pub(crate) fn check(&self, hash: &[u8; 32], aaguid: [u8; 16], credential: &PublicKey) -> Result<(), Refused> {
        let refused = |text: &str| Err(Refused::new(Reason::Attestation, text));
        let unreadable = |BadCbor| Refused::new(Reason::Attestation, "the attestation statement cannot be read");
        match self.format {
            "none" => match Reader::new(self.statement).map().map_err(unreadable)? {
                0 => Ok(()),
                _ => refused("an attestation of format none states something"),
            },
            "packed" => {
                let packed = Packed::read(self.statement).map_err(unreadable)?;
                let Some(signature) = packed.signature else {
                    return refused("the attestation has no signature");
                };
                let Some(algorithm) = packed.algorithm.and_then(Algorithm::from_id) else {
                    return refused("the attestation is signed in an unknown way");
                };
                let signed = [self.auth_data, hash].concat();
                let verified = match packed.certificate {
                    Some(der) => match certificate::key_of(der, aaguid, algorithm) {
                        Ok(key) => key.verify(&signed, signature),
                        Err(text) => return refused(text),
                    },
                    None if algorithm != credential.algorithm() => {
                        return refused("the attestation is signed in another way than the credential signs");
                    }
                    None => credential.verify(&signed, signature),
                };
                verified.or_else(|_| refused("the signature of the attestation is wrong"))
            }
            _ => refused("the attestation is of a format that is not accepted; none and packed are"),
        }
    }
}

impl<'a> Packed<'a> {
    fn read(statement: &'a [u8]) -> Result<Self, BadCbor> {
        let mut reader = Reader::new(statement);
        let mut packed = Self::default();
        for _ in 0..reader.map()? {
            let twice = match reader.text()? {
                "alg" => packed.algorithm.replace(reader.int()?).is_some(),
                "sig" => packed.signature.replace(reader.bytes()?).is_some(),
                "x5c" => packed.certificate.replace(first(&mut reader)?).is_some(),
                _ => return Err(BadCbor),
            };
            if twice {
                return Err(BadCbor);
            }
        }
        reader.end()?;
        Ok(packed)
    }
}

/// The first of a list of byte strings.
fn first<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], BadCbor> {
    let count = reader.array()?;
    if count > MAX_CERTIFICATES {
        return Err(BadCbor);
    }
    let first = reader.bytes()?;
    for _ in 1..count {
        reader.bytes()?;
    }
    if count == 0 { Err(BadCbor) } else { Ok(first) }
}
