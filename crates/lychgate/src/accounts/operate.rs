//! What an administrator does to the accounts of others.

use lychgate_store::{Batch, ErrorKind, StoreError, User, UserPatch};
use serde_json::{Map, Value};

use crate::{
    audit::Audited,
    events::Event,
    failure::Failure,
    flow::{
        access::{self, end_access, end_sessions},
        account::{AccountStatus, standing},
        activity::What,
        administrators::{Left, last_administrator},
        audit::Context,
        impersonation, letters,
        public_id::public_id,
    },
    gate::Lychgate,
    identity,
    mail::Letter,
    messages::words,
    web::{exchange::Exchange, operator::Operator},
};

/// Why an administrator cannot do something to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// Nobody would be left with the role of administrators.
    LastAdministrator,
    /// It is the administrator's own account.
    Yourself,
    /// There is nothing to be done: the account is so already, or is gone.
    Nothing,
    /// Other rows refer to it, which the application has to take care of first.
    Referenced,
    /// The settings do not have it.
    Off,
    /// It is the account of an administrator, or whoever asks is none any more.
    Administrator,
    /// The account has these permissions, and the administrator does not.
    MoreRights(Vec<String>),
    /// A session of the administrator's own is needed for this.
    NoSession,
    /// The account may not be used.
    NotUsable,
    /// A reason is missing, or too long.
    NoReason,
    /// It did not work; the text is for the operator.
    Failed(String),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LastAdministrator => words("Nobody else is an administrator, so this account has to stay one."),
            Self::Yourself => words("This is your own account."),
            Self::Nothing => words("There was nothing to change."),
            Self::Referenced => words("Other records of the application refer to this, so it cannot be deleted."),
            Self::Off => words("The settings have switched this off."),
            Self::Administrator => words("Nobody acts as an administrator."),
            Self::MoreRights(_) => words("This account may do what you may not."),
            Self::NoSession => words("This needs a session of your own: sign in with a browser."),
            Self::NotUsable => words("This account cannot be used at the moment."),
            Self::NoReason => words("Say why, in at most 300 characters."),
            Self::Failed(text) => text,
        })
    }
}

impl std::error::Error for Refused {}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Internal(text) => Self::Failed(text),
            Failure::Busy { .. } => Self::Failed("the database is busy or away; try again".to_owned()),
            other => Self::Failed(format!("{other:?}")),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error.kind() {
            ErrorKind::Unmet(_) => Self::Nothing,
            ErrorKind::Referenced => Self::Referenced,
            _ => Failure::from(error).into(),
        }
    }
}

type Done = Result<(), Refused>;

/// A letter that says nothing but that letters arrive.
fn test_letter(to: &str, context: Map<String, Value>) -> Letter<'_> {
    Letter { template: "security/email/test_mail", subject: "A mail to try out".to_owned(), to, context }
}

impl Lychgate {
    /// The role of administrators, `admin_role` of the settings.
    #[must_use]
    pub fn admin_role(&self) -> &str {
        self.settings().text("admin_role")
    }

    /// Sends a mail that says nothing else to an address, at once and beside the outbox, the way that all mails go. Gives
    /// what the mail server answered.
    ///
    /// # Errors
    ///
    /// One line: what is wrong with the address, or what the mail server said.
    pub async fn send_test_mail(&self, to: &str) -> Result<String, String> {
        let address = identity::map(self.identity_rules(), "uia_email_mapper", to.trim());
        let address = address.ok_or_else(|| format!("\"{to}\" is no mail address"))?;
        let letter = test_letter(&address, Map::new());
        Exchange::of_nobody(self.clone()).try_letter(letter).await
    }

    /// The path of the panel of administrators, `admin_url` of the settings, without a slash at its end.
    #[must_use]
    pub fn admin_url(&self) -> &str {
        self.settings().text("admin_url").trim_end_matches('/')
    }
}

impl Operator {
    fn batch(&self) -> Batch {
        self.gate().store().batch()
    }

    /// Notes what was done to an account, by whom.
    fn note(&self, batch: &mut Batch, user_id: i64, what: &str) {
        let detail = format!("{what} ({})", self.name());
        self.exchange.note(batch, user_id, What::Administered, Some(&detail));
        self.enter(batch, Audited::new("administered").about(user_id).with("what", what));
    }

    /// Enters in the audit log what was done.
    fn enter(&self, batch: &mut Batch, what: Audited) {
        self.gate().audit().note_in(batch, what.by(self.who.user.id), &Context::of(&self.exchange));
    }

    fn spare_last(&self, batch: &mut Batch, user_id: i64) -> Left {
        last_administrator(batch, self.gate().admin_role(), user_id, self.now())
    }

    /// Commits a batch that spares the last administrator.
    async fn sparing(&self, batch: Batch, left: Left) -> Done {
        match self.gate().store().commit(batch).await {
            Ok(_) => Ok(()),
            Err(error) if left.nobody(&error) => Err(Refused::LastAdministrator),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets an account be used, or not: then its sessions end, and its tokens stop working.
    ///
    /// # Errors
    ///
    /// [`Refused`]; one's own account and that of the last administrator stay active.
    pub async fn set_active(&self, user: &User, active: bool) -> Done {
        let to = if active { AccountStatus::Active } else { AccountStatus::SwitchedOff };
        // Not the row alone: a suspended account is off for a time, and is to stay so.
        if standing(self.gate(), user).await?.status == to {
            return Err(Refused::Nothing);
        }
        if !active && user.id == self.who.user.id {
            return Err(Refused::Yourself);
        }
        let now = self.exchange.now;
        let mut batch = self.batch();
        // Whatever was with the account, this comes in its place.
        batch.clear_account_mark(user.id);
        let mut patch = UserPatch { active: Some(active), ..UserPatch::default() };
        let expected = UserPatch { active: Some(user.active), ..UserPatch::default() };
        let left = (!active).then(|| self.spare_last(&mut batch, user.id));
        if !active {
            end_sessions(self.gate(), &mut batch, user, &mut patch, now);
        }
        batch.update_user_if(user.id, &expected, &patch, now.datetime());
        self.note(&mut batch, user.id, if active { "activated" } else { "deactivated" });
        match left {
            Some(left) => self.sparing(batch, left).await?,
            None => drop(self.gate().store().commit(batch).await?),
        }
        let changed = Event::AccountStateChanged { user_id: user.id, status: to, by: Some(self.name()) };
        self.gate().events().send(&changed);
        Ok(())
    }

    /// Gives a role.
    ///
    /// # Errors
    ///
    /// [`Refused`]; [`Refused::Nothing`] if there is no such role or the user has it.
    pub async fn give_role(&self, user: &User, role: &str) -> Done {
        if user.has_role(role) || self.gate().store().role_by_name(role).await?.is_none() {
            return Err(Refused::Nothing);
        }
        let mut batch = self.batch();
        batch.add_role(user.id, role);
        self.note(&mut batch, user.id, &format!("role {role} given"));
        Ok(self.gate().store().commit(batch).await.map(drop)?)
    }

    /// Takes a role away.
    ///
    /// # Errors
    ///
    /// [`Refused`]; the last administrator keeps that role.
    pub async fn take_role(&self, user: &User, role: &str) -> Done {
        if !user.has_role(role) {
            return Err(Refused::Nothing);
        }
        let mut batch = self.batch();
        let left = (role == self.gate().admin_role()).then(|| self.spare_last(&mut batch, user.id));
        batch.remove_role(user.id, role);
        self.note(&mut batch, user.id, &format!("role {role} taken"));
        match left {
            Some(left) => self.sparing(batch, left).await,
            None => Ok(self.gate().store().commit(batch).await.map(drop)?),
        }
    }

    /// Takes everything away that lets anybody in as this user but the password.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub async fn reset_access(&self, user: &User) -> Done {
        let fresh = || uuid::Uuid::new_v4().simple().to_string();
        let now = self.exchange.now;
        let mut batch = self.batch();
        let mut patch = UserPatch::default();
        end_access(self.gate(), &mut batch, user, &mut patch, now);
        batch.reset_user_access(user.id, &fresh(), &fresh(), now.datetime());
        self.note(&mut batch, user.id, "access reset");
        Ok(self.gate().store().commit(batch).await.map(drop)?)
    }

    /// Mails a link by which the owner chooses a new password.
    ///
    /// # Errors
    ///
    /// [`Refused`]; [`Refused::Off`] without `recoverable`.
    pub async fn send_reset(&self, user: &User) -> Done {
        if !self.gate().settings().flag("recoverable") {
            return Err(Refused::Off);
        }
        let link = self.gate().reset_link(user, self.exchange.now).await?;
        self.exchange.mail_link(&letters::RESET, user, &user.email, &link).await?;
        let mut batch = self.batch();
        self.note(&mut batch, user.id, "mail for a new password sent");
        Ok(self.gate().store().commit(batch).await.map(drop)?)
    }

    /// Ends one session of somebody, by the id that pages show.
    ///
    /// # Errors
    ///
    /// [`Refused`]; [`Refused::Nothing`] if there is no such session.
    pub async fn end_session(&self, user_id: i64, session: &str) -> Done {
        let now = self.now();
        let all = self.gate().store().sessions_of(user_id).await?;
        let found = all.iter().find(|one| one.is_live(now) && public_id(&one.sid) == session);
        let found = found.ok_or(Refused::Nothing)?;
        let mut batch = self.batch();
        batch.end_session(&found.sid, user_id, now);
        let support = found.via == impersonation::VIA;
        self.note(
            &mut batch,
            user_id,
            if support { "session of an administrator as this user ended" } else { "session ended" },
        );
        Ok(self.gate().store().commit(batch).await.map(drop)?)
    }

    /// Takes an API key of somebody back.
    ///
    /// # Errors
    ///
    /// [`Refused`]; [`Refused::Nothing`] if there is no such key of theirs that could be taken back.
    pub async fn revoke_api_key(&self, user_id: i64, id: &str) -> Done {
        let key = self.gate().store().api_key(id).await?.filter(|key| key.user_id == user_id);
        let key = key.ok_or(Refused::Nothing)?;
        let mut batch = self.batch();
        batch.revoke_api_key(&key.id, user_id, self.now());
        self.note(&mut batch, user_id, &format!("API key {} taken back", key.name));
        self.gate().store().commit(batch).await?;
        self.gate().events().send(&Event::ApiKeyRevoked { user_id, id: key.id });
        Ok(())
    }

    /// Ends a family of refresh tokens of somebody, by the id that pages show.
    ///
    /// # Errors
    ///
    /// [`Refused`]; [`Refused::Nothing`] if there is no such family of theirs that goes on.
    pub async fn end_refresh_family(&self, user_id: i64, family: &str) -> Done {
        let all = self.gate().store().refresh_families_of(user_id).await?;
        let found = all.iter().find(|one| one.revoked_at.is_none() && public_id(&one.family) == family);
        let mut batch = self.batch();
        batch.end_refresh_family(&found.ok_or(Refused::Nothing)?.family, self.now());
        self.note(&mut batch, user_id, "refresh tokens ended");
        self.gate().store().commit(batch).await?;
        self.gate().events().send(&Event::RefreshFamilyEnded { user_id, reason: "REVOKED" });
        Ok(())
    }

    /// Sends a mail to the administrator's own address at once, beside the outbox; gives that address.
    ///
    /// # Errors
    ///
    /// [`Refused::Failed`] with what the mail server said.
    pub async fn send_test_mail(&self) -> Result<String, Refused> {
        let to = self.who.user.email.clone();
        let letter = test_letter(&to, letters::about(&self.who.user));
        self.exchange.try_letter(letter).await.map_err(Refused::Failed)?;
        Ok(to)
    }

    /// Notes in the transaction of a change what the administrator did that is about no account.
    pub fn note_own_in(&self, batch: &mut Batch, what: &str) {
        self.note(batch, self.who.user.id, what);
    }

    /// Ends all that somebody is signed in with: sessions, remember-me cookies, tokens.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub async fn end_sessions(&self, user: &User) -> Done {
        let mut batch = self.batch();
        let mut patch = UserPatch::default();
        end_sessions(self.gate(), &mut batch, user, &mut patch, self.exchange.now);
        batch.update_user(user.id, &patch, self.now());
        self.note(&mut batch, user.id, "all sessions ended");
        Ok(self.gate().store().commit(batch).await.map(drop)?)
    }

    /// Deletes an account at once, with all that is kept of it.
    ///
    /// # Errors
    ///
    /// [`Refused`]; one's own account and that of the last administrator stay.
    pub async fn delete(&self, user: &User) -> Done {
        if user.id == self.who.user.id {
            return Err(Refused::Yourself);
        }
        let mut batch = self.batch();
        let left = self.spare_last(&mut batch, user.id);
        access::delete(&mut batch, user);
        // The account's own activity goes with it; the administrator's stays.
        let detail = format!("deleted {} ({})", user.email, self.name());
        self.exchange.note(&mut batch, self.who.user.id, What::Administered, Some(&detail));
        self.enter(&mut batch, Audited::new("user-deleted").about(user.id));
        self.sparing(batch, left).await?;
        self.gate().events().send(&Event::AccountDeleted { user_id: user.id });
        Ok(())
    }

    /// Notes among the administrator's own activity, and in the audit log, what they did that is about no account.
    pub async fn note_own(&self, what: &str) {
        let mut batch = self.batch();
        self.note(&mut batch, self.who.user.id, what);
        self.write_note(batch, what).await;
    }

    /// Notes among the administrator's own activity what they did to somebody, which the audit log has already. Unlike
    /// there, it may name the other one: an entry about the administrator is not erased with the other's account.
    pub async fn remember_own(&self, what: &str) {
        let mut batch = self.batch();
        self.exchange.note(&mut batch, self.who.user.id, What::Administered, Some(what));
        self.write_note(batch, what).await;
    }

    async fn write_note(&self, batch: Batch, what: &str) {
        if let Err(error) = self.gate().store().commit(batch).await {
            tracing::warn!(%error, what, "what an administrator did was not noted");
        }
    }
}
