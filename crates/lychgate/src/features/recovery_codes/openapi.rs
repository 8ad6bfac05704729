//! What recovery codes say of their routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{members, next, page_or_json, query, redirect, text, texts, user},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Recovery codes: a second factor on paper, each good once.");
    to.form("RecoveryCodesForm", ObjectBuilder::new());
    to.form("RecoveryForm", ObjectBuilder::new().property("code", text("A recovery code.")).required("code"));
    let codes = || members().property("recovery_codes", texts("The codes that are left.")).required("recovery_codes");
    let to_sign_in = || redirect("A browser is sent to the sign-in page, or to the proof of who it is.");
    let operation = OperationBuilder::new()
        .summary(Some("The codes that are left"))
        .parameter(query("show_codes", "With any value the page shows the codes."))
        .response("200", page_or_json("The codes; the page shows them if that was asked for.", codes()))
        .response("302", to_sign_in());
    let operation = to.fresh(operation);
    to.add("mf_recovery_codes", &Method::GET, operation);
    let operation = OperationBuilder::new()
        .summary(Some("Make new codes in the place of the old ones"))
        .response("200", page_or_json("The new codes.", codes()))
        .response("302", to_sign_in());
    let operation = to.fresh(to.takes_if_any(operation, "RecoveryCodesForm"));
    to.add("mf_recovery_codes", &Method::POST, operation);
    let operation = OperationBuilder::new()
        .summary(Some("The page that takes a code after the first factor"))
        .parameter(next())
        .response("200", page_or_json("The form.", members()))
        .response("302", redirect("A browser whose second factor is not awaited is sent to the sign-in page."));
    to.add("mf_recovery", &Method::GET, operation);
    let operation = OperationBuilder::new()
        .summary(Some("Sign in with a code"))
        .description(Some("The code is used up. There is no auth token in the reply."))
        .parameter(next())
        .response("200", page_or_json("Signed in; or the page again.", members().property("user", user())))
        .response("302", redirect("A browser is signed in, or its second factor is not awaited."));
    let operation = to.takes(operation, "RecoveryForm");
    to.add("mf_recovery", &Method::POST, operation);
}
