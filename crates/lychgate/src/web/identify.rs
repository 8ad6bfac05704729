//! Who is this? Resolved once for each mechanism, when first asked, and never mixed.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lychgate_signing::{identifier, json::Value};
use lychgate_store::{NewSession, SessionRecord, User};
use sha2::{Digest as _, Sha256};

use super::{
    body::Submitted,
    config::Protection,
    exchange::{Exchange, Remember},
    session::key,
};
use crate::{
    events::Event,
    failure::Failure,
    flow::{
        account::{self, AccountStatus},
        activity::What,
        authenticate,
        impersonation::Impersonator,
        lockout, second_factor,
    },
    principal::{Identity, Need},
    rights,
};

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// The session cookie, or the remember cookie that renewed it.
    Session,
    /// An auth token in a header, a JSON body or, where allowed, the query.
    Token,
    /// A JSON Web Token, in one of the places of `jwt.token_location`.
    Jwt,
    /// HTTP Basic credentials.
    Basic,
    /// An API key in the `Authorization` header, or in one of its own.
    ApiKey,
}

impl Mechanism {
    /// The name that settings use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Session => "session",
            Mechanism::Token => "token",
            Mechanism::Jwt => "jwt",
            Mechanism::Basic => "basic",
            Mechanism::ApiKey => "api_key",
        }
    }
}

/// Somebody whose identity is proved for this request.
#[derive(Debug)]
pub(crate) struct Authenticated {
    pub(crate) user: Arc<User>,
    pub(crate) via: Mechanism,
    /// When they last proved it by a secret of their own, unix seconds.
    pub(crate) proved_at: Option<f64>,
    /// The administrator who acts as them.
    pub(crate) impersonator: Option<Impersonator>,
    identity: OnceLock<Identity>,
    auth_type: Cow<'static, str>,
    added_needs: Vec<Need>,
    /// The permissions that they may use here, of those that they have; without a limit all that they may do.
    limit: Option<BTreeSet<String>>,
}

impl Authenticated {
    /// Somebody who may use only these of their permissions, and neither their roles nor what the app adds.
    pub(crate) fn limited(
        user: Arc<User>,
        via: Mechanism,
        auth_type: Cow<'static, str>,
        limit: BTreeSet<String>,
    ) -> Self {
        let (identity, added_needs) = (OnceLock::new(), Vec::new());
        Self { user, via, proved_at: None, impersonator: None, identity, auth_type, added_needs, limit: Some(limit) }
    }

    /// Who really acts: the administrator, where one acts as them.
    pub(crate) fn acting_id(&self) -> i64 {
        self.impersonator.as_ref().map_or(self.user.id, Impersonator::id)
    }

    /// Whether they may use a part of their rights only.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Whether the user has this role and may use it here.
    pub(crate) fn has_role(&self, name: &str) -> bool {
        self.limit.is_none() && self.user.has_role(name)
    }

    /// Whether the user has this permission and may use it here.
    pub(crate) fn has_permission(&self, name: &str) -> bool {
        self.may_use(name) && self.user.has_permission(name)
    }

    fn may_use(&self, permission: &str) -> bool {
        self.limit.as_ref().is_none_or(|limit| limit.contains(permission))
    }

    /// What this user provides: being themselves, their roles, the permissions of their roles, and what the app adds.
    /// Where they are limited: being themselves, and those of their permissions that they may use.
    pub(crate) fn identity(&self) -> &Identity {
        self.identity.get_or_init(|| {
            let provides = match &self.limit {
                None => rights::provides(&self.user, &self.user.roles, &self.added_needs),
                Some(limit) => {
                    let has = self.user.roles.iter().flat_map(|role| &role.permissions);
                    let may = has.filter(|name| limit.contains(*name)).map(|name| Need::permission(name.clone()));
                    may.chain([Need::user(self.user.fs_uniquifier.clone())]).collect()
                }
            };
            Identity { id: Some(self.user.fs_uniquifier.clone()), auth_type: Some(self.auth_type.clone()), provides }
        })
    }
}

pub(crate) type Found = Result<Option<Arc<Authenticated>>, Failure>;

impl Exchange {
    /// The current user: whom a guard admitted, else the session's user, else the bearer of a token, of ours or a JSON Web
    /// Token.
    pub(crate) async fn current(&self) -> Found {
        if let Some(admitted) = self.admitted.lock().clone() {
            return Ok(Some(admitted));
        }
        match self.by(Mechanism::Session).await? {
            Some(user) => Ok(Some(user)),
            None => match self.by(Mechanism::Token).await? {
                Some(user) => Ok(Some(user)),
                None => self.by(Mechanism::Jwt).await,
            },
        }
    }

    /// Who this is by one mechanism alone.
    pub(crate) async fn by(&self, mechanism: Mechanism) -> Found {
        let found = match mechanism {
            Mechanism::Session => self.by_session.get_or_try_init(|| self.session_user()).await?,
            Mechanism::Token => self.by_token.get_or_try_init(|| self.token_user()).await?,
            Mechanism::Jwt => self.by_jwt.get_or_try_init(|| self.jwt_user()).await?,
            Mechanism::Basic => self.by_basic.get_or_try_init(|| self.basic_user()).await?,
            Mechanism::ApiKey => self.by_api_key.get_or_try_init(|| self.api_key_user()).await?,
        };
        Ok(found.clone())
    }

    pub(crate) async fn authenticated(&self, user: Arc<User>, via: Mechanism, proved_at: Option<f64>) -> Found {
        self.recognised(user, via, proved_at, None).await
    }

    pub(crate) async fn recognised(
        &self,
        user: Arc<User>,
        via: Mechanism,
        proved_at: Option<f64>,
        impersonator: Option<Impersonator>,
    ) -> Found {
        let added_needs = self.gate.added_needs(&user).await?;
        let identity = OnceLock::new();
        let auth_type = self.auth_type(&user, via.name());
        let loaded = Event::IdentityLoaded { user_id: user.id, auth_type: Some(auth_type.clone()) };
        self.gate.events().send(&loaded);
        let limit = None;
        let who = Authenticated { user, via, proved_at, impersonator, identity, auth_type, added_needs, limit };
        Ok(Some(Arc::new(who)))
    }

    async fn session_user(&self) -> Found {
        let Some(uniquifier) = self.session(|session| session.text(key::USER).map(str::to_owned)) else {
            return self.remembered_user().await;
        };
        if !self.same_browser() {
            return Ok(None);
        }
        if self.session(|session| session.map_of(key::IMPERSONATION).is_some())
            && let Some(found) = self.impersonated_user().await?
        {
            return Ok(found);
        }
        let Some(user) = self.gate.store().user_by_uniquifier(&uniquifier).await? else { return Ok(None) };
        // Nothing is written for a session that opens nothing.
        let off = !user.active && account::standing(&self.gate, &user).await?.status == AccountStatus::SwitchedOff;
        if off || !self.is_registered(&user).await? {
            return Ok(None);
        }
        let Some(user) = self.usable(Some(user)).await? else { return Ok(None) };
        let proved_at = self.session(|session| session.number(key::PRIMARY_AUTH_AT));
        self.authenticated(user, Mechanism::Session, proved_at).await
    }

    /// Session protection: whether the session may go on although its browser or address changed.
    fn same_browser(&self) -> bool {
        let protection = self.config().session.protection;
        if protection == Protection::Off {
            return true;
        }
        let identifier = self.identifier();
        let (same, permanent) = self.session(|session| {
            (session.text(key::IDENTIFIER) == Some(identifier.as_str()), session.flag(key::PERMANENT))
        });
        if same {
            return true;
        }
        if protection == Protection::Basic || permanent {
            self.session(|session| session.set(key::FRESH, false));
            return true;
        }
        self.session(|session| {
            for name in [key::USER, key::IDENTIFIER, key::FRESH, key::SESSION_ID, "_remember_seconds", "next"] {
                session.remove(name);
            }
        });
        self.outgoing.lock().remember = Remember::Clear;
        false
    }

    /// Flask-Login's identifier of the browser and its address.
    pub(crate) fn identifier(&self) -> String {
        let address = self.address_text();
        identifier::identifier(
            address.as_deref().map(str::as_bytes),
            self.user_agent().map(identifier::header_bytes).as_deref(),
        )
    }

    /// Whether the registry lets this session go on. A session that a Flask app made is registered at first
    /// sight, under an id that follows from its contents, so that ending it ends every copy.
    async fn is_registered(&self, user: &User) -> Result<bool, Failure> {
        let (known, signed_in_at) = self.session(|session| {
            (session.text(key::SESSION_ID).map(str::to_owned), session.number(key::PRIMARY_AUTH_AT))
        });
        if let Some(id) = known {
            match self.gate.store().session(&id).await? {
                Some(record) if record.user_id == user.id && record.revoked_at.is_none() => {
                    return Ok(self.goes_on_now(&record));
                }
                // Another server sharing the cookie signed somebody in after ours ended the session.
                Some(record) if signed_in_later(&record, signed_in_at) || record.user_id != user.id => {}
                _ => return Ok(false),
            }
        }
        let id = self.derived_session_id(user);
        self.gate.store().open_session(self.new_session(&id, user, "flask", false)).await?;
        // It may have been registered before, by a copy of the cookie that has not our id in it.
        match self.gate.store().session(&id).await? {
            Some(record) if record.user_id == user.id && record.revoked_at.is_none() => {
                self.session(|session| session.set(key::SESSION_ID, id));
                Ok(self.goes_on_now(&record))
            }
            _ => Ok(false),
        }
    }

    fn derived_session_id(&self, user: &User) -> String {
        self.session(|session| {
            let mut hash = Sha256::new();
            hash.update(user.fs_uniquifier.as_bytes());
            hash.update(session.text(key::IDENTIFIER).unwrap_or_default().as_bytes());
            hash.update(session.number(key::PRIMARY_AUTH_AT).unwrap_or_default().to_be_bytes());
            let digest = hash.finalize();
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)
        })
    }

    pub(crate) fn new_session(&self, id: &str, user: &User, via: &str, remembered: bool) -> NewSession {
        let now = self.now.datetime();
        let _ = self.began_session.set(id.to_owned());
        NewSession {
            sid: id.to_owned(),
            user_id: user.id,
            created_at: now,
            expires_at: self.session_end(remembered),
            address: self.address_text(),
            user_agent: self.user_agent().map(|agent| {
                let agent = String::from_utf8_lossy(agent);
                agent.chars().filter(|c| !c.is_control()).take(256).collect()
            }),
            via: via.to_owned(),
            remembered,
        }
    }

    /// Whether a session is within its times; if so, notes that it is in use.
    pub(crate) fn goes_on_now(&self, record: &SessionRecord) -> bool {
        let goes_on = !self.is_over(record) && !self.is_idle(record);
        if goes_on {
            self.seen(record);
        }
        goes_on
    }

    /// Whether it is too long since the sign-in of a session.
    fn is_over(&self, record: &SessionRecord) -> bool {
        let limit = self.config().session.absolute;
        limit.is_some_and(|limit| self.now.datetime() - record.created_at >= limit)
    }

    /// Whether nothing was asked in a session for too long.
    fn is_idle(&self, record: &SessionRecord) -> bool {
        let limit = self.config().session.idle.filter(|_| !record.remembered);
        limit.is_some_and(|limit| self.now.datetime() - record.last_seen_at >= limit)
    }

    /// Until when a session that is used now may be used again.
    fn session_end(&self, remembered: bool) -> time::OffsetDateTime {
        let (lifetime, remember) = (self.config().session.lifetime, &self.config().remember);
        // The remember cookie goes on with it when the session's own has gone.
        let seconds = if remembered && remember.names_session { lifetime.max(remember.seconds) } else { lifetime };
        let idle = self.config().session.idle.filter(|_| !remembered);
        let seconds = idle.map_or(seconds, |idle| seconds.min(idle.whole_seconds()));
        self.now.datetime().saturating_add(time::Duration::seconds(seconds))
    }

    /// Notes now and then, beside the request, that a session is in use.
    fn seen(&self, record: &SessionRecord) {
        let now = self.now.datetime();
        // Often enough that nobody loses a tenth of the time that they may do nothing.
        let every = self.config().session.idle.map_or(SEEN_EVERY, |idle| SEEN_EVERY.min(idle / 10));
        if now - record.last_seen_at >= every {
            let (store, sid, until) =
                (self.gate.store().clone(), record.sid.clone(), self.session_end(record.remembered));
            tokio::spawn(async move {
                if let Err(error) = store.touch_session(&sid, until, now).await {
                    tracing::debug!(%error, "a session's last use was not noted");
                }
            });
        }
    }

    async fn remembered_user(&self) -> Found {
        let config = &self.config().remember;
        if self.outgoing.lock().remember != Remember::Keep || !self.has_cookie(&config.name) {
            return Ok(None);
        }
        let codec = self.gate.remember_codec();
        let Some(named) = self.cookie(&config.name, |value: &str| codec.decode(value).ok().map(str::to_owned)) else {
            return Ok(None);
        };
        let (uniquifier, session_named) = named_by_remember(&named);
        let user = self.gate.store().user_by_uniquifier(uniquifier).await?;
        let Some(user) = self.usable(user).await? else { return Ok(None) };
        let Some(id) = self.remembered_session(&user, session_named).await? else {
            self.outgoing.lock().remember = Remember::Clear;
            return Ok(None);
        };
        let identifier = self.identifier();
        self.session(|session| {
            session.set(key::USER, user.fs_uniquifier.clone());
            session.set(key::FRESH, false);
            // A reading of this browser, so that strong protection does not take it for another one.
            session.set(key::IDENTIFIER, identifier);
            session.set(key::SESSION_ID, id.clone());
            // Whatever was proved in this session before was not proved by them.
            session.remove(key::PRIMARY_AUTH_AT);
            session.remove(key::GRACE_UNTIL);
            session.remove(key::PROOFS);
            if self.config().csrf.cookie.is_some() {
                session.set(key::CSRF_COOKIE, "set");
            }
        });
        self.authenticated(user, Mechanism::Session, None).await
    }

    /// The session that a remember cookie goes on with: the one that it names, unless that has ended; a new one for a
    /// cookie that names none.
    async fn remembered_session(&self, user: &User, named: Option<&str>) -> Result<Option<String>, Failure> {
        let store = self.gate.store();
        let Some(named) = named else {
            let id = crate::random::id();
            let mut batch = store.batch();
            batch.open_session(&self.new_session(&id, user, "remember", true));
            self.note(&mut batch, user.id, What::SignedIn, Some("remember"));
            store.commit(batch).await?;
            return Ok(Some(id));
        };
        let record = store.session(named).await?;
        let live = record
            .filter(|record| record.user_id == user.id && record.is_live(self.now.datetime()) && !self.is_over(record));
        if let Some(record) = &live {
            self.seen(record);
        }
        Ok(live.map(|record| record.sid.clone()))
    }

    /// What the remember cookie of this session says.
    pub(crate) fn remember_value(&self, uniquifier: &str) -> Result<String, Failure> {
        let session = self.session(|session| session.text(key::SESSION_ID).map(str::to_owned));
        let named = session.filter(|_| self.config().remember.names_session);
        let text = named.map_or_else(|| uniquifier.to_owned(), |sid| format!("{uniquifier}{SESSION_MARK}{sid}"));
        self.gate.remember_codec().encode(&text).map_err(Failure::internal)
    }

    async fn token_user(&self) -> Found {
        let Some(text) = self.presented_token() else { return Ok(None) };
        let Some(token) = self.gate.open_auth_token(&text, self.now) else { return Ok(None) };
        let user = self.user_of_token(&token.user).await?;
        match self.usable(user).await? {
            Some(user) => {
                if !self.goes_on(token.claim(SESSION_CLAIM), &user).await? {
                    return Ok(None);
                }
                let proved_at = (token.authenticated_at > 0.0).then_some(token.authenticated_at);
                self.authenticated(user, Mechanism::Token, proved_at).await
            }
            None => Ok(None),
        }
    }

    /// Whom a token names.
    pub(crate) async fn user_of_token(&self, uniquifier: &str) -> Result<Option<Arc<User>>, Failure> {
        let store = self.gate.store();
        if store.has_user_column("fs_token_uniquifier")
            && let Some(user) = store.user_by_token_uniquifier(uniquifier).await?
        {
            return Ok(Some(user));
        }
        Ok(store.user_by_uniquifier(uniquifier).await?)
    }

    /// Whether the session that a token names has not ended; a token that names none depends on none.
    async fn goes_on(&self, named: Option<&Value>, user: &User) -> Result<bool, Failure> {
        let Some(named) = named else { return Ok(true) };
        let Value::Str(sid) = named else { return Ok(false) };
        let record = self.gate.store().session(sid).await?;
        Ok(record.is_some_and(|record| {
            record.user_id == user.id && record.revoked_at.is_none() && self.goes_on_now(&record)
        }))
    }

    /// When the bearer of this request's auth token had proved a second factor, if they had.
    pub(crate) fn second_factor_of_token(&self) -> Option<f64> {
        let token = self.gate.open_auth_token(&self.presented_token()?, self.now)?;
        match token.claim(SECOND_FACTOR_CLAIM) {
            Some(Value::Float(at)) => Some(*at),
            _ => None,
        }
    }

    /// The text of an auth token: a member of the JSON body, else of the query, else the header.
    fn presented_token(&self) -> Option<String> {
        let config = &self.config().token;
        if let Submitted::Json(map) = &self.submitted
            && let Some(value) = map.get(&config.key)
        {
            return value.as_str().map(str::to_owned);
        }
        if config.in_query
            && let Some(token) = self.query(&config.key)
        {
            return Some(token);
        }
        self.headers().token.as_ref().and_then(|value| value.to_str().ok()).map(str::to_owned)
    }

    async fn basic_user(&self) -> Found {
        let Some((name, password)) = self.basic_credentials() else { return Ok(None) };
        self.may_try_basic(&name).await?;
        let user = authenticate::find(&self.gate, &name).await?;
        let password = self.gate.normalize_password(&password);
        if !lockout::password_is_right(self, user.as_deref(), &name, &password).await? {
            self.basic_was_wrong(&name).await?;
            match user {
                Some(user) => self.note_failure(user.id, "basic"),
                None => self.audit_failure(None, "basic"),
            }
            return Ok(None);
        }
        let id = user.as_ref().map(|user| user.id);
        let Some(user) = self.usable(user).await? else {
            let standing = self.stopped.lock().clone();
            if let (Some(id), Some(standing)) = (id, standing) {
                self.audit_blocked(id, &standing);
            }
            return Ok(None);
        };
        if account::problem(&self.gate, &user).await?.is_some() || account::has_second_factor(&user) {
            return Ok(None);
        }
        if second_factor::is_needed(&self.gate, &user).await? {
            return Ok(None);
        }
        self.authenticated(user, Mechanism::Basic, Some(self.now.float())).await
    }

    fn basic_credentials(&self) -> Option<(String, String)> {
        let header = self.headers().authorization.as_ref()?.to_str().ok()?;
        let (scheme, encoded) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > MAX_BASIC {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (name, password) = text.split_once(':')?;
        Some((name.to_owned(), password.to_owned()))
    }
}

/// Whom a remember cookie names, and the session, if it names one. The signature is over both, so that nobody can leave
/// the session out.
fn named_by_remember(text: &str) -> (&str, Option<&str>) {
    let is_id = |sid: &str| sid.len() >= 43 && sid.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    match text.rsplit_once(SESSION_MARK) {
        Some((uniquifier, sid)) if is_id(sid) => (uniquifier, Some(sid)),
        _ => (text, None),
    }
}

/// Between the user and the session in a remember cookie.
const SESSION_MARK: char = '~';

fn signed_in_later(record: &SessionRecord, signed_in_at: Option<f64>) -> bool {
    #[allow(clippy::cast_precision_loss)] // unix seconds
    let revoked_at = record.revoked_at.map(|at| at.unix_timestamp_nanos() as f64 / 1e9);
    matches!((revoked_at, signed_in_at), (Some(revoked), Some(signed_in)) if signed_in > revoked)
}

/// The claim of an auth token that names the session it was handed out in.
pub(crate) const SESSION_CLAIM: &str = "lg_sid";

/// The claim of a token that says when its bearer last proved a second factor before it was handed out, unix seconds.
pub(crate) const SECOND_FACTOR_CLAIM: &str = "lg_tf";

/// How exact "last seen" is.
const SEEN_EVERY: time::Duration = time::Duration::minutes(5);

/// Longest Basic credentials looked at, encoded.
const MAX_BASIC: usize = 24 * 1024;
