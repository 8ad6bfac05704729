//! A session check through the router, without sockets, and the look-ups in it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use axum::{Router, body::Body, routing::get};
use benches::client::PASSWORD;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use lychgate::{CurrentUser, Lychgate, NewAccount, Settings, guard};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

const SETTINGS: &str = r#"
profile = "flask"
secret_key = "the key of the benches, 30 bytes"
[security]
password_salt = "the salt of the benches, 31 bytes"
token_max_age = 3600
password_hash_passlib_options = { argon2__memory_cost = 64, argon2__time_cost = 1, argon2__parallelism = 1 }
[jwt]
enabled = true
authenticate_reply = "json"
"#;

struct App {
    runtime: Runtime,
    gate: Lychgate,
    router: Router,
    cookie: String,
    token: String,
    jwt: String,
    _folder: TempDir,
}

impl App {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:///{}", folder.path().join("app.db").display());
        let settings = Settings::builder().toml("bench", SETTINGS).set("database_url", url).build().unwrap();
        let (gate, router, cookie, token, jwt) = runtime.block_on(async {
            let gate = Lychgate::builder().settings(settings).build().await.unwrap();
            let account = NewAccount {
                email: "joe@lp.com".to_owned(),
                password: Some(PASSWORD.to_owned()),
                active: true,
                ..NewAccount::default()
            };
            gate.accounts().create(&account).await.unwrap();
            let router = Router::new()
                .route("/open", get(|| async { "open" }))
                .route("/profile", get(profile).route_layer(guard::authenticated()))
                .route("/by-token", get(profile).route_layer(guard::token()))
                .route("/by-jwt", get(profile).route_layer(guard::jwt()))
                .merge(gate.routes())
                .layer(gate.layer());
            let (cookie, token) = sign_in(&router).await;
            let fields = json!({"uid": "joe@lp.com", "password": PASSWORD});
            let given = body_of(send(&router, "POST", "/authenticate", "", Some(fields)).await).await;
            (gate, router, cookie, token, given["access_token"].as_str().unwrap().to_owned())
        });
        Self { runtime, gate, router, cookie, token, jwt, _folder: folder }
    }

    async fn get(&self, path: &str) -> StatusCode {
        send(&self.router, "GET", path, &self.cookie, None).await.status()
    }

    /// Asks with a header instead of a session.
    async fn get_with(&self, path: &str, name: &str, value: &str) -> StatusCode {
        let request = Request::builder().uri(path).header(header::HOST, "127.0.0.1").header(name, value);
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
    }
}

async fn profile(user: CurrentUser) -> String {
    user.email().to_owned()
}

async fn send(router: &Router, method: &str, path: &str, cookie: &str, body: Option<Value>) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "127.0.0.1")
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::COOKIE, cookie)
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
    router.clone().oneshot(request.unwrap()).await.unwrap()
}

fn cookie_of(reply: &Response<Body>) -> String {
    reply.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn body_of(reply: Response<Body>) -> Value {
    serde_json::from_slice(&reply.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

/// Gives the session's cookie and an auth token.
async fn sign_in(router: &Router) -> (String, String) {
    let page = send(router, "GET", "/login", "", None).await;
    let cookie = cookie_of(&page);
    let page = body_of(page).await;
    let fields = json!({
        "email": "joe@lp.com",
        "password": PASSWORD,
        "csrf_token": page["response"]["csrf_token"],
    });
    let reply = send(router, "POST", "/login?include_auth_token", &cookie, Some(fields)).await;
    assert_eq!(reply.status(), StatusCode::OK);
    let cookie = cookie_of(&reply);
    let token = body_of(reply).await["response"]["user"]["authentication_token"].as_str().unwrap().to_owned();
    (cookie, token)
}

fn router(c: &mut Criterion) {
    let app = App::start();
    assert_eq!(app.runtime.block_on(app.get("/profile")), StatusCode::OK);
    c.bench_function("request nobody asks about", |b| b.to_async(&app.runtime).iter(|| app.get("/open")));
    c.bench_function("session check", |b| b.to_async(&app.runtime).iter(|| app.get("/profile")));
    let bare: Router = Router::new().route("/open", get(|| async { "open" }));
    c.bench_function("bare route, without lychgate", |b| {
        b.to_async(&app.runtime).iter(|| send(&bare, "GET", "/open", &app.cookie, None));
    });
    let bearer = format!("Bearer {}", app.jwt);
    for (name, path, header, value) in [
        ("auth token check", "/by-token", "authentication-token", app.token.as_str()),
        ("JWT check", "/by-jwt", "authorization", bearer.as_str()),
    ] {
        assert_eq!(app.runtime.block_on(app.get_with(path, header, value)), StatusCode::OK, "{name}");
        c.bench_function(name, |b| b.to_async(&app.runtime).iter(|| app.get_with(path, header, value)));
    }
}

fn look_ups(c: &mut Criterion) {
    let app = App::start();
    let store = app.gate.store();
    let user = app.runtime.block_on(store.user_by_id(1)).unwrap().unwrap();
    let session = app.runtime.block_on(store.sessions_of(user.id)).unwrap().remove(0);
    c.bench_function("user, from memory", |b| {
        b.to_async(&app.runtime).iter(|| store.user_by_uniquifier(black_box(&user.fs_uniquifier)));
    });
    c.bench_function("session, from memory", |b| {
        b.to_async(&app.runtime).iter(|| store.session(black_box(&session.sid)));
    });
    c.bench_function("user, from the database", |b| b.to_async(&app.runtime).iter(|| store.user_by_id(user.id)));
    c.bench_function("user by address, from the database", |b| {
        b.to_async(&app.runtime).iter(|| store.user_by_identity("email", black_box("joe@lp.com"), true));
    });
}

criterion_group!(benches, router, look_ups);
criterion_main!(benches);
