//! What sign-in says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{
        flag, formatted, include_auth_token, members, next, page_or_json, redirect, sets_cookies, text, texts, user,
    },
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    // Another feature may serve this place.
    if to.settings().flag("passwordless") {
        return;
    }
    to.about("Signing in with a password.");
    to.form("LoginForm", form(to.settings().flag("username_enable")));
    let here = members()
        .property("identity_attributes", texts("The names by which somebody may say who they are."))
        .required("identity_attributes")
        .property("user", user());
    to.add(
        "login",
        &Method::GET,
        OperationBuilder::new()
            .summary(Some("The sign-in page, or what a program needs to sign in"))
            .parameter(next())
            .parameter(include_auth_token())
            .response("200", page_or_json("The form. `user` is there for callers who are signed in.", here))
            .response("302", redirect("A browser that is signed in already is sent on.")),
    );
    let done = members()
        .property("tf_required", flag("Whether a second factor is still to come."))
        .required("tf_required")
        .property("user", user())
        .required("user");
    let operation = OperationBuilder::new()
        .summary(Some("Sign in"))
        .parameter(next())
        .parameter(include_auth_token())
        .response(
            "200",
            sets_cookies(
                page_or_json("Signed in; for browsers, the page again with its errors.", done),
                "The session, and the remember-me cookie where it was asked for.",
            ),
        )
        .response("302", redirect("A browser that signed in goes on to `next`, or where the settings say."));
    let operation = to.takes(operation, "LoginForm");
    to.add("login", &Method::POST, operation);
}

fn form(usernames: bool) -> ObjectBuilder {
    let email = formatted("email", "The e-mail address.");
    let form = ObjectBuilder::new()
        .property("email", email)
        .property("password", formatted("password", "The password."))
        .required("password")
        .property("remember", flag("Whether this browser stays signed in."))
        .property("next", text("Where a browser goes afterwards."));
    if usernames {
        form.property("username", text("The username; `email` wins if both are given."))
    } else {
        form.required("email")
    }
}
