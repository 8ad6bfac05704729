//! What JSON Web Tokens say of their routes.

use http::Method;
use utoipa::openapi::{
    Content, ObjectBuilder, ResponseBuilder, Type,
    path::OperationBuilder,
    schema::{AdditionalProperties, ArrayBuilder, OneOfBuilder},
    security::SecurityRequirement,
};

use crate::openapi::{
    Operations,
    parts::{bare, bare_body, formatted, lesson, named, page, sets_cookies, shared, text},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    if !to.settings().flag("jwt.enabled") {
        return;
    }
    to.about("JSON Web Tokens.");
    let said = to.settings().text("jwt.error_message_key").to_owned();
    to.schema("Said", ObjectBuilder::new().property(said.clone(), text("What happened.")).required(said));
    to.schema("Tokens", tokens());
    to.schema("Credentials", credentials());
    for name in ["authenticate", "users_authenticate"] {
        to.add(name, &Method::POST, authenticate());
    }
    let refused = |text: &str| bare(text, named("Said"));
    let handed_out = |text: &str| {
        let either = OneOfBuilder::new().item(named("Tokens")).item(named("Said"));
        sets_cookies(bare(text, either), "The tokens, where the settings send them as cookies.")
    };
    let issue = OperationBuilder::new()
        .summary(Some("Get tokens for the session"))
        .securities(Some([SecurityRequirement::new("session", [""; 0])]))
        .response("200", handed_out("The tokens."))
        .response("400", shared("Refused"))
        .response("401", refused("Nobody is signed in with a session."));
    to.add("jwt_issue", &Method::POST, issue);
    for (name, summary, done) in [
        ("jwt_refresh", "Get a new access token for a refresh token", "A new access token, which is not fresh."),
        ("jwt_logout", "Revoke the tokens of the request", "They open nothing any more."),
    ] {
        let operation = OperationBuilder::new()
            .summary(Some(summary))
            .securities(Some([SecurityRequirement::new("jwt", [""; 0])]))
            .response("200", handed_out(done))
            .response("401", refused("There is no token, or it is not good any more."))
            .response("422", refused("There is a token, and it is not good."));
        to.add(name, &Method::POST, operation);
    }
    let key = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(true)));
    let set = ObjectBuilder::new().property("keys", ArrayBuilder::new().items(key)).required("keys");
    let keys = OperationBuilder::new()
        .summary(Some("The public keys, by which other services check tokens"))
        .response("200", bare("A JWK set (RFC 7517).", set));
    to.add_plain("jwks", &Method::GET, keys);
}

fn authenticate() -> OperationBuilder {
    let done = ResponseBuilder::new()
        .description("A name and cookies, or the tokens as JSON, as the settings say.")
        .content("text/plain", page())
        .content("application/json", Content::new(Some(named("Tokens"))));
    OperationBuilder::new()
        .summary(Some("Get tokens for a password"))
        .request_body(Some(bare_body(named("Credentials"))))
        .response("200", sets_cookies(done, "The tokens, where the settings send them as cookies."))
        .response("400", lesson("The body is empty or cannot be read."))
        .response("401", lesson("Nobody has this password, or it is not enough; then `tf_required` is true."))
        .response("413", lesson("The body is too long."))
}

fn tokens() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("access_token", text("Opens routes."))
        .required("access_token")
        .property("refresh_token", text("Gets new access tokens."))
}

fn credentials() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("uid", text("Who it is: an address, a username, whatever identifies users."))
        .property("email", text("The same by another name."))
        .property("password", formatted("password", "The password."))
}
