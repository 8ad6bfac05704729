//! An axum route that does nothing: the least that any answer costs.

use axum::{Router, routing::get};
use benches::plain::{self, Arguments};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::read()?;
    plain::serve(Router::new().route("/profile", get(|| async { "u0@lp.com" })), arguments.listen).await?;
    Ok(())
}
