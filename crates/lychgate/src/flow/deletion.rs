//! Deleting accounts whose owners asked for it: set down first, done when the time of grace is over.

use lychgate_signing::tokens::KeepAccountPayload;
use lychgate_store::{Batch, ErrorKind, StoreError, User};
use time::OffsetDateTime;

use super::{account::anchor, administrators::last_administrator, letters::about};
use crate::{
    audit::Audited,
    events::Event,
    failure::Failure,
    gate::Lychgate,
    mail::Letter,
    messages::{self, Said},
    settings::Settings,
    web::{exchange::Exchange, form::Message},
};

/// Accounts that are looked at in one go.
const AT_ONCE: u32 = 100;

/// When a deletion that the database refuses is tried again.
const LATER: time::Duration = time::Duration::DAY;

/// How long the link works that keeps an account: a day longer than the account is sure to be there.
pub(crate) fn link_lifetime(settings: &Settings) -> Option<i64> {
    Some(grace(settings).whole_seconds() + 86_400)
}

/// The time between the wish and the deletion.
pub(crate) fn grace(settings: &Settings) -> time::Duration {
    time::Duration::seconds(settings.duration("account_deletion_grace").map_or(0, |grace| grace.as_secs().max(0)))
}

/// The unit of [`KeepAccountPayload::due`].
fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// Where it stands whose account is to be deleted, as far as that differs from a later account with the same key.
fn whose(user_id: i64) -> String {
    format!("deletion-of/{user_id}")
}

/// Notes, where a deletion is set down, whose account it is.
pub(crate) fn note_whose(batch: &mut Batch, user: &User) {
    batch.meta_set(&whose(user.id), &anchor(user).unwrap_or_default());
}

impl Lychgate {
    /// Whether what is set down for this key is about `user`, and not about somebody before them whom another program
    /// has deleted.
    async fn is_deletion_of(&self, user: &User) -> Result<bool, StoreError> {
        let noted = self.store().meta_get(&whose(user.id)).await?;
        Ok(noted.is_none_or(|noted| noted.is_empty() || Some(noted) == anchor(user)))
    }

    /// When the account of somebody before `user`, who had the same key, was to be deleted.
    pub(crate) async fn foreign_deletion(&self, user: &User) -> Result<Option<OffsetDateTime>, StoreError> {
        let due = self.store().account_state(user.id).await?.and_then(|state| state.deletion_due_at);
        Ok(if due.is_some() && !self.is_deletion_of(user).await? { due } else { None })
    }

    /// A token that keeps the account if its deletion is due then.
    pub(crate) fn keep_account_token(&self, user: &User, due: OffsetDateTime, now: i64) -> Result<String, Failure> {
        let payload = KeepAccountPayload { user: user.id, due: micros(due) };
        Ok(self.0.codecs.keep_account.mint(&payload, now).map_err(Failure::internal)?.into_string())
    }

    /// Whose account a token keeps, and until when it can; the caller takes back the deletion that is due then.
    pub(crate) fn open_keep_account_token(&self, token: &str, now: i64) -> Option<(i64, OffsetDateTime)> {
        let payload = self.0.codecs.keep_account.redeem(token, now).ok()?.payload;
        let due = OffsetDateTime::from_unix_timestamp_nanos(i128::from(payload.due) * 1000).ok()?;
        Some((payload.user, due))
    }

    /// Deletes the accounts whose time has come, and says how many; of several processes one deletes each.
    pub(crate) async fn delete_due_accounts(&self) -> Result<u64, StoreError> {
        let exchange = Exchange::of_nobody(self.clone());
        let mut deleted = 0;
        loop {
            let due = self.store().deletions_due(exchange.now.datetime(), AT_ONCE).await?;
            for state in &due {
                deleted += u64::from(exchange.delete_account(state.user_id, state.deletion_due_at).await?);
            }
            if due.len() < AT_ONCE as usize {
                return Ok(deleted);
            }
        }
    }
}

impl Exchange {
    /// Deletes an account whose deletion is due, with all that is kept of it; `false` if it was not to be deleted now.
    pub(crate) async fn delete_account(&self, user_id: i64, due: Option<OffsetDateTime>) -> Result<bool, StoreError> {
        let (store, now) = (self.gate.store(), self.now.datetime());
        let user = store.user_by_id(user_id).await?;
        let mut post = self.post();
        let mut batch = store.batch();
        batch.take_due_deletion(user_id, now);
        let left = last_administrator(&mut batch, self.gate.admin_role(), user_id, now);
        if let Some(user) = &user {
            if !self.gate.is_deletion_of(user).await? {
                return match store.commit(batch).await {
                    Err(error) if !matches!(error.kind(), ErrorKind::Unmet(_)) => Err(error),
                    _ => Ok(false),
                };
            }
            let settings = self.gate.settings();
            let letter = Letter {
                template: settings.text("email_template_account_deletion"),
                subject: settings.text("email_subject_account_deleted").to_owned(),
                to: &user.email,
                context: about(user),
            };
            if let Err(failure) = post.letter(self, letter) {
                tracing::error!(?failure, "the last mail to somebody was not written");
            }
            // Mails on their way, too, hold links and codes for an account that is gone.
            let numbers = [&user.us_phone_number, &user.tf_phone_number].into_iter().flatten();
            for recipient in std::iter::once(&user.email).chain(numbers) {
                batch.forget_recipient(recipient);
            }
        }
        batch.delete_user(user_id);
        if user.is_some() {
            self.gate.audit().note(&mut batch, Audited::new("account-deleted").about(user_id));
        }
        match self.commit_and_send(batch, post).await {
            Ok(_) => {}
            Err(error) if left.nobody(&error) => {
                tracing::error!(user_id, "an account is not deleted: no other administrator is left");
                self.postpone(user_id, due).await?;
                return Ok(false);
            }
            Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => return Ok(false),
            Err(error) if matches!(error.kind(), ErrorKind::Referenced) => {
                tracing::error!(user_id, "an account is not deleted: rows of the application's tables refer to it");
                self.postpone(user_id, due).await?;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        tracing::info!(user_id, "an account was deleted as its owner had asked");
        if user.is_some() {
            self.gate.events().send(&Event::AccountDeleted { user_id });
        }
        Ok(user.is_some())
    }

    /// Tries a deletion again later that does not work now.
    async fn postpone(&self, user_id: i64, due: Option<OffsetDateTime>) -> Result<(), StoreError> {
        let Some(due) = due else { return Ok(()) };
        let mut batch = self.gate.store().batch();
        batch.postpone_deletion(user_id, due, self.now.datetime() + LATER);
        match self.gate.store().commit(batch).await {
            Err(error) if !matches!(error.kind(), ErrorKind::Unmet(_)) => Err(error),
            _ => Ok(()),
        }
    }

    /// When the account of `user` will be deleted, if it will.
    pub(crate) async fn deletion_due(&self, user: &User) -> Result<Option<OffsetDateTime>, Failure> {
        if !self.gate.settings().flag("account") {
            return Ok(None);
        }
        let due = self.gate.store().account_state(user.id).await?.and_then(|state| state.deletion_due_at);
        Ok(if due.is_some() && self.gate.is_deletion_of(user).await? { due } else { None })
    }

    /// Tells somebody who signs in that their account will be deleted.
    pub(crate) async fn tell_of_deletion(&self, user: &User) -> Result<(), Failure> {
        if let Some(due) = self.deletion_due(user).await?.filter(|_| !self.wants_json()) {
            self.flash(Message::from(messages::ACCOUNT_DELETION_PENDING).with("date", Said::Day(due.unix_timestamp())));
        }
        Ok(())
    }
}

/// A day for programs and names of files (ISO 8601), in UTC.
pub(crate) fn day(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).date().to_string()
}
