//! Whether a sign-in costs more the more users there are.

use std::time::Duration;

use super::{Bench, Running, email};
use crate::{Outcome, report::Report, seed::Cost, targets::Target};

const SIZES: [u32; 3] = [1_000, 100_000, 1_000_000];
const TURN: Duration = Duration::from_secs(3);

pub(crate) fn growth(bench: &Bench, report: &mut Report) -> Outcome {
    for &target in bench.targets.iter().filter(|target| matches!(target, Target::Lychgate | Target::FlaskSecurity)) {
        for users in SIZES {
            let running = Running::start(target, bench.seed(target, Cost::Least, users)?)?;
            // A stride that has no factor in common with the number of users.
            let spread = |at: u32| email(u32::try_from(u64::from(at) * 7_919 % u64::from(users)).unwrap_or(0));
            let requests: Vec<Vec<u8>> = (0..500).map(|at| running.sign_in.request(&spread(at))).collect();
            running.drive(&requests, 1, TURN / 3)?;
            let served = running.drive(&requests, 1, TURN)?;
            report.add(&format!("sign-in among {users} users, CPU µs"), target.name(), served.cost());
        }
    }
    Ok(())
}
