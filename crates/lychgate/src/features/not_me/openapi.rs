//! What "it was not me" says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{flag, in_path, members, nullable_text, page_or_json, redirect, shared},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    if !to.settings().flag("not_me") {
        return;
    }
    to.about("\"It was not me\": the link of a notice, by which an owner takes the account back.");
    to.form("ClickForm", ObjectBuilder::new());
    let token = || in_path("token", "The secret of the link.");
    let elsewhere = || redirect("The link is used, too old or not one of ours; a browser goes to the sign-in page.");
    let asked = members()
        .property("restore", nullable_text("The address that the account will have again, if it has moved."))
        .required("restore");
    let get = OperationBuilder::new()
        .summary(Some("The page with the button"))
        .parameter(token())
        .response("200", page_or_json("The link may be used.", asked))
        .response("302", elsewhere())
        .response("400", shared("Refused"));
    to.add("not_me", &Method::GET, get);
    let done = members()
        .property("restored", flag("The account has its former address again."))
        .required("restored")
        .property("locked", flag("Somebody else has that address by now, so the account was deactivated."))
        .required("locked")
        .property("mailed", flag("A link to choose a new password is on its way."))
        .required("mailed")
        .property("second_factor", flag("Signing in asks for a second factor, which the link has not taken away."))
        .required("second_factor");
    let post = OperationBuilder::new()
        .summary(Some("End every sign-in and make the password worthless"))
        .parameter(token())
        .response("200", page_or_json("Done; for browsers, also the page with its errors.", done))
        .response("302", elsewhere());
    let post = to.takes_if_any(post, "ClickForm");
    to.add("not_me", &Method::POST, post);
}
