//! What sign-out says of its route.

use http::Method;
use utoipa::openapi::{ObjectBuilder, ResponseBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{json, next, page, page_or_json, redirect, sets_cookies, shared, text},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Signing out: the session ends, in every copy of its cookie.");
    let cookies = "The session without its user; the remember-me cookie is removed.";
    let gone = || sets_cookies(redirect("Signed out; the browser goes on."), cookies);
    let asks = to.settings().flag("logout_csrf");
    let mut operation =
        OperationBuilder::new().summary(Some("Sign out by a link")).parameter(next()).response("302", gone());
    if asks {
        let button = ResponseBuilder::new()
            .description("A browser that is signed in gets a page with a button.")
            .content("text/html", page());
        operation = operation.response("200", button).response("400", shared("Refused"));
    }
    to.add("logout", &Method::GET, operation);
    let mut fields = ObjectBuilder::new().property("next", text("Where a browser goes afterwards."));
    if to.settings().flag("refresh_token") && to.settings().text_opt("refresh_token_cookie_name").is_none() {
        fields = fields.property("refresh_token", text("A refresh token, whose family ends with the session."));
    }
    let done = if asks {
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
