//! Refresh tokens that are good once: the next one takes the place of the one that was used.
//!
//! The tokens of one sign-in are a family, which each of them names. Using one up is one conditional write. An old one that
//! comes back was stolen, or its successor was: then the family ends, access tokens with it, and its owner is told. For a
//! short while the one that was used last counts as well, and its successor is the same token, so that several tabs can
//! refresh at once.

use lychgate_store::User;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use super::{
    Refusal, Stop, Why,
    bearer::{Bearer, FOR_GOOD, REVOKED, ends_of, name_of},
};
use crate::{failure::Failure, web::exchange::Exchange};

/// The claim that names the family.
pub(super) const FAMILY: &str = "lg_fam";

/// Under which kind the store keeps what was used up.
pub(super) const USED: &str = "jwt-used";

/// Where a new token stands among those of its family; the default is a token without one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    pub(super) family: Option<String>,
    /// The id of the next refresh token, which follows from the one before.
    pub(super) refresh_id: Option<String>,
    /// When the family ends by itself, unix seconds: no token of it outlives the first.
    pub(super) ends: Option<i64>,
}

/// How the list of revoked tokens calls a family.
pub(super) fn name_of_family(claims: &Map<String, Value>) -> Option<String> {
    claims.get(FAMILY).and_then(Value::as_str).map(|family| name_of(&[b"family:", family.as_bytes()]))
}

/// The id of the token that follows the one of this name. Whoever refreshes twice gets one token twice.
fn id_after(name: &str) -> String {
    let digest = Sha256::digest(format!("lychgate jwt successor:{name}").as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

impl Exchange {
    /// A new family, where the settings want refresh tokens to be good once.
    pub(crate) fn begin_jwt_chain(&self) -> Chain {
        let rotates = self.config().jwt.as_ref().is_some_and(|config| config.rotates);
        Chain { family: rotates.then(crate::random::short_id), ..Chain::default() }
    }

    /// Uses the bearer's refresh token up and says what follows it; nothing where it goes on being good.
    pub(crate) async fn next_in_jwt_chain(&self, bearer: &Bearer) -> Result<Option<Chain>, Stop> {
        let revoked = || Refusal::new(Why::NotNow, "Token has been revoked").into();
        let Some(config) = self.config().jwt.as_ref().filter(|config| config.rotates) else {
            return if bearer.is_spent() { Err(revoked()) } else { Ok(None) };
        };
        let (store, now) = (self.gate.store(), self.now.datetime());
        let name = bearer.name();
        let id = id_after(&name);
        let next = Chain {
            // One that was handed out before tokens had families begins its own.
            family: Some(match bearer.claims.get(FAMILY).and_then(Value::as_str) {
                Some(family) => family.to_owned(),
                None => name.clone(),
            }),
            refresh_id: Some(id.clone()),
            ends: bearer.claims.get("exp").and_then(Value::as_i64),
        };
        if store.redeem_once(USED, &name, self.forgotten_at(ends_of(&bearer.claims)), now).await? {
            return Ok(Some(next));
        }
        let used_at = store.redeemed_at(USED, &name).await?;
        let just_now = config.grace > Duration::ZERO && used_at.is_some_and(|at| now - at <= config.grace);
        if just_now && !store.is_redeemed(USED, &name_of(&[b"jti:", id.as_bytes()])).await? {
            return Ok(Some(next));
        }
        let family = next.family.as_deref().unwrap_or_default();
        self.end_reused_jwt(&bearer.user, &name_of(&[b"family:", family.as_bytes()]), ends_of(&bearer.claims)).await?;
        Err(revoked())
    }

    /// When the end of something that ends by itself then need not be remembered any more: when no token of its family
    /// could be good.
    pub(super) fn forgotten_at(&self, ends: Option<OffsetDateTime>) -> OffsetDateTime {
        let now = self.now.datetime();
        let Some(config) = &self.config().jwt else { return now.saturating_add(FOR_GOOD) };
        let access = config.access.seconds.map(|seconds| now.saturating_add(Duration::seconds(seconds)));
        match (ends, access) {
            (Some(ends), Some(access)) => {
                ends.max(access).saturating_add(Duration::seconds(config.rules.leeway.saturating_add(60)))
            }
            _ => now.saturating_add(FOR_GOOD),
        }
    }

    /// Ends a family of which an old token came back, and tells its owner; once.
    async fn end_reused_jwt(&self, user: &User, family: &str, ends: Option<OffsetDateTime>) -> Result<(), Failure> {
        let mut batch = self.gate.store().batch();
        batch.redeem_once(REVOKED, family, self.forgotten_at(ends), self.now.datetime());
        self.tell_of_reuse(batch, user.id).await
    }
}
