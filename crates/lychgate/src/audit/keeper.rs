//! What a gate holds for its audit log.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use lychgate_signing::{KeyRing, audit::AuditSigner};
use lychgate_store::AuditCheckpoint;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::settings::Settings;

/// Entries a second that people who are not signed in can cause beside what they do to accounts.
const BUDGET: u64 = 50;

pub(crate) struct Keeper {
    pub(super) on: bool,
    pub(super) signer: AuditSigner,
    /// Who acts where there is no request.
    pub(super) program: String,
    pub(super) checkpoint_file: Option<PathBuf>,
    /// The end of the chain as this process saw it last.
    pub(super) seen: Mutex<Option<AuditCheckpoint>>,
    pending: Arc<Pending>,
    budget: Mutex<Budget>,
}

#[derive(Default)]
struct Pending {
    count: AtomicUsize,
    done: Notify,
}

/// Something on its way into the log.
pub(super) struct OnItsWay(Arc<Pending>);

impl Drop for OnItsWay {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.done.notify_waiters();
        }
    }
}

#[derive(Default)]
struct Budget {
    second: i64,
    spent: u64,
    left_out: u64,
}

impl Keeper {
    pub(crate) fn new(settings: &Settings, keys: &KeyRing, program: String) -> Self {
        Self {
            on: settings.flag("audit"),
            signer: AuditSigner::new(keys),
            program,
            checkpoint_file: settings.text_opt("audit_checkpoint_file").map(PathBuf::from),
            seen: Mutex::new(None),
            pending: Arc::default(),
            budget: Mutex::default(),
        }
    }

    pub(super) fn pending(&self) -> OnItsWay {
        self.pending.count.fetch_add(1, Ordering::AcqRel);
        OnItsWay(Arc::clone(&self.pending))
    }

    pub(super) async fn settled(&self) {
        loop {
            let mut done = std::pin::pin!(self.pending.done.notified());
            done.as_mut().enable();
            if self.pending.count.load(Ordering::Acquire) == 0 {
                return;
            }
            done.await;
        }
    }

    /// Whether a stranger may cause one more entry in this second, and how many were left out before it.
    pub(super) fn budget(&self, second: i64) -> Option<u64> {
        let mut budget = self.budget.lock();
        if budget.second != second {
            budget.second = second;
            budget.spent = 0;
        }
        if budget.spent >= BUDGET {
            budget.left_out += 1;
            return None;
        }
        budget.spent += 1;
        Some(std::mem::take(&mut budget.left_out))
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("on", &self.on).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn strangers_cannot_fill_the_log_and_the_log_says_so() {
        let secrets = "secret_key = \"a key of 32 bytes at the very least\"\n[security]\npassword_salt = \"a salt for this test\"";
        let settings = Settings::builder().toml("test", secrets);
        let keys = KeyRing::new("key").unwrap();
        let keeper = Keeper::new(&settings.build().unwrap(), &keys, "system".to_owned());
        let allowed = (0..BUDGET + 7).filter_map(|_| keeper.budget(1)).collect::<Vec<_>>();
        assert_eq!(allowed, vec![0; usize::try_from(BUDGET).unwrap()]);
        assert_eq!((keeper.budget(2), keeper.budget(2)), (Some(7), Some(0)));
        keeper.settled().await;
        let pending = keeper.pending();
        tokio::join!(keeper.settled(), async { drop(pending) });
    }
}
