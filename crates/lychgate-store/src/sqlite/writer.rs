//! The one thread that writes.
//!
//! It takes all batches that are waiting, runs each in a savepoint of one transaction, commits, and only then answers:
//! many requests share one `fsync`, and an answer means that the write is on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::error::{convert, is_busy};
use super::{bind, rows};
use crate::batch::{Done, Planned};
use crate::decode::Row;
use crate::error::{ErrorKind, Result, StoreError, one_line};
use crate::sql::Statement;

/// Batches that share a transaction at most.
const GROUP: usize = 64;

/// Batches that may wait; further callers wait before they are queued.
const QUEUE: usize = 1024;

enum Job {
    Write(Arc<Vec<Planned>>, oneshot::Sender<Result<Vec<Done>>>),
    /// Only for a database in memory, which nobody else can read.
    Read(Statement, oneshot::Sender<Result<Vec<Row>>>),
}

pub(super) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, commits: Arc<AtomicU64>) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("lychgate-writer".to_owned())
            .spawn(move || run(connection, receiver, &commits))?;
        Ok(Self { jobs: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn write(&self, batch: Arc<Vec<Planned>>) -> Result<Vec<Done>> {
        self.ask(|answer| Job::Write(batch, answer)).await
    }

    pub(super) async fn query(&self, statement: Statement) -> Result<Vec<Row>> {
        self.ask(|answer| Job::Read(statement, answer)).await
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T>>) -> Job) -> Result<T> {
        let jobs = self.jobs.lock().clone().ok_or_else(StoreError::closed)?;
        let (answer, answered) = oneshot::channel();
        jobs.send(job(answer)).await.map_err(|_| StoreError::closed())?;
        drop(jobs);
        answered.await.map_err(|_| StoreError::closed())?
    }

    /// Lets waiting batches through, empties the write-ahead log and ends the thread.
    pub(super) async fn close(&self) {
        drop(self.jobs.lock().take());
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the thread that writes to the database has failed");
            }
        }
    }
}

fn run(connection: Connection, mut jobs: mpsc::Receiver<Job>, commits: &AtomicU64) {
    let mut group = Vec::with_capacity(GROUP);
    while let Some(job) = jobs.blocking_recv() {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                Job::Write(batch, answer) => group.push((batch, answer)),
                Job::Read(statement, answer) => {
                    // What was asked before is done before.
                    commit(&connection, &mut group, commits);
                    let result = rows(&connection, &statement).map_err(|error| convert(&error));
                    let _ = answer.send(result);
                }
            }
            if group.len() < GROUP {
                next = jobs.try_recv().ok();
            }
        }
        commit(&connection, &mut group, commits);
    }
    let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    if let Err(error) = emptied {
        tracing::debug!(error = %one_line(&error.to_string()), "the write-ahead log was left as it is");
    }
}

type Answer = oneshot::Sender<Result<Vec<Done>>>;

/// Runs a group of batches in one transaction and answers after it is committed.
fn commit(connection: &Connection, group: &mut Vec<(Arc<Vec<Planned>>, Answer)>, commits: &AtomicU64) {
    if group.is_empty() {
        return;
    }
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        for (_, answer) in group.drain(..) {
            let _ = answer.send(Err(convert(&error)));
        }
        return;
    }
    let mut answers = Vec::with_capacity(group.len());
    let mut lost = None;
    for (batch, answer) in group.drain(..) {
        let result = match &lost {
            Some(error) => Err(convert(error)),
            None => savepoint(connection, &batch, &mut lost),
        };
        answers.push((answer, result));
    }
    if lost.is_none() {
        lost = finish(connection).err();
    }
    if lost.is_none() {
        commits.fetch_add(1, Ordering::Release);
    }
    for (answer, result) in answers {
        let result = match (&lost, result) {
            // Nothing of the transaction is there, so nobody may be told otherwise.
            (Some(error), Ok(_)) => Err(convert(error)),
            (_, result) => result,
        };
        let _ = answer.send(result);
    }
}

/// Commits; afterwards no transaction is open, whatever happened.
fn finish(connection: &Connection) -> rusqlite::Result<()> {
    let mut result = connection.execute_batch("COMMIT");
    // Outside of WAL a commit may be kept waiting by readers, and can be tried again.
    if result.as_ref().is_err_and(is_busy) {
        result = connection.execute_batch("COMMIT");
    }
    if result.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    result
}

/// Runs one batch; if it fails, only it is undone. Errors that end the whole transaction are left in `lost`.
fn savepoint(connection: &Connection, batch: &[Planned], lost: &mut Option<rusqlite::Error>) -> Result<Vec<Done>> {
    let outcome = run_batch(connection, batch);
    if connection.is_autocommit() {
        // A full disk, for one, rolls everything back by itself.
        *lost = Some(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR),
            Some("the transaction was rolled back".to_owned()),
        ));
        return outcome.and(Err(StoreError::new(ErrorKind::Unavailable)));
    }
    if outcome.is_err()
        && let Err(error) = connection.execute_batch("ROLLBACK TO batch; RELEASE batch")
    {
        let _ = connection.execute_batch("ROLLBACK");
        *lost = Some(error);
    }
    outcome
}

fn run_batch(connection: &Connection, batch: &[Planned]) -> Result<Vec<Done>> {
    let simple = |sql| connection.execute_batch(sql).map_err(|error| convert(&error));
    simple("SAVEPOINT batch")?;
    let mut list = Vec::with_capacity(batch.len());
    for planned in batch {
        let done = execute(connection, &planned.statement).map_err(|error| convert(&error))?;
        planned.check(done.affected)?;
        list.push(done);
    }
    simple("RELEASE batch")?;
    Ok(list)
}

fn execute(connection: &Connection, statement: &Statement) -> rusqlite::Result<Done> {
    if statement.fetch {
        let rows = rows(connection, statement)?;
        let affected = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        return Ok(Done { affected, rows });
    }
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    bind(&mut prepared, &statement.params)?;
    let affected = prepared.raw_execute()?;
    Ok(Done { affected: u64::try_from(affected).unwrap_or(u64::MAX), rows: Vec::new() })
}
