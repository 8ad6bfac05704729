//! Signals of the system.

/// Ends when the process is told to stop; what comes after the call counts.
#[cfg(unix)]
pub(super) fn told() -> impl Future<Output = ()> + Send + 'static {
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
pub(super) fn told() -> impl Future<Output = ()> + Send + 'static {
    async {
        let _ = tokio::signal::ctrl_c().await;
    }
}
