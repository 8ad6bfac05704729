//! What the set-up of the first administrator says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{formatted, in_path, members, page_or_json, shared},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("The first administrator: a link that works once, for half an hour.");
    let password = || formatted("password", "The password, twice.");
    // The link itself is the proof that the request is meant, so the form has no CSRF token.
    to.schema(
        "SetupForm",
        ObjectBuilder::new()
            .property("email", formatted("email", "The address of the first administrator."))
            .required("email")
            .property("password", password())
            .required("password")
            .property("password_confirm", password())
            .required("password_confirm"),
    );
    let token = || in_path("token", "The secret of the link, from the server's first line.");
    to.add(
        "setup",
        &Method::GET,
        OperationBuilder::new()
            .summary(Some("The page of the set-up link"))
            .parameter(token())
            .response("200", page_or_json("The link may be used.", members()))
            .response("404", shared("NotFound")),
    );
    let user = ObjectBuilder::new().property("email", formatted("email", "The address.")).required("email");
    let done = members().property("user", user).required("user");
    let operation = OperationBuilder::new()
        .summary(Some("Make the first administrator"))
        .parameter(token())
        .response("200", page_or_json("The account is made; for browsers, also the page with its errors.", done))
        .response("404", shared("NotFound"));
    let operation = to.takes(operation, "SetupForm");
    to.add("setup", &Method::POST, operation);
}
