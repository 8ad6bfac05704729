//! What forward authentication says of its route.

use http::Method;
use utoipa::openapi::{
    Content, ObjectBuilder, Ref, ResponseBuilder, Type, path::OperationBuilder, schema::AnyOfBuilder,
};

use crate::{
    openapi::{
        Operations,
        parts::{page, query, redirect, shared, texts},
    },
    settings::RawValue,
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Forward authentication: a proxy asks about each request whether its sender may pass.");
    let header = |description: &str| {
        utoipa::openapi::HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .description(Some(description))
            .build()
    };
    let settings = to.settings();
    let named = |key: &str| match settings.map_entry("auth_check_headers", key) {
        Some(RawValue::Text(text) | RawValue::Written(text)) => Some(text.clone()),
        _ => None,
    };
    let mut passed = ResponseBuilder::new().description("The sender may pass. There is no body.");
    for (key, meaning) in [
        ("user", "The key of the user's row."),
        ("email", "The user's address, percent-encoded."),
        ("roles", "The user's roles, percent-encoded, between commas."),
        ("permissions", "The permissions of those roles, percent-encoded, between commas."),
    ] {
        if let Some(name) = named(key) {
            passed = passed.header(name, header(meaning));
        }
    }
    let errors = AnyOfBuilder::new().item(Ref::from_schema_name("Errors")).item(Ref::from_schema_name("NotFresh"));
    let mut refused = ResponseBuilder::new()
        .description("Nobody is signed in, or the proof of identity is older than was asked for.")
        .content("application/json", Content::new(Some(errors)))
        .content("text/html", page());
    if let Some(name) = named("location") {
        refused = refused.header(name, header("Where a browser is let in."));
    }
    let operation = OperationBuilder::new()
        .summary(Some("Whether the sender of a request may pass"))
        .parameter(query("role", "").description(Some("One of these roles is needed.")).schema(Some(texts("Names."))))
        .parameter(
            query("permission", "")
                .description(Some("One of these permissions is needed."))
                .schema(Some(texts("Names."))),
        )
        .parameter(query("fresh", "So many seconds old the proof of identity may be; empty stands for the settings."))
        .parameter(query("redirect", "With any value, or none, a browser is sent to where it is let in."))
        .response("200", passed)
        .response("302", redirect("With `redirect`: where a browser is let in."))
        .response("400", shared("Refused"))
        .response("403", shared("Forbidden"));
    let operation = to.signed_in_or_by_key(operation).response("401", refused);
    to.add("auth_check", &Method::GET, operation);
}
