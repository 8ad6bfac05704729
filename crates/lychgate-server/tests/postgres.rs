//! The same story on PostgreSQL: the database is named by a variable, the secrets are made in the data folder.

#![allow(clippy::unwrap_used)]

mod support;

use lychgate_store::testing::PgServer;
use serde_json::json;
use support::{PASSWORD, Place, names};

#[test]
fn a_first_start_on_postgresql() {
    let postgres = PgServer::start().unwrap();
    let url = postgres.fresh_database().unwrap();
    let place = Place::new();
    place.write("lychgate.toml", &format!("database_url = \"{url}\"\n"));

    let mut server = place.serve(&[]);
    let setup = server.setup_path();
    assert_eq!(names(&place.path("instance")), ["secrets.toml"]);
    let mut client = server.client();
    let who = json!({"email": "adm@lp.com", "password": PASSWORD, "password_confirm": PASSWORD});
    assert_eq!(client.post(&setup, &who).status, 200);
    assert_eq!(client.post(&setup, &who).status, 404);
    assert_eq!(client.sign_in("adm@lp.com").status, 200);
    assert_eq!(client.get("/readyz", "*/*").status, 200);

    place.user(&["-a", "joe@lp.com"]);
    place.run(&["roles", "create", "editor", "-p", "read"]).succeeds("Role \"editor\" created successfully.\n");
    place.run(&["roles", "create", "editor"]).refuses("roles create", "Role \"editor\" already exists.");
    place
        .run(&["roles", "add", "joe@lp.com", "editor"])
        .succeeds("Role \"editor\" added to user \"joe@lp.com\" successfully.\n");
    let users = place.run(&["users", "list", "--json"]).json();
    assert_eq!((&users[0]["roles"], &users[1]["roles"]), (&json!(["admin"]), &json!(["editor"])));
    assert_eq!(server.client().sign_in("joe@lp.com").status, 200);
    place.run(&["users", "delete", "-y", "joe@lp.com"]).succeeds("User \"joe@lp.com\" has been deleted.\n");

    let said = place.run(&["doctor"]);
    assert!(said.out.contains("PostgreSQL: postgresql://") && said.out.contains("users: 1, roles: 2"), "{said:?}");
    let (status, _) = server.stop("-TERM");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_password_in_the_address_is_never_shown() {
    let place = Place::new();
    let variables = [("DATABASE_URL", "postgresql://joe:S3CRET@127.0.0.1:1/app")];
    for command in [&["doctor"][..], &["users", "list"], &["serve", "--listen", "127.0.0.1:0"]] {
        let said = place.run_with(command, &variables, "");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(!said.out.contains("S3CRET") && !said.err.contains("S3CRET"), "{said:?}");
    }
    let said = place.run_with(&["users", "list"], &variables, "");
    assert_eq!(said.err.lines().count(), 1, "{said:?}");
}
