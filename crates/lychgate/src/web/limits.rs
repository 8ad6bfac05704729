//! Limits on requests: those of our own endpoints, of every route, and what replies say of them.

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use lychgate_store::{RateRule, User};
use serde_json::Value;

use super::{body::Submitted, cookie::http_date, exchange::Exchange, identify::Mechanism};
use crate::{
    failure::Failure,
    flow::authenticate,
    limits::{Kind, Standing, network, short},
};

/// What replies say of a limit.
#[derive(Debug)]
pub(crate) struct Told {
    name: String,
    standing: Standing,
}

/// Fields that may name whose account is meant.
const TARGETS: [&str; 6] = ["identity", "email", "username", "uid", "phone", "us_phone_number"];
/// What the count of somebody who is signed in begins with.
const SIGNED_IN: &str = "signed-in/";
/// The longest part of such a field that counts.
const LONGEST: usize = 1024;

/// Of what was counted, the first refusal.
pub(super) fn refusal(standings: &[Standing]) -> Result<(), Failure> {
    match standings.iter().find(|standing| !standing.admitted) {
        Some(refused) => Err(Failure::TooMany { retry_after: refused.retry_after() }),
        None => Ok(()),
    }
}

impl Exchange {
    /// Counts a request to one of our endpoints: for the address that it comes from, then for the account that it is
    /// about.
    pub(crate) async fn limit_endpoint(&self, kind: Kind) -> Result<(), Failure> {
        let limits = self.gate.limits();
        let Some(of) = limits.of(kind).filter(|_| limits.on) else { return Ok(()) };
        let what = kind.name();
        let address = network(self.address());
        self.count(what, &format!("{what}/net/{address}"), &of.by_address, 1, true).await?;
        if of.by_target.is_empty() {
            return Ok(());
        }
        for target in self.targets().await? {
            // Nobody else can use up what somebody has who is signed in; they may set up several ways in one sitting.
            if kind == Kind::Setup && target.starts_with(SIGNED_IN) {
                self.count("setups", &format!("setups/{target}"), &limits.setups, 1, false).await?;
                continue;
            }
            self.count(what, &format!("{what}/{target}"), &of.by_target, 1, false).await?;
        }
        Ok(())
    }

    /// Counts a message to somebody whom the request does not name.
    pub(crate) async fn limit_message_to(&self, user: &User) -> Result<(), Failure> {
        let limits = self.gate.limits();
        let Some(of) = limits.of(Kind::Message).filter(|_| limits.on) else { return Ok(()) };
        let what = Kind::Message.name();
        self.count(what, &format!("{what}/user/{}", user.id), &of.by_target, 1, false).await
    }

    /// Whether an address may send a password with a request of any kind; what it costs is counted when it is wrong.
    pub(crate) async fn may_try_basic(&self, name: &str) -> Result<(), Failure> {
        let limits = self.gate.limits();
        let Some(of) = limits.of(Kind::Secret).filter(|_| limits.on) else { return Ok(()) };
        let (address, target) = self.basic_keys(name).await?;
        for (key, rules) in [(address, &of.by_address), (target, &of.by_target)] {
            if let Some(refused) = limits.refuses(&key, rules, self.now.datetime()).await {
                return Err(Failure::TooMany { retry_after: refused.retry_after() });
            }
        }
        Ok(())
    }

    /// Counts a wrong password of that kind.
    pub(crate) async fn basic_was_wrong(&self, name: &str) -> Result<(), Failure> {
        let limits = self.gate.limits();
        let Some(of) = limits.of(Kind::Secret).filter(|_| limits.on) else { return Ok(()) };
        let (address, target) = self.basic_keys(name).await?;
        limits.spend(&address, &of.by_address, 1, self.now.datetime()).await;
        limits.spend(&target, &of.by_target, 1, self.now.datetime()).await;
        Ok(())
    }

    async fn basic_keys(&self, name: &str) -> Result<(String, String), Failure> {
        let what = Kind::Secret.name();
        let target = self.target_named(name).await?;
        Ok((format!("{what}/net/{}", network(self.address())), format!("{what}/{target}")))
    }

    /// Counts a request to any route, as `limits.default` and `limits.application` say.
    ///
    /// What is no route is not counted.
    pub(crate) async fn limit_route(&self, pattern: Option<&str>) -> Result<(), Failure> {
        let limits = self.gate.limits();
        let Some(pattern) = pattern.filter(|_| !limits.application.is_empty() || !limits.every_route.is_empty()) else {
            return Ok(());
        };
        let address = network(self.address());
        self.count("application", &format!("application/{address}"), &limits.application, 1, true).await?;
        let key = format!("route/{}/{address}", short(pattern));
        self.count("default", &key, &limits.every_route, 1, true).await
    }

    /// Counts under a key; `tell` says whether the reply may say what is left.
    pub(crate) async fn count(
        &self,
        name: &str,
        key: &str,
        rules: &[RateRule],
        cost: u32,
        tell: bool,
    ) -> Result<(), Failure> {
        let standings = self.gate.limits().spend(key, rules, cost, self.now.datetime()).await;
        let result = refusal(&standings);
        if result.is_err() {
            crate::measure::limit_hit(name);
        }
        if tell {
            self.tell(name, standings);
        }
        result
    }

    pub(crate) fn tell(&self, name: &str, standings: Vec<Standing>) {
        let mut told = self.told.lock();
        told.extend(standings.into_iter().map(|standing| Told { name: name.to_owned(), standing }));
    }

    /// Whose accounts a request is about, as counts know them: the one who is signed in, and whoever else is named. Each
    /// field counts that may name somebody, as only the endpoint knows which it reads. It takes as long for names that
    /// nobody has.
    pub(super) async fn targets(&self) -> Result<Vec<String>, Failure> {
        let mut targets = Vec::new();
        let mut own = None;
        if let Some(who) = self.by(Mechanism::Session).await? {
            let id = who.user.id;
            targets.push(format!("{SIGNED_IN}{id}"));
            own = Some([format!("known/{id}"), format!("user/{id}")]);
        }
        for name in TARGETS.iter().filter_map(|field| self.submitted_text(field)) {
            let target = self.target_named(&name).await?;
            if !targets.contains(&target) && own.as_ref().is_none_or(|own| !own.contains(&target)) {
                targets.push(target);
            }
        }
        Ok(targets)
    }

    /// All names of an account are one; a name that nobody has counts for itself. A browser that the account was used in
    /// before has a count of its own, which strangers cannot use up.
    async fn target_named(&self, name: &str) -> Result<String, Failure> {
        let name = name.get(..name.floor_char_boundary(LONGEST)).unwrap_or_default().trim();
        match authenticate::find(&self.gate, name).await? {
            Some(user) if self.is_known_device(&user).await? => Ok(format!("known/{}", user.id)),
            Some(user) => Ok(format!("user/{}", user.id)),
            None => {
                // As [`is_known_device`](Self::is_known_device) looks.
                self.gate.store().meta_get("devices/nobody").await?;
                Ok(format!("name/{}", short(&authenticate::folded(&self.gate, name))))
            }
        }
    }

    /// A field of what was sent, if it holds text; of a list the first, as forms read it.
    pub(crate) fn submitted_text(&self, name: &str) -> Option<String> {
        let found = match &self.submitted {
            Submitted::Json(map) => match map.get(name) {
                Some(Value::Array(items)) => items.first().and_then(Value::as_str),
                value => value.and_then(Value::as_str),
            },
            Submitted::Form(pairs) => pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()),
            Submitted::Nothing | Submitted::Broken(_) => None,
        };
        found.filter(|text| !text.trim().is_empty()).map(str::to_owned)
    }

    /// Writes what replies say of limits.
    pub(crate) fn tell_limits(&self, headers: &mut HeaderMap) {
        let told = std::mem::take(&mut *self.told.lock());
        let Some(nearest) = told.iter().min_by_key(|told| (told.standing.admitted, told.standing.view.left)) else {
            return;
        };
        let settings = self.gate.settings();
        if settings.flag("limits.ratelimit_headers") {
            let list = |one: fn(&Told) -> String| told.iter().map(one).collect::<Vec<_>>().join(", ");
            put(headers, "ratelimit-policy", &list(policy));
            put(headers, "ratelimit", &list(state));
        }
        if settings.flag("limits.headers_enabled") {
            let reset = self.now.unix().saturating_add(nearest.standing.reset_after().into());
            put(headers, settings.text("limits.header_limit"), &nearest.standing.rule.most().to_string());
            put(headers, settings.text("limits.header_remaining"), &nearest.standing.view.left.max(0).to_string());
            put(headers, settings.text("limits.header_reset"), &reset.to_string());
        }
    }

    /// Says how long to wait, in the header and the form that the settings name.
    pub(crate) fn tell_wait(&self, seconds: u32, response: &mut Response) {
        let settings = self.gate.settings();
        let value = match settings.text("limits.header_retry_after_value") {
            "http-date" => http_date(self.now.unix().saturating_add(seconds.into())),
            _ => seconds.to_string(),
        };
        put(response.headers_mut(), settings.text("limits.header_retry_after"), &value);
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Secret => "secrets",
            // Of an address they are one count.
            Kind::Message | Kind::Setup => "messages",
            Kind::Change => "changes",
            Kind::Free => "free",
        }
    }
}

/// `"name";q=10;w=60` (draft-ietf-httpapi-ratelimit-headers-10, 3).
fn policy(told: &Told) -> String {
    let rule = &told.standing.rule;
    format!("\"{}\";q={};w={}", quoted(&told.name), rule.most(), rule.per().whole_seconds())
}

/// `"name";r=7;t=30` (the same, 4).
fn state(told: &Told) -> String {
    let left = told.standing.view.left.max(0);
    let reset = match told.standing.admitted {
        true => told.standing.reset_after(),
        false => told.standing.retry_after(),
    };
    format!("\"{}\";r={left};t={reset}", quoted(&told.name))
}

/// What may stand in a string of a structured field (RFC 9651, 3.3.3).
fn quoted(name: &str) -> String {
    name.chars().filter(|c| (' '..='~').contains(c) && !['"', '\\'].contains(c)).collect()
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}
