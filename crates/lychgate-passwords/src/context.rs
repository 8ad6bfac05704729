//! Hashing and verifying under one set of settings.

use std::{fmt, hint::black_box};

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    Builder, Limits, Scheme,
    codec::{parse, print},
    encoding::{B64_PADDED, equal},
    options::Options,
    recipe::{BCRYPT_BYTES, Problem, Recipe},
};

/// The most code points a password may have; longer ones are refused before any work is done.
pub const MAX_PASSWORD_CHARS: usize = 4096;

/// What became of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The password is right.
    Match {
        /// The stored hash is of a deprecated scheme, has other costs than new ones get, or covers only part of
        /// the password: store a new one.
        needs_rehash: bool,
    },
    /// The password is wrong.
    Mismatch,
    /// No comparison took place. To be treated like [`Verdict::Mismatch`], and logged.
    Refused(Refusal),
}

impl Verdict {
    /// Whether the password is right.
    pub const fn is_match(self) -> bool {
        matches!(self, Self::Match { .. })
    }
}

/// Why nothing was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The password has more than [`MAX_PASSWORD_CHARS`] code points.
    #[error("the password is too long")]
    PasswordTooLong,
    /// The user has no password.
    #[error("no hash is stored")]
    Empty,
    /// The stored value is no hash of a known scheme, and plain text is not allowed.
    #[error("the stored value is not a known password hash")]
    Unrecognised,
    /// The stored value is a hash of a scheme that the settings do not list.
    #[error("the stored hash is of scheme {0}, which is not accepted")]
    SchemeNotAccepted(Scheme),
    /// The stored hash is damaged.
    #[error("the stored hash is damaged")]
    Malformed,
    /// The stored hash asks for more work than the [`Limits`] allow.
    #[error("the stored hash asks for too much work")]
    TooCostly,
    /// The scheme ends passwords at a NUL byte, and the password has one.
    #[error("the scheme cannot take a password with a NUL byte")]
    Nul,
    /// The scheme needs the keyed pre-hash, and the settings hold no key.
    #[error("a password salt is needed for the stored hash")]
    NoSalt,
    /// The costs are outside of what the algorithm defines, or memory ran out.
    #[error("the hash cannot be computed")]
    Impossible,
}

/// Why no hash was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HashError {
    /// The password has more than [`MAX_PASSWORD_CHARS`] code points, or more bytes than the scheme can work
    /// through within the [`Limits`].
    #[error("the password is too long")]
    TooLong,
    /// The scheme would read only the start of this password (72 bytes with bcrypt, 8 with the old crypt).
    #[error("the scheme would read only the start of the password")]
    Truncated,
    /// The scheme ends passwords at a NUL byte.
    #[error("the scheme cannot take a password with a NUL byte")]
    Nul,
    /// The operating system gave no random bytes.
    #[error("no random bytes for a salt")]
    NoRandom,
    /// Memory ran out, or the costs are outside of what the algorithm defines.
    #[error("the hash cannot be computed")]
    Impossible,
}

/// Settings that have been checked.
pub(crate) struct Parts {
    pub(crate) schemes: Vec<Scheme>,
    pub(crate) default: Scheme,
    pub(crate) deprecated: Vec<Scheme>,
    pub(crate) single: Vec<Scheme>,
    pub(crate) salt: Option<Zeroizing<Vec<u8>>>,
    pub(crate) options: Vec<(Scheme, Options)>,
    pub(crate) limits: Limits,
    pub(crate) allow_plaintext: bool,
}

/// The schemes of a site: makes new hashes and judges stored ones.
///
/// Passwords are expected in the site's normal form (see [`crate::normalize`]).
pub struct Context {
    parts: Parts,
    defaults: Options,
    /// What [`Context::dummy_verify`] works on.
    dummy: Option<Recipe>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("schemes", &self.parts.schemes)
            .field("default", &self.parts.default)
            .field("deprecated", &self.parts.deprecated)
            .field("single", &self.parts.single)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// Starts with the defaults of Flask-Security.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(parts: Parts) -> Result<Self, String> {
        let defaults = parts
            .options
            .iter()
            .find(|(scheme, _)| *scheme == parts.default)
            .map_or_else(|| Options::new(parts.default), |(_, options)| options.clone());
        let dummy = defaults.recipe().map_err(|_| "no random bytes from the operating system")?;
        match &dummy {
            None if parts.default != Scheme::Plaintext => {
                return Err(format!("`{}` is only read, never written", parts.default));
            }
            Some(recipe) if !recipe.within(&parts.limits, 0) => {
                return Err(format!("the costs of `{}` are above the limits for stored hashes", parts.default));
            }
            Some(Recipe::Argon2 { memory_kib, lanes, .. }) if *memory_kib < 8 * *lanes => {
                return Err("argon2 needs at least 8 KiB of memory_cost for each of its parallelism".to_owned());
            }
            _ => {}
        }
        Ok(Self { parts, defaults, dummy })
    }

    /// The scheme of new hashes.
    pub fn default_scheme(&self) -> Scheme {
        self.parts.default
    }

    /// The memory that a new hash takes while it is computed, in KiB; 0 where that is next to nothing.
    pub fn memory_kib(&self) -> u64 {
        self.dummy.as_ref().map_or(0, Recipe::memory_kib)
    }

    /// The listed scheme that a stored value belongs to: by its prefix or shape, else plain text where that is
    /// allowed. None for an empty value and for hashes of schemes that are not listed.
    pub fn identify(&self, stored: &str) -> Option<Scheme> {
        let schemes = &self.parts.schemes;
        if let Some(scheme) = schemes.iter().copied().find(|scheme| scheme.claims(stored)) {
            return Some(scheme);
        }
        // Never the text of a hash: whoever read the table could type it in.
        let plain = self.parts.allow_plaintext
            && schemes.contains(&Scheme::Plaintext)
            && !stored.is_empty()
            && Scheme::by_prefix(stored).is_none();
        plain.then_some(Scheme::Plaintext)
    }

    /// Hashes a new password with the default scheme and a fresh salt.
    ///
    /// # Errors
    /// [`HashError`] when the password does not fit the scheme, or the machine fails.
    pub fn hash(&self, password: &str) -> Result<String, HashError> {
        let scheme = self.parts.default;
        if too_long(password) {
            return Err(HashError::TooLong);
        }
        let Some(recipe) = self.defaults.recipe().map_err(|_| HashError::NoRandom)? else {
            return Ok(password.to_owned());
        };
        // The builder made sure of the salt.
        let secret = self.secret(scheme, password).ok_or(HashError::Impossible)?;
        if self.is_single(scheme) && recipe.reads_only().is_some_and(|bytes| secret.len() > bytes) {
            return Err(HashError::Truncated);
        }
        if !recipe.within(&self.parts.limits, secret.len()) {
            return Err(HashError::TooLong);
        }
        let digest = recipe.digest(&secret).map_err(|problem| match problem {
            Problem::Nul => HashError::Nul,
            Problem::Impossible => HashError::Impossible,
        })?;
        Ok(print(scheme, &recipe, &digest))
    }

    /// Compares a password with a stored hash.
    ///
    /// When the stored value cannot be compared at all, the work of [`Context::dummy_verify`] is done instead,
    /// so that the time does not tell such an account from others.
    pub fn verify(&self, password: &str, stored: &str) -> Verdict {
        if too_long(password) {
            return Verdict::Refused(Refusal::PasswordTooLong);
        }
        self.compare(password, stored).unwrap_or_else(|refusal| {
            self.dummy_verify(password);
            Verdict::Refused(refusal)
        })
    }

    /// Takes as long as a verification with the default scheme: for users that do not exist or have no password.
    pub fn dummy_verify(&self, password: &str) {
        if too_long(password) {
            return;
        }
        let (Some(recipe), Some(secret)) = (&self.dummy, self.secret(self.parts.default, password)) else {
            return;
        };
        if recipe.within(&self.parts.limits, secret.len()) {
            let digest = recipe.digest(&secret).unwrap_or_default();
            black_box(equal(&digest, &vec![0; digest.len()]));
        }
    }

    fn compare(&self, password: &str, stored: &str) -> Result<Verdict, Refusal> {
        if stored.is_empty() {
            return Err(Refusal::Empty);
        }
        let Some(scheme) = self.identify(stored) else {
            return Err(Scheme::by_prefix(stored).map_or(Refusal::Unrecognised, Refusal::SchemeNotAccepted));
        };
        if scheme == Scheme::Plaintext {
            let needs_rehash = self.parts.deprecated.contains(&scheme);
            let same = equal(password.as_bytes(), stored.as_bytes());
            return Ok(if same { Verdict::Match { needs_rehash } } else { Verdict::Mismatch });
        }
        let (recipe, digest) = parse(scheme, stored).ok_or(Refusal::Malformed)?;
        let secret = self.secret(scheme, password).ok_or(Refusal::NoSalt)?;
        if !recipe.within(&self.parts.limits, secret.len()) {
            return Err(Refusal::TooCostly);
        }
        let computed = recipe.digest(&secret).map_err(|problem| match problem {
            Problem::Nul => Refusal::Nul,
            Problem::Impossible => Refusal::Impossible,
        })?;
        if !equal(&computed, &digest) {
            return Ok(Verdict::Mismatch);
        }
        let truncated = self.is_single(scheme) && recipe.reads_only().is_some_and(|bytes| secret.len() > bytes);
        Ok(Verdict::Match { needs_rehash: truncated || self.outdated(scheme, &recipe) })
    }

    /// Whether a stored hash is to be replaced at the next sign-in, judged without a password. True for what
    /// cannot be read.
    pub fn needs_rehash(&self, stored: &str) -> bool {
        match self.identify(stored) {
            None => true,
            Some(Scheme::Plaintext) => self.parts.deprecated.contains(&Scheme::Plaintext),
            Some(scheme) => parse(scheme, stored).is_none_or(|(recipe, _)| self.outdated(scheme, &recipe)),
        }
    }

    fn outdated(&self, scheme: Scheme, recipe: &Recipe) -> bool {
        let options = self.parts.options.iter().find(|(listed, _)| *listed == scheme);
        self.parts.deprecated.contains(&scheme) || options.is_none_or(|(_, options)| options.outdated(recipe))
    }

    fn is_single(&self, scheme: Scheme) -> bool {
        self.parts.single.contains(&scheme)
    }

    /// What the scheme gets to see: the password, or its keyed pre-hash. None when there is no key.
    fn secret(&self, scheme: Scheme, password: &str) -> Option<Zeroizing<Vec<u8>>> {
        if self.is_single(scheme) {
            return Some(Zeroizing::new(password.as_bytes().to_vec()));
        }
        let mac = Hmac::<Sha512>::new_from_slice(self.parts.salt.as_ref()?).ok()?;
        let keyed = Zeroizing::new(<[u8; 64]>::from(mac.chain_update(password).finalize().into_bytes()));
        let mut secret = Zeroizing::new(B64_PADDED.encode(*keyed).into_bytes());
        if matches!(scheme, Scheme::Bcrypt | Scheme::DjangoBcrypt) {
            secret.truncate(BCRYPT_BYTES);
        }
        Some(secret)
    }
}

/// Looks no further than it has to.
fn too_long(password: &str) -> bool {
    password.len() > MAX_PASSWORD_CHARS && password.chars().nth(MAX_PASSWORD_CHARS).is_some()
}
