//! Changing keys: what is still in use of an old one, and what can be encrypted anew.
//!
//! `secret_key`, `password_salt` and the keys of JSON Web Tokens sign or hash: what they made cannot be turned over, only
//! waited for, so it is counted. The keys of one-time codes and recovery codes encrypt: [`Rotation::rewrap`] turns over
//! row by row, each by a write that counts only if nobody changed the row meanwhile. It can be stopped and begun again.

use lychgate_otp::MethodSecrets;
use lychgate_signing::tokens::fingerprint;
use lychgate_store::{StoreError, User, UserPatch, UserQuery};
use time::OffsetDateTime;

use crate::{clock::Moment, gate::Lychgate};

/// Users that are read at a time.
const AT_ONCE: u32 = 200;
/// Keys whose first use is noted, by the names of their settings.
const NOTED: [&str; 2] = ["secret_key", "password_salt"];

/// What can be said and done about keys; made by [`Lychgate::rotation`].
#[derive(Clone, Copy, Debug)]
pub struct Rotation<'a>(&'a Lychgate);

/// What is in use of which key. Numbers only: no key, and nothing of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyUse {
    /// When today's `secret_key` was first used by a server on this database.
    pub secret_key_since: Option<OffsetDateTime>,
    /// Earlier secret keys that are still accepted.
    pub secret_key_fallbacks: usize,
    /// Sessions that may be used and began before today's key: their cookies may be signed by an earlier one.
    pub older_sessions: i64,
    /// When the last of these ends by itself.
    pub older_sessions_end: Option<OffsetDateTime>,
    /// When today's `password_salt` was first used by a server on this database.
    pub password_salt_since: Option<OffsetDateTime>,
    /// Earlier salts that are still tried.
    pub password_salt_fallbacks: usize,
    /// Users with a password.
    pub passwords: i64,
    /// Those whose password may still be hashed with an earlier salt; nothing where activity is not noted.
    pub older_passwords: Option<i64>,
    /// Stored secrets of one-time codes under today's tag.
    pub totp_current: u64,
    /// Those under an earlier tag or cost, or not encrypted.
    pub totp_older: u64,
    /// Those that no key of the settings opens.
    pub totp_lost: u64,
    /// Users all of whose encrypted recovery codes are under today's key.
    pub recovery_current: u64,
    /// Users with recovery codes under an earlier key.
    pub recovery_older: u64,
    /// Users with recovery codes that no key opens.
    pub recovery_lost: u64,
    /// Keys that JSON Web Tokens are accepted from; the first of them signs.
    pub jwt_keys: usize,
    /// Seconds after which the last token of an earlier key has expired; nothing if tokens do not expire.
    pub jwt_wait: Option<i64>,
}

/// What was encrypted anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewrapped {
    /// Users whose secrets of one-time codes were.
    pub totp: u64,
    /// Users whose recovery codes were.
    pub recovery: u64,
    /// Users whose row changed meanwhile; another run takes them.
    pub changed_meanwhile: u64,
    /// Users with something that no key opens, which was left as it is.
    pub lost: u64,
}

/// How a stored secret stands to the keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Current,
    Older,
    Lost,
}

impl Lychgate {
    /// What can be said and done about keys.
    #[must_use]
    pub fn rotation(&self) -> Rotation<'_> {
        Rotation(self)
    }
}

impl Rotation<'_> {
    /// What is in use of which key. It reads all users; `progress` is told how many so far.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn in_use(&self, mut progress: impl FnMut(u64)) -> Result<KeyUse, StoreError> {
        let (gate, store) = (self.0, self.0.store());
        let settings = gate.settings();
        let now = Moment::of(gate.clock()).datetime();
        let mut found = KeyUse {
            secret_key_since: since(gate, "secret_key").await?,
            secret_key_fallbacks: settings.list("secret_key_fallbacks").len(),
            password_salt_since: since(gate, "password_salt").await?,
            password_salt_fallbacks: settings.list("password_salt_fallbacks").len(),
            ..KeyUse::default()
        };
        if let Some(since) = found.secret_key_since.filter(|_| found.secret_key_fallbacks > 0) {
            (found.older_sessions, found.older_sessions_end) = store.live_sessions_before(since, now).await?;
        }
        let salted = found.password_salt_since.unwrap_or(now);
        let (passwords, unused) = store.passwords_unused_since(salted).await?;
        found.passwords = passwords;
        found.older_passwords = match found.password_salt_fallbacks {
            0 => Some(0),
            _ => Some(unused).filter(|_| settings.flag("activity") && found.password_salt_since.is_some()),
        };
        if let Some(keys) = gate.jwt_keys() {
            found.jwt_keys = keys.len();
            let lives = ["jwt.access_token_expires", "jwt.refresh_token_expires"];
            let lives: Option<Vec<i64>> =
                lives.into_iter().map(|name| settings.duration(name).map(|life| life.as_secs())).collect();
            found.jwt_wait = lives.and_then(|lives| lives.into_iter().max());
        }
        self.each_user(async |user: &User, read| {
            for standing in self.totp_of(user) {
                *match standing {
                    Standing::Current => &mut found.totp_current,
                    Standing::Older => &mut found.totp_older,
                    Standing::Lost => &mut found.totp_lost,
                } += 1;
            }
            match self.recovery_of(user) {
                Some(Standing::Current) => found.recovery_current += 1,
                Some(Standing::Older) => found.recovery_older += 1,
                Some(Standing::Lost) => found.recovery_lost += 1,
                None => {}
            }
            progress(read);
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// Encrypts secrets of one-time codes and recovery codes anew where today's key did not make them.
    ///
    /// # Errors
    ///
    /// If the database does not answer. What was done until then stays done.
    pub async fn rewrap(&self, mut progress: impl FnMut(u64)) -> Result<Rewrapped, StoreError> {
        let mut done = Rewrapped::default();
        self.each_user(async |user: &User, read| {
            self.rewrap_user(user, &mut done).await?;
            progress(read);
            Ok(())
        })
        .await?;
        Ok(done)
    }

    async fn rewrap_user(&self, user: &User, done: &mut Rewrapped) -> Result<(), StoreError> {
        let lost = self.totp_of(user).contains(&Standing::Lost) || self.recovery_of(user) == Some(Standing::Lost);
        done.lost += u64::from(lost);
        let (mut expected, mut patch) = (UserPatch::default(), UserPatch::default());
        if let Some(renewed) = user.tf_totp_secret.as_deref().and_then(|stored| self.renewed(stored)) {
            expected.tf_totp_secret = Some(user.tf_totp_secret.clone());
            patch.tf_totp_secret = Some(Some(renewed));
        }
        if let Some(renewed) = user.us_totp_secrets.as_deref().and_then(|column| self.renewed_column(column)) {
            expected.us_totp_secrets = Some(user.us_totp_secrets.clone());
            patch.us_totp_secrets = Some(Some(renewed));
        }
        let codes = patch != UserPatch::default();
        let recovery = self.0.recovery_vault().renewed(&user.mf_recovery_codes);
        let moves_recovery = recovery.is_some();
        if let Some(renewed) = recovery {
            expected.mf_recovery_codes = Some(user.mf_recovery_codes.clone());
            patch.mf_recovery_codes = Some(renewed);
        }
        if !codes && !moves_recovery {
            return Ok(());
        }
        let now = Moment::of(self.0.clock()).datetime();
        if self.0.store().update_user_if(user.id, expected, patch, now).await? {
            done.totp += u64::from(codes);
            done.recovery += u64::from(moves_recovery);
        } else {
            done.changed_meanwhile += 1;
        }
        Ok(())
    }

    /// A stored secret under today's key, unless it is already so or cannot be opened.
    fn renewed(&self, stored: &str) -> Option<String> {
        let wallet = self.0.wallet().filter(|wallet| wallet.needs_recrypt(stored))?;
        wallet.encrypt(&wallet.decrypt(stored).ok()?).ok()
    }

    fn renewed_column(&self, column: &str) -> Option<String> {
        let mut secrets = MethodSecrets::parse(Some(column)).ok()?;
        let methods: Vec<String> = secrets.methods().map(str::to_owned).collect();
        let mut any = false;
        for method in methods {
            if let Some(renewed) = secrets.get(&method).and_then(|stored| self.renewed(stored)) {
                secrets.set(method, renewed);
                any = true;
            }
        }
        secrets.to_column().filter(|_| any)
    }

    fn totp_of(&self, user: &User) -> Vec<Standing> {
        let column = user.us_totp_secrets.as_deref().filter(|column| !column.is_empty());
        let by_method = column.map(|column| MethodSecrets::parse(Some(column)));
        let mut all = Vec::new();
        if let Some(stored) = user.tf_totp_secret.as_deref().filter(|stored| !stored.is_empty()) {
            all.push(self.standing(stored));
        }
        match by_method {
            Some(Ok(secrets)) => {
                all.extend(
                    secrets.methods().filter_map(|method| secrets.get(method)).map(|stored| self.standing(stored)),
                );
            }
            Some(Err(_)) => all.push(Standing::Lost),
            None => {}
        }
        all
    }

    fn standing(&self, stored: &str) -> Standing {
        let Some(wallet) = self.0.wallet() else { return Standing::Lost };
        if wallet.decrypt(stored).is_err() {
            Standing::Lost
        } else if wallet.needs_recrypt(stored) {
            Standing::Older
        } else {
            Standing::Current
        }
    }

    fn recovery_of(&self, user: &User) -> Option<Standing> {
        let (vault, kept) = (self.0.recovery_vault(), &user.mf_recovery_codes);
        if kept.is_empty() {
            None
        } else if kept.iter().any(|code| vault.is_lost(code)) {
            Some(Standing::Lost)
        } else if vault.renewed(kept).is_some() {
            Some(Standing::Older)
        } else {
            Some(Standing::Current)
        }
    }

    /// Calls `work` with every user, and with how many there were so far.
    async fn each_user(
        &self,
        mut work: impl AsyncFnMut(&User, u64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut query = UserQuery { limit: AT_ONCE, ..UserQuery::default() };
        let mut read = 0;
        loop {
            let page = self.0.store().users_page(&query).await?;
            for user in &page.items {
                read += 1;
                work(user, read).await?;
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(()),
            }
        }
    }
}

/// Under what the first use of a key is noted: four bytes of its fingerprint, too few to find it by.
fn mark(gate: &Lychgate, name: &str) -> Option<String> {
    let secret = gate.settings().text_opt(name)?;
    let [a, b, c, d, ..] = fingerprint(&format!("lychgate: which {name}? {secret}"));
    Some(format!("key-since/{name}/{a:02x}{b:02x}{c:02x}{d:02x}"))
}

async fn since(gate: &Lychgate, name: &str) -> Result<Option<OffsetDateTime>, StoreError> {
    let Some(mark) = mark(gate, name) else { return Ok(None) };
    let noted = gate.store().meta_get(&mark).await?;
    Ok(noted.and_then(|text| text.parse().ok()).and_then(|unix| OffsetDateTime::from_unix_timestamp(unix).ok()))
}

/// Notes that a server runs with these keys, if none did before.
pub(crate) async fn note_keys(gate: &Lychgate) {
    for name in NOTED {
        let Some(mark) = mark(gate, name) else { continue };
        let noted = match gate.store().meta_get(&mark).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => gate.store().meta_set(&mark, &Moment::of(gate.clock()).unix().to_string()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "the first use of {name} was not noted; the next start does it");
        }
    }
}
