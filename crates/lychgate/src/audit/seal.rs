//! Chaining what was entered, and signing how far it goes.

use std::{io::Write as _, time::Duration};

use lychgate_signing::audit::{self, Checkpoint, Origin, Purpose};
use lychgate_store::{AuditCheckpoint, ErrorKind, StoreError};
use time::OffsetDateTime;

use super::{
    Audit,
    entry::{content, micros},
};
use crate::{
    clock::Moment,
    gate::{Inner, Lychgate},
};

/// Entries that are chained in one transaction.
const AT_ONCE: u32 = 200;

/// How often it is looked for entries that wait.
const EVERY: Duration = Duration::from_secs(5);

impl Audit<'_> {
    /// Gives everything that was entered its place in the chain and signs a checkpoint; says how many entries got one.
    /// A server does this every few seconds. On any number of processes each entry is chained once.
    ///
    /// # Errors
    ///
    /// If the database does not answer, or if the signed end of the chain is not what Lychgate wrote: nothing is put on
    /// top of that.
    pub async fn seal(&self) -> Result<u64, StoreError> {
        let (mut sealed, mut tries) = (0, 0);
        while tries < 5 {
            match self.seal_some().await {
                Ok(0) => break,
                Ok(some) => sealed += some,
                // Somebody else was faster.
                Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => tries += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(sealed)
    }

    async fn seal_some(&self) -> Result<u64, StoreError> {
        let (store, keeper) = (self.0.store(), self.keeper());
        let waiting = store.audit_waiting(0, AT_ONCE).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let end = store.audit_end().await?;
        if !self.is_genuine_end(end.as_ref()) {
            tracing::error!("the signed end of the audit log is not genuine; run `lychgate audit verify`");
            return Ok(0);
        }
        let start = Origin::default();
        let (mut place, mut link) = match &end {
            Some(end) => (end.place, end.link.clone()),
            None => (start.place(), start.link().to_owned()),
        };
        let mut links = Vec::with_capacity(waiting.len());
        for row in &waiting {
            place += 1;
            link = audit::link(&link, place, row.seq, &content(&row.entry), &row.entry.mac);
            links.push((row.seq, place, link.clone()));
        }
        let at = Moment::of(self.0.clock()).datetime();
        let signed = stored(keeper.signer.sign_checkpoint(Purpose::Reached, place, &link, micros(at)));
        let mut batch = store.batch();
        batch.move_audit_end(end.as_ref(), &signed);
        for (seq, place, link) in &links {
            batch.chain_audit(*seq, *place, link);
        }
        store.commit(batch).await?;
        self.publish(&signed).await;
        *keeper.seen.lock() = Some(signed);
        Ok(waiting.len() as u64)
    }

    /// Whether the chain ends where Lychgate signed that it does, and not before what this process has seen already.
    fn is_genuine_end(&self, end: Option<&AuditCheckpoint>) -> bool {
        let keeper = self.keeper();
        let seen = keeper.seen.lock().as_ref().map_or(0, |seen| seen.place);
        match end {
            None => seen == 0,
            Some(end) => end.place >= seen && keeper.signer.is_checkpoint(Purpose::Reached, &signed(end)),
        }
    }

    /// Writes a checkpoint to where the settings say, for whoever keeps it out of reach of this machine.
    async fn publish(&self, point: &AuditCheckpoint) {
        let text = signed(point).to_text();
        tracing::debug!(checkpoint = text, "the audit log was sealed");
        let Some(path) = self.keeper().checkpoint_file.clone() else { return };
        let written = tokio::task::spawn_blocking(move || {
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
            writeln!(file, "{text}").and_then(|()| file.sync_data())
        });
        if let Ok(Err(error)) = written.await {
            tracing::error!(%error, "audit_checkpoint_file: a checkpoint was not written");
        }
    }
}

impl Lychgate {
    /// Starts what seals the log; it ends with the gate.
    pub(crate) fn start_sealer(&self) {
        if self.audit().is_on() {
            tokio::spawn(work(std::sync::Arc::downgrade(&self.0)));
        }
    }
}

async fn work(gate: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(inner) = gate.upgrade() else { return };
        if let Err(error) = Lychgate(inner).audit().seal().await {
            tracing::warn!(%error, "the audit log was not sealed; it is tried again");
        }
    }
}

/// As the store keeps it.
pub(super) fn stored(point: Checkpoint) -> AuditCheckpoint {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(point.at) * 1000);
    AuditCheckpoint {
        place: point.place,
        link: point.link,
        at: at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        mac: point.mac,
    }
}

/// As it is signed.
pub(super) fn signed(point: &AuditCheckpoint) -> Checkpoint {
    Checkpoint { place: point.place, link: point.link.clone(), at: micros(point.at), mac: point.mac.clone() }
}
