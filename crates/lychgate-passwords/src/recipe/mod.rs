//! An algorithm with its cost and salt: what turns a secret into the digest that is stored.

pub(crate) mod des;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{encoding::hex, limits::Limits};

/// bcrypt reads no more bytes of a secret.
pub(crate) const BCRYPT_BYTES: usize = 72;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    Argon2 {
        kind: argon2::Algorithm,
        version: argon2::Version,
        memory_kib: u32,
        passes: u32,
        lanes: u32,
        salt: Vec<u8>,
        len: usize,
    },
    Bcrypt {
        version: char,
        cost: u32,
        salt: [u8; 16],
        padded: bool,
        sha256: bool,
    },
    Pbkdf2 {
        hash: Hash,
        rounds: u32,
        salt: Vec<u8>,
    },
    Scrypt {
        log_n: u8,
        r: u32,
        p: u32,
        salt: Vec<u8>,
        len: usize,
    },
    /// `implicit`: the default of 5000 rounds, left out of the text.
    ShaCrypt {
        hash: Hash,
        rounds: u32,
        implicit: bool,
        salt: String,
    },
    DesCrypt {
        salt: [u8; 2],
    },
    SaltedMd5 {
        salt: String,
    },
    SaltedSha1 {
        salt: String,
    },
    HmacSha256 {
        salt: String,
    },
}

/// Why a recipe was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The crypt family ends a secret at a NUL byte.
    Nul,
    /// The recipe cannot be followed: parameters out of the algorithm's range, no memory, `$2x$` beyond ASCII.
    Impossible,
}

impl Recipe {
    /// Whether following the recipe for a secret of `secret_len` bytes stays inside the limits.
    pub(crate) fn within(&self, limits: &Limits, secret_len: usize) -> bool {
        match self {
            Self::Argon2 { memory_kib, passes, lanes, .. } => {
                *memory_kib <= limits.argon2_memory_kib
                    && *lanes <= limits.argon2_lanes
                    && u64::from(*memory_kib) * u64::from(*passes) <= limits.argon2_work_kib
            }
            Self::Bcrypt { cost, .. } => *cost <= limits.bcrypt_cost,
            Self::Pbkdf2 { rounds, .. } => *rounds <= limits.pbkdf2_rounds,
            Self::Scrypt { log_n, r, p, .. } => {
                // 128 bytes, an eighth of a KiB, for each r of N and of p.
                let (r, p) = (u64::from(*r), u64::from(*p));
                1_u64
                    .checked_shl(u32::from(*log_n))
                    .and_then(|n| Some((n.checked_add(p)?.checked_mul(r)? / 8, n.checked_mul(r)?.checked_mul(p)? / 8)))
                    .is_some_and(|(memory, work)| memory <= limits.scrypt_memory_kib && work <= limits.scrypt_work_kib)
            }
            Self::ShaCrypt { rounds, .. } => {
                u64::from(*rounds) * (1 + secret_len as u64 / 128) <= u64::from(limits.sha_crypt_rounds)
            }
            Self::DesCrypt { .. } | Self::SaltedMd5 { .. } | Self::SaltedSha1 { .. } | Self::HmacSha256 { .. } => true,
        }
    }

    /// The memory that it takes at a time, in KiB, where that is much.
    pub(crate) fn memory_kib(&self) -> u64 {
        match self {
            Self::Argon2 { memory_kib, .. } => u64::from(*memory_kib),
            // 128 bytes for each r of N.
            Self::Scrypt { log_n, r, .. } => {
                1_u64.checked_shl(u32::from(*log_n)).map_or(u64::MAX, |n| n.saturating_mul(u64::from(*r)) / 8)
            }
            _ => 0,
        }
    }

    /// How many bytes of a secret count; none when all do.
    pub(crate) fn reads_only(&self) -> Option<usize> {
        match self {
            Self::Bcrypt { sha256: false, .. } => Some(BCRYPT_BYTES),
            Self::DesCrypt { .. } => Some(8),
            _ => None,
        }
    }

    pub(crate) fn digest_len(&self) -> usize {
        match self {
            Self::Argon2 { len, .. } | Self::Scrypt { len, .. } => *len,
            Self::Bcrypt { .. } => 23,
            Self::Pbkdf2 { hash, .. } | Self::ShaCrypt { hash, .. } => hash.len(),
            Self::DesCrypt { .. } => 8,
            Self::SaltedMd5 { .. } => 16,
            Self::SaltedSha1 { .. } => 20,
            Self::HmacSha256 { .. } => 32,
        }
    }

    /// Turns a secret into a digest. Takes as long as the recipe says: ask [`Recipe::within`] first.
    pub(crate) fn digest(&self, secret: &[u8]) -> Result<Vec<u8>, Problem> {
        let ends_at_nul =
            matches!(self, Self::Bcrypt { sha256: false, .. } | Self::ShaCrypt { .. } | Self::DesCrypt { .. });
        if ends_at_nul && secret.contains(&0) {
            return Err(Problem::Nul);
        }
        match self {
            Self::Argon2 { kind, version, memory_kib, passes, lanes, salt, len } => {
                let params =
                    argon2::Params::new(*memory_kib, *passes, *lanes, Some(*len)).map_err(|_| Problem::Impossible)?;
                let mut digest = vec![0; *len];
                argon2::Argon2::new(*kind, *version, params)
                    .hash_password_into(secret, salt, &mut digest)
                    .map_err(|_| Problem::Impossible)?;
                Ok(digest)
            }
            Self::Bcrypt { version, cost, salt, sha256, .. } => {
                if *sha256 {
                    let inner = Zeroizing::new(hex(&Sha256::digest(secret)));
                    bcrypt_digest(*cost, salt, inner.as_bytes())
                } else if *version == 'x' && !secret.is_ascii() {
                    // `$2x$` marks hashes made by a bug in how bytes above 127 were read.
                    Err(Problem::Impossible)
                } else {
                    bcrypt_digest(*cost, salt, secret)
                }
            }
            Self::Pbkdf2 { hash, rounds, salt } => {
                let mut digest = vec![0; hash.len()];
                match hash {
                    Hash::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(secret, salt, *rounds, &mut digest),
                    Hash::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(secret, salt, *rounds, &mut digest),
                    Hash::Sha384 => pbkdf2::pbkdf2_hmac::<Sha384>(secret, salt, *rounds, &mut digest),
                    Hash::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(secret, salt, *rounds, &mut digest),
                }
                Ok(digest)
            }
            Self::Scrypt { log_n, r, p, salt, len } => {
                let params = scrypt::Params::new(*log_n, *r, *p).map_err(|_| Problem::Impossible)?;
                let mut digest = vec![0; *len];
                scrypt::scrypt(secret, salt, &params, &mut digest).map_err(|_| Problem::Impossible)?;
                Ok(digest)
            }
            Self::ShaCrypt { hash, rounds, salt, .. } => {
                let params = sha_crypt::Params::new(*rounds).map_err(|_| Problem::Impossible)?;
                Ok(match hash {
                    Hash::Sha256 => sha_crypt::sha256_crypt(secret, salt.as_bytes(), params).to_vec(),
                    _ => sha_crypt::sha512_crypt(secret, salt.as_bytes(), params).to_vec(),
                })
            }
            Self::DesCrypt { salt } => des::crypt(secret, *salt).map(|block| block.to_vec()).ok_or(Problem::Impossible),
            Self::SaltedMd5 { salt } => Ok(Md5::new().chain_update(salt).chain_update(secret).finalize().to_vec()),
            Self::SaltedSha1 { salt } => Ok(Sha1::new().chain_update(salt).chain_update(secret).finalize().to_vec()),
            Self::HmacSha256 { salt } => Ok(hmac_sha256(salt.as_bytes(), secret)),
        }
    }
}

fn bcrypt_digest(cost: u32, salt: &[u8; 16], secret: &[u8]) -> Result<Vec<u8>, Problem> {
    if !(4..=31).contains(&cost) {
        return Err(Problem::Impossible);
    }
    // The closing NUL is part of the key while it fits.
    let mut key = [0_u8; BCRYPT_BYTES];
    let len = secret.len().min(BCRYPT_BYTES);
    for (to, from) in key.iter_mut().zip(secret) {
        *to = *from;
    }
    let used = key.get(..(len + 1).min(BCRYPT_BYTES)).unwrap_or_default();
    let mut digest = bcrypt::bcrypt(cost, *salt, used).to_vec();
    key.zeroize();
    digest.truncate(23);
    Ok(digest)
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    // HMAC takes a key of any length.
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac.chain_update(message).finalize().into_bytes().to_vec(),
        Err(_) => Vec::new(),
    }
}
