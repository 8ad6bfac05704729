//! Several writes in one transaction.

mod credentials;
mod holders;
mod limits;
mod names;
mod rates;
mod state;
mod users;

pub use names::{Name, NameOwner};
pub(crate) use rates::below;
pub(crate) use state::cut;

use std::sync::Arc;

use crate::decode::Row;
use crate::error::{ErrorKind, Result, StoreError};
use crate::sql::{Sql, Statement};
use crate::value::Value;

/// How many rows a statement has to change for the batch to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Any number.
    Any,
    /// Exactly one.
    One,
    /// At least one.
    Some,
}

impl Expect {
    fn is_met(self, rows: u64) -> bool {
        match self {
            Self::Any => true,
            Self::One => rows == 1,
            Self::Some => rows > 0,
        }
    }
}

/// What the rows of a statement are counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tally {
    /// Sessions that began.
    Begun,
    /// Sessions that were ended.
    Ended,
}

/// A statement in a batch.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) statement: Statement,
    expect: Expect,
    step: usize,
    /// What to say instead of "step n did not apply".
    otherwise: Option<String>,
    /// Whether its rows are the step's result.
    counts: bool,
    pub(crate) tally: Option<Tally>,
}

impl Planned {
    /// The error if the statement changed another number of rows than it had to.
    pub(crate) fn check(&self, rows: u64) -> Result<()> {
        if self.expect.is_met(rows) {
            return Ok(());
        }
        Err(StoreError::new(match &self.otherwise {
            Some(text) => ErrorKind::Invalid(text.clone()),
            None => ErrorKind::Unmet(self.step),
        }))
    }
}

/// What a statement did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) affected: u64,
    pub(crate) rows: Vec<Row>,
}

/// Writes that are all done or not done at all, made by [`Store::batch`](crate::Store::batch).
///
/// Each method adds one step; steps are numbered from 0. A method that finds its values wrong leaves the batch broken:
/// [`Store::commit`](crate::Store::commit) then returns the first such error and writes nothing.
///
/// ```no_run
/// # async fn example(store: lychgate_store::Store, now: time::OffsetDateTime) -> lychgate_store::Result<()> {
/// use lychgate_store::UserPatch;
/// let mut batch = store.batch();
/// batch.redeem_once("reset", "token id", now + time::Duration::days(5), now);
/// batch.update_user(7, &UserPatch { active: Some(true), ..UserPatch::default() }, now);
/// store.commit(batch).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a batch does nothing until it is committed"]
pub struct Batch {
    pub(crate) sql: Arc<Sql>,
    pub(crate) planned: Vec<Planned>,
    steps: usize,
    pub(crate) error: Option<String>,
}

/// What the steps of a committed batch did.
#[derive(Debug)]
pub struct BatchOutcome {
    steps: Vec<(u64, Option<i64>)>,
}

impl BatchOutcome {
    pub(crate) fn new(batch: &[Planned], steps: usize, done: &[Done]) -> Self {
        let mut list = vec![(0, None); steps];
        for (planned, done) in batch.iter().zip(done) {
            if let (true, Some(slot)) = (planned.counts, list.get_mut(planned.step)) {
                slot.0 += done.affected;
                let id = done.rows.first().and_then(|row| row.first());
                slot.1 = id.and_then(|id| id.int().ok().flatten()).or(slot.1);
            }
        }
        Self { steps: list }
    }

    /// How many rows the step changed.
    #[must_use]
    pub fn changed(&self, step: usize) -> u64 {
        self.steps.get(step).map_or(0, |(rows, _)| *rows)
    }

    /// The id of the row that the step created.
    #[must_use]
    pub fn id(&self, step: usize) -> Option<i64> {
        self.steps.get(step).and_then(|(_, id)| *id)
    }
}

impl Batch {
    pub(crate) fn new(sql: Arc<Sql>) -> Self {
        Self { sql, planned: Vec::new(), steps: 0, error: None }
    }

    /// How many steps there are; also the number of the next one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// One step of one statement.
    pub(crate) fn simple(&mut self, statement: Statement, expect: Expect) -> &mut Self {
        self.step(|batch| {
            batch.push(statement, expect);
            Ok(())
        })
    }

    /// Takes up one step's statements after checking all their values.
    pub(crate) fn step(&mut self, make: impl FnOnce(&mut Self) -> Result<()>) -> &mut Self {
        let before = self.planned.len();
        let made = make(self).and_then(|()| {
            let added = self.planned.get(before..).unwrap_or_default();
            let mut values = added.iter().flat_map(|item| &item.statement.params);
            values.try_for_each(Value::check)
        });
        if let (Err(error), None) = (made, &self.error) {
            self.error = Some(error.to_string());
        }
        self.steps += 1;
        self
    }

    pub(crate) fn push(&mut self, statement: Statement, expect: Expect) {
        self.planned.push(Planned { statement, expect, step: self.steps, otherwise: None, counts: true, tally: None });
    }

    /// A statement whose rows do not count.
    pub(crate) fn aside(&mut self, statement: Statement) {
        self.push(statement, Expect::Any);
        if let Some(last) = self.planned.last_mut() {
            last.counts = false;
        }
    }

    /// What the rows of the statement added last are counted as.
    fn tally(&mut self, tally: Tally) {
        if let Some(last) = self.planned.last_mut() {
            last.tally = Some(tally);
        }
    }

    /// A statement that has to find one row for the step to apply; the row does not count.
    fn provided(&mut self, statement: Statement) {
        self.push(statement, Expect::One);
        if let Some(last) = self.planned.last_mut() {
            last.counts = false;
        }
    }

    /// What the statement added last has to do, and what to say if it does not.
    fn require(&mut self, expect: Expect, otherwise: String) {
        if let Some(last) = self.planned.last_mut() {
            last.expect = expect;
            last.otherwise = Some(otherwise);
        }
    }
}
