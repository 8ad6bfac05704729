//! An administrator acts as somebody else, to see what they see: with a reason, for a bounded time, seen on every page.
//!
//! The session's cookie then holds one more thing: the administrator's own session, put away, and until when. That is signed
//! as the rest of the cookie, and believed only while both sessions are in the registry, both accounts may be used, and the
//! administrator still may. When it is over, the request that finds that out is nobody's, and the next one is the
//! administrator's.

use std::{collections::BTreeSet, sync::Arc};

use lychgate_signing::session::{Map, Value};
use lychgate_store::{Batch, User};
use serde_json::json;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{activity::What, letters, second_factor};
use crate::{
    audit::Audited,
    events::Event,
    failure::Failure,
    flow::audit::Context,
    gate::Lychgate,
    mail::Letter,
    messages,
    principal::Need,
    rights,
    web::{
        exchange::Exchange,
        identify::{Authenticated, Mechanism},
        session::{Session, key},
    },
};

/// By what such a session was begun, in the registry.
pub(crate) const VIA: &str = "support";

/// What is put away of the administrator's own session.
const KEPT: [&str; 7] =
    [key::USER, key::FRESH, key::IDENTIFIER, key::SESSION_ID, key::PRIMARY_AUTH_AT, key::PROOFS, key::STEPS];

/// Routes of ours that stay open meanwhile: the ways out, and what is about nobody. All others are closed, so that what a
/// new one shows or changes is closed, too.
const OPEN: [&str; 8] =
    ["impersonate_end", "jwks", "language", "logout", "openapi", "openapi_page", "passkey_endpoints", "static"];

/// An administrator who acts as the current user.
#[derive(Clone, Debug)]
pub struct Impersonator {
    user: Arc<User>,
    until: OffsetDateTime,
}

impl Impersonator {
    /// The key of the administrator's row.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.user.id
    }

    /// The administrator's e-mail address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.user.email
    }

    /// When it ends by itself.
    #[must_use]
    pub fn until(&self) -> OffsetDateTime {
        self.until
    }
}

/// Why an administrator may not act as somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Whoever wants to is no administrator.
    NoAdministrator,
    /// It is the account of an administrator, or of somebody with a role that nobody may take on.
    Administrator,
    /// The account has these permissions, and the administrator does not.
    MoreRights(Vec<String>),
}

/// What stands in the way of `admin` acting as `user`.
pub(crate) async fn obstacle(
    gate: &Lychgate,
    admin: &Arc<User>,
    user: &Arc<User>,
) -> Result<Option<Obstacle>, Failure> {
    let role = gate.admin_role();
    if !admin.has_role(role) {
        return Ok(Some(Obstacle::NoAdministrator));
    }
    // What a role is worth that only pages ask for by its name, only the settings can say.
    let apart = gate.settings().list("impersonation_protected_roles");
    if admin.id == user.id || user.has_role(role) || apart.iter().any(|role| user.has_role(role)) {
        return Ok(Some(Obstacle::Administrator));
    }
    let theirs = permissions(gate, user).await?;
    let own = permissions(gate, admin).await?;
    let more: Vec<String> = theirs.difference(&own).map(|need| need.value().to_string()).collect();
    Ok((!more.is_empty()).then_some(Obstacle::MoreRights(more)))
}

/// The permissions of an account, by its roles and by what the application adds.
async fn permissions(gate: &Lychgate, user: &Arc<User>) -> Result<BTreeSet<Need>, Failure> {
    let added = gate.added_needs(user).await?;
    let mut all = rights::provides(user, &user.roles, &added);
    let method = Need::permission("").method().to_owned();
    all.retain(|need| need.method() == method);
    Ok(all)
}

/// What the cookie says.
#[derive(Debug)]
struct Marker {
    /// The administrator's id, uniquifier and session.
    by: i64,
    admin: String,
    own_sid: String,
    /// The other one's uniquifier, and the session that was begun.
    user: String,
    sid: String,
    /// Unix seconds.
    until: f64,
    kept: Map,
}

impl Marker {
    /// Nothing if the session is not the one that was begun then: an application that shares the cookie may have signed
    /// somebody else in.
    fn of(session: &Session) -> Option<Self> {
        let map = session.map_of(key::IMPERSONATION)?;
        let kept = map.get("kept")?.as_map()?.clone();
        let text = |map: &Map, name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
        let marker = Self {
            by: map.get("by")?.as_i64()?,
            admin: text(&kept, key::USER)?,
            own_sid: text(&kept, key::SESSION_ID)?,
            user: text(map, "as")?,
            sid: text(map, "sid")?,
            until: map.get("until")?.as_f64()?,
            kept,
        };
        let fits = session.text(key::USER) == Some(&marker.user) && session.text(key::SESSION_ID) == Some(&marker.sid);
        fits.then_some(marker)
    }
}

impl Exchange {
    fn marker(&self) -> Option<Marker> {
        self.session(|session| {
            let marker = Marker::of(session);
            if marker.is_none() {
                session.remove(key::IMPERSONATION);
            }
            marker
        })
    }

    /// Whom a session is about in which an administrator acts as somebody else. The outer nothing: it is no such session.
    pub(crate) async fn impersonated_user(&self) -> Result<Option<Option<Arc<Authenticated>>>, Failure> {
        let Some(marker) = self.marker() else { return Ok(None) };
        let found = match self.live_impersonation(&marker).await? {
            Some((user, by)) => self.recognised(user, Mechanism::Session, None, Some(by)).await?,
            None => {
                self.impersonation_is_over(marker).await?;
                None
            }
        };
        Ok(Some(found))
    }

    async fn live_impersonation(&self, marker: &Marker) -> Result<Option<(Arc<User>, Impersonator)>, Failure> {
        let (store, now) = (self.gate.store(), self.now.datetime());
        if !self.gate.settings().flag("impersonation") || self.now.float() >= marker.until {
            return Ok(None);
        }
        let Some(admin) = store.user_by_uniquifier(&marker.admin).await? else { return Ok(None) };
        let Some(user) = store.user_by_uniquifier(&marker.user).await? else { return Ok(None) };
        let (own, begun) = (store.session(&marker.own_sid).await?, store.session(&marker.sid).await?);
        let own = own.is_some_and(|own| own.user_id == admin.id && own.revoked_at.is_none() && self.goes_on_now(&own));
        let begun = begun.is_some_and(|one| one.user_id == user.id && one.via == VIA && one.is_live(now));
        if !own || !begun || !admin.active || !user.active || admin.id != marker.by {
            return Ok(None);
        }
        if obstacle(&self.gate, &admin, &user).await?.is_some() {
            return Ok(None);
        }
        let until = at(marker.until).unwrap_or(now);
        Ok(Some((user, Impersonator { user: admin, until })))
    }

    /// Ends what has ended by itself, or was ended by somebody else.
    async fn impersonation_is_over(&self, marker: Marker) -> Result<(), Failure> {
        let store = self.gate.store();
        // Of several requests at once one enters it.
        if store.revoke_session(&marker.sid, self.now.datetime()).await?
            && let Some(user) = store.user_by_uniquifier(&marker.user).await?
        {
            let mut batch = store.batch();
            self.note_by(&mut batch, user.id, What::SupportEnded, None, marker.by);
            store.commit(batch).await?;
            self.gate.events().send(&Event::ImpersonationEnded { user_id: user.id, by: marker.by });
        }
        self.take_back(marker.kept);
        Ok(())
    }

    /// The administrator acts as `user` from the next request on, until the moment that comes back. The caller has
    /// asked for [`obstacle`]s, for a fresh proof and for a reason.
    pub(crate) async fn impersonate(&self, admin: &User, user: &User, reason: &str) -> Result<OffsetDateTime, Failure> {
        let (settings, now) = (self.gate.settings(), self.now.datetime());
        let within = settings.duration("impersonation_within").map_or(0.0, |span| span.as_secs_f64());
        let until = now.saturating_add(Duration::seconds_f64(within));
        let sid = crate::random::id();
        let mut session = self.new_session(&sid, user, VIA, false);
        session.expires_at = until;
        // The owner sees that it is the support, not where that sits.
        session.address = None;
        let mut batch = self.gate.store().batch();
        batch.open_session(&session);
        self.note_by(&mut batch, user.id, What::SupportBegan, Some(reason), admin.id);
        let mut post = self.post();
        if settings.flag("notify_impersonation") {
            let mut context = letters::about(user);
            context.insert("reason".to_owned(), reason.into());
            context.insert("when".to_owned(), messages::Said::At(self.now.unix()).into());
            context.insert("within".to_owned(), letters::within(settings, "impersonation_within").into());
            let (template, subject) =
                (settings.text("email_template_impersonation"), settings.text("email_subject_impersonation"));
            post.notice(self, Letter { template, subject: subject.to_owned(), to: &user.email, context })?;
        }
        self.commit_and_send(batch, post).await?;
        let identifier = self.identifier();
        self.renew_csrf();
        self.session(|session| {
            let kept: Map = KEPT
                .into_iter()
                .filter_map(|name| session.remove(name).map(|value| (name.to_owned(), value)))
                .collect();
            second_factor::clear(session);
            session.remove(key::GRACE_UNTIL);
            session.set(key::USER, user.fs_uniquifier.clone());
            session.set(key::FRESH, false);
            session.set(key::IDENTIFIER, identifier);
            session.set(key::SESSION_ID, sid.clone());
            let marker = [
                ("by", Value::from(admin.id)),
                ("as", user.fs_uniquifier.clone().into()),
                ("sid", sid.into()),
                ("until", seconds(until).into()),
                ("kept", kept.into()),
            ];
            session.set(key::IMPERSONATION, Map::from(marker.map(|(name, value)| (name.to_owned(), value))));
        });
        *self.landing.lock() = self.gate.landing_of(user);
        let events = self.gate.events();
        events.send(&Event::ImpersonationBegan { user_id: user.id, by: admin.id });
        events
            .send(&Event::IdentityChanged { user_id: Some(user.id), auth_type: Some(self.auth_type(user, "session")) });
        Ok(until)
    }

    /// The administrator is themself again from the next request on.
    pub(crate) async fn end_impersonation(&self, who: &Authenticated) -> Result<(), Failure> {
        let Some(marker) = self.marker() else { return Ok(()) };
        let mut batch = self.gate.store().batch();
        self.end_of_impersonation(&mut batch, &marker, who);
        self.gate.store().commit(batch).await?;
        let by = marker.by;
        self.take_back(marker.kept);
        let events = self.gate.events();
        events.send(&Event::ImpersonationEnded { user_id: who.user.id, by });
        events.send(&Event::IdentityChanged { user_id: Some(by), auth_type: Some("session".into()) });
        Ok(())
    }

    fn end_of_impersonation(&self, batch: &mut Batch, marker: &Marker, who: &Authenticated) {
        batch.revoke_session(&marker.sid, self.now.datetime());
        self.note_by(batch, who.user.id, What::SupportEnded, None, marker.by);
    }

    /// Ends, for a sign-out, both sessions of whoever acts as somebody else; says who that is.
    pub(crate) fn end_both_sessions(&self, batch: &mut Batch, who: &Authenticated) -> Option<i64> {
        who.impersonator.as_ref()?;
        let marker = self.marker()?;
        self.end_of_impersonation(batch, &marker, who);
        batch.revoke_session(&marker.own_sid, self.now.datetime());
        self.gate.events().send(&Event::ImpersonationEnded { user_id: who.user.id, by: marker.by });
        Some(marker.by)
    }

    /// The session as it was before.
    fn take_back(&self, kept: Map) {
        self.renew_csrf();
        self.session(|session| {
            for name in KEPT.into_iter().chain([key::GRACE_UNTIL, key::IMPERSONATION]) {
                session.remove(name);
            }
            for (name, value) in kept.into_iter().filter(|(name, _)| KEPT.contains(&name.as_str())) {
                session.set(&name, value);
            }
        });
    }

    /// A form that was opened as somebody else is not sent as this one.
    fn renew_csrf(&self) {
        self.rotate_csrf();
        self.session(|session| drop(session.remove(key::CSRF_BEFORE)));
    }

    /// Notes that the owner of an account ended what an administrator did as them; not from where, as ever.
    pub(crate) fn note_owners_end(&self, batch: &mut Batch, user_id: i64) {
        self.note_by(batch, user_id, What::SupportEnded, Some("by the owner"), user_id);
    }

    /// Refuses a route of ours to whoever acts as somebody else, unless it is a way out.
    pub(crate) async fn closed_to_impersonators(&self, route: &str) -> Result<(), Failure> {
        let is_on = self.gate.settings().flag("impersonation");
        if !is_on || OPEN.contains(&route) || self.peek(|session| session.map_of(key::IMPERSONATION).is_none()) {
            return Ok(());
        }
        match self.by(Mechanism::Session).await? {
            Some(who) if who.impersonator.is_some() => {
                self.audit_refusal("refused", Some("not to act as somebody else"));
                Err(Failure::bad(http::StatusCode::FORBIDDEN, messages::IMPERSONATION_CLOSED))
            }
            _ => Ok(()),
        }
    }

    /// Enters in the audit log that a request was served which may have changed something.
    pub(crate) fn audit_impersonator(&self, status: u16) {
        let who = self.by_session.get().and_then(Option::as_ref).filter(|who| who.impersonator.is_some());
        if let Some(who) = who.filter(|_| !self.method.is_safe()) {
            let what = Audited::new("support-request").about(who.user.id).with("status", status);
            self.gate.audit().enter_soon(what, &Context::of(self));
        }
    }

    /// What templates know of whoever acts as `who`.
    pub(crate) fn impersonator_view(&self, who: &Authenticated) -> serde_json::Value {
        let Some(by) = &who.impersonator else { return serde_json::Value::Null };
        let minutes = ((by.until - self.now.datetime()).whole_seconds().max(1) + 59) / 60;
        json!({
            "email": by.email(),
            "identity": self.gate.identity_text(&by.user),
            "acts_as": self.gate.identity_text(&who.user),
            "until": by.until.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok(),
            "minutes": minutes,
            "end_url": self.gate.url("impersonate_end"),
        })
    }
}

#[allow(clippy::cast_precision_loss)] // unix seconds
fn seconds(at: OffsetDateTime) -> f64 {
    at.unix_timestamp_nanos() as f64 / 1e9
}

#[allow(clippy::cast_possible_truncation)] // unix seconds
fn at(seconds: f64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(seconds as i64).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn session(user: &str, sid: &str) -> Session {
        let kept = Map::from([
            (key::USER.to_owned(), Value::from("of the administrator")),
            (key::SESSION_ID.to_owned(), Value::from("own")),
        ]);
        let marker = [
            ("by", Value::from(1_i64)),
            ("as", "of joe".into()),
            ("sid", "begun".into()),
            ("until", 1e9.into()),
            ("kept", kept.into()),
        ];
        let mut session = Session::default();
        session.set(key::IMPERSONATION, Map::from(marker.map(|(name, value)| (name.to_owned(), value))));
        session.set(key::USER, user);
        session.set(key::SESSION_ID, sid);
        session
    }

    #[test]
    fn a_marker_counts_for_the_session_that_it_was_made_for() {
        let marker = Marker::of(&session("of joe", "begun")).unwrap();
        assert_eq!((marker.by, marker.admin.as_str(), marker.own_sid.as_str()), (1, "of the administrator", "own"));
        // Another program that shares the cookie signed somebody in and left what it does not know.
        assert!(Marker::of(&session("of jill", "begun")).is_none());
        assert!(Marker::of(&session("of joe", "another")).is_none());
        assert!(Marker::of(&Session::default()).is_none());
    }
}
