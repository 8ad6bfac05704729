//! The panel's templates and its style sheet.

use axum::{
    extract::Path,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};

/// Templates by name; an application's of the same name win.
pub(crate) const TEMPLATES: &[(&str, &str)] = &[
    ("admin/_parts.html", include_str!("../templates/admin/_parts.html")),
    ("admin/approvals.html", include_str!("../templates/admin/approvals.html")),
    ("admin/audit.html", include_str!("../templates/admin/audit.html")),
    ("admin/base.html", include_str!("../templates/admin/base.html")),
    ("admin/confirm.html", include_str!("../templates/admin/confirm.html")),
    ("admin/import.html", include_str!("../templates/admin/import.html")),
    ("admin/new_user.html", include_str!("../templates/admin/new_user.html")),
    ("admin/outbox.html", include_str!("../templates/admin/outbox.html")),
    ("admin/overview.html", include_str!("../templates/admin/overview.html")),
    ("admin/progress.html", include_str!("../templates/admin/progress.html")),
    ("admin/results.html", include_str!("../templates/admin/results.html")),
    ("admin/rights.html", include_str!("../templates/admin/rights.html")),
    ("admin/roles.html", include_str!("../templates/admin/roles.html")),
    ("admin/sessions.html", include_str!("../templates/admin/sessions.html")),
    ("admin/settings.html", include_str!("../templates/admin/settings.html")),
    ("admin/user.html", include_str!("../templates/admin/user.html")),
    ("admin/users.html", include_str!("../templates/admin/users.html")),
];

/// The style sheet. It tells nothing of anybody, so it needs no administrator.
pub(crate) async fn get(Path(file): Path<String>) -> Response {
    if file != "admin.css" {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("../static/admin.css")).into_response()
}
