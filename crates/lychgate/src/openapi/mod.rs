//! The OpenAPI 3.1 document of a gate.
//!
//! Paths and methods come from the route list, so the document follows the settings: renamed, prefixed, switched off.
//! What a route takes and answers is said by its feature, in `features/<name>/openapi.rs`.

pub(crate) mod parts;
pub(crate) mod shapes;
mod shared;

use std::collections::BTreeMap;

use http::Method;
use utoipa::openapi::{
    HttpMethod, InfoBuilder, OpenApiBuilder, PathItem, Paths, RefOr, Schema, Server, Tag,
    path::{Operation, OperationBuilder},
    tag::TagBuilder,
};

use crate::{features, gate::Lychgate, limits::Kind, settings::Settings};

/// A schema, and the feature that uses it.
struct NamedSchema {
    feature: &'static str,
    name: &'static str,
    schema: RefOr<Schema>,
}

/// What the features say of their routes.
pub(crate) struct Operations<'a> {
    gate: &'a Lychgate,
    /// The feature that speaks.
    feature: &'static str,
    by_route: BTreeMap<(&'static str, String), Operation>,
    schemas: Vec<NamedSchema>,
    tags: Vec<Tag>,
}

impl<'a> Operations<'a> {
    fn of(gate: &'a Lychgate) -> Self {
        let mut all = Self { gate, feature: "", by_route: BTreeMap::new(), schemas: Vec::new(), tags: Vec::new() };
        features::describe(&mut all);
        all
    }

    /// Begins the part of a feature, which is a tag of the document.
    pub(crate) fn feature(&mut self, name: &'static str, describe: fn(&mut Operations<'_>)) {
        self.feature = name;
        describe(self);
    }

    /// Says what the feature is for.
    pub(crate) fn about(&mut self, text: &str) {
        self.tags.push(TagBuilder::new().name(self.feature).description(Some(text)).build());
    }

    pub(crate) fn gate(&self) -> &'a Lychgate {
        self.gate
    }

    pub(crate) fn settings(&self) -> &'a Settings {
        self.gate.settings()
    }

    /// Adds a named schema, to be used by [`parts::named`].
    pub(crate) fn schema(&mut self, name: &'static str, schema: impl Into<RefOr<Schema>>) {
        self.schemas.push(NamedSchema { feature: self.feature, name, schema: schema.into() });
    }

    /// Describes `method` of the route called `name`; what every route may answer is added.
    pub(crate) fn add(&mut self, name: &'static str, method: &Method, operation: OperationBuilder) {
        self.add_plain(name, method, operation.response("503", parts::shared("Busy")));
    }

    /// The same for a route that needs neither database nor hashing.
    pub(crate) fn add_plain(&mut self, name: &'static str, method: &Method, operation: OperationBuilder) {
        let id = format!("{}_{name}", method.as_str().to_ascii_lowercase());
        let operation = operation.tag(self.feature).operation_id(Some(id)).response("500", parts::shared("Failed"));
        self.by_route.insert((name, method.to_string()), operation.build());
    }
}

impl Lychgate {
    /// The OpenAPI 3.1 document of the routes that the settings switch on, for `/openapi.json`, for files, or to be
    /// merged into an application's own document.
    ///
    /// ```no_run
    /// # fn example(gate: &lychgate::Lychgate) {
    /// let document = gate.openapi();
    /// assert_eq!(document["openapi"], "3.1.0");
    /// # }
    /// ```
    #[must_use]
    pub fn openapi(&self) -> serde_json::Value {
        let Operations { mut by_route, schemas, tags, .. } = Operations::of(self);
        let mut paths = Paths::new();
        let mut used: Vec<String> = Vec::new();
        for route in self.own_routes() {
            let path = route.path.replace("{*", "{");
            for method in &route.methods {
                let operation = by_route.remove(&(route.name, method.to_string()));
                let kind = features::limits::kind_of(self.settings(), route.name, method, &route.path);
                if let (Some(mut operation), Some(method)) = (operation, http_method(method)) {
                    if self.limits().on && route.limited && kind != Kind::Free {
                        let often =
                            || RefOr::T(parts::refusal("Too often; `Retry-After` says when to try again.").build());
                        operation.responses.responses.entry("429".to_owned()).or_insert_with(often);
                    }
                    if self.challenges().door_of(route.name).is_some() && kind != Kind::Free {
                        let undone =
                            "`code` is `challenge_required` where a calculation is asked for first: see `challenge`.";
                        let refused = || RefOr::T(parts::refusal(undone).build());
                        operation.responses.responses.entry("403".to_owned()).or_insert_with(refused);
                    }
                    used.extend(operation.tags.iter().flatten().cloned());
                    // Merging keeps the methods that the path has already.
                    let item = PathItem::new(method, operation);
                    match paths.paths.get_mut(&path) {
                        Some(existing) => existing.merge_operations(item),
                        None => drop(paths.paths.insert(path.clone(), item)),
                    }
                }
            }
        }
        let is_used = |feature: &str| used.iter().any(|tag| tag == feature);
        let schemas = schemas.into_iter().filter(|schema| is_used(schema.feature));
        let components =
            shared::components(self.settings()).schemas_from_iter(schemas.map(|schema| (schema.name, schema.schema)));
        let document = OpenApiBuilder::new()
            .info(
                InfoBuilder::new()
                    .title(self.settings().text("app_name"))
                    .version(env!("CARGO_PKG_VERSION"))
                    .description(Some(shared::INTRODUCTION))
                    .build(),
            )
            .servers(self.server().map(|server| [server]))
            .paths(paths)
            .components(Some(components.build()))
            .tags(Some(tags.into_iter().filter(|tag| is_used(&tag.name))))
            .build();
        // Writing cannot fail: every key is text.
        let mut document = serde_json::to_value(document).unwrap_or_default();
        for part in &self.0.beside.read().documents {
            merge(&mut document, part);
        }
        document
    }

    /// Where the paths begin, if that is not the root of whoever serves the document.
    fn server(&self) -> Option<Server> {
        let web = self.web();
        let url = format!("{}{}", web.base_url.as_deref().unwrap_or_default(), web.application_root);
        (!url.is_empty()).then(|| Server::new(url))
    }
}

/// Puts a part into a document: members join members, lists join lists, and what is there already stays.
fn merge(document: &mut serde_json::Value, part: &serde_json::Value) {
    use serde_json::Value::{Array, Object};
    match (document, part) {
        (Object(document), Object(part)) => {
            for (name, value) in part {
                match document.get_mut(name) {
                    Some(existing) => merge(existing, value),
                    None => drop(document.insert(name.clone(), value.clone())),
                }
            }
        }
        (Array(document), Array(part)) => document.extend(part.iter().cloned()),
        _ => {}
    }
}

fn http_method(method: &Method) -> Option<HttpMethod> {
    Some(match method.as_str() {
        "GET" => HttpMethod::Get,
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => return None,
    })
}
