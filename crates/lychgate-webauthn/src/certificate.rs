//! Attestation certificates of `packed` (WebAuthn section 8.2.1).

use x509_cert::{
    Certificate, Version,
    der::{Decode as _, Encode as _, asn1::OctetString, oid::ObjectIdentifier},
    ext::pkix::BasicConstraints,
};

use crate::cose::{Algorithm, PublicKey};

const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
/// id-fido-gen-ce-aaguid: for which model of authenticator the certificate is.
const AAGUID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.45724.1.1.4");

/// The key of a certificate that is as section 8.2.1 wants it; else what is wrong with it.
///
/// Who issued the certificate, and whether it is still valid, is not looked at: without roots to trust, neither says anything.
pub(crate) fn key_of(der: &[u8], aaguid: [u8; 16], algorithm: Algorithm) -> Result<PublicKey, &'static str> {
    let certificate = Certificate::from_der(der).map_err(|_| "the certificate cannot be read")?.tbs_certificate;
    if certificate.version != Version::V3 {
        return Err("the certificate is not of version 3");
    }
    let named = |oid: ObjectIdentifier| {
        let mut names = certificate.subject.0.iter().flat_map(|names| names.0.iter());
        names.find(|name| name.oid == oid).map(|name| name.value.value())
    };
    let subject_is_right = named(COUNTRY).is_some_and(|country| country.len() == 2)
        && named(ORGANIZATION).is_some_and(|name| !name.is_empty())
        && named(UNIT) == Some(b"Authenticator Attestation")
        && named(COMMON_NAME).is_some_and(|name| !name.is_empty());
    if !subject_is_right {
        return Err("the certificate names no authenticator's maker");
    }
    let mut constraints = None;
    for extension in certificate.extensions.iter().flatten() {
        let value = extension.extn_value.as_bytes();
        if extension.extn_id == BASIC_CONSTRAINTS {
            constraints = BasicConstraints::from_der(value).ok();
        } else if extension.extn_id == AAGUID {
            let model = OctetString::from_der(value).map_err(|_| "the certificate's AAGUID cannot be read")?;
            if extension.critical || model.as_bytes() != aaguid {
                return Err("the certificate is for another model of authenticator");
            }
        }
    }
    if constraints.is_none_or(|constraints| constraints.ca) {
        return Err("the certificate is not an end entity's");
    }
    let spki = certificate.subject_public_key_info.to_der().map_err(|_| "the certificate's key cannot be read")?;
    PublicKey::from_certificate(algorithm, &spki).map_err(|_| "the certificate's key is no good")
}
