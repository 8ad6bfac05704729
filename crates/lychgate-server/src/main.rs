//! The `lychgate` server.
fn main() {}
