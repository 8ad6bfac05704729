//! What the panel does, on the command line: tables of users, the outbox, sessions.

#![allow(clippy::unwrap_used)]

#[path = "tables/operate.rs"]
mod operate;
mod support;

use support::{PASSWORD, Place};

#[test]
fn users_go_out_as_a_table_and_come_in() {
    let place = Place::new();
    place.user(&["--active", "joe@lp.com", "--username", "joeschmo"]);
    place.run(&["roles", "create", "editor"]);
    place.write("new.csv", "email,username,roles,active\nann@lp.com,annschmo,editor,yes\nbob@lp.com,,,no\n");
    place.write("bad.csv", "email,roles\njoe@lp.com,\nno address,\ncy@lp.com,nobody\ncy@lp.com,\n");
    let bad = place.run(&["users", "import", "bad.csv"]);
    assert_eq!((bad.code, bad.out.as_str()), (1, ""), "{bad:?}");
    for line in
        ["Line 2: joe@lp.com: ", "Line 3: no address: ", "Line 4: cy@lp.com: there is no role nobody", "Line 5: "]
    {
        assert!(bad.err.contains(line), "{line}: {bad:?}");
    }
    assert!(bad.err.ends_with("Error: 4 of 4 lines have a mistake; nothing is made.\n"), "{bad:?}");
    let looked = place.run(&["users", "import", "new.csv", "--dry-run"]);
    looked.succeeds("2 accounts can be made; none is, as this only looks.\n");
    assert_eq!(place.run(&["users", "list", "--json"]).json().as_array().unwrap().len(), 1);
    place.run(&["users", "import", "new.csv"]).succeeds("2 accounts have been made.\n");
    let again = place.run_with(&["users", "import", "-"], &[], "email\nann@lp.com\n");
    assert_eq!(again.code, 1, "{again:?}");
    for wrong in ["", "name\nx", "email,password\na@lp.com,secret"] {
        let said = place.run_with(&["users", "import", "-"], &[], wrong);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    }
    assert_eq!(place.run(&["users", "import", "nowhere.csv"]).code, 1);

    place.sql("UPDATE \"user\" SET username = '=cmd|'' /C calc''!A0' WHERE email = 'bob@lp.com'");
    let table = place.run(&["users", "export"]);
    assert_eq!((table.code, table.err.as_str()), (0, ""), "{table:?}");
    assert!(table.out.starts_with("\"id\",\"email\",") && table.out.contains("\"'=cmd|' /C calc'!A0\""), "{table:?}");
    assert_eq!(table.out.lines().count(), 4);
    assert!(!table.out.contains("argon2"));
    let some = place.run(&["users", "export", "out.csv", "--role", "editor", "--columns", "roles,status"]);
    some.succeeds("1 users are in out.csv\n");
    assert_eq!(place.read("out.csv"), "\"email\",\"active\",\"roles\"\r\n\"ann@lp.com\",\"yes\",\"editor\"\r\n");
    #[cfg(unix)]
    assert_eq!(place.mode("out.csv"), 0o600);
    assert_eq!(place.run(&["users", "export", "out.csv"]).code, 2, "it is there already");
    place.run(&["users", "export", "out.csv", "--force", "--search", "nobody"]).succeeds("0 users are in out.csv\n");
    assert!(!place.path("out.csv.new").exists());
    let unknown = place.run(&["users", "export", "--columns", "password"]);
    assert!(unknown.code == 2 && unknown.err.contains("Columns are id, username, status"), "{unknown:?}");
}

#[test]
fn dead_letters_are_seen_tried_again_and_dropped() {
    let place = Place::new();
    place.write("lychgate.toml", "[security]\naudit = true\n");
    place.user(&["joe@lp.com"]);
    for (id, state) in [("one", "dead"), ("two", "dead"), ("three", "dead"), ("four", "waiting")] {
        place.sql(&format!(
            "INSERT INTO lychgate_outbox (id, kind, recipient, payload, created_at, due_at, attempts, state, last_error) \
             VALUES ('{id}', 'mail', 'joe@lp.com', 'a link that signs in', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', 12, '{state}', 'no such mailbox')"
        ));
    }
    let dead = place.run(&["outbox", "list", "--state", "dead"]);
    assert!(
        dead.out.contains("no such mailbox") && !dead.out.contains("four") && !dead.out.contains("signs in"),
        "{dead:?}"
    );
    let shown = place.run(&["outbox", "show", "one", "--json"]).json();
    assert_eq!((&shown["state"], &shown["to"]), (&"dead".into(), &"joe@lp.com".into()));
    assert_eq!(shown.get("payload"), None);
    place.run(&["outbox", "retry", "one"]).succeeds("1 message will be tried again by the next server that runs.\n");
    assert_eq!(place.run(&["outbox", "show", "one", "--json"]).json()["state"], "waiting");
    for args in
        [&["outbox", "retry", "one"][..], &["outbox", "drop", "four"], &["outbox", "show", "five"], &["outbox", "drop"]]
    {
        assert_eq!(place.run(args).code, 2, "{args:?}");
    }
    place.run(&["outbox", "drop", "--all"]).succeeds("2 messages dropped.\n");
    place.run(&["outbox", "drop", "--all"]).succeeds("0 messages dropped.\n");
    assert_eq!(place.run(&["outbox", "list", "--json"]).json().as_array().unwrap().len(), 2);
    let noted = |kind: &str| place.run(&["audit", "list", "--what", kind, "--json"]).json();
    assert_eq!(noted("message-retried").as_array().unwrap().len(), 1);
    assert_eq!(noted("message-dropped").as_array().unwrap().len(), 2);
    assert_eq!(noted("message-retried")[0]["details"]["message"], "one");
    place.write("lychgate.toml", "[mail]\nbackend = \"smtp\"\nserver = \"127.0.0.1\"\nport = 1\n");
    let said = place.run(&["outbox", "test"]);
    assert!(said.code == 1 && said.err.starts_with("Error: mails cannot be sent: "), "{said:?}");
}

#[test]
fn sessions_are_seen_and_ended() {
    let place = Place::new();
    for who in ["joe@lp.com", "ann@lp.com"] {
        place.user(&["--active", who]);
    }
    let server = place.serve(&[]);
    let (mut first, mut second, mut other) = (server.client(), server.client(), server.client());
    for (client, who) in [(&mut first, "joe@lp.com"), (&mut second, "joe@lp.com"), (&mut other, "ann@lp.com")] {
        assert_eq!(client.sign_in(who).status, 200);
    }
    let all = place.run(&["sessions", "list", "--json"]).json();
    assert_eq!(all.as_array().unwrap().len(), 3);
    let of_joe = place.run(&["sessions", "list", "joe@lp.com", "--json"]).json();
    assert_eq!(of_joe.as_array().unwrap().len(), 2);
    let table = place.run(&["sessions", "list"]).out;
    assert!(table.contains("ann@lp.com") && table.contains("127.0.0.1"), "{table}");
    let id = of_joe[0]["id"].as_str().unwrap();
    // Of somebody else it is no session.
    assert_eq!(place.run(&["sessions", "end", "ann@lp.com", id]).code, 2);
    place.run(&["sessions", "end", "joe@lp.com", id]).succeeds(&format!("The session {id} has ended.\n"));
    assert_eq!(place.run(&["sessions", "end", "joe@lp.com", id]).code, 2);
    assert_eq!(place.run(&["sessions", "list", "joe@lp.com", "--json"]).json().as_array().unwrap().len(), 1);
    place.run(&["sessions", "end", "joe@lp.com"]).succeeds("All sessions of \"joe@lp.com\" have ended.\n");
    assert_eq!(place.run(&["sessions", "list", "--json"]).json().as_array().unwrap().len(), 1);
    for client in [&mut first, &mut second] {
        assert_eq!(client.get("/verify", "application/json").status, 401);
    }
    assert_eq!(other.get("/verify", "application/json").status, 200);
    let refused = place.run_with(&["sessions", "end", "nobody@lp.com"], &[("LYCHGATE_PASSWORD", PASSWORD)], "");
    refused.refuses("sessions end", "User not found.");
}

#[test]
fn the_panel_is_among_the_routes() {
    let place = Place::new();
    let routes = place.run(&["routes", "--json"]).json();
    let find = |path: &str| routes.as_array().unwrap().iter().find(|route| route["path"] == path).cloned().unwrap();
    assert_eq!(find("/admin/users/{id}/delete")["guard"], "administrators, with a fresh proof");
    let document = place.run(&["openapi"]).json();
    assert!(document["paths"]["/admin/api/users"]["get"]["summary"].is_string());
    for group in ["outbox", "sessions"] {
        assert!(place.run(&["--help"]).out.contains(group));
        assert_eq!(place.run(&[group, "list", "--help"]).code, 0);
    }
}
