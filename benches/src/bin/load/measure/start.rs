//! From the start to the first answer, and memory at rest.

use super::{Bench, USERS};
use crate::{Outcome, report::Report, seed::Cost};

/// Starts of each server; the median counts.
const STARTS: usize = 7;

pub(crate) fn start(bench: &Bench, report: &mut Report) -> Outcome {
    for &target in &bench.targets {
        let seed = bench.seed(target, Cost::Full, USERS)?;
        let mut times = Vec::new();
        let mut resident = 0.0;
        for _ in 0..STARTS {
            let mut server = target.start(&seed, &[])?;
            times.push(server.first_answer.as_secs_f64() * 1e3);
            resident = server.resident();
            server.stop();
        }
        times.sort_by(f64::total_cmp);
        let median = times.get(STARTS / 2).copied().ok_or("no start")?;
        report.add("first answer, ms after the start", target.name(), median);
        report.add("memory at rest, MB", target.name(), resident);
    }
    Ok(())
}
