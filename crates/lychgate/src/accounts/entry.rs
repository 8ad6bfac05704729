//! Who may have an account: invitations.

use super::{AccountError, Accounts, Problem};
use crate::{
    audit::Audited,
    clock::Moment,
    flow::{audit::Context, invitations},
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

    /// Takes the open invitation of an address back; `false` if there is none.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn uninvite(&self, email: &str) -> Result<bool, AccountError> {
        let now = Moment::of(self.0.clock()).datetime();
        let store = self.0.store();
        let taken_back = self.0.resolve(store.revoke_invitation(email.trim(), now).await.map_err(Problem::from))?;
        if taken_back {
            self.0.audit().enter_soon(Audited::new("invitation-revoked"), &Context::current());
        }
        Ok(taken_back)
    }
}
