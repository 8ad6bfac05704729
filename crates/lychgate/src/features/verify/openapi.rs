//! What the proof of identity says of its routes.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{flag, formatted, include_auth_token, members, next, page_or_json, redirect, text, texts, user},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Proving again who you are, for what asks for a fresh proof.");
    to.form(
        "VerifyForm",
        ObjectBuilder::new()
            .property("password", formatted("password", "The password."))
            .required("password")
            .property("next", text("Where a browser goes afterwards.")),
    );
    let ways = members()
        .property("has_webauthn_verify_credential", flag("Whether a passkey of this user may be used instead."))
        .required("has_webauthn_verify_credential")
        .property("oauth_enabled", flag("Whether an identity provider may be used instead."))
        .required("oauth_enabled")
        .property("oauth_providers", texts("The names of those providers."))
        .required("oauth_providers")
        .property("user", user())
        .required("user");
    let to_sign_in = || redirect("A browser that is not signed in is sent to the sign-in page.");
    let operation = OperationBuilder::new()
        .summary(Some("The page that asks for the password, and the ways to prove who you are"))
        .parameter(next())
        .response("200", page_or_json("The form.", ways))
        .response("302", to_sign_in());
    let operation = to.signed_in(operation);
    to.add("verify", &Method::GET, operation);
    let done = members().property("user", user()).required("user");
    let operation = OperationBuilder::new()
        .summary(Some("Prove who you are by the password"))
        .parameter(next())
        .parameter(include_auth_token())
        .response("200", page_or_json("Proved; for browsers, the page again with its errors.", done))
        .response("302", redirect("A browser goes on, or to the sign-in page if nobody is signed in."));
    let operation = to.takes(to.signed_in(operation), "VerifyForm");
    to.add("verify", &Method::POST, operation);
}
