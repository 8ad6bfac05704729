//! Guards: layers that decide who may reach a route.
//!
//! ```
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use lychgate::guard;
//!
//! let app: Router = Router::new()
//!     .route("/profile", get(|| async { "profile" }).route_layer(guard::authenticated()))
//!     .route("/reports", get(|| async { "reports" }).route_layer(guard::any_role(["admin", "editor"])))
//!     .route("/pay", get(|| async { "pay" }).route_layer(guard::fresh(Duration::from_secs(60))))
//!     .route("/jobs", get(|| async { "jobs" }).route_layer(guard::token().and(guard::permission("jobs:run"))));
//! ```
//!
//! A guard works only below `gate.layer()`. `gate.serve` finds one that stands outside before it takes the first
//! connection, as [`Lychgate::checked`](crate::Lychgate::checked) does for other servers; a request that reaches one
//! nevertheless is answered with a 500 that names the missing line, never let through.

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use ipnet::IpNet;
use tower::{Layer, Service};

pub use super::jwt::guard::{JwtGuard, jwt, token_required};
pub use super::quota::{Limit, Limited, Quota};
use super::{addresses, config::Freshness, coverage, exchange::Exchange, identify::Mechanism, jwt::guard::JwtRule};
pub use crate::limits::NotALimit;
use crate::{
    failure::{Failure, Refused},
    flow::second_factor::Proof,
    principal::{Need, Permission},
    settings::network,
};

/// A condition on the caller of a route; put it on with `route_layer`, combine it with [`and`](Self::and) and
/// [`or`](Self::or).
#[derive(Clone, Debug)]
#[must_use = "a guard does nothing until it is put on a route"]
pub struct Guard(Arc<Rule>, &'static Location<'static>);

#[derive(Debug)]
enum Rule {
    /// By any of these; none named means those of `api_enabled_methods`.
    Authenticated {
        mechanisms: Vec<Mechanism>,
        realm: Option<Cow<'static, str>>,
    },
    Fresh {
        within: Duration,
        grace: Option<Duration>,
    },
    Proved {
        proof: Proof,
        within: Duration,
    },
    /// Fresh, by a second factor too where there is one.
    Whole {
        within: Duration,
    },
    Anonymous,
    /// From one of these, or from none of them.
    Address {
        networks: Vec<IpNet>,
        inside: bool,
    },
    Quota(Quota),
    Limit(Limit),
    /// Whoever has done the work of this form.
    Challenge(Cow<'static, str>),
    Jwt(JwtRule),
    Permission(Permission),
    /// This step of the session came before.
    Step(Cow<'static, str>),
    /// This step of the session is now taken.
    Visit(Cow<'static, str>),
    Status(Guard, StatusCode),
    SignInAt(Guard, Cow<'static, str>),
    Instead(Guard, Cow<'static, str>),
    And(Guard, Guard),
    Or(Guard, Guard),
}

#[track_caller]
fn guard(rule: Rule) -> Guard {
    Guard(Arc::new(rule), Location::caller())
}

/// Somebody signed in, by the mechanisms of `api_enabled_methods` (by default session and token).
#[track_caller]
pub fn authenticated() -> Guard {
    guard(Rule::Authenticated { mechanisms: Vec::new(), realm: None })
}

/// Somebody signed in by one of `mechanisms`, which are always tried in the order API key, token, JSON Web Token,
/// session, basic.
#[track_caller]
pub fn authenticated_by(mechanisms: impl IntoIterator<Item = Mechanism>) -> Guard {
    guard(Rule::Authenticated { mechanisms: mechanisms.into_iter().collect(), realm: None })
}

/// Somebody with a session; tokens and Basic credentials do not count.
#[track_caller]
pub fn session() -> Guard {
    authenticated_by([Mechanism::Session])
}

/// The bearer of an auth token; a session does not count.
#[track_caller]
pub fn token() -> Guard {
    authenticated_by([Mechanism::Token])
}

/// The bearer of an API key, which its owner made for programs. It has the rights that the key was given, as long as its
/// owner has them: permissions, no roles.
#[track_caller]
pub fn api_key() -> Guard {
    authenticated_by([Mechanism::ApiKey])
}

/// HTTP Basic credentials (RFC 7617), asked for in the realm of `default_http_auth_realm`.
#[track_caller]
pub fn basic() -> Guard {
    authenticated_by([Mechanism::Basic])
}

/// HTTP Basic credentials, asked for in a realm of your own.
#[track_caller]
pub fn basic_in(realm: impl Into<Cow<'static, str>>) -> Guard {
    guard(Rule::Authenticated { mechanisms: vec![Mechanism::Basic], realm: Some(realm.into()) })
}

/// Somebody signed in who proved who they are within `within`; each success extends it by the grace period of
/// `freshness_grace_period`.
#[track_caller]
pub fn fresh(within: Duration) -> Guard {
    guard(Rule::Fresh { within, grace: None })
}

/// As [`fresh`], with a grace period of its own.
#[track_caller]
pub fn fresh_with_grace(within: Duration, grace: Duration) -> Guard {
    guard(Rule::Fresh { within, grace: Some(grace) })
}

/// Somebody with a session who proved a second factor within `within`, at sign-in or since: a code of an authenticator
/// app, by mail or by text message, a recovery code, or a passkey. A code counts beside a proof of another kind only, so
/// that no mailbox is two factors; a passkey counts alone.
///
/// A browser is sent to where the proof is taken, or to where a second factor is set up. A program gets 401 with
/// `reauth_required` and `proof_required`. Tokens and Basic credentials prove none.
#[track_caller]
pub fn fresh_second_factor(within: Duration) -> Guard {
    guard(Rule::Proved { proof: Proof::SecondFactor, within })
}

/// Somebody with a session who used a passkey within `within`. As [`fresh_second_factor`], but nothing counts that can be
/// typed into a page of somebody else.
#[track_caller]
pub fn phishing_resistant(within: Duration) -> Guard {
    guard(Rule::Proved { proof: Proof::PhishingResistant, within })
}

/// Somebody signed in who proved who they are within `within`, and by a second factor too, if they have set one up: for
/// what administrators do to others. A token proves what was proved in its session before it was handed out.
#[track_caller]
pub fn fresh_proof(within: Duration) -> Guard {
    guard(Rule::Whole { within })
}

/// Nobody signed in; those who are get sent to `post_login_view`, programs a 400.
#[track_caller]
pub fn anonymous() -> Guard {
    guard(Rule::Anonymous)
}

/// Requests from these networks only, such as `10.0.0.0/8` or `2001:db8::/32`; a single address is a network too. The
/// address is that of the connection, or what a trusted proxy of `[proxy]` says; never what a client claims.
///
/// # Errors
///
/// If one of them is no network; the error names it.
#[track_caller]
pub fn address_in<N: AsRef<str>>(networks: impl IntoIterator<Item = N>) -> Result<Guard, NotANetwork> {
    let networks = networks_of(networks)?;
    Ok(guard(Rule::Address { networks, inside: true }))
}

/// Requests from anywhere but these networks, as [`address_in`] reads them.
///
/// # Errors
///
/// If one of them is no network; the error names it.
#[track_caller]
pub fn address_not_in<N: AsRef<str>>(networks: impl IntoIterator<Item = N>) -> Result<Guard, NotANetwork> {
    let networks = networks_of(networks)?;
    Ok(guard(Rule::Address { networks, inside: false }))
}

fn networks_of<N: AsRef<str>>(networks: impl IntoIterator<Item = N>) -> Result<Vec<IpNet>, NotANetwork> {
    let one = |network: N| network::parse(network.as_ref()).ok_or_else(|| NotANetwork(network.as_ref().to_owned()));
    networks.into_iter().map(one).collect()
}

/// Whoever has asked seldom enough; others get 429 with the seconds to wait. Put it behind the guards that say who may
/// ask at all, so that only their requests count.
#[track_caller]
pub fn quota(quota: Quota) -> Guard {
    guard(Rule::Quota(quota))
}

/// Whoever has asked seldom enough, in the spelling of Flask-Limiter: `10/minute`, `10 per minute; 100 per day`,
/// `1 per 2 hours`. Others get 429 with the seconds to wait. [`Limit`] says for whom it counts and how much.
///
/// # Errors
///
/// If the text is no limit.
pub fn limit(text: &str) -> Result<Limit, NotALimit> {
    Limit::new(text)
}

/// Whoever has done the work that `[challenge]` asks for, where it is enabled; where it is not, everybody passes.
///
/// `door` names the form: lower-case letters, digits, `-` and `_`, at most 32. Its page gets the work by
/// `challenge_inputs(challenge_for("comments"))` of `security/_macros.html`, programs find it in the reply: 403 with
/// `code` `challenge_required` and `challenge`. It is sent as `challenge` and `challenge_solution` in a form or in JSON.
///
/// ```
/// use axum::{Router, routing::post};
/// use lychgate::guard;
///
/// let app: Router =
///     Router::new().route("/comments", post(|| async { "thank you" }).route_layer(guard::challenge("comments")));
/// ```
#[track_caller]
pub fn challenge(door: impl Into<Cow<'static, str>>) -> Guard {
    guard(Rule::Challenge(door.into()))
}

impl From<Limit> for Guard {
    fn from(limit: Limit) -> Self {
        guard(Rule::Limit(limit))
    }
}

/// A text that should name a network.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no network; write an address, or a network such as 10.0.0.0/8")]
pub struct NotANetwork(String);

/// Somebody with this role. Like every check of rights it answers 403 to strangers too; put it behind
/// [`authenticated`] to send them to the sign-in page instead.
#[track_caller]
pub fn role(name: impl Into<String>) -> Guard {
    permit(Need::role(name.into()))
}

/// Somebody with at least one of these roles.
#[track_caller]
pub fn any_role<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Guard {
    permit(Permission::any(names.into_iter().map(|name| Need::role(name.into()))))
}

/// Somebody with every one of these roles.
#[track_caller]
pub fn all_roles<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Guard {
    permit(Permission::all(names.into_iter().map(|name| Need::role(name.into()))))
}

/// Somebody one of whose roles holds this permission.
#[track_caller]
pub fn permission(name: impl Into<String>) -> Guard {
    permit(Need::permission(name.into()))
}

/// Somebody whose roles hold at least one of these permissions.
#[track_caller]
pub fn any_permission<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Guard {
    permit(Permission::any(names.into_iter().map(|name| Need::permission(name.into()))))
}

/// Somebody whose roles hold every one of these permissions.
#[track_caller]
pub fn all_permissions<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Guard {
    permit(Permission::all(names.into_iter().map(|name| Need::permission(name.into()))))
}

/// Whoever `permission` allows.
#[track_caller]
pub fn permit(permission: impl Into<Permission>) -> Guard {
    guard(Rule::Permission(permission.into()))
}

/// Whoever comes by here has taken the step `name` of their session; it forbids nothing. [`step`] asks for it.
#[track_caller]
pub fn visit(name: impl Into<Cow<'static, str>>) -> Guard {
    guard(Rule::Visit(name.into()))
}

/// Somebody who has taken the step `name` in this session, by a route with [`visit`] or by
/// [`Steps::take`](crate::Steps::take). Steps end with the session. For browsers, [`instead`](Guard::instead) says
/// where to begin.
///
/// ```
/// use axum::{Router, routing::get};
/// use lychgate::guard;
///
/// let app: Router = Router::new()
///     .route("/terms", get(|| async { "terms" }).route_layer(guard::visit("terms")))
///     .route("/order", get(|| async { "order" }).route_layer(guard::step("terms").instead("/terms")));
/// ```
#[track_caller]
pub fn step(name: impl Into<Cow<'static, str>>) -> Guard {
    guard(Rule::Step(name.into()))
}

type Checked<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

impl Guard {
    /// Both; this one is asked first, and the first refusal is the reply.
    #[track_caller]
    pub fn and(self, other: impl Into<Guard>) -> Guard {
        guard(Rule::And(self, other.into()))
    }

    /// Either; if both refuse, the reply is that of the one that came closer.
    #[track_caller]
    pub fn or(self, other: impl Into<Guard>) -> Guard {
        guard(Rule::Or(self, other.into()))
    }

    /// What it is and where it was written, as far as that is known.
    fn whereabouts(&self) -> String {
        // One that was made of something else was written elsewhere.
        let own = file!().trim_end_matches("guard.rs");
        match self.1.file() {
            here if here.starts_with(own) => format!("the guard \"{self}\""),
            _ => format!("the guard \"{self}\" of {}", self.1),
        }
    }

    #[track_caller]
    pub(super) fn of_jwt(rule: JwtRule) -> Self {
        guard(Rule::Jwt(rule))
    }

    /// Refuses with this status, and nothing about why, strangers too. With 404 nobody learns that there is something.
    #[track_caller]
    pub fn status(self, status: StatusCode) -> Guard {
        guard(Rule::Status(self, status))
    }

    /// Sends strangers to the sign-in page at this path rather than to the one of the settings; a part of the site may
    /// have its own. The page gets `next`, as the other one does.
    #[track_caller]
    pub fn sign_in_at(self, path: impl Into<Cow<'static, str>>) -> Guard {
        guard(Rule::SignInAt(self, path.into()))
    }

    /// Sends browsers that lack a right or a step to this path instead of showing 403. Programs get 403.
    #[track_caller]
    pub fn instead(self, path: impl Into<Cow<'static, str>>) -> Guard {
        guard(Rule::Instead(self, path.into()))
    }

    /// Whether who passes is a matter of being signed in and of rights alone.
    pub(crate) fn is_about_rights_alone(&self) -> bool {
        match &*self.0 {
            Rule::Permission(_) | Rule::Visit(_) | Rule::Authenticated { .. } => true,
            Rule::Status(inner, _) | Rule::SignInAt(inner, _) | Rule::Instead(inner, _) => {
                inner.is_about_rights_alone()
            }
            Rule::And(a, b) => a.is_about_rights_alone() && b.is_about_rights_alone(),
            _ => false,
        }
    }

    /// What it asks of the caller's rights; nothing for one that goes by something else.
    #[must_use]
    pub fn permission(&self) -> Option<Permission> {
        match &*self.0 {
            Rule::Permission(permission) => Some(permission.clone()),
            Rule::Status(inner, _) | Rule::SignInAt(inner, _) | Rule::Instead(inner, _) => inner.permission(),
            Rule::And(a, b) => match (a.permission(), b.permission()) {
                (Some(a), Some(b)) => Some(a.and(b)),
                (one, other) => one.or(other),
            },
            // Where one side goes by something else, rights alone do not decide.
            Rule::Or(a, b) => Some(a.permission()?.or(b.permission()?)),
            _ => None,
        }
    }

    pub(crate) fn check<'a>(&'a self, exchange: &'a Exchange) -> Checked<'a> {
        Box::pin(async move {
            match &*self.0 {
                Rule::Authenticated { mechanisms, realm } => {
                    let mechanisms =
                        if mechanisms.is_empty() { &exchange.config().guard_mechanisms } else { mechanisms };
                    exchange.admit(mechanisms, realm.clone()).await.map(drop)
                }
                Rule::Fresh { within, grace } => {
                    let admitted = exchange.admitted.lock().clone();
                    let who = match admitted {
                        Some(who) => who,
                        None => exchange.admit(&exchange.config().guard_mechanisms, None).await?,
                    };
                    let standard = exchange.freshness();
                    let rule = Freshness {
                        within: within.as_secs_f64(),
                        grace: grace.map_or(standard.grace, |grace| grace.as_secs_f64()),
                        ..standard
                    };
                    if exchange.is_fresh(&who, rule) { Ok(()) } else { Err(Failure::NotFresh) }
                }
                Rule::Proved { proof, within } => {
                    let admitted = exchange.admitted.lock().clone();
                    let who = match admitted {
                        Some(who) => who,
                        None => exchange.admit(&exchange.config().guard_mechanisms, None).await?,
                    };
                    let by_session = who.via == Mechanism::Session;
                    let proved = by_session && exchange.has_proved(&who.user, *proof, within.as_secs_f64());
                    if proved { Ok(()) } else { Err(Failure::NeedsProof(*proof)) }
                }
                Rule::Whole { within } => {
                    fresh(*within).check(exchange).await?;
                    let Some(who) = exchange.current().await? else { return Ok(()) };
                    match exchange.needs_no_second_factor(&who, within.as_secs_f64()).await? {
                        true => Ok(()),
                        false => Err(Failure::NeedsProof(Proof::SecondFactor)),
                    }
                }
                Rule::Anonymous => exchange.anonymous_only().await,
                Rule::Address { networks, inside } => {
                    let from = exchange.address().map(|address| address.to_canonical());
                    let is_in = |address| networks.iter().any(|network| network.contains(&address));
                    if from.is_some_and(|address| is_in(address) == *inside) {
                        Ok(())
                    } else {
                        Err(addresses::refused())
                    }
                }
                Rule::Quota(quota) => quota.count(exchange).await,
                Rule::Limit(limit) => limit.count(exchange).await,
                Rule::Challenge(door) => match exchange.passes_challenge(door, false).await? {
                    true => Ok(()),
                    false => Err(Failure::Challenge(door.clone())),
                },
                Rule::Jwt(rule) => rule.check(exchange).await,
                Rule::Permission(permission) => exchange.authorize(permission).await,
                Rule::Step(name) if exchange.has_step(name) => Ok(()),
                Rule::Step(name) => {
                    let needed = format!("step {name}");
                    Err(Failure::Forbidden { refused: Some(Box::new(Refused::new(needed.clone(), vec![needed]))) })
                }
                Rule::Visit(name) => {
                    exchange.take_step(name);
                    Ok(())
                }
                Rule::Status(inner, status) => {
                    inner.check(exchange).await.map_err(|failure| with_status(failure, *status))
                }
                Rule::SignInAt(inner, path) => inner.check(exchange).await.map_err(|failure| match failure {
                    Failure::Unauthenticated { realm: None } => Failure::SignInAt(path.clone()),
                    other => other,
                }),
                Rule::Instead(inner, path) => inner.check(exchange).await.map_err(|failure| match failure {
                    Failure::Forbidden { refused } => {
                        let mut refused = refused.unwrap_or_else(|| Box::new(Refused::new(String::new(), Vec::new())));
                        refused.instead = Some(path.clone());
                        Failure::Forbidden { refused: Some(refused) }
                    }
                    other => other,
                }),
                Rule::And(a, b) => {
                    a.check(exchange).await?;
                    b.check(exchange).await
                }
                Rule::Or(a, b) => match a.check(exchange).await {
                    Ok(()) => Ok(()),
                    Err(first) => b.check(exchange).await.map_err(|second| nearer(first, second)),
                },
            }
        })
    }
}

/// The refusal under another status, as long as it is one for want of a right or of somebody at all.
fn with_status(failure: Failure, status: StatusCode) -> Failure {
    match failure {
        Failure::Forbidden { refused } => {
            let refused = refused.unwrap_or_else(|| Box::new(Refused::new(String::new(), Vec::new())));
            Failure::Forbidden { refused: Some(Box::new(Refused { status, ..*refused })) }
        }
        Failure::Unauthenticated { .. } | Failure::SignInAt(_) | Failure::Said { .. } => {
            let refused = Refused::new("somebody signed in".to_owned(), vec!["somebody signed in".to_owned()]);
            Failure::Forbidden { refused: Some(Box::new(Refused { status, ..refused })) }
        }
        other => other,
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Rule::Authenticated { mechanisms, .. } => {
                f.write_str("signed in")?;
                for (at, mechanism) in mechanisms.iter().enumerate() {
                    write!(f, "{}{}", if at == 0 { " by " } else { " or " }, mechanism.name())?;
                }
                Ok(())
            }
            Rule::Fresh { within, .. } => write!(f, "proved within {} s", within.as_secs()),
            Rule::Proved { proof, within } => write!(f, "{} within {} s", proof.name(), within.as_secs()),
            Rule::Whole { within } => {
                write!(f, "proved within {} s, with a second factor if there is one", within.as_secs())
            }
            Rule::Anonymous => f.write_str("not signed in"),
            Rule::Address { .. } => f.write_str("from certain addresses"),
            Rule::Quota(_) => f.write_str("within a quota"),
            Rule::Limit(_) => f.write_str("within a limit"),
            Rule::Challenge(_) => f.write_str("with work that is done"),
            Rule::Jwt(rule) => rule.fmt(f),
            Rule::Permission(permission) => permission.fmt(f),
            Rule::Step(name) => write!(f, "after step {name}"),
            Rule::Visit(_) => f.write_str("anybody"),
            Rule::Status(inner, _) | Rule::SignInAt(inner, _) | Rule::Instead(inner, _) => inner.fmt(f),
            Rule::And(a, b) => write!(f, "{a} and {b}"),
            Rule::Or(a, b) => write!(f, "({a} or {b})"),
        }
    }
}

/// Of two refusals the one that tells the caller more about the way in.
fn nearer(first: Failure, second: Failure) -> Failure {
    let rank = |failure: &Failure| match failure {
        Failure::Internal(_) | Failure::Busy { .. } | Failure::MissingLayer => 4,
        Failure::Csrf(_) => 3,
        Failure::NotFresh | Failure::NeedsProof(_) | Failure::Forbidden { .. } => 2,
        Failure::Unauthenticated { realm: Some(_) } | Failure::Said { .. } => 1,
        _ => 0,
    };
    if rank(&second) > rank(&first) { second } else { first }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { guard: self.clone(), inner }
    }
}

impl<S> Layer<S> for Limit {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guard::from(self.clone()).layer(inner)
    }
}

/// A service behind a [`Guard`].
#[derive(Debug)]
pub struct Guarded<S> {
    guard: Guard,
    inner: S,
}

impl<S: Clone> Clone for Guarded<S> {
    fn clone(&self) -> Self {
        coverage::met(|| self.guard.whereabouts());
        Self { guard: self.guard.clone(), inner: self.inner.clone() }
    }
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let guard = self.guard.clone();
        Box::pin(async move {
            let exchange = request.extensions().get::<Arc<Exchange>>().cloned();
            let verdict = match &exchange {
                Some(exchange) => guard.check(exchange).await,
                None => Err(Failure::MissingLayer),
            };
            match verdict {
                Ok(()) => inner.call(request).await,
                Err(failure) => Ok(failure.into_response()),
            }
        })
    }
}
