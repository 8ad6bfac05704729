//! An ordinary application on lychgate's public interface, driven over HTTP by tests of compatibility, attack and load.

mod pages;
mod routes;
mod templates;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use lychgate::{Lychgate, Profile, Settings};
use tokio::net::TcpListener;

/// Serves the testbed application.
#[derive(Debug, Parser)]
struct Arguments {
    /// The configuration, in TOML.
    #[arg(long)]
    config: PathBuf,
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter()).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn filter() -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into())
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(&arguments.config)?;
    let settings = Settings::builder()
        .profile(Profile::Flask)
        .toml(&arguments.config.display().to_string(), &text)
        .set("proxy.x_proto", 1)
        .build()?;
    let mut builder = Lychgate::builder().settings(settings).create_tables(false).user_payload(pages::user_payload);
    for (name, path) in routes::ENDPOINTS {
        builder = builder.endpoint(*name, *path);
    }
    for (name, source) in templates::all() {
        builder = builder.template(name, source);
    }
    let gate = builder.build().await?;
    let app = gate.mount(routes::router(&gate));
    let listener = TcpListener::bind(arguments.listen).await?;
    gate.serve(app, listener).await?;
    Ok(())
}
