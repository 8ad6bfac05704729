//! What the load test and its servers share. Not for use elsewhere.
//!
//! `cargo run --release -p benches` starts Lychgate and the servers it is compared with, measures them in turns and
//! prints one table; `cargo bench -p benches` times the parts alone.

pub mod client;
pub mod plain;
pub mod process;
