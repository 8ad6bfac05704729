//! Who is this, by an API key.

use std::{collections::BTreeSet, sync::Arc};

use http::HeaderValue;
use lychgate_signing::api_key;
use lychgate_store::ApiKey;

use super::{
    exchange::Exchange,
    identify::{Authenticated, Found, Mechanism},
};
use crate::{events::Event, failure::Failure, flow::account};

/// How exact "last used" is.
const USED_EVERY: time::Duration = time::Duration::minutes(1);

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

impl Exchange {
    /// The digest of the key that the request brings: `Authorization: Bearer` or the header of the settings. Two that
    /// differ are none.
    fn presented_key(&self) -> Option<String> {
        let headers = self.headers();
        let bearer = text(headers.authorization.as_ref()).and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        });
        let (bearer, own) = (bearer.and_then(api_key::digest), text(headers.api_key.as_ref()).map(api_key::digest));
        match (bearer, own) {
            (found, None) => found,
            (None, Some(found)) => found,
            (Some(one), Some(other)) => other.filter(|other| *other == one),
        }
    }

    pub(super) async fn api_key_user(&self) -> Found {
        if !self.config().api_keys.on {
            return Ok(None);
        }
        let Some(digest) = self.presented_key() else { return Ok(None) };
        let store = self.gate.store();
        let Some(key) = store.api_key_by_digest(&digest).await?.filter(|key| key.is_live(self.now.datetime())) else {
            return Ok(None);
        };
        let Some(user) = store.known_user(key.user_id).await? else { return Ok(None) };
        // A later user may have the same primary key.
        if account::anchor(&user).unwrap_or_default() != key.anchor {
            return Ok(None);
        }
        let Some(user) = self.usable(Some(user)).await? else { return Ok(None) };
        if account::problem(&self.gate, &user).await?.is_some() {
            return Ok(None);
        }
        self.key_was_used(&key);
        let limit: BTreeSet<String> = key.scopes.iter().cloned().collect();
        let auth_type = self.auth_type(&user, Mechanism::ApiKey.name());
        let loaded = Event::IdentityLoaded { user_id: user.id, auth_type: Some(auth_type.clone()) };
        self.gate.events().send(&loaded);
        Ok(Some(Arc::new(Authenticated::limited(user, Mechanism::ApiKey, auth_type, limit))))
    }

    /// Notes beside the request, once a minute, that a key is in use.
    fn key_was_used(&self, key: &ApiKey) {
        let now = self.now.datetime();
        if key.last_used_at.is_some_and(|at| now - at < USED_EVERY) {
            return;
        }
        let (store, id, from) = (self.gate.store().clone(), key.id.clone(), self.address_text());
        tokio::spawn(async move {
            if let Err(error) = store.touch_api_key(&id, from.as_deref(), USED_EVERY, now).await {
                tracing::debug!(%error, "an API key's last use was not noted");
            }
        });
    }

    /// Who makes the request, for guards and handlers of the application: the current user, else, where
    /// `api_enabled_methods` has it, the owner of an API key.
    pub(crate) async fn caller(&self) -> Result<Option<Arc<Authenticated>>, Failure> {
        match self.current().await? {
            None if self.config().guard_mechanisms.contains(&Mechanism::ApiKey) => self.by(Mechanism::ApiKey).await,
            found => Ok(found),
        }
    }
}
