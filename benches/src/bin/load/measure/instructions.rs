//! Instructions a request in user space, counted by callgrind: the same however busy the machine is.
//!
//! Two runs of different length; their difference leaves out start and stop.

use std::{fs, path::Path, process::Command};

use benches::client::{PASSWORD, SignIn};

use super::{Bench, USERS, email};
use crate::{Outcome, report::Report, seed::Cost, targets::Target};

const SHORT: u32 = 100;
const LONG: u32 = 600;

pub(crate) fn instructions(bench: &Bench, report: &mut Report) -> Outcome {
    let hash = hash_instructions(bench)?;
    report.add("the hash alone, instructions", Target::Bare.name(), hash);
    // Under valgrind an interpreter takes minutes to start.
    for &target in bench.targets.iter().filter(|&&target| target != Target::FlaskSecurity) {
        let check = difference(|count| run(bench, target, count, 0))?;
        report.add("session check, instructions", target.name(), check);
        if target.has_sign_in() {
            let login = difference(|count| run(bench, target, 0, count))?;
            report.add("sign-in besides its hash, instructions", target.name(), login - hash);
        }
    }
    Ok(())
}

fn difference(mut count: impl FnMut(u32) -> Outcome<f64>) -> Outcome<f64> {
    let (short, long) = (count(SHORT)?, count(LONG)?);
    Ok((long - short) / f64::from(LONG - SHORT))
}

/// Instructions of a server's life with so many session checks and sign-ins.
fn run(bench: &Bench, target: Target, checks: u32, sign_ins: u32) -> Outcome<f64> {
    let seed = bench.seed(target, Cost::Least, USERS)?;
    let out = bench.folder.join("callgrind.out");
    let file = format!("--callgrind-out-file={}", out.display());
    let mut server = target.start(&seed, &["valgrind", "--quiet", "--tool=callgrind", &file])?;
    let mut client = server.connect()?;
    if target.has_sign_in() {
        let sign_in = SignIn::prepare(&mut client)?;
        let request = sign_in.session(&mut client, &email(0))?;
        repeat(checks, || Ok(client.send(&request)?.status))?;
        let mut user = 0;
        repeat(sign_ins, || {
            user += 1;
            Ok(client.send(&sign_in.request(&email(user)))?.status)
        })?;
    } else {
        let request = benches::client::get("/profile", "");
        repeat(checks, || Ok(client.send(&request)?.status))?;
    }
    drop(client);
    server.stop();
    total(&out)
}

fn repeat(count: u32, mut send: impl FnMut() -> Outcome<u16>) -> Outcome {
    for _ in 0..count {
        let status = send()?;
        if status != 200 {
            return Err(format!("status {status}").into());
        }
    }
    Ok(())
}

fn hash_instructions(bench: &Bench) -> Outcome<f64> {
    let program = std::env::current_exe()?.with_file_name("hash");
    let hash = Cost::Least.hash()?;
    difference(|count| {
        let out = bench.folder.join("callgrind.hash");
        let file = format!("--callgrind-out-file={}", out.display());
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--tool=callgrind", &file]).arg(&program);
        command.arg(&hash).arg(PASSWORD).arg(count.to_string());
        if !command.status()?.success() {
            return Err("valgrind fails".into());
        }
        total(&out)
    })
}

/// The sum at the end of callgrind's file.
fn total(file: &Path) -> Outcome<f64> {
    let text = fs::read_to_string(file)?;
    let sum = text.lines().rev().find_map(|line| {
        line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:"))?.split_whitespace().next()
    });
    Ok(sum.ok_or("callgrind counted nothing")?.parse()?)
}
