//! A server as a process: started, watched through `/proc`, stopped.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::{Client, get};

/// Clock ticks of `/proc/*/stat` a second, the same on every Linux.
const TICKS: f64 = 100.0;

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start to its first answer.
    pub first_answer: Duration,
}

impl Server {
    /// Starts `command` with `--listen` or whatever `listen` adds for a free port, and waits for the first answer.
    ///
    /// # Errors
    ///
    /// If it cannot be started or does not answer within two minutes.
    pub fn start(mut command: Command, listen: impl FnOnce(&mut Command, SocketAddr)) -> io::Result<Self> {
        let address = free_address()?;
        listen(&mut command, address);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let begun = Instant::now();
        let child = command.spawn()?;
        let mut server = Self { child, address, first_answer: Duration::ZERO };
        while begun.elapsed() < Duration::from_secs(120) {
            let answer = Client::connect(address).and_then(|mut client| client.send(&get("/profile", "")));
            if answer.is_ok() {
                server.first_answer = begun.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(io::Error::other(format!("{command:?} ended: {status}")));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err(io::Error::other(format!("{command:?} does not answer")))
    }

    /// A new connection.
    ///
    /// # Errors
    ///
    /// If the server is gone.
    pub fn connect(&self) -> io::Result<Client> {
        Client::connect(self.address)
    }

    /// CPU time of user and system so far, seconds, with its child processes.
    #[must_use]
    pub fn cpu(&self) -> f64 {
        self.sum(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
            let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
            Some((ticks(11)? + ticks(12)?) / TICKS)
        })
    }

    /// Resident memory now, megabytes.
    #[must_use]
    pub fn resident(&self) -> f64 {
        self.sum(|pid| status(pid, "VmRSS:"))
    }

    /// The most resident memory so far, megabytes.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.sum(|pid| status(pid, "VmHWM:"))
    }

    fn sum(&self, of: impl Fn(u32) -> Option<f64>) -> f64 {
        let mut waiting = vec![self.child.id()];
        let mut total = 0.0;
        while let Some(pid) = waiting.pop() {
            total += of(pid).unwrap_or(0.0);
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            waiting.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        total
    }

    /// Asks it to stop and waits.
    pub fn stop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| matches!(self.child.try_wait(), Ok(None))) {
            let _ = kill_process(pid, Signal::TERM);
        }
        for _ in 0..2000 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn status(pid: u32, name: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// How busy the machine is: runnable processes in the last minute.
#[must_use]
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

/// CPU time of a command that runs to its end, seconds.
///
/// # Errors
///
/// If it cannot be started or fails.
pub fn cpu_of(command: &mut Command) -> io::Result<f64> {
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let pid = child.id();
    let mut last = 0.0;
    loop {
        // A process that ended keeps its times until it is waited for.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        last = (ticks(11) + ticks(12)).max(last);
        if fields.first() == Some(&"Z") {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    let status = child.wait()?;
    if status.success() { Ok(last / TICKS) } else { Err(io::Error::other(format!("{command:?}: {status}"))) }
}
