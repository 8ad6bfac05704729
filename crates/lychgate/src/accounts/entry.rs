//! Who may have an account: invitations and approval.

use lychgate_store::{ErrorKind, User, UserPatch};

use super::{AccountError, Accounts, Problem};
use crate::{
    clock::Moment,
    failure::Failure,
    flow::{
        invitations::{self, WAITING},
        letters::about,
    },
    mail::Letter,
    web::exchange::Exchange,
};

impl Accounts<'_> {
    /// Invites somebody to make an account with this address and these roles, by mail, and gives the link in it. Earlier
    /// invitations of the address end. `inviter` is a name for people.
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`] for an address that is none or has an account, [`AccountError::Failed`] for an unknown
    /// role, without `base_url` or with `registerable` off.
    pub async fn invite(&self, email: &str, roles: &[String], inviter: Option<&str>) -> Result<String, AccountError> {
        self.0.resolve(invitations::invite(self.0, email, roles, inviter).await)
    }

    /// Whether this account waits to be approved.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn is_waiting(&self, user: &User) -> Result<bool, AccountError> {
        let found = self.0.store().account_state(user.id).await.map_err(Problem::from);
        let state = self.0.resolve(found)?;
        Ok(state.and_then(|state| state.mark).is_some_and(|mark| mark.state == WAITING))
    }

    /// Lets an account that waits be used, and tells its owner; `false` if it does not wait.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`].
    pub async fn approve(&self, user: &User) -> Result<bool, AccountError> {
        let exchange = Exchange::of_nobody(self.0.clone());
        let settings = self.0.settings();
        let approved = async {
            let mut batch = self.0.store().batch();
            batch.unmark_account(user.id, WAITING);
            let patch = UserPatch { active: Some(true), ..UserPatch::default() };
            batch.update_user(user.id, &patch, exchange.now.datetime());
            let mut post = exchange.post();
            let mut context = about(user);
            context.insert("login_link".to_owned(), exchange.link_to(&self.0.url("login")).into());
            let letter = Letter {
                template: settings.text("account_approved_email_template"),
                subject: settings.text("email_subject_account_approved").to_owned(),
                to: &user.email,
                context,
            };
            post.letter(&exchange, letter)?;
            met(exchange.commit_and_send(batch, post).await.map(drop))
        };
        self.0.resolve(approved.await)
    }

    /// Declines an account that waits: it is deleted, and its address is free again; `false` if it does not wait.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`].
    pub async fn decline(&self, user: &User) -> Result<bool, AccountError> {
        let declined = async {
            let mut batch = self.0.store().batch();
            batch.unmark_account(user.id, WAITING).delete_user(user.id);
            met(self.0.store().commit(batch).await.map(drop))
        };
        self.0.resolve(declined.await)
    }

    /// Takes the open invitation of an address back; `false` if there is none.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn uninvite(&self, email: &str) -> Result<bool, AccountError> {
        let now = Moment::of(self.0.clock()).datetime();
        self.0.resolve(self.0.store().revoke_invitation(email.trim(), now).await.map_err(Problem::from))
    }
}

/// Turns "that was not so any more" into `false`.
fn met(done: Result<(), lychgate_store::StoreError>) -> Result<bool, Problem> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(0)) => Ok(false),
        Err(error) => Err(Problem::Failure(Failure::from(error))),
    }
}
