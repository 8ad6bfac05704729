//! Mailed links: what they are bound to, and that only the newest one works.
//!
//! A link is signed, expires, and names what it may change: the address it was sent for, the password it replaces. The
//! database remembers when the newest link of each kind was made for a user, so that an older one is refused; links that
//! a Flask app makes with the same secret count like ours.

use lychgate_signing::{
    KeyRing,
    tokens::{
        ChangeEmail, ChangeEmailPayload, ConfirmEmail, ConfirmEmailPayload, Invite, Passwordless, PasswordlessPayload,
        Purpose, RedeemError, Redeemed, ResetPassword, ResetPasswordPayload, TokenCodec, fingerprint,
    },
};
use lychgate_store::{Batch, User};

use crate::{clock::Moment, failure::Failure, gate::Lychgate, settings::Settings};

/// The codecs of all mailed links.
pub(crate) struct Links {
    confirm: Link<ConfirmEmail>,
    reset: Link<ResetPassword>,
    login: Link<Passwordless>,
    change_email: Link<ChangeEmail>,
    invite: TokenCodec<Invite>,
}

struct Link<P> {
    codec: TokenCodec<P>,
    kind: &'static str,
}

/// A token that was made, and what the database has to remember of it.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: String,
    key: String,
    value: String,
}

impl Issued {
    /// Makes this the newest link of its kind, in the transaction that sends it.
    pub(crate) fn record(&self, batch: &mut Batch) {
        batch.meta_set(&self.key, &self.value);
    }
}

/// Why a followed link does nothing.
#[derive(Debug)]
pub(crate) enum Refused {
    Invalid,
    /// Too old; with the user it was made for, where the token still tells.
    Expired(Option<String>),
}

impl Links {
    pub(crate) fn new(keys: &KeyRing, settings: &Settings) -> Self {
        fn link<P: Purpose>(
            keys: &KeyRing,
            settings: &Settings,
            kind: &'static str,
            salt: &str,
            within: &str,
        ) -> Link<P> {
            let seconds = settings.duration(within).map(|within| within.as_secs());
            Link { codec: TokenCodec::new(keys, settings.text(salt), seconds), kind }
        }
        Self {
            confirm: link(keys, settings, "confirm", "confirm_salt", "confirm_email_within"),
            reset: link(keys, settings, "reset", "reset_salt", "reset_password_within"),
            login: link(keys, settings, "login", "login_salt", "login_within"),
            change_email: link(keys, settings, "change-email", "change_email_salt", "change_email_within"),
            invite: TokenCodec::new(
                keys,
                settings.text("invitation_salt"),
                settings.duration("invitation_within").map(|within| within.as_secs()),
            ),
        }
    }
}

impl Links {
    /// What signs invitations. They are kept in a table of their own.
    pub(crate) fn invite(&self) -> &TokenCodec<Invite> {
        &self.invite
    }
}

impl<P: Purpose> Link<P> {
    fn issue(&self, payload: &P::Payload, user: &User, now: Moment) -> Result<Issued, Failure> {
        let token = self.codec.mint(payload, now.unix()).map_err(Failure::internal)?.into_string();
        let value = format!("{}:{}", now.unix(), hex(&fingerprint(&token)));
        Ok(Issued { key: record_key(self.kind, user.id), value, token })
    }

    fn open(
        &self,
        text: &str,
        now: Moment,
        user_of: fn(P::Payload) -> String,
    ) -> Result<Redeemed<P::Payload>, Refused> {
        self.codec.redeem(text, now.unix()).map_err(|error| match error {
            RedeemError::Expired(seen) => Refused::Expired(seen.map(|seen| user_of(seen.payload))),
            _ => Refused::Invalid,
        })
    }
}

/// The kinds of links.
pub(crate) const KINDS: [&str; 4] = ["confirm", "reset", "login", "change-email"];

/// Where the newest link of a kind is remembered.
fn record_key(kind: &str, user_id: i64) -> String {
    format!("link/{kind}/{user_id}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Refuses every link of a kind made until now, for what has changed in a way that the links do not name.
pub(crate) fn outdate(batch: &mut Batch, kind: &str, user_id: i64, now: Moment) {
    batch.meta_set(&record_key(kind, user_id), &format!("{}:", now.unix()));
}

impl Lychgate {
    /// Whether a newer link took this one's place.
    async fn is_superseded(
        &self,
        kind: &str,
        user: &User,
        text: &str,
        issued_at: Option<i64>,
    ) -> Result<bool, Failure> {
        let Some(record) = self.store().meta_get(&record_key(kind, user.id)).await? else { return Ok(false) };
        let Some((newest, mark)) = record.split_once(':') else { return Ok(false) };
        let newest: i64 = newest.parse().unwrap_or(0);
        Ok(mark != hex(&fingerprint(text)) && issued_at.unwrap_or(0) <= newest)
    }

    /// Whether no newer link took the place of the one that `mark` names.
    pub(crate) async fn is_newest_link(&self, kind: &str, user_id: i64, mark: &str) -> Result<bool, Failure> {
        let record = self.store().meta_get(&record_key(kind, user_id)).await?;
        Ok(record.is_none_or(|record| record.split_once(':').is_some_and(|(_, newest)| newest == mark)))
    }

    /// A link that confirms the user's present address.
    pub(crate) async fn confirm_link(&self, user: &User, now: Moment) -> Result<Issued, Failure> {
        let email_hash = self.hashing().data_hash(&user.email).await?;
        let payload = ConfirmEmailPayload { user: user.fs_uniquifier.clone(), email_hash };
        self.links().confirm.issue(&payload, user, now)
    }

    /// Whose address a confirmation link confirms.
    pub(crate) async fn open_confirm_link(
        &self,
        text: &str,
        now: Moment,
    ) -> Result<Result<LinkUser, Refused>, Failure> {
        let redeemed = match self.links().confirm.open(text, now, |payload| payload.user) {
            Ok(redeemed) => redeemed,
            Err(refused) => return Ok(Err(refused)),
        };
        let Some(user) = self.store().user_by_uniquifier(&redeemed.payload.user).await? else {
            return Ok(Err(Refused::Invalid));
        };
        let bound = self.hashing().data_verify(&user.email, &redeemed.payload.email_hash).await?;
        // Once confirmed, any of the links may say so.
        let open = user.confirmed_at.is_none();
        if !bound || open && self.is_superseded("confirm", &user, text, redeemed.issued_at).await? {
            return Ok(Err(Refused::Invalid));
        }
        Ok(Ok(user))
    }

    /// A link that sets a new password in place of the present one.
    pub(crate) async fn reset_link(&self, user: &User, now: Moment) -> Result<Issued, Failure> {
        let password_hash = match user.password.as_deref().filter(|hash| !hash.is_empty()) {
            Some(hash) => Some(self.hashing().data_hash(hash).await?),
            None => None,
        };
        let payload = ResetPasswordPayload { user: user.fs_uniquifier.clone(), password_hash };
        self.links().reset.issue(&payload, user, now)
    }

    /// Whose password a recovery link sets. The link dies with the password that it was made for.
    pub(crate) async fn open_reset_link(&self, text: &str, now: Moment) -> Result<Result<LinkUser, Refused>, Failure> {
        let redeemed = match self.links().reset.open(text, now, |payload| payload.user) {
            Ok(redeemed) => redeemed,
            Err(refused) => return Ok(Err(refused)),
        };
        let Some(user) = self.store().user_by_uniquifier(&redeemed.payload.user).await?.filter(|user| user.active)
        else {
            return Ok(Err(Refused::Invalid));
        };
        let password = user.password.as_deref().filter(|hash| !hash.is_empty());
        let bound = match (password, &redeemed.payload.password_hash) {
            (None, None) => true,
            (Some(password), Some(hash)) => self.hashing().data_verify(password, hash).await?,
            _ => false,
        };
        if !bound || self.is_superseded("reset", &user, text, redeemed.issued_at).await? {
            return Ok(Err(Refused::Invalid));
        }
        Ok(Ok(user))
    }

    /// A link that signs in.
    pub(crate) fn login_link(&self, user: &User, now: Moment) -> Result<Issued, Failure> {
        let payload = PasswordlessPayload { user: user.fs_uniquifier.clone() };
        self.links().login.issue(&payload, user, now)
    }

    /// Whom a sign-in link signs in; the caller redeems it once.
    pub(crate) async fn open_login_link(&self, text: &str, now: Moment) -> Result<Result<LinkUser, Refused>, Failure> {
        let redeemed = match self.links().login.open(text, now, |payload| payload.user) {
            Ok(redeemed) => redeemed,
            Err(refused) => return Ok(Err(refused)),
        };
        let Some(user) = self.store().user_by_uniquifier(&redeemed.payload.user).await? else {
            return Ok(Err(Refused::Invalid));
        };
        if self.is_superseded("login", &user, text, redeemed.issued_at).await? {
            return Ok(Err(Refused::Invalid));
        }
        Ok(Ok(user))
    }

    /// A link that moves the account to `new_email`.
    pub(crate) async fn change_email_link(&self, user: &User, new_email: &str, now: Moment) -> Result<Issued, Failure> {
        let payload = ChangeEmailPayload {
            user: user.fs_uniquifier.clone(),
            old_email_hash: self.hashing().data_hash(&user.email).await?,
            new_email: new_email.to_owned(),
        };
        self.links().change_email.issue(&payload, user, now)
    }

    /// Whose address a link changes, and to what.
    pub(crate) async fn open_change_email_link(
        &self,
        text: &str,
        now: Moment,
    ) -> Result<Result<(LinkUser, String), Refused>, Failure> {
        let redeemed = match self.links().change_email.open(text, now, |payload| payload.user) {
            Ok(redeemed) => redeemed,
            Err(refused) => return Ok(Err(refused)),
        };
        let payload = redeemed.payload;
        let Some(user) = self.store().user_by_uniquifier(&payload.user).await?.filter(|user| user.active) else {
            return Ok(Err(Refused::Invalid));
        };
        let bound = self.hashing().data_verify(&user.email, &payload.old_email_hash).await?;
        if !bound || self.is_superseded("change-email", &user, text, redeemed.issued_at).await? {
            return Ok(Err(Refused::Invalid));
        }
        Ok(Ok((user, payload.new_email)))
    }
}

/// The user that a link was made for.
pub(crate) type LinkUser = std::sync::Arc<User>;
