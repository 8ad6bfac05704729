//! A certificate in files, read again when they change.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::RwLock;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::sync::watch;

use super::certificate::{self, CertificateProblem};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(30);

/// A certificate in files.
#[derive(Debug)]
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

/// By what a change of the files is noticed: when they were written, and their length.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Files {
    pub(super) fn open(certificate: PathBuf, key: PathBuf) -> Result<Arc<Self>, CertificateProblem> {
        let current = RwLock::new(Arc::new(certificate::load(&certificate, &key)?));
        Ok(Arc::new(Self { certificate, key, current }))
    }

    /// Reads the files again when they change, and when the process is told to (SIGHUP).
    pub(super) fn keep_current(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut told = Hangup::listen();
        tokio::spawn(async move {
            let mut seen = self.stamp();
            loop {
                let asked = tokio::select! {
                    () = told.heard() => true,
                    () = tokio::time::sleep(LOOK) => false,
                    _ = stop.wait_for(|stop| *stop) => return,
                };
                let stamp = self.stamp();
                if !asked && stamp == seen {
                    continue;
                }
                match certificate::load(&self.certificate, &self.key) {
                    Ok(loaded) => {
                        *self.current.write() = Arc::new(loaded);
                        seen = stamp;
                        tracing::info!(path = %self.certificate.display(), "the certificate was read again");
                    }
                    // One of the two may not be written yet: the old pair stays, and it is tried again.
                    Err(problem) => tracing::warn!(%problem, "the certificate stays as it was"),
                }
            }
        });
    }

    fn stamp(&self) -> Stamp {
        let of = |path: &Path| {
            let file = std::fs::metadata(path).ok()?;
            Some((file.modified().ok()?, file.len()))
        };
        [of(&self.certificate), of(&self.key)]
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read()))
    }
}

/// Hears SIGHUP, from when it is made.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Self { signal: signal(SignalKind::hangup()).ok() }
        }
        #[cfg(not(unix))]
        Self {}
    }

    async fn heard(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}
