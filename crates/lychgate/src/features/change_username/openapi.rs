//! What the change of username says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{members, nullable_text, page_or_json, redirect, text, user},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Changing the username while signed in.");
    to.form(
        "ChangeUsernameForm",
        ObjectBuilder::new().property("username", text("The new username.")).required("username"),
    );
    let known = members()
        .property("current_username", nullable_text("The present username."))
        .required("current_username")
        .property("user", user())
        .required("user");
    let get = OperationBuilder::new()
        .summary(Some("The page that asks for the new username"))
        .response("200", page_or_json("The form.", known))
        .response("302", redirect("A browser is sent to sign in, or to prove who it is."));
    let get = to.fresh(get);
    to.add("change_username", &Method::GET, get);
    let done = members().property("user", user()).required("user");
    let post = OperationBuilder::new()
        .summary(Some("Change the username"))
        .response("200", page_or_json("Changed; for browsers, the page again with its errors.", done))
        .response("302", redirect("Changed; or a browser is sent to sign in, or to prove who it is."));
    let post = to.takes(to.fresh(post), "ChangeUsernameForm");
    to.add("change_username", &Method::POST, post);
}
