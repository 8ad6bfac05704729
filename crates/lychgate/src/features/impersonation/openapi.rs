//! What the end of acting as somebody else says of its route.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{json, members, redirect, sets_cookies, shared},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("An administrator who acts as somebody else is themself again.");
    to.form("ImpersonateEndForm", ObjectBuilder::new());
    let cookies = "The administrator's own session.";
    let operation = OperationBuilder::new()
        .summary(Some("Stop acting as somebody else"))
        .response("200", sets_cookies(json("Ended.", members()), cookies))
        .response(
            "302",
            sets_cookies(redirect("Ended, or nobody acts as somebody else; the browser goes on."), cookies),
        )
        .response("400", shared("Refused"))
        .response("409", shared("Refused"));
    let operation = to.takes_if_any(operation, "ImpersonateEndForm");
    to.add("impersonate_end", &Method::POST, operation);
}
