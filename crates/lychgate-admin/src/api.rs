//! What the panel says of its routes: who may call them, for lists; what they take and answer, for the OpenAPI document.
//!
//! A test compares the table with the router, another one with the replies.

use http::Method;
use lychgate::{Lychgate, RouteInfo};
use serde_json::{Map, Value, json};

mod table;

use table::{CHANGES, Change, Kind, PAGES, Page};

/// Who may call a page.
const READS: &str = "administrators";

/// Who may call what changes something.
const WRITES: &str = "administrators, with a fresh proof";

const ABOUT: &str = "The panel of administrators as JSON. The same paths without `/api` are its pages. Callers need the role \
                     of administrators; changes a fresh proof of who they are, and with a session or Basic a CSRF token.";

/// Tells the gate of the routes at the panel's address.
pub(crate) fn describe(gate: &Lychgate) {
    let base = gate.admin_url();
    let mut routes = Vec::new();
    let mut paths: Map<String, Value> = Map::new();
    let security = security(gate);
    for (method, path, guard, operation) in operations(&security) {
        let tail = if path == "/" { "" } else { path };
        for below in ["", "/api"] {
            let whole = format!("{base}{below}{tail}");
            let whole = if whole.is_empty() { "/".to_owned() } else { whole };
            routes.push(RouteInfo::new("admin", whole, method.clone(), guard));
        }
        let item = paths.entry(format!("{base}/api{tail}")).or_insert_with(|| json!({}));
        item[method.as_str().to_ascii_lowercase()] = operation;
    }
    gate.add_routes(routes, json!({"paths": paths, "tags": [{"name": "admin", "description": ABOUT}]}));
}

fn security(gate: &Lychgate) -> Value {
    let mechanisms = gate.settings().list("api_enabled_methods").iter();
    mechanisms.filter(|name| *name != "api_key").map(|name| json!({name.as_str(): []})).collect()
}

/// Method, path, guard and description of every route.
fn operations(security: &Value) -> impl Iterator<Item = (Method, &'static str, &'static str, Value)> {
    let (one, other) = (security.clone(), security.clone());
    let pages = PAGES.iter().map(move |page| (Method::GET, page.path, READS, page.operation(&one)));
    pages.chain(CHANGES.iter().map(move |change| {
        let guard = if change.fresh { WRITES } else { READS };
        (Method::POST, change.path, guard, change.operation(&other))
    }))
}

impl Page {
    fn operation(&self, security: &Value) -> Value {
        let query = self.query.iter().map(
            |(name, about)| json!({"name": name, "in": "query", "description": about, "schema": {"type": "string"}}),
        );
        let parameters: Vec<Value> = in_path(self.path).chain(query).collect();
        let (kind, schema) = match self.reply {
            [] => ("text/csv", json!({"type": "string"})),
            members => ("application/json", envelope(members)),
        };
        let reply = json!({"description": self.summary, "content": {kind: {"schema": schema}}});
        operation("get", self.path, self.summary, parameters, reply, "Unauthenticated", security)
    }
}

impl Change {
    fn operation(&self, security: &Value) -> Value {
        let parameters = in_path(self.path).collect();
        let done = [("message", Kind::Text, "What was done; where this is missing, what would be.")];
        let members: Vec<_> = done.iter().chain(self.reply).copied().collect();
        let reply = json!({"description": "It is done, or asked about.",
            "content": {"application/json": {"schema": envelope(&members)}}});
        let otherwise = if self.fresh { "NotFresh" } else { "Unauthenticated" };
        let mut operation = operation("post", self.path, self.summary, parameters, reply, otherwise, security);
        let token = [("csrf_token", Kind::Text, "With a session or Basic, unless the header has it.")];
        let body: Vec<_> = self.body.iter().chain(&token).copied().collect();
        let content = json!({"schema": object(&body)});
        operation["requestBody"] =
            json!({"content": {"application/json": content, "application/x-www-form-urlencoded": content}});
        operation["responses"]["409"] =
            json!({"description": "It cannot be done; `errors` says why.", "content": errors()});
        operation["responses"]["413"] = json!({"$ref": "#/components/responses/TooLarge"});
        operation
    }
}

fn operation(
    method: &str,
    path: &str,
    summary: &str,
    parameters: Vec<Value>,
    reply: Value,
    otherwise: &str,
    security: &Value,
) -> Value {
    let id: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let shared = |name: &str| json!({"$ref": format!("#/components/responses/{name}")});
    let responses = json!({
        "200": reply,
        "400": shared("Refused"),
        "401": shared(otherwise),
        "403": shared("Forbidden"),
        "404": shared("NotFound"),
        "500": shared("Failed"),
        "503": shared("Busy"),
    });
    json!({
        "tags": ["admin"],
        "operationId": format!("{method}_admin{}", id.trim_end_matches('_')),
        "summary": summary,
        "parameters": parameters,
        "security": security,
        "responses": responses,
    })
}

fn in_path(path: &str) -> impl Iterator<Item = Value> {
    let id = json!({"name": "id", "in": "path", "required": true, "description": "Id of a user.",
        "schema": {"type": "integer"}});
    path.contains("{id}").then_some(id).into_iter()
}

fn errors() -> Value {
    json!({"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}})
}

fn envelope(members: &[(&str, Kind, &str)]) -> Value {
    json!({
        "type": "object",
        "properties": {"meta": {"$ref": "#/components/schemas/Meta"}, "response": object(members)},
        "required": ["meta", "response"],
    })
}

fn object(members: &[(&str, Kind, &str)]) -> Value {
    let one = |(name, kind, about): &(&str, Kind, &str)| {
        let mut schema = kind.schema();
        schema["description"] = (*about).into();
        ((*name).to_owned(), schema)
    };
    json!({"type": "object", "properties": members.iter().map(one).collect::<Map<_, _>>()})
}

impl Kind {
    fn schema(self) -> Value {
        match self {
            Self::Text => json!({"type": ["string", "null"]}),
            Self::Number => json!({"type": ["integer", "null"]}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Self::Object => json!({"type": ["object", "null"], "additionalProperties": true}),
            Self::Objects => {
                json!({"type": "array", "items": {"type": "object", "additionalProperties": true}})
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    /// Every route of the router, found in its source: path, method, whether it asks for a fresh proof.
    fn routed() -> BTreeSet<(String, &'static str, bool)> {
        let source: String = include_str!("lib.rs").split_whitespace().collect();
        let pages = source.split("fnpages").nth(1).unwrap();
        let mut found = BTreeSet::new();
        for route in pages.split(".route(\"").skip(1) {
            let (path, handlers) = route.split_once('"').unwrap();
            let fresh = handlers.starts_with(",change(");
            if handlers.contains("post(") {
                found.insert((path.to_owned(), "POST", fresh));
            }
            if handlers.contains("get(") {
                found.insert((path.to_owned(), "GET", false));
            }
        }
        found
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let described: BTreeSet<_> = operations(&json!([]))
            .map(|(method, path, guard, _)| {
                (path.to_owned(), if method == Method::GET { "GET" } else { "POST" }, guard == WRITES)
            })
            .collect();
        assert_eq!(described, routed());
        assert!(described.len() > 40);
        assert_eq!(described.len(), PAGES.len() + CHANGES.len(), "something is described twice");
    }
}
