//! Files that cannot be written or read, a log without room, and an end in the middle of work.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{FileExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
    thread,
};

use serde_json::json;

use super::{
    CHEAP, ask,
    support::{PASSWORD, Place},
};

/// Somebody without rights, and the group of the same number.
const NOBODY: u32 = 65534;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The log has no room: what is logged is lost, and nothing else.
#[test]
fn a_full_log_stops_nobody() {
    let place = Place::new();
    place.write("lychgate.toml", CHEAP);
    place.user(&["--admin", "adm@lp.com"]);
    place.write("logging", "#!/bin/sh\nLYCHGATE_LOG=debug exec \"$@\" 2>/dev/full\n");
    place.set_mode("logging", 0o755);
    let server = place.serve_with(Command::new(place.path("logging")).arg(env!("CARGO_BIN_EXE_lychgate")), &[]);
    let mut client = server.client();
    assert_eq!(client.sign_in("adm@lp.com").status, 200);
    assert_eq!(server.client().sign_in("nobody@lp.com").status, 400);
    assert!(client.get("/", "text/html").body.contains("adm@lp.com"));
    let (status, _) = server.stop("-TERM");
    assert_eq!(status.code(), Some(0));
}

/// The database may only be read: the server says so and does not begin, rather than let people in whose sessions it cannot
/// end. Once it may be written, it begins.
#[test]
fn a_database_that_may_only_be_read_is_no_place_to_begin() {
    let place = Place::new();
    place.write("lychgate.toml", CHEAP);
    place.user(&["--admin", "adm@lp.com"]);
    // Root may write everything, so the program runs as somebody else.
    let (folder, database) = (place.path("instance"), place.path("instance/lychgate.db"));
    let is_root = chown(place.path(""), Some(NOBODY), Some(NOBODY)).is_ok();
    if is_root {
        for entry in fs::read_dir(&folder).unwrap() {
            chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let program = place.path("program");
    fs::hard_link(env!("CARGO_BIN_EXE_lychgate"), &program)
        .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_lychgate"), &program).map(drop))
        .unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.current_dir(place.path("")).env_clear().args(args);
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    for (file_mode, folder_mode) in [(0o400, 0o500), (0o400, 0o700), (0o600, 0o500)] {
        mode(&database, file_mode);
        mode(&folder, folder_mode);
        let said = run(&["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
        let err = String::from_utf8_lossy(&said.stderr);
        assert_eq!((said.status.code(), said.stdout.len()), (Some(1), 0), "{file_mode:o} {folder_mode:o}: {said:?}");
        assert!(err.contains("lychgate.db") && err.contains("writ"), "{file_mode:o} {folder_mode:o}: {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
    mode(&folder, 0o700);
    mode(&database, 0o600);
    let server = place.serve_with(&mut run(&[]), &[]);
    assert_eq!(server.client().sign_in("adm@lp.com").status, 200);
}

/// The file of the database is damaged: what cannot be read is nobody's, the server lives, and a copy put in its place
/// works.
#[test]
fn a_damaged_database_lets_nobody_in() {
    let place = Place::new();
    place.write("lychgate.toml", CHEAP);
    place.user(&["--admin", "adm@lp.com"]);
    let database = place.path("instance/lychgate.db");
    let whole = fs::read(&database).unwrap();
    let number = |sql: &str| -> u64 {
        let open = rusqlite::Connection::open(&database).unwrap();
        u64::try_from(open.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap()
    };
    let size = number("PRAGMA page_size");
    // The first page of a table, in the middle of the file.
    let damage = |table: &str| {
        let page = number(&format!("SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = '{table}'"));
        let file = fs::OpenOptions::new().write(true).open(&database).unwrap();
        file.write_all_at(&vec![0xa5; usize::try_from(size).unwrap()], (page - 1) * size).unwrap();
    };
    damage("lychgate_sessions");
    let server = place.serve(&[]);
    let reply = server.client().sign_in("adm@lp.com");
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(!reply.body.contains("malformed") && !reply.body.contains("adm@lp.com"), "{reply:?}");
    assert_eq!(server.client().get("/healthz", "*/*").status, 200);
    assert_eq!(server.stop("-TERM").0.code(), Some(0));
    let copy = || {
        for name in ["-wal", "-shm"] {
            let _ = fs::remove_file(place.path(&format!("instance/lychgate.db{name}")));
        }
        fs::write(&database, &whole).unwrap();
    };
    copy();
    damage("user");
    let said = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert!(said.err.contains("database disk image is malformed"), "{said:?}");
    copy();
    assert_eq!(place.serve(&[]).client().sign_in("adm@lp.com").status, 200);
    copy();
    // Not even the beginning of one.
    fs::write(&database, [0xa5; 8192]).unwrap();
    let said = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert!(said.err.contains("lychgate.db\" is not an SQLite database"), "{said:?}");
    assert_eq!(fs::read(&database).unwrap(), [0xa5; 8192], "nothing is written into what is no database");
}

/// Told to stop while passwords are hashed: whoever waits for one is answered, and then the server is gone.
#[test]
fn a_stop_waits_for_passwords_that_are_hashed() {
    const CLIENTS: u64 = 8;
    let place = Place::new();
    // Hashing that takes a while, one after the other, and on a busy machine less than a stop waits.
    let settings = "metrics_listen = \"127.0.0.1:0\"\n[server]\nhashing_threads = 1\n[security]\npassword_hash_passlib_options = \
                    { argon2__memory_cost = 4096, argon2__time_cost = 1, argon2__parallelism = 1 }\n\
                    [limits]\nenabled = false\n[csrf]\nenabled = false\n";
    place.write("lychgate.toml", settings);
    place.user(&["--admin", "adm@lp.com"]);
    let mut server = place.serve(&[]);
    let line = server.line();
    let metrics = line.strip_prefix("Metrics are on http://").and_then(|rest| rest.strip_suffix("/metrics"));
    let metrics = metrics.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
    let waiting: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = server.client();
            thread::spawn(move || {
                let reply = client.post("/login", &json!({"email": "adm@lp.com", "password": PASSWORD}));
                (reply.status, client.cookies)
            })
        })
        .collect();
    // All have arrived: they are hashed, wait for it, or are done.
    let number = |figures: &str, name: &str| {
        let line = figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |number| number.parse::<f64>().unwrap() as u64)
    };
    loop {
        let figures = ask(metrics, "/metrics", "").1;
        if number(&figures, "lychgate_hashing_queue") + number(&figures, "lychgate_hashing_seconds_count") >= CLIENTS {
            break;
        }
    }
    let (status, _) = server.stop("-TERM");
    assert_eq!(status.code(), Some(0));
    let answered: Vec<_> = waiting.into_iter().map(|client| client.join().unwrap()).collect();
    assert!(answered.iter().all(|(status, _)| *status == 200), "{answered:?}");
    let server = place.serve(&[]);
    for (_, cookies) in answered {
        let mut client = server.client();
        client.cookies = cookies;
        assert!(client.get("/", "text/html").body.contains("adm@lp.com"), "who was told that they are in is in");
    }
}
