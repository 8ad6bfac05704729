//! What a request costs: a checked session, a sign-in.

use std::{process::Command, time::Duration};

use benches::{client::PASSWORD, process::cpu_of};

use super::{Bench, Running, Served, email};
use crate::{Outcome, report::Report, seed::Cost};

/// Turns of each server.
const ROUNDS: usize = 5;
const TURN: Duration = Duration::from_millis(1500);
const CONNECTIONS: usize = 8;

pub(crate) fn check(bench: &Bench, report: &mut Report) -> Outcome {
    let all = bench.start_all(Cost::Least, |_| true)?;
    let sessions = |running: &Running| -> Outcome<Vec<Vec<u8>>> {
        let mut client = running.server.connect()?;
        (0..16).map(|user| running.session(&mut client, user)).collect()
    };
    for (running, served) in all.iter().zip(in_turns(&all, sessions)?) {
        report.add("session check, CPU µs", running.target.name(), served.cost());
        report.add("session checks a second", running.target.name(), served.rate());
    }
    Ok(())
}

pub(crate) fn login(bench: &Bench, report: &mut Report) -> Outcome {
    let all = bench.start_all(Cost::Least, |target| target.has_sign_in())?;
    let sign_ins =
        |running: &Running| Ok((0..super::USERS).map(|user| running.sign_in.request(&email(user))).collect());
    let hash = hash_cost(20_000)?;
    report.add("the hash alone, CPU µs", crate::targets::Target::Bare.name(), hash);
    for (running, served) in all.iter().zip(in_turns(&all, sign_ins)?) {
        report.add("sign-in besides its hash, CPU µs", running.target.name(), served.cost() - hash);
    }
    Ok(())
}

/// CPU microseconds of a password check by the bare hash.
fn hash_cost(count: u32) -> Outcome<f64> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name("hash"));
    command.arg(Cost::Least.hash()?).arg(PASSWORD).arg(count.to_string());
    Ok(cpu_of(&mut command)? * 1e6 / f64::from(count))
}

/// Gives every server its turn, again and again.
fn in_turns(all: &[Running], requests: impl Fn(&Running) -> Outcome<Vec<Vec<u8>>>) -> Outcome<Vec<Served>> {
    let requests = all.iter().map(requests).collect::<Outcome<Vec<_>>>()?;
    let mut served = vec![Served::default(); all.len()];
    for round in 0..=ROUNDS {
        for ((running, requests), served) in all.iter().zip(&requests).zip(&mut served) {
            let turn = running.drive(requests, CONNECTIONS, TURN)?;
            // The first round warms up.
            if round > 0 {
                served.add(turn);
            }
        }
    }
    Ok(served)
}

/// Whether somebody deactivated by another program is refused at the next request.
pub(crate) fn deactivated(bench: &Bench, report: &mut Report) -> Outcome {
    for running in bench.start_all(Cost::Least, |target| target.has_sign_in())? {
        let mut client = running.server.connect()?;
        let request = running.session(&mut client, 7)?;
        for _ in 0..10 {
            client.send(&request)?;
        }
        running.seed.deactivate(&email(7))?;
        let refused = client.send(&request)?.status != 200;
        let what = "deactivated user refused at the next request (1 yes)";
        report.add(what, running.target.name(), f64::from(u8::from(refused)));
    }
    Ok(())
}
