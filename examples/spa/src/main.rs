//! A page on one origin, its API on another: `cargo run -p spa [API] [PAGE]`, by default 127.0.0.1:8085 and 127.0.0.1:4100.
//!
//! The page is a folder of files that any server may serve; here it is served by a second listener. The API is Lychgate's
//! sign-in below `/api/accounts` and one list that only people who are signed in may read. Users are kept in memory.
//! With `JWT_ENABLED=true` the page signs in by JSON Web Tokens in place of a session.

mod page;

use std::io::Write as _;

use axum::{Json, Router, routing::get};
use lychgate::{CurrentUser, Lychgate, Settings, guard};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Failed = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut addresses = std::env::args().skip(1);
    let api = TcpListener::bind(addresses.next().as_deref().unwrap_or("127.0.0.1:8085")).await?;
    let page = TcpListener::bind(addresses.next().as_deref().unwrap_or("127.0.0.1:4100")).await?;
    let (api_port, page_port) = (api.local_addr()?.port(), page.local_addr()?.port());

    let settings = settings(page_port)?;
    let by = if settings.flag("jwt.enabled") { "jwt" } else { "session" };
    let gate = Lychgate::builder().settings(settings).build().await?;
    let page = axum::serve(page, page::router(page::Deployment { api_port, by }));
    // Whoever reads this may ask at once: both listen already.
    writeln!(std::io::stdout(), "API on http://127.0.0.1:{api_port}, page on http://127.0.0.1:{page_port}")?;
    tokio::select! {
        ended = gate.serve(app(&gate), api) => ended?,
        ended = page => ended?,
    }
    Ok(())
}

fn settings(page_port: u16) -> Result<Settings, Failed> {
    let settings = Settings::builder()
        .toml("spa.toml", include_str!("../spa.toml"))
        .set("cors.origins", [format!("http://localhost:{page_port}"), format!("http://127.0.0.1:{page_port}")])
        // Sessions end with the process, as the users do.
        .set("secret_key", fresh_secret()?)
        .set("password_salt", fresh_secret()?);
    // Where it runs as more than an example, the environment says the rest.
    Ok(settings.process_environment().build()?)
}

fn fresh_secret() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn app(gate: &Lychgate) -> Router {
    let app = Router::new()
        .route("/api/me", get(me).route_layer(guard::authenticated()))
        .route("/api/person/", get(people).route_layer(guard::authenticated()))
        .merge(gate.routes())
        .layer(gate.layer());
    gate.mount(app)
}

/// Who is signed in, for the corner of the page.
async fn me(user: CurrentUser) -> Json<Value> {
    Json(json!({"name": user.email()}))
}

async fn people() -> Json<Value> {
    Json(json!([
        {"name": "Ada Lovelace", "email": "ada@example.com", "age": 36},
        {"name": "Grace Hopper", "email": "grace@example.com", "age": 85},
        {"name": "Mary Somerville", "email": "mary@example.com", "age": 91},
    ]))
}
