//! What administrators do with an account: approve, decline, suspend, lock, switch off, and back.

use std::sync::Arc;

use lychgate_store::{AccountMark, Batch, ErrorKind, User, UserPatch};
use time::OffsetDateTime;

use super::{AccountError, Accounts, Problem};
use crate::{
    audit::Audited,
    events::Event,
    failure::Failure,
    flow::{
        access,
        account::{self, AccountStatus, Standing},
        activity::What,
        administrators::last_administrator,
        letters::about,
        lockout,
        public_id::public_id,
        unlock,
    },
    mail::{Letter, Post},
    messages::{self, Said},
    web::exchange::Exchange,
};

/// A way from one state to another.
struct Change {
    from: &'static [AccountStatus],
    to: AccountStatus,
    until: Option<OffsetDateTime>,
    reason: Option<String>,
    what: Option<What>,
    /// What the mail calls it.
    told: Option<&'static str>,
}

impl Change {
    fn new(from: &'static [AccountStatus], to: AccountStatus) -> Self {
        Self { from, to, until: None, reason: None, what: None, told: None }
    }
}

impl Accounts<'_> {
    /// What is with an account, and since when, why, until when.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn standing(&self, user: &User) -> Result<Standing, AccountError> {
        self.0.resolve(account::standing(self.0, user).await.map_err(Problem::from))
    }

    /// What is with each of these accounts, in their order; asked of the database at once.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn standings(&self, users: &[Arc<User>]) -> Result<Vec<Standing>, AccountError> {
        self.0.resolve(account::standings(self.0, users).await.map_err(Problem::from))
    }

    /// The accounts in a state that an administrator gave them or that waits for one, the longest first; at most `limit`,
    /// and at most 1000.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn in_state(
        &self,
        status: AccountStatus,
        limit: u32,
    ) -> Result<Vec<(Arc<User>, Standing)>, AccountError> {
        let store = self.0.store();
        let found = async {
            let mut users = Vec::new();
            for state in store.marked_accounts(status.word(), limit).await? {
                users.extend(store.user_by_id(state.user_id).await?);
            }
            let standings = account::standings(self.0, &users).await?;
            Ok(users.into_iter().zip(standings).filter(|(_, standing)| standing.status == status).collect())
        };
        self.0.resolve(found.await)
    }

    /// Whether this account waits to be approved.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn is_waiting(&self, user: &User) -> Result<bool, AccountError> {
        Ok(self.standing(user).await?.status == AccountStatus::Waiting)
    }

    /// Lets an account be used that waits or was declined, and tells its owner; `false` if it is neither.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`].
    pub async fn approve(&self, user: &User) -> Result<bool, AccountError> {
        let from = &[AccountStatus::Waiting, AccountStatus::Declined];
        let change =
            Change { what: Some(What::Approved), told: Some("approved"), ..Change::new(from, AccountStatus::Active) };
        self.change(user, change).await
    }

    /// Declines an account that waits, and tells its owner, also why; `false` if it does not wait. The account is kept for
    /// `account_declined_within` and can be approved still; then it is deleted and its address is free again.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`].
    pub async fn decline(&self, user: &User, reason: Option<&str>) -> Result<bool, AccountError> {
        let kept = self.0.settings().duration("account_declined_within").map_or(0, |kept| kept.as_secs());
        let now = crate::clock::Moment::of(self.0.clock()).datetime();
        let change = Change {
            until: Some(now.saturating_add(time::Duration::seconds(kept))),
            reason: reason.map(str::to_owned),
            what: Some(What::Declined),
            told: Some("declined"),
            ..Change::new(&[AccountStatus::Waiting], AccountStatus::Declined)
        };
        self.change(user, change).await
    }

    /// Suspends an account, for a time or until somebody ends it, and tells its owner, also why. Sessions, tokens and keys
    /// stop at the next request and go on when the suspension is over; to end them, [`lock`](Self::lock). A suspended
    /// account gets the new time and reason. `false` if the account cannot be used anyhow.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`], also for a time that is over already; [`AccountError::Invalid`] for the last
    /// administrator.
    pub async fn suspend(
        &self,
        user: &User,
        until: Option<OffsetDateTime>,
        reason: Option<&str>,
    ) -> Result<bool, AccountError> {
        let now = crate::clock::Moment::of(self.0.clock()).datetime();
        if until.is_some_and(|until| until <= now) {
            return Err(AccountError::Failed("a suspension has to end in the future".to_owned()));
        }
        let change = Change {
            until,
            reason: reason.map(str::to_owned),
            what: Some(What::Suspended),
            told: Some("suspended"),
            ..Change::new(&[AccountStatus::Active, AccountStatus::Suspended], AccountStatus::Suspended)
        };
        self.change(user, change).await
    }

    /// Ends a suspension before its time, and tells the owner; `false` if there is none.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`].
    pub async fn unsuspend(&self, user: &User) -> Result<bool, AccountError> {
        let change = Change {
            what: Some(What::Unsuspended),
            told: Some("unsuspended"),
            ..Change::new(&[AccountStatus::Suspended], AccountStatus::Active)
        };
        self.change(user, change).await
    }

    /// Closes an account for safety, as when somebody else is in it: all sessions, tokens and mailed links end for good,
    /// and the owner is told. `false` if the account is neither in use nor suspended.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`]; [`AccountError::Invalid`] for the last administrator.
    pub async fn lock(&self, user: &User, reason: Option<&str>) -> Result<bool, AccountError> {
        let change = Change {
            reason: reason.map(str::to_owned),
            what: Some(What::Locked),
            told: Some("locked"),
            ..Change::new(&[AccountStatus::Active, AccountStatus::Suspended], AccountStatus::Locked)
        };
        self.change(user, change).await
    }

    /// Opens a locked account again, and tells the owner; lifts the waits after wrong passwords. `false` if it was neither
    /// locked nor anybody had to wait.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`].
    pub async fn unlock(&self, user: &User) -> Result<bool, AccountError> {
        let change = Change {
            what: Some(What::Unlocked),
            told: Some("unlocked"),
            ..Change::new(&[AccountStatus::Locked], AccountStatus::Active)
        };
        let opened = self.change(user, change).await?;
        let lifted = self.0.resolve(unlock::lift(self.0, user.id, self.1).await.map_err(Problem::Failure))?;
        Ok(opened || lifted)
    }

    /// Until when the next password for an account is not looked at, as too many were wrong, for whoever waits longest. A
    /// time that is past means that the next wrong one brings another wait. Nothing where nobody has to wait.
    /// [`unlock`](Self::unlock) ends it.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn waits_until(&self, user: &User) -> Result<Option<OffsetDateTime>, AccountError> {
        self.0.resolve(lockout::waits_until(self.0, user.id).await.map_err(Problem::Failure))
    }

    /// Switches an account on or off, whatever was with it before, and tells nobody; `false` if it is so already.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`]; [`AccountError::Invalid`] for the last administrator.
    pub async fn set_active(&self, user: &User, active: bool) -> Result<bool, AccountError> {
        use AccountStatus as Is;
        let change = match active {
            true => Change::new(&[Is::SwitchedOff, Is::Waiting, Is::Declined, Is::Suspended, Is::Locked], Is::Active),
            false => Change::new(&[Is::Active, Is::Waiting, Is::Declined, Is::Suspended, Is::Locked], Is::SwitchedOff),
        };
        self.change(user, change).await
    }

    /// Ends all that somebody is signed in with: sessions, remember-me cookies, tokens, API keys.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`].
    pub async fn end_sessions(&self, user: &User) -> Result<(), AccountError> {
        let now = crate::clock::Moment::of(self.0.clock());
        let (mut batch, mut patch) = (self.0.store().batch(), UserPatch::default());
        access::end_sessions(self.0, &mut batch, user, &mut patch, now);
        batch.update_user(user.id, &patch, now.datetime());
        self.note_end(&mut batch, user.id, "all sessions ended");
        self.0.resolve(self.0.store().commit(batch).await.map(drop).map_err(Problem::from))
    }

    /// Ends one session of somebody, by the id that pages show; `false` if there is no such session that could be used.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`].
    pub async fn end_session(&self, user_id: i64, session: &str) -> Result<bool, AccountError> {
        let now = crate::clock::Moment::of(self.0.clock()).datetime();
        let ended = async {
            let all = self.0.store().sessions_of(user_id).await?;
            let found = all.iter().find(|one| one.is_live(now) && public_id(&one.sid) == session);
            let Some(found) = found else { return Ok(false) };
            let mut batch = self.0.store().batch();
            batch.end_session(&found.sid, user_id, now);
            self.note_end(&mut batch, user_id, "session ended");
            match self.0.store().commit(batch).await {
                Ok(_) => Ok(true),
                Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
                Err(error) => Err(error.into()),
            }
        };
        self.0.resolve(ended.await)
    }

    pub(super) fn note_end(&self, batch: &mut Batch, user_id: i64, what: &str) {
        let entry = Audited::new("administered").about(user_id).with("what", what);
        let entry = if let Some(name) = self.1 { entry.with("by_name", name) } else { entry };
        self.0.audit().note(batch, entry);
    }

    async fn change(&self, user: &User, change: Change) -> Result<bool, AccountError> {
        let to = change.to;
        let changed = self.0.resolve(self.attempt(user, change).await)?;
        if changed {
            let by = self.1.map(str::to_owned);
            self.0.events().send(&Event::AccountStateChanged { user_id: user.id, status: to, by });
        }
        Ok(changed)
    }

    async fn attempt(&self, user: &User, change: Change) -> Result<bool, Problem> {
        let store = self.0.store();
        let Some(user) = store.user_by_id(user.id).await? else { return Ok(false) };
        let before = account::standing(self.0, &user).await?.status;
        if !change.from.contains(&before) {
            return Ok(false);
        }
        let exchange = Exchange::of_nobody(self.0.clone());
        let now = exchange.now.datetime();
        let mut batch = store.batch();
        self.mark(&mut batch, user.id, before, &change, now);
        let active = |active| UserPatch { active: Some(active), ..UserPatch::default() };
        let mut patch = active(change.to == AccountStatus::Active);
        if change.to == AccountStatus::Locked {
            access::end_access(self.0, &mut batch, &user, &mut patch, exchange.now);
        }
        // A step only where it can matter, so that other rows are not waited for.
        let left = (before == AccountStatus::Active)
            .then(|| last_administrator(&mut batch, self.0.admin_role(), user.id, now));
        batch.update_user_if(user.id, &active(before == AccountStatus::Active), &patch, now);
        if let Some(what) = change.what {
            exchange.note(&mut batch, user.id, what, None);
        }
        self.enter(&mut batch, user.id, before, &change);
        let mut post = exchange.post();
        if let Some(told) = change.told {
            letter(&exchange, &mut post, &user, told, &change)?;
        }
        match exchange.commit_and_send(batch, post).await {
            Ok(_) => Ok(true),
            Err(error) if left.is_some_and(|left| left.nobody(&error)) => {
                Err(Problem::Fields(vec![("user", messages::LAST_ADMINISTRATOR.into())]))
            }
            // It was not so any more.
            Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
            Err(error) => Err(Problem::Failure(Failure::from(error))),
        }
    }

    /// Enters the change in the audit log.
    fn enter(&self, batch: &mut Batch, user_id: i64, before: AccountStatus, change: &Change) {
        let switched = if change.to == AccountStatus::Active { "user-activated" } else { "user-deactivated" };
        let kind = change.what.map_or(switched, What::word);
        let mut what = Audited::new(kind).about(user_id).with("before", before.word());
        for (name, text) in [("by_name", self.1), ("reason", change.reason.as_deref())] {
            if let Some(text) = text {
                what = what.with(name, text);
            }
        }
        if let Some(until) = change.until {
            what = what.with("until", until.unix_timestamp());
        }
        self.0.audit().note(batch, what);
    }

    /// The mark beside the row. It goes by the one that was there, so that of two administrators one wins.
    fn mark(&self, batch: &mut Batch, user_id: i64, before: AccountStatus, change: &Change, now: OffsetDateTime) {
        match before {
            // What may be left there says nothing any more.
            AccountStatus::Active | AccountStatus::SwitchedOff => batch.clear_account_mark(user_id),
            marked => batch.unmark_account(user_id, marked.word()),
        };
        if !matches!(change.to, AccountStatus::Active | AccountStatus::SwitchedOff) {
            let (reason, by, until) = (change.reason.clone(), self.1.map(str::to_owned), change.until);
            batch.mark_account(user_id, &AccountMark { reason, by, until, ..change.to.mark() }, now);
        }
    }
}

/// Tells the owner.
fn letter(
    exchange: &Exchange,
    post: &mut Post,
    user: &User,
    told: &'static str,
    change: &Change,
) -> Result<(), Failure> {
    let settings = exchange.gate.settings();
    let mut context = about(user);
    if matches!(change.to, AccountStatus::Active) {
        context.insert("login_link".to_owned(), exchange.link_to(&exchange.gate.url("login")).into());
    }
    if told == "approved" {
        let subject = settings.text("email_subject_account_approved").to_owned();
        let template = settings.text("account_approved_email_template");
        return post.notice(exchange, Letter { template, subject, to: &user.email, context });
    }
    if !settings.flag("notify_account_state") {
        return Ok(());
    }
    context.insert("state".to_owned(), told.into());
    context.insert("reason".to_owned(), change.reason.clone().into());
    if let Some(until) = change.until.filter(|_| change.to == AccountStatus::Suspended) {
        context.insert("until".to_owned(), Said::At(until.unix_timestamp()).into());
    }
    let subject = settings.text("email_subject_account_state").to_owned();
    let template = settings.text("account_state_email_template");
    post.notice(exchange, Letter { template, subject, to: &user.email, context })
}
