//! The algorithms of RFC 7518 and RFC 8037 that sign here.

/// How a token is signed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

const ALL: [(Algorithm, &str, jsonwebtoken::Algorithm); 12] = [
    (Algorithm::Hs256, "HS256", jsonwebtoken::Algorithm::HS256),
    (Algorithm::Hs384, "HS384", jsonwebtoken::Algorithm::HS384),
    (Algorithm::Hs512, "HS512", jsonwebtoken::Algorithm::HS512),
    (Algorithm::Rs256, "RS256", jsonwebtoken::Algorithm::RS256),
    (Algorithm::Rs384, "RS384", jsonwebtoken::Algorithm::RS384),
    (Algorithm::Rs512, "RS512", jsonwebtoken::Algorithm::RS512),
    (Algorithm::Ps256, "PS256", jsonwebtoken::Algorithm::PS256),
    (Algorithm::Ps384, "PS384", jsonwebtoken::Algorithm::PS384),
    (Algorithm::Ps512, "PS512", jsonwebtoken::Algorithm::PS512),
    (Algorithm::Es256, "ES256", jsonwebtoken::Algorithm::ES256),
    (Algorithm::Es384, "ES384", jsonwebtoken::Algorithm::ES384),
    (Algorithm::EdDsa, "EdDSA", jsonwebtoken::Algorithm::EdDSA),
];

/// What kind of key an algorithm needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Family {
    Secret,
    Rsa,
    /// Each curve is a kind of its own.
    P256,
    P384,
    Ed25519,
}

impl Algorithm {
    /// The algorithm of this name in a header, exactly as it is written there.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known, _)| *known == name).map(|(algorithm, ..)| *algorithm)
    }

    /// The name in a header.
    #[must_use]
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(known, ..)| *known == self).map_or("", |(_, name, _)| name)
    }

    /// Whether it signs with a secret, which checks as well, rather than with a pair of keys.
    #[must_use]
    pub fn is_symmetric(self) -> bool {
        self.family() == Family::Secret
    }

    pub(super) fn family(self) -> Family {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Secret,
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => Family::Rsa,
            Self::Es256 => Family::P256,
            Self::Es384 => Family::P384,
            Self::EdDsa => Family::Ed25519,
        }
    }

    pub(super) fn inner(self) -> jsonwebtoken::Algorithm {
        ALL.iter().find(|(known, ..)| *known == self).map_or(jsonwebtoken::Algorithm::HS256, |(.., inner)| *inner)
    }
}
