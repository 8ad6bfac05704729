//! The server that is looked at, and the way to it.
//!
//! Requests are written byte by byte: what is tried here is what a client of good manners does not send.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use serde_json::Value;
use url::{Position, Url};

use super::{check::Stop, reply::Reply, tls};
use crate::exit::Exit;

/// How long a connection may take to come about, and to take what is sent.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of a reply that are read.
const MOST: u64 = 1 << 20;
/// What a reply must not show: words of programs that failed.
const DETAILS: &[&str] = &[
    "panicked at",
    "stack backtrace",
    "RUST_BACKTRACE",
    "Traceback (most recent call last)",
    "src/main.rs",
    "SqliteFailure",
    "SQLSTATE",
    "syntax error at or near",
    "no such table",
    "no such column",
];

/// The bounds of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) requests: u32,
    pub(super) time: Duration,
    /// How long a reply is waited for.
    pub(super) reply: Duration,
    /// How long a slow sender may be waited for; nothing if that is not looked at.
    pub(super) slow: Option<Duration>,
}

/// The server.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) url: Url,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) limits: Limits,
    /// Where it answered first, which is where it proved whose it is: its name may lead elsewhere the next time.
    found_at: Cell<Option<SocketAddr>>,
    began: Instant,
    sent: Cell<u32>,
    failures: RefCell<Vec<String>>,
    details: RefCell<Vec<String>>,
}

/// A connection: reads and writes.
trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

/// A request that is being put together.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Ask {
    pub(super) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::new("POST", path)
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As a program that wants JSON.
    pub(super) fn for_json(self) -> Self {
        self.header("accept", "application/json")
    }

    /// As a person who wants a page.
    pub(super) fn for_page(self) -> Self {
        self.header("accept", "text/html")
    }

    pub(super) fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        if kind.is_empty() { self } else { self.header("content-type", kind) }
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.for_json().body("application/json", body.to_string())
    }
}

impl Target {
    pub(super) fn new(url: &str, ca: Option<&Path>, limits: Limits) -> Result<Self, Exit> {
        let wrong = |why: &str| Exit::usage(format!("{url:?} cannot be asked: {why}"));
        let mut parsed = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        let host = parsed.host_str().map(str::to_owned).ok_or_else(|| wrong("it names no host"))?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(wrong("it holds credentials"));
        }
        let tls = match parsed.scheme() {
            "http" => None,
            "https" => {
                let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(name).map_err(|error| wrong(&error.to_string()))?;
                Some((tls::trusting(ca)?, name))
            }
            other => return Err(wrong(&format!("{other} is neither http nor https"))),
        };
        parsed.set_query(None);
        parsed.set_fragment(None);
        let (began, sent) = (Instant::now(), Cell::new(0));
        let (failures, details) = (RefCell::default(), RefCell::default());
        Ok(Self { url: parsed, tls, limits, found_at: Cell::new(None), began, sent, failures, details })
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> &str {
        &self.url[..Position::BeforePath]
    }

    /// Host and port, as the `Host` header has them.
    pub(super) fn host(&self) -> &str {
        &self.url[Position::BeforeHost..Position::BeforePath]
    }

    pub(super) fn is_https(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether it is on this machine, where nobody listens in between.
    pub(super) fn is_here(&self) -> bool {
        match self.url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    /// A path of the pages that are looked at.
    pub(super) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.url.path().trim_end_matches('/'))
    }

    /// The page for signing in, which most of what is tried goes to.
    pub(super) fn sign_in_page(&self) -> Result<Reply, Stop> {
        let reply = self.ask(Ask::get(self.path("/login")).for_page())?;
        if reply.is_success() {
            Ok(reply)
        } else {
            Err(Stop::Skipped(format!("GET {} is answered with {}", self.path("/login"), reply.status)))
        }
    }

    /// Sends a request as it should be.
    pub(super) fn ask(&self, ask: Ask) -> Result<Reply, Stop> {
        let named = |name: &str| ask.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let mut text = format!("{} {} HTTP/1.1\r\n", ask.method, ask.path);
        if !named("host") {
            text.push_str(&format!("host: {}\r\n", self.host()));
        }
        text.push_str("user-agent: lychgate-attack\r\nconnection: close\r\n");
        for (name, value) in &ask.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = ask.body.as_ref().filter(|_| !named("content-length")) {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend(ask.body.unwrap_or_default());
        let what = format!("{} {}", ask.method, shortened(&ask.path));
        let answer = self.raw(&bytes)?;
        let reply = Reply::read(&answer).ok_or_else(|| Stop::Silent(format!("{what}: there was no reply")))?;
        self.look_at(&what, &reply);
        Ok(reply)
    }

    /// Sends these bytes and reads until the server closes or says nothing more for a while.
    pub(super) fn raw(&self, bytes: &[u8]) -> Result<Vec<u8>, Stop> {
        let mut wire = self.connect(self.limits.reply)?;
        // A server may refuse before it has read everything; what it said is read all the same.
        let _ = wire.write_all(bytes).and_then(|()| wire.flush());
        Ok(read(wire))
    }

    /// Sends these bytes, and says within what time the server closed; nothing if it did not.
    pub(super) fn closes_within(&self, bytes: &[u8], patience: Duration) -> Result<Option<Duration>, Stop> {
        let mut wire = self.connect(patience)?;
        let began = Instant::now();
        let _ = wire.write_all(bytes).and_then(|()| wire.flush());
        let mut rest = [0; 4096];
        loop {
            match wire.read(&mut rest) {
                Ok(0) => return Ok(Some(began.elapsed())),
                Ok(_) if began.elapsed() < patience => {}
                Ok(_) => return Ok(None),
                Err(error) => {
                    use std::io::ErrorKind::{TimedOut, WouldBlock};
                    let waited = matches!(error.kind(), TimedOut | WouldBlock);
                    return Ok((!waited).then(|| began.elapsed()));
                }
            }
        }
    }

    /// A connection without TLS, whatever the address says.
    pub(super) fn dial(&self, patience: Duration) -> Result<TcpStream, Stop> {
        let silent = |error: std::io::Error| Stop::Silent(format!("{} cannot be reached: {error}", self.host()));
        self.sent.set(self.sent.get() + 1);
        if self.sent.get() > self.limits.requests {
            return Err(Stop::Skipped(format!("{} requests were sent (--most-requests)", self.limits.requests)));
        }
        if self.began.elapsed() > self.limits.time {
            return Err(Stop::Skipped(format!("{} seconds are over (--most-time)", self.limits.time.as_secs())));
        }
        let host = self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = self.url.port_or_known_default().unwrap_or(80);
        let addresses: Vec<_> = match self.found_at.get() {
            Some(address) => vec![address],
            None => (host, port).to_socket_addrs().map_err(silent)?.collect(),
        };
        let mut result = Err(Stop::Silent(format!("{host} has no address")));
        for address in addresses {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => {
                    self.found_at.set(Some(address));
                    stream.set_read_timeout(Some(patience)).map_err(silent)?;
                    stream.set_write_timeout(Some(PATIENCE)).map_err(silent)?;
                    return Ok(stream);
                }
                Err(error) => result = Err(silent(error)),
            }
        }
        result
    }

    fn connect(&self, patience: Duration) -> Result<Box<dyn Wire>, Stop> {
        let stream = self.dial(patience)?;
        let Some((config, name)) = &self.tls else { return Ok(Box::new(stream)) };
        let connection = ClientConnection::new(Arc::clone(config), name.clone());
        let connection = connection.map_err(|error| Stop::Silent(format!("TLS: {error}")))?;
        Ok(Box::new(StreamOwned::new(connection, stream)))
    }

    /// Remembers what no reply should be.
    fn look_at(&self, what: &str, reply: &Reply) {
        // A server that has no time says so with 503: that is as it should be.
        if reply.status >= 500 && reply.status != 503 && reply.status != 501 {
            self.failures.borrow_mut().push(format!("{what} is answered with {}", reply.status));
        }
        if let Some(word) = DETAILS.iter().find(|word| reply.body.contains(**word)) {
            self.details.borrow_mut().push(format!("the reply to {what} holds {word:?}"));
        }
    }

    /// Requests that were answered with an error of the server.
    pub(super) fn failures(&self) -> Vec<String> {
        self.failures.borrow().clone()
    }

    /// Requests whose reply told how the server is made.
    pub(super) fn details(&self) -> Vec<String> {
        self.details.borrow().clone()
    }

    pub(super) fn requests_sent(&self) -> u32 {
        self.sent.get()
    }
}

fn read(wire: Box<dyn Wire>) -> Vec<u8> {
    let mut all = Vec::new();
    // What has arrived when it fails or takes too long is kept.
    let _ = wire.take(MOST).read_to_end(&mut all);
    all
}

/// A text that fits a line.
pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(57).chain("...".chars()).collect() }
}
