//! What the link that lifts waits says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::{
    flow::lockout,
    openapi::{
        Operations,
        parts::{flag, in_path, members, page_or_json, redirect, shared},
    },
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    if !lockout::is_on(to.settings()) {
        return;
    }
    to.about("Waits after wrong passwords, and the mailed link that lifts them.");
    to.form("UnlockForm", ObjectBuilder::new());
    let token = || in_path("token", "The secret of the link.");
    let elsewhere = || redirect("The link is used, too old or not one of ours; a browser goes to the sign-in page.");
    let get = OperationBuilder::new()
        .summary(Some("The page with the button"))
        .parameter(token())
        .response("200", page_or_json("The link may be used.", members()))
        .response("302", elsewhere())
        .response("400", shared("Refused"));
    to.add("unlock", &Method::GET, get);
    let done = members().property("unlocked", flag("Passwords may be tried again.")).required("unlocked");
    let post = OperationBuilder::new()
        .summary(Some("Forget the wrong passwords of the account"))
        .parameter(token())
        .response("200", page_or_json("Done; for browsers, also the page with its errors.", done))
        .response("302", elsewhere());
    let post = to.takes_if_any(post, "UnlockForm");
    to.add("unlock", &Method::POST, post);
}
