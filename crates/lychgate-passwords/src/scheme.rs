//! Names of the schemes, and which text belongs to which.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A way to store a password, by passlib's name for it.
///
/// The `werkzeug_*` names are ours: passlib does not know those formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `$argon2id$…`, `$argon2i$…`, `$argon2d$…` (RFC 9106).
    Argon2,
    /// `$2a$`, `$2b$`, `$2x$` and `$2y$`.
    Bcrypt,
    /// `$pbkdf2$…` (RFC 8018).
    Pbkdf2Sha1,
    /// `$pbkdf2-sha256$…`.
    Pbkdf2Sha256,
    /// `$pbkdf2-sha512$…`.
    Pbkdf2Sha512,
    /// `$scrypt$ln=…` (RFC 7914).
    Scrypt,
    /// `$5$…`, the SHA-crypt of glibc.
    Sha256Crypt,
    /// `$6$…`, the SHA-crypt of glibc.
    Sha512Crypt,
    /// 13 characters without a prefix: the first Unix crypt. Reads eight characters of a password.
    DesCrypt,
    /// The password itself. Known in order to be refused.
    Plaintext,
    /// `argon2$argon2i$…`.
    DjangoArgon2,
    /// `bcrypt$$2b$…`.
    DjangoBcrypt,
    /// `bcrypt_sha256$$2b$…`: bcrypt of the SHA-256 in hex.
    DjangoBcryptSha256,
    /// `crypt$…`.
    DjangoDesCrypt,
    /// `pbkdf2_sha1$…`.
    DjangoPbkdf2Sha1,
    /// `pbkdf2_sha256$…`.
    DjangoPbkdf2Sha256,
    /// `md5$salt$hex`.
    DjangoSaltedMd5,
    /// `sha1$salt$hex`.
    DjangoSaltedSha1,
    /// `scrypt:N:r:p$salt$hex`, Werkzeug's default.
    WerkzeugScrypt,
    /// `pbkdf2:hash:rounds$salt$hex`.
    WerkzeugPbkdf2,
    /// `sha256$salt$hex`, an HMAC keyed with the salt: Werkzeug before 2.3. Only read, never written.
    WerkzeugSha256,
}

impl Scheme {
    /// Every scheme, in the order of the enum.
    pub const ALL: &'static [Self] = &[
        Self::Argon2,
        Self::Bcrypt,
        Self::Pbkdf2Sha1,
        Self::Pbkdf2Sha256,
        Self::Pbkdf2Sha512,
        Self::Scrypt,
        Self::Sha256Crypt,
        Self::Sha512Crypt,
        Self::DesCrypt,
        Self::Plaintext,
        Self::DjangoArgon2,
        Self::DjangoBcrypt,
        Self::DjangoBcryptSha256,
        Self::DjangoDesCrypt,
        Self::DjangoPbkdf2Sha1,
        Self::DjangoPbkdf2Sha256,
        Self::DjangoSaltedMd5,
        Self::DjangoSaltedSha1,
        Self::WerkzeugScrypt,
        Self::WerkzeugPbkdf2,
        Self::WerkzeugSha256,
    ];

    /// The name used in settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Argon2 => "argon2",
            Self::Bcrypt => "bcrypt",
            Self::Pbkdf2Sha1 => "pbkdf2_sha1",
            Self::Pbkdf2Sha256 => "pbkdf2_sha256",
            Self::Pbkdf2Sha512 => "pbkdf2_sha512",
            Self::Scrypt => "scrypt",
            Self::Sha256Crypt => "sha256_crypt",
            Self::Sha512Crypt => "sha512_crypt",
            Self::DesCrypt => "des_crypt",
            Self::Plaintext => "plaintext",
            Self::DjangoArgon2 => "django_argon2",
            Self::DjangoBcrypt => "django_bcrypt",
            Self::DjangoBcryptSha256 => "django_bcrypt_sha256",
            Self::DjangoDesCrypt => "django_des_crypt",
            Self::DjangoPbkdf2Sha1 => "django_pbkdf2_sha1",
            Self::DjangoPbkdf2Sha256 => "django_pbkdf2_sha256",
            Self::DjangoSaltedMd5 => "django_salted_md5",
            Self::DjangoSaltedSha1 => "django_salted_sha1",
            Self::WerkzeugScrypt => "werkzeug_scrypt",
            Self::WerkzeugPbkdf2 => "werkzeug_pbkdf2",
            Self::WerkzeugSha256 => "werkzeug_sha256",
        }
    }

    /// Whether `stored` claims to be of this scheme. Looks at the prefix, or at the shape of an old crypt.
    pub fn claims(self, stored: &str) -> bool {
        if self == Self::DesCrypt {
            return stored.len() == 13 && stored.bytes().all(crate::encoding::is_h64);
        }
        self.prefixes().iter().any(|prefix| stored.starts_with(prefix))
    }

    /// Finds the scheme that a stored value shows by its prefix; none for plain text and the old crypt,
    /// which have no prefix.
    pub fn by_prefix(stored: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scheme| *scheme != Self::DesCrypt && scheme.claims(stored))
    }

    const fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Argon2 => &["$argon2id$", "$argon2i$", "$argon2d$"],
            Self::Bcrypt => &["$2a$", "$2b$", "$2x$", "$2y$"],
            Self::Pbkdf2Sha1 => &["$pbkdf2$"],
            Self::Pbkdf2Sha256 => &["$pbkdf2-sha256$"],
            Self::Pbkdf2Sha512 => &["$pbkdf2-sha512$"],
            Self::Scrypt => &["$scrypt$"],
            Self::Sha256Crypt => &["$5$"],
            Self::Sha512Crypt => &["$6$"],
            Self::DesCrypt | Self::Plaintext => &[],
            Self::DjangoArgon2 => &["argon2$argon2"],
            Self::DjangoBcrypt => &["bcrypt$"],
            Self::DjangoBcryptSha256 => &["bcrypt_sha256$"],
            Self::DjangoDesCrypt => &["crypt$"],
            Self::DjangoPbkdf2Sha1 => &["pbkdf2_sha1$"],
            Self::DjangoPbkdf2Sha256 => &["pbkdf2_sha256$"],
            Self::DjangoSaltedMd5 => &["md5$"],
            Self::DjangoSaltedSha1 => &["sha1$"],
            Self::WerkzeugScrypt => &["scrypt:", "scrypt$"],
            Self::WerkzeugPbkdf2 => &["pbkdf2:", "pbkdf2$"],
            Self::WerkzeugSha256 => &["sha256$"],
        }
    }

    /// Werkzeug's own formats never saw the keyed pre-hash.
    pub(crate) const fn is_werkzeug(self) -> bool {
        matches!(self, Self::WerkzeugScrypt | Self::WerkzeugPbkdf2 | Self::WerkzeugSha256)
    }

    pub(crate) const fn is_django(self) -> bool {
        matches!(
            self,
            Self::DjangoArgon2
                | Self::DjangoBcrypt
                | Self::DjangoBcryptSha256
                | Self::DjangoDesCrypt
                | Self::DjangoPbkdf2Sha1
                | Self::DjangoPbkdf2Sha256
                | Self::DjangoSaltedMd5
                | Self::DjangoSaltedSha1
        )
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A scheme name that is not known.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("unknown password scheme `{0}`")]
pub struct UnknownScheme(String);

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|scheme| scheme.as_str() == name)
            .ok_or_else(|| UnknownScheme(name.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.as_str().parse(), Ok(*scheme));
        }
        assert!("md5_crypt".parse::<Scheme>().is_err());
    }

    #[test]
    fn no_prefix_belongs_to_two_schemes() {
        for scheme in Scheme::ALL {
            for prefix in scheme.prefixes() {
                let claiming: Vec<_> = Scheme::ALL.iter().filter(|other| other.claims(prefix)).collect();
                assert_eq!(claiming, [scheme], "{prefix}");
            }
        }
    }
}
