//! Serves the site of documents, and its pictures from another port.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;
use documents::{Site, with_any_slash};
use lychgate::{Lychgate, Settings};
use tokio::net::TcpListener;

/// A site where sponsors write documents, editors edit them, and an administrator approves accounts.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:5000")]
    listen: SocketAddr,
    /// Where to serve pictures; an origin of their own, so that none can act as the site
    #[arg(long, default_value = "127.0.0.1:5001")]
    pictures: SocketAddr,
    /// Settings
    #[arg(long, default_value = "examples/documents/lychgate.toml")]
    config: PathBuf,
    /// Where databases and pictures are kept
    #[arg(long, default_value = "instance")]
    data: PathBuf,
    /// Take paths with a slash at their end for those without
    #[arg(long)]
    any_slash: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.data)?;
    let text = std::fs::read_to_string(&arguments.config)?;
    let settings =
        Settings::builder().toml(&arguments.config.display().to_string(), &text).process_environment().build()?;
    let (app, pictures) = (TcpListener::bind(arguments.listen).await?, TcpListener::bind(arguments.pictures).await?);
    let pictures_at = format!("http://{}", pictures.local_addr()?);
    let builder = Lychgate::builder().settings(settings).setup_link(true);
    let site = Site::open(builder, &arguments.data, &pictures_at).await?;
    let router = if arguments.any_slash { with_any_slash(site.router()) } else { site.router() };
    let files = axum::serve(pictures, site.pictures());
    let at = format!("http://{}", app.local_addr()?);
    eprintln!("The site is on {at}");
    if let Some(link) = site.gate.new_setup_link().await? {
        eprintln!("The first administrator is set up at {at}{link}");
    }
    tokio::select! {
        served = site.gate.serve(router, app) => served?,
        served = async { files.await } => served?,
    }
    Ok(())
}
