//! The audit log by the command line.

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use support::Place;

#[test]
fn what_the_command_line_does_is_entered_and_proved() {
    let place = Place::new();
    place.user(&["-a", "joe@lp.com"]);
    place.run(&["roles", "create", "editor", "-p", "read"]).succeeds("Role \"editor\" created successfully.\n");
    place
        .run(&["roles", "add", "joe@lp.com", "editor"])
        .succeeds("Role \"editor\" added to user \"joe@lp.com\" successfully.\n");
    place.run(&["users", "deactivate", "joe@lp.com"]).succeeds("User \"joe@lp.com\" has been deactivated.\n");
    let listed = place.run(&["audit", "list", "--json"]).json();
    let kinds: Vec<&str> = listed.as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user-deactivated", "role-added", "role-created", "user-created"]);
    assert!(listed.as_array().unwrap().iter().all(|entry| entry["actor"] == "command-line" && entry["place"].is_i64()));
    let some = |args: &[&str]| {
        let all: Vec<&str> = ["audit", "list", "--json"].iter().chain(args).copied().collect();
        place.run(&all).json().as_array().unwrap().len()
    };
    assert_eq!(some(&["--user", "joe@lp.com"]), 3);
    assert_eq!(some(&["--what", "role-added", "--what", "role-created", "--since", "2020-01-01"]), 2);
    assert_eq!(some(&["--until", "2020-01-01T00:00:00Z"]), 0);
    assert_eq!(some(&["--limit", "1"]), 1);
    place.run(&["audit", "list", "--user", "nobody@lp.com"]).refuses("audit list", "User not found.");
    assert!(place.run(&["audit", "list"]).out.contains("role-added"));

    let exported = place.run(&["audit", "export"]);
    let lines: Vec<Value> = exported.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4, "{exported:?}");
    assert!(lines.iter().all(|line| line["proof"]["link"].is_string()) && lines[3]["place"] == 4);

    let whole = place.run(&["audit", "verify"]);
    assert!(whole.code == 0 && whole.out.contains("4 sealed entries, 0 that wait"), "{whole:?}");
    let checkpoint = whole.out.lines().last().unwrap().to_owned();
    assert_eq!(place.run(&["audit", "verify", "--json"]).json()["whole"], true);

    place.run(&["users", "delete", "-y", "joe@lp.com"]).succeeds("User \"joe@lp.com\" has been deleted.\n");
    let erased = place.run(&["audit", "verify", "--checkpoint", &checkpoint]);
    assert!(erased.code == 0 && erased.out.contains("3 without their details"), "{erased:?}");
    place.sql("DELETE FROM lychgate_audit WHERE place = 2");
    let cut = place.run(&["audit", "verify", "--checkpoint", &checkpoint]);
    assert!(cut.code == 1 && cut.err.starts_with("Found: entry 2 is missing\n"), "{cut:?}");
    place.run(&["audit", "verify", "--checkpoint", "x"]).refuses("audit verify", "This is no checkpoint: x");
}
