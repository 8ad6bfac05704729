//! Serving until told to stop.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use tokio::net::TcpListener;

use crate::gate::Lychgate;

/// How long running requests may take to finish once the process is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

pub(crate) async fn serve(gate: &Lychgate, app: Router, listener: TcpListener) -> std::io::Result<()> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let signal = async move {
        stop_signal().await;
        tracing::info!("stopping: running requests may finish");
        let _ = stopping.send(true);
    };
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>());
    let drained = async move {
        // A closed channel means that the server has ended by itself.
        if stopped.wait_for(|stop| *stop).await.is_ok() {
            tokio::time::sleep(DRAIN).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let result = tokio::select! {
        result = async { server.with_graceful_shutdown(signal).await } => result,
        () = drained => Ok(()),
    };
    gate.store().close().await;
    result
}

async fn stop_signal() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}
