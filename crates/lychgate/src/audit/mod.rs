//! The audit log: who did what to whom, from where, in which request; and proof that nobody wrote it anew.
//!
//! Switched on by the setting `audit`. Lychgate enters by itself what happens to accounts; an application enters its own:
//!
//! ```no_run
//! use lychgate::{Lychgate, audit::Audited};
//!
//! # async fn example(gate: &Lychgate, user_id: i64, number: i64) -> Result<(), lychgate::store::StoreError> {
//! // In the transaction of a change:
//! let mut batch = gate.store().batch();
//! batch.add_role(user_id, "editor");
//! gate.audit().note(&mut batch, Audited::new("role-added").about(user_id).with("role", "editor"));
//! gate.store().commit(batch).await?;
//! // On its own:
//! gate.audit().enter(Audited::new("invoice-approved").with("invoice", number)).await?;
//! # Ok(()) }
//! ```
//!
//! Who acts, the address, the browser and the request are found by themselves inside a request. How entries are chained
//! and what that proves is told in [`lychgate_signing::audit`].

mod entry;
mod keeper;
mod retention;
mod seal;
mod verify;

use lychgate_store::{AuditQuery, Batch, StoreError};

pub use self::{
    entry::{AuditRecord, Audited},
    verify::AuditReport,
};
pub(crate) use keeper::Keeper;

use crate::{clock::Moment, flow::audit::Context, gate::Lychgate};

/// The audit log of a gate; made by [`Lychgate::audit`].
#[derive(Clone, Copy, Debug)]
pub struct Audit<'a>(pub(crate) &'a Lychgate);

impl Lychgate {
    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }
}

impl Audit<'_> {
    /// Whether anything is entered.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.keeper().on
    }

    /// Enters something in the transaction of the change, if the log is on.
    pub fn note(&self, batch: &mut Batch, what: Audited) {
        self.note_in(batch, what, &Context::current());
    }

    /// Enters something on its own, if the log is on.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn enter(&self, what: Audited) -> Result<(), StoreError> {
        if !self.is_on() {
            return Ok(());
        }
        let mut batch = self.0.store().batch();
        self.note(&mut batch, what);
        self.0.store().commit(batch).await.map(drop)
    }

    /// Entries, the last entered first; for the next page, [`AuditQuery::before`] is the number of the last one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](lychgate_store::ErrorKind::Invalid) for a query that cannot be asked, and the usual ones of
    /// the database.
    pub async fn page(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        Ok(self.0.store().audit_page(query).await?.into_iter().map(AuditRecord::of).collect())
    }

    /// Entries in the order of the log, for an export: first those with a place in the chain, then those that wait for one.
    /// For the next page, `after` is the last entry of the page before; an empty page is the end.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn after(&self, after: Option<&AuditRecord>) -> Result<Vec<AuditRecord>, StoreError> {
        const AT_ONCE: u32 = 500;
        let store = self.0.store();
        let (place, waiting) = match after {
            None => (Some(0), 0),
            Some(last) => (last.place, if last.place.is_some() { 0 } else { last.number }),
        };
        let mut rows = match place {
            Some(place) => store.audit_chained(place, AT_ONCE).await?,
            None => Vec::new(),
        };
        if rows.is_empty() {
            rows = store.audit_waiting(waiting, AT_ONCE).await?;
        }
        Ok(rows.into_iter().map(AuditRecord::of).collect())
    }

    pub(crate) fn keeper(&self) -> &Keeper {
        &self.0.0.audit
    }

    pub(crate) fn note_in(&self, batch: &mut Batch, what: Audited, context: &Context) {
        if self.is_on() {
            let now = context.now().unwrap_or_else(|| Moment::of(self.0.clock()));
            batch.audit(&what.into_entry(self.keeper(), context, now));
        }
    }

    /// Enters something beside the request, so that the reply neither waits for it nor tells of it.
    pub(crate) fn enter_soon(&self, mut what: Audited, context: &Context) {
        let keeper = self.keeper();
        if !keeper.on {
            return;
        }
        let now = context.now().unwrap_or_else(|| Moment::of(self.0.clock()));
        if what.is_by_nobody(context) {
            match keeper.budget(now.unix()) {
                None => return,
                Some(0) => {}
                Some(left_out) => what = what.with("left_out_before", left_out),
            }
        }
        let entry = what.into_entry(keeper, context, now);
        let store = self.0.store().clone();
        let pending = keeper.pending();
        tokio::spawn(async move {
            let mut batch = store.batch();
            batch.audit(&entry);
            if let Err(error) = store.commit(batch).await {
                tracing::error!(%error, kind = entry.kind, "something was not entered in the audit log");
            }
            drop(pending);
        });
    }

    /// Enters that an account was made, whose id is known only now.
    pub(crate) fn created(&self, id: i64, by: Option<i64>, what: Audited) {
        let what = what.about(id);
        self.enter_soon(by.map_or_else(|| what.clone(), |by| what.clone().by(by)), &Context::current());
    }

    /// Waits until everything that goes in beside requests is in.
    #[doc(hidden)]
    pub async fn settled(&self) {
        self.keeper().settled().await;
    }

    /// Before the program ends: waits for what goes in beside requests, and seals.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn finish(&self) -> Result<(), StoreError> {
        if self.is_on() {
            self.settled().await;
            self.seal().await?;
        }
        Ok(())
    }
}
