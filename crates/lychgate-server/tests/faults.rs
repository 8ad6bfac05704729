//! The server when the machine fails it, what it tells whoever watches, and changing keys.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[path = "faults/machine.rs"]
mod machine;
#[path = "faults/memory.rs"]
mod memory;
mod support;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
};

use serde_json::json;
use support::Place;

/// Hashing that costs little.
const CHEAP: &str = "[security]\npassword_hash_passlib_options = { argon2__memory_cost = 64, argon2__time_cost = 1, \
                     argon2__parallelism = 1 }\n[limits]\nenabled = false\nlockout = false\n";

/// What lies at an address, asked for with these headers: the status and the rest.
fn ask(address: SocketAddr, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text)
}

/// T150: no room for another byte: nobody gets in, the server lives and says when to come again; with room it goes on, and
/// what it had acknowledged is there.
#[test]
fn a_full_disk_loses_nothing() {
    let place = Place::new();
    place.write("lychgate.toml", CHEAP);
    place.user(&["--admin", "adm@lp.com"]);
    // A limit on the size of files stands for a full disk: both refuse to write. Its signal would end the process.
    place.write("limited", "#!/bin/sh\ntrap '' XFSZ\nulimit -S -f 1024\nexec \"$@\"\n");
    place.set_mode("limited", 0o755);
    let server = place.serve_with(Command::new(place.path("limited")).arg(env!("CARGO_BIN_EXE_lychgate")), &[]);
    let mut before = server.client();
    assert_eq!(before.sign_in("adm@lp.com").status, 200);
    let mut acknowledged = vec![before];
    let refused = (0..2000).find_map(|_| {
        let mut client = server.client();
        let reply = client.sign_in("adm@lp.com");
        if reply.status == 200 {
            acknowledged.push(client);
            return None;
        }
        Some(reply)
    });
    let refused = refused.expect("half a megabyte is full at some time");
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    assert_eq!(server.client().get("/healthz", "*/*").status, 200);
    let id = server.id().to_string();
    assert!(Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited:"]).status().unwrap().success());
    assert_eq!(server.client().sign_in("adm@lp.com").status, 200, "with room it goes on by itself");
    let last = acknowledged.len() - 1;
    for at in [0, last / 2, last] {
        let home = acknowledged[at].get("/", "text/html");
        assert!(home.body.contains("adm@lp.com"), "session {at} of {last} was acknowledged");
    }
    let (status, _) = server.stop("-TERM");
    assert_eq!(status.code(), Some(0));
}

/// Killed in the middle of sign-ins, again and again (T151): the sessions that were acknowledged are good after the next
/// start, with the cookies of before.
#[test]
fn killed_and_started_again_it_knows_its_sessions() {
    let place = Place::new();
    place.write("lychgate.toml", CHEAP);
    place.user(&["--admin", "adm@lp.com"]);
    let mut known = Vec::new();
    for _ in 0..3 {
        let server = place.serve(&[]);
        for cookies in &known {
            let mut client = server.client();
            client.cookies = Clone::clone(cookies);
            assert!(client.get("/", "text/html").body.contains("adm@lp.com"));
        }
        let mut client = server.client();
        assert_eq!(client.sign_in("adm@lp.com").status, 200);
        known.push(client.cookies);
        // Dropping a server kills it.
        drop(server);
    }
}

#[test]
fn figures_are_told_on_a_listener_of_their_own() {
    let place = Place::new();
    place.write(
        "lychgate.toml",
        &format!("metrics_listen = \"127.0.0.1:0\"\nmetrics_token = \"0123456789abcdef\"\n{CHEAP}"),
    );
    place.user(&["--admin", "adm@lp.com"]);
    let mut server = place.serve(&[]);
    let line = server.line();
    let address = line.strip_prefix("Metrics are on http://").and_then(|rest| rest.strip_suffix("/metrics"));
    let address: SocketAddr = address.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
    assert_eq!(server.client().sign_in("adm@lp.com").status, 200);
    assert_eq!(server.client().get("/metrics", "text/html").status, 404, "not where everybody comes");
    for wrong in ["", "authorization: Bearer 0123456789abcdee\r\n", "authorization: Basic 0123456789abcdef\r\n"] {
        assert_eq!(ask(address, "/metrics", wrong).0, 401, "{wrong}");
    }
    let (status, text) = ask(address, "/metrics", "authorization: Bearer 0123456789abcdef\r\n");
    assert_eq!(status, 200, "{text}");
    for line in [
        "lychgate_sign_ins_total{mechanism=\"password\"} 1",
        "lychgate_sessions_begun_total 1",
        "lychgate_database_up 1",
        "# TYPE lychgate_request_seconds histogram",
        "# HELP lychgate_sign_ins_total Sign-ins, by mechanism",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(!text.contains("adm@lp.com"), "{text}");
    place.write("lychgate.toml", "metrics_listen = \"0.0.0.0:0\"\n");
    let said = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("set metrics_token too"), "{said:?}");
}

/// The salt of passwords and the keys of codes are changed while people go on signing in; the command says what is left.
#[test]
fn keys_are_changed_and_old_ones_let_go() {
    let place = Place::new();
    let settings = |key: &str, salt: &str, totp: &str| {
        let text = format!(
            "{key}\n[security]\nactivity = true\ntwo_factor = true\ntotp_issuer = \"x\"\n{salt}\n{totp}\n{}",
            CHEAP.strip_prefix("[security]\n").unwrap()
        );
        place.write("lychgate.toml", &text);
    };
    let (old, new) = ("the first secret of this test, long", "the second secret of this test, long");
    settings(
        &format!("secret_key = \"{old}\""),
        &format!("password_salt = \"{old}\""),
        "totp_secrets = { 1 = \"the first of all keys\" }",
    );
    place.user(&["--active", "--admin", "adm@lp.com"]);
    place.user(&["--active", "joe@lp.com"]);
    let server = place.serve(&[]);
    let mut before = server.client();
    assert_eq!(before.sign_in("adm@lp.com").status, 200);
    drop(server);
    // A secret of an authenticator as it is stored without encryption.
    let stored = r#"{"key":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","type":"totp","v":1}"#;
    place.sql(&format!("UPDATE \"user\" SET tf_totp_secret = '{stored}' WHERE email = 'joe@lp.com'"));
    settings(
        &format!("secret_key = \"{new}\"\nsecret_key_fallbacks = [\"{old}\"]"),
        &format!("password_salt = \"{new}\"\npassword_salt_fallbacks = [\"{old}\"]"),
        "totp_secrets = { 1 = \"the first of all keys\", 2 = \"the second of all keys\" }",
    );
    // Moments are kept to the second.
    place.sql("UPDATE lychgate_sessions SET created_at = datetime(created_at, '-5 seconds')");
    place.sql("UPDATE lychgate_activity SET at = datetime(at, '-5 seconds')");
    let server = place.serve(&[]);
    let said = place.run(&["secrets", "status", "--json"]).json();
    assert_eq!(said["secret_key"]["older_sessions"], 1, "{said}");
    assert_eq!(
        (&said["password_salt"]["passwords"], &said["password_salt"]["older_passwords"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(said["totp_secrets"], json!({"current": 0, "older": 1, "lost": 0}));
    let mut again = server.client();
    again.cookies = before.cookies.clone();
    assert!(again.get("/", "text/html").body.contains("adm@lp.com"), "the session of the old key goes on");
    assert_eq!(server.client().sign_in("adm@lp.com").status, 200, "the password of the old salt is right");
    let done = place.run(&["secrets", "rewrap"]);
    done.succeeds("Encrypted anew: one-time codes of 1 users, recovery codes of 0 users.\n");
    place
        .run(&["secrets", "rewrap"])
        .succeeds("Encrypted anew: one-time codes of 0 users, recovery codes of 0 users.\n");
    let said = place.run(&["secrets", "status", "--json"]).json();
    assert_eq!(said["password_salt"]["older_passwords"], 1, "who signed in is hashed anew: {said}");
    assert_eq!(said["totp_secrets"], json!({"current": 1, "older": 0, "lost": 0}));
    let table = place.run(&["secrets", "status"]);
    assert!(table.out.contains("1 of 2 passwords may need them") && !table.out.contains("secret of this test"));
    drop(server);
    // Without the old ones: whoever signed in meanwhile gets in, the others do not, and old cookies are nobody's.
    settings(
        &format!("secret_key = \"{new}\""),
        &format!("password_salt = \"{new}\""),
        "totp_secrets = { 2 = \"the second of all keys\" }",
    );
    let server = place.serve(&[]);
    assert_eq!(server.client().sign_in("adm@lp.com").status, 200);
    assert_eq!(server.client().sign_in("joe@lp.com").status, 400);
    let mut late = server.client();
    late.cookies = before.cookies;
    assert!(!late.get("/", "text/html").body.contains("adm@lp.com"), "what the old key signed is nothing");
    assert_eq!(place.run(&["secrets", "status", "--json"]).json()["totp_secrets"]["lost"], 0);
}
