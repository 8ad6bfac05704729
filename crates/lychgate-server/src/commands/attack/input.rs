//! Values that nobody meant to send.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    check::{Check, Needs, Result},
    target::{Ask, Target, shortened},
};

/// The longest a refusal may take.
const AT_ONCE: Duration = Duration::from_secs(5);
/// Where values are sent: pages that take a secret or a name.
const PAGES: &[&str] =
    &["/login", "/register", "/reset", "/confirm", "/verify", "/change", "/us-signin", "/tf-validate"];

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "types",
        threats: &["T39"],
        asvs: &["V15.3.5", "V2.2.1"],
        holds: "A value of another type is an error of its field",
        needs: Needs::Nothing,
        run: |target, _| {
            let values = [json!(1), json!(1e300), Value::Null, json!(true), json!([]), json!({}), nested(10)];
            let mut found = Vec::new();
            for page in PAGES {
                for value in &values {
                    let body =
                        json!({"email": value, "identity": value, "password": value, "code": value, "next": value});
                    let reply = target.ask(Ask::post(target.path(page)).json(&body))?;
                    if reply.is_success() {
                        found.push(format!("POST {page} takes {}", shortened(&value.to_string())));
                    }
                }
            }
            Ok(found)
        },
    },
    Check {
        id: "json",
        threats: &["T39", "T141"],
        asvs: &["V1.5.2"],
        holds: "Text that is no proper JSON is refused, and quickly",
        needs: Needs::Nothing,
        run: |target, _| {
            let many: String = (0..20_000).map(|n| format!("\"f{n}\":1,")).collect();
            let bodies = [
                "1".to_owned(),
                "\"text\"".to_owned(),
                "[]".to_owned(),
                "{".to_owned(),
                "{\"email\": \"a@b.example\"".to_owned(),
                "{\"email\": \"\\ud800\"}".to_owned(),
                "{\"email\": \"\u{0}\"}".to_owned(),
                format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)),
                format!("{{\"a\":{}1{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000)),
                format!("{{{many}\"z\":1}}"),
                String::new(),
            ];
            let mut found = Vec::new();
            for body in &bodies {
                let ask = Ask::post(target.path("/login")).for_json().body("application/json", body.as_str());
                found.extend(refused_at_once(target, ask, &format!("JSON {:?}", shortened(body)))?);
            }
            let ask = Ask::post(target.path("/login")).for_json();
            let broken = ask.body("application/json", b"{\"email\": \"\xff\xfe\"}".to_vec());
            found.extend(refused_at_once(target, broken, "JSON that is not UTF-8")?);
            Ok(found)
        },
    },
    Check {
        id: "forms",
        threats: &["T141"],
        asvs: &["V2.2.1", "V15.3.7"],
        holds: "Forms that no browser sends are refused, and quickly",
        needs: Needs::Nothing,
        run: |target, _| {
            let many: String = (0..100_000).map(|n| format!("f{n}=1&")).collect();
            let kind = "application/x-www-form-urlencoded";
            let part = "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n";
            let mut found = Vec::new();
            for (kind, body) in [
                (kind, many.as_str()),
                (kind, "email=%ff%fe&password=%00"),
                (kind, "email=a&email=b&password=c&password=d"),
                ("multipart/form-data", "--x--"),
                ("multipart/form-data; boundary=x", part),
                ("multipart/form-data; boundary=", "--\r\n"),
                ("application/json-attack", "{}"),
                ("text/plain; x=application/json", "{}"),
            ] {
                let ask = Ask::post(target.path("/login")).for_json().body(kind, body);
                found.extend(refused_at_once(target, ask, &format!("{kind} {:?}", shortened(body)))?);
            }
            Ok(found)
        },
    },
    Check {
        id: "large",
        threats: &["T20", "T141"],
        asvs: &["V15.2.2"],
        holds: "What is too large is refused before any work is done",
        needs: Needs::Nothing,
        run: |target, _| {
            let password = "a".repeat(1_000_000);
            let ask = Ask::post(target.path("/login"));
            let ask = ask.json(&json!({"email": "nobody@attack.invalid", "password": password}));
            let mut found = refused_at_once(target, ask, "a password of a megabyte")?;
            // Announced, and never sent.
            let head = format!(
                "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 10000000000\r\n\r\n{{",
                target.path("/login"),
                target.host()
            );
            let reply = super::reply::Reply::read(&target.raw(head.as_bytes())?);
            if !reply.is_some_and(|reply| reply.is_refusal()) {
                found.push("ten gigabytes that are announced are waited for".to_owned());
            }
            Ok(found)
        },
    },
    Check {
        id: "compressed",
        threats: &["T141"],
        asvs: &["V15.2.2"],
        holds: "Compressed bodies are refused, so that none unpacks into something huge",
        needs: Needs::Nothing,
        run: |target, _| {
            let ask = Ask::post(target.path("/login")).for_json().header("content-encoding", "gzip");
            refused_at_once(target, ask.body("application/json", gzip()), "a body of gzip")
        },
    },
    Check {
        id: "credentials",
        threats: &["T18", "T25"],
        asvs: &["V6.3.4"],
        holds: "Empty and broken credentials open nothing",
        needs: Needs::Nothing,
        run: |target, _| {
            let long = format!("Basic {}", "A".repeat(60_000));
            let mut found = Vec::new();
            for (name, value) in [
                ("authorization", ""),
                ("authorization", "Basic"),
                ("authorization", "Basic "),
                ("authorization", "Basic Og=="),
                ("authorization", "Basic !!!"),
                ("authorization", "Basic YWRtaW4="),
                ("authorization", "Basic YWRtaW46"),
                ("authorization", "BasicYWRtaW46"),
                ("authorization", long.as_str()),
                ("authorization", "Bearer"),
                ("authorization", "Bearer "),
                ("authorization", "Bearer null"),
                ("authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."),
                ("authentication-token", ""),
                ("authentication-token", "null"),
                ("x-api-key", ""),
                ("x-api-key", "undefined"),
                ("cookie", "session="),
                ("cookie", "session=e30.AAAAAA."),
                ("cookie", "remember_token=1|"),
            ] {
                let reply = target.ask(Ask::get(target.path("/account")).for_json().header(name, value))?;
                if reply.is_success() {
                    found.push(format!("{name}: {} opens /account", shortened(value)));
                }
            }
            for password in [json!(""), Value::Null] {
                let reply =
                    target.ask(Ask::post(target.path("/login")).json(&json!({"email": "", "password": password})))?;
                if reply.is_success() {
                    found.push("empty fields sign in".to_owned());
                }
            }
            Ok(found)
        },
    },
];

/// Anything but a refusal that comes at once.
fn refused_at_once(target: &Target, ask: Ask, what: &str) -> Result {
    let began = Instant::now();
    let reply = target.ask(ask)?;
    let mut found = Vec::new();
    if reply.status < 400 {
        found.push(format!("{what} is answered with {}", reply.status));
    }
    if began.elapsed() > AT_ONCE {
        found.push(format!("{what} takes {} seconds", began.elapsed().as_secs()));
    }
    Ok(found)
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |value, _| json!([value]))
}

/// A gzip file (RFC 1952) with one stored block (RFC 1951, 3.2.4). Nothing has to unpack it to say that it does not.
fn gzip() -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend([1, 1, 0, 0xfe, 0xff, b'0', 0x21, 0xdf, 0xdb, 0xf4, 1, 0, 0, 0]);
    file
}
