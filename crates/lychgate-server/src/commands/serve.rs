//! `lychgate serve`: the server.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use clap::Args;
use lychgate::Lychgate;
use time::{Duration, OffsetDateTime, macros::format_description};
use tokio::net::TcpListener;

use crate::{app, cli::Global, config::Config, exit::Exit, metrics, open, output};

/// How long the link for the first administrator works.
const LINK_LIFETIME: Duration = Duration::minutes(30);

/// Start the server
///
/// It listens on http://127.0.0.1:5000 or where the settings say, with https if they name a certificate.
/// Without settings, the database and the secrets are made in the data folder. While there is no administrator, a link is
/// printed that sets up the first one; it works once, for 30 minutes, and only the latest one works. Ctrl-C lets running
/// requests finish and stops.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen, such as 0.0.0.0:80; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Write the log as JSON, a line for each event. What is logged: LYCHGATE_LOG=debug
    #[arg(long)]
    log_json: bool,
}

impl Serve {
    /// Logs to standard error.
    pub(crate) fn start_log(&self) {
        crate::log::start("info", self.log_json);
    }

    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let listen = self.listen.as_deref();
        raise_file_limit();
        let address = Config::load(global, listen)?.settings.text("listen").to_owned();
        let listener = bind(&address).await?;
        let gate = open::gate(global, listen, true).await?;
        if let Some(file) = app::attack_token_file(&gate) {
            super::attack::proof(&file).map_err(|why| Exit::Settings(format!("settings: attack_token_file: {why}")))?;
        }
        let figures = metrics::start(&gate).await?;
        let local = listener.local_addr().map_err(Exit::failed)?;
        let settings = gate.settings();
        let tls =
            settings.text_opt("server.tls_certificate").is_some() || !settings.list("server.acme_domains").is_empty();
        let origin = format!("{}://{}", if tls { "https" } else { "http" }, reachable(local));
        // Made before it serves: a stop may follow at once, and closes the store.
        let link = gate.new_setup_link().await?;
        let serving = async { gate.serve(app::router(&gate), listener).await.map_err(Exit::failed) };
        let announcing = async {
            announce(&gate, &origin, figures, link);
            Ok(())
        };
        // Whoever reads that it is ready may stop it at once: it listens to signals before it says so.
        tokio::try_join!(biased; serving, announcing).map(drop)
    }
}

/// Each connection is a file; many systems let a process open more than it begins with.
#[cfg(unix)]
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let files = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum }) {
        tracing::debug!(%error, "the process keeps its limit of open files");
    }
}

#[cfg(not(unix))]
fn raise_file_limit() {}

pub(crate) async fn bind(address: &str) -> Result<TcpListener, Exit> {
    TcpListener::bind(address).await.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => "another program listens there; stop it, or choose with --listen".to_owned(),
            io::ErrorKind::PermissionDenied => "it is not allowed; ports below 1024 need a privilege".to_owned(),
            io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
            _ => error.to_string(),
        };
        Exit::failed(format!("cannot listen on {address}: {why}"))
    })
}

/// An address that a browser on this machine can open.
fn reachable(local: SocketAddr) -> SocketAddr {
    let ip = match local.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, local.port())
}

/// Says that the server is ready, and how to set it up while nobody has.
fn announce(gate: &Lychgate, origin: &str, figures: Option<SocketAddr>, link: Option<String>) {
    output::line(format_args!("Lychgate {} is ready on {origin}", env!("CARGO_PKG_VERSION")));
    if let Some(figures) = figures {
        output::line(format_args!("Metrics are on http://{}/metrics", reachable(figures)));
    }
    let Some(path) = link else { return };
    let origin = gate.settings().text_opt("base_url").unwrap_or(origin).trim_end_matches('/');
    let until = (OffsetDateTime::now_utc() + LINK_LIFETIME).format(format_description!("[hour]:[minute]"));
    output::line(format_args!(
        "Set up the first administrator: {origin}{path}  (works once, until {} UTC)",
        until.unwrap_or_default()
    ));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_link_leads_to_this_machine() {
        for (local, expected) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:1", "[::1]:1"),
            ("10.0.0.1:2", "10.0.0.1:2"),
            ("[::1]:3", "[::1]:3"),
        ] {
            assert_eq!(reachable(local.parse().unwrap()).to_string(), expected);
        }
    }
}
