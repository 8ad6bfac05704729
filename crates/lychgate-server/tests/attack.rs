//! `lychgate attack`: it finds what is wrong, and nothing where all is well.
#![allow(clippy::unwrap_used)]

#[path = "attack/weak.rs"]
mod weak;

mod support;

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;
use support::{PASSWORD, Place, Said};

/// Makes a token file and says what it has to be shown as.
fn prepared(place: &Place) -> String {
    let said = place.run(&["attack", "--prepare", "attack.token"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(place.mode("attack.token"), 0o600);
    let digest = said.out.lines().find(|line| line.len() == 64).unwrap();
    assert!(!said.out.contains(place.read("attack.token").trim()), "the token is not shown");
    digest.to_owned()
}

fn attack(place: &Place, url: &str, more: &[&str]) -> Said {
    let all: Vec<&str> = ["attack", url, "--token-file", "attack.token"].iter().chain(more).copied().collect();
    place.run_with(&all, &[("LYCHGATE_PASSWORD", PASSWORD)], "")
}

/// The ids of the checks with this result.
fn with_result<'a>(report: &'a Value, result: &str) -> BTreeSet<&'a str> {
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["result"] == result);
    checks.map(|check| check["id"].as_str().unwrap()).collect()
}

#[test]
fn our_own_server_holds() {
    let place = Place::new();
    prepared(&place);
    // Limits have tests of their own; here every question is to be answered.
    place.write("lychgate.toml", "attack_token_file = \"attack.token\"\n[limits]\nenabled = false\nlockout = false\n");
    place.user(&["-a", "joe@example.com"]);
    let server = place.serve(&[]);
    let said =
        attack(&place, &format!("http://{}", server.address), &["--account", "joe@example.com", "--format", "json"]);
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let skipped = BTreeSet::from(["https", "strict-transport", "cookie-names", "old-tls", "slow-senders"]);
    assert_eq!((with_result(&report, "found"), with_result(&report, "silent")), Default::default(), "{report:#}");
    assert_eq!(with_result(&report, "skipped"), skipped, "{report:#}");
    assert_eq!(said.code, 0, "{said:?}");
    // It changed nothing: the one user is there, signed in nowhere.
    assert!(place.run(&["users", "list"]).out.contains("joe@example.com"));
}

#[test]
fn a_weak_server_is_found_out() {
    let place = Place::new();
    let url = weak::serve(&prepared(&place));
    let more = ["--account", "joe@example.com", "--patience", "2", "--slow", "1"];
    let said = attack(&place, &url, &[&more[..], &["--format", "json"]].concat());
    assert_eq!(said.code, 1, "{said:?}");
    let report: Value = serde_json::from_str(&said.out).unwrap();
    // What is about TLS has no place here.
    let skipped = BTreeSet::from(["https", "strict-transport", "cookie-names", "old-tls"]);
    assert_eq!(with_result(&report, "skipped"), skipped, "{report:#}");
    assert_eq!((with_result(&report, "holds"), with_result(&report, "silent")), Default::default(), "{report:#}");
    assert!(with_result(&report, "found").len() > 25, "{report:#}");
}

/// Writes `tls.pem` and `tls.key`: a certificate of this machine that signs itself.
fn certificate(place: &Place) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "tls.key", "-out", "tls.pem"])
        .current_dir(place.path(""))
        .output()
        .expect("the program openssl is not installed (Debian: apt-get install openssl)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn over_tls_our_own_server_holds() {
    let place = Place::new();
    prepared(&place);
    certificate(&place);
    place.write(
        "lychgate.toml",
        "attack_token_file = \"attack.token\"\n[limits]\nenabled = false\nlockout = false\n[server]\ntls_certificate = \"tls.pem\"\n\
         tls_key = \"tls.key\"\n[session]\ncookie_name = \"__Host-session\"\ncookie_secure = true\n",
    );
    place.user(&["-a", "joe@example.com"]);
    let server = place.serve(&[]);
    let more = ["--account", "joe@example.com", "--format", "json", "--ca", "tls.pem"];
    let said = attack(&place, &format!("https://{}", server.address), &more);
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!((with_result(&report, "found"), with_result(&report, "silent")), Default::default(), "{report:#}");
    assert_eq!(with_result(&report, "skipped"), BTreeSet::from(["slow-senders"]), "{report:#}");
    let untrusted = attack(&place, &format!("https://{}", server.address), &[]);
    assert_eq!((untrusted.code, untrusted.out.as_str()), (1, ""), "{untrusted:?}");
}

#[test]
fn over_tls_a_weak_server_is_found_out() {
    let place = Place::new();
    certificate(&place);
    let (url, _old) = weak::serve_tls(&prepared(&place), &place.path("tls.pem"), &place.path("tls.key"));
    let said = attack(&place, &url, &["--ca", "tls.pem", "--format", "json", "--patience", "2"]);
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let found = with_result(&report, "found");
    for check in ["strict-transport", "cookie-names", "cookies", "old-tls"] {
        assert!(found.contains(check), "{check}: {report:#}");
    }
    assert!(with_result(&report, "holds").contains("https"), "{report:#}");
    let old = report["checks"].as_array().unwrap().iter().find(|check| check["id"] == "old-tls").unwrap().to_string();
    assert!(old.contains("TLS 1.0 is spoken") && old.contains("TLS 1.1 is spoken"), "{old}");
}

#[test]
fn it_asks_whose_server_it_is() {
    let place = Place::new();
    let digest = prepared(&place);
    let url = weak::serve("not this one");
    let said = attack(&place, &url, &[]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert!(said.err.contains("does not prove that it is yours"), "{said:?}");
    // Who reads the digest off the server has no token.
    place.write("attack.token", &digest);
    let url = weak::serve(&digest);
    assert!(attack(&place, &url, &[]).err.contains("does not prove"), "the digest is not the token");
    place.write("attack.token", "short");
    assert!(attack(&place, &url, &[]).err.contains("it holds no token"));
    // A file that is there is not written over.
    let said = place.run(&["attack", "--prepare", "attack.token"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(place.read("attack.token"), "short");
}

#[test]
fn it_says_what_it_cannot_do() {
    let place = Place::new();
    prepared(&place);
    for (url, why) in [
        ("ftp://127.0.0.1", "neither http nor https"),
        ("here", "relative URL"),
        ("http://joe:secret@127.0.0.1", "credentials"),
    ] {
        let said = attack(&place, url, &[]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
    let said = attack(&place, "http://attack.invalid", &["--account", "joe@example.com"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("name the server by https"), "{said:?}");
    let said = place.run(&["attack", "http://127.0.0.1:1"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("--token-file"), "{said:?}");
    // A server that shows no proof does not start with a file that is none.
    place.write("lychgate.toml", "attack_token_file = \"nowhere.token\"\n");
    let said = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("attack_token_file"), "{said:?}");
}

#[test]
fn requests_are_bounded_and_reports_are_for_programs_and_people() {
    let place = Place::new();
    let url = weak::serve(&prepared(&place));
    let said = attack(&place, &url, &["--format", "sarif", "--most-requests", "3"]);
    let sarif: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(rules.len(), results.len());
    for (rule, result) in rules.iter().zip(results) {
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(!rule["properties"]["tags"].as_array().unwrap().is_empty(), "{rule}");
        assert!(!result["message"]["text"].as_str().unwrap().is_empty(), "{result}");
    }
    let failed = results.iter().filter(|result| result["kind"] == "fail").count();
    assert!(failed >= 1 && results.iter().any(|result| result["kind"] == "notApplicable"), "{sarif:#}");
    // People are shown a table.
    let said = attack(&place, &url, &["--most-requests", "3"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.starts_with("CHECK") || said.out.trim_start().starts_with("CHECK"), "{said:?}");
    assert!(said.out.contains("3 requests were sent (--most-requests)"), "{said:?}");
}
