//! What stays of passwords and tokens in the memory of a server that has done with them.

use std::{fs::File, io::Write as _, os::unix::fs::FileExt as _};

use serde_json::json;

use super::{
    CHEAP,
    support::{PASSWORD, Place, Server},
};

/// How often a text lies in the memory that a process may write; nothing if whoever runs the tests may not look (only root
/// may, of a process that keeps its memory to itself).
fn occurrences(process: u32, text: &str) -> Option<usize> {
    let memory = File::open(format!("/proc/{process}/mem")).ok()?;
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let needle = text.as_bytes();
    let (mut found, mut block) = (0, vec![0; 1 << 20]);
    let nothing = vec![0; block.len()];
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (mut at, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        while at < to {
            let wanted = block.len().min(usize::try_from(to - at).unwrap());
            // A part may be given back meanwhile; what is left of the block is looked at all the same.
            let Ok(count @ 1..) = memory.read_at(&mut block[..wanted], at) else { break };
            if block[..count] != nothing[..count] {
                found += count_in(&block[..count], needle);
            }
            // What lies across the border of two blocks is found in the second.
            let step = if count == wanted && at + count as u64 != to { count - needle.len() + 1 } else { count };
            at += step as u64;
        }
    }
    Some(found)
}

fn count_in(mut bytes: &[u8], needle: &[u8]) -> usize {
    let mut found = 0;
    while let Some(at) = bytes.iter().position(|byte| *byte == needle[0]) {
        found += usize::from(bytes[at..].starts_with(needle));
        bytes = &bytes[at + 1..];
    }
    found
}

/// Fails unless a text is gone from memory as soon as the last connection that brought it has been put away.
#[track_caller]
fn is_gone(server: &Server, what: &str, text: &str) {
    let mut last = 0;
    for _ in 0..50 {
        let Some(found) = occurrences(server.id(), text) else { return };
        if found == 0 {
            return;
        }
        last = found;
        // The server closes in its own time; asking lets it go on.
        assert_eq!(server.client().get("/healthz", "*/*").status, 200);
    }
    panic!("{what} is in memory {last} times");
}

#[test]
fn passwords_do_not_stay_in_memory() {
    let place = Place::new();
    let settings = format!("{CHEAP}[csrf]\nenabled = false\n").replacen(
        "[security]\n",
        "[security]\nchangeable = true\nregisterable = true\nconfirmable = false\npassword_check_breached = false\n",
        1,
    );
    place.write("lychgate.toml", &settings);
    place.user(&["--active", "adm@lp.com"]);
    let server = place.serve(&[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.id()));
    if let Ok(limits) = limits {
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert!(core.split_whitespace().nth(4) == Some("0"), "{core}");
    }
    // The search finds what is there: a password in a request that is not whole yet.
    let mut waiting = server.connect();
    let half = "a phrase that only the half request has";
    write!(
        waiting,
        "POST /login HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{half}",
        server.address
    )
    .unwrap();
    let mut seen = Some(0);
    for _ in 0..50 {
        assert_eq!(server.client().get("/healthz", "*/*").status, 200);
        seen = occurrences(server.id(), half);
        if seen != Some(0) {
            break;
        }
    }
    assert_ne!(seen, Some(0), "the search finds nothing");
    drop(waiting);
    is_gone(&server, "a password of a request that was broken off", half);

    assert_eq!(server.client().sign_in("adm@lp.com").status, 200);
    is_gone(&server, "a password in JSON", PASSWORD);

    // Plus signs stand for blanks, so both readings are looked for.
    let form = |path: &str, cookies: &str, body: &str| {
        let head = format!("POST {path} HTTP/1.1\r\nhost: {}\r\n{cookies}connection: close\r\n", server.address);
        let kind = "content-type: application/x-www-form-urlencoded\r\n";
        server.exchange(format!("{head}{kind}content-length: {}\r\n\r\n{body}", body.len()))
    };
    let said = form("/login", "", &format!("email=adm%40lp.com&password={}", PASSWORD.replace(' ', "+")));
    assert!(said.starts_with("HTTP/1.1 302"), "{said}");
    is_gone(&server, "a password in a form", PASSWORD);
    is_gone(&server, "a form", &PASSWORD.replace(' ', "+"));

    let wrong = "a phrase that is the wrong password";
    assert_eq!(server.client().post("/login", &json!({"email": "adm@lp.com", "password": wrong})).status, 400);
    assert_eq!(server.client().post("/login", &json!({"email": "nobody@lp.com", "password": wrong})).status, 400);
    is_gone(&server, "a wrong password", wrong);

    let mut client = server.client();
    assert_eq!(client.sign_in("adm@lp.com").status, 200);
    let new = "a phrase that nobody had before";
    let change = json!({"password": PASSWORD, "new_password": new, "new_password_confirm": new});
    let reply = client.post("/change", &change);
    assert_eq!(reply.status, 200, "{reply:?}");
    is_gone(&server, "a former password", PASSWORD);
    is_gone(&server, "a new password", new);

    let mut token = server.client();
    let reply = token.post("/login?include_auth_token", &json!({"email": "adm@lp.com", "password": new}));
    let token = reply.json()["response"]["user"]["authentication_token"].as_str().unwrap().to_owned();
    let said = server.exchange(format!(
        "GET /change HTTP/1.1\r\nhost: {}\r\naccept: application/json\r\nauthentication-token: {token}\r\nconnection: close\r\n\r\n",
        server.address
    ));
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    is_gone(&server, "a token", &token);
}
