//! Stored text to recipe and digest, and back.

use argon2::{Algorithm, Version};
use base64::Engine as _;

use crate::{
    encoding::{
        AB64, AB64_SALT, B64, B64_PADDED, BCRYPT, CRYPT, decode, hex, is_h64, number, sha_crypt_digest, sha_crypt_text,
        unhex,
    },
    recipe::{Hash, Recipe},
    scheme::Scheme,
};

/// No format needs more; the columns of the schema hold 255.
pub(crate) const MAX_STORED: usize = 1024;

/// Reads a stored hash that `scheme` claims. None when it is damaged.
pub(crate) fn parse(scheme: Scheme, stored: &str) -> Option<(Recipe, Vec<u8>)> {
    if stored.len() > MAX_STORED {
        return None;
    }
    let (recipe, digest) = match scheme {
        Scheme::Argon2 => argon2(stored.strip_prefix('$')?),
        Scheme::DjangoArgon2 => argon2(stored.strip_prefix("argon2$")?),
        Scheme::Bcrypt => bcrypt(stored, false),
        Scheme::DjangoBcrypt => bcrypt(stored.strip_prefix("bcrypt$")?, false),
        Scheme::DjangoBcryptSha256 => bcrypt(stored.strip_prefix("bcrypt_sha256$")?, true),
        Scheme::Pbkdf2Sha1 => pbkdf2(stored.strip_prefix("$pbkdf2$")?, Hash::Sha1),
        Scheme::Pbkdf2Sha256 => pbkdf2(stored.strip_prefix("$pbkdf2-sha256$")?, Hash::Sha256),
        Scheme::Pbkdf2Sha512 => pbkdf2(stored.strip_prefix("$pbkdf2-sha512$")?, Hash::Sha512),
        Scheme::DjangoPbkdf2Sha1 => django_pbkdf2(stored.strip_prefix("pbkdf2_sha1$")?, Hash::Sha1),
        Scheme::DjangoPbkdf2Sha256 => django_pbkdf2(stored.strip_prefix("pbkdf2_sha256$")?, Hash::Sha256),
        Scheme::Scrypt => scrypt(stored.strip_prefix("$scrypt$")?),
        Scheme::Sha256Crypt => sha_crypt(stored.strip_prefix("$5$")?, Hash::Sha256),
        Scheme::Sha512Crypt => sha_crypt(stored.strip_prefix("$6$")?, Hash::Sha512),
        Scheme::DesCrypt => des_crypt(stored),
        Scheme::DjangoDesCrypt => {
            let (salt, crypt) = stored.strip_prefix("crypt$")?.split_once('$')?;
            // The salt stands twice, or the first time not at all.
            (salt.is_empty() || salt == crypt.get(..2)?).then(|| des_crypt(crypt))?
        }
        Scheme::DjangoSaltedMd5 => salted(stored, |salt| Recipe::SaltedMd5 { salt }),
        Scheme::DjangoSaltedSha1 => salted(stored, |salt| Recipe::SaltedSha1 { salt }),
        Scheme::WerkzeugSha256 => salted(stored, |salt| Recipe::HmacSha256 { salt }),
        Scheme::WerkzeugScrypt => werkzeug_scrypt(stored),
        Scheme::WerkzeugPbkdf2 => werkzeug_pbkdf2(stored),
        Scheme::Plaintext => None,
    }?;
    // An empty or short digest would match by chance.
    (digest.len() == recipe.digest_len()).then_some((recipe, digest))
}

/// Writes what [`parse`] reads. Empty for a pair that cannot occur.
pub(crate) fn print(scheme: Scheme, recipe: &Recipe, digest: &[u8]) -> String {
    match recipe {
        Recipe::Argon2 { kind, version, memory_kib, passes, lanes, salt, .. } => {
            let prefix = if scheme == Scheme::DjangoArgon2 { "argon2" } else { "" };
            let version = u32::from(*version);
            let (salt, digest) = (B64.encode(salt), B64.encode(digest));
            format!("{prefix}${kind}$v={version}$m={memory_kib},t={passes},p={lanes}${salt}${digest}")
        }
        Recipe::Bcrypt { version, cost, salt, .. } => {
            let prefix = match scheme {
                Scheme::DjangoBcrypt => "bcrypt$",
                Scheme::DjangoBcryptSha256 => "bcrypt_sha256$",
                _ => "",
            };
            format!("{prefix}$2{version}${cost:02}${}{}", BCRYPT.encode(salt), BCRYPT.encode(digest))
        }
        Recipe::Pbkdf2 { hash, rounds, salt } => {
            let text = String::from_utf8_lossy(salt);
            let name = match hash {
                Hash::Sha1 => "sha1",
                Hash::Sha256 => "sha256",
                Hash::Sha384 => "sha384",
                Hash::Sha512 => "sha512",
            };
            match scheme {
                Scheme::WerkzeugPbkdf2 => format!("pbkdf2:{name}:{rounds}${text}${}", hex(digest)),
                Scheme::DjangoPbkdf2Sha1 | Scheme::DjangoPbkdf2Sha256 => {
                    format!("pbkdf2_{name}${rounds}${text}${}", B64_PADDED.encode(digest))
                }
                _ => {
                    let ident = if *hash == Hash::Sha1 { String::new() } else { format!("-{name}") };
                    format!("$pbkdf2{ident}${rounds}${}${}", AB64.encode(salt), AB64.encode(digest))
                }
            }
        }
        Recipe::Scrypt { log_n, r, p, salt, .. } if scheme == Scheme::WerkzeugScrypt => {
            let n = 1_u64.checked_shl(u32::from(*log_n)).unwrap_or_default();
            format!("scrypt:{n}:{r}:{p}${}${}", String::from_utf8_lossy(salt), hex(digest))
        }
        Recipe::Scrypt { log_n, r, p, salt, .. } => {
            format!("$scrypt$ln={log_n},r={r},p={p}${}${}", B64.encode(salt), B64.encode(digest))
        }
        Recipe::ShaCrypt { hash, rounds, implicit, salt } => {
            let ident = if *hash == Hash::Sha256 { 5 } else { 6 };
            let rounds = if *implicit { String::new() } else { format!("rounds={rounds}$") };
            format!("${ident}${rounds}{salt}${}", sha_crypt_text(digest))
        }
        Recipe::DesCrypt { salt } => {
            let salt = String::from_utf8_lossy(salt);
            let prefix = if scheme == Scheme::DjangoDesCrypt { format!("crypt${salt}$") } else { String::new() };
            format!("{prefix}{salt}{}", CRYPT.encode(digest))
        }
        Recipe::SaltedMd5 { salt } => format!("md5${salt}${}", hex(digest)),
        Recipe::SaltedSha1 { salt } => format!("sha1${salt}${}", hex(digest)),
        Recipe::HmacSha256 { salt } => format!("sha256${salt}${}", hex(digest)),
    }
}

type Parsed = Option<(Recipe, Vec<u8>)>;

/// Splits into exactly `N` parts.
fn parts<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

/// `argon2id$v=19$m=…,t=…,p=…$salt$digest`; `v=` is missing in the first version of the format.
fn argon2(text: &str) -> Parsed {
    let (kind, rest) = text.split_once('$')?;
    let kind = match kind {
        "argon2id" => Algorithm::Argon2id,
        "argon2i" => Algorithm::Argon2i,
        "argon2d" => Algorithm::Argon2d,
        _ => return None,
    };
    let (version, rest) = match rest.strip_prefix("v=") {
        None => (Version::V0x10, rest),
        Some(rest) => {
            let (version, rest) = rest.split_once('$')?;
            let version = match version {
                "16" => Version::V0x10,
                "19" => Version::V0x13,
                _ => return None,
            };
            (version, rest)
        }
    };
    let [costs, salt, digest] = parts(rest, '$')?;
    let [memory, passes, lanes] = parts(costs, ',')?;
    let digest = decode(&B64, digest)?;
    // RFC 9106 allows four bytes; a table of hashes that short would be no protection.
    if !(10..=512).contains(&digest.len()) {
        return None;
    }
    let recipe = Recipe::Argon2 {
        kind,
        version,
        memory_kib: number(memory.strip_prefix("m=")?)?,
        passes: number(passes.strip_prefix("t=")?)?,
        lanes: number(lanes.strip_prefix("p=")?)?,
        salt: decode(&B64, salt)?,
        len: digest.len(),
    };
    Some((recipe, digest))
}

/// `$2b$12$` with 22 characters of salt and 31 of digest.
fn bcrypt(text: &str, sha256: bool) -> Parsed {
    let [nothing, version, cost, data] = parts(text, '$')?;
    let version = match version {
        "2a" => 'a',
        "2b" => 'b',
        "2x" => 'x',
        "2y" => 'y',
        _ => return None,
    };
    if !nothing.is_empty() || cost.len() != 2 || data.len() != 53 {
        return None;
    }
    let (salt_text, digest) = data.split_at_checked(22)?;
    let salt: [u8; 16] = decode(&BCRYPT, salt_text)?.try_into().ok()?;
    // Some writers set the four bits of the last character that no salt byte uses.
    let padded = BCRYPT.encode(salt) != salt_text;
    let cost = number(cost.strip_prefix('0').unwrap_or(cost))?;
    Some((Recipe::Bcrypt { version, cost, salt, padded, sha256 }, decode(&BCRYPT, digest)?))
}

/// `rounds$salt$digest`.
fn pbkdf2(text: &str, hash: Hash) -> Parsed {
    let [rounds, salt, digest] = parts(text, '$')?;
    Some((pbkdf2_recipe(hash, number(rounds)?, decode(&AB64_SALT, salt)?)?, decode(&AB64, digest)?))
}

fn django_pbkdf2(text: &str, hash: Hash) -> Parsed {
    let [rounds, salt, digest] = parts(text, '$')?;
    Some((pbkdf2_recipe(hash, number(rounds)?, salt.into())?, decode(&B64_PADDED, digest)?))
}

/// `pbkdf2[:hash[:rounds]]$salt$hex`.
fn werkzeug_pbkdf2(text: &str) -> Parsed {
    let [method, salt, digest] = parts(text, '$')?;
    let mut method = method.split(':').skip(1);
    let hash = match method.next().unwrap_or("sha256") {
        "sha1" => Hash::Sha1,
        "sha256" => Hash::Sha256,
        "sha384" => Hash::Sha384,
        "sha512" => Hash::Sha512,
        _ => return None,
    };
    let rounds = method.next().map_or(Some(1_000_000), number)?;
    if method.next().is_some() {
        return None;
    }
    Some((pbkdf2_recipe(hash, rounds, salt.into())?, unhex(digest)?))
}

fn pbkdf2_recipe(hash: Hash, rounds: u32, salt: Vec<u8>) -> Option<Recipe> {
    (rounds > 0).then_some(Recipe::Pbkdf2 { hash, rounds, salt })
}

/// `ln=16,r=8,p=1$salt$digest`.
fn scrypt(text: &str) -> Parsed {
    let [costs, salt, digest] = parts(text, '$')?;
    let [log_n, r, p] = parts(costs, ',')?;
    let log_n = u8::try_from(number(log_n.strip_prefix("ln=")?)?).ok()?;
    let (r, p) = (number(r.strip_prefix("r=")?)?, number(p.strip_prefix("p=")?)?);
    let recipe = Recipe::Scrypt { log_n, r, p, salt: decode(&B64, salt)?, len: 32 };
    (log_n > 0).then_some((recipe, decode(&B64, digest)?))
}

/// `scrypt[:N:r:p]$salt$hex`.
fn werkzeug_scrypt(text: &str) -> Parsed {
    let [method, salt, digest] = parts(text, '$')?;
    let (n, r, p) = if method == "scrypt" {
        (32768, 8, 1)
    } else {
        let [_, n, r, p] = parts(method, ':')?;
        (number(n)?, number(r)?, number(p)?)
    };
    let log_n = u8::try_from(n.checked_ilog2()?).ok()?;
    let recipe = Recipe::Scrypt { log_n, r, p, salt: salt.into(), len: 64 };
    (n > 1 && n.is_power_of_two()).then_some((recipe, unhex(digest)?))
}

/// `[rounds=N$]salt$digest`.
fn sha_crypt(text: &str, hash: Hash) -> Parsed {
    let (rounds, rest) = match text.strip_prefix("rounds=") {
        None => (None, text),
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$')?;
            (Some(number(rounds)?), rest)
        }
    };
    let [salt, digest] = parts(rest, '$')?;
    if salt.len() > 16 || !salt.bytes().all(is_h64) {
        return None;
    }
    let recipe =
        Recipe::ShaCrypt { hash, rounds: rounds.unwrap_or(5000), implicit: rounds.is_none(), salt: salt.to_owned() };
    Some((recipe, sha_crypt_digest(digest, hash.len())?))
}

fn des_crypt(text: &str) -> Parsed {
    if text.len() != 13 || !text.is_ascii() {
        return None;
    }
    let (salt, digest) = text.split_at_checked(2)?;
    Some((Recipe::DesCrypt { salt: salt.as_bytes().try_into().ok()? }, decode(&CRYPT, digest)?))
}

/// `name$salt$hex`.
fn salted(text: &str, recipe: impl FnOnce(String) -> Recipe) -> Parsed {
    let [_, salt, digest] = parts(text, '$')?;
    Some((recipe(salt.to_owned()), unhex(digest)?))
}
