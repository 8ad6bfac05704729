//! Administrators and their panel.

use crate::settings::setting::{Setting, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    text("admin_role", "admin").means("The role of administrators. There is always one who has it and may sign in."),
    path("admin_url", "/admin").means("Route of the panel of administrators, where it is mounted."),
];
