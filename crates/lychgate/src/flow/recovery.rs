//! How recovery codes are kept, and which of the kept ones count.

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use lychgate_signing::fernet::{Fernet, FernetError};
use lychgate_store::User;
use zeroize::Zeroizing;

use crate::{clock::Moment, gate::Lychgate, settings::Settings};

/// What the key that is made of `secret_key` is for.
const PURPOSE: &str = "lychgate recovery codes";

/// The most kept codes that are looked at.
const MOST: usize = 200;

/// What every Fernet token begins with, as its version and the high bytes of its date do not change.
const TOKEN: &str = "gAAAAA";

/// Encrypts recovery codes for the database, as Flask-Security does or with a key of our own.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    /// Of `multi_factor_recovery_codes_keys`.
    given: Option<Fernet>,
    /// Of `secret_key` and its fallbacks.
    derived: Fernet,
    /// Whether codes are stored as they are where no keys are given.
    plain: bool,
    /// The longest age of a code, in seconds.
    ttl: Option<i64>,
}

impl Vault {
    /// The vault of the settings.
    ///
    /// # Errors
    ///
    /// One line about the setting that cannot be used.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, String> {
        let keys = settings.list("multi_factor_recovery_codes_keys");
        let given = if keys.is_empty() {
            None
        } else {
            let keys = Fernet::new(keys);
            Some(keys.map_err(|error| format!("multi_factor_recovery_codes_keys: {error}"))?)
        };
        let secrets = settings.text_opt("secret_key").into_iter();
        let secrets = secrets.chain(settings.list("secret_key_fallbacks").iter().map(String::as_str));
        let derived = Fernet::derived(secrets, PURPOSE).map_err(|_| "secret_key is empty".to_owned())?;
        let ttl = settings.duration("multi_factor_recovery_code_ttl").map(|ttl| ttl.as_secs());
        Ok(Self { given, derived, plain: settings.flag("multi_factor_recovery_codes_plain"), ttl })
    }

    /// New codes as the database keeps them.
    pub(crate) fn seal(&self, codes: &[Zeroizing<String>], now: Moment) -> Result<Vec<String>, FernetError> {
        let fernet = match &self.given {
            Some(given) => given,
            None if self.plain => return Ok(codes.iter().map(|code| code.as_str().to_owned()).collect()),
            None => &self.derived,
        };
        codes.iter().map(|code| fernet.encrypt(code.as_bytes(), now.unix())).collect()
    }

    /// The kept codes under today's key, those that are already so as they are; nothing if all are.
    pub(crate) fn renewed(&self, kept: &[String]) -> Option<Vec<String>> {
        let moved: Vec<Option<String>> = kept.iter().take(MOST).map(|code| self.renewed_one(code)).collect();
        if moved.iter().all(Option::is_none) {
            return None;
        }
        let rest = kept.iter().skip(MOST).cloned();
        let first = moved.into_iter().zip(kept).map(|(moved, code)| moved.unwrap_or_else(|| code.clone()));
        Some(first.chain(rest).collect())
    }

    fn renewed_one(&self, kept: &str) -> Option<String> {
        if !kept.starts_with(TOKEN) {
            return None;
        }
        match &self.given {
            Some(given) => match given.rotate(kept) {
                Ok(moved) => moved,
                // Keys were given after codes had been encrypted with one of our own.
                Err(_) => given.encrypt(&self.derived.decrypt(kept, 0, None).ok()?, date_of(kept)?).ok(),
            },
            None => self.derived.rotate(kept).ok().flatten(),
        }
    }

    /// Whether none of the keys opens a kept code.
    pub(crate) fn is_lost(&self, kept: &str) -> bool {
        let opens = |fernet: &Fernet| fernet.decrypt(kept, 0, None).is_ok();
        kept.starts_with(TOKEN) && !self.given.iter().chain([&self.derived]).any(opens)
    }

    /// The kept codes that count, each with its place. What cannot be read, or is too old, does not.
    pub(crate) fn open(&self, kept: &[String], now: Moment) -> Vec<(usize, Zeroizing<String>)> {
        let kept = kept.iter().enumerate().take(MOST);
        kept.filter_map(|(place, code)| Some((place, self.open_one(code, now)?))).collect()
    }

    fn open_one(&self, kept: &str, now: Moment) -> Option<Zeroizing<String>> {
        for fernet in self.given.iter().chain([&self.derived]) {
            if let Ok(code) = fernet.decrypt(kept, now.unix(), self.ttl) {
                let code = Zeroizing::new(std::str::from_utf8(&code).ok()?.to_owned());
                return (!code.is_empty()).then_some(code);
            }
        }
        // Without keys Flask-Security keeps codes as they are; with keys it takes none that is not encrypted.
        let is_plain = self.given.is_none() && !kept.is_empty() && !kept.starts_with(TOKEN);
        is_plain.then(|| Zeroizing::new(kept.to_owned()))
    }
}

/// When a kept code was encrypted, in seconds since 1970.
fn date_of(kept: &str) -> Option<i64> {
    // The first twelve letters are nine bytes: the version and the date.
    let bytes = URL_SAFE.decode(kept.get(..12)?).ok()?;
    let time: [u8; 8] = bytes.get(1..9)?.try_into().ok()?;
    i64::try_from(u64::from_be_bytes(time)).ok()
}

/// How many recovery codes a user has left.
pub(crate) fn left(gate: &Lychgate, user: &User, now: Moment) -> usize {
    gate.recovery_vault().open(&user.mf_recovery_codes, now).len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Profile, clock::ManualClock};

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    /// What Python's `cryptography` made of `71f3-0b8d-24aa` with [`KEY`] at 1750000000.
    const MADE: &str =
        "gAAAAABoTuGAAAECAwQFBgcICQoLDA0OD_bawiA2zOGTxc3ewo-Potg_pOfqEY_nBsBi9ucJmR-68L0B_5PM8of8UOsUFKGWyQ==";
    const CODE: &str = "71f3-0b8d-24aa";

    fn vault(profile: Profile, secret: &str, keys: &[&str], ttl: &str) -> Vault {
        let mut settings = Settings::builder()
            .profile(profile)
            .set("secret_key", secret)
            .set("password_single_hash", true)
            .set("environment", "development")
            .set("multi_factor_recovery_codes_keys", keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>());
        if !ttl.is_empty() {
            settings = settings.set("multi_factor_recovery_code_ttl", ttl);
        }
        Vault::from_settings(&settings.build().unwrap()).unwrap()
    }

    fn at(seconds: i64) -> Moment {
        Moment::of(&ManualClock::at(1_750_000_000 + seconds))
    }

    fn open(vault: &Vault, kept: &[&str], seconds: i64) -> Vec<(usize, String)> {
        let kept: Vec<String> = kept.iter().map(|&code| code.to_owned()).collect();
        vault.open(&kept, at(seconds)).into_iter().map(|(place, code)| (place, code.to_string())).collect()
    }

    #[test]
    fn codes_of_the_reference_are_read() {
        let found = vec![(1, CODE.to_owned())];
        let flask = |keys: &[&str], ttl: &str| vault(Profile::Flask, "a key of sixteen bytes or more", keys, ttl);
        assert_eq!(open(&flask(&[KEY], ""), &["nonsense", MADE, "0000-1111-2222"], 0), found);
        assert_eq!(open(&flask(&[OTHER, KEY], ""), &["", MADE], 9_999_999), found);
        assert_eq!(open(&flask(&[OTHER], ""), &["", MADE], 0), []);
        assert_eq!(open(&flask(&[KEY], "60 seconds"), &["", MADE], 60), found);
        for seconds in [61, -61] {
            assert_eq!(open(&flask(&[KEY], "60 seconds"), &["", MADE], seconds), []);
        }
        // Without keys codes are kept as they are, and a token is none of them.
        assert_eq!(open(&flask(&[], ""), &[MADE, CODE], 0), found);
    }

    #[test]
    fn new_codes_are_kept_as_the_settings_say() {
        let codes = [Zeroizing::new(CODE.to_owned())];
        let found = vec![(0, CODE.to_owned())];
        let secret = "a key of sixteen bytes or more";
        let plain = vault(Profile::Flask, secret, &[], "").seal(&codes, at(0)).unwrap();
        assert_eq!(plain, [CODE]);
        let given = vault(Profile::Modern, secret, &[KEY], "").seal(&codes, at(0)).unwrap();
        assert_eq!(open(&vault(Profile::Flask, "another key of sixteen bytes", &[KEY], ""), &[&given[0]], 0), found);
        let derived = vault(Profile::Modern, secret, &[], "").seal(&codes, at(0)).unwrap();
        assert!(derived[0].starts_with(TOKEN));
        // Also after keys are given, and when one goes back to the other profile.
        for (profile, keys) in [(Profile::Modern, &[][..]), (Profile::Modern, &[KEY]), (Profile::Flask, &[])] {
            assert_eq!(open(&vault(profile, secret, keys, ""), &[&derived[0]], 0), found);
        }
        assert_eq!(open(&vault(Profile::Modern, "another key of sixteen bytes", &[], ""), &[&derived[0]], 0), []);
    }

    #[test]
    fn a_wrong_key_is_named() {
        let settings = Settings::builder()
            .profile(Profile::Flask)
            .set("secret_key", "a key of sixteen bytes or more")
            .set("password_single_hash", true)
            .set("multi_factor_recovery_codes_keys", vec!["hidden".to_owned()]);
        let error = Vault::from_settings(&settings.build().unwrap()).unwrap_err();
        assert!(error.contains("multi_factor_recovery_codes_keys") && !error.contains("hidden"), "{error}");
    }
}
