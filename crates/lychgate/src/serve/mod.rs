//! Serving until told to stop: listeners, TLS, the bounds of connections.

mod accept;
mod bodies;
mod frames;
mod heads;
mod life;
mod limits;
mod mount;
mod places;
mod redirect;
mod stop;
mod strict;
pub mod tls;
mod watched;

use std::{io, time::Duration};

use axum::Router;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

pub(crate) use self::mount::mount;
use self::{accept::Door, limits::Limits, places::Places, tls::Tls};
use crate::gate::Lychgate;

/// How long running requests may take to finish once the process is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

pub(crate) async fn serve(gate: &Lychgate, app: Router, listener: TcpListener) -> io::Result<()> {
    let settings = gate.settings();
    let tls = Tls::from_settings(settings).map_err(io::Error::other)?;
    let limits = Limits::from_settings(settings);
    let places = Places::new(limits.connections, limits.connections_per_address, gate.web().proxy.networks().to_vec());
    let (stopping, stop) = watch::channel(false);
    // From here on a signal is heard, not deadly, even if it comes before the first request.
    let told = stop::told();
    let (running, mut ended) = mpsc::channel(1);
    let mut doors = Vec::new();
    if let Some(address) = settings.text_opt("server.redirect_listen") {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            io::Error::new(error.kind(), format!("server.redirect_listen: cannot listen on {address}: {error}"))
        })?;
        let app = redirect::router(settings.text("base_url")).map_err(io::Error::other)?;
        tracing::info!(address = %listener.local_addr()?, "http is redirected to https");
        doors.push(Door { listener, app, gate: gate.clone(), tls: None, limits, places: places.clone() });
    }
    if let Some(tls) = &tls {
        tls.keep_current(stop.clone());
    }
    doors.push(Door { listener, app, gate: gate.clone(), tls, limits, places });
    for door in doors {
        tokio::spawn(door.open(stop.clone(), running.clone()));
    }
    drop(running);
    told.await;
    tracing::info!("stopping: running requests may finish");
    let _ = stopping.send(true);
    // Nothing is ever sent: the channel closes when the last connection has ended.
    if tokio::time::timeout(DRAIN, ended.recv()).await.is_err() {
        tracing::info!("some requests did not finish in time");
    }
    if let Err(error) = gate.audit().finish().await {
        tracing::warn!(%error, "the audit log was not sealed; the next start does it");
    }
    gate.store().close().await;
    Ok(())
}
