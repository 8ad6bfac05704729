//! What the change of address says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{formatted, members, page_or_json, redirect, user},
    shapes::For,
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Moving an account to another address, proved by a link that is mailed there.");
    to.form(
        "ChangeEmailForm",
        ObjectBuilder::new().property("email", formatted("email", "The new address.")).required("email"),
    );
    let known = || {
        members()
            .property("current_email", formatted("email", "The present address."))
            .required("current_email")
            .property("user", user())
            .required("user")
    };
    let elsewhere = || redirect("A browser is sent to sign in, or to prove who it is.");
    let get = OperationBuilder::new()
        .summary(Some("The page that asks for the new address"))
        .response("200", page_or_json("The form.", known()))
        .response("302", elsewhere());
    let get = to.fresh(get);
    to.add("change_email", &Method::GET, get);
    let post = OperationBuilder::new()
        .summary(Some("Mail a link to the new address"))
        .response("200", page_or_json("A mail is on its way; for browsers, the page again.", known()))
        .response("302", elsewhere());
    let post = to.takes(to.fresh(post), "ChangeEmailForm");
    to.add("change_email", &Method::POST, post);
    to.mailed_link("change_email_confirm", "Use the new address", For::Anyone);
}
