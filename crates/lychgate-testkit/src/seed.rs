//! The roles and users of every test application.

use lychgate::{Lychgate, NewAccount};
use lychgate_store::UserPatch;
use time::OffsetDateTime;

/// Everybody's password.
pub const PASSWORD: &str = "password";

const ROLES: [(&str, &[&str]); 4] = [
    ("admin", &["full-read", "full-write", "super"]),
    ("editor", &["full-read", "full-write"]),
    ("author", &["full-read", "my-write"]),
    ("simple", &[]),
];

/// Name, roles, second factor. `tiya` is inactive, `jess` has no password, `gal` and the others use a second factor.
const USERS: [(&str, &[&str], Option<&str>); 8] = [
    ("matt", &["admin"], None),
    ("joe", &["editor"], None),
    ("dave", &["admin", "editor"], None),
    ("jill", &["author"], None),
    ("tiya", &[], None),
    ("gene", &["simple"], None),
    ("jess", &[], None),
    ("gal", &["admin"], Some("authenticator")),
];

pub(crate) async fn fill(gate: &Lychgate, now: OffsetDateTime) {
    for (name, permissions) in ROLES {
        let permissions: Vec<String> = permissions.iter().map(|&name| name.to_owned()).collect();
        let permissions = (!permissions.is_empty()).then_some(permissions.as_slice());
        // The pages for signing up make the roles that they give.
        if gate.store().role_by_name(name).await.unwrap().is_none() {
            gate.store().create_role(name, None, permissions, now).await.unwrap();
        }
    }
    for (name, roles, second_factor) in USERS {
        let account = NewAccount {
            email: format!("{name}@lp.com"),
            username: Some(name.to_owned()),
            password: (name != "jess").then(|| PASSWORD.to_owned()),
            active: name != "tiya",
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            ..NewAccount::default()
        };
        let user = gate.accounts().create(&account).await.unwrap();
        if let Some(method) = second_factor {
            let tf_primary_method = Some(Some(method.to_owned()));
            let patch = UserPatch { tf_primary_method, ..UserPatch::default() };
            gate.store().update_user(user.id, patch, now).await.unwrap();
        }
    }
}
