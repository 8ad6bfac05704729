//! What the listener bears: requests of two meanings, slow and greedy clients, floods of HTTP/2, waves of sign-ins.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::json;
use support::{PASSWORD, Place, Server, rest};

/// A server with these settings.
fn server(settings: &str) -> (Place, Server) {
    let place = Place::new();
    // Who may try how often is shown elsewhere.
    place.write("lychgate.toml", &format!("{settings}\n[limits]\nenabled = false\nlockout = false\n"));
    let server = place.serve(&[]);
    (place, server)
}

#[track_caller]
fn is_well(server: &Server) {
    assert_eq!(server.client().get("/healthz", "*/*").status, 200);
}

/// The status of the one reply in `text`; 0 if it was closed without one.
#[track_caller]
fn status(text: &str) -> u16 {
    let replies = text.matches("HTTP/1.1 ").count();
    assert!(replies <= 1, "more than one reply: {text:?}");
    text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).map_or(0, |code| code.parse().unwrap())
}

/// Fails unless a reply of the listener's own closes the connection and carries the security headers.
#[track_caller]
fn is_dressed(name: &str, reply: &str) {
    let head = reply.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
    for line in ["connection: close", "x-content-type-options: nosniff", "cache-control: private, no-store"] {
        assert!(head.contains(&format!("\r\n{line}")), "{name}: no {line}: {reply:?}");
    }
    assert!(head.contains("\r\ncontent-security-policy: default-src 'self'"), "{name}: {reply:?}");
}

#[test]
fn what_can_be_read_in_two_ways_is_refused_and_the_connection_closed() {
    let (_place, server) = server("");
    let hidden = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for (name, request) in [
        (
            "CL and TE",
            "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "TE and CL",
            "POST /login HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        ),
        (
            "two equal lengths",
            "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n",
        ),
        ("two lengths", "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\ncontent-length: 9\r\n\r\n"),
        ("a list of lengths", "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0, 0\r\n\r\n"),
        ("a signed length", "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: +0\r\n\r\n"),
        (
            "TE twice",
            "POST /login HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "TE of another kind",
            "POST /login HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        ),
        ("TE in HTTP/1.0", "POST /login HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("a space before the colon", "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length : 0\r\n\r\n"),
        ("a folded line", "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-a: b\r\n c\r\n\r\n"),
        ("a bare LF in the head", "GET /healthz HTTP/1.1\r\nhost: localhost\nx-a: b\r\n\r\n"),
        ("a bare LF at its end", "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\n"),
        ("a bare CR", "GET /healthz HTTP/1.1\r\nhost: localhost\rx-a: b\r\n\r\n"),
        ("no host", "GET /healthz HTTP/1.1\r\n\r\n"),
        ("two hosts", "GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: b\r\n\r\n"),
        ("a NUL", "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-a: b\0\r\n\r\n"),
        ("no HTTP", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n"),
        ("a version that is none", "GET /healthz HTTP/9.9\r\nhost: localhost\r\n\r\n"),
        ("a host for an address", "GET localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    ] {
        let reply = server.exchange(format!("{request}{hidden}"));
        assert_eq!(status(&reply), 400, "{name}: {reply:?}");
        is_dressed(name, &reply);
    }
    // In a body it is too late for a status of the parser's own: what counts is that nothing after it is served.
    for (name, body) in [
        ("a bare LF in a chunk's size", "1\nx\r\n0\r\n\r\n"),
        ("a bare LF in a chunk's extension", "1;a=b\nx\r\n0\r\n\r\n"),
        ("a chunk that is longer than it says", "1\r\nxyz\r\n0\r\n\r\n"),
        ("no size", "\r\n0\r\n\r\n"),
        ("a size of another kind", "0x1\r\nx\r\n0\r\n\r\n"),
    ] {
        let head = "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        let reply = server.exchange(format!("{head}{body}{hidden}"));
        assert!(matches!(status(&reply), 0 | 400), "{name}: {reply:?}");
    }
    // What can be read in one way is served: two requests at once, and a body in chunks.
    let chunked = "POST /login HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\ncontent-type: application/json\r\n\
                   transfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nx-t: y\r\n\r\n";
    let reply = server
        .exchange(format!("{hidden}{chunked}GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"));
    let statuses: Vec<&str> = reply.split("HTTP/1.1 ").skip(1).map(|reply| &reply[..3]).collect();
    assert_eq!(statuses, ["200", "400", "200"], "{reply}");
}

#[test]
fn heads_and_bodies_have_a_size() {
    let (_place, server) = server("max_content_length = 100000\n");
    let long = "a".repeat(40_000);
    for (name, expected, request) in [
        ("a long header", 431, format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-a: {long}\r\n\r\n")),
        (
            "a long head without an end",
            431,
            format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-a: {}", long.repeat(20)),
        ),
        ("a long address", 431, format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n")),
        ("many headers", 431, format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x-a: b\r\n".repeat(200))),
        (
            "a compressed body",
            415,
            "POST /login HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\ncontent-type: application/json\r\n\
             content-encoding: gzip\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
                .to_owned(),
        ),
        (
            "a body of 100 MB",
            413,
            format!(
                "POST /login HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\ncontent-type: application/json\r\n\
                 content-length: 100000000\r\nconnection: close\r\n\r\n{}",
                "[".repeat(200_000)
            ),
        ),
    ] {
        // Whoever still sends gets the reply all the same.
        for _ in 0..5 {
            let reply = server.exchange(&request);
            assert_eq!(status(&reply), expected, "{name}: {reply:?}");
            is_dressed(name, &reply);
        }
    }
    // The requests before it are answered, in their order.
    let hidden = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let reply = server.exchange(format!("{hidden}{hidden}GET / HTTP/1.1\r\nx-a: {long}{long}"));
    let statuses: Vec<&str> = reply.split("HTTP/1.1 ").skip(1).map(|reply| &reply[..3]).collect();
    assert_eq!(statuses, ["200", "200", "431"], "{reply}");
    // Those who look after the server are told with the same headers.
    for path in ["/healthz", "/readyz"] {
        let reply = server.client().get(path, "*/*");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}: {reply:?}");
        assert!(reply.header("content-security-policy").is_some(), "{path}: {reply:?}");
    }
    let body = |kind: &str, body: &str| {
        let length = body.len();
        let head = "POST /login HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\nconnection: close\r\n";
        status(&server.exchange(format!("{head}content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")))
    };
    assert_eq!(body("application/json", &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))), 400);
    let members: Vec<String> = (0..9_000).map(|at| format!("\"{at}\":0")).collect();
    assert_eq!(body("application/json", &format!("{{{}}}", members.join(","))), 413);
    assert_eq!(body("application/x-www-form-urlencoded", &"a&".repeat(40_000)), 413);
    // Whoever sends all of it before they read gets the reply too.
    for _ in 0..20 {
        assert_eq!(body("application/json", &"[".repeat(3_000_000)), 413);
    }
    is_well(&server);
}

#[test]
fn the_slow_are_let_go() {
    let (_place, server) = server(
        "[server]\nheader_timeout = 1\nkeep_alive = 1\nbody_grace = 1\nbody_rate = 1000000\nmax_connections = 700\n",
    );
    // Heads that never end: all of them are let go, and meanwhile others are served.
    let mut heads: Vec<TcpStream> = (0..300).map(|_| server.connect()).collect();
    for (at, head) in heads.iter_mut().enumerate() {
        let begun = ["", "G", "GET / HTTP/1.1\r\nhost: localhost\r\nx-a: "][at % 3];
        // The first ones may have had their second.
        let _ = head.write_all(begun.as_bytes());
    }
    is_well(&server);
    for head in &mut heads {
        assert_eq!(rest(head), "");
    }
    // A body that does not come.
    let head =
        "POST /login HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\ncontent-type: application/json\r\n";
    let reply = server.exchange(format!("{head}content-length: 1000\r\n\r\n{{\"email\""));
    assert_eq!(status(&reply), 408, "{reply:?}");
    // A connection on which nothing more is asked.
    let reply = server.exchange("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(status(&reply), 200, "{reply:?}");
    // The head of a second request that never ends.
    let reply = server.exchange("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /hea");
    assert_eq!(status(&reply), 200, "{reply:?}");
    is_well(&server);
}

/// What the process has taken of memory at most, in KiB.
#[cfg(target_os = "linux")]
fn most_memory(server: &Server) -> u64 {
    let memory = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let peak = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    peak.strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Hundredths of a second that the process has worked.
#[cfg(target_os = "linux")]
fn work(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap();
    // Behind the name, which may hold anything: the 14th and 15th of all (proc(5)).
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum()
}

/// Two thousand who send a byte now and then: everybody else is served all the while.
#[cfg(target_os = "linux")]
#[test]
fn a_crowd_of_slow_ones_keeps_nobody_out() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    const CROWD: usize = 2000;
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).unwrap();
    assert!(files.maximum.is_none_or(|most| most > 2500), "this test needs 2500 files (ulimit -Hn): {files:?}");
    let (place, server) = server("[server]\nmax_connections_per_address = 3000\n");
    place.user(&["--active", "joe@lp.com"]);
    let before = most_memory(&server);
    let mut crowd: Vec<TcpStream> = (0..CROWD).map(|_| server.connect()).collect();
    let parts = [
        "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 500\r\n",
        "x-a: ",
        "b",
        "c\r\n\r\n{",
        "\"",
    ];
    for part in parts {
        for slow in &mut crowd {
            slow.write_all(part.as_bytes()).unwrap();
        }
        is_well(&server);
        assert_eq!(server.client().get("/login", "text/html").status, 200);
    }
    assert_eq!(server.client().sign_in("joe@lp.com").status, 200);
    let grown = most_memory(&server) - before;
    // A hash takes 64 MiB; the crowd gets as many KiB each at most, with their half of a request.
    assert!(grown < 64 * 1024 + 2000 * 64, "{grown} KiB for {CROWD}");
}

#[test]
fn an_address_has_so_many_connections() {
    let (_place, server) = server("[proxy]\ntrusted = [\"10.0.0.0/8\"]\n[server]\nmax_connections_per_address = 3\n");
    let asked = |stream: &mut TcpStream| {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut begun = [0; 12];
        stream.read_exact(&mut begun).is_ok_and(|()| begun.starts_with(b"HTTP/1.1 200"))
    };
    let mut held: Vec<TcpStream> = (0..3).map(|_| server.connect()).collect();
    for stream in &mut held {
        assert!(asked(stream));
    }
    let refused = rest(&mut server.connect());
    assert!(matches!(status(&refused), 0 | 503), "{refused:?}");
    if status(&refused) == 503 {
        is_dressed("no place", &refused);
    }
    drop(held.pop());
    // When the place is free again is the server's affair; that it becomes free is ours.
    let free = || {
        std::iter::repeat_with(|| server.connect()).take(100_000).any(|mut stream| {
            let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
            rest(&mut stream).starts_with("HTTP/1.1 200")
        })
    };
    assert!(free());
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `GET /healthz` in the indexed form of RFC 7541.
const HEALTH: &[u8] = b"\x82\x86\x04\x08/healthz\x01\x01a";

#[test]
fn floods_of_http2_end_their_connection() {
    let (_place, server) = server("");
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, b"")].concat();
    // What is asked in good order is served: the reply's head is a frame of type 1 on stream 1.
    let mut stream = server.connect();
    stream.write_all(&[preface.clone(), frame(1, 5, 1, HEALTH)].concat()).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).unwrap();
        if head[3] == 1 {
            assert_eq!((head[8], payload[0]), (1, 0x88), "status 200");
            break;
        }
    }
    drop(stream);
    let reset = |at: u32| [frame(1, 5, at * 2 + 1, HEALTH), frame(3, 0, at * 2 + 1, &[0, 0, 0, 8])].concat();
    let resets: Vec<u8> = (0..2_000).flat_map(reset).collect();
    let begun = frame(1, 1, 1, HEALTH);
    let more = frame(9, 0, 1, &[b"\x00\x01x\x7f\x80\x7f".as_slice(), &[b'a'; 16_000]].concat());
    let continued = [begun.clone(), more.repeat(100)].concat();
    let large = frame(1, 5, 1, &[0; 60_000]);
    let post = frame(1, 4, 1, b"\x83\x86\x04\x06/login\x01\x01a");
    let (window, most) = (1_u32.to_be_bytes(), 0x7fff_ffff_u32.to_be_bytes());
    let flood = |frame: Vec<u8>| frame.repeat(20_000);
    // A name of 3000 bytes is put into the table once, and then stands in each request a hundred times.
    let stored = [HEALTH, b"\x40\x01x\x7f\xb9\x16", &[b'a'; 3000]].concat();
    let bomb = |at: u32| frame(1, 5, at * 2 + 1, &[HEALTH, &[0xbe; 16_000]].concat());
    let bombs = [frame(1, 5, 1, &stored), (1..400).flat_map(bomb).collect()].concat();
    for (name, flood) in [
        ("resets", resets),
        ("continuations", continued),
        ("empty continuations", [frame(1, 1, 1, HEALTH), flood(frame(9, 0, 1, b""))].concat()),
        ("a large frame", large),
        ("settings", flood(frame(4, 0, 0, b"\0\x04\0\0\xff\xff"))),
        ("empty settings", flood(frame(4, 0, 0, b""))),
        ("answers to settings that were not sent", flood(frame(4, 1, 0, b""))),
        ("pings", flood(frame(6, 0, 0, b"12345678"))),
        ("answers to pings that were not sent", flood(frame(6, 1, 0, b"12345678"))),
        ("priorities", flood(frame(2, 0, 3, b"\0\0\0\0\x10"))),
        ("a kind that nobody knows", flood(frame(0xbe, 0, 0, b"x"))),
        ("windows", flood(frame(8, 0, 0, &window))),
        ("a window that is too wide", frame(8, 0, 0, &most).repeat(2)),
        ("a window of nothing", frame(8, 0, 0, &[0; 4])),
        ("empty data", [post.clone(), flood(frame(0, 0, 1, b""))].concat()),
        ("data that is padding", [post.clone(), flood(frame(0, 8, 1, b"\x03\0\0\0"))].concat()),
        ("headers from a table", [bombs, flood(frame(6, 0, 0, b"12345678"))].concat()),
    ] {
        // That it ends at all is the answer: a connection in good order would be kept for more than a minute.
        let end = server.exchange([preface.clone(), flood].concat());
        assert!(end.len() < 1_000_000, "{name}: {} bytes", end.len());
        is_well(&server);
    }
    #[cfg(target_os = "linux")]
    assert!(most_memory(&server) < 150 * 1024, "{} KiB", most_memory(&server));
    #[cfg(target_os = "linux")]
    assert!(work(&server) < 1000, "{} hundredths of a second", work(&server));
}

/// Whoever asks for pages and opens no window for them holds them no longer than they may take.
#[test]
fn replies_that_nobody_takes_are_let_go() {
    let (_place, server) = server("[server]\nsend_timeout = 1\nbody_rate = 1000000\n");
    let nothing = frame(4, 0, 0, b"\0\x04\0\0\0\0");
    let ask = |at: u32| frame(1, 5, at * 2 + 1, b"\x82\x86\x04\x06/login\x01\x01a");
    let asked: Vec<u8> = (0..90).flat_map(ask).collect();
    let mut stream = server.connect();
    stream.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), nothing, asked].concat()).unwrap();
    // It answers pings in good order, so by that it would be kept for ever.
    let said = rest(&mut stream).to_ascii_lowercase();
    assert!(!said.contains("<!doctype html"), "no page was taken");
    is_well(&server);
}

/// The system asks whether a client is there that went without a word.
#[cfg(target_os = "linux")]
#[test]
fn half_open_connections_are_found_out() {
    let (_place, server) = server("");
    let stream = server.connect();
    is_well(&server);
    let ours = |address: std::net::SocketAddr| format!("0100007F:{:04X}", address.port());
    let (here, there) = (ours(server.address), ours(stream.local_addr().unwrap()));
    // Columns of proc(5): number, local and remote address, state, queues, kind of the timer that runs.
    let timer = || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let line = lines.find(|line| line.get(1) == Some(&here.as_str()) && line.get(2) == Some(&there.as_str()));
        line.unwrap_or_else(|| panic!("{here} {there}\n{table}"))[5].to_owned()
    };
    assert!(std::iter::repeat_with(timer).take(100_000).any(|timer| timer.starts_with("02:")), "{}", timer());
}

#[cfg(target_os = "linux")]
#[test]
fn a_wave_of_sign_ins_is_queued_or_refused() {
    // As many threads as `hashing_memory` bears on a machine of any number of cores.
    let settings = "[server]\nhashing_threads = 2\nhashing_queue = 64\n";
    let (place, server) = server(settings);
    let mut client = server.client();
    let token = client.get("/login", "application/json").json()["response"]["csrf_token"].clone();
    let cookies: Vec<String> = client.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    // Nobody has this address: the same work is done, 64 MiB for each.
    let body = json!({"email": "nobody@lp.com", "password": PASSWORD, "csrf_token": token}).to_string();
    let request = format!(
        "POST /login HTTP/1.1\r\nhost: {}\r\naccept: application/json\r\ncontent-type: application/json\r\ncookie: {}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        server.address,
        cookies.join("; "),
        body.len()
    );
    let ask = |_| {
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let mut wave: Vec<TcpStream> = (0..500).map(ask).collect();
    is_well(&server);
    let replies: Vec<String> = wave.iter_mut().map(|stream| rest(stream)).collect();
    let with = |code: u16| replies.iter().filter(|reply| status(reply) == code).count();
    assert_eq!(
        with(400) + with(503),
        replies.len(),
        "{:?}",
        replies.iter().find(|reply| !matches!(status(reply), 400 | 503))
    );
    assert!(with(400) >= 64, "as many as the queue holds are answered: {}", with(400));
    let told = |reply: &&String| status(reply) == 503 && reply.to_ascii_lowercase().contains("\r\nretry-after: ");
    assert_eq!(replies.iter().filter(told).count(), with(503));
    let kib = most_memory(&server);
    assert!(kib < 300 * 1024, "{kib} KiB at most at a time");
    is_well(&server);
    drop(place);
}
