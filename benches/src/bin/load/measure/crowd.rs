//! Many people sign in at once, with hashes of full cost.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{Bench, Running, USERS, email};
use crate::{Outcome, report::Report, seed::Cost};

/// Sign-ins at once for memory.
const CROWD: u32 = 64;
/// Sign-ins at once that keep all cores busy.
const WAVE: u32 = 16;
const TURN: Duration = Duration::from_secs(4);

/// The most memory while 64 people sign in.
pub(crate) fn memory(bench: &Bench, report: &mut Report) -> Outcome {
    for &target in bench.targets.iter().filter(|target| target.has_sign_in()) {
        let running = Running::start(target, bench.seed(target, Cost::Full, USERS)?)?;
        let sign_in = |user: u32| -> Outcome<u16> {
            Ok(running.server.connect()?.send(&running.sign_in.request(&email(user)))?.status)
        };
        let statuses = thread::scope(|scope| {
            let threads: Vec<_> = (0..CROWD).map(|user| scope.spawn(move || sign_in(user))).collect();
            let joined =
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a client failed".into())));
            joined.collect::<Outcome<Vec<u16>>>()
        })?;
        let done = statuses.iter().filter(|status| **status == 200).count();
        report.add("memory at 64 sign-ins at once, MB", target.name(), running.server.peak());
        report.add("  of these signed in", target.name(), f64::from(u32::try_from(done)?));
    }
    Ok(())
}

/// The share of session checks that are still served while sign-ins keep all cores busy.
pub(crate) fn crowd(bench: &Bench, report: &mut Report) -> Outcome {
    for &target in bench.targets.iter().filter(|target| target.has_sign_in()) {
        let running = Running::start(target, bench.seed(target, Cost::Full, USERS)?)?;
        let request = running.session(&mut running.server.connect()?, 0)?;
        let requests = [request];
        running.drive(&requests, 8, TURN / 4)?;
        let alone = running.drive(&requests, 8, TURN)?;
        let over = AtomicBool::new(false);
        let wave = |user: u32| {
            let Ok(mut client) = running.server.connect() else { return };
            while !over.load(Ordering::Relaxed) {
                let _ = client.send(&running.sign_in.request(&email(user)));
            }
        };
        let busy = thread::scope(|scope| {
            for user in 1..=WAVE {
                let wave = &wave;
                scope.spawn(move || wave(user));
            }
            thread::sleep(Duration::from_secs(1));
            let busy = running.drive(&requests, 8, TURN);
            over.store(true, Ordering::Relaxed);
            busy
        })?;
        report.add("session checks a second during a wave of sign-ins", target.name(), busy.rate());
        report.add("  in % of those without", target.name(), 100.0 * busy.rate() / alone.rate());
    }
    Ok(())
}
