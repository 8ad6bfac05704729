//! Runs the built program in a folder of its own, and speaks HTTP with it.

#![allow(dead_code, clippy::unwrap_used, unreachable_pub)]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

use serde_json::Value;

pub const PASSWORD: &str = "correct horse battery";

/// A working folder.
pub struct Place(tempfile::TempDir);

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Fails unless it succeeded with this on standard output.
    #[track_caller]
    pub fn succeeds(&self, out: &str) {
        assert_eq!((self.code, self.out.as_str()), (0, out), "{self:?}");
    }

    /// Fails unless it was a usage error with this text.
    #[track_caller]
    pub fn refuses(&self, command: &str, text: &str) {
        assert_eq!((self.code, self.out.as_str()), (2, ""), "{self:?}");
        assert!(self.err.starts_with(&format!("Usage: lychgate {command}")), "{self:?}");
        let rest = format!("Try 'lychgate {command} --help' for help.\n\nError: {text}\n");
        assert!(self.err.ends_with(&rest), "{self:?} does not end with {rest:?}");
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }
}

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    #[cfg(unix)]
    pub fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    #[cfg(unix)]
    pub fn set_mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Changes the database behind the program's back.
    pub fn sql(&self, sql: &str) {
        rusqlite::Connection::open(self.path("instance/lychgate.db")).unwrap().execute_batch(sql).unwrap();
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lychgate"));
        command.current_dir(self.0.path()).env_clear();
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, &[], "")
    }

    /// Runs a command that asks for a password.
    pub fn run_as(&self, password: &str, args: &[&str]) -> Said {
        self.run_with(args, &[("LYCHGATE_PASSWORD", password)], "")
    }

    /// Runs the program with variables and a standard input.
    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)], input: &str) -> Said {
        let mut command = self.command();
        command.args(args).envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that asks nothing has gone before it reads.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Creates a user with [`PASSWORD`].
    #[track_caller]
    pub fn user(&self, args: &[&str]) {
        let said = self.run_as(PASSWORD, &[&["users", "create"], args].concat());
        assert_eq!(said.code, 0, "{said:?}");
    }

    /// Starts the server on a free port.
    pub fn serve(&self, args: &[&str]) -> Server {
        let mut command = self.command();
        self.serve_with(&mut command, args)
    }

    /// Starts the server by a command of one's own.
    pub fn serve_with(&self, command: &mut Command, args: &[&str]) -> Server {
        command.current_dir(self.0.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(args);
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut server = Server { child, out, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let ready = server.line();
        let origin = ready.strip_prefix(concat!("Lychgate ", env!("CARGO_PKG_VERSION"), " is ready on "));
        let address = origin.and_then(|origin| origin.strip_prefix("https://").or(origin.strip_prefix("http://")));
        server.address = address.unwrap_or_else(|| panic!("{ready:?} {}", self.read("log"))).parse().unwrap();
        server
    }
}

/// A running server; killed when it is dropped.
pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    pub address: SocketAddr,
}

impl Server {
    /// The next line on standard output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The path of the set-up link that is printed next.
    #[track_caller]
    pub fn setup_path(&mut self) -> String {
        let line = self.line();
        let link = line.strip_prefix("Set up the first administrator: ").unwrap_or_else(|| panic!("{line:?}"));
        let (link, until) = link.split_once("  ").unwrap();
        assert!(until.starts_with("(works once, until ") && until.ends_with(" UTC)"), "{until}");
        link.strip_prefix(&format!("http://{}", self.address)).unwrap().to_owned()
    }

    pub fn client(&self) -> Client {
        Client { address: self.address, cookies: BTreeMap::new() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A connection on which nothing was said yet; reading from it fails after five minutes.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        stream
    }

    /// All that comes back until the server closes.
    #[track_caller]
    pub fn exchange(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect();
        // The server may have refused and gone before it has read all.
        let _ = stream.write_all(request.as_ref());
        rest(&mut stream)
    }

    /// Sends a signal and waits; gives what was still printed.
    #[cfg(unix)]
    pub fn stop(mut self, signal: &str) -> (ExitStatus, String) {
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A reply.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A client with a cookie jar.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    pub cookies: BTreeMap<String, String>,
}

impl Client {
    pub fn get(&mut self, path: &str, accept: &str) -> Reply {
        self.send(&format!("GET {path} HTTP/1.1\r\naccept: {accept}\r\n"), "")
    }

    pub fn post(&mut self, path: &str, body: &Value) -> Reply {
        let head = "accept: application/json\r\ncontent-type: application/json\r\n";
        self.send(&format!("POST {path} HTTP/1.1\r\n{head}"), &body.to_string())
    }

    /// Signs in over JSON, with the CSRF token that the form gives.
    pub fn sign_in(&mut self, email: &str) -> Reply {
        let token = self.get("/login", "application/json").json()["response"]["csrf_token"].clone();
        self.post("/login", &serde_json::json!({"email": email, "password": PASSWORD, "csrf_token": token}))
    }

    fn send(&mut self, head: &str, body: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = if cookies.is_empty() { String::new() } else { format!("cookie: {}\r\n", cookies.join("; ")) };
        let (address, length) = (self.address, body.len());
        write!(stream, "{head}host: {address}\r\n{cookie}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        for (_, value) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        Reply { status, headers, body: body.to_owned() }
    }
}

/// What comes until the other side closes. A reset is an end too: it closed with something of ours unread.
#[track_caller]
pub fn rest(stream: &mut impl std::io::Read) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => break,
            Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(&bytes)),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What lies in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
