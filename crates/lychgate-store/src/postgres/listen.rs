//! Hears of changes through `LISTEN`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use deadpool_postgres::Pool;
use futures_util::stream::{StreamExt, poll_fn};
use tokio::sync::{mpsc, watch};
use tokio_postgres::{AsyncMessage, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::reason;

/// The channel on which the triggers announce changes.
pub(super) const CHANNEL: &str = "lychgate_changes";

/// How long an announcement of our own may take before the listener counts as deaf.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often it is asked whether announcements still arrive.
const PULSE: Duration = Duration::from_secs(5);

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
    pub(super) async fn start(
        config: Config,
        connector: MakeRustlsConnect,
        pool: Pool,
    ) -> Result<Self, String> {
        let state = Arc::new(State::default());
        let (stop, stopped) = watch::channel(false);
        let (first, mut first_result) = mpsc::channel(1);
        let task = Task {
            config,
            connector,
            pool,
            state: state.clone(),
            stopped,
        };
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
        let mut pause = Duration::from_millis(100);
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
    async fn listen(
        &mut self,
        first: &mut Option<mpsc::Sender<Result<(), String>>>,
        pause: &mut Duration,
    ) -> String {
        let connected = tokio::time::timeout(PATIENCE, self.config.connect(self.connector.clone()));
        let (client, mut connection) = match connected.await {
            Ok(Ok(pair)) => pair,
            Ok(Err(error)) => return reason(&error),
            Err(_) => return "the server does not answer".to_owned(),
        };
        let messages = poll_fn(move |context| connection.poll_message(context));
        tokio::pin!(messages);
        // The connection works only while its messages are read, so both go on at once.
        let listen = format!("LISTEN {CHANNEL}");
        let listening = client.batch_execute(&listen);
        tokio::pin!(listening);
        loop {
            tokio::select! {
                result = &mut listening => match result {
                    Ok(()) => break,
                    Err(error) => return reason(&error),
                },
                message = messages.next() => match message {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return reason(&error),
                    None => return "the connection was closed".to_owned(),
                },
            }
        }
        let own = format!(
            "pulse-{:p}-{}",
            Arc::as_ptr(&self.state),
            std::process::id()
        );
        let mut waiting = false;
        let mut due = tokio::time::Instant::now();
        loop {
            tokio::select! {
                _ = self.stopped.changed() => return "the store was closed".to_owned(),
                () = tokio::time::sleep_until(due) => {
                    if waiting {
                        return "announcements do not arrive".to_owned();
                    }
                    if let Err(reason) = self.announce(&own).await {
                        return reason;
                    }
                    waiting = true;
                    due = tokio::time::Instant::now() + PATIENCE;
                }
                message = messages.next() => match message {
                    Some(Ok(AsyncMessage::Notification(note))) if note.payload() == own => {
                        waiting = false;
                        due = tokio::time::Instant::now() + PULSE;
                        *pause = Duration::from_millis(100);
                        self.state.hearing.store(true, Ordering::Release);
                        if let Some(first) = first.take() {
                            let _ = first.send(Ok(())).await;
                        }
                    }
                    // Pulses of other processes are no changes.
                    Some(Ok(AsyncMessage::Notification(note))) if note.payload().starts_with("pulse-") => {}
                    Some(Ok(AsyncMessage::Notification(_))) => {
                        self.state.epoch.fetch_add(1, Ordering::AcqRel);
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return reason(&error),
                    None => return "the connection was closed".to_owned(),
                },
            }
        }
    }

    /// Sends an announcement over another connection, as a change would be.
    async fn announce(&self, payload: &str) -> Result<(), String> {
        let send = async {
            let client = self.pool.get().await.map_err(|error| error.to_string())?;
            client
                .execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &payload])
                .await
                .map_err(|error| reason(&error))
        };
        match tokio::time::timeout(PATIENCE, send).await {
            Ok(result) => result.map(drop),
            Err(_) => Err("the server does not answer".to_owned()),
        }
    }
}
