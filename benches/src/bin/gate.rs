//! Lychgate as an application uses it: one guarded route beside the routes of the toolkit.

use axum::{Router, routing::get};
use benches::plain::Arguments;
use lychgate::{CurrentUser, Lychgate, Settings, guard};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

async fn profile(user: CurrentUser) -> String {
    user.email().to_owned()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::read()?;
    let settings = Settings::builder().toml("config", &std::fs::read_to_string(&arguments.config)?).build()?;
    let gate = Lychgate::builder().settings(settings).build().await?;
    let app = Router::new()
        .route("/profile", get(profile).route_layer(guard::authenticated()))
        .merge(gate.routes())
        .layer(gate.layer());
    let listener = tokio::net::TcpListener::bind(arguments.listen).await?;
    gate.serve(app, listener).await?;
    Ok(())
}
