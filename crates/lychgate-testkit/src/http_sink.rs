//! A web server on the loopback address that keeps what it is asked.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{Router, extract::Request, response::Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use tokio::{net::TcpListener, task::AbortHandle};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method and path with the query, `POST /sms?x=1`.
    pub line: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Asked {
    /// A header as text, empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What the server answers.
#[derive(Clone, Debug)]
enum Manner {
    /// Status, headers, body.
    Says(StatusCode, Vec<(&'static str, String)>, Bytes),
    /// Nothing at all.
    Silent,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    asked: Vec<Asked>,
}

/// The server; it ends with the value.
#[derive(Debug)]
pub struct HttpSink {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    running: AbortHandle,
}

impl HttpSink {
    /// Starts a server on a free port; it answers 200 with no body.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let manner = Manner::Says(StatusCode::OK, Vec::new(), Bytes::new());
        let state = Arc::new(Mutex::new(State { manner, asked: Vec::new() }));
        let shared = Arc::clone(&state);
        let app = Router::new().fallback(move |request: Request| answer(Arc::clone(&shared), request));
        let task = tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, state, running: task.abort_handle() }
    }

    /// The address with a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers with a status and a body from now on.
    pub fn says(&self, status: u16, body: impl Into<Bytes>) {
        self.says_with(status, Vec::new(), body);
    }

    /// As [`says`](Self::says), with headers.
    pub fn says_with(&self, status: u16, headers: Vec<(&'static str, String)>, body: impl Into<Bytes>) {
        self.state.lock().manner = Manner::Says(StatusCode::from_u16(status).unwrap(), headers, body.into());
    }

    /// Does not answer from now on.
    pub fn falls_silent(&self) {
        self.state.lock().manner = Manner::Silent;
    }

    /// The requests since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state.lock().asked)
    }
}

impl Drop for HttpSink {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let line = format!("{} {}", parts.method, parts.uri);
    let manner = {
        let mut state = state.lock();
        state.asked.push(Asked { line, headers: parts.headers, body });
        state.manner.clone()
    };
    match manner {
        Manner::Says(status, headers, body) => {
            let reply = Response::builder().status(status);
            let reply = headers.into_iter().fold(reply, |reply, (name, value)| reply.header(name, value));
            reply.body(body.into()).unwrap()
        }
        Manner::Silent => std::future::pending().await,
    }
}
