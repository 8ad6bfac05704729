//! The pieces that features build their descriptions from.

use utoipa::openapi::{
    ArrayBuilder, Content, HeaderBuilder, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
    SchemaFormat, Type,
    path::{OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
    schema::{AnyOfBuilder, SchemaType},
    security::SecurityRequirement,
};

use super::Operations;
use crate::settings::Settings;

const JSON: &str = "application/json";
const HTML: &str = "text/html";

/// Text.
pub(crate) fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

/// Text, or nothing.
pub(crate) fn nullable_text(description: &str) -> ObjectBuilder {
    text(description).schema_type([Type::String, Type::Null].into_iter().collect::<SchemaType>())
}

/// Text of a format such as `email` or `password`.
pub(crate) fn formatted(format: &str, description: &str) -> ObjectBuilder {
    text(description).format(Some(SchemaFormat::Custom(format.to_owned())))
}

/// Yes or no.
pub(crate) fn flag(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean).description(Some(description))
}

/// A list of texts.
pub(crate) fn texts(description: &str) -> ArrayBuilder {
    ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String)).description(Some(description))
}

/// A schema by its name in the document.
pub(crate) fn named(name: &str) -> Ref {
    Ref::from_schema_name(name)
}

/// A reply that many routes share, by its name in the document.
pub(crate) fn shared(name: &str) -> RefOr<Response> {
    RefOr::Ref(Ref::from_response_name(name))
}

/// The members of a successful reply to a form: the token for the next one, and what the feature adds.
pub(crate) fn members() -> ObjectBuilder {
    ObjectBuilder::new().property("csrf_token", text("The CSRF token for the next request.")).required("csrf_token")
}

/// The envelope around `response`.
pub(crate) fn envelope(response: impl Into<RefOr<Schema>>) -> ObjectBuilder {
    ObjectBuilder::new()
        .property("meta", named("Meta"))
        .required("meta")
        .property("response", response)
        .required("response")
}

/// A reply in JSON or, for browsers, as a page.
pub(crate) fn page_or_json(description: &str, response: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    json(description, response).content(HTML, page())
}

/// A reply in JSON alone.
pub(crate) fn json(description: &str, response: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    ResponseBuilder::new().description(description).content(JSON, Content::new(Some(envelope(response))))
}

/// JSON without the envelope.
pub(crate) fn bare(description: &str, schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    ResponseBuilder::new().description(description).content(JSON, Content::new(Some(schema)))
}

/// A body that is JSON alone.
pub(crate) fn bare_body(schema: Ref) -> RequestBody {
    RequestBodyBuilder::new().required(Some(Required::True)).content(JSON, Content::new(Some(schema))).build()
}

/// A refusal in the shape of the routes that speak of `message`, `data` and `error`.
pub(crate) fn lesson(description: &str) -> ResponseBuilder {
    let schema = ObjectBuilder::new()
        .property("message", text("What is wrong."))
        .property("data", nullable_text("Always nothing."))
        .property("error", text("What kind of mistake it is."));
    let either = AnyOfBuilder::new().item(schema).item(named("Errors"));
    bare(description, either)
}

/// A refusal that only one route has.
pub(crate) fn refusal(description: &str) -> ResponseBuilder {
    let errors = Content::new(Some(named("Errors")));
    ResponseBuilder::new().description(description).content(JSON, errors).content(HTML, page())
}

/// What stands in a page.
pub(crate) fn page() -> Content {
    Content::new(Some(ObjectBuilder::new().schema_type(Type::String)))
}

/// A reply that sends a browser elsewhere.
pub(crate) fn redirect(description: &str) -> ResponseBuilder {
    let location = HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    ResponseBuilder::new()
        .description(description)
        .header("Location", location.description(Some("Where to go.")).build())
}

/// Says that a reply sets cookies.
pub(crate) fn sets_cookies(reply: ResponseBuilder, description: &str) -> ResponseBuilder {
    let cookie = HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    reply.header("Set-Cookie", cookie.description(Some(description)).build())
}

/// A parameter of the query.
pub(crate) fn query(name: &str, description: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
}

/// A parameter of the path.
pub(crate) fn in_path(name: &str, description: &str) -> ParameterBuilder {
    query(name, description).parameter_in(ParameterIn::Path).required(Required::True)
}

/// `?next=`: where a browser goes afterwards.
pub(crate) fn next() -> ParameterBuilder {
    query("next", "Where a browser goes afterwards: a path or URL of this site. Anything else is not followed.")
}

/// `?include_auth_token`: asks for an auth token in `response.user`.
pub(crate) fn include_auth_token() -> ParameterBuilder {
    query("include_auth_token", "With any value, or none, `response.user` holds an auth token.")
}

/// A form by the name of its schema, as JSON and as browsers send it.
fn body(schema: &str) -> RequestBody {
    RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content(JSON, Content::new(Some(named(schema))))
        .content("application/x-www-form-urlencoded", Content::new(Some(named(schema))))
        .content("multipart/form-data", Content::new(Some(named(schema))))
        .build()
}

impl Operations<'_> {
    /// Adds the schema of a form, with the CSRF token where the settings want one.
    pub(crate) fn form(&mut self, name: &'static str, form: ObjectBuilder) {
        let form = match csrf_field(self.settings()) {
            Some(field) => form.property(field, text("The CSRF token of this session. See the introduction.")),
            None => form,
        };
        self.schema(name, form);
    }

    /// The body of a form, and what may go wrong while it is read.
    pub(crate) fn takes(&self, operation: OperationBuilder, form: &str) -> OperationBuilder {
        let settings = self.settings();
        let operation = operation
            .request_body(Some(body(form)))
            .response("400", shared("Refused"))
            .response("413", shared("TooLarge"));
        let in_header = settings.flag("csrf.enabled") && settings.flag("csrf.protect");
        match settings.list("csrf.headers").first().filter(|_| in_header) {
            Some(header) => operation.parameter(
                ParameterBuilder::new()
                    .name(header)
                    .parameter_in(ParameterIn::Header)
                    .required(Required::False)
                    .description(Some("The CSRF token of this session, where it is not in a form field."))
                    .schema(Some(ObjectBuilder::new().schema_type(Type::String))),
            ),
            None => operation,
        }
    }

    /// The same for a form that only JSON carries.
    pub(crate) fn takes_json(&self, operation: OperationBuilder, form: &str) -> OperationBuilder {
        let body = RequestBodyBuilder::new().required(Some(Required::True));
        let body = body.content(JSON, Content::new(Some(named(form)))).build();
        self.takes(operation, form).request_body(Some(body))
    }

    /// The same for a form that may be left out.
    pub(crate) fn takes_if_any(&self, operation: OperationBuilder, form: &str) -> OperationBuilder {
        let mut body = body(form);
        body.required = Some(Required::False);
        self.takes(operation, form).request_body(Some(body))
    }

    /// For signed-in callers: the mechanisms of the settings, and the replies to everybody else.
    pub(crate) fn signed_in(&self, operation: OperationBuilder) -> OperationBuilder {
        operation.securities(Some(self.mechanisms())).response("401", shared("Unauthenticated"))
    }

    /// For signed-in callers who proved not long ago who they are.
    pub(crate) fn fresh(&self, operation: OperationBuilder) -> OperationBuilder {
        operation.securities(Some(self.mechanisms())).response("401", shared("NotFresh"))
    }

    /// For callers with a session, and the shared reply to everybody else.
    pub(crate) fn with_session(&self, operation: OperationBuilder, otherwise: &str) -> OperationBuilder {
        let session = SecurityRequirement::new("session", [""; 0]);
        operation.securities(Some([session])).response("401", shared(otherwise))
    }

    /// For signed-in callers at a route that stands for the application's own, which take API keys, too.
    pub(crate) fn signed_in_or_by_key(&self, operation: OperationBuilder) -> OperationBuilder {
        let settings = self.settings();
        let by_key = settings.flag("api_keys") && settings.list("api_enabled_methods").iter().any(|by| by == "api_key");
        let mut all = self.mechanisms();
        all.extend(by_key.then(|| SecurityRequirement::new("api_key", [""; 0])));
        operation.securities(Some(all))
    }

    fn mechanisms(&self) -> Vec<SecurityRequirement> {
        let settings = self.settings();
        let mechanisms = settings.list("api_enabled_methods");
        let in_query = settings.flag("token_query_enabled") && mechanisms.iter().any(|mechanism| mechanism == "token");
        let counts = |name: &&str| *name != "api_key" && (*name != "jwt" || settings.flag("jwt.enabled"));
        let own = mechanisms.iter().map(String::as_str).filter(counts);
        let names = own.chain(in_query.then_some("token_in_query"));
        names.map(|name| SecurityRequirement::new(name, [""; 0])).collect()
    }
}

/// The name of the form field of the CSRF token, if forms have one.
fn csrf_field(settings: &Settings) -> Option<&str> {
    settings.flag("csrf.enabled").then(|| settings.text("csrf.field_name"))
}

/// What the application tells a user about themselves, in every reply that names one.
pub(crate) fn user() -> Ref {
    named("User")
}
