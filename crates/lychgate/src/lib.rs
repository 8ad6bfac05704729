//! Authentication and authorization for axum applications.
//!
//! Lychgate gives an application sign-in and everything around it: sessions, remember-me, auth tokens, CSRF protection,
//! roles and permissions, fresh proofs of identity. It speaks the wire, the settings, the cookies and the database of
//! Python's Flask-Security, so that an application can move from there route by route while nobody is signed out.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use lychgate::{CurrentUser, Lychgate, Settings, guard};
//!
//! async fn profile(user: CurrentUser) -> String {
//!     format!("You are {}", user.email())
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Lychgate::builder().settings(Settings::load()?).build().await?;
//! let app = Router::new()
//!     .route("/profile", get(profile).route_layer(guard::authenticated()))
//!     .route("/reports", get(|| async { "reports" }).route_layer(guard::any_role(["admin", "editor"])))
//!     .merge(gate.routes()) // /login, /logout, /verify … as the settings say
//!     .layer(gate.layer());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
//! gate.serve(app, listener).await?;
//! # Ok(())
//! # }
//! ```
//!
//! - [`Settings`] come from `lychgate.toml` and the environment; [`Lychgate::builder`] puts a gate together.
//! - [`guard`] decides who reaches a route, [`CurrentUser`] says who it is, [`Permission`] asks for more.
//! - [`Page`] shows a template of yours that knows `current_user`; [`Error`] stops a handler the way the client expects.

mod accounts;
pub mod audit;
mod builder;
mod challenge;
mod clock;
mod events;
mod failure;
mod features;
mod flow;
mod gate;
mod hashing;
mod identity;
mod identity_rules;
mod limits;
pub mod mail;
mod measure;
pub mod messages;
pub(crate) mod openapi;
mod outgoing;
mod passwords;
mod principal;
mod random;
mod render;
mod rights;
mod rotation;
mod serve;
pub mod settings;
pub mod sms;
mod upkeep;
mod web;

pub use self::{
    accounts::{AccountError, Accounts, NewAccount, Refused},
    builder::{BuildError, Builder},
    clock::{Clock, ManualClock, SystemClock},
    events::{Event, Events},
    failure::Error,
    flow::{
        account::{AccountStatus, Standing},
        impersonation::Impersonator,
    },
    gate::Lychgate,
    principal::{Allowance, Asked, Explanation, Identity, ItemSet, Need, NeedValue, Origin, Permission, Rights},
    rights::{Allowed, Effect, ExplainedRefusal, ExplainedRoute, People, RoleChange},
    rotation::{KeyUse, Rewrapped, Rotation},
    serve::tls,
    settings::{Profile, Settings},
    web::{
        banner::ImpersonationBanner,
        body_limit::{BodyLimit, BodyLimited},
        coverage::LayerError,
        extract::{Csrf, CurrentUser, WantsJson},
        guard,
        headers::{
            nonce::CspNonce,
            route::{SecurityHeaders, WithHeaders},
        },
        identify::Mechanism,
        jwt::claims::JwtClaims,
        layer::{GateLayer, Gated},
        operator::Operator,
        page::Page,
        refused::{RefusedRequest, Why},
        routes::RouteInfo,
        session_of_app::Session,
        steps::Steps,
        uploads,
    },
};
pub use lychgate_store as store;
