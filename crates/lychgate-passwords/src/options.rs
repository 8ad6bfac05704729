//! What new hashes of a scheme look like, and which old ones are out of date.

use argon2::{Algorithm, Version};

use crate::{
    random::{self, NoRandom},
    recipe::{Hash, Recipe},
    scheme::Scheme,
};

/// The costs of one scheme, by passlib's option names.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    scheme: Scheme,
    /// Passes, iterations, or the logarithm of either: what the scheme calls rounds.
    rounds: u32,
    min_rounds: Option<u32>,
    max_rounds: Option<u32>,
    memory_kib: u32,
    lanes: u32,
    block_size: u32,
    kind: Algorithm,
    digest_len: usize,
    salt_len: usize,
    ident: char,
}

impl Options {
    pub(crate) fn new(scheme: Scheme) -> Self {
        let rounds = match scheme {
            Scheme::Argon2 | Scheme::DjangoArgon2 => 3,
            Scheme::Bcrypt | Scheme::DjangoBcrypt | Scheme::DjangoBcryptSha256 => 12,
            Scheme::Pbkdf2Sha1 | Scheme::DjangoPbkdf2Sha1 => 131_000,
            Scheme::Pbkdf2Sha256 | Scheme::DjangoPbkdf2Sha256 => 29_000,
            Scheme::Pbkdf2Sha512 => 25_000,
            Scheme::Scrypt => 16,
            Scheme::WerkzeugScrypt => 15,
            Scheme::WerkzeugPbkdf2 => 1_000_000,
            Scheme::Sha256Crypt => 535_000,
            Scheme::Sha512Crypt => 656_000,
            _ => 0,
        };
        Self {
            scheme,
            rounds,
            min_rounds: None,
            max_rounds: None,
            memory_kib: 65_536,
            lanes: if matches!(scheme, Scheme::Argon2 | Scheme::DjangoArgon2) { 4 } else { 1 },
            block_size: 8,
            // What passlib writes and reads under Django's name.
            kind: if scheme == Scheme::DjangoArgon2 { Algorithm::Argon2i } else { Algorithm::Argon2id },
            digest_len: 32,
            salt_len: match scheme {
                _ if scheme.is_django() && scheme != Scheme::DjangoArgon2 => 12,
                _ => 16,
            },
            ident: 'b',
        }
    }

    /// Sets one option. The error says what would be right.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let number = |low: u32, high: u32| match value.parse::<u32>() {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            _ => Err(format!("a whole number from {low} to {high} is needed")),
        };
        let (low, high) = self.rounds_range();
        let argon2 = matches!(self.scheme, Scheme::Argon2 | Scheme::DjangoArgon2);
        let bcrypt = matches!(self.scheme, Scheme::Bcrypt | Scheme::DjangoBcrypt | Scheme::DjangoBcryptSha256);
        let scrypt = matches!(self.scheme, Scheme::Scrypt | Scheme::WerkzeugScrypt);
        match name {
            "rounds" if high > 0 => {
                self.rounds = number(low, high)?;
                self.min_rounds = Some(self.rounds);
                self.max_rounds = Some(self.rounds);
            }
            "time_cost" if argon2 => self.set("rounds", value)?,
            "default_rounds" if high > 0 => self.rounds = number(low, high)?,
            "min_rounds" | "min_desired_rounds" if high > 0 => self.min_rounds = Some(number(low, high)?),
            "max_rounds" | "max_desired_rounds" if high > 0 => self.max_rounds = Some(number(low, high)?),
            "memory_cost" if argon2 => self.memory_kib = number(8, u32::MAX)?,
            "parallelism" if argon2 || scrypt => self.lanes = number(1, 1024)?,
            "block_size" if scrypt => self.block_size = number(1, 1024)?,
            "hash_len" | "digest_size" | "checksum_size" if argon2 => self.digest_len = number(16, 512)? as usize,
            "salt_len" | "salt_size" if self.salt_range().1 > 0 => {
                let (low, high) = self.salt_range();
                self.salt_len = number(low, high)? as usize;
            }
            "type" if argon2 => {
                self.kind = match value {
                    "I" | "i" => Algorithm::Argon2i,
                    "D" | "d" => Algorithm::Argon2d,
                    "ID" | "id" => Algorithm::Argon2id,
                    _ => return Err("one of I, D, ID is needed".to_owned()),
                }
            }
            "ident" if bcrypt => {
                self.ident = match value.trim_matches('$') {
                    "2a" => 'a',
                    "2b" => 'b',
                    "2y" => 'y',
                    _ => return Err("one of 2a, 2b, 2y is needed".to_owned()),
                }
            }
            // Nothing is ever cut silently here, whatever the option says.
            "truncate_error" if bcrypt || matches!(self.scheme, Scheme::DesCrypt | Scheme::DjangoDesCrypt) => {}
            _ => return Err("the scheme has no such option".to_owned()),
        }
        Ok(())
    }

    /// Whether `all__name` means something to this scheme.
    pub(crate) fn knows(&self, name: &str) -> bool {
        let mut copy = self.clone();
        copy.set(name, "").err().as_deref() != Some("the scheme has no such option")
    }

    fn rounds_range(&self) -> (u32, u32) {
        match self.scheme {
            Scheme::Bcrypt | Scheme::DjangoBcrypt | Scheme::DjangoBcryptSha256 => (4, 31),
            Scheme::Sha256Crypt | Scheme::Sha512Crypt => (1000, 999_999_999),
            Scheme::Scrypt | Scheme::WerkzeugScrypt => (1, 31),
            Scheme::Argon2
            | Scheme::DjangoArgon2
            | Scheme::Pbkdf2Sha1
            | Scheme::Pbkdf2Sha256
            | Scheme::Pbkdf2Sha512
            | Scheme::DjangoPbkdf2Sha1
            | Scheme::DjangoPbkdf2Sha256
            | Scheme::WerkzeugPbkdf2 => (1, u32::MAX),
            _ => (0, 0),
        }
    }

    fn salt_range(&self) -> (u32, u32) {
        match self.scheme {
            Scheme::Bcrypt | Scheme::DjangoBcrypt | Scheme::DjangoBcryptSha256 => (0, 0),
            Scheme::DesCrypt | Scheme::DjangoDesCrypt | Scheme::Plaintext | Scheme::WerkzeugSha256 => (0, 0),
            Scheme::Sha256Crypt | Scheme::Sha512Crypt => (8, 16),
            _ => (8, 64),
        }
    }

    /// The rounds of a new hash: the default, moved inside the wanted range.
    fn new_rounds(&self) -> u32 {
        let rounds = self.max_rounds.map_or(self.rounds, |max| self.rounds.min(max));
        self.min_rounds.map_or(rounds, |min| rounds.max(min))
    }

    /// A recipe for a new hash, with a salt of its own. None when the scheme writes no new hashes.
    pub(crate) fn recipe(&self) -> Result<Option<Recipe>, NoRandom> {
        let rounds = self.new_rounds();
        let log_n = u8::try_from(rounds).unwrap_or(u8::MAX);
        Ok(Some(match self.scheme {
            Scheme::Argon2 | Scheme::DjangoArgon2 => Recipe::Argon2 {
                kind: self.kind,
                version: Version::V0x13,
                memory_kib: self.memory_kib,
                passes: rounds,
                lanes: self.lanes,
                salt: random::bytes(self.salt_len)?,
                len: self.digest_len,
            },
            Scheme::Bcrypt | Scheme::DjangoBcrypt | Scheme::DjangoBcryptSha256 => {
                let mut salt = [0; 16];
                salt.iter_mut().zip(random::bytes(16)?).for_each(|(to, from)| *to = from);
                let sha256 = self.scheme == Scheme::DjangoBcryptSha256;
                Recipe::Bcrypt { version: self.ident, cost: rounds, salt, padded: false, sha256 }
            }
            Scheme::Pbkdf2Sha1 => Recipe::Pbkdf2 { hash: Hash::Sha1, rounds, salt: random::bytes(self.salt_len)? },
            Scheme::Pbkdf2Sha256 => Recipe::Pbkdf2 { hash: Hash::Sha256, rounds, salt: random::bytes(self.salt_len)? },
            Scheme::Pbkdf2Sha512 => Recipe::Pbkdf2 { hash: Hash::Sha512, rounds, salt: random::bytes(self.salt_len)? },
            Scheme::DjangoPbkdf2Sha1 => Recipe::Pbkdf2 { hash: Hash::Sha1, rounds, salt: self.letters()?.into() },
            Scheme::DjangoPbkdf2Sha256 | Scheme::WerkzeugPbkdf2 => {
                Recipe::Pbkdf2 { hash: Hash::Sha256, rounds, salt: self.letters()?.into() }
            }
            Scheme::Scrypt => {
                let salt = random::bytes(self.salt_len)?;
                Recipe::Scrypt { log_n, r: self.block_size, p: self.lanes, salt, len: 32 }
            }
            Scheme::WerkzeugScrypt => {
                let salt = self.letters()?.into();
                Recipe::Scrypt { log_n, r: self.block_size, p: self.lanes, salt, len: 64 }
            }
            Scheme::Sha256Crypt | Scheme::Sha512Crypt => Recipe::ShaCrypt {
                hash: if self.scheme == Scheme::Sha256Crypt { Hash::Sha256 } else { Hash::Sha512 },
                rounds,
                implicit: rounds == 5000,
                salt: random::h64_text(self.salt_len)?,
            },
            Scheme::DesCrypt | Scheme::DjangoDesCrypt => {
                let mut salt = [b'.'; 2];
                salt.iter_mut().zip(random::h64_text(2)?.bytes()).for_each(|(to, from)| *to = from);
                Recipe::DesCrypt { salt }
            }
            Scheme::DjangoSaltedMd5 => Recipe::SaltedMd5 { salt: self.letters()? },
            Scheme::DjangoSaltedSha1 => Recipe::SaltedSha1 { salt: self.letters()? },
            Scheme::Plaintext | Scheme::WerkzeugSha256 => return Ok(None),
        }))
    }

    fn letters(&self) -> Result<String, NoRandom> {
        random::alphanumeric(self.salt_len)
    }

    /// Whether a hash made by `recipe` is to be replaced at the next sign-in, by passlib's rules: rounds
    /// count only against limits that were set, the other costs against what new hashes get.
    pub(crate) fn outdated(&self, recipe: &Recipe) -> bool {
        let outside = |rounds: u32| {
            self.min_rounds.is_some_and(|min| rounds < min) || self.max_rounds.is_some_and(|max| rounds > max)
        };
        match recipe {
            Recipe::Argon2 { kind, version, memory_kib, passes, lanes, len, .. } => {
                *kind != self.kind
                    || *version != Version::V0x13
                    || *memory_kib != self.memory_kib
                    || *lanes != self.lanes
                    || *len != self.digest_len
                    || outside(*passes)
            }
            Recipe::Bcrypt { version, cost, padded, .. } => *padded || *version == 'x' || outside(*cost),
            Recipe::Pbkdf2 { rounds, .. } | Recipe::ShaCrypt { rounds, .. } => outside(*rounds),
            Recipe::Scrypt { log_n, r, p, .. } => {
                *r != self.block_size || *p != self.lanes || outside(u32::from(*log_n))
            }
            Recipe::DesCrypt { .. }
            | Recipe::SaltedMd5 { .. }
            | Recipe::SaltedSha1 { .. }
            | Recipe::HmacSha256 { .. } => false,
        }
    }
}
