//! The document as the page shows it: operations by feature, with names resolved and types in a word.

use serde_json::{Map, Value, json};

/// How deep members of members are shown; forms and replies of this library are no deeper.
const DEPTH: usize = 4;

/// The features of a document, each with its operations.
pub(super) fn groups(document: &Value) -> Value {
    let tags = document["tags"].as_array().into_iter().flatten();
    let groups = tags.map(|tag| {
        let name = tag["name"].as_str().unwrap_or_default();
        json!({"name": name, "about": tag["description"], "operations": operations(document, name)})
    });
    groups.collect()
}

fn operations(document: &Value, tag: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if operation["tags"].as_array().is_some_and(|tags| tags.iter().any(|known| known == tag)) {
                found.push(shown(document, path, method, operation));
            }
        }
    }
    found
}

fn shown(document: &Value, path: &str, method: &str, operation: &Value) -> Value {
    let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| {
        json!({
            "name": parameter["name"],
            "place": parameter["in"],
            "required": parameter["required"] == true,
            "kind": kind(&parameter["schema"]),
            "about": parameter["description"],
        })
    });
    let body = &operation["requestBody"]["content"];
    let fields = first_content(body).map(|content| members(document, &content["schema"], "", DEPTH));
    let replies = operation["responses"].as_object().into_iter().flatten().map(|(status, reply)| {
        let reply = resolved(document, reply);
        let json = &reply["content"]["application/json"]["schema"];
        let payload = &resolved(document, json)["properties"]["response"];
        json!({
            "status": status,
            "about": reply["description"],
            "types": names(&reply["content"]),
            "headers": names(&reply["headers"]),
            "members": if payload.is_null() { Vec::new() } else { members(document, payload, "", DEPTH) },
        })
    });
    let security = operation["security"].as_array().into_iter().flatten();
    json!({
        "id": operation["operationId"],
        "path": path,
        "method": method.to_uppercase(),
        "summary": operation["summary"],
        "about": operation["description"],
        "mechanisms": security.flat_map(names).collect::<Vec<_>>(),
        "parameters": parameters.collect::<Vec<_>>(),
        "body_types": names(body),
        "fields": fields,
        "replies": replies.collect::<Vec<_>>(),
    })
}

/// The members of an object, those of inner objects as `outer.inner`.
fn members(document: &Value, schema: &Value, outer: &str, depth: usize) -> Vec<Value> {
    let schema = resolved(document, schema);
    let mut found = Vec::new();
    if depth == 0 {
        return found;
    }
    for part in ["allOf", "anyOf", "oneOf"] {
        for schema in schema[part].as_array().into_iter().flatten() {
            found.extend(members(document, schema, outer, depth - 1));
        }
    }
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let full = if outer.is_empty() { name.clone() } else { format!("{outer}.{name}") };
        let inner = resolved(document, member);
        found.push(json!({
            "name": full,
            "required": required(name),
            "kind": kind(inner),
            "about": if member["description"].is_null() { &inner["description"] } else { &member["description"] },
        }));
        let inside = if inner["type"] == "array" { &inner["items"] } else { inner };
        found.extend(members(document, inside, &full, depth - 1));
    }
    found
}

/// A type in a word or two.
fn kind(schema: &Value) -> String {
    let of = |schema: &Value| match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "object".to_owned(),
    };
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("array"), _) => format!("list of {}", of(&schema["items"])),
        (_, Some(format)) => format!("{}, {format}", of(schema)),
        _ => of(schema),
    }
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let target = value["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#')));
    target.unwrap_or(value)
}

fn names(value: &Value) -> Vec<String> {
    value.as_object().into_iter().flat_map(Map::keys).cloned().collect()
}

fn first_content(content: &Value) -> Option<&Value> {
    content.as_object()?.values().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_that_lead_in_circles_end() {
        let document = json!({"components": {"schemas": {
            "A": {"type": "object", "required": ["b"], "properties": {"b": {"$ref": "#/components/schemas/A"}}},
        }}});
        let found = members(&document, &json!({"$ref": "#/components/schemas/A"}), "", DEPTH);
        let names: Vec<&Value> = found.iter().map(|member| &member["name"]).collect();
        assert_eq!(names, ["b", "b.b", "b.b.b", "b.b.b.b"]);
        assert!(found.iter().all(|member| member["required"] == true));
    }

    #[test]
    fn types_in_words() {
        for (schema, words) in [
            (json!({"type": "string"}), "string"),
            (json!({"type": "string", "format": "email"}), "string, email"),
            (json!({"type": ["string", "null"]}), "string or null"),
            (json!({"type": "array", "items": {"type": "string"}}), "list of string"),
            (json!({"anyOf": []}), "object"),
        ] {
            assert_eq!(kind(&schema), words);
        }
    }
}
