//! The panel of administrators: who has an account, what they may do, and what is going on.
//!
//! It is a router of its own on the toolkit's public interface. Every page is also a reply for programs, under the same
//! path with `Accept: application/json`, or below `/api`; nothing needs JavaScript.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::Router;
//! use lychgate::{Lychgate, Settings};
//!
//! let gate = Lychgate::builder().settings(Settings::load()?).build().await?;
//! let app = Router::new().merge(lychgate_admin::routes(&gate)).merge(gate.routes()).layer(gate.layer());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
//! gate.serve(app, listener).await?;
//! # Ok(()) }
//! ```

mod api;
mod approvals;
mod ask;
mod assets;
mod audit;
mod bulk;
mod chart;
mod columns;
mod csv;
mod export;
mod impersonate;
mod import;
pub mod jobs;
mod keys;
mod kinds;
mod outbox;
mod overview;
mod rights;
mod roles;
mod running;
mod sessions;
mod states;
pub mod tables;
mod texts;
mod user;
mod users;
mod view;

use std::time::Duration;

use axum::{
    Router,
    extract::OriginalUri,
    response::Redirect,
    routing::{MethodRouter, get, post},
};
use lychgate::{Lychgate, guard};

/// The routes of the panel at `admin_url`, for administrators only.
///
/// They work below [`Lychgate::layer`] as everything of the toolkit does. Changes ask for a fresh proof of who the
/// administrator is, with a second factor where the administrator has one.
pub fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate) -> Router<S> {
    gate.add_templates(assets::TEMPLATES.iter().copied());
    gate.add_texts(texts::CATALOGUES);
    describe(gate);
    let base = gate.admin_url().to_owned();
    let within = gate.settings().duration("freshness").map_or(0.0, |span| span.as_secs_f64());
    // A negative span switches the question off, as it does everywhere.
    let fresh = (within >= 0.0).then(|| guard::fresh_proof(Duration::from_secs_f64(within)));
    let pages = pages::<S>(fresh.as_ref());
    let may = guard::authenticated().and(guard::role(gate.admin_role()));
    let inside = Router::new().nest("/api", pages.clone()).merge(pages).route_layer(may);
    let root = Router::new().merge(inside).route("/static/{file}", get(assets::get));
    // An empty path is no path that could be nested at.
    if base.is_empty() {
        return root;
    }
    let bare = base.clone();
    let slashed = get(move || async move { Redirect::permanent(&bare) });
    Router::new().route(&format!("{base}/"), slashed).nest(&base, root)
}

/// Tells the gate of the panel's routes, for `route_list` and the OpenAPI document, as [`routes`] does.
pub fn describe(gate: &Lychgate) {
    api::describe(gate);
}

/// A change: asks for a fresh proof. Who comes back from giving it comes by GET, and is led to the page above.
fn change<S: Clone + Send + Sync + 'static>(handler: MethodRouter<S>, fresh: Option<&guard::Guard>) -> MethodRouter<S> {
    match fresh {
        Some(fresh) => handler.get(up).route_layer(fresh.clone()),
        None => handler.get(up),
    }
}

async fn up(OriginalUri(uri): OriginalUri) -> Redirect {
    Redirect::to(uri.path().trim_end_matches('/').rsplit_once('/').map_or("/", |(above, _)| above))
}

fn pages<S: Clone + Send + Sync + 'static>(fresh: Option<&guard::Guard>) -> Router<S> {
    Router::new()
        .route("/", get(overview::show))
        .route("/users", get(users::list))
        .route("/users.csv", get(export::users))
        .route("/users/new", get(users::form))
        .route("/users/create", change(post(users::create), fresh))
        .route("/users/bulk", change(post(bulk::bulk), fresh))
        .route("/users/bulk/progress", get(bulk::progress))
        .route("/users/bulk/cancel", change(post(bulk::cancel), fresh))
        .route("/users/bulk/resume", change(post(bulk::resume), fresh))
        .route("/users/import", get(import::form).post(import::check))
        .route("/users/import/run", change(post(import::run), fresh))
        .route("/users/{id}", get(user::show))
        .route("/users/{id}/activate", change(post(user::activate), fresh))
        .route("/users/{id}/deactivate", change(post(user::deactivate), fresh))
        .route("/users/{id}/suspend", change(post(states::suspend), fresh))
        .route("/users/{id}/unsuspend", change(post(states::unsuspend), fresh))
        .route("/users/{id}/lock", change(post(states::lock), fresh))
        .route("/users/{id}/unlock", change(post(states::unlock), fresh))
        .route("/users/{id}/delete", change(post(user::delete), fresh))
        .route("/users/{id}/reset-access", change(post(user::reset_access), fresh))
        .route("/users/{id}/send-reset", change(post(user::send_reset), fresh))
        .route("/users/{id}/end-session", change(post(user::end_session), fresh))
        .route("/users/{id}/end-sessions", change(post(user::end_sessions), fresh))
        .route("/users/{id}/revoke-key", change(post(keys::revoke), fresh))
        .route("/users/{id}/end-refresh", change(post(keys::end_refresh), fresh))
        .route("/users/{id}/impersonate", change(post(impersonate::begin), fresh))
        .route("/users/{id}/give-role", change(post(user::give_role), fresh))
        .route("/users/{id}/take-role", change(post(user::take_role), fresh))
        .route("/approvals", get(approvals::show))
        .route("/approvals/approve", change(post(approvals::approve), fresh))
        .route("/approvals/decline", change(post(approvals::decline), fresh))
        .route("/approvals/invite", change(post(approvals::invite), fresh))
        .route("/approvals/uninvite", change(post(approvals::uninvite), fresh))
        .route("/roles", get(roles::list))
        .route("/roles/create", change(post(roles::create), fresh))
        .route("/roles/permissions", change(post(roles::permissions), fresh))
        .route("/roles/delete", change(post(roles::delete), fresh))
        .route("/rights", get(rights::show))
        .route("/sessions", get(sessions::list))
        .route("/audit", get(audit::list))
        .route("/outbox", get(outbox::list))
        .route("/outbox/retry", change(post(outbox::retry), fresh))
        .route("/outbox/drop", change(post(outbox::discard), fresh))
        .route("/outbox/test", change(post(outbox::test), fresh))
        .route("/outbox/check", change(post(outbox::check), fresh))
        .route("/settings", get(running::show))
}
