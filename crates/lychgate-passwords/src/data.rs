//! `hash_data`: a slow digest of an address or a password hash, carried in the links of mails.
//!
//! Flask-Security binds its confirmation and reset links to what they are for by a SHA-256-crypt of it, and reads
//! a bare MD5 in old links too. The digest is not keyed: the signature around it is what protects it.

use md5::{Digest as _, Md5};

use crate::{
    HashError, Limits, Scheme,
    codec::{parse, print},
    encoding::{equal, unhex},
    random,
    recipe::{Hash, Problem, Recipe},
};

/// The rounds of the reference. A caller in a hurry may choose fewer (1000 at least): what is hashed is no secret.
pub const DEFAULT_ROUNDS: u32 = 535_000;

/// The longest text, in bytes: more than any address or stored hash has.
pub const MAX_BYTES: usize = 1024;

/// Digests `text` with a fresh salt.
///
/// # Errors
/// [`HashError`] for a text above [`MAX_BYTES`] or with a NUL byte, and for rounds below 1000 or so many that
/// [`verify`] would refuse them.
///
/// ```
/// use lychgate_passwords::data;
/// let digest = data::hash("joe@lp.com", 1000)?;
/// assert!(data::verify("joe@lp.com", &digest));
/// assert!(!data::verify("jim@lp.com", &digest));
/// # Ok::<(), lychgate_passwords::HashError>(())
/// ```
pub fn hash(text: &str, rounds: u32) -> Result<String, HashError> {
    let salt = random::h64_text(16).map_err(|_| HashError::NoRandom)?;
    let recipe = Recipe::ShaCrypt { hash: Hash::Sha256, rounds, implicit: rounds == 5000, salt };
    if text.len() > MAX_BYTES || !recipe.within(&Limits::default(), text.len()) {
        return Err(HashError::TooLong);
    }
    let digest = recipe.digest(text.as_bytes()).map_err(|problem| match problem {
        Problem::Nul => HashError::Nul,
        Problem::Impossible => HashError::Impossible,
    })?;
    Ok(print(Scheme::Sha256Crypt, &recipe, &digest))
}

/// Whether `stored` is the digest of `text`. Takes as long as the stored rounds say, inside the default limits.
pub fn verify(text: &str, stored: &str) -> bool {
    if text.len() > MAX_BYTES {
        return false;
    }
    if let Some((recipe, digest)) = parse(Scheme::Sha256Crypt, stored) {
        return recipe.within(&Limits::default(), text.len())
            && recipe.digest(text.as_bytes()).is_ok_and(|computed| equal(&computed, &digest));
    }
    let computed = Md5::digest(text);
    unhex(stored).is_some_and(|digest| equal(&computed, &digest))
}
