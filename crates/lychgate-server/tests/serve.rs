//! `lychgate serve`: the first start, the set-up link, stopping, and what goes wrong.

#![allow(clippy::unwrap_used)]

mod support;

use std::{net::TcpListener, sync::Barrier, time::Instant};

use serde_json::{Value, json};
use support::{PASSWORD, Place, names};

fn administrator() -> Value {
    json!({"email": "adm@lp.com", "password": PASSWORD, "password_confirm": PASSWORD})
}

#[test]
fn the_first_start_makes_everything() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    let setup = server.setup_path();
    assert!(setup.starts_with("/setup/") && setup.len() > 40, "{setup}");
    assert_eq!(place.mode("instance"), 0o700);
    assert_eq!(place.mode("instance/secrets.toml"), 0o600);
    assert_eq!(place.mode("instance/lychgate.db"), 0o600);
    assert!(!names(&place.path("")).contains(&"lychgate.toml".to_owned()));

    let mut client = server.client();
    let health = client.get("/healthz", "*/*");
    assert_eq!((health.status, health.json()), (200, json!({"status": "ok"})));
    let ready = client.get("/readyz", "*/*");
    assert_eq!((ready.status, ready.json()), (200, json!({"status": "ok"})));
    assert!(client.cookies.is_empty(), "who watches gets no session");
    let home = client.get("/", "text/html");
    assert_eq!(home.status, 200);
    assert!(home.body.contains("/login"), "{}", home.body);
    assert_eq!(client.get("/nowhere", "text/html").status, 404);
    let nowhere = client.get("/nowhere", "application/json");
    assert_eq!((nowhere.status, &nowhere.json()["meta"]["code"]), (404, &json!(404)));
}

#[test]
fn the_setup_link_works_once() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    let setup = server.setup_path();
    let mut client = server.client();

    assert_eq!(client.get("/setup/guessed", "text/html").status, 404);
    let page = client.get(&setup, "text/html");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("name=\"password_confirm\""), "{}", page.body);

    let refused =
        server.client().post(&setup, &json!({"email": "adm@lp.com", "password": "x", "password_confirm": "x"}));
    assert_eq!(refused.status, 400, "a bad password does not use up the link");

    let barrier = Barrier::new(20);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let posts: Vec<_> = (0..20)
            .map(|at| {
                let (barrier, setup, mut client) = (&barrier, &setup, server.client());
                scope.spawn(move || {
                    let mut who = administrator();
                    who["email"] = format!("adm{at}@lp.com").into();
                    barrier.wait();
                    client.post(setup, &who).status
                })
            })
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 404)), "{statuses:?}");
    assert_eq!(server.client().post(&setup, &administrator()).status, 404);
    assert_eq!(client.get(&setup, "text/html").status, 404);

    let users = place.run(&["users", "list", "--json"]).json();
    assert_eq!(users.as_array().unwrap().len(), 1, "{users}");
    assert_eq!(users[0]["roles"], json!(["admin"]));
    let email = users[0]["email"].as_str().unwrap();
    let reply = client.sign_in(email);
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[test]
fn a_second_start_keeps_sessions_and_offers_no_link() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    let setup = server.setup_path();
    let mut client = server.client();
    assert_eq!(client.post(&setup, &administrator()).status, 200);
    assert_eq!(client.sign_in("adm@lp.com").status, 200);
    let greeted = |home: &str| home.contains("adm@lp.com");
    assert!(greeted(&client.get("/", "text/html").body));
    let secrets = place.read("instance/secrets.toml");
    let (status, rest) = server.stop("-TERM");
    assert_eq!((status.code(), rest.as_str()), (Some(0), ""));

    let server = place.serve(&[]);
    let mut again = server.client();
    again.cookies = client.cookies;
    assert!(greeted(&again.get("/", "text/html").body), "the session is still good");
    assert_eq!(place.read("instance/secrets.toml"), secrets);
    let (status, rest) = server.stop("-INT");
    assert_eq!((status.code(), rest.as_str()), (Some(0), ""), "no link while there is an administrator");
}

#[test]
fn a_new_start_makes_earlier_links_useless() {
    let place = Place::new();
    let mut first = place.serve(&[]);
    let old = first.setup_path();
    first.stop("-TERM");
    let mut second = place.serve(&[]);
    let new = second.setup_path();
    assert_ne!(old, new);
    assert_eq!(second.client().post(&old, &administrator()).status, 404);
    assert_eq!(second.client().post(&new, &administrator()).status, 200);
}

#[test]
fn an_administrator_by_command_ends_the_link() {
    let place = Place::new();
    let mut server = place.serve(&[]);
    let setup = server.setup_path();
    place.user(&["--admin", "adm@lp.com"]);
    assert_eq!(server.client().post(&setup, &administrator()).status, 404);
    assert_eq!(server.client().sign_in("adm@lp.com").status, 200, "the running server sees the new user");
}

#[test]
fn a_user_who_is_deactivated_by_command_is_out_at_once() {
    let place = Place::new();
    place.user(&["--admin", "adm@lp.com"]);
    place.user(&["--active", "ann@lp.com"]);
    let server = place.serve(&[]);
    let mut client = server.client();
    assert_eq!(client.sign_in("ann@lp.com").status, 200);
    assert!(client.get("/", "text/html").body.contains("ann@lp.com"));
    assert_eq!(place.run(&["users", "deactivate", "ann@lp.com"]).code, 0);
    assert!(!client.get("/", "text/html").body.contains("ann@lp.com"));
}

#[test]
fn a_port_in_use_is_one_line() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = place.run(&["serve", "--listen", &address]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    let expected =
        format!("Error: cannot listen on {address}: another program listens there; stop it, or choose with --listen\n");
    assert_eq!(said.err, expected);
    assert!(!place.path("instance").exists(), "nothing was made");
}

#[test]
fn wrong_settings_are_told_line_by_line() {
    let place = Place::new();
    place.write("lychgate.toml", "listen = \"nowhere\"\n[security]\nlogn_url = \"/x\"\nfreshness = \"soon\"\n");
    for command in [&["serve"][..], &["users", "list"], &["routes"]] {
        let said = place.run(command);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        let lines: Vec<&str> = said.err.lines().collect();
        assert_eq!(lines.len(), 2, "{said:?}");
        assert!(lines[0].starts_with("lychgate.toml:3: unknown setting \"logn_url\""), "{said:?}");
        assert!(lines[1].starts_with("lychgate.toml:4: freshness: "), "{said:?}");
    }
    assert!(!place.path("instance").exists(), "nothing was made");
}

#[test]
fn a_database_that_is_away_is_one_line() {
    let place = Place::new();
    place.write("lychgate.toml", "database_url = \"sqlite:///missing/app.db\"\n");
    let said = place.run_with(&["serve", "--listen", "127.0.0.1:0"], &[("RUST_BACKTRACE", "1")], "");
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert_eq!(said.err, "Error: cannot open the database: there is no folder \"missing\"\n");
}

#[test]
fn users_without_their_salt_are_not_locked_out_silently() {
    let place = Place::new();
    place.user(&["--admin", "adm@lp.com"]);
    std::fs::remove_file(place.path("instance/secrets.toml")).unwrap();
    let said = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.err.contains("password_salt is nowhere to be found"), "{said:?}");
    assert!(!place.path("instance/secrets.toml").exists());
}

#[test]
fn options_beat_variables_beat_the_file() {
    let place = Place::new();
    place.write(
        "lychgate.toml",
        "app_name = \"From the file\"\nlisten = \"203.0.113.1:1\"\n[security]\nurl_prefix = \"/file\"\n",
    );
    place.write("other.toml", "app_name = \"From the other\"\n");
    let variables = [("SECURITY_URL_PREFIX", "/variable")];
    let said = place.run_with(&["routes"], &variables, "");
    assert!(said.out.contains("/variable/login") && !said.out.contains("/file"), "{said:?}");
    let mut server = place.serve(&[]);
    assert!(server.setup_path().starts_with("/file/setup/"));
    assert!(server.client().get("/", "text/html").body.contains("From the file"));
    drop(server);
    let mut server = place.serve(&["--config", "other.toml", "--data", "elsewhere/deep"]);
    server.setup_path();
    assert!(server.client().get("/", "text/html").body.contains("From the other"));
    assert_eq!(place.mode("elsewhere/deep/secrets.toml"), 0o600);
}

#[test]
fn configured_secrets_need_no_data_folder() {
    let place = Place::new();
    assert_eq!(place.run(&["init"]).code, 0);
    let text =
        place.read("lychgate.toml").replacen("\n[security]", "\ndatabase_url = \"sqlite:///app.db\"\n[security]", 1);
    place.write("lychgate.toml", &text);
    place.user(&["--admin", "adm@lp.com"]);
    assert!(place.path("app.db").exists());
    assert!(!place.path("instance").exists());
}

#[test]
fn the_second_start_is_quick() {
    let place = Place::new();
    drop(place.serve(&[]));
    let started = Instant::now();
    let server = place.serve(&[]);
    assert!(started.elapsed().as_secs_f64() < 5.0, "{:?}", started.elapsed());
    drop(server);
}

#[test]
fn two_first_starts_share_their_secrets() {
    let place = Place::new();
    let (one, two) = std::thread::scope(|scope| {
        let start = || scope.spawn(|| place.run(&["users", "list", "--json"]));
        let (one, two) = (start(), start());
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!((one.json(), two.json()), (json!([]), json!([])));
    let left: Vec<String> =
        names(&place.path("instance")).into_iter().filter(|name| !name.contains("lychgate.db")).collect();
    assert_eq!(left, ["secrets.toml"]);
}

#[test]
fn secrets_that_others_can_read_are_a_warning() {
    let place = Place::new();
    place.user(&["--admin", "adm@lp.com"]);
    place.set_mode("instance/secrets.toml", 0o640);
    drop(place.serve(&[]));
    let log = place.read("log");
    assert!(log.contains("secrets.toml can be read by others (mode 640): chmod 600 "), "{log}");
}

#[test]
fn the_log_can_be_json() {
    let place = Place::new();
    let server = place.serve(&["--log-json"]);
    server.stop("-TERM");
    let log = place.read("log");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let stopping = |line: &Value| {
        line["level"] == "INFO" && line["fields"]["message"].as_str().is_some_and(|text| text.starts_with("stopping"))
    };
    assert!(lines.iter().any(stopping), "{log}");
}

#[test]
fn a_setup_link_behind_a_proxy_names_its_origin() {
    let place = Place::new();
    place.write("lychgate.toml", "base_url = \"https://id.example\"\n");
    let mut server = place.serve(&[]);
    let line = server.line();
    assert!(line.starts_with("Set up the first administrator: https://id.example/setup/"), "{line}");
}
