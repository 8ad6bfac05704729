//! Takes connections, and serves each within its bounds.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use http::{HeaderValue, Method, Response, StatusCode, Version, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};
use tower::ServiceExt as _;

use super::{
    bodies::{Lasting, Paced},
    heads::Heads,
    life::{Life, Over},
    limits::Limits,
    places::{Place, Places},
    strict::{Bounds, Strict},
    tls::Tls,
    watched::Watched,
};
use crate::{gate::Lychgate, web::proxy::Transport};

/// How long nothing is taken in when the system has no more files to give.
const SHORTAGE: Duration = Duration::from_millis(50);
/// When to come again, in seconds.
const RETRY_SOON: HeaderValue = HeaderValue::from_static("5");
/// How long an idle connection of HTTP/2 may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);
/// After how long the system asks whether the other side is still there, how often, and how many times in vain.
const STILL_THERE: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);
/// Bytes that a stream of HTTP/2 may be ahead of its reader.
const STREAM_WINDOW: u32 = 256 * 1024;
/// Bytes that a connection of HTTP/2 may be ahead of its readers.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Bytes of replies that wait in a connection.
const SEND_BUFFER: usize = 64 * 1024;
/// Streams that a client may have reset before they were looked at; beyond it the connection ends (CVE-2023-44487).
const RESET_STREAMS: usize = 20;
/// Mistakes of a client that are answered by a reset; beyond it the connection ends (CVE-2025-8671).
const MISTAKEN_STREAMS: usize = 200;
/// How often HTTP/2 is asked whether somebody is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// What the parser of HTTP/1 holds beside a head.
const BUFFER: usize = 8192;

/// A listener and what it serves.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) app: Router,
    /// Dresses what the listener itself replies.
    pub(super) gate: Lychgate,
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
    pub(super) places: Arc<Places>,
}

impl Door {
    /// Serves until `stop` says so; what runs then holds a clone of `running` until it has ended.
    pub(super) async fn open(self, mut stop: watch::Receiver<bool>, running: mpsc::Sender<Infallible>) {
        let Self { listener, app, gate, tls, limits, places } = self;
        let builder = Arc::new(builder(&limits));
        let full = full(&gate);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_the_peer(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "no connection can be taken in");
                    tokio::time::sleep(SHORTAGE).await;
                    continue;
                }
            };
            let Some(place) = places.take(peer.ip()) else {
                tracing::debug!(%peer, "no place for a further connection");
                if tls.is_none() {
                    let _ = stream.try_write(&full);
                }
                continue;
            };
            // Replies are written whole; waiting to fill a packet only delays them.
            let _ = stream.set_nodelay(true);
            watch_over(&stream);
            let connection =
                Connection { app: app.clone(), gate: gate.clone(), peer, limits, builder: Arc::clone(&builder) };
            let (tls, stop, running) = (tls.clone(), stop.clone(), running.clone());
            tokio::spawn(async move {
                match tls {
                    None => connection.serve(stream, place, None, stop).await,
                    Some(tls) => connection.serve_tls(&tls, stream, place, stop).await,
                }
                drop(running);
            });
        }
    }
}

/// Whether a connection failed before it was taken in, which says nothing of the next one.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Lets the system find out about a client that went without a word: a machine that lost its power, a cable, a router that
/// forgot. What is idle or stuck is bounded anyhow; this is for replies without an end, and for what is no HTTP any more.
fn watch_over(stream: &TcpStream) {
    let (after, every, _times) = STILL_THERE;
    let keepalive = socket2::TcpKeepalive::new().with_time(after).with_interval(every);
    #[cfg(unix)]
    let keepalive = keepalive.with_retries(_times);
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive) {
        tracing::debug!(%error, "the system does not watch over a connection");
    }
}

/// What a connection is told for which there is no place.
fn full(gate: &Lychgate) -> Vec<u8> {
    let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, "", false);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_SOON);
    let response = gate.with_headers(response);
    let mut text = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n".to_vec();
    for (name, value) in response.headers() {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend(b"\r\n");
    text
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    if !limits.http2 {
        builder = builder.http1_only();
    }
    // The time of heads and between requests is kept by `Life`, which tells the two apart, and their size by `Strict`.
    builder
        .http1()
        .header_read_timeout(None)
        .max_buf_size(limits.head_bytes.saturating_add(BUFFER))
        .max_headers(limits.head_fields);
    builder
        .http2()
        .enable_connect_protocol()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        // What is longer than it may be is refused by ourselves; beyond this, by the parser and without headers.
        .max_header_list_size(u32::try_from(limits.head_bytes.saturating_mul(2)).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(RESET_STREAMS)
        .max_local_error_reset_streams(MISTAKEN_STREAMS)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

struct Connection {
    app: Router,
    gate: Lychgate,
    peer: SocketAddr,
    limits: Limits,
    builder: Arc<auto::Builder<TokioExecutor>>,
}

impl Connection {
    async fn serve_tls(self, tls: &Tls, stream: TcpStream, place: Place, stop: watch::Receiver<bool>) {
        match tokio::time::timeout(self.limits.handshake, tls.accept(stream)).await {
            Ok(Ok(Some((stream, http2)))) => self.serve(stream, place, Some(http2), stop).await,
            // A challenge of ACME is answered by the handshake alone.
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::debug!(peer = %self.peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(peer = %self.peer, "a TLS handshake took too long"),
        }
    }

    /// `negotiated` is what TLS found out about the protocol, where there is TLS: whether it is HTTP/2.
    async fn serve<S>(self, stream: S, place: Place, negotiated: Option<bool>, mut stop: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { app, gate, peer, limits, builder } = self;
        let http2 = negotiated == Some(true);
        let life = Life::begin(limits, http2);
        let heads = Heads::new(Strict::new(http2, Bounds::of(&limits)));
        let io = TokioIo::new(Watched::new(stream, Arc::clone(&life), heads, place));
        let transport = Transport { encrypted: negotiated.is_some() };
        let asking = Asking { app, gate, peer, transport, limits, life: Arc::clone(&life) };
        let service = service_fn(move |request| asking.clone().respond(request));
        let mut connection = std::pin::pin!(builder.serve_connection_with_upgrades(io, service));
        let mut stopping = false;
        let over = loop {
            tokio::select! {
                // What has come is read before it is said to be late.
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, %error, "a connection ended");
                    }
                    return;
                }
                over = life.over() => break over,
                _ = stop.wait_for(|stop| *stop), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        };
        if over == Over::Idle {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(GOODBYE, connection).await;
        } else {
            tracing::debug!(%peer, "a connection was too slow");
        }
    }
}

/// The refusal of a head that is too long.
const TOO_LONG: (StatusCode, &str) =
    (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is too long.\n");

/// What a request of a connection is answered with.
#[derive(Clone)]
struct Asking {
    app: Router,
    gate: Lychgate,
    peer: SocketAddr,
    transport: Transport,
    limits: Limits,
    life: Arc<Life>,
}

impl Asking {
    async fn respond(self, request: http::Request<Incoming>) -> Result<Response<Lasting>, Infallible> {
        let Self { app, gate, peer, transport, limits, life } = self;
        let version = request.version();
        let http2 = version == Version::HTTP_2;
        let held = life.request(http2);
        if let Some((status, why)) = refusal(&request, &limits, held.refused()) {
            tracing::debug!(%peer, status = status.as_u16(), why, "a request was refused by the listener");
            let response = gate.with_headers(refused(status, why, http2));
            return Ok(response.map(|body| Lasting::new(body, &limits, held, http2)));
        }
        let connect = request.method() == Method::CONNECT;
        let mut request: Request = request.map(|body| Body::new(Paced::new(body, limits)));
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(transport);
        let response = match tokio::time::timeout(limits.request, app.oneshot(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                tracing::warn!(%peer, "a request took longer than server.request_timeout");
                let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, "The request took too long.\n", http2);
                response.headers_mut().insert(header::RETRY_AFTER, RETRY_SOON);
                gate.with_headers(response)
            }
        };
        let status = response.status();
        let switched = status == StatusCode::SWITCHING_PROTOCOLS || connect && status.is_success();
        if switched && !http2 {
            life.upgrade();
        }
        Ok(response.map(|body| Lasting::new(body, &limits, held, http2)))
    }
}

/// Why a request is not even looked at; `known` is what was found out before it was whole.
fn refusal(
    request: &http::Request<Incoming>,
    limits: &Limits,
    known: Option<StatusCode>,
) -> Option<(StatusCode, &'static str)> {
    match known {
        Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => return Some(TOO_LONG),
        Some(StatusCode::URI_TOO_LONG) => return Some((StatusCode::URI_TOO_LONG, "The address is too long.\n")),
        Some(status) => return Some((status, "The request cannot be read.\n")),
        None => {}
    }
    if !names_one_host(request) {
        return Some((StatusCode::BAD_REQUEST, "A request names one host.\n"));
    }
    // As RFC 9113, section 6.5.2, counts them; those of HTTP/1 were counted as they came.
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
    let long = headers.len() > limits.head_fields || bytes > limits.head_bytes;
    (long && request.version() == Version::HTTP_2).then_some(TOO_LONG)
}

/// Whether a request names its host as RFC 9112, section 3.2, wants it: two of them are two readings.
fn names_one_host(request: &http::Request<Incoming>) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() != Version::HTTP_11,
        1 => true,
        _ => false,
    }
}

/// A reply of the listener's own, after which HTTP/1 closes.
fn refused(status: StatusCode, text: &'static str, http2: bool) -> axum::response::Response {
    let mut response = axum::response::Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if !http2 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
