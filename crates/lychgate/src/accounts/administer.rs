//! What whoever runs the program does to accounts beyond their states.

use lychgate_store::{ErrorKind, StoreError, User};

use super::{AccountError, Accounts, Problem};
use crate::{
    audit::Audited,
    clock::Moment,
    events::Event,
    failure::Failure,
    flow::{access, administrators::last_administrator, letters, public_id::public_id},
    messages,
    web::exchange::Exchange,
};

/// Whether it happened; `false` where there was nothing to be done.
fn happened<T>(done: Result<T, StoreError>) -> Result<bool, Problem> {
    match done {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Accounts<'_> {
    /// Mails a link by which the owner of an account chooses a new password.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`], also with `recoverable` off, or without `base_url`, as the link has to begin somewhere.
    pub async fn send_reset(&self, user: &User) -> Result<(), AccountError> {
        let sent = async {
            let exchange = Exchange::of_nobody(self.0.clone());
            if !self.0.settings().flag("recoverable") {
                return Err(Failure::internal("`recoverable` is off, so the link of such a mail leads nowhere").into());
            }
            if exchange.config().base_url.is_none() && exchange.config().server_name.is_none() {
                return Err(Failure::internal("the link needs an address to begin with; set `base_url`").into());
            }
            let link = self.0.reset_link(user, exchange.now).await?;
            let (mut batch, mut post) = (self.0.store().batch(), exchange.post());
            exchange.write_link(&letters::RESET, user, &user.email, &link, &mut post)?;
            link.record(&mut batch);
            self.note_end(&mut batch, user.id, "mail for a new password sent");
            exchange.commit_and_send(batch, post).await?;
            Ok::<_, Problem>(())
        };
        self.0.resolve(sent.await)
    }

    /// Deletes an account at once, with all that is kept of it; `false` if it is gone already.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`], also where rows of the application refer to it; [`AccountError::Invalid`] for the last
    /// administrator.
    pub async fn delete(&self, user: &User) -> Result<bool, AccountError> {
        let now = Moment::of(self.0.clock()).datetime();
        let deleted = async {
            let mut batch = self.0.store().batch();
            let left = last_administrator(&mut batch, self.0.admin_role(), user.id, now);
            access::delete(&mut batch, user);
            let entry = Audited::new("user-deleted").about(user.id);
            self.0.audit().note(&mut batch, if let Some(name) = self.1 { entry.with("by_name", name) } else { entry });
            let done = match self.0.store().commit(batch).await {
                Err(error) if left.nobody(&error) => {
                    return Err(Problem::Fields(vec![("user", messages::LAST_ADMINISTRATOR.into())]));
                }
                Err(error) if matches!(error.kind(), ErrorKind::Referenced) => {
                    let text = "rows of other tables refer to this user; deactivate the user instead";
                    return Err(Failure::internal(text).into());
                }
                done => happened(done)?,
            };
            if done {
                self.0.events().send(&Event::AccountDeleted { user_id: user.id });
            }
            Ok(done)
        };
        self.0.resolve(deleted.await)
    }

    /// Ends a family of refresh tokens of somebody, by the id that pages show; `false` if there is no such family that goes
    /// on.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`].
    pub async fn end_refresh_family(&self, user_id: i64, family: &str) -> Result<bool, AccountError> {
        let now = Moment::of(self.0.clock()).datetime();
        let ended = async {
            let all = self.0.store().refresh_families_of(user_id).await?;
            let found = all.iter().find(|one| one.revoked_at.is_none() && public_id(&one.family) == family);
            let Some(found) = found else { return Ok(false) };
            let mut batch = self.0.store().batch();
            batch.end_refresh_family(&found.family, now);
            self.note_end(&mut batch, user_id, "refresh tokens ended");
            let done = happened(self.0.store().commit(batch).await)?;
            if done {
                self.0.events().send(&Event::RefreshFamilyEnded { user_id, reason: "REVOKED" });
            }
            Ok(done)
        };
        self.0.resolve(ended.await)
    }
}
