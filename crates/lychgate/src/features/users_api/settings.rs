//! Settings of the users API.

use crate::settings::setting::{Setting, flag, list, path};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("users_api", false).means("Whether programs list, read, make, change and delete users by JSON."),
    path("users_api_url", "/api/users").means("Route of that API."),
    list("users_api_read_roles", &["admin"]).means("Roles that list and read all users; others read themselves."),
    list("users_api_write_roles", &["admin"]).means("Roles that make users and change their names."),
    list("users_api_admin_roles", &["admin"]).means(
        "Roles that also change roles, passwords and whether a user is active, and delete users. Users with one of them \
         are changed by nobody else.",
    ),
];
