//! A private PostgreSQL server for tests.
//!
//! The server is made with `initdb` in a folder of its own, listens on a free port of the loopback address, and ends
//! with the test process, however that ends. As PostgreSQL refuses to run as root, it runs as `postgres` or `nobody`
//! then.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where Debian puts the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The password of the only account, `postgres`.
const PASSWORD: &str = "only-for-tests";

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A running server.
pub struct PgServer {
    bin: PathBuf,
    port: u16,
    supervisor: Child,
    /// When this pipe closes, the supervisor stops the server and removes its folder.
    lifeline: Option<ChildStdin>,
}

impl fmt::Debug for PgServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgServer").field("port", &self.port).finish_non_exhaustive()
    }
}

impl PgServer {
    /// Makes and starts a server; takes a second or two.
    ///
    /// # Errors
    ///
    /// One line: that PostgreSQL's programs are missing, or what they complained of.
    pub fn start() -> Result<Self, String> {
        Self::start_with(&[], &[])
    }

    /// As [`start`](Self::start), with settings of the server's (`name = value`) and files (name and content) that lie
    /// beside its data; a setting may name one as `../name`.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with(settings: &[&str], files: &[(&str, &[u8])]) -> Result<Self, String> {
        let bin = programs()?;
        let account = account()?;
        let folder = folder(account)?;
        for (name, content) in files.iter().chain(&[("password", PASSWORD.as_bytes())]) {
            private_file(&folder.join(name), content, account)?;
        }
        let mut last = String::new();
        // Another process may take the free port before the server does.
        for _ in 0..3 {
            let port = free_port()?;
            match launch(&bin, &folder, account, port, settings) {
                Ok((supervisor, lifeline)) => {
                    return Ok(Self { bin, port, supervisor, lifeline: Some(lifeline) });
                }
                Err(error) => last = error,
            }
        }
        let _ = std::fs::remove_dir_all(&folder);
        Err(last)
    }

    /// The URL of a database on this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres:{PASSWORD}@127.0.0.1:{}/{database}?sslmode=prefer", self.port)
    }

    /// Creates an empty database and gives its URL.
    ///
    /// # Errors
    ///
    /// What `createdb` complained of.
    pub fn fresh_database(&self) -> Result<String, String> {
        let name = format!("fresh_{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        self.run("createdb", &[&name])?;
        Ok(self.url(&name))
    }

    /// Runs SQL in the database of this URL, which has to be one of this server's.
    ///
    /// # Errors
    ///
    /// What `psql` complained of.
    pub fn execute(&self, url: &str, sql: &str) -> Result<(), String> {
        let location = url.split('?').next().unwrap_or_default();
        let name = location.rsplit('/').next().unwrap_or_default();
        self.run("psql", &["-q", "-v", "ON_ERROR_STOP=1", "-d", name, "-c", sql])
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let output = Command::new(self.bin.join(program))
            .args(["-h", "127.0.0.1", "-U", "postgres", "-p"])
            .arg(self.port.to_string())
            .args(arguments)
            .env("PGPASSWORD", PASSWORD)
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .output()
            .map_err(|error| format!("{program}: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}

impl Drop for PgServer {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.supervisor.wait();
    }
}

/// The folder of the newest version's programs.
fn programs() -> Result<PathBuf, String> {
    let version = |folder: &PathBuf| -> u32 {
        let version = folder.parent().and_then(Path::file_name);
        let version = version.and_then(|name| name.to_str());
        version.and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    let complete = |folder: &PathBuf| {
        ["initdb", "pg_ctl", "createdb", "psql"].iter().all(|program| folder.join(program).is_file())
    };
    folders.into_iter().find(complete).ok_or_else(|| {
        format!(
            "PostgreSQL is not installed: no initdb and pg_ctl under {DEBIAN} or in PATH (Debian: apt-get install postgresql)"
        )
    })
}

/// The user and group that the server runs as; `None` if we are not root and may run it ourselves.
fn account() -> Result<Option<(u32, u32)>, String> {
    let me = std::fs::metadata("/proc/self").map_err(|error| format!("/proc/self: {error}"))?;
    if me.uid() != 0 {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    for wanted in ["postgres", "nobody"] {
        for line in accounts.lines() {
            let mut fields = line.split(':');
            if fields.next() != Some(wanted) {
                continue;
            }
            let mut number = || fields.next().and_then(|text| text.parse().ok());
            let _password: Option<u32> = number();
            if let (Some(user), Some(group)) = (number(), number()) {
                return Ok(Some((user, group)));
            }
        }
    }
    Err("there is neither an account postgres nor nobody for the server to run as".to_owned())
}

/// A new folder that the server's account owns.
fn folder(account: Option<(u32, u32)>) -> Result<PathBuf, String> {
    let name = format!("lychgate-pg-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
    if let Some((user, group)) = account {
        chown(&folder, Some(user), Some(group)).map_err(failed)?;
    }
    Ok(folder)
}

/// A file that only the server's account can read.
fn private_file(path: &Path, content: &[u8], account: Option<(u32, u32)>) -> Result<(), String> {
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(content)?;
        match account {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    };
    write().map_err(|error| format!("{}: {error}", path.display()))
}

fn free_port() -> Result<u16, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

/// What the supervising shell does: make, take settings up to a line with a dot, start, say so, wait for the pipe to
/// close, stop, remove.
const SUPERVISE: &str = r#"
[ -f data/PG_VERSION ] || "$BIN/initdb" -D data -U postgres -A scram-sha-256 --pwfile=password -E UTF8 --locale=C --no-sync </dev/null >log 2>&1 || { tail -n 3 log | tr '\n' ' '; exit 1; }
while read -r line && [ "$line" != . ]; do echo "$line"; done >>data/postgresql.conf
"$BIN/pg_ctl" -D data -w -t 60 -l server.log start </dev/null >log 2>&1 || { tail -n 3 server.log log 2>&1 | tr '\n' ' '; exit 1; }
echo ready
read -r end
"$BIN/pg_ctl" -D data -m immediate stop >/dev/null 2>&1
cd / && rm -rf "$FOLDER"
"#;

fn launch(
    bin: &Path,
    folder: &Path,
    account: Option<(u32, u32)>,
    port: u16,
    settings: &[&str],
) -> Result<(Child, ChildStdin), String> {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", SUPERVISE])
        .env("BIN", bin)
        .env("FOLDER", folder)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // An interrupt at the terminal must not reach the shell before it has tidied up.
        .process_group(0);
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    let failed = |error: std::io::Error| format!("/bin/sh: {error}");
    let mut child = command.spawn().map_err(failed)?;
    let (Some(mut lifeline), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("/bin/sh: no pipes".to_owned());
    };
    let mut lines = format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nfsync = off\nmax_connections = 200\n"
    );
    for setting in settings {
        lines.push_str(setting);
        lines.push('\n');
    }
    lines.push_str(".\n");
    // A shell that has given up already says why on its output.
    let _ = lifeline.write_all(lines.as_bytes());
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).map_err(failed)?;
    if line.trim() == "ready" {
        return Ok((child, lifeline));
    }
    drop(lifeline);
    let _ = child.wait();
    Err(format!("PostgreSQL did not start: {}", line.trim()))
}
