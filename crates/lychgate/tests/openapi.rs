//! The OpenAPI document: complete, true to the settings, and true to what the routes answer.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use axum::{
    Router,
    body::{Body, to_bytes},
};
use http::{Request, Response, StatusCode, header};
use lychgate::{Lychgate, ManualClock, NewAccount, Profile, Settings, settings::SettingsBuilder};
use rstest::rstest;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const PASSWORD: &str = "correct horse battery staple";

fn settings(profile: Profile) -> SettingsBuilder {
    Settings::builder()
        .profile(profile)
        .set("app_name", "Sample")
        .set("secret_key", "0f3b1d5c7a9e2468ace013579bdf0246")
        .set("password_salt", "8642ace013579bdf02468ace13579bdf")
        .set("database_url", "sqlite://")
}

/// Everything that people may do with their own accounts.
fn with_accounts(settings: SettingsBuilder) -> SettingsBuilder {
    let features = [
        "registerable",
        "confirmable",
        "recoverable",
        "changeable",
        "change_email",
        "change_username",
        "username_enable",
        "username_recovery",
        "not_me",
        "webauthn",
    ];
    let settings = features.into_iter().fold(settings, |settings, feature| settings.set(feature, true));
    settings.toml("codes", "[security]\ntwo_factor = true\ntotp_issuer = \"Sample\"\ntotp_secrets = { 1 = \"8642\" }")
}

/// Second factors and what goes with them.
fn with_second_factors(settings: SettingsBuilder) -> SettingsBuilder {
    settings.toml(
        "test",
        "[security]\ntwo_factor = true\nmulti_factor_recovery_codes = true\nunified_signin = true\ntotp_issuer = \"tests\"\n\
         totp_secrets = {1 = \"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B\"}\n",
    )
}

/// Tokens for programs, and users as JSON.
fn with_tokens(settings: SettingsBuilder) -> SettingsBuilder {
    settings.set("jwt.enabled", true).set("users_api", true)
}

async fn gate(settings: SettingsBuilder) -> Lychgate {
    let settings = settings.build().unwrap_or_else(|errors| panic!("{errors}"));
    Lychgate::builder().settings(settings).setup_link(true).build().await.unwrap()
}

/// Method and path of every operation.
fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let item = item.as_object().unwrap().clone();
        item.into_iter().map(|(method, _)| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

fn routes(gate: &Lychgate) -> BTreeSet<(String, String)> {
    let all = gate.route_list();
    let of = |route: &lychgate::RouteInfo| {
        let path = route.path.replace("{*", "{");
        route.methods.iter().map(|method| (method.to_string(), path.clone())).collect::<Vec<_>>()
    };
    all.iter().flat_map(of).collect()
}

/// Everything that `$ref` names, found by walking the document.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get("$ref") {
                found.insert(target.clone());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[rstest]
#[case::modern("openapi_modern", settings(Profile::Modern))]
#[case::flask("openapi_flask", settings(Profile::Flask).set("openapi", true))]
#[case::accounts("openapi_accounts", with_accounts(settings(Profile::Modern)))]
#[case::tokens("openapi_tokens", with_tokens(settings(Profile::Flask)).set("api_enabled_methods", ["jwt", "session"]))]
#[tokio::test]
async fn the_document(#[case] name: &str, #[case] settings: SettingsBuilder) {
    let gate = gate(settings).await;
    insta::with_settings!({sort_maps => true}, { insta::assert_json_snapshot!(name, gate.openapi()) });
}

#[rstest]
#[case::modern(settings(Profile::Modern))]
#[case::flask(settings(Profile::Flask))]
#[case::prefixed(settings(Profile::Modern).set("url_prefix", "/auth").set("openapi_url", "/api.json"))]
#[case::renamed(settings(Profile::Flask).set("login_url", "/in").set("logout_url", "/out").set("verify_url", "/prove"))]
#[case::both_methods(settings(Profile::Modern).set("logout_methods", ["GET", "POST"]))]
#[case::switched_off(settings(Profile::Modern).set("logout_methods", [""; 0]).set("freshness", -1))]
#[case::usernames(settings(Profile::Modern).set("username_enable", true))]
#[case::programs(settings(Profile::Modern).set("refresh_token", true).set("api_keys", true))]
#[case::refresh_by_body(settings(Profile::Flask).set("refresh_token", true).set("refresh_token_cookie_name", false))]
#[case::accounts(with_accounts(settings(Profile::Modern)))]
#[case::accounts_as_flask(with_accounts(settings(Profile::Flask)))]
#[case::closed(settings(Profile::Flask).set("registerable", true).set("register_mode", "closed"))]
#[case::passwordless(settings(Profile::Modern).set("passwordless", true))]
#[case::tokens(with_tokens(settings(Profile::Modern)))]
#[case::tokens_below(with_tokens(settings(Profile::Flask)).set("url_prefix", "/auth").set("users_api_url", "/people/"))]
#[case::second_factors(with_second_factors(settings(Profile::Modern)))]
#[case::second_factors_as_flask(with_second_factors(settings(Profile::Flask)))]
#[tokio::test]
async fn every_route_is_described_and_nothing_else(#[case] settings: SettingsBuilder) {
    let gate = gate(settings).await;
    let document = gate.openapi();
    assert_eq!(operations(&document), routes(&gate));
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    for (method, path) in operations(&document) {
        let operation = &document["paths"][&path][method.to_lowercase()];
        for parameter in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let named = operation["parameters"].as_array().unwrap().iter().any(|p| p["name"] == parameter);
            assert!(named, "{method} {path} does not describe {parameter}");
        }
        for requirement in operation["security"].as_array().into_iter().flatten() {
            for name in requirement.as_object().unwrap().keys() {
                assert!(document["components"]["securitySchemes"].get(name).is_some(), "{name} is no mechanism");
            }
        }
    }
}

#[tokio::test]
async fn without_the_setup_link_it_is_not_described() {
    let settings = settings(Profile::Modern).build().unwrap();
    let gate = Lychgate::builder().settings(settings).build().await.unwrap();
    assert!(!gate.openapi()["paths"].as_object().unwrap().keys().any(|path| path.contains("setup")));
}

#[tokio::test]
async fn names_follow_the_settings() {
    let gate = gate(
        settings(Profile::Flask)
            .set("application_root", "/app")
            .set("token_authentication_header", "X-Token")
            .set("token_query_enabled", false)
            .set("csrf.field_name", "proof")
            .set("session.cookie_name", "sid")
            .set("api_enabled_methods", ["basic", "token"]),
    )
    .await;
    let document = gate.openapi();
    assert_eq!(document["servers"], json!([{"url": "/app"}]));
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["token"]["name"], "X-Token");
    assert_eq!(schemes["session"]["name"], "sid");
    assert!(schemes.get("token_in_query").is_none());
    assert!(document["components"]["schemas"]["LoginForm"]["properties"].get("proof").is_some());
    let security = &document["paths"]["/verify"]["get"]["security"];
    assert_eq!(*security, json!([{"basic": []}, {"token": []}]));
    let unauthenticated = &document["components"]["responses"]["Unauthenticated"];
    assert!(unauthenticated["headers"].get("WWW-Authenticate").is_some());
}

fn app(gate: &Lychgate) -> Router {
    Router::new().merge(gate.routes()).layer(gate.layer())
}

async fn read(response: Response<Body>) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap()
}

#[tokio::test]
async fn it_is_served_where_the_settings_say() {
    let ask = |path: &'static str| Request::get(path).body(Body::empty()).unwrap();
    let on = gate(settings(Profile::Modern).set("url_prefix", "/auth")).await;
    let reply = app(&on).oneshot(ask("/auth/openapi.json")).await.unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
    assert_eq!(reply.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(read(reply).await, on.openapi());
    assert_eq!(app(&on).oneshot(ask("/openapi.json")).await.unwrap().status(), StatusCode::NOT_FOUND);
    for off in [settings(Profile::Flask), settings(Profile::Modern).set("openapi", false)] {
        let off = gate(off).await;
        assert_eq!(app(&off).oneshot(ask("/openapi.json")).await.unwrap().status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn people_get_it_as_a_page() {
    let gate = gate(with_accounts(settings(Profile::Modern)).set("url_prefix", "/auth")).await;
    let ask = |accept: &str| Request::get("/auth/openapi").header("accept", accept).body(Body::empty()).unwrap();
    let reply = app(&gate).oneshot(ask("text/html")).await.unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
    let policy = reply.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!reply.headers().contains_key(header::SET_COOKIE), "a reader gets no session");
    let page = String::from_utf8(to_bytes(reply.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
    // Complete as it is sent, with nothing that comes from elsewhere or that the policy forbids.
    for (method, path) in operations(&gate.openapi()) {
        let shown = format!(r#"{method}</code> <code class="api-path">{path}</code>"#);
        assert!(page.contains(&shown), "{shown}");
    }
    for word in ["field_errors", "reauth_required", "include_auth_token", "X-CSRFToken", "application/json"] {
        assert!(page.contains(word), "{word}");
    }
    assert!(!page.contains("src=\"http") && !page.contains("<style") && !page.contains("style=\""));
    let reply = app(&gate).oneshot(ask("application/json")).await.unwrap();
    assert_eq!(read(reply).await, gate.openapi());
}

/// A client that sends JSON, keeps cookies, and holds every reply against the document.
struct Client<'a> {
    app: Router,
    document: &'a Value,
    cookies: Vec<String>,
    csrf: Option<String>,
}

impl Client<'_> {
    async fn ask(&mut self, method: &str, path: &str, described_as: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("accept", "application/json")
            .header("cookie", self.cookies.join("; "));
        let body = match (body, &self.csrf) {
            (None, _) => Body::empty(),
            (Some(mut body), csrf) => {
                request = request.header("content-type", "application/json");
                body["csrf_token"] = json!(csrf);
                if let Some(token) = csrf {
                    request = request.header("x-csrftoken", token);
                }
                Body::from(body.to_string())
            }
        };
        let reply = self.app.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        for cookie in reply.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            let name = pair.split('=').next().unwrap().to_owned();
            self.cookies.retain(|kept| !kept.starts_with(&format!("{name}=")));
            self.cookies.push(pair);
        }
        let status = reply.status().as_u16();
        let operation = &self.document["paths"][described_as][method.to_lowercase()];
        let described = self.resolved(&operation["responses"][status.to_string()]);
        assert!(!described.is_null(), "{method} {described_as} may not answer {status}");
        let value = read(reply).await;
        let schema = &described["content"]["application/json"]["schema"];
        self.check(&value, schema).unwrap_or_else(|problem| panic!("{method} {path} {status}: {problem}"));
        if let Some(token) = value["response"]["csrf_token"].as_str() {
            self.csrf = Some(token.to_owned());
        }
        (status, value)
    }

    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// Whether `value` is of the shape; members that the schema does not name are mistakes.
    fn check(&self, value: &Value, schema: &Value) -> Result<(), String> {
        let schema = self.resolved(schema);
        if let Some(any) = schema["anyOf"].as_array() {
            let found: Vec<_> = any.iter().map(|schema| self.check(value, schema)).collect();
            return if found.iter().any(Result::is_ok) { Ok(()) } else { Err(format!("none fits: {found:?}")) };
        }
        if schema["type"].is_array() {
            let null = schema["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
            return ensure(value.is_string() || null && value.is_null(), value, "text or nothing");
        }
        match schema["type"].as_str() {
            Some("object") => self.check_members(value, schema),
            Some("array") => {
                ensure(value.is_array(), value, "a list")?;
                value.as_array().into_iter().flatten().try_for_each(|item| self.check(item, &schema["items"]))
            }
            Some("string") => ensure(value.is_string(), value, "text"),
            Some("boolean") => ensure(value.is_boolean(), value, "a flag"),
            Some("integer") => ensure(value.is_i64(), value, "a number"),
            other => Err(format!("unknown type {other:?} in {schema}")),
        }
    }

    fn check_members(&self, value: &Value, schema: &Value) -> Result<(), String> {
        let members = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
        for name in schema["required"].as_array().into_iter().flatten() {
            ensure(members.contains_key(name.as_str().unwrap()), value, &format!("something with {name}"))?;
        }
        for (name, value) in members {
            let result = match (schema["properties"].get(name), &schema["additionalProperties"]) {
                (Some(property), _) => self.check(value, property),
                (None, Value::Bool(true)) => Ok(()),
                (None, more @ Value::Object(_)) => self.check(value, more),
                (None, _) => Err("is not described".to_owned()),
            };
            result.map_err(|problem| format!("{name}: {problem}"))?;
        }
        Ok(())
    }
}

fn ensure(holds: bool, value: &Value, expected: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{value} is not {expected}")) }
}

#[rstest]
#[tokio::test]
async fn replies_have_the_described_shape(#[values(Profile::Modern, Profile::Flask)] profile: Profile) {
    let fast = "[security.password_hash_passlib_options]\nargon2__time_cost = 1\nargon2__memory_cost = 64\n";
    let gate = gate(settings(profile).toml("fast.toml", fast)).await;
    let account = NewAccount {
        email: "joe@lp.com".to_owned(),
        password: Some(PASSWORD.to_owned()),
        active: true,
        confirmed: true,
        ..NewAccount::default()
    };
    let link = gate.new_setup_link().await.unwrap().unwrap();
    gate.accounts().create(&account).await.unwrap();
    let document = gate.openapi();
    let mut joe = Client { app: app(&gate), document: &document, cookies: Vec::new(), csrf: None };

    assert_eq!(joe.ask("GET", "/verify", "/verify", None).await.0, 401);
    assert_eq!(joe.ask("GET", "/login", "/login", None).await.0, 200);
    let wrong = json!({"email": "joe@lp.com", "password": "wrong"});
    let (status, value) = joe.ask("POST", "/login", "/login", Some(wrong)).await;
    assert_eq!(status, 400);
    assert!(value["response"]["field_errors"].is_object());
    let right = || json!({"email": "joe@lp.com", "password": PASSWORD, "remember": true});
    let (status, value) = joe.ask("POST", "/login?include_auth_token", "/login", Some(right())).await;
    assert_eq!(status, 200, "{value}");
    assert!(value["response"]["user"]["authentication_token"].is_string());
    assert_eq!(joe.ask("GET", "/login", "/login", None).await.0, 200);
    let (status, value) = joe.ask("POST", "/login", "/login", Some(right())).await;
    assert_eq!(status, 400, "signed in already");
    assert!(value["response"].get("field_errors").is_none());
    assert_eq!(joe.ask("GET", "/verify", "/verify", None).await.0, 200);
    assert_eq!(joe.ask("POST", "/verify", "/verify", Some(json!({}))).await.0, 400);
    assert_eq!(joe.ask("POST", "/verify", "/verify", Some(json!({"password": PASSWORD}))).await.0, 200);
    let large = json!({"password": "x".repeat(600_000)});
    assert_eq!(joe.ask("POST", "/verify", "/verify", Some(large)).await.0, 413);
    assert_eq!(joe.ask("POST", "/logout", "/logout", Some(json!({}))).await.0, 200);

    assert_eq!(joe.ask("GET", "/setup/other", "/setup/{token}", None).await.0, 404);
    assert_eq!(joe.ask("GET", &link, "/setup/{token}", None).await.0, 200);
    assert_eq!(joe.ask("POST", &link, "/setup/{token}", Some(json!({}))).await.0, 400);
    let admin = json!({"email": "ann@lp.com", "password": PASSWORD, "password_confirm": PASSWORD});
    let (status, value) = joe.ask("POST", &link, "/setup/{token}", Some(admin)).await;
    assert_eq!(status, 200, "{value}");
}

#[rstest]
#[tokio::test]
async fn replies_about_accounts_have_the_described_shape(#[values(Profile::Modern, Profile::Flask)] profile: Profile) {
    let fast = "[security.password_hash_passlib_options]\nargon2__time_cost = 1\nargon2__memory_cost = 64\n";
    let accounts = with_accounts(settings(profile)).set("confirmable", false).set("send_register_email", false);
    // The session is to be there still when its proof is old.
    let accounts = accounts.set("session.idle_timeout", "30 days");
    let clock = ManualClock::at(1_750_000_000);
    let settings = accounts.toml("fast.toml", fast).build().unwrap();
    let gate = Lychgate::builder().settings(settings).clock(clock.clone()).build().await.unwrap();
    let document = gate.openapi();
    let mut ann = Client { app: app(&gate), document: &document, cookies: Vec::new(), csrf: None };

    for path in ["/register", "/reset", "/recover-username"] {
        assert_eq!(ann.ask("GET", path, path, None).await.0, 200, "{path}");
    }
    assert_eq!(ann.ask("POST", "/register", "/register", Some(json!({"email": "ann"}))).await.0, 400);
    let form = json!({
        "email": "ann@lp.com", "password": PASSWORD, "password_confirm": PASSWORD, "username": "anna"
    });
    let (status, value) = ann.ask("POST", "/register", "/register", Some(form)).await;
    assert_eq!(status, 200, "{value}");
    let form = json!({"password": PASSWORD, "password_confirm": PASSWORD});
    assert_eq!(ann.ask("POST", "/reset/none", "/reset/{token}", Some(form)).await.0, 400);
    let own = ["/change", "/change-email", "/change-username"];
    if profile == Profile::Modern {
        // Replies are generic there, so nobody is signed in yet.
        for path in own {
            assert_eq!(ann.ask("GET", path, path, None).await.0, 401, "{path}");
        }
        let right = json!({"email": "ann@lp.com", "password": PASSWORD});
        assert_eq!(ann.ask("POST", "/login", "/login", Some(right)).await.0, 200);
    }
    for path in own {
        assert_eq!(ann.ask("GET", path, path, None).await.0, 200, "{path}");
        assert_eq!(ann.ask("POST", path, path, Some(json!({}))).await.0, 400, "{path}");
    }
    let form = json!({"username": "annie"});
    assert_eq!(ann.ask("POST", "/change-username", "/change-username", Some(form)).await.0, 200);
    clock.advance(2 * 86_400);
    // The session is old; the CSRF token of its first day has expired with it.
    let (status, value) = ann.ask("GET", "/change-email", "/change-email", None).await;
    assert_eq!(status, 401);
    assert_eq!(value["response"]["reauth_required"], true);
    assert_eq!(ann.ask("GET", "/verify", "/verify", None).await.0, 200);
    let password = json!({"password": PASSWORD});
    assert_eq!(ann.ask("POST", "/verify", "/verify", Some(password)).await.0, 200);
    let (new, taken) = ("another horse battery staple", json!({"username": "annie"}));
    assert_eq!(ann.ask("POST", "/change-username", "/change-username", Some(taken)).await.0, 400);
    let form = json!({"password": PASSWORD, "new_password": new, "new_password_confirm": new});
    let (status, value) = ann.ask("POST", "/change?include_auth_token", "/change", Some(form)).await;
    assert_eq!(status, 200, "{value}");
    assert!(value["response"]["user"]["authentication_token"].is_string());
}
