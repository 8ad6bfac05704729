//! Password hashing in a pool of its own.
//!
//! As many hashes run at a time as there are cores, and no more than a bound of memory bears; the others wait in
//! a bounded line, and beyond it a request is told to come back. The pool's threads run at a lower priority, so that a
//! wave of sign-ins does not starve requests that need no hash.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use lychgate_passwords::{Context, HashError, Verdict};
use tokio::sync::{Semaphore, oneshot};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{failure::Failure, measure};

/// How much nicer the pool's threads are than the rest of the process.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Rounds of fingerprints in mailed links; the least that the format allows.
const DATA_ROUNDS: u32 = 1000;

/// The pool and the password schemes that it computes.
#[derive(Debug)]
pub(crate) struct Hashing {
    /// The first one hashes; the others know what was hashed under an earlier salt.
    contexts: Arc<[Context]>,
    threads: rayon::ThreadPool,
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
}

/// How many hashes of `cost_kib` may run at a time on so many cores within `memory` bytes; one always may.
pub(crate) fn affordable(cores: usize, memory: usize, cost_kib: u64) -> usize {
    let held = u64::try_from(memory / 1024).unwrap_or(u64::MAX).checked_div(cost_kib).unwrap_or(u64::MAX);
    cores.min(usize::try_from(held).unwrap_or(usize::MAX)).max(1)
}

impl Hashing {
    pub(crate) fn new(
        contexts: Vec<Context>,
        at_once: usize,
        max_waiting: usize,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(at_once)
            .thread_name(|index| format!("hashing-{index}"))
            .start_handler(|_| lower_priority())
            .build()?;
        Ok(Self {
            contexts: contexts.into(),
            threads,
            running: Arc::new(Semaphore::new(at_once)),
            waiting: AtomicUsize::new(0),
            max_waiting,
        })
    }

    /// Compares `password` with a stored hash. Without one, the same work is done and nothing matches.
    pub(crate) async fn verify(&self, password: &str, stored: Option<&str>) -> Result<Verdict, Failure> {
        let (password, stored) = (Zeroizing::new(password.to_owned()), stored.map(|s| Zeroizing::new(s.to_owned())));
        self.run(move |contexts| {
            // A wrong password and an unknown user both cost as much as there are salts.
            for (at, context) in contexts.iter().enumerate() {
                match &stored {
                    Some(stored) => match context.verify(&password, stored) {
                        Verdict::Match { .. } if at > 0 => return Verdict::Match { needs_rehash: true },
                        Verdict::Mismatch => {}
                        verdict => return verdict,
                    },
                    None => context.dummy_verify(&password),
                }
            }
            Verdict::Mismatch
        })
        .await
    }

    /// Hashes a new password with the current scheme.
    pub(crate) async fn hash(&self, password: &str) -> Result<Result<String, HashError>, Failure> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move |contexts| match contexts.first() {
            Some(context) => Ok(context.hash(&password)),
            None => Err(Failure::internal("there is no way to hash passwords")),
        })
        .await?
    }

    /// A fingerprint of `text` for a mailed link, in the form that the reference reads. What it hides is no secret of
    /// its own, so few rounds do.
    pub(crate) async fn data_hash(&self, text: &str) -> Result<String, Failure> {
        let text = Zeroizing::new(text.to_owned());
        self.run(move |_| lychgate_passwords::data::hash(&text, DATA_ROUNDS)).await?.map_err(Failure::internal)
    }

    /// Whether a fingerprint, ours or the reference's, is that of `text`.
    pub(crate) async fn data_verify(&self, text: &str, stored: &str) -> Result<bool, Failure> {
        let (text, stored) = (Zeroizing::new(text.to_owned()), stored.to_owned());
        self.run(move |_| lychgate_passwords::data::verify(&text, &stored)).await
    }

    /// Other work of the kind: long, and without waiting.
    pub(crate) async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        self.run(move |_| job()).await
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce(&[Context]) -> T + Send + 'static) -> Result<T, Failure> {
        let _place = Place::take(&self.waiting, self.max_waiting).ok_or_else(|| {
            measure::hashing_refused();
            Failure::Busy { retry_after: 5 }
        })?;
        let asked = Instant::now();
        let permit = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| Failure::internal("the hashing pool is closed"))?;
        let (waited, began) = (asked.elapsed(), Instant::now());
        let (answer, result) = oneshot::channel();
        let contexts = Arc::clone(&self.contexts);
        self.threads.spawn(move || {
            let outcome = apart(job, &contexts);
            wipe_stack();
            drop(permit);
            // The request may be gone; the work is done all the same.
            let _ = answer.send(outcome);
        });
        let outcome = result.await.map_err(|_| Failure::internal("a password hash was not computed"))?;
        measure::hashed(waited, began.elapsed());
        Ok(outcome)
    }
}

/// Does a job in a frame of its own, which is gone afterwards.
#[inline(never)]
fn apart<T>(job: impl FnOnce(&[Context]) -> T, contexts: &[Context]) -> T {
    job(contexts)
}

/// Overwrites what a job that has ended left on the stack of its thread: hash functions keep the beginning of a password in
/// a block of their own, and the thread may not be needed again for long.
#[inline(never)]
fn wipe_stack() {
    let mut used = [0_u8; 32 * 1024];
    used.zeroize();
    std::hint::black_box(&used);
}

/// A place in the line; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, max: usize) -> Option<Self> {
        let taken = waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| (n < max).then(|| n + 1));
        // Only a place that was taken may come into being: it is given back when dropped.
        let before = taken.ok()?;
        measure::hashing_queue(before + 1);
        Some(Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let before = self.0.fetch_sub(1, Ordering::AcqRel);
        measure::hashing_queue(before.saturating_sub(1));
    }
}

#[cfg(target_os = "linux")]
fn lower_priority() {
    // Linux keeps a priority for each thread; without the right to change it, sign-ins merely compete as equals.
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), NICENESS) {
        tracing::debug!(%error, "the hashing pool runs at normal priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_bounds_the_hashes_at_a_time() {
        let of = |cores| affordable(cores, 200 << 20, 64 << 10);
        assert_eq!((of(1), of(2), of(3), of(32)), (1, 2, 3, 3));
        assert_eq!(affordable(32, 200 << 20, 0), 32, "a scheme without memory is bounded by the cores");
        assert_eq!(affordable(32, 1 << 20, 64 << 10), 1, "one may always");
    }
}
