//! How much a client may ask of a connection, from `[server]`.

use std::time::Duration;

use crate::settings::Settings;

/// The bounds of `[server]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) connections_per_address: usize,
    pub(crate) handshake: Duration,
    pub(crate) head: Duration,
    pub(crate) head_bytes: usize,
    pub(crate) head_fields: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) body: Duration,
    pub(crate) body_grace: Duration,
    /// Bytes a second.
    pub(crate) body_rate: u64,
    pub(crate) request: Duration,
    /// Nothing where a reply may take as long as it likes, as streams do.
    pub(crate) reply: Option<Duration>,
    pub(crate) send: Duration,
    pub(crate) http2: bool,
    pub(crate) streams: u32,
}

/// Files that the process needs beside its connections: the database, logs, mail.
const OTHER_FILES: u64 = 64;

impl Limits {
    pub(crate) fn from_settings(settings: &Settings) -> Self {
        let count = |name: &str| usize::try_from(settings.int(name)).unwrap_or(usize::MAX);
        let span = |name: &str| settings.duration(name).map_or(Duration::MAX, |span| span.to_std());
        Self {
            connections: openable(count("server.max_connections")),
            connections_per_address: count("server.max_connections_per_address"),
            handshake: span("server.tls_handshake_timeout"),
            head: span("server.header_timeout"),
            head_bytes: count("server.header_bytes"),
            head_fields: count("server.header_count"),
            keep_alive: span("server.keep_alive"),
            body: span("server.body_timeout"),
            body_grace: span("server.body_grace"),
            body_rate: settings.int("server.body_rate").try_into().unwrap_or(1),
            request: span("server.request_timeout"),
            reply: settings.duration("server.reply_timeout").map(|span| span.to_std()),
            send: span("server.send_timeout"),
            http2: settings.flag("server.http2"),
            streams: settings.int("server.http2_streams").try_into().unwrap_or(100),
        }
    }

    /// How often a connection has to be looked at so that no bound is noticed late.
    pub(crate) fn tick(&self) -> Duration {
        self.head.min(self.keep_alive).min(self.send)
    }
}

/// As many connections as the process may have files, if that is fewer.
fn openable(wanted: usize) -> usize {
    #[cfg(unix)]
    {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let most = files.map_or(u64::MAX, |files| files.saturating_sub(OTHER_FILES).max(1));
        if u64::try_from(wanted).is_ok_and(|wanted| wanted > most) {
            tracing::info!(most, wanted, "the process may open too few files for server.max_connections (ulimit -n)");
            return usize::try_from(most).unwrap_or(wanted);
        }
    }
    wanted
}
