//! What trading refresh tokens says of its route.

use http::Method;
use utoipa::openapi::{ObjectBuilder, path::OperationBuilder};

use crate::openapi::{
    Operations,
    parts::{json, sets_cookies, text},
};

pub(crate) fn describe(to: &mut Operations<'_>) {
    to.about("Refresh tokens: traded for a new auth token. Each is good once.");
    let cookie = to.settings().text_opt("refresh_token_cookie_name").map(str::to_owned);
    let form = match &cookie {
        Some(_) => ObjectBuilder::new(),
        None => ObjectBuilder::new()
            .property("refresh_token", text("The last refresh token of its family."))
            .required("refresh_token"),
    };
    to.form("RefreshTokenForm", form);
    let mut user = ObjectBuilder::new()
        .description(Some("What the application tells of the user, and the tokens."))
        .property("authentication_token", text("A new auth token."))
        .required("authentication_token");
    if cookie.is_none() {
        user = user.property("refresh_token", text("The next refresh token.")).required("refresh_token");
    }
    let done = json("The new tokens.", ObjectBuilder::new().property("user", user).required("user"));
    let (done, where_it_is) = match &cookie {
        Some(name) => (
            sets_cookies(done, "The next refresh token."),
            format!("The refresh token comes in the cookie `{name}`, and so does the next one."),
        ),
        None => (done, "The refresh token comes in the body, and so does the next one.".to_owned()),
    };
    let about = format!(
        "The body has to be JSON. {where_it_is} A token that was used before ends its family: then everybody who has one \
         of its tokens has to sign in again. Which it was says the error of the field `refresh_token`."
    );
    let operation = OperationBuilder::new()
        .summary(Some("Trade a refresh token for new tokens"))
        .description(Some(about))
        .response("200", done);
    let operation = to.takes_json(operation, "RefreshTokenForm");
    to.add("refresh_token", &Method::POST, operation);
}
