//! What the change of password says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{flag, formatted, include_auth_token, members, page_or_json, redirect, sets_cookies, user},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Changing the password while signed in.");
    let new = || formatted("password", "The new password, twice.");
    to.form(
        "ChangePasswordForm",
        ObjectBuilder::new()
            .property("password", formatted("password", "The present password; not asked of users who have none."))
            .property("new_password", new())
            .required("new_password")
            .property("new_password_confirm", new())
            .required("new_password_confirm"),
    );
    let known = members()
        .property("active_password", flag("Whether the user has a password; without one, a fresh proof is needed."))
        .required("active_password")
        .property("user", user())
        .required("user");
    let get = OperationBuilder::new()
        .summary(Some("The page that asks for the new password"))
        .response("200", page_or_json("The form.", known))
        .response("302", redirect("A browser is sent to sign in, or to prove who it is."));
    let get = to.fresh(get);
    to.add("change_password", &Method::GET, get);
    let done = members().property("user", user()).required("user");
    let done = page_or_json("Changed; for browsers, the page again with its errors.", done);
    let post = OperationBuilder::new()
        .summary(Some("Change the password"))
        .description(Some("Ends everything that was signed in with the old one; this session goes on anew."))
        .parameter(include_auth_token())
        .response("200", sets_cookies(done, "The new session, and the remember-me cookie if there was one."))
        .response("302", redirect("Changed; or a browser is sent to sign in, or to prove who it is."));
    let post = to.takes(to.fresh(post), "ChangePasswordForm");
    to.add("change_password", &Method::POST, post);
}
