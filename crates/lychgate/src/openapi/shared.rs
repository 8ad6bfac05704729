//! What the routes share: the envelope, the errors, the ways to say who calls.

use utoipa::openapi::{
    Components, ComponentsBuilder, Content, HeaderBuilder, ObjectBuilder, RefOr, ResponseBuilder, Schema, Type,
    schema::{AdditionalProperties, AnyOfBuilder},
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};

use super::parts::{envelope, flag, named, page, text, texts};
use crate::settings::Settings;

pub(super) const INTRODUCTION: &str = "\
Every route answers in two forms. A request whose body is JSON, or whose best `Accept` entry is `application/json`, gets \
JSON; every other request gets what a browser needs: a page, or a redirect. Bodies are read by their content type.

JSON replies stand in an envelope, `{\"meta\": {\"code\": 200}, \"response\": {}}`; `meta.code` is the HTTP status. A form \
that is refused answers 400 with `errors` and `field_errors` in JSON, and 200 with the page and its errors in HTML.

Where a form has a field for a CSRF token, fetch the token first: `GET` the same route, or the sign-in route, with \
`Accept: application/json`. It is `response.csrf_token` and belongs to the session cookie that comes with it. Every \
successful reply to a form holds the next one.

The responses `Unauthenticated`, `NotFresh` and `Forbidden` are what guarded routes of the application answer.";

pub(super) fn components(settings: &Settings) -> ComponentsBuilder {
    let components = responses(schemas(Components::builder(), settings), settings);
    mechanisms(settings)
        .into_iter()
        .fold(components, |components, (name, mechanism)| components.security_scheme(name, mechanism))
}

/// The ways to say who calls, under the names that `api_enabled_methods` uses.
fn mechanisms(settings: &Settings) -> Vec<(&'static str, SecurityScheme)> {
    let key = settings.text("token_authentication_key");
    let token = format!(
        "An auth token: `response.user.authentication_token` of a sign-in with `?include_auth_token`. It is also \
         accepted as the member `{key}` of a JSON body."
    );
    let in_header = ApiKeyValue::with_description(settings.text("token_authentication_header"), &token);
    let session = settings.text("session.cookie_name");
    let session = ApiKeyValue::with_description(session, "The signed session cookie that sign-in sets.");
    let basic = Http::builder()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("Identity and password, on routes that accept them. Makes no session."));
    let mut all = vec![
        ("session", SecurityScheme::ApiKey(ApiKey::Cookie(session))),
        ("token", SecurityScheme::ApiKey(ApiKey::Header(in_header))),
        ("basic", SecurityScheme::Http(basic.build())),
    ];
    if settings.flag("jwt.enabled") {
        let jwt = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A JSON Web Token, in whichever places `jwt.token_location` names; this is the header."));
        all.push(("jwt", SecurityScheme::Http(jwt.build())));
    }
    if settings.flag("api_keys") {
        let header = settings.text("api_key_header");
        let key = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format(format!("{}…", settings.text("api_key_prefix")))
            .description(Some(format!("An API key, on the application's own routes; also in the header `{header}`.")));
        all.push(("api_key", SecurityScheme::Http(key.build())));
    }
    if settings.flag("token_query_enabled") {
        let query = ApiKeyValue::with_description(key, "An auth token. Addresses end up in logs: prefer the header.");
        all.push(("token_in_query", SecurityScheme::ApiKey(ApiKey::Query(query))));
    }
    all
}

fn schemas(components: ComponentsBuilder, settings: &Settings) -> ComponentsBuilder {
    let errors = || {
        ObjectBuilder::new()
            .property("errors", texts("What is wrong, for people, in the order of the form's fields."))
            .required("errors")
    };
    let by_field = ObjectBuilder::new()
        .additional_properties(Some(AdditionalProperties::from(texts("The errors of one field."))))
        .description(Some(
            "The same by field, where a form was refused; the empty name stands for the form as a whole.",
        ));
    let not_fresh = errors()
        .property("reauth_required", flag("Always true: prove who you are again, then repeat the request."))
        .required("reauth_required")
        .property("proof_required", text("What is to be proved, where that is more: `second_factor` or `passkey`."))
        .property("unified_signin_enabled", flag("Whether that is done at the unified sign-in's own route."))
        .property("has_webauthn_verify_credential", flag("Whether a passkey of this user may be used."))
        .property("oauth_enabled", flag("Whether an identity provider may be used."))
        .property("oauth_providers", texts("The names of those providers."));
    let refused = errors()
        .property("field_errors", by_field)
        .property(
            "reference",
            text("Under which an administrator finds out what was missing, where a right was (not in the flask profile)."),
        )
        .property(
            "code",
            text(
                "To the owner of an account that may not be used: `account_waiting`, `account_declined`, \
                 `account_suspended` or `account_locked`.",
            ),
        )
        .property("until", text("When a suspension ends (RFC 3339), if it ends by itself."))
        .property("reason", text("Why, in the words of an administrator."));
    components
        .schema(
            "Meta",
            ObjectBuilder::new()
                .property("code", ObjectBuilder::new().schema_type(Type::Integer).description(Some("The HTTP status.")))
                .required("code"),
        )
        .schema("Errors", envelope(refused))
        .schema("NotFresh", envelope(not_fresh))
        .schema("User", user(settings))
}

fn user(settings: &Settings) -> RefOr<Schema> {
    let mut user = ObjectBuilder::new()
        .description(Some("What the application tells a user about themselves; by default nothing."))
        .property("authentication_token", text("An auth token, where the request asked for one."));
    if settings.flag("refresh_token") && settings.text_opt("refresh_token_cookie_name").is_none() {
        user = user.property("refresh_token", text("The first refresh token of a family, beside an auth token."));
    }
    user.additional_properties(Some(AdditionalProperties::FreeForm(true))).into()
}

fn responses(components: ComponentsBuilder, settings: &Settings) -> ComponentsBuilder {
    let in_json = |description: &str| {
        ResponseBuilder::new().description(description).content("application/json", Content::new(Some(named("Errors"))))
    };
    let error = |description: &str| in_json(description).content("text/html", page());
    let header = |description: &str| {
        HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .description(Some(description))
            .build()
    };
    let unauthenticated = if settings.list("api_enabled_methods").iter().any(|mechanism| mechanism == "basic") {
        error("Nobody is signed in, or the proof is not good.")
            .header("WWW-Authenticate", header("Asks for Basic credentials."))
    } else {
        in_json("Nobody is signed in, or the proof is not good. A browser is sent to the sign-in page instead.")
    };
    let stale_or_stranger = AnyOfBuilder::new().item(named("Errors")).item(named("NotFresh"));
    components
        .response(
            "Refused",
            error(
                "The form has errors, its CSRF token is missing or not good, the caller is signed in already, or the body \
                 cannot be read. A browser gets the errors of a form in a page with status 200.",
            ),
        )
        .response("Unauthenticated", unauthenticated)
        .response(
            "NotFresh",
            ResponseBuilder::new()
                .description(
                    "Nobody is signed in, or the proof of identity is too old; then `reauth_required` is true. A \
                     browser is sent to the page where it can be given.",
                )
                .content("application/json", Content::new(Some(stale_or_stranger))),
        )
        .response("Forbidden", error("The caller is known and lacks the role or the permission."))
        .response("NotFound", error("There is nothing at this address."))
        .response("TooLarge", error("The body is longer, or has more fields, than the settings allow."))
        .response("Failed", error("The server failed; the text holds the id under which its log says why."))
        .response(
            "Busy",
            error("Too many passwords wait to be hashed, or the database does not answer.")
                .header("Retry-After", header("Seconds to wait.")),
        )
}
