//! The time, handed in: tests advance a clock instead of sleeping.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use time::OffsetDateTime;

/// Where "now" comes from.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time in microseconds since the unix epoch.
    fn now_micros(&self) -> i64;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_micros(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved.
///
/// ```
/// use lychgate::{Clock, ManualClock};
///
/// let clock = ManualClock::at(1_750_000_000);
/// clock.advance(60);
/// assert_eq!(clock.now_micros(), 1_750_000_060_000_000);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `unix` seconds.
    #[must_use]
    pub fn at(unix: i64) -> Self {
        Self(Arc::new(AtomicI64::new(unix.saturating_mul(1_000_000))))
    }

    /// Moves the clock by `seconds`, which may be negative.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// One moment, in the units that formats and columns want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self(clock.now_micros())
    }

    /// Whole seconds, rounded down.
    pub(crate) fn unix(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Seconds with fraction, as Python's `time.time()`.
    #[allow(clippy::cast_precision_loss)] // microseconds since 1970 fit 53 bits until 2255
    pub(crate) fn float(self) -> f64 {
        self.0 as f64 / 1_000_000.0
    }

    /// For columns.
    pub(crate) fn datetime(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}
