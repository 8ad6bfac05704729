//! The program `lychgate`: the server and its command line.
//!
//! `lychgate serve` runs the server; `users` and `roles` change accounts; `init`, `doctor`, `routes` and `openapi` help
//! whoever runs it. Everything goes through the public interface of the toolkit.

mod app;
mod cli;
mod commands;
mod config;
mod exit;
mod files;
mod log;
mod memory;
mod metrics;
mod open;
mod output;
mod prompt;
mod secrets;
mod usage;

use mimalloc::MiMalloc;
use zeroizing_alloc::ZeroAlloc;

/// Whatever is freed is wiped: passwords and tokens pass through buffers of many libraries, which wipe none of them.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

fn main() -> std::process::ExitCode {
    memory::keep_to_itself();
    cli::run(std::env::args_os().collect())
}
