//! The checks that guards and features share: who may pass, by which mechanism, how fresh, with which rights.

use std::{borrow::Cow, sync::Arc};

use lychgate_store::User;

use super::{
    config::Freshness,
    exchange::Exchange,
    identify::{Authenticated, Mechanism},
    session::key,
};
use crate::{
    failure::{Failure, Refused},
    flow::account::{self, AccountStatus},
    principal::{Identity, Permission},
};

impl Exchange {
    /// Lets in whoever one of `mechanisms` proves, tried in the order API key, token, JSON Web Token, session, basic.
    /// Identity, freshness and CSRF duty then come from that mechanism. A credential of somebody else beside it is refused.
    pub(crate) async fn admit(
        &self,
        mechanisms: &[Mechanism],
        realm: Option<Cow<'static, str>>,
    ) -> Result<Arc<Authenticated>, Failure> {
        for mechanism in [Mechanism::ApiKey, Mechanism::Token, Mechanism::Jwt, Mechanism::Session, Mechanism::Basic] {
            if !mechanisms.contains(&mechanism) {
                continue;
            }
            let Some(found) = self.by(mechanism).await? else { continue };
            if mechanism != Mechanism::Session
                && let Some(other) = self.by(Mechanism::Session).await?
                && other.user.id != found.user.id
            {
                break;
            }
            self.csrf_for(mechanism)?;
            *self.admitted.lock() = Some(Arc::clone(&found));
            return Ok(found);
        }
        let basic = mechanisms.contains(&Mechanism::Basic);
        let realm = basic.then(|| realm.unwrap_or_else(|| self.config().realm.clone().into()));
        Err(Failure::Unauthenticated { realm })
    }

    /// The account that a right proof names, unless it may not be used. What an administrator did to it is kept for the
    /// reply: whoever brings the proof may know. Every mechanism asks here.
    pub(crate) async fn usable(&self, user: Option<Arc<User>>) -> Result<Option<Arc<User>>, Failure> {
        let Some(user) = user else { return Ok(None) };
        if user.active {
            return Ok(Some(user));
        }
        let standing = account::standing(&self.gate, &user).await?;
        match standing.status {
            AccountStatus::Active => Ok(self.gate.store().user_by_id(user.id).await?),
            AccountStatus::SwitchedOff => Ok(None),
            _ => {
                *self.stopped.lock() = Some(standing);
                Ok(None)
            }
        }
    }

    /// Whether the proof of identity is recent enough; a success extends it by the grace period.
    pub(crate) fn is_fresh(&self, who: &Authenticated, rule: Freshness) -> bool {
        let fresh = self.is_recent(who, rule);
        if fresh && who.via == Mechanism::Session && rule.within >= 0.0 {
            #[allow(clippy::cast_possible_truncation)] // unix seconds
            let until = (self.now.float() + rule.grace) as i64;
            self.session(|session| session.set(key::GRACE_UNTIL, until));
        }
        fresh
    }

    /// Whether the proof of identity is recent enough; nothing is extended.
    pub(crate) fn is_recent(&self, who: &Authenticated, rule: Freshness) -> bool {
        // An administrator proves nothing for somebody else.
        if who.impersonator.is_some() {
            return false;
        }
        if who.via == Mechanism::Basic || rule.within < 0.0 {
            return true;
        }
        // A key proves nothing of now.
        if who.via == Mechanism::ApiKey || (who.via == Mechanism::Token && !rule.allow_token) {
            return false;
        }
        let now = self.now.float();
        let grace_until = self.session(|session| session.number(key::GRACE_UNTIL));
        let in_grace = who.via == Mechanism::Session && grace_until.is_some_and(|until| now < until);
        let recent = who.proved_at.is_some_and(|at| (now - at).abs() < rule.within);
        in_grace || recent
    }

    /// The rule of the settings.
    pub(crate) fn freshness(&self) -> Freshness {
        self.config().freshness
    }

    /// Refuses whoever lacks `permission`; an anonymous caller lacks every one.
    pub(crate) async fn authorize(&self, permission: &Permission) -> Result<(), Failure> {
        match self.caller().await? {
            Some(who) => require(permission, who.identity()),
            None => require(permission, &Identity::anonymous()),
        }
    }

    /// Only for people who are not signed in.
    pub(crate) async fn anonymous_only(&self) -> Result<(), Failure> {
        if self.current().await?.is_some() { Err(Failure::AlreadySignedIn) } else { Ok(()) }
    }
}

/// Refuses whoever `permission` does not allow, and says why to whoever may know.
pub(crate) fn require(permission: &Permission, identity: &Identity) -> Result<(), Failure> {
    if permission.allows(identity) {
        return Ok(());
    }
    let missing = permission.explain(identity).missing();
    Err(Failure::Forbidden { refused: Some(Box::new(Refused::new(permission.to_string(), missing))) })
}
