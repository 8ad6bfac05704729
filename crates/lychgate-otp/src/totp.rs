//! HOTP (RFC 4226) and TOTP (RFC 6238).

use hmac::{EagerHash, Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use thiserror::Error;

use crate::{Code, Key};

/// The longest window, in seconds to either side; longer ones are cut.
const MAX_WINDOW: u64 = 3600;

/// The hash under the HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// What every authenticator understands.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name in stored JSON; upper case in an `otpauth` link.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|one| name.eq_ignore_ascii_case(one.as_str()))
    }
}

/// A parameter outside of its range.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadParameter {
    /// Codes have 6 to 10 digits.
    #[error("codes have 6 to 10 digits")]
    Digits,
    /// A code lasts from one second to a day.
    #[error("a period is 1 second to 1 day")]
    Period,
    /// Labels and issuers are at most 200 bytes and hold no colon.
    #[error("a label or issuer is at most 200 bytes and holds no `:`")]
    Label,
}

/// The code for a counter (RFC 4226, section 5.3).
///
/// # Errors
/// [`BadParameter::Digits`] for fewer than 6 or more than 10 digits.
pub fn hotp(key: &Key, counter: u64, digits: u32, algorithm: Algorithm) -> Result<Code, BadParameter> {
    check_digits(digits)?;
    Ok(code(key, counter, digits, algorithm))
}

fn check_digits(digits: u32) -> Result<(), BadParameter> {
    if (6..=10).contains(&digits) { Ok(()) } else { Err(BadParameter::Digits) }
}

fn code(key: &Key, counter: u64, digits: u32, algorithm: Algorithm) -> Code {
    let mac = match algorithm {
        Algorithm::Sha1 => mac::<Sha1>(key, counter),
        Algorithm::Sha256 => mac::<Sha256>(key, counter),
        Algorithm::Sha512 => mac::<Sha512>(key, counter),
    };
    // Dynamic truncation: four bytes at a place that the last byte chooses.
    let offset = usize::from(mac.last().copied().unwrap_or_default() & 15);
    let chosen = mac.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    let number = u64::from(u32::from_be_bytes(chosen) & 0x7fff_ffff) % 10_u64.pow(digits);
    Code::padded(number, digits)
}

fn mac<H: EagerHash>(key: &Key, counter: u64) -> Vec<u8>
where
    Hmac<H>: hmac::Mac + hmac::KeyInit,
{
    // HMAC takes a key of any length.
    Hmac::<H>::new_from_slice(key.as_bytes())
        .map(|mac| mac.chain_update(counter.to_be_bytes()).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// Time-based codes: a key and how it is used.
#[derive(Clone, Debug)]
pub struct Totp {
    pub(crate) key: Key,
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: u32,
    pub(crate) period: u64,
    pub(crate) label: Option<String>,
    pub(crate) issuer: Option<String>,
}

impl Totp {
    /// SHA-1, six digits, 30 seconds: what authenticators expect.
    pub const fn new(key: Key) -> Self {
        Self { key, algorithm: Algorithm::Sha1, digits: 6, period: 30, label: None, issuer: None }
    }

    /// Chooses the hash.
    #[must_use]
    pub const fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Chooses the number of digits, 6 to 10.
    ///
    /// # Errors
    /// [`BadParameter::Digits`].
    pub fn with_digits(mut self, digits: u32) -> Result<Self, BadParameter> {
        check_digits(digits)?;
        self.digits = digits;
        Ok(self)
    }

    /// Chooses how many seconds a code lasts.
    ///
    /// # Errors
    /// [`BadParameter::Period`].
    pub fn with_period(mut self, seconds: u64) -> Result<Self, BadParameter> {
        if !(1..=86_400).contains(&seconds) {
            return Err(BadParameter::Period);
        }
        self.period = seconds;
        Ok(self)
    }

    /// Keeps a name of the account with the key.
    ///
    /// # Errors
    /// [`BadParameter::Label`].
    pub fn with_label(mut self, label: impl Into<String>) -> Result<Self, BadParameter> {
        self.label = Some(checked(label.into())?);
        Ok(self)
    }

    /// Keeps a name of the site with the key.
    ///
    /// # Errors
    /// [`BadParameter::Label`].
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Result<Self, BadParameter> {
        self.issuer = Some(checked(issuer.into())?);
        Ok(self)
    }

    /// The shared secret.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// The hash under the HMAC.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How many digits a code has.
    pub const fn digits(&self) -> u32 {
        self.digits
    }

    /// How many seconds a code lasts.
    pub const fn period(&self) -> u64 {
        self.period
    }

    /// The name of the account, when one was kept with the key.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The name of the site, when one was kept with the key.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The code at a time, in seconds since 1970.
    pub fn code_at(&self, now: u64) -> Code {
        code(&self.key, now / self.period, self.digits, self.algorithm)
    }

    /// Checks a typed code and gives the counter it belongs to.
    ///
    /// Codes count whose time lies up to `window` seconds (one hour at most) before or after `now`, and, where
    /// `last_counter` is given, only later ones than that: store the counter after each success and hand it in,
    /// in one conditional write, and no code is good twice. All codes of the window are compared, so the time
    /// taken does not tell which was close.
    pub fn verify(&self, code: &str, now: u64, window: u64, last_counter: Option<u64>) -> Option<u64> {
        let typed = Code::parse(code, self.digits)?;
        let window = window.min(MAX_WINDOW);
        let first = now.saturating_sub(window) / self.period;
        let last = now.saturating_add(window) / self.period;
        // Counters run from 1 here, so that 0 can stand for none.
        let mut found = 0_u64;
        for counter in first..=last {
            let expected = self::code(&self.key, counter, self.digits, self.algorithm);
            let equal = expected.as_str().as_bytes().ct_eq(typed.as_str().as_bytes());
            // The latest wins: a code that comes twice in a window is spent for both times.
            found.conditional_assign(&counter.saturating_add(1), equal);
        }
        found.checked_sub(1).filter(|counter| last_counter.is_none_or(|last| *counter > last))
    }
}

pub(crate) fn checked(label: String) -> Result<String, BadParameter> {
    if label.len() <= 200 && !label.contains(':') { Ok(label) } else { Err(BadParameter::Label) }
}
