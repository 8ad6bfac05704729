//! What API keys say of their routes.

use http::Method;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{flag, members, named, nullable_text, page_or_json, redirect, text, texts},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("API keys of the caller. They open routes of the application, none of the library's own.");
    to.schema(
        "ApiKey",
        ObjectBuilder::new()
            .property("id", text("What it is taken back by."))
            .property("name", text("What its owner calls it."))
            .property("hint", text("How it begins."))
            .property("scopes", texts("The permissions that it may use, as long as its owner has them."))
            .property("created_at", text("When it was made."))
            .property("expires_at", nullable_text("When it ends; null for never."))
            .property("last_used_at", nullable_text("When it was used last, to a minute."))
            .property("last_used_from", nullable_text("From which address."))
            .property("expired", flag("Whether it has ended by itself."))
            .required("id")
            .required("name")
            .required("hint")
            .required("scopes")
            .required("created_at")
            .required("expires_at")
            .required("last_used_at")
            .required("last_used_from")
            .required("expired"),
    );
    to.form(
        "ApiKeyForm",
        ObjectBuilder::new()
            .property("name", text("What to call it; 64 characters at most."))
            .required("name")
            .property("expires", text("After so many days: one of those that the page offers, or `never`."))
            .property("scopes", texts("Permissions that the caller has; none lets it say who it is and no more.")),
    );
    to.form("RevokeApiKeyForm", ObjectBuilder::new().property("id", text("Which key.")).required("id"));
    let sent_away = || redirect("A browser is sent to sign in, or to prove who it is.");
    let list = members()
        .property("api_keys", ArrayBuilder::new().items(named("ApiKey")))
        .required("api_keys")
        .property("available_scopes", texts("The permissions that a key can be given."))
        .required("available_scopes");
    let operation = OperationBuilder::new()
        .summary(Some("The keys of the caller"))
        .response("200", page_or_json("The keys, the newest first.", list))
        .response("302", sent_away());
    let operation = to.with_session(operation, "Unauthenticated");
    to.add("api_keys", &Method::GET, operation);
    let made = members()
        .property("api_key", named("ApiKey"))
        .required("api_key")
        .property("key", text("The key itself. It is shown this once."))
        .required("key");
    let operation = OperationBuilder::new()
        .summary(Some("Make a key"))
        .response("200", page_or_json("The key; or the page again with its errors.", made))
        .response("302", sent_away());
    let operation = to.takes(to.with_session(operation, "NotFresh"), "ApiKeyForm");
    to.add("api_keys", &Method::POST, operation);
    let operation = OperationBuilder::new()
        .summary(Some("Take a key back"))
        .response("200", crate::openapi::parts::json("It opens nothing any more.", members()))
        .response("302", redirect("A browser goes back to the list, or to sign in."));
    let operation = to.takes(to.with_session(operation, "Unauthenticated"), "RevokeApiKeyForm");
    to.add("api_keys_revoke", &Method::POST, operation);
}
