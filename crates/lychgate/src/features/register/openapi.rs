//! What registration says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{
        flag, formatted, include_auth_token, members, next, page_or_json, redirect, refusal, sets_cookies, shared,
        text, user,
    },
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Registering: a form, an account, a welcome mail.");
    let form = form(to);
    to.form("RegisterForm", form);
    let sent_on = || redirect("A browser that is signed in is sent on.");
    to.add(
        "register",
        &Method::GET,
        OperationBuilder::new()
            .summary(Some("The registration page"))
            .parameter(next())
            .response("200", page_or_json("The form.", members()))
            .response("302", sent_on())
            .response("400", shared("Refused")),
    );
    let done = members()
        .property("tf_required", flag("There if the new user is signed in: whether a second factor is still to come."))
        .property("user", user());
    let done = page_or_json(
        "Registered; for browsers, the page again with its errors. Where replies are generic, also for an address that \
         is taken, and without `user`.",
        done,
    );
    let mut operation = OperationBuilder::new()
        .summary(Some("Register"))
        .parameter(next())
        .parameter(include_auth_token())
        .response("200", sets_cookies(done, "The session, if the new user is signed in at once."))
        .response("302", redirect("A browser that registered goes on to `next`, or where the settings say."));
    if matches!(to.settings().text("register_mode"), "closed" | "invitation") {
        operation = operation.response("403", refusal("Nobody may register, or nobody without an invitation."));
    }
    let operation = to.takes(operation, "RegisterForm");
    to.add("register", &Method::POST, operation);
}

fn form(to: &Operations<'_>) -> ObjectBuilder {
    let settings = to.settings();
    let password = || formatted("password", "The password.");
    let mut form = ObjectBuilder::new()
        .property("email", formatted("email", "The e-mail address."))
        .required("email")
        .property("password", password())
        .required("password")
        .property("invitation", text("The token of the link in an invitation, if there is one."))
        .property("next", text("Where a browser goes afterwards."));
    if settings.flag("password_confirm_required") {
        form = form.property("password_confirm", password()).required("password_confirm");
    }
    if settings.flag("username_enable") {
        form = form.property("username", text("The username."));
        if settings.flag("username_required") {
            form = form.required("username");
        }
    }
    for field in to.gate().register_fields() {
        form = form.property(field.name, text(field.label));
        if field.required {
            form = form.required(field.name);
        }
    }
    form
}
