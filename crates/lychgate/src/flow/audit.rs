//! What of a request goes into the audit log: who acts, from where, in which request.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    audit::Audited,
    clock::Moment,
    events::Event,
    flow::account::Standing,
    gate::Lychgate,
    web::{exchange::Exchange, layer::REQUEST},
};

/// Characters of a session's id that the log holds: enough to find it, too few to be it.
const OF_SESSION: usize = 12;

/// The request in which something happens, if it happens in one.
#[derive(Debug)]
pub(crate) enum Context {
    /// By itself, or by a program.
    None,
    /// One that is handed on, to be looked at when an entry is made.
    Task(Arc<Exchange>),
    /// What one looked like.
    Seen(Seen),
}

/// What an entry wants to know of a request.
#[derive(Debug)]
pub(crate) struct Seen {
    now: Moment,
    user_id: Option<i64>,
    request_id: String,
    details: Map<String, Value>,
}

impl Context {
    /// That of the task that runs.
    pub(crate) fn current() -> Self {
        REQUEST.try_with(|exchange| Self::Task(Arc::clone(exchange))).unwrap_or(Self::None)
    }

    pub(crate) fn of(exchange: &Exchange) -> Self {
        if exchange.is_of_nobody() { Self::None } else { Self::Seen(Seen::of(exchange)) }
    }

    pub(crate) fn is_of_request(&self) -> bool {
        !matches!(self, Self::None)
    }

    pub(crate) fn now(&self) -> Option<Moment> {
        match self {
            Self::None => None,
            Self::Task(exchange) => Some(exchange.now),
            Self::Seen(seen) => Some(seen.now),
        }
    }

    /// Who acts, as far as anybody has asked.
    pub(crate) fn user_id(&self) -> Option<i64> {
        match self {
            Self::None => None,
            Self::Task(exchange) => exchange.acting_user_id(),
            Self::Seen(seen) => seen.user_id,
        }
    }

    pub(crate) fn request_id(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Task(exchange) => Some(exchange.request_id().to_owned()),
            Self::Seen(seen) => Some(seen.request_id.clone()),
        }
    }

    /// Adds from where it was.
    pub(crate) fn describe(&self, details: &mut Map<String, Value>) {
        let found = match self {
            Self::None => return,
            Self::Task(exchange) => Seen::of(exchange).details,
            Self::Seen(seen) => seen.details.clone(),
        };
        for (name, value) in found {
            details.entry(name).or_insert(value);
        }
    }
}

impl Seen {
    fn of(exchange: &Exchange) -> Self {
        let mut details = Map::new();
        let mut put = |name: &str, value: Option<String>| {
            let value = value.map(|text| text.chars().filter(|c| !c.is_control()).take(256).collect::<String>());
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                details.insert(name.to_owned(), value.into());
            }
        };
        put("address", exchange.address_text());
        put("browser", exchange.user_agent().map(|agent| String::from_utf8_lossy(agent).into_owned()));
        put("session", exchange.seen_session_id().map(|id| id.chars().take(OF_SESSION).collect()));
        put("mechanism", exchange.acting_mechanism().map(|mechanism| mechanism.name().to_owned()));
        put("path", Some(exchange.logged_path()));
        let (by, acts_as) = exchange.acting_as().unzip();
        put("impersonator", by.map(|id| id.to_string()));
        put("impersonated", acts_as.map(|id| id.to_string()));
        put("method", Some(exchange.method.as_str().to_owned()));
        Self {
            now: exchange.now,
            user_id: exchange.acting_user_id(),
            request_id: exchange.request_id().to_owned(),
            details,
        }
    }
}

impl Exchange {
    /// Enters a failed proof of who somebody is, once a request; nobody is named whom the name was not found for.
    pub(crate) fn audit_failure(&self, user_id: Option<i64>, by: &'static str) {
        if self.is_first_failure() {
            crate::measure::failed(by, user_id.is_some());
            let what = Audited::new("sign-in-failed").by_nobody().with("by", by);
            let what = match user_id {
                Some(id) => what.about(id),
                None => what,
            };
            self.gate.audit().enter_soon(what, &Context::of(self));
        }
    }

    /// Enters that somebody proved to be the owner of an account that may not be used, once a request.
    pub(crate) fn audit_blocked(&self, user_id: i64, standing: &Standing) {
        if self.is_first_failure() {
            let what = Audited::new("sign-in-refused").by_nobody().about(user_id);
            self.gate.audit().enter_soon(what.with("state", standing.status.word()), &Context::of(self));
        }
    }

    /// Enters that a request was refused.
    pub(crate) fn audit_refusal(&self, kind: &'static str, needed: Option<&str>) {
        let what = Audited::new(kind);
        let what = match needed {
            Some(needed) => what.with("needed", needed),
            None => what,
        };
        self.gate.audit().enter_soon(what, &Context::of(self));
    }
}

/// Enters what is told by events and noted nowhere else.
pub(crate) fn hear(gate: &Lychgate) {
    let weak = Arc::downgrade(&gate.0);
    gate.events().on(move |event| {
        if let Some(inner) = weak.upgrade() {
            heard(&Lychgate(inner), event);
        }
    });
}

fn heard(gate: &Lychgate, event: &Event) {
    let context = Context::current();
    let what = match event {
        Event::UserFailedAuthentication { user_id, via } => {
            if let Context::Task(exchange) = &context {
                exchange.audit_failure(*user_id, via);
            }
            return;
        }
        Event::CodeSent { user_id, means } => Audited::new("code-sent").about(*user_id).with("by", *means),
        Event::SecondFactorConfirmed { user_id, via } => {
            Audited::new("second-factor-passed").about(*user_id).by(*user_id).with("by", *via)
        }
        Event::UserReauthenticated { user_id } => Audited::new("proved-again").about(*user_id).by(*user_id),
        Event::RefreshFamilyBegun { user_id } => Audited::new("refresh-family-begun").about(*user_id).by(*user_id),
        Event::RefreshFamilyEnded { user_id, reason } => {
            Audited::new("refresh-family-ended").about(*user_id).with("reason", *reason)
        }
        _ => return,
    };
    gate.audit().enter_soon(what, &context);
}
