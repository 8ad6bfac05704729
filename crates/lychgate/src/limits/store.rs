//! Where counts are kept.

use std::{fmt, future::Future, pin::Pin};

use lychgate_store::{RateRule, RateState, Store};
use time::OffsetDateTime;

/// The result of asking a place that keeps counts.
pub(crate) type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unreachable>> + Send + 'a>>;

/// A place that keeps counts does not answer; why is for the log.
#[derive(Debug)]
pub(crate) struct Unreachable(pub(crate) String);

/// What came of spending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) admitted: bool,
    /// What is spent now.
    pub(crate) state: Option<RateState>,
}

/// A place that keeps counts. All of them come to the same results, also when many ask at once.
pub(crate) trait LimitStore: fmt::Debug + Send + Sync {
    /// Spends `cost` if the rule allows it; what is refused is not counted.
    fn spend<'a>(&'a self, key: &'a str, rule: &'a RateRule, cost: u32, now: OffsetDateTime) -> StoreFuture<'a, Spent>;

    /// What is spent.
    fn look<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<RateState>>;
}

impl LimitStore for Store {
    fn spend<'a>(&'a self, key: &'a str, rule: &'a RateRule, cost: u32, now: OffsetDateTime) -> StoreFuture<'a, Spent> {
        Box::pin(async move {
            let spent = Store::spend(self, key, rule, cost, now).await;
            spent.map(|(admitted, state)| Spent { admitted, state }).map_err(|error| Unreachable(error.to_string()))
        })
    }

    fn look<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<RateState>> {
        Box::pin(async move { self.rate(key).await.map_err(|error| Unreachable(error.to_string())) })
    }
}
