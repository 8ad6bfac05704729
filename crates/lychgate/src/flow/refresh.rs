//! Refresh tokens: each is good once, and the next one takes its place.
//!
//! The tokens of one sign-in are a family; the database knows which is the last. One conditional write uses it up. An
//! older one that comes back was stolen, or its successor was: then the family ends, and its owner is told. For a short
//! while the one that was used last counts as well, and gives the same successor, so that several tabs can refresh at once.

use std::sync::Arc;

use lychgate_signing::tokens::RefreshTokenPayload;
use lychgate_store::{Batch, ErrorKind, RefreshFamily, User};
use time::{Duration, OffsetDateTime};

use super::{account, activity::What, notices::Notice, second_factor::Proof};
use crate::{
    events::Event,
    failure::Failure,
    messages,
    web::{config::RefreshConfig, cookie::Keep, exchange::Exchange, form::Message, session::key},
};

/// Why a token is refused, by the names of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Invalid,
    NotFound,
    GenMismatch,
    Expired,
    Revoked,
}

impl Refused {
    fn reason(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::NotFound => "NOT_FOUND",
            Self::GenMismatch => "GEN_MISMATCH",
            Self::Expired => "EXPIRED",
            Self::Revoked => "REVOKED",
        }
    }

    fn message(self) -> Message {
        Message::from(messages::REFRESH_TOKEN_INVALID).with("reason", self.reason())
    }
}

/// What may become of a token that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// It is the last of its family.
    Last,
    /// It was used a moment ago; its successor is the last.
    JustUsed,
}

/// Whether the token of this generation may be used, in the order in which the reference looks.
fn judge(config: &RefreshConfig, generation: i64, family: &RefreshFamily, now: OffsetDateTime) -> Result<Use, Refused> {
    let since_use = now - family.last_used_at;
    let is_before = generation.checked_add(1) == Some(family.generation);
    let found = if generation == family.generation {
        Use::Last
    } else if is_before && config.grace > Duration::ZERO && since_use <= config.grace {
        Use::JustUsed
    } else {
        return Err(Refused::GenMismatch);
    };
    if family.expires_at < now || since_use > config.max_idle {
        return Err(Refused::Expired);
    }
    if family.revoked_at.is_some() { Err(Refused::Revoked) } else { Ok(found) }
}

/// What an auth token tells of its bearer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vouched<'a> {
    /// When they proved who they are, unix seconds; 0 is never.
    pub(crate) proved_at: f64,
    /// When they last proved a second factor, unix seconds.
    pub(crate) second_factor_at: Option<f64>,
    /// The session that the token ends with.
    pub(crate) sid: Option<&'a str>,
}

/// A family whose last token was used up.
#[derive(Debug)]
pub(crate) struct Refreshed {
    pub(crate) user: Arc<User>,
    family: RefreshFamily,
}

#[allow(clippy::cast_precision_loss)] // unix seconds, as Python's timestamp()
fn seconds(time: OffsetDateTime) -> f64 {
    (time.unix_timestamp_nanos() / 1000) as f64 / 1e6
}

impl Exchange {
    /// The id of the session that `user` has here.
    fn session_of(&self, user: &User) -> Option<String> {
        self.session(|session| {
            let is_theirs = session.text(key::USER) == Some(user.fs_uniquifier.as_str());
            session.text(key::SESSION_ID).filter(|_| is_theirs).map(str::to_owned)
        })
    }

    /// An auth token for somebody who has just proved who they are; in the modern profile it ends with their session.
    pub(crate) fn new_auth_token(&self, user: &User) -> Result<String, Failure> {
        let sid = if self.config().token.ends_with_session { self.session_of(user) } else { None };
        let second_factor_at = self.last_proof(user, Proof::SecondFactor);
        let vouched = Vouched { proved_at: self.now.float(), second_factor_at, sid: sid.as_deref() };
        self.gate.auth_token(user, vouched, self.now)
    }

    /// Begins a family of refresh tokens, where they are switched on; its first token goes into a cookie, or is given
    /// back for the body.
    pub(crate) async fn begin_refresh(&self, user: &User) -> Result<Option<String>, Failure> {
        let Some(config) = &self.config().refresh else { return Ok(None) };
        let now = self.now.datetime();
        let family = RefreshFamily {
            family: uuid::Uuid::new_v4().simple().to_string(),
            user_id: user.id,
            generation: 1,
            name: "default".to_owned(),
            created_at: now,
            last_used_at: now,
            expires_at: now.saturating_add(config.max_age),
            revoked_at: None,
            sid: self.session_of(user),
        };
        let mut batch = self.gate.store().batch();
        let expired = config.cleans_expired.then_some(now);
        batch.clean_refresh_families(user.id, expired, now.saturating_sub(config.max_idle), config.cleans_ended);
        batch.open_refresh_family(&family);
        self.gate.store().commit(batch).await?;
        self.gate.events().send(&Event::RefreshFamilyBegun { user_id: user.id });
        self.hand_out(user, &family)
    }

    /// The token of a family's last generation: in the cookie, or given back for the body.
    fn hand_out(&self, user: &User, family: &RefreshFamily) -> Result<Option<String>, Failure> {
        let uid = user.fs_token_uniquifier.as_ref().unwrap_or(&user.fs_uniquifier);
        let payload = RefreshTokenPayload {
            user: uid.clone(),
            expires_at: seconds(family.expires_at),
            last_used_at: seconds(family.last_used_at),
            name: family.name.clone(),
            family: family.family.clone(),
            generation: family.generation,
        };
        let token = self.gate.refresh_codec().mint(&payload, self.now.unix()).map_err(Failure::internal)?;
        let cookie = self.config().refresh.as_ref().and_then(|config| config.cookie.as_ref());
        let Some((name, attributes)) = cookie else { return Ok(Some(token.into_string())) };
        self.set_cookie(attributes.set(name, token.as_str(), Keep::Session, self.is_https()));
        Ok(None)
    }

    /// The refresh token of the request's cookie; nothing where it goes by the body.
    pub(crate) fn refresh_cookie(&self) -> Option<String> {
        let (name, _) = self.config().refresh.as_ref()?.cookie.as_ref()?;
        // One that cannot be read is none.
        let signed = |value: &str| self.open_refresh_token(value).map(|_| value.to_owned());
        self.cookie(name, signed).or_else(|| self.cookie(name, |value| Some(value.to_owned())))
    }

    fn open_refresh_token(&self, text: &str) -> Option<RefreshTokenPayload> {
        self.gate.refresh_codec().redeem(text, self.now.unix()).ok().map(|redeemed| redeemed.payload)
    }

    /// Uses a refresh token up. The inner error is what the client is told.
    pub(crate) async fn refresh(&self, text: &str) -> Result<Result<Refreshed, Message>, Failure> {
        let Some(config) = &self.config().refresh else { return Ok(Err(Refused::Invalid.message())) };
        let Some(token) = self.open_refresh_token(text) else { return Ok(Err(Refused::Invalid.message())) };
        let (store, now) = (self.gate.store(), self.now.datetime());
        // Whoever comes second looks again, and finds what the first one did.
        for _ in 0..3 {
            let Some(family) = store.refresh_family(&token.family).await? else {
                return Ok(Err(Refused::NotFound.message()));
            };
            let found = match judge(config, token.generation, &family, now) {
                Ok(found) => found,
                Err(refused) => {
                    if refused == Refused::GenMismatch {
                        self.end_reused(&family).await?;
                    }
                    return Ok(Err(refused.message()));
                }
            };
            let user = self.user_of_token(&token.user).await?.filter(|user| user.id == family.user_id);
            let Some(user) = user else { return Ok(Err(messages::USER_DOES_NOT_EXIST.into())) };
            if let Some(problem) = account::problem_for_owner(self, &user).await? {
                return Ok(Err(problem.into()));
            }
            if found == Use::JustUsed {
                return Ok(Ok(Refreshed { user, family }));
            }
            let mut batch = store.batch();
            let idle_since = now.saturating_sub(config.max_idle);
            batch.rotate_refresh_family(&family.family, family.generation, idle_since, now);
            match store.commit(batch).await {
                Ok(_) => {
                    let generation = family.generation.saturating_add(1);
                    let family = RefreshFamily { generation, last_used_at: now, ..family };
                    return Ok(Ok(Refreshed { user, family }));
                }
                Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Busy { retry_after: 1 })
    }

    /// The new pair: an auth token, and the next refresh token where it goes by the body.
    pub(crate) async fn refreshed(&self, done: &Refreshed) -> Result<(String, Option<String>), Failure> {
        let Refreshed { user, family } = done;
        let fresh = self.config().refresh.as_ref().is_some_and(|config| config.is_fresh);
        let begun = seconds(family.created_at);
        // Whoever refreshes proves nothing anew; a time that cannot be is none.
        let proved_at =
            if fresh { self.now.float() } else { Some(begun).filter(|at| *at <= self.now.float()).unwrap_or(0.0) };
        let mut sid = None;
        if let Some(known) = family.sid.as_deref().filter(|_| self.config().token.ends_with_session) {
            // The session's own time may be over before the family's.
            sid = self.gate.store().session(known).await?.filter(|session| session.revoked_at.is_none());
        }
        let sid = sid.as_ref().map(|session| session.sid.as_str());
        let token = self.gate.auth_token(user, Vouched { proved_at, second_factor_at: None, sid }, self.now)?;
        Ok((token, self.hand_out(user, family)?))
    }

    /// The families of a user whose last token can be used, the last used first.
    pub(crate) async fn live_refresh_families(&self, user_id: i64) -> Result<Vec<RefreshFamily>, Failure> {
        let Some(config) = &self.config().refresh else { return Ok(Vec::new()) };
        let mut all = self.gate.store().refresh_families_of(user_id).await?;
        all.retain(|family| judge(config, family.generation, family, self.now.datetime()).is_ok());
        Ok(all)
    }

    /// Ends a family at its owner's wish; false if it had ended.
    pub(crate) async fn end_program(&self, family: &RefreshFamily) -> Result<bool, Failure> {
        let mut batch = self.gate.store().batch();
        batch.end_refresh_family(&family.family, self.now.datetime());
        self.note(&mut batch, family.user_id, What::ProgramEnded, None);
        match self.gate.store().commit(batch).await {
            Ok(_) => {
                self.tell_of_end(family.user_id, "OWNER");
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends a family of which an old token came back, and tells its owner; once.
    async fn end_reused(&self, family: &RefreshFamily) -> Result<(), Failure> {
        let mut batch = self.gate.store().batch();
        batch.end_refresh_family(&family.family, self.now.datetime());
        self.tell_of_reuse(batch, family.user_id).await
    }

    /// Does what ends a family of which an old token came back, and tells its owner; nothing if somebody else did.
    pub(crate) async fn tell_of_reuse(&self, mut batch: Batch, user_id: i64) -> Result<(), Failure> {
        let mut post = self.post();
        if let Some(user) = self.gate.store().user_by_id(user_id).await? {
            self.note(&mut batch, user.id, What::RefreshTokenReused, None);
            self.notify(&mut post, &user, &Notice::Access(messages::NOTICE_REFRESH_TOKEN_REUSED.into()))?;
        }
        match self.commit_and_send(batch, post).await {
            Ok(_) => {
                tracing::warn!(user_id, "a refresh token was used a second time; its family is ended");
                self.tell_of_end(user_id, Refused::GenMismatch.reason());
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn tell_of_end(&self, user_id: i64, reason: &'static str) {
        self.gate.events().send(&Event::RefreshFamilyEnded { user_id, reason });
    }

    /// Ends the family of a token that somebody gives back as they sign out, whichever of its tokens it is.
    pub(crate) async fn give_back_refresh(&self, text: &str) -> Result<(), Failure> {
        let Some(token) = self.open_refresh_token(text) else { return Ok(()) };
        let store = self.gate.store();
        let Some(family) = store.refresh_family(&token.family).await? else { return Ok(()) };
        let mut batch = store.batch();
        batch.end_refresh_family(&family.family, self.now.datetime());
        match store.commit(batch).await {
            Ok(_) => self.tell_of_end(family.user_id, "LOGOUT"),
            Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// At sign-out: the cookie goes, and with it the family that it belongs to.
    pub(crate) async fn drop_refresh_cookie(&self, was_signed_in: bool) -> Result<(), Failure> {
        let cookie = self.config().refresh.as_ref().and_then(|config| config.cookie.as_ref());
        let Some((name, attributes)) = cookie else { return Ok(()) };
        if let Some(text) = self.refresh_cookie() {
            self.give_back_refresh(&text).await?;
        }
        if was_signed_in || self.has_cookie(name) {
            self.set_cookie(attributes.set(name, "", Keep::Remove, self.is_https()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_good() {
        let start = OffsetDateTime::UNIX_EPOCH + Duration::days(10_000);
        let config = RefreshConfig {
            cookie: None,
            max_age: Duration::days(90),
            max_idle: Duration::days(7),
            grace: Duration::seconds(10),
            cleans_expired: true,
            cleans_ended: false,
            is_fresh: false,
        };
        let family = RefreshFamily {
            family: "f".to_owned(),
            user_id: 1,
            generation: 5,
            name: "default".to_owned(),
            created_at: start,
            last_used_at: start,
            expires_at: start + Duration::days(8),
            revoked_at: None,
            sid: None,
        };
        let at = |generation, seconds| judge(&config, generation, &family, start + Duration::seconds(seconds));
        assert_eq!(at(5, 0), Ok(Use::Last));
        assert_eq!(at(5, 7 * 86_400), Ok(Use::Last));
        assert_eq!(at(5, 7 * 86_400 + 1), Err(Refused::Expired));
        assert_eq!(at(4, 10), Ok(Use::JustUsed));
        for (generation, second) in [(4, 11), (3, 0), (6, 0), (0, 0), (i64::MAX, 0), (i64::MIN, 0)] {
            assert_eq!(at(generation, second), Err(Refused::GenMismatch), "{generation} {second}");
        }
        let ended = RefreshFamily { revoked_at: Some(start), ..family.clone() };
        for generation in [4, 5] {
            assert_eq!(judge(&config, generation, &ended, start), Err(Refused::Revoked));
        }
        let strict = RefreshConfig { grace: Duration::ZERO, ..config };
        assert_eq!(judge(&strict, 4, &family, start), Err(Refused::GenMismatch));
    }
}
