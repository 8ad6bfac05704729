//! Bounds on what a stored hash may ask for.

/// The most work that a stored hash may ask for; anything above is refused before it starts.
///
/// A row that somebody could write to would otherwise be able to stop the process. The defaults admit
/// every cost in common use and end at a few seconds and one gibibyte.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Memory of one argon2 computation, in KiB.
    pub argon2_memory_kib: u32,
    /// Memory times passes of argon2, in KiB.
    pub argon2_work_kib: u64,
    /// Lanes of argon2.
    pub argon2_lanes: u32,
    /// Memory of one scrypt computation (`128 · N · r`), in KiB.
    pub scrypt_memory_kib: u64,
    /// Memory of scrypt times its parallelism, in KiB.
    pub scrypt_work_kib: u64,
    /// Rounds of PBKDF2.
    pub pbkdf2_rounds: u32,
    /// Rounds of SHA-crypt, counted once more for each further 128 bytes of password.
    pub sha_crypt_rounds: u32,
    /// Logarithm of the rounds of bcrypt.
    pub bcrypt_cost: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            argon2_memory_kib: 1024 * 1024,
            argon2_work_kib: 8 * 1024 * 1024,
            argon2_lanes: 64,
            scrypt_memory_kib: 1024 * 1024,
            scrypt_work_kib: 4 * 1024 * 1024,
            pbkdf2_rounds: 5_000_000,
            sha_crypt_rounds: 5_000_000,
            bcrypt_cost: 16,
        }
    }
}
