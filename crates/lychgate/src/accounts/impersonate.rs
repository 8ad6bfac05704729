//! An administrator acts as somebody else.

use std::sync::Arc;

use lychgate_store::User;
use time::OffsetDateTime;

use super::operate::Refused;
use crate::{
    flow::{
        account,
        impersonation::{Obstacle, obstacle},
    },
    web::{identify::Mechanism, operator::Operator},
};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 300;

impl Operator {
    /// Why the administrator may not act as `user`; nothing if they may.
    ///
    /// # Errors
    ///
    /// [`Refused::Failed`] if the database does not answer.
    pub async fn impersonation_refused(&self, user: &Arc<User>) -> Result<Option<Refused>, Refused> {
        if !self.gate().settings().flag("impersonation") {
            return Ok(Some(Refused::Off));
        }
        if user.id == self.who.user.id {
            return Ok(Some(Refused::Yourself));
        }
        // Nobody acts as somebody who acts as somebody, and only a session can be put away and taken back.
        if self.who.via != Mechanism::Session || self.who.impersonator.is_some() {
            return Ok(Some(Refused::NoSession));
        }
        if !user.active || account::problem(self.gate(), user).await?.is_some() {
            return Ok(Some(Refused::NotUsable));
        }
        Ok(obstacle(self.gate(), &self.who.user, user).await?.map(|obstacle| match obstacle {
            Obstacle::NoAdministrator | Obstacle::Administrator => Refused::Administrator,
            Obstacle::MoreRights(more) => Refused::MoreRights(more),
        }))
    }

    /// Lets the administrator act as `user`, from the next request of this browser on, until the moment that comes back
    /// or until they end it. The owner is told, and it is entered in the audit log, both with the reason.
    ///
    /// The route that calls this asks for a fresh proof: see [`fresh_proof`](crate::guard::fresh_proof).
    ///
    /// # Errors
    ///
    /// [`Refused`]; a reason has 1 to 300 characters.
    pub async fn impersonate(&self, user: &Arc<User>, reason: &str) -> Result<OffsetDateTime, Refused> {
        if let Some(refused) = self.impersonation_refused(user).await? {
            return Err(refused);
        }
        let reason: String = reason.chars().filter(|c| !c.is_control()).collect();
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
            return Err(Refused::NoReason);
        }
        Ok(self.exchange.impersonate(&self.who.user, user, reason).await?)
    }

    /// Where the application sends `user` after sign-in.
    #[must_use]
    pub fn landing_of(&self, user: &User) -> String {
        self.gate().landing_of(user).unwrap_or_else(|| self.exchange.root())
    }
}
