//! The shortest application: three routes, each behind its guard.

use std::time::Duration;

use axum::{
    Router,
    routing::{get, post},
};
use lychgate::{CurrentUser, Lychgate, Settings, guard};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gate = Lychgate::builder().settings(Settings::load()?).build().await?;
    let app = Router::new()
        .route("/profile", get(profile).route_layer(guard::authenticated()))
        .route("/reports", get(reports).route_layer(guard::any_role(["admin", "editor"])))
        .route("/pay", post(pay).route_layer(guard::fresh(Duration::from_secs(60))))
        .merge(gate.routes()) // /login, /logout, /verify … as the settings say
        .layer(gate.layer());
    let listener = tokio::net::TcpListener::bind(gate.settings().text("listen")).await?;
    gate.serve(app, listener).await?;
    Ok(())
}

async fn profile(user: CurrentUser) -> String {
    format!("You are {}.\n", user.email())
}

async fn reports(user: CurrentUser) -> String {
    format!("Reports for {}.\n", user.email())
}

async fn pay(user: CurrentUser) -> String {
    format!("Paid by {}, who proved it within the last minute.\n", user.email())
}
