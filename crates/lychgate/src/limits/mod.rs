//! Rate limits: who may do how much how often, counted in memory, in the database or in Redis with the same result.

mod memory;
mod redis;
mod store;
#[cfg(test)]
mod tests;
mod text;

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_signing::tokens::fingerprint;
use lychgate_store::{Counting, RateRule, RateView, Store};
use time::OffsetDateTime;

pub use text::NotALimit;
pub(crate) use text::parse;

use self::{
    memory::Memory,
    redis::Redis,
    store::{LimitStore, Spent, Unreachable},
};
use crate::settings::{Settings, Source};

/// How long a store that did not answer is left alone, in microseconds: nobody shall wait for it at each request.
const LEFT_ALONE: i64 = 5_000_000;

/// How often it is told that a limit of all messages is reached, in microseconds.
const TOLD_EVERY: i64 = 300_000_000;

/// What an endpoint does that is worth a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It takes a secret that could be guessed: a password, a code, a token of a link.
    Secret,
    /// It sends a message to somebody, or makes an account.
    Message,
    /// It sends a message to somebody who is signed in and sets up how they sign in.
    Setup,
    /// It changes something for somebody who has proved who they are.
    Change,
    /// It costs nothing worth counting.
    Free,
}

/// The limits of endpoints of a kind.
#[derive(Debug, Default)]
pub(crate) struct Of {
    pub(crate) by_address: Vec<RateRule>,
    pub(crate) by_target: Vec<RateRule>,
}

/// What happens while the store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    /// This process counts for itself.
    Memory,
    /// Everything passes.
    Open,
    /// Nothing does.
    Closed,
}

/// A limit that was counted, or that refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) rule: RateRule,
    pub(crate) admitted: bool,
    pub(crate) view: RateView,
}

impl Standing {
    /// Whole seconds to wait, at least one.
    pub(crate) fn retry_after(&self) -> u32 {
        ceil_seconds(self.view.wait).max(1)
    }

    /// Whole seconds until more is free.
    pub(crate) fn reset_after(&self) -> u32 {
        ceil_seconds(self.view.reset)
    }
}

pub(crate) fn ceil_seconds(duration: time::Duration) -> u32 {
    let whole = duration.whole_seconds() + i64::from(duration.subsec_nanoseconds() > 0);
    u32::try_from(whole.max(0)).unwrap_or(u32::MAX)
}

/// The limits of a gate.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Whether the endpoints of Lychgate are limited.
    pub(crate) on: bool,
    pub(crate) counting: Counting,
    secrets: Of,
    messages: Of,
    changes: Of,
    /// For somebody who is signed in and sets up how they sign in.
    pub(crate) setups: Vec<RateRule>,
    /// For all mails together, and all text messages.
    pub(crate) mails: Vec<RateRule>,
    pub(crate) texts: Vec<RateRule>,
    /// For text messages to one country.
    pub(crate) texts_by_country: Vec<RateRule>,
    /// When it was last told that one of these is reached, in microseconds.
    cap_told: AtomicI64,
    pub(crate) every_route: Vec<RateRule>,
    pub(crate) application: Vec<RateRule>,
    prefix: String,
    place: Box<dyn LimitStore>,
    /// What all processes share, even where the rest is counted in memory.
    shared: Option<Store>,
    fallback: Memory,
    meanwhile: Meanwhile,
    alone_until: AtomicI64,
    told: AtomicBool,
}

impl Limits {
    pub(crate) fn from_settings(settings: &Settings, store: &Store) -> Result<Self, String> {
        let counting = match settings.text("limits.strategy") {
            "fixed-window" => Counting::Fixed,
            "sliding-window-counter" | "moving-window" => Counting::Sliding,
            _ => Counting::Gcra,
        };
        let read = |name: &str| match settings.text_opt(name).map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => parse(text, counting).map_err(|error| format!("{name}: {error}")),
            None => Ok(Vec::new()),
        };
        let uri = settings.text("limits.storage_uri").trim();
        let (place, shared): (Box<dyn LimitStore>, _) = match uri {
            "" | "memory" | "memory://" => (Box::new(Memory::new()), Some(store.clone())),
            "sql" | "sql://" => (Box::new(store.clone()), None),
            uri if ["redis://", "rediss://", "redis+unix://", "unix://"]
                .iter()
                .any(|scheme| uri.starts_with(scheme)) =>
            {
                (Box::new(Redis::new(uri).map_err(|error| format!("limits.storage_uri: {error}"))?), None)
            }
            _ => return Err("limits.storage_uri: write memory://, sql:// or the URL of a Redis server".to_owned()),
        };
        let meanwhile = match () {
            () if settings.flag("limits.swallow_errors") => Meanwhile::Open,
            () if settings.flag("limits.in_memory_fallback_enabled") => Meanwhile::Memory,
            () => Meanwhile::Closed,
        };
        let on = settings.flag("limits.enabled");
        // Whoever says so means all of them.
        let off = !on && *settings.source("limits.enabled") != Source::Default;
        let unless_off = |name: &str| if off { Ok(Vec::new()) } else { read(name) };
        Ok(Self {
            on,
            counting,
            secrets: Of {
                by_address: read("limits.secrets_by_address")?,
                by_target: read("limits.secrets_by_account")?,
            },
            messages: Of {
                by_address: read("limits.messages_by_address")?,
                by_target: read("limits.messages_by_account")?,
            },
            changes: Of { by_address: read("limits.changes_by_address")?, by_target: Vec::new() },
            setups: read("limits.setups_by_account")?,
            mails: unless_off("limits.mails_in_all")?,
            texts: unless_off("limits.texts_in_all")?,
            texts_by_country: unless_off("limits.texts_by_country")?,
            cap_told: AtomicI64::new(i64::MIN),
            every_route: unless_off("limits.default")?,
            application: unless_off("limits.application")?,
            prefix: settings.text("limits.key_prefix").chars().take(32).collect(),
            place,
            shared,
            fallback: Memory::new(),
            meanwhile,
            alone_until: AtomicI64::new(i64::MIN),
            told: AtomicBool::new(false),
        })
    }

    /// The limits of endpoints of a kind.
    pub(crate) fn of(&self, kind: Kind) -> Option<&Of> {
        match kind {
            Kind::Secret => Some(&self.secrets),
            Kind::Message | Kind::Setup => Some(&self.messages),
            Kind::Change => Some(&self.changes),
            Kind::Free => None,
        }
    }

    /// Spends `cost` under each of these rules, in turn; the first that refuses is the last.
    pub(crate) async fn spend(&self, key: &str, rules: &[RateRule], cost: u32, now: OffsetDateTime) -> Vec<Standing> {
        self.spend_at(&*self.place, key, rules, cost, now).await
    }

    /// The same for what all processes have to share.
    pub(crate) async fn spend_shared(
        &self,
        key: &str,
        rules: &[RateRule],
        cost: u32,
        now: OffsetDateTime,
    ) -> Vec<Standing> {
        match &self.shared {
            Some(store) => self.spend_at(store, key, rules, cost, now).await,
            None => self.spend_at(&*self.place, key, rules, cost, now).await,
        }
    }

    async fn spend_at(
        &self,
        place: &dyn LimitStore,
        key: &str,
        rules: &[RateRule],
        cost: u32,
        now: OffsetDateTime,
    ) -> Vec<Standing> {
        let mut standings = Vec::with_capacity(rules.len());
        for rule in rules {
            let key = self.key(key, rule);
            let spent = match self.is_left_alone(now) {
                false => place.spend(&key, rule, cost, now).await,
                true => Err(Unreachable(String::new())),
            };
            let spent = match spent {
                Ok(spent) => spent,
                Err(why) => self.without(&why, &key, rule, cost, now).await,
            };
            let view = rule.view(spent.state, cost, now);
            standings.push(Standing { rule: *rule, admitted: spent.admitted, view });
            if !spent.admitted {
                break;
            }
        }
        standings
    }

    /// Whether one more would be refused; nothing is spent.
    pub(crate) async fn refuses(&self, key: &str, rules: &[RateRule], now: OffsetDateTime) -> Option<Standing> {
        for rule in rules {
            let key = self.key(key, rule);
            let found = match self.is_left_alone(now) {
                false => self.place.look(&key).await,
                true => Err(Unreachable(String::new())),
            };
            let state = match found {
                Ok(state) => state,
                Err(why) => {
                    self.note(&why, now);
                    self.fallback.look(&key).await.unwrap_or(None)
                }
            };
            if !rule.spend(state, 1, now).0 {
                return Some(Standing { rule: *rule, admitted: false, view: rule.view(state, 1, now) });
            }
        }
        None
    }

    /// Counts a message under a limit of all; how long it has to wait if that is reached, which the log tells now and then.
    pub(crate) async fn cap(
        &self,
        name: &'static str,
        key: &str,
        rules: &[RateRule],
        now: OffsetDateTime,
    ) -> Option<time::Duration> {
        let standings = self.spend_shared(key, rules, 1, now).await;
        let refused = standings.iter().find(|standing| !standing.admitted)?;
        crate::measure::limit_hit(name);
        let (last, at) = (self.cap_told.load(Ordering::Relaxed), micros(now));
        // A clock that went back does not keep it quiet.
        if at >= last.saturating_add(TOLD_EVERY) || at < last {
            self.cap_told.store(at, Ordering::Relaxed);
            tracing::error!(limit = name, "a limit of all messages together is reached");
        }
        Some(refused.view.wait)
    }

    /// What a count is kept under: a rule that changes begins anew.
    fn key(&self, key: &str, rule: &RateRule) -> String {
        let how = match rule.counting() {
            Counting::Fixed => 'f',
            Counting::Sliding => 's',
            Counting::Gcra => 'g',
        };
        format!("{}{key}/{how}{}", self.prefix, rule.per().whole_seconds())
    }

    fn is_left_alone(&self, now: OffsetDateTime) -> bool {
        let until = self.alone_until.load(Ordering::Relaxed);
        let now = micros(now);
        // A clock that went back does not make it longer.
        now < until && until - now <= LEFT_ALONE
    }

    fn note(&self, why: &Unreachable, now: OffsetDateTime) {
        if why.0.is_empty() {
            return;
        }
        self.alone_until.store(micros(now).saturating_add(LEFT_ALONE), Ordering::Relaxed);
        if self.told.swap(true, Ordering::Relaxed) {
            tracing::debug!(why = why.0, "the store of the limits still does not answer");
        } else {
            tracing::error!(why = why.0, meanwhile = ?self.meanwhile, "the store of the limits does not answer");
        }
    }

    async fn without(&self, why: &Unreachable, key: &str, rule: &RateRule, cost: u32, now: OffsetDateTime) -> Spent {
        self.note(why, now);
        match self.meanwhile {
            Meanwhile::Memory => {
                self.fallback.spend(key, rule, cost, now).await.unwrap_or(Spent { admitted: false, state: None })
            }
            Meanwhile::Open => Spent { admitted: true, state: None },
            Meanwhile::Closed => Spent { admitted: false, state: None },
        }
    }
}

fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// An address as counts know it: of IPv6 the network that one customer has, and IPv4 however it is written.
pub(crate) fn network(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("{:x}::/64", address.to_bits() >> 64),
        None => "unknown".to_owned(),
    }
}

/// A text of any length as part of a key.
pub(crate) fn short(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(fingerprint(text).get(..16).unwrap_or_default())
}
