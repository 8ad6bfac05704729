//! Starts every server, measures them in turns and prints one table.
//!
//! `load [--json FILE] [--only PART,…]`; the parts are the names in [`PARTS`]. Servers come from the folder of this
//! program and, if they have been set up, from `benches/axum-login` (`BENCH_AXUM_LOGIN` names its program) and
//! `compat/.venv`. Nothing but this machine's loopback is used.
#![allow(clippy::print_stdout)] // the table

mod measure;
mod report;
mod seed;
mod targets;

use std::{error::Error, path::PathBuf};

use measure::Bench;
use report::Report;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;
type Part = fn(&Bench, &mut Report) -> Outcome;

/// What can be measured, in this order.
const PARTS: [(&str, Part); 8] = [
    ("start", measure::start::start),
    ("check", measure::check::check),
    ("off", measure::check::deactivated),
    ("login", measure::check::login),
    ("instructions", measure::instructions::instructions),
    ("memory", measure::crowd::memory),
    ("crowd", measure::crowd::crowd),
    ("growth", measure::growth::growth),
];

fn main() -> Outcome {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| given.iter().position(|word| word == name).and_then(|at| given.get(at + 1));
    let only: Option<Vec<&str>> = value("--only").map(|names| names.split(',').collect());
    let json: Option<PathBuf> = value("--json").map(PathBuf::from);

    let folder = tempfile::tempdir()?;
    let bench = Bench::new(folder.path())?;
    let mut report = Report::default();
    for (name, part) in PARTS {
        if only.as_ref().is_some_and(|only| !only.contains(&name)) {
            continue;
        }
        report.begin(name);
        if let Err(error) = part(&bench, &mut report) {
            report.problem(format!("{name}: {error}"));
        }
        if let Some(file) = &json {
            std::fs::write(file, serde_json::to_string_pretty(&report.to_json())?)?;
        }
    }
    println!("{}", report.table());
    Ok(())
}
