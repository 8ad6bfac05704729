//! HTTP itself: where a message ends, how large it is, how long it takes.

use super::{
    check::{Check, Needs, Result, Stop},
    reply::Reply,
    target::Target,
};

/// The request that hides behind another one.
const HIDDEN: &str = "/lychgate-attack-hidden";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "smuggling",
        threats: &["T138"],
        asvs: &["V4.2.1"],
        holds: "A message whose end is not clear is refused, and nothing behind it is read",
        needs: Needs::Nothing,
        run: |target, _| {
            let mut found = Vec::new();
            for (what, message) in unclear(target) {
                let answer = target.raw(&message)?;
                let replies = String::from_utf8_lossy(&answer).matches("HTTP/1.1 ").count();
                match Reply::read(&answer) {
                    _ if replies > 1 => found.push(format!("{what}: the request behind it is answered")),
                    Some(reply) if reply.status < 400 => found.push(format!("{what}: answered with {}", reply.status)),
                    // Closing without a word is a refusal as well.
                    _ => {}
                }
            }
            Ok(found)
        },
    },
    Check {
        id: "hosts",
        threats: &["T9"],
        asvs: &["V4.2.1"],
        holds: "A request names one host",
        needs: Needs::Nothing,
        run: |target, _| {
            let (page, host) = (target.path("/login"), target.host());
            let mut found = Vec::new();
            for (what, hosts) in [
                ("no host", String::new()),
                ("two hosts", format!("host: {host}\r\nhost: attack.invalid\r\n")),
                ("a host that is none", "host: a b/<c>\r\n".to_owned()),
            ] {
                let text = format!("GET {page} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
                let reply = Reply::read(&target.raw(text.as_bytes())?);
                found.extend(reply.filter(|reply| reply.status < 400).map(|reply| format!("{what}: {}", reply.status)));
            }
            Ok(found)
        },
    },
    Check {
        id: "long-headers",
        threats: &["T141"],
        asvs: &["V15.2.2"],
        holds: "Headers are bounded in length and number",
        needs: Needs::Nothing,
        run: |target, _| {
            let (page, host) = (target.path("/login"), target.host());
            let mut found = Vec::new();
            for (what, headers) in [
                ("a header of a megabyte", format!("x: {}\r\n", "a".repeat(1 << 20))),
                ("ten thousand headers", "x: a\r\n".repeat(10_000)),
            ] {
                let text = format!("GET {page} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\n\r\n");
                let reply = Reply::read(&target.raw(text.as_bytes())?);
                found.extend(reply.filter(|reply| reply.status < 400).map(|reply| format!("{what}: {}", reply.status)));
            }
            // It is still there.
            target.sign_in_page()?;
            Ok(found)
        },
    },
    Check {
        id: "slow-senders",
        threats: &["T140"],
        asvs: &["V15.2.2"],
        holds: "Who does not go on is cut off",
        needs: Needs::Nothing,
        run: slow,
    },
];

/// Messages whose end can be read in two ways, with a request behind one of them.
fn unclear(target: &Target) -> Vec<(&'static str, Vec<u8>)> {
    let (page, host) = (target.path("/login"), target.host());
    let hidden = format!("GET {HIDDEN} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let head = format!("POST {page} HTTP/1.1\r\nhost: {host}\r\ncontent-type: text/plain\r\n");
    let both = hidden.len() + 5;
    let length = hidden.len();
    [
        (
            "length and chunks",
            format!("{head}content-length: {both}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "chunks and length",
            format!("{head}transfer-encoding: chunked\r\ncontent-length: {both}\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        ("two lengths", format!("{head}content-length: 0\r\ncontent-length: {length}\r\n\r\n{hidden}")),
        ("lengths in a list", format!("{head}content-length: 0, {length}\r\n\r\n{hidden}")),
        ("an encoding that is none", format!("{head}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("a space before the colon", format!("{head}transfer-encoding : chunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("a folded header", format!("{head}x: a\r\n b\r\ncontent-length: 0\r\n\r\n")),
        ("a length below zero", format!("{head}content-length: -1\r\n\r\n{hidden}")),
        ("a length with a sign", format!("{head}content-length: +0\r\n\r\n{hidden}")),
        ("a chunk without bounds", format!("{head}transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n{hidden}")),
        ("a null in a header", format!("{head}x: a\0b\r\ncontent-length: 0\r\n\r\n")),
    ]
    .into_iter()
    .map(|(what, text)| (what, text.into_bytes()))
    .collect()
}

fn slow(target: &Target, _: Option<&super::Account>) -> Result {
    let patience = target.limits.slow.ok_or_else(|| Stop::skipped("it needs --slow"))?;
    let (page, host) = (target.path("/login"), target.host());
    let mut found = Vec::new();
    for (what, text) in [
        ("half a head", format!("GET {page} HTTP/1.1\r\nhost: {host}\r\n")),
        ("half a body", format!("POST {page} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 100\r\n\r\nabc")),
    ] {
        if target.closes_within(text.as_bytes(), patience)?.is_none() {
            found.push(format!("{what}: still waiting after {} seconds", patience.as_secs()));
        }
    }
    Ok(found)
}
