//! The measurements.

pub(crate) mod check;
pub(crate) mod crowd;
pub(crate) mod growth;
pub(crate) mod instructions;
pub(crate) mod start;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use benches::{
    client::{Client, SignIn},
    process::Server,
};

use crate::{
    Outcome,
    seed::{Cost, Seed},
    targets::Target,
};

/// Users of the small databases.
pub(crate) const USERS: u32 = 1000;

/// Where the measurements work.
#[derive(Debug)]
pub(crate) struct Bench {
    folder: PathBuf,
    targets: Vec<Target>,
}

impl Bench {
    pub(crate) fn new(folder: &Path) -> Outcome<Self> {
        let targets: Vec<Target> = Target::ALL.into_iter().filter(|target| target.is_here()).collect();
        if !targets.contains(&Target::Lychgate) {
            return Err("build all of it first: cargo build --release -p benches".into());
        }
        Ok(Self { folder: folder.to_owned(), targets })
    }

    fn seed(&self, target: Target, cost: Cost, users: u32) -> Outcome<Seed> {
        Seed::make(&self.folder, target, cost, users)
    }

    /// Starts every server that `wanted` accepts, each on a database of its own.
    fn start_all(&self, cost: Cost, wanted: impl Fn(Target) -> bool) -> Outcome<Vec<Running>> {
        let wanted = self.targets.iter().copied().filter(|target| wanted(*target));
        wanted.map(|target| Running::start(target, self.seed(target, cost, USERS)?)).collect()
    }
}

/// A server under test.
#[derive(Debug)]
pub(crate) struct Running {
    target: Target,
    server: Server,
    seed: Seed,
    sign_in: SignIn,
}

impl Running {
    fn start(target: Target, seed: Seed) -> Outcome<Self> {
        let server = target.start(&seed, &[])?;
        let sign_in = if target.has_sign_in() { SignIn::prepare(&mut server.connect()?)? } else { SignIn::default() };
        Ok(Self { target, server, seed, sign_in })
    }

    /// The request for the guarded route of somebody signed in.
    fn session(&self, client: &mut Client, user: u32) -> Outcome<Vec<u8>> {
        if !self.target.has_sign_in() {
            return Ok(benches::client::get("/profile", ""));
        }
        Ok(self.sign_in.session(client, &email(user))?)
    }

    /// Sends requests over `connections` for a while; each connection begins with the request that `first` makes.
    fn drive(&self, requests: &[Vec<u8>], connections: usize, time: Duration) -> Outcome<Served> {
        let (count, next) = (AtomicU64::new(0), AtomicU64::new(0));
        let (cpu, begun) = (self.server.cpu(), Instant::now());
        thread::scope(|scope| {
            let drive = || -> Outcome {
                let mut client = self.server.connect()?;
                while begun.elapsed() < time {
                    let at = usize::try_from(next.fetch_add(1, Ordering::Relaxed))?;
                    let request = requests.get(at % requests.len()).ok_or("nothing to send")?;
                    let reply = client.send(request)?;
                    if reply.status != 200 {
                        return Err(format!("{}: {} {}", self.target.name(), reply.status, reply.body).into());
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            };
            let threads: Vec<_> = (0..connections).map(|_| scope.spawn(drive)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err("a client failed".into())))
        })?;
        let requests = u32::try_from(count.into_inner())?;
        Ok(Served { requests: requests.into(), seconds: begun.elapsed().as_secs_f64(), cpu: self.server.cpu() - cpu })
    }
}

/// What a server did in a while.
#[derive(Clone, Copy, Debug, Default)]
struct Served {
    requests: f64,
    seconds: f64,
    cpu: f64,
}

impl Served {
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.seconds += other.seconds;
        self.cpu += other.cpu;
    }

    /// Requests a second.
    fn rate(self) -> f64 {
        self.requests / self.seconds
    }

    /// CPU microseconds a request.
    fn cost(self) -> f64 {
        self.cpu * 1e6 / self.requests
    }
}

fn email(user: u32) -> String {
    format!("u{user}@lp.com")
}
