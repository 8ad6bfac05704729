//! What the recovery of passwords says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, ResponseBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{flag, formatted, in_path, include_auth_token, members, page, page_or_json, redirect, user},
    shapes::For,
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Setting a new password by a mailed link.");
    to.mails("forgot_password", "The page that asks for the address", "Mail the link", For::Anyone);
    let password = || formatted("password", "The new password, twice.");
    to.form(
        "ResetForm",
        ObjectBuilder::new()
            .property("password", password())
            .required("password")
            .property("password_confirm", password())
            .required("password_confirm"),
    );
    let token = || in_path("token", "The secret of the link.");
    let form = ResponseBuilder::new().description("The form.").content("text/html", page());
    to.add(
        "reset_password",
        &Method::GET,
        OperationBuilder::new()
            .summary(Some("The page for the new password"))
            .parameter(token())
            .response("200", form)
            .response(
                "302",
                redirect("The link is used, expired or never made; or a page of the application is next."),
            ),
    );
    let signs_in = to.settings().flag("auto_login_after_reset");
    let mut operation = OperationBuilder::new().summary(Some("Set the new password")).parameter(token());
    let done = if signs_in {
        operation = operation.parameter(include_auth_token());
        members().property("tf_required", flag("Whether a second factor is still to come.")).property("user", user())
    } else {
        ObjectBuilder::new()
    };
    let operation = operation
        .response("200", page_or_json("The password is set; for browsers, the page again with its errors.", done))
        .response("302", redirect("Done, or the link may not be used; the page there says which."));
    let operation = to.takes(operation, "ResetForm");
    to.add("reset_password", &Method::POST, operation);
}
