//! May this account be used? Whatever lets somebody in asks here.

use std::{collections::HashMap, sync::Arc};

use lychgate_store::{AccountMark, ErrorKind, User, UserPatch};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::activity::What;
use crate::{
    clock::Moment,
    events::Event,
    failure::Failure,
    gate::Lychgate,
    messages::{self, MessageKey, Said},
    web::{exchange::Exchange, form::Message},
};

/// What is with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountStatus {
    /// It can be used.
    Active,
    /// It is switched off (`active` of its row), nothing says why.
    SwitchedOff,
    /// It waits for an administrator's approval.
    Waiting,
    /// An administrator declined it.
    Declined,
    /// It rests, for a time or until somebody ends that.
    Suspended,
    /// It is closed for safety, and everything that was signed in has ended.
    Locked,
}

impl AccountStatus {
    const MARKED: [AccountStatus; 4] = [Self::Waiting, Self::Declined, Self::Suspended, Self::Locked];

    /// The word for it in JSON, on the command line and in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::SwitchedOff => "off",
            Self::Waiting => "waiting",
            Self::Declined => "declined",
            Self::Suspended => "suspended",
            Self::Locked => "locked",
        }
    }

    fn of_mark(word: &str) -> Self {
        Self::MARKED.into_iter().find(|status| status.word() == word).unwrap_or(Self::SwitchedOff)
    }

    /// The code in JSON replies: `account_suspended` and the like.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Active | Self::SwitchedOff => "account_off",
            Self::Waiting => "account_waiting",
            Self::Declined => "account_declined",
            Self::Suspended => "account_suspended",
            Self::Locked => "account_locked",
        }
    }

    pub(crate) fn mark(self) -> AccountMark {
        AccountMark { state: self.word().to_owned(), ..AccountMark::default() }
    }
}

/// What is with an account, since when, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// What is with it.
    pub status: AccountStatus,
    /// Since when, if that was noted.
    pub since: Option<OffsetDateTime>,
    /// When it ends by itself: a suspension then is over, a declined account is deleted.
    pub until: Option<OffsetDateTime>,
    /// Why. Its owner sees it.
    pub reason: Option<String>,
    /// Who did it, a name for people. Its owner does not see it.
    pub by: Option<String>,
}

impl Standing {
    fn plain(status: AccountStatus) -> Self {
        Self { status, since: None, until: None, reason: None, by: None }
    }

    fn marked(since: Option<OffsetDateTime>, mark: AccountMark) -> Self {
        Self { status: AccountStatus::of_mark(&mark.state), since, until: mark.until, reason: mark.reason, by: mark.by }
    }
}

/// What is with an account. A suspension whose time is over ends here, should nobody have noticed yet.
///
/// The row decides whether it can be used, so that another application on the same database goes by it too; the mark
/// beside it says why not.
pub(crate) async fn standing(gate: &Lychgate, user: &User) -> Result<Standing, Failure> {
    if user.active {
        return Ok(Standing::plain(AccountStatus::Active));
    }
    let found = gate.store().account_state(user.id).await?;
    let Some((since, mark)) = found.and_then(|state| Some((state.marked_at, state.mark?))) else {
        // The row at hand may be from before the account was switched on.
        let active = gate.store().user_by_id(user.id).await?.is_some_and(|user| user.active);
        return Ok(Standing::plain(if active { AccountStatus::Active } else { AccountStatus::SwitchedOff }));
    };
    let now = Moment::of(gate.clock()).datetime();
    if suspension_is_over(&mark, now) {
        return Ok(match end_suspension(gate, user.id, now).await? {
            true => Standing::plain(AccountStatus::Active),
            // Somebody else was faster, to whatever end.
            false => match gate.store().user_by_id(user.id).await? {
                Some(user) if user.active => Standing::plain(AccountStatus::Active),
                _ => Standing::plain(AccountStatus::SwitchedOff),
            },
        });
    }
    Ok(Standing::marked(since, mark))
}

fn suspension_is_over(mark: &AccountMark, now: OffsetDateTime) -> bool {
    mark.state == AccountStatus::Suspended.word() && mark.until.is_some_and(|until| until <= now)
}

/// What is with each of these accounts, in their order, as read a moment ago: one question for all.
pub(crate) async fn standings(gate: &Lychgate, users: &[Arc<User>]) -> Result<Vec<Standing>, Failure> {
    let off: Vec<i64> = users.iter().filter(|user| !user.active).map(|user| user.id).collect();
    let states = gate.store().account_states(&off).await?;
    let mut marks: HashMap<i64, _> =
        states.into_iter().filter_map(|state| Some((state.user_id, (state.marked_at, state.mark?)))).collect();
    let now = Moment::of(gate.clock()).datetime();
    let mut all = Vec::with_capacity(users.len());
    for user in users {
        all.push(match marks.remove(&user.id) {
            _ if user.active => Standing::plain(AccountStatus::Active),
            None => Standing::plain(AccountStatus::SwitchedOff),
            Some((_, mark)) if suspension_is_over(&mark, now) => standing(gate, user).await?,
            Some((since, mark)) => Standing::marked(since, mark),
        });
    }
    Ok(all)
}

/// Lets an account be used again whose suspension is over at `now`; `false` if it is not.
pub(crate) async fn end_suspension(gate: &Lychgate, user_id: i64, now: OffsetDateTime) -> Result<bool, Failure> {
    let mut batch = gate.store().batch();
    let active = |active| UserPatch { active: Some(active), ..UserPatch::default() };
    batch.unmark_account_if_over(user_id, AccountStatus::Suspended.word(), now).update_user_if(
        user_id,
        &active(false),
        &active(true),
        now,
    );
    Exchange::of_nobody(gate.clone()).note(&mut batch, user_id, What::Unsuspended, None);
    match gate.store().commit(batch).await {
        Ok(_) => {
            let status = AccountStatus::Active;
            gate.events().send(&Event::AccountStateChanged { user_id, status, by: None });
            Ok(true)
        }
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Looks after marks whose time is over: suspensions end, declined accounts are deleted.
pub(crate) async fn end_marks(gate: &Lychgate) -> Result<(), Failure> {
    let (store, now) = (gate.store(), Moment::of(gate.clock()).datetime());
    for state in store.marks_over(now, 1000).await? {
        let Some(mark) = state.mark else { continue };
        let status = AccountStatus::of_mark(&mark.state);
        let mut batch = store.batch();
        match status {
            AccountStatus::Suspended if end_suspension(gate, state.user_id, now).await? => continue,
            AccountStatus::Declined => {
                let off = UserPatch { active: Some(false), ..UserPatch::default() };
                batch
                    .unmark_account_if_over(state.user_id, &mark.state, now)
                    .update_user_if(state.user_id, &off, &off, now)
                    .delete_user(state.user_id);
                match store.commit(batch).await {
                    Ok(_) => continue,
                    Err(error) if matches!(error.kind(), ErrorKind::Unmet(_) | ErrorKind::Referenced) => {
                        tracing::debug!(user_id = state.user_id, %error, "a declined account was not deleted");
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            _ => {}
        }
        // Somebody switched the account on without us, or rows of the application refer to it: the mark is void.
        let mut batch = store.batch();
        batch.unmark_account_if_over(state.user_id, &mark.state, now);
        match store.commit(batch).await {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether nobody may act as this user, by whatever proof.
pub(crate) async fn is_blocked(gate: &Lychgate, user: &User) -> Result<bool, Failure> {
    Ok(standing(gate, user).await?.status != AccountStatus::Active)
}

/// Whether this user has set up codes as a second factor.
pub(crate) fn has_second_factor(user: &User) -> bool {
    user.tf_primary_method.as_deref().is_some_and(|method| !method.is_empty())
}

/// What stays the same while an account exists and differs from that of a later account with the same key, which SQLite
/// may give out again; none where the database has nothing of the kind.
pub(crate) fn anchor(user: &User) -> Option<String> {
    let made = user.create_datetime.map(|at| (at.unix_timestamp_nanos() / 1000).to_string());
    made.or_else(|| user.fs_webauthn_user_handle.clone())
}

/// Why an account may not be used, for somebody who has not proved to be its owner: whatever is with it, they hear the
/// same.
pub(crate) async fn problem(gate: &Lychgate, user: &User) -> Result<Option<MessageKey>, Failure> {
    if is_blocked(gate, user).await? {
        return Ok(Some(messages::DISABLED_ACCOUNT));
    }
    Ok(unconfirmed(gate, user))
}

/// Why somebody with the right secret may still not sign in. What an administrator did to the account is a failure of its
/// own, which the owner is told.
pub(crate) async fn problem_for_owner(exchange: &Exchange, user: &User) -> Result<Option<MessageKey>, Failure> {
    let standing = standing(&exchange.gate, user).await?;
    if standing.status != AccountStatus::Active {
        exchange.audit_blocked(user.id, &standing);
    }
    match standing.status {
        AccountStatus::Active => Ok(unconfirmed(&exchange.gate, user)),
        AccountStatus::SwitchedOff => Ok(Some(messages::DISABLED_ACCOUNT)),
        _ => Err(Failure::Stopped(Box::new(standing))),
    }
}

/// What the owner of an account that may not be used is told.
pub(crate) fn stopped_message(standing: &Standing) -> Message {
    let key = match (standing.status, standing.until) {
        (AccountStatus::Waiting, _) => messages::ACCOUNT_WAITING,
        (AccountStatus::Declined, _) => messages::ACCOUNT_DECLINED,
        (AccountStatus::Suspended, Some(until)) => {
            let until = Said::At(until.unix_timestamp());
            return Message::from(messages::ACCOUNT_SUSPENDED_UNTIL).with("until", until);
        }
        (AccountStatus::Suspended, None) => messages::ACCOUNT_SUSPENDED,
        (AccountStatus::Locked, _) => messages::ACCOUNT_CLOSED,
        (AccountStatus::Active | AccountStatus::SwitchedOff, _) => messages::DISABLED_ACCOUNT,
    };
    key.into()
}

fn unconfirmed(gate: &Lychgate, user: &User) -> Option<MessageKey> {
    let settings = gate.settings();
    let must_confirm = settings.flag("confirmable") && !settings.flag("login_without_confirmation");
    (must_confirm && user.confirmed_at.is_none()).then_some(messages::CONFIRMATION_REQUIRED)
}

/// What templates see of the current user.
pub(crate) fn template_view(gate: &Lychgate, user: &User) -> Value {
    let roles: Vec<&str> = user.roles.iter().map(|role| role.name.as_str()).collect();
    let identity = identity_text(gate, user);
    json!({
        "is_authenticated": true,
        "is_anonymous": false,
        "is_active": user.active,
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "identity": identity,
        "display_name": identity,
        "roles": roles,
        "extra": user.extra,
    })
}

/// The user's first identity attribute that is not empty.
pub(crate) fn identity_text(gate: &Lychgate, user: &User) -> String {
    let attributes = gate.settings().identity_attributes();
    let values = attributes.iter().filter_map(|attribute| user.column(&attribute.name));
    values.map(|value| value.to_string()).find(|value| !value.is_empty()).unwrap_or_else(|| user.email.clone())
}
