//! Whether somebody signs in with a browser that their account was used in before.
//!
//! A browser is known by a signed cookie that names whom it belongs to, not by its address or by what it calls itself:
//! addresses change, and anybody may call themselves anything.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_signing::tokens::{KnownDevicePayload, fingerprint};
use lychgate_store::{Batch, User};

use super::{account::anchor, notices::Notice};
use crate::{
    failure::Failure,
    mail::Post,
    web::{
        cookie::{CookieAttributes, Keep},
        exchange::Exchange,
    },
};

/// How many people one browser is known to.
const MOST_USERS: usize = 8;

/// Where the secret name of an account's devices is kept; a new one makes all of them unknown.
fn key(user: &User) -> String {
    format!("devices/{}/{}", user.id, anchor(user).unwrap_or_default())
}

/// Makes every browser unknown to the account.
pub(crate) fn forget_devices(batch: &mut Batch, user: &User) {
    batch.meta_set(&key(user), &crate::random::short_id());
}

fn mark(user: &User, devices: &str) -> String {
    let digest = fingerprint(&format!("{}:{devices}", key(user)));
    URL_SAFE_NO_PAD.encode(digest.get(..12).unwrap_or_default())
}

impl Exchange {
    /// Whether the account was used in this browser before; not known where nobody is told of new ones.
    pub(crate) async fn is_known_device(&self, user: &User) -> Result<bool, Failure> {
        let settings = self.gate.settings();
        let Some(devices) = self.gate.store().meta_get(&key(user)).await? else { return Ok(false) };
        let codec = &self.gate.device_codec();
        let open = |value: &str| codec.redeem(value, self.now.unix()).ok().map(|redeemed| redeemed.payload.users);
        let users = self.cookie(settings.text("device_cookie_name"), open).unwrap_or_default();
        Ok(settings.flag("notify_new_device") && users.contains(&mark(user, &devices)))
    }

    /// To be called in a sign-in: tells the owner of a browser that is new to the account, unless the account is new
    /// itself, and gives the cookie by which the browser is known from now on.
    pub(crate) async fn meet_device(
        &self,
        user: &User,
        via: &'static str,
        batch: &mut Batch,
        post: &mut Post,
    ) -> Result<Option<String>, Failure> {
        let settings = self.gate.settings();
        if !settings.flag("notify_new_device") {
            return Ok(None);
        }
        let (store, key) = (self.gate.store(), key(user));
        let stored = store.meta_get(&key).await?;
        let is_first = stored.is_none() && !self.has_signed_in(user).await?;
        let devices = stored.unwrap_or_else(|| {
            let new = crate::random::short_id();
            batch.meta_set(&key, &new);
            new
        });
        let name = settings.text("device_cookie_name");
        let codec = &self.gate.device_codec();
        let open = |value: &str| codec.redeem(value, self.now.unix()).ok().map(|redeemed| redeemed.payload.users);
        let mut users = self.cookie(name, open).unwrap_or_default();
        let mark = mark(user, &devices);
        let is_known = users.contains(&mark);
        // Whoever changes a password is signed in already.
        if !is_known && !is_first && via != "change" && self.is_worth_a_letter(user).await? {
            // A sign-in does not fail because a letter cannot be written.
            if let Err(failure) = self.notify(post, user, &Notice::NewDevice) {
                tracing::error!(?failure, "a notice was not written");
            }
        }
        users.retain(|known| *known != mark);
        users.insert(0, mark);
        users.truncate(MOST_USERS);
        let value = codec.mint(&KnownDevicePayload { users }, self.now.unix()).map_err(Failure::internal)?;
        let session = &self.config().session.cookie;
        let cookie = CookieAttributes {
            http_only: true,
            same_site: Some("Lax".to_owned()),
            partitioned: false,
            ..session.clone()
        };
        let seconds = settings.duration("device_cookie_within").map_or(0, |within| within.as_secs());
        let until = Keep::Until(self.now.unix().saturating_add(seconds));
        Ok(Some(cookie.set(name, value.as_str(), until, self.is_https())))
    }

    /// Whether anybody has signed in to this account before.
    async fn has_signed_in(&self, user: &User) -> Result<bool, Failure> {
        if user.current_login_at.is_some() || user.login_count.unwrap_or(0) > 0 {
            return Ok(true);
        }
        Ok(!self.gate.store().sessions_of(user.id).await?.is_empty())
    }

    /// One letter a day for the same device at the same place: a program keeps no cookies.
    async fn is_worth_a_letter(&self, user: &User) -> Result<bool, Failure> {
        let today = self.now.unix().div_euclid(86_400);
        let from = format!("{}:{}", self.device(), self.address_text().unwrap_or_default());
        let key = format!("{}:{today}:{}", user.id, URL_SAFE_NO_PAD.encode(fingerprint(&from)));
        let expires = self.now.datetime() + time::Duration::days(2);
        Ok(self.gate.store().redeem_once("new-device", &key, expires, self.now.datetime()).await?)
    }
}
