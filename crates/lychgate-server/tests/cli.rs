//! The command line: texts, exit codes, files.

#![allow(clippy::unwrap_used)]

mod support;

use std::{io::Write as _, net::TcpListener, process::Stdio};

use serde_json::json;
use support::{PASSWORD, Place};

#[test]
fn help_teaches() {
    let place = Place::new();
    let help = place.run(&["--help"]);
    assert_eq!(help.code, 0);
    for word in
        ["First steps:", "users create --admin", "serve", "init", "users", "roles", "doctor", "routes", "openapi"]
    {
        assert!(help.out.contains(word), "{word}");
    }
    for command in [&["users", "create"][..], &["roles", "add_permissions"], &["serve"], &["init"], &["doctor"]] {
        let help = place.run(&[command, &["--help"]].concat());
        assert_eq!((help.code, help.err.as_str()), (0, ""), "{help:?}");
        assert!(help.out.contains("Common options:"), "{help:?}");
    }
    assert!(place.run(&["users", "create", "--help"]).out.contains("Unsafe"));
    assert_eq!(place.run(&["--version"]).out, concat!("lychgate ", env!("CARGO_PKG_VERSION"), "\n"));
    for group in [&[][..], &["users"], &["roles"]] {
        let said = place.run(group);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains("Usage: "), "{said:?}");
    }
    assert!(!place.path("instance").exists(), "help makes nothing");
}

#[test]
fn usage_errors() {
    let place = Place::new();
    place.run(&["users", "actvate"]).refuses(
        "users",
        "unrecognized subcommand 'actvate'\n\n  tip: some similar subcommands exist: 'deactivate', 'activate'",
    );
    place
        .run(&["users", "activate"])
        .refuses("users activate", "the following required arguments were not provided:\n  <USER>");
    place
        .run(&["roles", "create"])
        .refuses("roles create", "the following required arguments were not provided:\n  <NAME>");
    assert!(!place.path("instance").exists());
}

#[test]
fn a_list_of_breached_passwords_is_made_and_kept_to() {
    let place = Place::new();
    std::fs::write(place.path("known.txt"), "correct horse battery staple\nhunter2 hunter2 hunter2\n").unwrap();
    let made = place.run(&["passwords", "list", "known.txt", "known.list", "--plain"]);
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
    assert!(made.out.contains("2 passwords are listed in known.list"), "{made:?}");
    assert!(!place.path("known.list.new").exists());
    std::fs::write(
        place.path("lychgate.toml"),
        "profile = \"modern\"\n[security]\npassword_breached_list = \"known.list\"\npassword_breached_url = false\n",
    )
    .unwrap();
    let create = |password| place.run_as(password, &["users", "create", "new@lp.com"]);
    let refused = create("correct horse battery staple");
    assert!(refused.code != 0 && refused.err.contains("breach"), "{refused:?}");
    let taken = create("nobody guesses this phrase");
    assert_eq!(taken.code, 0, "{taken:?}");
    std::fs::write(place.path("known.list"), "damaged").unwrap();
    let told = create("nobody guesses this phrase");
    assert!(told.code != 0 && told.err.contains("password_breached_list: known.list: it is no list"), "{told:?}");
    std::fs::write(place.path("known.txt"), "no digest\n").unwrap();
    let told = place.run(&["passwords", "list", "known.txt", "known.list"]);
    assert!(told.code != 0 && told.err.contains("known.txt: line 1 is no SHA-1"), "{told:?}");
}

#[test]
fn users_are_created() {
    let place = Place::new();
    place
        .run_as(PASSWORD, &["users", "create", "New@LP.com"])
        .succeeds("User created successfully.\n{'email': 'New@lp.com', 'password': '****', 'active': False}\n");
    place
        .run_as(PASSWORD, &["users", "create", "email:joe@lp.com", "--username", "joeschmo", "-a"])
        .succeeds("User created successfully.\n{'email': 'joe@lp.com', 'password': '****', 'username': 'joeschmo', 'active': True}\n");
    let users = place.run(&["users", "list", "--json"]).json();
    assert_eq!(users[0]["confirmed_at"], json!(null), "it is not confirmed");
    assert_eq!((&users[1]["username"], &users[1]["active"]), (&json!("joeschmo"), &json!(true)));
}

#[test]
fn users_that_cannot_be_created() {
    let place = Place::new();
    place.user(&["joe@lp.com"]);
    let create = |args: &[&str]| place.run_as(PASSWORD, &[&["users", "create"], args].concat());
    create(&["joe@lp.com"])
        .refuses("users create", "Error creating user. {'email': ['There is an account for joe@lp.com already.']}");
    create(&[]).refuses("users create", "Error creating user. {'email': ['Please type your email address.']}");
    create(&["bad"]).refuses("users create", "Attr email with value bad wasn't accepted by uia_email_mapper");
    create(&["a@lp.com", "nosuch:1"])
        .refuses("users create", "Invalid value: 'nosuch' is an invalid keyword argument for User");
    create(&["a@lp.com", "fs_uniquifier:1"])
        .refuses("users create", "Invalid value: 'fs_uniquifier' cannot be given as an attribute");
    let short = place.run_as("short", &["users", "create", "a@lp.com"]);
    assert_eq!(short.code, 2);
    assert!(short.err.contains("Error creating user. {'password': ['"), "{short:?}");
    assert_eq!(place.run(&["users", "list", "--json"]).json().as_array().unwrap().len(), 1);
}

#[test]
fn attributes_split_at_the_first_colon_and_fill_own_columns() {
    let place = Place::new();
    place.user(&["first@lp.com"]);
    place.sql("ALTER TABLE \"user\" ADD COLUMN home VARCHAR(100)");
    place
        .run_as(PASSWORD, &["users", "create", "joe@lp.com", "home:http://lp.com:80/"])
        .succeeds("User created successfully.\n{'email': 'joe@lp.com', 'home': 'http://lp.com:80/', 'password': '****', 'active': False}\n");
    let database = rusqlite::Connection::open(place.path("instance/lychgate.db")).unwrap();
    let home: String =
        database.query_row("SELECT home FROM \"user\" WHERE email = 'joe@lp.com'", [], |row| row.get(0)).unwrap();
    assert_eq!(home, "http://lp.com:80/");
}

#[test]
fn a_phone_number_is_an_identity() {
    let place = Place::new();
    place.write(
        "lychgate.toml",
        "[security]\nuser_identity_attributes = [{email = {mapper = \"email\"}}, {us_phone_number = {mapper = \"phone\"}}]\n",
    );
    place.user(&["joe@lp.com", "us_phone_number:+44 20 7946 0958"]);
    let joe = place.run(&["users", "show", "+442079460958", "--json"]).json();
    assert_eq!((&joe["email"], &joe["phone"]), (&json!("joe@lp.com"), &json!("+442079460958")));
    place
        .run_as(PASSWORD, &["users", "create", "a@lp.com", "us_phone_number:none"])
        .refuses("users create", "Attr us_phone_number with value none wasn't accepted by uia_phone_mapper");
}

#[test]
fn passwords_come_from_four_places() {
    let place = Place::new();
    let twice = format!("{PASSWORD}\n{PASSWORD}\n");
    assert_eq!(place.run_with(&["users", "create", "a@lp.com"], &[], &twice).code, 0);
    let different = format!("{PASSWORD}\nother\n{twice}");
    let said = place.run_with(&["users", "create", "b@lp.com"], &[], &different);
    assert_eq!(said.code, 0);
    assert_eq!(said.err, "Error: The two entered values do not match.\n");
    assert_eq!(place.run_with(&["users", "create", "c@lp.com"], &[("LYCHGATE_PASSWORD", PASSWORD)], "").code, 0);
    assert_eq!(place.run_with(&["users", "create", "d@lp.com", "--password-stdin"], &[], PASSWORD).code, 0);

    place.write("first line", &format!("{PASSWORD}\nsomething else\n"));
    place.set_mode("first line", 0o600);
    let from_file = ["users", "create", "-a", "g@lp.com", "--password-file", "first line"];
    assert_eq!(place.run(&from_file).err, "");

    let aborted = place.run_with(&["users", "create", "e@lp.com"], &[], "one\ntwo\n");
    assert_eq!((aborted.code, aborted.out.as_str()), (1, ""));
    assert_eq!(aborted.err, "Error: The two entered values do not match.\nAborted!\n");
    let long = "x".repeat(10_000);
    assert_eq!(place.run_with(&["users", "create", "f@lp.com"], &[], &long).code, 2);

    let server = place.serve(&[]);
    place.run(&["users", "activate", "d@lp.com"]).succeeds("User \"d@lp.com\" has been activated.\n");
    assert_eq!(server.client().sign_in("d@lp.com").status, 200, "the line's end is not part of the password");
    assert_eq!(server.client().sign_in("g@lp.com").status, 200, "a file may have more lines");
    assert_ne!(server.client().sign_in("a@lp.com").status, 200, "without --active nobody gets in");
}

/// What everybody on the machine may read of a process never holds a password, unless the settings of an application that
/// was moved ask for it.
#[test]
fn the_list_of_processes_shows_no_password() {
    let place = Place::new();
    let given = ["users", "create", "a@lp.com", "--password", PASSWORD];
    let refused = place.run(&given);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
    for word in ["--password-stdin", "--password-file", "LYCHGATE_PASSWORD", "cli_password_argument"] {
        assert!(refused.err.contains(word), "{word}: {refused:?}");
    }
    assert!(!refused.err.contains(PASSWORD), "{refused:?}");
    let changed = place.run(&["users", "change_password", "a@lp.com", "--password", PASSWORD]);
    changed.refuses("users change_password", "User not found.");

    let mut command = place.command();
    command.args(["users", "create", "b@lp.com", "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // It waits for the end of the line.
    child.stdin.as_mut().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    let seen = loop {
        // It is empty until the system has laid the arguments out.
        let seen = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
        if !seen.is_empty() {
            break String::from_utf8(seen).unwrap();
        }
        std::thread::yield_now();
    };
    assert!(seen.contains("--password-stdin") && !seen.contains(PASSWORD), "{seen:?}");
    drop(child.stdin.take());
    assert!(child.wait_with_output().unwrap().status.success());

    place.write("lychgate.toml", "profile = \"flask\"\n");
    let taken = place.run(&given);
    assert_eq!(taken.code, 0, "{taken:?}");
    assert!(taken.err.contains("could see the password; use --password-stdin"), "{taken:?}");
    place.write("lychgate.toml", "[security]\ncli_password_argument = true\ncli_users_name = \"people\"\n");
    let taken = place.run(&["people", "create", "c@lp.com", "--password", PASSWORD]);
    assert!(taken.code == 0 && !taken.err.contains("does not have yet"), "{taken:?}");
}

/// All that is wrong, at once, each with its file and line: what a value is, what it says, what it names.
#[test]
fn a_start_says_all_that_is_wrong_with_the_settings() {
    let place = Place::new();
    let wrong = "[security]\nlogin_url = 7\nfreshness = \"soon\"\n[session]\ncookie_name = \"a b\"\n";
    place.write("lychgate.toml", wrong);
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["users", "list"]] {
        let said = place.run(command);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        for line in ["lychgate.toml:2: login_url: expected", "lychgate.toml:3: freshness: expected"] {
            assert!(said.err.lines().any(|one| one.starts_with(line)), "{line}: {said:?}");
        }
        assert!(said.err.contains("lychgate.toml:5: session.cookie_name"), "{said:?}");
    }
    // What can be known of each only when it is used.
    let wrong = "languages = [\"xx\"]\n[mail]\nserver = \"mail.lp.com\"\nuse_tls = true\nssl_cafile = \"nowhere.pem\"\n\
                 [security]\npassword_breached_list = \"nowhere.list\"\n";
    place.write("lychgate.toml", wrong);
    for command in ["serve", "doctor"] {
        let said = place.run(&[command]);
        let all = format!("{}{}", said.out, said.err);
        assert_ne!(said.code, 0, "{said:?}");
        for part in [
            "lychgate.toml:1: languages: there is no catalogue for \"xx\"",
            "lychgate.toml:5: mail.ssl_cafile: nowhere.pem: ",
            "lychgate.toml:7: password_breached_list",
        ] {
            assert!(all.contains(part), "{part}: {all}");
        }
    }
    assert!(!place.path("instance/lychgate.db").exists(), "nothing is made before all is right");
}

#[test]
fn users_are_switched_on_and_off() {
    let place = Place::new();
    place.user(&["joe@lp.com"]);
    let run = |command: &str| place.run(&["users", command, "joe@lp.com"]);
    run("deactivate").succeeds("User \"joe@lp.com\" was already deactivated.\n");
    run("activate").succeeds("User \"joe@lp.com\" has been activated.\n");
    run("activate").succeeds("User \"joe@lp.com\" was already activated.\n");
    run("deactivate").succeeds("User \"joe@lp.com\" has been deactivated.\n");
    for command in ["activate", "deactivate", "reset_access", "change_password", "show", "delete"] {
        place.run(&["users", command, "nobody@lp.com"]).refuses(&format!("users {command}"), "User not found.");
    }
}

#[test]
fn accounts_are_suspended_and_locked() {
    let place = Place::new();
    place.user(&["--active", "joe@lp.com"]);
    let run = |args: &[&str]| place.run(&[&["users"], args].concat());
    let loud = ["suspend", "joe@lp.com", "--until", "3 days", "--reason", "too loud"];
    run(&loud).succeeds("User \"joe@lp.com\" has been suspended.\n");
    let listed = run(&["suspended"]).out;
    assert!(
        listed.contains("joe@lp.com") && listed.contains("too loud") && listed.contains("command line"),
        "{listed}"
    );
    let shown = run(&["show", "joe@lp.com", "--json"]).json();
    assert_eq!((&shown["state"], &shown["state_reason"]), (&json!("suspended"), &json!("too loud")));
    run(&["unsuspend", "joe@lp.com"]).succeeds("User \"joe@lp.com\" is no longer suspended.\n");
    run(&["unsuspend", "joe@lp.com"]).succeeds("User \"joe@lp.com\" is not suspended.\n");
    run(&["lock", "joe@lp.com"]).succeeds("User \"joe@lp.com\" has been locked, and everything has ended.\n");
    run(&["suspend", "joe@lp.com"]).succeeds("User \"joe@lp.com\" cannot sign in anyhow.\n");
    run(&["unlock", "joe@lp.com"]).succeeds("User \"joe@lp.com\" is no longer locked.\n");
    // Switched off is for good, whatever end a suspension had.
    run(&loud).succeeds("User \"joe@lp.com\" has been suspended.\n");
    run(&["deactivate", "joe@lp.com"]).succeeds("User \"joe@lp.com\" has been deactivated.\n");
    run(&["deactivate", "joe@lp.com"]).succeeds("User \"joe@lp.com\" was already deactivated.\n");
    assert_eq!(run(&["show", "joe@lp.com", "--json"]).json()["state"], "off");
    run(&["activate", "joe@lp.com"]).succeeds("User \"joe@lp.com\" has been activated.\n");
    for wrong in ["soon", "2026-13-01", ""] {
        assert_eq!(run(&["suspend", "joe@lp.com", "--until", wrong]).code, 2, "{wrong}");
    }
    assert_ne!(run(&["suspend", "joe@lp.com", "--until", "2020-01-01"]).code, 0, "it would be over already");
}

#[test]
fn rights_are_explained() {
    let place = Place::new();
    place.user(&["--active", "joe@lp.com"]);
    place.run(&["roles", "create", "--permissions", "read,write", "editor"]);
    place.run(&["roles", "add", "joe@lp.com", "editor"]);
    let explain = |args: &[&str]| place.run(&[&["explain"], args].concat());
    explain(&["joe@lp.com", "permission:write"])
        .succeeds("joe@lp.com may: permission write\nyes permission write (from role editor)\n");
    explain(&["joe@lp.com", "role:admin"]).succeeds("joe@lp.com may not: role admin\nno  role admin\n");
    let item = explain(&["joe@lp.com", "edit:27:document", "--json"]).json();
    assert_eq!((&item["allowed"], &item["why"]["asked"]), (&json!(false), &json!("edit 27 document")));
    explain(&["joe@lp.com", "/logout"]).succeeds("joe@lp.com may call /logout\nWho may: anyone\n");
    place.run(&["users", "suspend", "joe@lp.com"]);
    let told = explain(&["joe@lp.com", "permission:write"]).out;
    assert!(told.starts_with("joe@lp.com may not") && told.contains("cannot be used: suspended"), "{told}");
    for (args, text) in [
        (&["joe@lp.com", "nonsense"][..], "\"nonsense\" is no route and no permission"),
        (&["joe@lp.com", "role:"], "\"role:\" is no route and no permission"),
        (&["joe@lp.com", "/nowhere"], "There is no such route"),
        (&["nobody@lp.com", "role:admin"], "User not found."),
        (&["joe@lp.com"], "Nothing is noted under this reference."),
    ] {
        let said = explain(args);
        assert!(said.code == 2 && said.err.contains(text), "{said:?}");
    }
}

#[test]
fn users_who_asked_for_it_are_deleted_in_time() {
    let place = Place::new();
    for email in ["joe@lp.com", "jill@lp.com", "matt@lp.com"] {
        place.user(&[email]);
    }
    place.run(&["users", "purge"]).succeeds("0 users have been deleted.\n");
    place.sql(
        "INSERT INTO lychgate_account_state (user_id, deletion_due_at) SELECT id, \
         CASE email WHEN 'joe@lp.com' THEN '2020-01-01 00:00:00.000000' ELSE '2999-01-01 00:00:00.000000' END \
         FROM \"user\" WHERE email <> 'matt@lp.com'",
    );
    place.run(&["users", "purge"]).succeeds("1 user has been deleted.\n");
    let users = place.run(&["users", "list", "--json"]).json();
    let left: Vec<&str> = users.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect();
    assert_eq!(left, ["jill@lp.com", "matt@lp.com"]);
}

#[test]
fn access_is_reset_and_the_password_stays() {
    let place = Place::new();
    place.user(&["-a", "joe@lp.com"]);
    let server = place.serve(&[]);
    let mut client = server.client();
    assert_eq!(client.sign_in("joe@lp.com").status, 200);
    place
        .run(&["users", "reset_access", "joe@lp.com"])
        .succeeds("User \"joe@lp.com\" authentication credentials have been reset.\n");
    assert!(!client.get("/", "text/html").body.contains("joe@lp.com"), "the session has ended");
    assert_eq!(server.client().sign_in("joe@lp.com").status, 200);
}

#[test]
fn passwords_are_changed() {
    let place = Place::new();
    place.run_as("another horse battery", &["users", "create", "-a", "joe@lp.com"]);
    let server = place.serve(&[]);
    assert_ne!(server.client().sign_in("joe@lp.com").status, 200);
    place.run_as(PASSWORD, &["users", "change_password", "joe@lp.com"]).succeeds("");
    assert_eq!(server.client().sign_in("joe@lp.com").status, 200);
    let short = place.run_as("x", &["users", "change_password", "joe@lp.com"]);
    assert_eq!(short.code, 2);
    assert!(short.err.contains("Error: Error changing password. {'password': ['"), "{short:?}");
}

#[test]
fn users_are_listed_without_secrets() {
    let place = Place::new();
    place.user(&["--admin", "adm@lp.com"]);
    place.user(&["-a", "joe@lp.com", "-u", "joeschmo"]);
    place.user(&["jill@lp.com"]);
    let emails = |args: &[&str]| -> Vec<String> {
        let users = place.run(&[&["users", "list", "--json"], args].concat()).json();
        users.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(emails(&[]), ["adm@lp.com", "joe@lp.com", "jill@lp.com"]);
    assert_eq!(emails(&["--search", "SCHMO"]), ["joe@lp.com"]);
    assert_eq!(emails(&["--role", "admin"]), ["adm@lp.com"]);
    assert_eq!(emails(&["--active"]), ["adm@lp.com", "joe@lp.com"]);
    assert_eq!(emails(&["--inactive"]), ["jill@lp.com"]);
    assert_eq!(emails(&["--limit", "2"]), ["adm@lp.com", "joe@lp.com"]);
    assert_eq!(emails(&["--limit", "0"]), Vec::<String>::new());
    let table = place.run(&["users", "list"]).out;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.lines().next().unwrap().contains("EMAIL"), "{table}");

    let shown = place.run(&["users", "show", "adm@lp.com", "--json"]);
    let adm = shown.json();
    assert_eq!((&adm["roles"], &adm["has_password"], &adm["active"]), (&json!(["admin"]), &json!(true), &json!(true)));
    assert!(adm["confirmed_at"].is_string());
    let database = rusqlite::Connection::open(place.path("instance/lychgate.db")).unwrap();
    let columns = ["password", "fs_uniquifier", "fs_token_uniquifier", "fs_webauthn_user_handle"];
    for column in columns {
        let sql = format!("SELECT \"{column}\" FROM \"user\" WHERE email = 'adm@lp.com'");
        let Ok(secret) = database.query_row(&sql, [], |row| row.get::<_, String>(0)) else { continue };
        assert!(!shown.out.contains(&secret), "{column}");
        assert!(!place.run(&["users", "show", "adm@lp.com"]).out.contains(&secret), "{column}");
    }
}

#[test]
fn users_are_deleted_after_a_question() {
    let place = Place::new();
    place.user(&["joe@lp.com"]);
    let delete = ["users", "delete", "joe@lp.com"];
    for answer in ["", "\n", "n\n", "yesterday\n"] {
        let said = place.run_with(&delete, &[], answer);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{answer:?}");
        assert!(said.err.starts_with("Delete the user \"joe@lp.com\"") && said.err.ends_with("Aborted!\n"), "{said:?}");
    }
    let said = place.run_with(&delete, &[], "y\n");
    said.succeeds("User \"joe@lp.com\" has been deleted.\n");
    place.user(&["joe@lp.com"]);
    place.run(&["users", "delete", "--yes", "joe@lp.com"]).succeeds("User \"joe@lp.com\" has been deleted.\n");
    place.run(&["users", "delete", "--yes", "joe@lp.com"]).refuses("users delete", "User not found.");
}

#[test]
fn roles_are_created_and_given() {
    let place = Place::new();
    place.user(&["joe@lp.com"]);
    place
        .run(&["roles", "create", "editor", "-d", "Edits", "-p", "read, write"])
        .succeeds("Role \"editor\" created successfully.\n");
    place.run(&["roles", "create", "editor"]).refuses("roles create", "Role \"editor\" already exists.");
    place.run(&["roles", "create", ""]).refuses("roles create", "a role needs a name");
    let add = |user: &str, role: &str| place.run(&["roles", "add", user, role]);
    add("joe@lp.com", "editor").succeeds("Role \"editor\" added to user \"joe@lp.com\" successfully.\n");
    add("joe@lp.com", "editor").refuses("roles add", "Cannot add role to user.");
    add("nobody@lp.com", "editor").refuses("roles add", "User not found.");
    add("joe@lp.com", "Editor").refuses("roles add", "Cannot find role.");
    let joe = place.run(&["users", "show", "joe@lp.com", "--json"]).json();
    assert_eq!((&joe["roles"], &joe["permissions"]), (&json!(["editor"]), &json!(["read", "write"])));
    let remove = |user: &str, role: &str| place.run(&["roles", "remove", user, role]);
    remove("nobody@lp.com", "editor").refuses("roles remove", "User not found.");
    remove("joe@lp.com", "none").refuses("roles remove", "Cannot find role.");
    remove("joe@lp.com", "editor").succeeds("Role \"editor\" removed from user \"joe@lp.com\" successfully.\n");
    remove("joe@lp.com", "editor").refuses("roles remove", "Cannot remove role from user.");
}

#[test]
fn permissions_are_added_and_removed() {
    let place = Place::new();
    place.run(&["roles", "create", "editor", "-p", "read"]).succeeds("Role \"editor\" created successfully.\n");
    let permissions = || place.run(&["roles", "show", "editor", "--json"]).json()["permissions"].clone();
    place
        .run(&["roles", "add_permissions", "editor", "write, read"])
        .succeeds("Permission(s) \"write, read\" added to role \"editor\" successfully.\n");
    assert_eq!(permissions(), json!(["read", "write"]));
    place
        .run(&["roles", "remove_permissions", "editor", "read,unknown"])
        .succeeds("Permission(s) \"read,unknown\" removed from role \"editor\" successfully.\n");
    assert_eq!(permissions(), json!(["write"]));
    for command in ["add_permissions", "remove_permissions"] {
        place.run(&["roles", command, "none", "read"]).refuses(&format!("roles {command}"), "Cannot find role.");
    }
}

#[test]
fn roles_without_permissions_in_the_database() {
    let place = Place::new();
    place.user(&["joe@lp.com"]);
    place.sql("ALTER TABLE role DROP COLUMN permissions");
    place
        .run(&["roles", "create", "editor", "-p", "read"])
        .refuses("roles create", "Role model does not support permissions");
    place.run(&["roles", "create", "editor"]).succeeds("Role \"editor\" created successfully.\n");
    place
        .run(&["roles", "add_permissions", "editor", "read"])
        .refuses("roles add_permissions", "Role model does not support permissions");
}

#[test]
fn roles_are_listed_and_deleted() {
    let place = Place::new();
    place.user(&["--admin", "adm@lp.com"]);
    place.run(&["roles", "create", "editor", "-d", "Edits"]);
    let roles = place.run(&["roles", "list", "--json"]).json();
    assert_eq!(roles[1], json!({"name": "editor", "description": "Edits", "permissions": []}));
    assert!(place.run(&["roles", "list"]).out.contains("May do everything"));
    assert_eq!(place.run(&["roles", "show", "admin", "--json"]).json()["users"], 1);
    assert!(place.run(&["roles", "show", "admin"]).out.contains("May do everything"));
    place.run(&["roles", "show", "none"]).refuses("roles show", "Cannot find role.");
    assert_eq!(place.run_with(&["roles", "delete", "editor"], &[], "no\n").code, 1);
    place.run(&["roles", "delete", "editor", "--yes"]).succeeds("Role \"editor\" has been deleted.\n");
    place.run(&["roles", "delete", "editor", "--yes"]).refuses("roles delete", "Cannot find role.");
}

#[test]
fn the_settings_name_the_groups() {
    let place = Place::new();
    place.write("lychgate.toml", "[security]\ncli_users_name = \"people\"\ncli_roles_name = \"\"\n");
    assert_eq!(place.run(&["people", "list", "--json"]).json(), json!([]));
    place.run(&["people", "activate", "x@lp.com"]).refuses("people activate", "User not found.");
    assert_eq!(place.run(&["users", "list"]).code, 2);
    assert_eq!(place.run(&["roles", "list"]).code, 2);
    let help = place.run(&["--help"]).out;
    assert!(help.contains("  people ") && !help.contains("  roles "), "{help}");
}

#[test]
fn init_writes_settings_that_work() {
    let place = Place::new();
    let said = place.run(&["init"]);
    said.succeeds("lychgate.toml is written, with fresh secrets. `lychgate doctor` checks it.\n");
    assert_eq!(place.mode("lychgate.toml"), 0o600);
    let first = place.read("lychgate.toml");
    assert!(first.lines().filter(|line| line.starts_with('#')).count() > 10, "it explains");
    let again = place.run(&["init"]);
    again.refuses("init", "lychgate.toml is there already; --force replaces it");
    assert_eq!(place.read("lychgate.toml"), first);
    assert_eq!(place.run(&["doctor"]).code, 0);

    place.write("lychgate.toml", &format!("{first}\n# a remark\n"));
    assert_eq!(place.run(&["init", "--force"]).code, 0);
    assert_eq!(place.read("lychgate.toml"), first, "with the same secrets: others would lock everybody out");

    let other = Place::new();
    other
        .run(&["--config", "settings.toml", "init"])
        .succeeds("settings.toml is written, with fresh secrets. `lychgate doctor` checks it.\n");
    assert_ne!(other.read("settings.toml"), first);
}

#[test]
fn init_keeps_the_secrets_of_a_running_installation() {
    let place = Place::new();
    place.user(&["--admin", "adm@lp.com"]);
    place
        .run(&["init"])
        .succeeds("lychgate.toml is written, with the secrets that were here. `lychgate doctor` checks it.\n");
    let server = place.serve(&[]);
    assert_eq!(server.client().sign_in("adm@lp.com").status, 200);
}

#[test]
fn passkeys_need_their_table() {
    let place = Place::new();
    place.user(&["joe@lp.com"]);
    place.sql("DROP TABLE web_authn");
    assert_eq!(place.run(&["users", "list"]).code, 0);
    place.write("lychgate.toml", "[security]\nwebauthn = true\n");
    let said = place.run(&["users", "list"]);
    assert!(said.code != 0 && said.err.contains("no table web_authn"), "{said:?}");
    let report = place.run(&["doctor"]);
    assert!(report.code != 0 && report.out.contains("no table web_authn"), "{report:?}");
}

#[test]
fn the_doctor_finds_nothing_in_a_good_installation() {
    let place = Place::new();
    let before = place.run(&["doctor"]);
    assert_eq!(before.code, 0, "{before:?}");
    assert!(!place.path("instance").exists(), "the doctor makes nothing");
    place.user(&["--admin", "adm@lp.com"]);
    let report = place.run(&["doctor", "--json"]).json();
    assert_eq!(report["ok"], true);
    let sections: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["section"].as_str().unwrap()).collect();
    for section in ["settings", "secrets", "database", "clock", "mail"] {
        assert!(sections.contains(&section), "{section}");
    }
    let said = place.run(&["doctor"]);
    assert!(said.out.contains("users: 1, roles: 1") && said.out.contains("can be written"), "{said:?}");
    for secret in place.read("instance/secrets.toml").split('"').filter(|text| text.len() == 64) {
        assert!(!said.out.contains(secret));
    }
}

#[test]
fn the_doctor_says_what_to_do() {
    let place = Place::new();
    place.user(&["joe@lp.com"]);
    place.set_mode("instance/secrets.toml", 0o644);
    let said = place.run(&["doctor"]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("can be read by others (mode 644)") && said.out.contains("what to do: chmod 600 "),
        "{said:?}"
    );
    assert!(said.out.contains("nobody has the role \"admin\"") && said.out.ends_with("\n1 problem.\n"), "{said:?}");
    place.set_mode("instance/secrets.toml", 0o600);

    place.write("lychgate.toml", "[security]\nlogn_url = \"/x\"\n");
    let said = place.run(&["doctor"]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("unknown setting \"logn_url\"") && said.out.contains("did you mean \"login_url\"?"),
        "{said:?}"
    );

    place.write("lychgate.toml", "database_url = \"sqlite:///missing/app.db\"\n");
    let said = place.run(&["doctor"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("cannot open the database"), "{said:?}");

    place.write("lychgate.toml", "database_url = \"sqlite:///junk.db\"\n");
    place.write("junk.db", &"no database ".repeat(500));
    let said = place.run(&["doctor"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("is not an SQLite database"), "{said:?}");
}

#[test]
fn the_doctor_greets_the_mail_server() {
    let place = Place::new();
    let check = |greeting: &'static str| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        place.write("lychgate.toml", &format!("[mail]\nserver = \"127.0.0.1\"\nport = {port}\n"));
        let server = std::thread::spawn(move || listener.accept().unwrap().0.write_all(greeting.as_bytes()).unwrap());
        let said = place.run(&["doctor"]);
        server.join().unwrap();
        said
    };
    let good = check("220 mail.lp.com ESMTP\r\n");
    assert_eq!(good.code, 0, "{good:?}");
    assert!(good.out.contains("greets: 220 mail.lp.com ESMTP"), "{good:?}");
    let bad = check("HTTP/1.1 400 Bad Request\r\n");
    assert_eq!(bad.code, 1);
    assert!(bad.out.contains("does not greet as a mail server: HTTP/1.1 400"), "{bad:?}");

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    place.write("lychgate.toml", &format!("[mail]\nserver = \"127.0.0.1\"\nport = {closed}\n"));
    let away = place.run(&["doctor"]);
    assert_eq!(away.code, 1);
    assert!(away.out.contains("cannot be reached"), "{away:?}");
}

#[test]
fn routes_and_their_guards() {
    let place = Place::new();
    place.write("lychgate.toml", "[security]\nurl_prefix = \"/auth\"\n");
    let routes = place.run(&["routes", "--json"]).json();
    let find = |path: &str| routes.as_array().unwrap().iter().find(|route| route["path"] == path).cloned();
    assert_eq!(find("/auth/login").unwrap()["endpoint"], "login");
    assert_eq!(find("/healthz").unwrap()["methods"], json!(["GET"]));
    assert!(find("/login").is_none());
    let table = place.run(&["routes"]).out;
    assert!(table.lines().any(|line| line.contains("/auth/login") && line.contains("POST")), "{table}");
    assert!(!place.path("instance").exists(), "no database is needed");
}

#[test]
fn openapi_is_printed() {
    let place = Place::new();
    let document = place.run(&["openapi"]).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    assert!(document["paths"]["/login"].is_object());
    assert!(!place.path("instance").exists(), "no database is needed");
}
