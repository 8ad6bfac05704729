//! Serving until told to stop.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::Request};
use http::{StatusCode, Uri};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::gate::Lychgate;

/// How long running requests may take to finish once the process is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

pub(crate) async fn serve(gate: &Lychgate, app: Router, listener: TcpListener) -> std::io::Result<()> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    // From here on a signal is heard, not deadly, even if it comes before the first request.
    let told = stop_signal();
    let signal = async move {
        told.await;
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
    if let Err(error) = gate.audit().finish().await {
        tracing::warn!(%error, "the audit log was not sealed; the next start does it");
    }
    gate.store().close().await;
    result
}

/// Ends when the process is told to stop; what comes after the call counts.
#[cfg(unix)]
fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
    let mut streams: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
    std::future::poll_fn(move |context| {
        let told = streams.iter_mut().any(|stream| stream.poll_recv(context).is_ready());
        if told { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
}

/// Ends when the process is told to stop.
#[cfg(not(unix))]
fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    async {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Puts `app` below `root`. Unlike a nested router it answers `root/` as well.
pub(crate) fn mount(gate: &Lychgate, app: Router) -> Router {
    let root = gate.web().application_root.as_str();
    if root.is_empty() {
        return app;
    }
    let (root, gate) = (root.to_owned(), gate.clone());
    Router::new().fallback(move |mut request: Request| {
        let (app, gate, below) = (app.clone(), gate.clone(), below(&root, request.uri()));
        async move {
            match below {
                Some(uri) => {
                    *request.uri_mut() = uri;
                    app.oneshot(request).await.unwrap_or_else(|never| match never {})
                }
                None => gate.with_headers(axum::response::IntoResponse::into_response(StatusCode::NOT_FOUND)),
            }
        }
    })
}

/// `uri` as seen from `root`, if it is below it.
fn below(root: &str, uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(root)?;
    match rest.bytes().next() {
        None => Some(Uri::from_static("/")),
        Some(b'/') => rest.parse().ok(),
        Some(b'?') => format!("/{rest}").parse().ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_a_root() {
        let seen = |path: &'static str| below("/app", &Uri::from_static(path)).map(|uri| uri.to_string());
        assert_eq!(seen("/app"), Some("/".to_owned()));
        assert_eq!(seen("/app/"), Some("/".to_owned()));
        assert_eq!(seen("/app/login?next=/x"), Some("/login?next=/x".to_owned()));
        assert_eq!(seen("/app?x=1"), Some("/?x=1".to_owned()));
        assert_eq!(seen("/application"), None);
        assert_eq!(seen("/"), None);
    }
}
