//! How often somebody may ask for what is costly.

use std::{borrow::Cow, fmt, net::IpAddr, sync::Arc, time::Duration};

use lychgate_store::{Counting, RateRule, User};

use super::{exchange::Exchange, identify::Authenticated, limits::refusal};
use crate::{
    failure::Failure,
    limits::{NotALimit, network, parse, short},
};

/// How often a route may be asked for in a while, by role; for [`guard::quota`](super::guard::quota).
///
/// What counts is the user, and for strangers their address (IPv6 by its first 64 bits). The first request opens the
/// while; when it is over, the next one opens another. Counts are in the database, or in Redis if `limits.storage_uri` says
/// so: all processes share them.
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
        let within = time::Duration::try_from(self.within).unwrap_or(time::Duration::MAX);
        let within = within.clamp(time::Duration::SECOND, time::Duration::days(366));
        let most = self.most_for(who.as_deref());
        let Ok(rule) = RateRule::new(Counting::Fixed, most, within) else {
            return Err(Failure::TooMany { retry_after: u32::try_from(within.whole_seconds()).unwrap_or(u32::MAX) });
        };
        let name = self.name.get(..self.name.floor_char_boundary(64)).unwrap_or_default();
        let key = format!("quota/{name}/{}", whose(who.as_deref(), exchange.address()));
        let standings = exchange.gate.limits().spend_shared(&key, &[rule], 1, exchange.now.datetime()).await;
        let result = refusal(&standings);
        exchange.tell(name, standings);
        if result.is_err() {
            crate::measure::limit_hit("quota");
        }
        result
    }

    fn most_for(&self, who: Option<&Authenticated>) -> u32 {
        let held = self.by_role.iter().filter(|(role, _)| who.is_some_and(|who| who.user.has_role(role)));
        held.map(|(_, most)| *most).max().unwrap_or(self.most)
    }
}

/// The user, or the address of a stranger.
fn whose(who: Option<&Authenticated>, address: Option<IpAddr>) -> String {
    match who {
        Some(who) => format!("user/{}", who.user.id),
        None => network(address),
    }
}

/// What a limit may look at to let a request pass without counting it; for [`Limit::exempt_when`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Limited<'a> {
    /// Whoever asks.
    pub user: Option<&'a User>,
    /// The address that they ask from, as far as it is known.
    pub address: Option<IpAddr>,
    /// The path.
    pub path: &'a str,
}

type Exempt = Arc<dyn Fn(&Limited<'_>) -> bool + Send + Sync>;

/// How often a costly route may be asked for; made by [`guard::limit`](super::guard::limit), put on like a guard.
///
/// It counts where `limits.storage_uri` says and in the way of `limits.strategy`, for each route by itself, and for each
/// user; strangers count by address (IPv6 by its first 64 bits).
///
/// ```
/// use axum::{Router, routing::get};
/// use lychgate::guard;
///
/// # fn main() -> Result<(), guard::NotALimit> {
/// let searches = guard::limit("10/minute; 200/day")?.per_role("editor", "60/minute")?;
/// let app: Router = Router::new()
///     .route("/search", get(|| async { "found" }).route_layer(searches))
///     .route("/export", get(|| async { "all" }).route_layer(guard::limit("100/hour")?.cost(20).by_address()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a limit does nothing until it is put on a route"]
pub struct Limit {
    rules: Vec<RateRule>,
    by_role: Vec<(Cow<'static, str>, Vec<RateRule>)>,
    by_address: bool,
    name: Option<Cow<'static, str>>,
    cost: u32,
    exempt: Option<Exempt>,
}

impl Limit {
    /// Limits in the spelling of Flask-Limiter, as `10 per minute; 100/day`.
    ///
    /// # Errors
    ///
    /// If the text is no limit.
    pub(crate) fn new(text: &str) -> Result<Self, NotALimit> {
        let rules = parse(text, Counting::Gcra)?;
        Ok(Self { rules, by_role: Vec::new(), by_address: false, name: None, cost: 1, exempt: None })
    }

    /// Counts for the address, whoever is signed in.
    pub fn by_address(self) -> Self {
        Self { by_address: true, ..self }
    }

    /// Counts for the user, and for strangers by their address; this is what it does unless told otherwise.
    pub fn by_user(self) -> Self {
        Self { by_address: false, ..self }
    }

    /// Other limits for users with this role; of several roles the one that allows most by its first limit counts.
    ///
    /// # Errors
    ///
    /// If the text is no limit.
    pub fn per_role(mut self, role: impl Into<Cow<'static, str>>, text: &str) -> Result<Self, NotALimit> {
        self.by_role.push((role.into(), parse(text, Counting::Gcra)?));
        Ok(self)
    }

    /// How much a request counts for; one without this.
    pub fn cost(self, cost: u32) -> Self {
        Self { cost: cost.max(1), ..self }
    }

    /// Shares the count with all limits of this name, rather than counting for each route.
    pub fn named(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Lets requests pass that `exempt` says yes to, without counting them.
    pub fn exempt_when(self, exempt: impl Fn(&Limited<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self { exempt: Some(Arc::new(exempt)), ..self }
    }

    pub(crate) async fn count(&self, exchange: &Exchange) -> Result<(), Failure> {
        let who = exchange.current().await?;
        let (user, address) = (who.as_ref().map(|who| &*who.user), exchange.address());
        let asked = Limited { user, address, path: exchange.path() };
        if self.exempt.as_ref().is_some_and(|exempt| exempt(&asked)) {
            return Ok(());
        }
        let limits = exchange.gate.limits();
        let rules: Vec<_> = self.rules_for(user).iter().map(|rule| rule.counted(limits.counting)).collect();
        let name = self.name.as_deref().or_else(|| exchange.pattern()).unwrap_or("limit");
        let whose = if self.by_address { network(address) } else { whose(who.as_deref(), address) };
        exchange.count(name, &format!("limit/{}/{whose}", short(name)), &rules, self.cost, true).await
    }

    fn rules_for(&self, user: Option<&User>) -> &[RateRule] {
        let held = self.by_role.iter().filter(|(role, _)| user.is_some_and(|user| user.has_role(role)));
        let pace = |rules: &[RateRule]| rules.first().map_or(0.0, |rule| per_second(*rule));
        let most = held.max_by(|(_, one), (_, other)| pace(one).total_cmp(&pace(other)));
        most.map_or(&self.rules, |(_, rules)| rules)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a million at most")]
fn per_second(rule: RateRule) -> f64 {
    rule.most() as f64 / rule.per().as_seconds_f64()
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("rules", &self.rules)
            .field("by_role", &self.by_role)
            .field("by_address", &self.by_address)
            .field("name", &self.name)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}
