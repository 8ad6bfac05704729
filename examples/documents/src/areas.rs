//! Who reaches what: every route with its guard.

use std::time::Duration;

use axum::{
    Router,
    routing::{get, post},
};
use lychgate::guard::{self, Guard, Quota};

use crate::{Site, pages};

/// What belongs to nobody's area.
pub(crate) fn front() -> Router<Site> {
    Router::new()
        .route("/", get(pages::front))
        .route("/site.css", get(pages::style))
        .route("/reports", get(pages::report).route_layer(guard::authenticated().and(costly())))
        .route("/office", get(pages::office).route_layer(office()))
        .route("/terms", get(pages::terms).route_layer(guard::visit("terms")))
        .route("/contract", get(pages::contract).route_layer(guard::step("terms").instead("/terms")))
}

/// For those who write.
pub(crate) fn sponsor() -> Router<Site> {
    Router::new()
        .route("/dashboard", get(pages::dashboard))
        .route("/documents", get(pages::list))
        .route("/documents/{id}", get(pages::document).post(pages::save))
        .route("/documents/{id}/editor", post(pages::assign))
        .route("/documents/{id}/picture", post(pages::illustrate).route_layer(bulky()))
        .route("/newdocument", get(pages::new).merge(post(pages::write).route_layer(bulky())))
        .route("/logout", post(pages::sign_out))
        .route_layer(area("sponsor", "/sponsor/login"))
        .route("/login", get(pages::sign_in))
}

/// For those who edit.
pub(crate) fn editor() -> Router<Site> {
    Router::new()
        .route("/dashboard", get(pages::dashboard))
        .route("/documents", get(pages::list))
        .route("/documents/{id}", get(pages::document).post(pages::save))
        .route("/logout", post(pages::sign_out))
        .route_layer(area("editor", "/editor/login"))
        .route("/login", get(pages::sign_in))
}

/// Signed in, at a page of the area's own, and with its role.
fn area(role: &'static str, sign_in_at: &'static str) -> Guard {
    guard::session().sign_in_at(sign_in_at).and(guard::role(role))
}

/// What takes long is not asked for too often: 5 times an hour, by editors 20 times.
fn costly() -> Guard {
    guard::quota(Quota::new("reports", 5, Duration::from_secs(3600)).role("editor", 20))
}

/// What takes up space: 60 new documents and pictures an hour.
fn bulky() -> Guard {
    guard::quota(Quota::new("bulky", 60, Duration::from_secs(3600)))
}

/// From the office only.
fn office() -> Guard {
    guard::address_in(["127.0.0.0/8", "::1", "10.0.0.0/8"])
        .unwrap_or_else(|_| guard::permit(lychgate::Permission::any([])))
}
