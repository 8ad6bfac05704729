//! Hears of changes through `LISTEN`.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use deadpool_postgres::Pool;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::reason;

/// The channel on which the triggers announce changes.
pub(super) const CHANNEL: &str = "lychgate_changes";

/// How long an answer or an announcement may take before the listener counts as deaf.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often it is asked whether the server still answers: a connection may die without a sign.
const PULSE: Duration = Duration::from_secs(5);

/// First pause before connecting again; it doubles each time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// Longest pause before connecting again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct State {
    epoch: AtomicU64,
    hearing: AtomicBool,
}

/// A task that counts announced changes.
#[derive(Debug)]
pub(super) struct Listener {
    state: Arc<State>,
    stop: watch::Sender<bool>,
}

impl Listener {
    /// Starts listening and waits until an announcement of our own has come back; the error says why it did not.
    ///
    /// A pooler between us and the server may take `LISTEN` and yet pass nothing on; then nothing may be cached.
    pub(super) async fn start(config: Config, connector: MakeRustlsConnect, pool: Pool) -> Result<Self, String> {
        let state = Arc::new(State::default());
        let (stop, stopped) = watch::channel(false);
        let (first, mut first_result) = mpsc::channel(1);
        let task = Task { config, connector, pool, state: state.clone(), stopped };
        tokio::spawn(task.run(first));
        match first_result.recv().await {
            Some(Ok(())) => Ok(Self { state, stop }),
            Some(Err(reason)) => Err(reason),
            None => Err("the listener ended".to_owned()),
        }
    }

    /// The number of changes heard of; `None` while nothing can be heard.
    pub(super) fn epoch(&self) -> Option<u64> {
        let epoch = self.state.epoch.load(Ordering::Acquire);
        self.state.hearing.load(Ordering::Acquire).then_some(epoch)
    }

    /// Counts a change of our own at once, before its announcement comes round.
    pub(super) fn changed(&self) {
        self.state.epoch.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn stop(&self) {
        let _ = self.stop.send(true);
        self.state.hearing.store(false, Ordering::Release);
    }
}

struct Task {
    config: Config,
    connector: MakeRustlsConnect,
    pool: Pool,
    state: Arc<State>,
    stopped: watch::Receiver<bool>,
}

impl Task {
    async fn run(mut self, first: mpsc::Sender<Result<(), String>>) {
        let mut first = Some(first);
        let mut pause = SHORTEST_PAUSE;
        loop {
            let ended = self.listen(&mut first, &mut pause).await;
            self.state.hearing.store(false, Ordering::Release);
            // What happened meanwhile was not heard.
            self.state.epoch.fetch_add(1, Ordering::AcqRel);
            if let Some(first) = first.take() {
                let _ = first.send(Err(ended)).await;
                return;
            }
            if self.gone() {
                return;
            }
            tracing::warn!(reason = %ended, "changes of other processes are not heard of; nothing is cached");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = self.stopped.changed() => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            if self.gone() {
                return;
            }
        }
    }

    /// Whether the store was closed or dropped.
    fn gone(&self) -> bool {
        *self.stopped.borrow() || self.stopped.has_changed().is_err() || self.pool.is_closed()
    }

    /// Listens until something fails; says what.
    async fn listen(&mut self, first: &mut Option<mpsc::Sender<Result<(), String>>>, pause: &mut Duration) -> String {
        let connected = tokio::time::timeout(PATIENCE, self.config.connect(self.connector.clone()));
        let (client, connection) = match connected.await {
            Ok(Ok(pair)) => pair,
            Ok(Err(error)) => return reason(&error),
            Err(_) => return "the server does not answer".to_owned(),
        };
        let probe = format!("probe-{}-{:p}", std::process::id(), Arc::as_ptr(&self.state));
        let (heard, probed) = oneshot::channel();
        let mut driver = tokio::spawn(hear(connection, self.state.clone(), probe.clone(), heard));
        let ended = tokio::select! {
            _ = &mut driver => "the connection was closed".to_owned(),
            ended = self.attend(&client, &probe, probed, first, pause) => ended,
        };
        driver.abort();
        ended
    }

    /// Asks for announcements, waits for the first one, and then sees to it that the server still answers.
    async fn attend(
        &self,
        client: &Client,
        probe: &str,
        probed: oneshot::Receiver<()>,
        first: &mut Option<mpsc::Sender<Result<(), String>>>,
        pause: &mut Duration,
    ) -> String {
        let listen = format!("LISTEN {CHANNEL}");
        if let Err(reason) = answered(client.batch_execute(&listen)).await {
            return reason;
        }
        if let Err(reason) = self.announce(probe).await {
            return reason;
        }
        if !matches!(tokio::time::timeout(PATIENCE, probed).await, Ok(Ok(()))) {
            return "announcements do not arrive".to_owned();
        }
        self.state.hearing.store(true, Ordering::Release);
        *pause = SHORTEST_PAUSE;
        if let Some(first) = first.take() {
            let _ = first.send(Ok(())).await;
        }
        let mut stopped = self.stopped.clone();
        loop {
            tokio::select! {
                _ = stopped.changed() => return "the store was closed".to_owned(),
                () = tokio::time::sleep(PULSE) => {}
            }
            if let Err(reason) = answered(client.batch_execute("SELECT 1")).await {
                return reason;
            }
        }
    }

    /// Sends an announcement over another connection, as a change would be.
    async fn announce(&self, payload: &str) -> Result<(), String> {
        let client = self.pool.get().await.map_err(|error| error.to_string())?;
        let values: [&(dyn ToSql + Sync); 2] = [&CHANNEL, &payload];
        answered(client.execute("SELECT pg_notify($1, $2)", &values)).await.map(drop)
    }
}

/// Waits for an answer of the server, but not for long.
async fn answered<T>(question: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(result) => result.map_err(|error| reason(&error)),
        Err(_) => Err("the server does not answer".to_owned()),
    }
}

/// Drives the connection and counts announcements until it ends.
async fn hear<S>(mut connection: Connection<Socket, S>, state: Arc<State>, probe: String, heard: oneshot::Sender<()>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut heard = Some(heard);
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        let AsyncMessage::Notification(note) = message else {
            continue;
        };
        if note.payload() == probe {
            if let Some(heard) = heard.take() {
                let _ = heard.send(());
            }
        } else if !note.payload().starts_with("probe-") {
            // Probes of other processes are no changes.
            state.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }
}
