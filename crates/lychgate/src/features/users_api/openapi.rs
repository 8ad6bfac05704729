//! What the users API says of its routes.

use http::Method;
use utoipa::openapi::{
    ArrayBuilder, Content, HeaderBuilder, ObjectBuilder, Ref, ResponseBuilder, Type, path::OperationBuilder,
};

use crate::openapi::{
    Operations,
    parts::{bare, bare_body, flag, formatted, in_path, lesson, named, nullable_text, query, shared, text, texts},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Users as JSON, for programs.");
    to.schema("UserRecord", record());
    to.schema("UserChange", change());
    let list = ArrayBuilder::new().items(Ref::from_schema_name("UserRecord"));
    let link = HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    let page = ResponseBuilder::new()
        .description("A page of users.")
        .content("application/json", Content::new(Some(list)))
        .header("Link", link.description(Some("Where the next page and the one before are (RFC 8288).")).build());
    let mut operation = OperationBuilder::new().summary(Some("List users")).response("200", page);
    for (name, about) in [
        ("search", "A part of the address or the username."),
        ("role", "Only users with this role."),
        ("active", "`true` or `false`."),
        ("confirmed", "`true` or `false`."),
        ("sort", "`id`, `email`, `last_login` or `created`; a minus before it turns the order round."),
        ("limit", "How many, from 1 to 200; 50 without it."),
        ("after", "Where the page begins; out of the `Link` header."),
        ("before", "Where the page ends; out of the `Link` header."),
    ] {
        operation = operation.parameter(query(name, about));
    }
    add(to, "users", &Method::GET, operation.response("400", lesson("The query makes no sense.")));
    let operation = OperationBuilder::new()
        .summary(Some("Make a user"))
        .request_body(Some(bare_body(named("UserChange"))))
        .response("201", bare("The new user.", named("UserRecord")))
        .response("400", lesson("What was sent makes no user; `field_errors` says why."))
        .response("413", shared("TooLarge"));
    add(to, "users", &Method::POST, operation);
    let operation = one("Read a user").response("200", bare("The user.", named("UserRecord")));
    add(to, "user", &Method::GET, operation);
    for method in [Method::PUT, Method::PATCH] {
        let operation = one("Change what is sent of a user")
            .request_body(Some(bare_body(named("UserChange"))))
            .response("200", bare("The user as it is now.", named("UserRecord")))
            .response("400", lesson("What was sent cannot be; `field_errors` says why."))
            .response("409", lesson("The name is taken, the user was changed meanwhile, or is the last administrator."))
            .response("413", shared("TooLarge"));
        add(to, "user", &method, operation);
    }
    let operation = one("Delete a user")
        .response("204", ResponseBuilder::new().description("The user is gone."))
        .response("400", lesson("The CSRF token is missing."))
        .response("409", lesson("It is the last administrator, or rows of the application refer to it."));
    add(to, "user", &Method::DELETE, operation);
}

fn one(summary: &str) -> OperationBuilder {
    OperationBuilder::new()
        .summary(Some(summary))
        .parameter(in_path("id", "The key of the user."))
        .response("404", lesson("There is no such user."))
}

fn add(to: &mut Operations<'_>, name: &'static str, method: &Method, operation: OperationBuilder) {
    let operation = to
        .signed_in(operation)
        .response("401", lesson("Nobody is signed in, the token is not good, or the proof of identity is too old."))
        .response("403", lesson("The caller lacks a role."));
    to.add(name, method, operation);
}

fn record() -> ObjectBuilder {
    let id = ObjectBuilder::new().schema_type(Type::Integer).description(Some("The key."));
    ObjectBuilder::new()
        .property("id", id)
        .required("id")
        .property("uid", text("What the user is called."))
        .required("uid")
        .property("email", formatted("email", "The address."))
        .required("email")
        .property("username", nullable_text("The username."))
        .property("active", flag("Whether the user may sign in."))
        .required("active")
        .property("role", nullable_text("The first role."))
        .property("roles", texts("The names of all roles."))
        .required("roles")
        .property("confirmed_at", nullable_text("When the address was confirmed."))
        .property("created_at", nullable_text("When the user was made."))
        .property("updated_at", nullable_text("When the user was last changed."))
}

fn change() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("email", formatted("email", "The address; another one has to be confirmed again."))
        .property("username", text("The username."))
        .property("password", formatted("password", "A new password; it ends what is signed in."))
        .property("active", flag("Whether the user may sign in."))
        .property("roles", texts("The names of all roles that the user is to have."))
        .property("confirmed", flag("Whether the address counts as confirmed."))
}
