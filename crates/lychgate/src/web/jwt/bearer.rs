//! Whether a token is good, and who bears it.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_signing::jwt::{JwtError, check};
use lychgate_store::User;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};

use super::{
    Kind, Place, Refusal, Stop, Why,
    config::JwtConfig,
    locate::Presented,
    rotate::{USED, name_of_family},
};
use crate::{
    failure::Failure,
    flow::authenticate,
    web::{
        exchange::Exchange,
        identify::{Found, Mechanism, SECOND_FACTOR_CLAIM},
    },
};

/// The claim that binds a token to what changes with its bearer's password, where the identity claim does not.
pub(super) const BINDING: &str = "bnd";

/// Under which kind the store keeps what was revoked.
pub(super) const REVOKED: &str = "jwt";

/// How long a token that never expires stays revoked.
pub(super) const FOR_GOOD: Duration = Duration::days(36_500);

/// Which tokens a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Access,
    Refresh,
    Either,
    /// A refresh token that is to be used up, even if it was before.
    Next,
    /// Either, to be ended, even if it was used up.
    End,
}

impl Wanted {
    fn takes_spent(self) -> bool {
        matches!(self, Self::Next | Self::End)
    }
}

/// Somebody with a good token.
pub(crate) struct Bearer {
    pub(crate) user: Arc<User>,
    pub(crate) kind: Kind,
    pub(crate) claims: Map<String, Value>,
    place: Place,
    /// Whether it is a refresh token that was used up.
    spent: bool,
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("user", &self.user.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Bearer {
    /// Whether the bearer proved who they are when the token was handed out: `fresh` is true, or a time to come.
    pub(crate) fn is_fresh(&self, now: f64) -> bool {
        match self.claims.get("fresh") {
            Some(Value::Bool(fresh)) => *fresh,
            Some(Value::Number(until)) => until.as_f64().is_some_and(|until| until >= now),
            _ => false,
        }
    }

    /// Where the request carried the token.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn is_spent(&self) -> bool {
        self.spent
    }

    /// What names the token in the lists of revoked and of used ones.
    pub(super) fn name(&self) -> String {
        revocation_key(&self.claims)
    }

    /// Whether the request could have been made by a page of another site.
    fn needs_csrf(&self, config: &JwtConfig) -> bool {
        self.place == Place::Cookies && !config.csrf
    }
}

/// What names a token in the list of revoked ones: its id or, without one, all that it claims.
fn revocation_key(claims: &Map<String, Value>) -> String {
    match claims.get("jti").and_then(Value::as_str) {
        Some(id) => name_of(&[b"jti:", id.as_bytes()]),
        None => {
            // The order of members is that of their names, whatever the token's was.
            let sorted: std::collections::BTreeMap<&String, &Value> = claims.iter().collect();
            name_of(&[b"all:", serde_json::to_string(&sorted).unwrap_or_default().as_bytes()])
        }
    }
}

/// A name of bounded length for the lists.
pub(super) fn name_of(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// When a token ends by itself, if it does.
pub(super) fn ends_of(claims: &Map<String, Value>) -> Option<OffsetDateTime> {
    let ends = claims.get("exp").and_then(Value::as_i64)?;
    OffsetDateTime::from_unix_timestamp(ends).ok()
}

/// What a token is bound to beside the name of its bearer.
pub(super) fn binding(user: &User) -> String {
    let digest = Sha256::digest(format!("lychgate jwt binding:{}", user.fs_uniquifier).as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or(&digest))
}

fn of_error(error: JwtError) -> Refusal {
    Refusal::new(if error == JwtError::Expired { Why::NotNow } else { Why::Bad }, error.to_string())
}

impl Exchange {
    /// Who bears the token of this request, by a token of a wanted kind.
    pub(crate) async fn bearer(&self, wanted: Wanted) -> Result<Arc<Bearer>, Stop> {
        if wanted != Wanted::Access {
            return self.find_bearer(wanted).await.map(Arc::new);
        }
        let found = self.jwt_access.get_or_try_init(async || match self.find_bearer(wanted).await {
            Ok(bearer) => Ok(Ok(Arc::new(bearer))),
            Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
            Err(Stop::Failed(failure)) => Err(failure),
        });
        Ok(found.await?.clone()?)
    }

    async fn find_bearer(&self, wanted: Wanted) -> Result<Bearer, Stop> {
        let Some(config) = &self.config().jwt else {
            return Err(Refusal::new(Why::Missing, "JSON Web Tokens are switched off").into());
        };
        let of = if matches!(wanted, Wanted::Refresh | Wanted::Next) { Kind::Refresh } else { Kind::Access };
        let presented = self.presented_jwt(config, of)?;
        self.open_jwt(config, wanted, presented).await
    }

    async fn open_jwt(&self, config: &JwtConfig, wanted: Wanted, presented: Presented) -> Result<Bearer, Stop> {
        let bad = |text: &str| Refusal::new(Why::Bad, text);
        let Some(keys) = self.gate.jwt_keys() else { return Err(bad("Signature verification failed").into()) };
        let claims = keys.open(&presented.text).map_err(of_error)?;
        check(&claims, &config.rules, self.now.unix()).map_err(of_error)?;
        let name = config.identity_claim.as_str();
        let Some(named) = claims.get(name) else { return Err(bad(&format!("Missing claim: {name}")).into()) };
        if let Some(repeated) = &presented.csrf {
            let Some(own) = claims.get("csrf").and_then(Value::as_str) else {
                return Err(bad("Missing claim: csrf").into());
            };
            if !bool::from(own.as_bytes().ct_eq(repeated.as_bytes())) {
                return Err(Refusal::new(Why::NotNow, "CSRF double submit tokens do not match").into());
            }
        }
        let kind = match (claims.get("type").map(Value::as_str), wanted) {
            (None | Some(Some("access")), Wanted::Access | Wanted::Either | Wanted::End) => Kind::Access,
            (Some(Some("refresh")), Wanted::Refresh | Wanted::Next | Wanted::Either | Wanted::End) => Kind::Refresh,
            (_, Wanted::Refresh | Wanted::Next) => return Err(bad("Only refresh tokens are allowed").into()),
            _ => return Err(bad("Only non-refresh tokens are allowed").into()),
        };
        let (store, name) = (self.gate.store(), revocation_key(&claims));
        let spent = kind == Kind::Refresh && store.is_redeemed(USED, &name).await?;
        let family_ended = match name_of_family(&claims) {
            Some(family) => store.is_redeemed(REVOKED, &family).await?,
            None => false,
        };
        if family_ended || spent && !wanted.takes_spent() || store.is_redeemed(REVOKED, &name).await? {
            return Err(Refusal::new(Why::NotNow, "Token has been revoked").into());
        }
        let named = match named {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(bad("Subject must be a string").into()),
        };
        match self.user_of_jwt(config, &named, &claims).await? {
            Some(user) => Ok(Bearer { user, kind, claims, place: presented.place, spent }),
            None => {
                let shown: String = named.chars().take(100).collect();
                Err(Refusal::new(Why::Nobody, format!("Error loading the user {shown}")).into())
            }
        }
    }

    async fn user_of_jwt(
        &self,
        config: &JwtConfig,
        named: &str,
        claims: &Map<String, Value>,
    ) -> Result<Option<Arc<User>>, Failure> {
        let store = self.gate.store();
        let user = match config.identity_column.as_str() {
            "fs_uniquifier" => store.user_by_uniquifier(named).await?,
            "id" => match named.parse() {
                Ok(id) => store.user_by_id(id).await?,
                Err(_) => None,
            },
            column => authenticate::by_attribute(&self.gate, column, named, false).await?,
        };
        let is_bound = |user: &User| match claims.get(BINDING) {
            None => true,
            Some(Value::String(bound)) => bool::from(bound.as_bytes().ct_eq(binding(user).as_bytes())),
            Some(_) => false,
        };
        self.usable(user.filter(|user| is_bound(user))).await
    }

    /// The bearer of an access token as somebody who is signed in.
    pub(crate) async fn jwt_user(&self) -> Found {
        if self.config().jwt.is_none() {
            return Ok(None);
        }
        match self.bearer(Wanted::Access).await {
            Ok(bearer) => self.of_bearer(&bearer).await,
            Err(Stop::Refused(_)) => Ok(None),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    async fn of_bearer(&self, bearer: &Arc<Bearer>) -> Found {
        let issued = bearer.claims.get("iat").and_then(Value::as_f64);
        let proved_at = issued.filter(|_| bearer.is_fresh(self.now.float()));
        self.authenticated(Arc::clone(&bearer.user), Mechanism::Jwt, proved_at).await
    }

    /// Makes the bearer the current user. A session of somebody else beside the token is refused.
    pub(super) async fn admit_bearer(&self, bearer: &Arc<Bearer>) -> Result<(), Failure> {
        let found = match bearer.kind {
            Kind::Access => self.of_bearer(bearer).await?,
            // What it opens is for its own route; nobody is signed in by it.
            Kind::Refresh => None,
        };
        if let Some(other) = self.by(Mechanism::Session).await?
            && other.user.id != bearer.user.id
        {
            return Err(Failure::Unauthenticated { realm: None });
        }
        if found.is_some() {
            self.csrf_for(Mechanism::Jwt)?;
            *self.admitted.lock() = found;
        }
        *self.jwt_bearer.lock() = Some(Arc::clone(bearer));
        Ok(())
    }

    /// Whether a token of this request stands for its being meant, so that no form has to prove it again.
    pub(crate) fn jwt_proves_intent(&self) -> bool {
        let Some(config) = &self.config().jwt else { return false };
        matches!(self.jwt_access.get(), Some(Ok(bearer)) if !bearer.needs_csrf(config))
    }

    /// When the bearer of this request's access token had proved a second factor, if they had.
    pub(crate) fn second_factor_of_jwt(&self) -> Option<f64> {
        let bearer = self.jwt_access.get()?.as_ref().ok()?;
        bearer.claims.get(SECOND_FACTOR_CLAIM).and_then(Value::as_f64)
    }

    /// Revokes a token and all of its family; of several who do so at once, one does.
    pub(crate) async fn revoke_jwt(&self, bearer: &Bearer) -> Result<(), Failure> {
        let now = self.now.datetime();
        let family = name_of_family(&bearer.claims);
        // How long the family lives, an access token does not know.
        let ends = match (&family, bearer.kind, self.config().jwt.as_ref().and_then(|jwt| jwt.refresh.seconds)) {
            (None, ..) | (_, Kind::Refresh, _) => ends_of(&bearer.claims),
            (Some(_), Kind::Access, longest) => longest.map(|longest| now.saturating_add(Duration::seconds(longest))),
        };
        let name = family.unwrap_or_else(|| bearer.name());
        self.gate.store().redeem_once(REVOKED, &name, self.forgotten_at(ends), now).await?;
        Ok(())
    }

    /// Revokes the tokens in this request's cookies and takes the cookies away, as signing out does.
    pub(crate) async fn end_jwt_cookies(&self) -> Result<(), Failure> {
        let Some(config) = self.config().jwt.as_ref().filter(|config| config.places.contains(&Place::Cookies)) else {
            return Ok(());
        };
        for (kind, wanted) in [(Kind::Access, Wanted::Access), (Kind::Refresh, Wanted::Next)] {
            let Some(text) = self.cookie(&config.of(kind).cookie_name, |value| Some(value.to_owned())) else {
                continue;
            };
            let presented = Presented { text, place: Place::Cookies, csrf: None };
            match self.open_jwt(config, wanted, presented).await {
                Ok(bearer) => self.revoke_jwt(&bearer).await?,
                Err(Stop::Refused(_)) => {}
                Err(Stop::Failed(failure)) => return Err(failure),
            }
            self.unset_jwt_cookies(config, kind);
        }
        Ok(())
    }
}
