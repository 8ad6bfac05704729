//! What sign-out says of its route.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{json, next, page_or_json, redirect, sets_cookies, text},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Signing out: the session ends, in every copy of its cookie.");
    let cookies = "The session without its user; the remember-me cookie is removed.";
    let gone = || sets_cookies(redirect("Signed out; the browser goes on."), cookies);
    to.add(
        "logout",
        &Method::GET,
        OperationBuilder::new().summary(Some("Sign out by a link")).parameter(next()).response("302", gone()),
    );
    let fields = ObjectBuilder::new().property("next", text("Where a browser goes afterwards."));
    let done = if to.settings().flag("logout_csrf") {
        to.form("LogoutForm", fields);
        page_or_json("Signed out; a browser without a CSRF token gets a page with a button.", ObjectBuilder::new())
    } else {
        to.schema("LogoutForm", fields);
        json("Signed out.", ObjectBuilder::new())
    };
    let operation = OperationBuilder::new()
        .summary(Some("Sign out"))
        .description(Some("Works for callers who are not signed in, too."))
        .parameter(next())
        .response("200", sets_cookies(done, cookies))
        .response("302", gone());
    let operation = to.takes_if_any(operation, "LogoutForm");
    to.add("logout", &Method::POST, operation);
}
