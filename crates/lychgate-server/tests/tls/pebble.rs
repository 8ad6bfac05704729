//! Pebble, the authority of ACME that Let's Encrypt tries things out with, and what it needs: a name server that says that
//! every name is this machine, and a way to where the server listens.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use super::support::Place;

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running authority.
pub(crate) struct Pebble {
    /// Where its directory is.
    pub(crate) address: SocketAddr,
    /// Where it tells its root certificate.
    pub(crate) told: SocketAddr,
    log: String,
    _processes: [Running; 2],
}

impl Pebble {
    /// Starts it with `ca.pem` and `ca.key` of the place for its own TLS. It looks for the answer to a challenge at `port` of
    /// this machine, and issues for so many seconds.
    pub(crate) fn start(place: &Place, name: &str, port: u16, seconds: u32) -> Self {
        for _ in 0..5 {
            let [address, told, names, manage] = free_ports();
            let config = format!(
                "{{\"pebble\": {{\"listenAddress\": \"{address}\", \"managementListenAddress\": \"{told}\", \
                 \"certificate\": \"ca.pem\", \"privateKey\": \"ca.key\", \"httpPort\": {port}, \"tlsPort\": {port}, \
                 \"ocspResponderURL\": \"\", \"externalAccountBindingRequired\": false, \"certificateValidityPeriod\": {seconds}}}}}"
            );
            place.write(&format!("{name}.json"), &config);
            let run = |program: &str, args: &[&str], log: &str| {
                let log = std::fs::File::create(place.path(log)).unwrap();
                let mut command = Command::new(program);
                command.current_dir(place.path("")).args(args).stdin(Stdio::null());
                command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
                command.stdout(log.try_clone().unwrap()).stderr(log);
                let child = command.spawn();
                Running(child.unwrap_or_else(|error| panic!("{program}: {error} (Debian: apt-get install pebble)")))
            };
            let (names, manage) = (names.to_string(), manage.to_string());
            let off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", "", "-dns01", &names];
            let resolver = run("pebble-challtestsrv", &[&off[..], &["-management", &manage]].concat(), "names.log");
            let log = format!("{name}.log");
            let pebble = run("pebble", &["-config", &format!("{name}.json"), "-dnsserver", &names], &log);
            let mut processes = [resolver, pebble];
            let deadline = Instant::now() + Duration::from_secs(120);
            while Instant::now() < deadline && processes.iter_mut().all(|one| one.0.try_wait().unwrap().is_none()) {
                if TcpStream::connect(address).is_ok() && TcpStream::connect(told).is_ok() {
                    return Self { address, told, log, _processes: processes };
                }
                thread::sleep(Duration::from_millis(10));
            }
            // Somebody took one of the ports in the meantime, or the file is wrong.
            let said = place.read(&log) + &place.read("names.log");
            assert!(said.contains("address already in use"), "{said}");
        }
        panic!("no free ports");
    }

    /// How many certificates it has issued.
    pub(crate) fn issued(&self, place: &Place) -> usize {
        place.read(&self.log).matches("Issued certificate serial").count()
    }

    pub(crate) fn log(&self, place: &Place) -> String {
        place.read(&self.log)
    }
}

/// Addresses that are free, below the ports that the system gives out by itself.
fn free_ports() -> [SocketAddr; 4] {
    let mut random = std::fs::File::open("/dev/urandom").unwrap();
    [(); 4].map(|()| {
        loop {
            let mut bytes = [0; 2];
            random.read_exact(&mut bytes).unwrap();
            let address = SocketAddr::from(([127, 0, 0, 1], 10_000 + u16::from_le_bytes(bytes) % 20_000));
            if TcpListener::bind(address).is_ok() {
                return address;
            }
        }
    })
}

/// A port that leads to the server, which gets its own only when it starts.
pub(crate) struct Way {
    pub(crate) port: u16,
    to: Arc<(Mutex<Option<SocketAddr>>, Condvar)>,
}

impl Way {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let to = Arc::<(Mutex<Option<SocketAddr>>, Condvar)>::default();
        let known = Arc::clone(&to);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let known = Arc::clone(&known);
                thread::spawn(move || {
                    let (address, changed) = &*known;
                    let address = changed.wait_while(address.lock().unwrap(), |address| address.is_none()).unwrap();
                    let Ok(onward) = TcpStream::connect(address.unwrap()) else { return };
                    drop(address);
                    let (back, forth) = (stream.try_clone().unwrap(), onward.try_clone().unwrap());
                    thread::spawn(move || pass(stream, onward));
                    pass(forth, back);
                });
            }
        });
        Self { port, to }
    }

    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.to.0.lock().unwrap() = Some(server);
        self.to.1.notify_all();
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = (to.flush(), to.shutdown(Shutdown::Write));
}
