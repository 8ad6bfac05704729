//! What whoever watches over an application sees of it, and what they must not see.
#![allow(clippy::unwrap_used)]

#[path = "observability/canary.rs"]
mod canary;
#[path = "observability/faults.rs"]
mod faults;
#[path = "observability/figures.rs"]
mod figures;

use std::{
    io,
    sync::{LazyLock, Mutex},
};

use tracing::level_filters::LevelFilter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Everything is logged from the first call on, in all threads.
static LOGGING: LazyLock<()> = LazyLock::new(|| {
    let log = tracing_subscriber::fmt().json().with_max_level(LevelFilter::TRACE).with_writer(|| Kept);
    log.init();
});

struct Kept;

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn log() -> String {
    String::from_utf8(LOG.lock().unwrap().clone()).unwrap()
}
