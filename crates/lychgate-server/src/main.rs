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
mod metrics;
mod open;
mod output;
mod prompt;
mod secrets;
mod usage;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run(std::env::args_os().collect())
}
