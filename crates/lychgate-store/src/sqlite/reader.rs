//! Reading connections, and the one that watches for changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use super::connect::Place;
use super::error::{convert, is_busy};
use super::{NO_WAIT, rows};
use crate::decode::Row;
use crate::error::{ErrorKind, Result, StoreError};
use crate::sql::Statement;

/// A few reading connections, opened when first needed.
#[derive(Debug)]
pub(super) struct Pool {
    place: Place,
    most: usize,
    busy_timeout: Duration,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    open: usize,
    closed: bool,
}

impl Pool {
    pub(super) fn new(place: Place, most: usize, busy_timeout: Duration) -> Arc<Self> {
        Arc::new(Self { place, most: most.max(1), busy_timeout, state: Mutex::default(), returned: Condvar::new() })
    }

    /// Runs the statement without ever waiting; `None` if that would need it.
    pub(super) fn query_now(&self, statement: &Statement) -> Result<Option<Vec<Row>>> {
        let connection = match self.take(None) {
            Ok(Some(connection)) => connection,
            Ok(None) => return Ok(None),
            Err(error) if *error.kind() == ErrorKind::Busy => return Ok(None),
            Err(error) => return Err(error),
        };
        let result = rows(&connection, statement);
        self.put(connection);
        match result {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if is_busy(&error) => Ok(None),
            Err(error) => Err(convert(&error)),
        }
    }

    /// Runs the statement and waits for locks; for threads that may block.
    pub(super) fn query_waiting(&self, statement: &Statement) -> Result<Vec<Row>> {
        let deadline = Instant::now() + self.busy_timeout;
        let connection = self.take(Some(deadline))?.ok_or_else(|| StoreError::new(ErrorKind::Busy))?;
        let left = deadline.saturating_duration_since(Instant::now());
        let result = connection.busy_timeout(left).and_then(|()| rows(&connection, statement));
        // Back to not waiting, which the next user on a worker relies on.
        let reset = connection.busy_timeout(NO_WAIT);
        match reset {
            Ok(()) => self.put(connection),
            Err(_) => self.forget(),
        }
        result.map_err(|error| convert(&error))
    }

    /// Takes an idle connection, opens one, or waits for one until the deadline.
    fn take(&self, deadline: Option<Instant>) -> Result<Option<Connection>> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return Err(StoreError::closed());
            }
            if let Some(connection) = state.idle.pop() {
                return Ok(Some(connection));
            }
            if state.open < self.most {
                state.open += 1;
                drop(state);
                let wait = deadline.map_or(NO_WAIT, |deadline| deadline.saturating_duration_since(Instant::now()));
                return match self.place.try_reader(wait) {
                    Ok(connection) => Ok(Some(connection)),
                    Err(error) => {
                        self.forget();
                        Err(convert(&error))
                    }
                };
            }
            match deadline {
                None => return Ok(None),
                Some(deadline) => {
                    if self.returned.wait_until(&mut state, deadline).timed_out() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn put(&self, connection: Connection) {
        let mut state = self.state.lock();
        if state.closed {
            state.open = state.open.saturating_sub(1);
        } else {
            state.idle.push(connection);
        }
        drop(state);
        self.returned.notify_one();
    }

    fn forget(&self) {
        let mut state = self.state.lock();
        state.open = state.open.saturating_sub(1);
        drop(state);
        self.returned.notify_one();
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.open = state.open.saturating_sub(state.idle.len());
        state.idle.clear();
        drop(state);
        self.returned.notify_all();
    }
}

/// Asks SQLite whether anybody has committed anything.
///
/// `PRAGMA data_version` tells a connection of the commits of all others, those of other processes among them. As it
/// means something only on one and the same connection, there is one for this alone.
#[derive(Debug)]
pub(super) struct Sentinel(Mutex<Option<Watch>>);

#[derive(Debug)]
struct Watch {
    connection: Connection,
    version: i64,
    epoch: u64,
}

impl Sentinel {
    pub(super) fn new(connection: Connection) -> Self {
        Self(Mutex::new(Some(Watch { connection, version: -1, epoch: 0 })))
    }

    /// The number of changes noticed; `None` while the file is locked.
    pub(super) fn epoch(&self) -> Option<u64> {
        let mut guard = self.0.lock();
        let watch = guard.as_mut()?;
        let version = watch
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .ok()?;
        if version != watch.version {
            watch.version = version;
            watch.epoch += 1;
        }
        Some(watch.epoch)
    }

    pub(super) fn close(&self) {
        self.0.lock().take();
    }
}
