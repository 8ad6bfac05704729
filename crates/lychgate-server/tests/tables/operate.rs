//! The rest of the panel: many at once, one user's page, roles before they change, figures, settings, a mail to try out.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    thread::JoinHandle,
};

use serde_json::{Value, json};

use crate::support::{Place, Said};

/// Makes users without passwords.
fn crowd(place: &Place, names: impl Iterator<Item = String>) {
    let lines: String = names.map(|name| format!("{name}@lp.com,yes\n")).collect();
    let said = place.run_with(&["users", "import", "-"], &[], &format!("email,active\n{lines}"));
    assert_eq!(said.code, 0, "{said:?}");
}

fn emails(said: &Said) -> Vec<String> {
    said.json().as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn many_are_changed_with_progress_and_gone_on_with() {
    let place = Place::new();
    crowd(&place, (0..45).map(|at| format!("guest{at:02}")));
    crowd(&place, ["ann".to_owned()].into_iter());
    let bulk = |args: &[&str]| place.run(&[&["users", "bulk"], args].concat());
    let active = || place.run(&["users", "list", "--active", "--count"]).out.trim().to_owned();

    assert_eq!(bulk(&["status"]).out, "There was no job yet.\n");
    for (args, text) in [
        (&["begin", "deactivate"][..], "Say who is meant, by --role, --state, --search … or --everybody."),
        (
            &["begin", "deactivate", "--everybody", "--active"],
            "--everybody stands alone: the other options say that not everybody is meant.",
        ),
        (&["begin", "deactivate", "--prefix", "nobody"], "Nobody matches."),
    ] {
        bulk(args).refuses("users bulk begin", text);
    }
    assert_eq!(bulk(&["resume"]).code, 2);
    assert_eq!(bulk(&["begin", "explode", "--everybody"]).code, 2);
    bulk(&["begin", "deactivate", "--prefix", "guest", "--dry-run"])
        .succeeds("45 users are meant; nothing is done, as this only looks.\n");
    let asked = place.run_with(&["users", "bulk", "begin", "deactivate", "--prefix", "guest"], &[], "n\n");
    assert!(asked.code == 1 && asked.err.contains("45 users. Do it?"), "{asked:?}");
    assert_eq!(active(), "46");

    let deactivate = ["begin", "deactivate", "--prefix", "guest", "--yes"];
    bulk(&deactivate).succeeds("deactivate: 45 of 45 users; 45 changed, 0 were so already or could not be.\n");
    assert_eq!(active(), "1");
    bulk(&deactivate).succeeds("deactivate: 45 of 45 users; 0 changed, 45 were so already or could not be.\n");
    assert_eq!(bulk(&["status", "--json"]).json()["state"], "done");

    // A process that was killed after the first twenty: what it wrote down last was a while ago.
    let job = bulk(&["status", "--json"]).json();
    let first = place.run(&["users", "list", "--prefix", "guest", "--limit", "20", "--columns", "email"]);
    let after = first.err.split("--after ").nth(1).unwrap().split(',').next().unwrap().to_owned();
    let with = |changes: Value| {
        let mut job = job.clone();
        job.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let text = job.to_string().replace('\'', "''");
        place.sql(&format!("UPDATE lychgate_meta SET value = '{text}' WHERE key = 'admin-bulk'"));
    };
    let half = json!({"action": "activate", "state": "running", "at": 1, "seen": 20, "changed": 20, "not_changed": 0, "after": after});
    with(half.clone());
    assert_eq!(bulk(&["status", "--json"]).json()["state"], "stopped");
    bulk(&["resume"]).succeeds("activate: 45 of 45 users; 45 changed, 0 were so already or could not be.\n");
    assert_eq!(active(), "26", "only those who were left");
    // One that is heard of still runs elsewhere: nobody else does the same, and it can be cancelled.
    let mut alive = half;
    alive["at"] = json!(4_000_000_000_i64);
    with(alive);
    for command in [&["resume"][..], &deactivate] {
        assert_eq!(bulk(command).code, 2, "{command:?}");
    }
    bulk(&["cancel"]).succeeds("The job is cancelled. What is done stays done.\n");
    assert_eq!(bulk(&["status", "--json"]).json()["state"], "cancelled");

    place.user(&["--admin", "adm@lp.com"]);
    let all = bulk(&["begin", "delete", "--everybody", "--yes"]);
    assert!(all.out.contains("46 changed, 1 were so already"), "{all:?}");
    assert!(all.err.contains("adm@lp.com: "), "the last administrator stays: {all:?}");
    assert_eq!(emails(&place.run(&["users", "list", "--json"])), ["adm@lp.com"]);
    let logged = place.run(&["audit", "list", "--what", "user-deleted", "--limit", "100", "--json"]);
    assert_eq!(logged.out.matches("\"user-deleted\"").count(), 46, "{logged:?}");
}

#[test]
fn lists_are_narrowed_sorted_and_turned() {
    let place = Place::new();
    place.user(&["--admin", "zoe@lp.com"]);
    crowd(&place, ["joe", "jill", "ann"].map(str::to_owned).into_iter());
    place.run(&["users", "suspend", "jill@lp.com"]);
    let list = |args: &[&str]| place.run(&[&["users", "list", "--json"], args].concat());
    assert_eq!(emails(&list(&["--sort", "email"])), ["ann@lp.com", "jill@lp.com", "joe@lp.com", "zoe@lp.com"]);
    assert_eq!(emails(&list(&["--sort", "id", "--desc", "--limit", "1"])), ["ann@lp.com"]);
    assert_eq!(emails(&list(&["--prefix", "j"])).len(), 2);
    assert_eq!(emails(&list(&["--confirmed", "yes"])), ["zoe@lp.com"]);
    assert_eq!(emails(&list(&["--state", "suspended"])), ["jill@lp.com"]);
    assert_eq!(emails(&list(&["--second-factor", "yes"])), Vec::<String>::new());
    assert_eq!(list(&["--count", "--inactive"]).json(), json!({"count": 1}));
    let columns = place.run(&["users", "list", "--columns", "email,roles", "--role", "admin"]);
    let lines: Vec<Vec<&str>> = columns.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines, [["EMAIL", "ROLES"], ["zoe@lp.com", "admin"]]);
    // Page by page.
    let first = list(&["--limit", "3", "--sort", "email"]);
    let after = first.err.split("--after ").nth(1).unwrap().split(',').next().unwrap();
    assert_eq!(emails(&list(&["--sort", "email", "--after", after])), ["zoe@lp.com"]);
    for wrong in [&["--state", "odd"][..], &["--sort", "odd"], &["--after", "odd"], &["--active", "--inactive"]] {
        assert_ne!(list(wrong).code, 0, "{wrong:?}");
    }
}

#[test]
fn one_user_is_shown_with_all_there_is() {
    let place = Place::new();
    place.user(&["--active", "joe@lp.com"]);
    place.run(&["roles", "create", "editor", "--permissions", "read,write"]);
    place.run(&["roles", "add", "joe@lp.com", "editor"]);
    let server = place.serve(&[]);
    assert_eq!(server.client().sign_in("joe@lp.com").status, 200);
    let joe = place.run(&["users", "show", "joe@lp.com", "--json"]).json();
    assert_eq!((&joe["state"], &joe["permissions"]), (&json!("active"), &json!(["read", "write"])));
    assert_eq!(joe["role_origins"][0]["name"], "editor");
    assert_eq!(joe["role_origins"][0]["given_by"], "command-line", "{joe}");
    assert_eq!(joe["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(joe["sessions"][0]["address"], "127.0.0.1");
    assert!(joe["activity"].as_array().unwrap().iter().any(|one| one["kind"] == "sign-in"), "{joe}");
    let text = place.run(&["users", "show", "joe@lp.com"]).out;
    for part in ["Roles\n", "GIVEN BY", "Sessions\n", "What happened last\n"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    // Acting as somebody is begun in the panel; here it is seen and ended.
    place.sql(
        "INSERT INTO lychgate_sessions SELECT 'begun', user_id, created_at, last_seen_at, expires_at, NULL, NULL, NULL, \
         'support', 0 FROM lychgate_sessions LIMIT 1",
    );
    let acting = place.run(&["sessions", "list", "--acting", "--json"]).json();
    assert_eq!((acting.as_array().unwrap().len(), &acting[0]["via"]), (1, &json!("support")), "{acting}");
    assert_eq!(acting[0]["acting"], "an administrator");
    let id = acting[0]["id"].as_str().unwrap();
    assert_eq!(place.run(&["sessions", "end", "joe@lp.com", id]).code, 0);
    assert_eq!(place.run(&["sessions", "list", "--acting", "--json"]).json(), json!([]));

    let overview = place.run(&["overview", "--json"]).json();
    assert_eq!((&overview["users"], &overview["signed_in_today"]), (&json!(1), &json!(1)), "{overview}");
    assert_eq!(overview["days"].as_array().unwrap().len(), 14);
    let text = place.run(&["overview", "--days", "2"]).out;
    assert!(text.starts_with("Users  ") && text.contains('#'), "{text}");
}

#[test]
fn a_change_of_roles_is_seen_before_it_is_made() {
    let place = Place::new();
    crowd(&place, ["joe".to_owned()].into_iter());
    place.run(&["roles", "create", "editor", "--permissions", "read"]);
    place.run(&["roles", "add", "joe@lp.com", "editor"]);
    place.run(&["roles", "create", "guest"]);
    let look = |args: &[&str]| place.run(&[&["roles"], args, &["--dry-run", "--json"]].concat()).json();
    for (args, gains, loses) in [
        (&["add_permissions", "editor", "write,read"][..], &["permission write"][..], &[][..]),
        (&["remove_permissions", "editor", "read"], &[], &["permission read"]),
        (&["add", "joe@lp.com", "guest"], &["role guest"], &[]),
        (&["remove", "joe@lp.com", "editor"], &[], &["permission read", "role editor"]),
        (&["delete", "editor"], &[], &["permission read", "role editor"]),
    ] {
        let said = look(args);
        assert_eq!(said["people"][0]["email"], "joe@lp.com", "{args:?} {said}");
        let names = |of: &str| {
            let mut all: Vec<String> = serde_json::from_value(said["people"][0][of].clone()).unwrap();
            all.sort();
            all
        };
        assert_eq!(
            (names("gains"), names("loses")),
            (gains.iter().map(|s| (*s).to_owned()).collect(), loses.iter().map(|s| (*s).to_owned()).collect()),
            "{args:?}"
        );
    }
    let editor = place.run(&["roles", "show", "editor", "--json"]).json();
    assert_eq!((&editor["permissions"], &editor["users"]), (&json!(["read"]), &json!(1)), "nothing was changed");
    let nobody = place.run(&["roles", "delete", "guest", "--dry-run"]);
    nobody.succeeds("Nobody gains or loses anything.\n");

    let who = place.run(&["explain", "--who", "permission:read", "--json"]).json();
    assert_eq!(who["people"][0]["email"], "joe@lp.com");
    assert!(place.run(&["explain", "--who", "role:editor"]).out.starts_with("joe@lp.com\n  "));
    assert_eq!(place.run(&["explain", "--who", "role:guest"]).out, "Nobody.\n");
    assert_eq!(place.run(&["explain", "--who", "nonsense"]).code, 2);
    assert_eq!(place.run(&["explain"]).code, 2);
}

#[test]
fn settings_are_shown_as_they_run() {
    let place = Place::new();
    place.write(
        "lychgate.toml",
        "secret_key = \"0123456789abcdef0123456789abcdef\"\n[security]\nlogin_url = \"/enter\"\n",
    );
    let shown = place.run(&["settings"]);
    let line =
        |name: &str| shown.out.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap().to_owned();
    assert!(line("login_url").contains("\"/enter\"") && line("login_url").ends_with("lychgate.toml:3"), "{shown:?}");
    assert!(!shown.out.contains("0123456789abcdef"), "{shown:?}");
    assert!(line("secret_key").ends_with("lychgate.toml:1"));
    assert!(!shown.out.contains("logout_url"));
    let all = place.run(&["settings", "--all", "--json"]).json();
    let rows = all["settings"].as_array().unwrap();
    assert!(rows.len() > 400 && all["profile"] == "modern");
    assert_eq!(rows.iter().find(|row| row["name"] == "logout_url").unwrap()["source"], "default");
    let found = place.run(&["settings", "logout_url"]).out;
    assert!(found.contains("/logout") && found.contains("logout_url: "), "{found}");
    assert_eq!(place.run(&["settings", "nonsense"]).code, 2);
    assert!(!place.path("instance").exists(), "looking makes nothing");
}

/// Takes one mail as a mail server does (RFC 5321), with this last word, and gives the lines that came.
fn mail_server(last: &'static str) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let taking = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut writer = stream.try_clone().unwrap();
        let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes()).unwrap();
        let (mut lines, mut body) = (Vec::new(), false);
        say("220 mail.lp.com ESMTP");
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { break };
            match line.split(' ').next().unwrap_or_default() {
                _ if body && line != "." => {}
                "." if body => {
                    body = false;
                    say(last);
                }
                "DATA" => {
                    body = true;
                    say("354 go on");
                }
                "QUIT" => break,
                _ => say("250 ok"),
            }
            lines.push(line);
        }
        lines
    });
    (port, taking)
}

#[test]
fn a_mail_is_really_sent_to_try_it_out() {
    let place = Place::new();
    crowd(&place, ["joe".to_owned()].into_iter());
    let send = |last: &'static str, args: &[&str]| {
        let (port, taking) = mail_server(last);
        place.write("lychgate.toml", &format!("[mail]\nserver = \"127.0.0.1\"\nport = {port}\n"));
        let said = place.run(&[&["outbox", "test", "--to"], args].concat());
        (said, taking.join().unwrap())
    };
    let (said, lines) = send("250 2.0.0 queued as 4711", &["joe@lp.com"]);
    assert!(said.out.starts_with("A mail to joe@lp.com was sent: 127.0.0.1:"), "{said:?}");
    assert!(said.out.ends_with("answered: 250 2.0.0 queued as 4711\n"), "{said:?}");
    assert!(lines.iter().any(|line| line.starts_with("RCPT TO:<joe@lp.com>")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("says nothing but that mails")), "{lines:?}");
    let (said, _) = send("250 taken", &["stranger@example.com", "--json"]);
    let said = said.json();
    assert_eq!((&said["to"], &said["error"]), (&json!("stranger@example.com"), &Value::Null), "{said}");
    let (said, _) = send("554 5.7.1 no thanks", &["joe@lp.com"]);
    assert!(said.code == 1 && said.err.contains("was not sent") && said.err.contains("no thanks"), "{said:?}");
    assert!(place.run(&["outbox", "list", "--json"]).json().as_array().unwrap().is_empty(), "beside the outbox");
    place
        .run(&["outbox", "test", "--to", "nobody"])
        .refuses("outbox test", "User not found; write an address to send a mail anywhere.");
    place.write("lychgate.toml", "[mail]\nbackend = \"console\"\n");
    let said = place.run(&["outbox", "test", "--to", "joe@lp.com"]);
    assert!(said.out.contains("written to the log, not sent"), "{said:?}");

    // A link for a new password needs an address to begin with.
    place.write("lychgate.toml", "[security]\nrecoverable = true\n");
    let refused = place.run(&["users", "send_reset", "joe@lp.com"]);
    assert!(refused.code == 1 && refused.err.contains("base_url"), "{refused:?}");
    place.write("lychgate.toml", "base_url = \"https://lp.com\"\n[security]\nrecoverable = true\n");
    place
        .run(&["users", "send_reset", "joe@lp.com"])
        .succeeds("A mail to choose a new password is on its way to \"joe@lp.com\".\n");
    assert_eq!(place.run(&["outbox", "list", "--json"]).json()[0]["to"], "joe@lp.com");
}
