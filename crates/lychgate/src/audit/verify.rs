//! Whether the log is as it was written.

use std::collections::BTreeMap;

use lychgate_signing::audit::{Checkpoint, Finding, Linked, Origin, Purpose, Verifier};
use lychgate_store::{AuditRow, StoreError};

use super::{Audit, entry::content, seal::signed};

/// Entries that are read at a time.
const AT_ONCE: u32 = 500;

/// The most findings that are listed.
const MOST: usize = 1000;

/// What a look at the whole log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditReport {
    /// What is not as it was written; at most 1000.
    pub findings: Vec<String>,
    /// Findings beyond those.
    pub more_findings: u64,
    /// Sealed entries that were looked at.
    pub sealed: u64,
    /// Entries that are not sealed yet. Each is signed, but nobody could tell if one had been removed.
    pub waiting: u64,
    /// Entries whose details were erased.
    pub erased: u64,
    /// Checkpoints that were looked at, those in the database and those that were handed in.
    pub checkpoints: u64,
    /// Checkpoints that were handed in and are of entries which have been forgotten since.
    pub forgotten_checkpoints: u64,
    /// The place of the first entry, if there is one.
    pub first: Option<i64>,
    /// The end of the log as a text for keeping elsewhere: handed in later, it shows whether the log was cut or made anew.
    pub checkpoint: Option<String>,
}

impl AuditReport {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    fn found(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            if self.findings.len() < MOST {
                self.findings.push(finding.to_string());
            } else {
                self.more_findings += 1;
            }
        }
    }
}

impl Audit<'_> {
    /// Looks at every entry: whether one was changed, removed, moved or put in. `held` are checkpoints that were kept
    /// elsewhere. Only reads; a page of entries at a time is in memory.
    ///
    /// # Errors
    ///
    /// The usual ones of the database.
    pub async fn verify(&self, held: &[Checkpoint]) -> Result<AuditReport, StoreError> {
        let store = self.0.store();
        let mut tries = 0;
        loop {
            let begins = store.audit_beginning().await?;
            let report = self.walk(begins.as_ref().map(signed), held).await?;
            tries += 1;
            // What was forgotten meanwhile is not missing.
            if report.is_whole() || tries == 3 || store.audit_beginning().await? == begins {
                return Ok(report);
            }
        }
    }

    async fn walk(&self, begins: Option<Checkpoint>, held: &[Checkpoint]) -> Result<AuditReport, StoreError> {
        let (store, signer) = (self.0.store(), &self.keeper().signer);
        let mut report = AuditReport::default();
        let origin = match begins.as_ref().map(|begins| signer.origin(begins)) {
            None => Origin::default(),
            Some(Some(origin)) => origin,
            Some(None) => {
                report.found([Finding::EndsForged]);
                Origin::default()
            }
        };
        let mut held_by_place: BTreeMap<i64, Vec<&Checkpoint>> = BTreeMap::new();
        for point in held {
            if !signer.is_checkpoint(Purpose::Reached, point) {
                report.found([Finding::CheckpointForged { place: point.place }]);
            } else if point.place <= origin.place() && point.place > 0 {
                report.forgotten_checkpoints += 1;
            } else {
                held_by_place.entry(point.place).or_default().push(point);
            }
        }
        let mut verifier = Verifier::new(signer, origin);
        loop {
            let rows = store.audit_chained(verifier.place(), AT_ONCE).await?;
            let Some(last) = rows.last().and_then(|row| row.place) else { break };
            let mut points = self.points(verifier.place(), last).await?;
            report.first = report.first.or(rows.first().and_then(|row| row.place));
            for row in &rows {
                let place = row.place.unwrap_or_default();
                report.found(verifier.entry(&linked(row, place)));
                report.sealed += 1;
                report.erased += u64::from(row.entry.details.is_none());
                let kept = points.remove(&place);
                for point in kept.iter().chain(held_by_place.remove(&place).unwrap_or_default()) {
                    report.checkpoints += 1;
                    report.found(verifier.checkpoint(point));
                }
            }
            // Checkpoints of entries that are not there.
            for place in points.into_keys() {
                report.found([Finding::CheckpointMissed { place }]);
            }
        }
        let all = store.count_audit_chained(verifier.place()).await?;
        if all > report.sealed {
            report.found([Finding::Beside { count: all - report.sealed }]);
        }
        self.look_at_end(&verifier, &mut report).await?;
        for place in held_by_place.into_keys() {
            report.found([Finding::CheckpointMissed { place }]);
        }
        self.look_at_waiting(&verifier, &mut report).await?;
        Ok(report)
    }

    /// The stored checkpoints between two places. Where one of them is not the only one of its place, it is the last.
    async fn points(&self, after: i64, up_to: i64) -> Result<BTreeMap<i64, Checkpoint>, StoreError> {
        let found = self.0.store().audit_checkpoints(after, up_to, 1000).await?;
        Ok(found.iter().map(|point| (point.place, signed(point))).collect())
    }

    /// Whether the log ends where it was signed to.
    async fn look_at_end(&self, verifier: &Verifier<'_>, report: &mut AuditReport) -> Result<(), StoreError> {
        let Some(end) = self.0.store().audit_end().await? else {
            if verifier.place() > 0 {
                report.found([Finding::EndsForged]);
            }
            return Ok(());
        };
        let end = signed(&end);
        if !self.keeper().signer.is_checkpoint(Purpose::Reached, &end) || end.place < verifier.place() {
            report.found([Finding::EndsForged]);
        } else if end.place == verifier.place() {
            report.found(verifier.checkpoint(&end));
        } else {
            // What was sealed while this went on follows on what was read; what was cut off does not.
            let next = verifier.place() + 1;
            let rows = self.0.store().audit_chained(verifier.place(), 1).await?;
            if rows.first().and_then(|row| row.place) != Some(next) {
                report.found([Finding::Missing { from: next, to: end.place }]);
            }
        }
        report.checkpoint = Some(end.to_text());
        Ok(())
    }

    async fn look_at_waiting(&self, verifier: &Verifier<'_>, report: &mut AuditReport) -> Result<(), StoreError> {
        let mut after = i64::MIN;
        loop {
            let rows = self.0.store().audit_waiting(after, AT_ONCE).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.seq;
            for row in &rows {
                let entry = &row.entry;
                report.found(verifier.unchained(None, row.seq, &content(entry), &entry.mac, details(row)));
                report.waiting += 1;
                report.erased += u64::from(entry.details.is_none());
            }
        }
    }
}

fn details(row: &AuditRow) -> Option<(&str, &str)> {
    row.entry.details.as_ref().map(|(salt, text)| (salt.as_str(), text.as_str()))
}

fn linked(row: &AuditRow, place: i64) -> Linked<'_> {
    let link = row.link.as_deref().unwrap_or_default();
    Linked { seq: row.seq, place, link, content: content(&row.entry), mac: &row.entry.mac, details: details(row) }
}
