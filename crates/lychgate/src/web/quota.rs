//! How often somebody may ask for what is costly.

use std::{borrow::Cow, net::IpAddr, time::Duration};

use super::{exchange::Exchange, identify::Authenticated};
use crate::failure::Failure;

/// How often a route may be asked for in a while, by role; for [`guard::quota`](super::guard::quota).
///
/// What counts is the user, and for strangers their address (IPv6 by its first 64 bits). The first request opens the
/// while; when it is over, the next one opens another. Counts are in the database, so all processes share them.
///
/// ```
/// use std::time::Duration;
///
/// use axum::{Router, routing::get};
/// use lychgate::guard::{self, Quota};
///
/// let hourly = Quota::new("render", 5, Duration::from_secs(3600)).role("editor", 50);
/// let app: Router = Router::new()
///     .route("/render", get(|| async { "done" }).route_layer(guard::authenticated().and(guard::quota(hourly))));
/// ```
#[derive(Clone, Debug)]
pub struct Quota {
    name: Cow<'static, str>,
    most: u32,
    within: Duration,
    by_role: Vec<(Cow<'static, str>, u32)>,
}

impl Quota {
    /// At most `most` requests in each `within`. Routes that share a name share the count; it has at most 64 bytes, what
    /// is beyond is cut off.
    pub fn new(name: impl Into<Cow<'static, str>>, most: u32, within: Duration) -> Self {
        Self { name: name.into(), most, within, by_role: Vec::new() }
    }

    /// So many for users with this role; of several roles the largest number counts.
    #[must_use]
    pub fn role(mut self, name: impl Into<Cow<'static, str>>, most: u32) -> Self {
        self.by_role.push((name.into(), most));
        self
    }

    /// Counts this request, or refuses it with the time to wait.
    pub(crate) async fn count(&self, exchange: &Exchange) -> Result<(), Failure> {
        let who = exchange.current().await?;
        let most = self.most_for(who.as_deref());
        let now = exchange.now.datetime();
        let key = self.key(who.as_deref(), exchange.address());
        let store = exchange.gate.store();
        let within = time::Duration::try_from(self.within).unwrap_or(time::Duration::MAX);
        if most > 0 && store.count_attempt(&key, most.into(), within, now).await? {
            return Ok(());
        }
        let until = store.mark(&key).await?.map(|(_, until)| until);
        let left = until.map_or(within, |until| until - now).as_seconds_f64().ceil().max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 1; saturates")]
        Err(Failure::TooMany { retry_after: left as u32 })
    }

    fn most_for(&self, who: Option<&Authenticated>) -> u32 {
        let held = self.by_role.iter().filter(|(role, _)| who.is_some_and(|who| who.user.has_role(role)));
        held.map(|(_, most)| *most).max().unwrap_or(self.most)
    }

    fn key(&self, who: Option<&Authenticated>, address: Option<IpAddr>) -> String {
        let name = self.name.get(..self.name.floor_char_boundary(64)).unwrap_or_default();
        match (who, address) {
            (Some(who), _) => format!("quota/{name}/user/{}", who.user.id),
            (None, Some(IpAddr::V6(address))) => format!("quota/{name}/net/{:x}", address.to_bits() >> 64),
            (None, Some(IpAddr::V4(address))) => format!("quota/{name}/{address}"),
            (None, None) => format!("quota/{name}/unknown"),
        }
    }
}
