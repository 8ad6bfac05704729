//! The last steps of a sign-in, and signing out.

use std::borrow::Cow;

use lychgate_signing::session;
use lychgate_store::{User, UserPatch};
use serde_json::{Map, Value, json};

use crate::{
    events::Event,
    failure::Failure,
    flow::{activity::What, second_factor},
    web::{
        exchange::{Exchange, Remember},
        session::{Session, key},
    },
};

/// What is known of a sign-in when it succeeds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignIn<'a> {
    /// By what: `password`, `register`, `email` …
    pub(crate) via: &'static str,
    pub(crate) user: &'a User,
    pub(crate) remember: bool,
}

impl Exchange {
    /// Makes `user` the session's user: a new id in the registry, a new CSRF token, the time of the proof.
    ///
    /// Only for who has proved all that is asked of them. A feature that has proved one factor calls
    /// [`first_factor`](Self::first_factor).
    pub(crate) async fn sign_in(&self, sign_in: SignIn<'_>) -> Result<(), Failure> {
        let SignIn { via, user, remember } = sign_in;
        let id = crate::random::id();
        let mut batch = self.gate.store().batch();
        batch.open_session(&self.new_session(&id, user, via, remember));
        if self.gate.settings().flag("trackable") {
            batch.update_user(user.id, &self.tracked(user), self.now.datetime());
        }
        if let Some(before) = self.session(|session| session.text(key::SESSION_ID).map(str::to_owned)) {
            batch.revoke_session(&before, self.now.datetime());
        }
        if via != "change" {
            self.note(&mut batch, user.id, What::SignedIn, Some(via));
        }
        let mut post = self.post();
        let device = self.meet_device(user, via, &mut batch, &mut post).await?;
        self.commit_and_send(batch, post).await?;
        if let Some(cookie) = device {
            self.set_cookie(cookie);
        }
        let identifier = self.identifier();
        let proved_at = self.now.float();
        self.rotate_csrf();
        self.session(|session| {
            second_factor::clear(session);
            session.remove(key::IMPERSONATION);
            let of = session.text(key::USER).map(str::to_owned).unwrap_or_default();
            if !of.is_empty() && of != user.fs_uniquifier && via != "change" {
                // Somebody else took them.
                session.remove(key::STEPS);
            }
            // What was proved before a change stays proved; the change itself proves nothing.
            let changes = via == "change";
            let kept = second_factor::proofs_of(session, &of);
            let mut proofs = second_factor::proofs_of(&Session::default(), &user.fs_uniquifier);
            if changes {
                proofs.extend(kept.into_iter().filter(|(_, at)| matches!(at, session::Value::Float(_))));
            }
            if !changes {
                proofs.insert(via.to_owned(), proved_at.into());
            }
            session.set(key::PROOFS, proofs);
            session.set(key::USER, user.fs_uniquifier.clone());
            session.set(key::FRESH, true);
            session.set(key::IDENTIFIER, identifier);
            session.set(key::SESSION_ID, id);
            session.set(key::CSRF_COOKIE, "set");
            session.set(key::PRIMARY_AUTH_AT, proved_at);
            session.remove(key::GRACE_UNTIL);
        });
        if remember {
            let value = self.remember_value(&user.fs_uniquifier)?;
            self.outgoing.lock().remember = Remember::Set(value);
        }
        if via != "change" {
            self.tell_of_deletion(user).await?;
        }
        *self.landing.lock() = self.gate.landing_of(user);
        self.gate.events().send(&Event::UserAuthenticated { user_id: user.id, via });
        self.gate
            .events()
            .send(&Event::IdentityChanged { user_id: Some(user.id), auth_type: Some(self.auth_type(user, "session")) });
        Ok(())
    }

    /// How an identity was proved, or the type of the user where the application has types.
    pub(crate) fn auth_type(&self, user: &User, via: &'static str) -> Cow<'static, str> {
        self.gate.user_type(user).map_or(Cow::Borrowed(via), Cow::Owned)
    }

    /// Notes that somebody signed in for a token, which opens no session: where, when, and whether the browser is new.
    pub(crate) async fn token_signed_in(&self, user: &User, via: &'static str) -> Result<(), Failure> {
        let mut batch = self.gate.store().batch();
        if self.gate.settings().flag("trackable") {
            batch.update_user(user.id, &self.tracked(user), self.now.datetime());
        }
        self.note(&mut batch, user.id, What::SignedIn, Some(via));
        let mut post = self.post();
        let device = self.meet_device(user, via, &mut batch, &mut post).await?;
        self.commit_and_send(batch, post).await?;
        if let Some(cookie) = device {
            self.set_cookie(cookie);
        }
        self.gate.events().send(&Event::UserAuthenticated { user_id: user.id, via });
        Ok(())
    }

    fn tracked(&self, user: &User) -> UserPatch {
        let now = self.now.datetime();
        UserPatch {
            last_login_at: Some(Some(user.current_login_at.unwrap_or(now))),
            current_login_at: Some(Some(now)),
            last_login_ip: Some(user.current_login_ip.clone()),
            current_login_ip: Some(self.address_text()),
            login_count: Some(Some(user.login_count.unwrap_or(0).saturating_add(1))),
            ..UserPatch::default()
        }
    }

    /// Takes the signed-in user out of this browser's cookies, and gives the id that the session had.
    pub(crate) fn forget_session(&self) -> Option<String> {
        let (id, token) = self.session(|session| {
            let id = session.text(key::SESSION_ID).map(str::to_owned);
            for name in [
                key::USER,
                key::FRESH,
                key::IDENTIFIER,
                key::SESSION_ID,
                key::PRIMARY_AUTH_AT,
                key::GRACE_UNTIL,
                key::CSRF_BEFORE,
                key::PROOFS,
                key::STEPS,
                key::IMPERSONATION,
                "fs_oauth_next",
                "identity.name",
                "identity.auth_type",
            ] {
                session.remove(name);
            }
            (id, session.remove(self.config().csrf.field))
        });
        drop(token);
        self.outgoing.lock().remember = Remember::Clear;
        *self.admitted.lock() = None;
        id
    }

    /// Ends the session here and in every copy of its cookie.
    pub(crate) async fn sign_out(&self) -> Result<(), Failure> {
        let who = self.current().await?;
        self.end_pending().await?;
        self.drop_refresh_cookie(who.is_some()).await?;
        self.end_jwt_cookies().await?;
        let mut batch = self.gate.store().batch();
        // Whoever acts as somebody else signs out as themself, too.
        let impersonator = who.as_ref().and_then(|who| self.end_both_sessions(&mut batch, who));
        let user_id = impersonator.or_else(|| who.as_ref().map(|who| who.user.id));
        let id = self.forget_session();
        if who.is_some() || self.config().csrf.cookie.is_some() {
            self.session(|session| session.set(key::CSRF_COOKIE, "clear"));
        }
        if let Some(id) = id {
            batch.revoke_session(&id, self.now.datetime());
            if let Some(user_id) = user_id {
                self.note(&mut batch, user_id, What::SignedOut, None);
            }
            self.gate.store().commit(batch).await?;
        }
        if let Some(user_id) = user_id {
            self.gate.events().send(&Event::UserSignedOut { user_id });
            self.gate.events().send(&Event::IdentityChanged { user_id: None, auth_type: None });
        }
        Ok(())
    }

    /// Notes that the session's user has just proved who they are, by `method`.
    pub(crate) fn proved_again(&self, method: &str) {
        let now = self.now.float();
        self.note_proof(method, now);
        self.session(|session| {
            session.set(key::PRIMARY_AUTH_AT, now);
            session.remove(key::GRACE_UNTIL);
        });
    }

    /// `response.user`: the application's view of the user. With `tokens` also an auth token, and a refresh token with it,
    /// where the caller asked for them.
    pub(crate) async fn user_payload(&self, user: &User, tokens: bool) -> Result<Value, Failure> {
        let mut payload = match self.gate.user_payload(user) {
            Value::Object(payload) => payload,
            _ => Map::new(),
        };
        let asked = self.query("include_auth_token").is_some();
        if tokens && (asked || self.gate.settings().flag("backwards_compat_auth_token")) {
            payload.insert("authentication_token".to_owned(), self.new_auth_token(user)?.into());
            if let Some(token) = self.begin_refresh(user).await? {
                payload.insert("refresh_token".to_owned(), token.into());
            }
        }
        Ok(payload.into())
    }

    /// The members of a successful reply to a form: the token for the next one, and more.
    pub(crate) fn members(&self, more: Value) -> Map<String, Value> {
        let mut members = match more {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        members.insert("csrf_token".to_owned(), json!(self.csrf_token()));
        members
    }
}
