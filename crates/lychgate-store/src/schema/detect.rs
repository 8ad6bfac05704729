//! From the tables that were found to the schema that is worked with.

use super::{Column, ColumnKind, Dialect, Layout, Tables, ddl, quote};
use crate::error::OpenError;
use crate::options::{CreateMode, SchemaNames};

/// The tables and columns of an open database.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) dialect: Dialect,
    pub(crate) user: Layout,
    pub(crate) role: Layout,
    /// The quoted name of the table between users and roles.
    pub(crate) links: String,
    /// Whether links have a primary key, as in the plain declarative models.
    pub(crate) links_keyed: bool,
    pub(crate) webauthn: Option<Layout>,
    pub(crate) refresh: Option<Layout>,
    /// Which of the bundled models it looks like.
    pub(crate) version: String,
    /// Columns of the newest model that it lacks.
    pub(crate) missing: Vec<&'static str>,
}

/// What to do after the first look.
pub(crate) enum Plan {
    Ready(Box<Schema>),
    Create(Vec<String>),
}

/// Every column of the newest model's user table.
const USER_COLUMNS: [&str; 21] = [
    "id",
    "email",
    "username",
    "password",
    "active",
    "fs_uniquifier",
    "confirmed_at",
    "last_login_at",
    "current_login_at",
    "last_login_ip",
    "current_login_ip",
    "login_count",
    "tf_primary_method",
    "tf_totp_secret",
    "tf_phone_number",
    "us_totp_secrets",
    "us_phone_number",
    "fs_webauthn_user_handle",
    "mf_recovery_codes",
    "create_datetime",
    "update_datetime",
];

/// Every column of the table of passkeys.
const WEBAUTHN_COLUMNS: [&str; 13] = [
    "id",
    "credential_id",
    "public_key",
    "sign_count",
    "transports",
    "backup_state",
    "device_type",
    "extensions",
    "create_datetime",
    "lastuse_datetime",
    "name",
    "usage",
    "user_id",
];

/// The columns of the table of refresh trackers that are used.
const REFRESH_COLUMNS: [&str; 7] =
    ["refresh_family", "gen", "expires_at", "revoked_at", "last_used_at", "name", "user_id"];

/// Decides whether the database can be used, has to be created, or is refused.
pub(crate) fn plan(
    dialect: Dialect,
    names: &SchemaNames,
    create: CreateMode,
    tables: &Tables,
) -> Result<Plan, OpenError> {
    let core = [&names.user, &names.role, &names.roles_users];
    let found: Vec<String> =
        core.iter().filter(|name| tables.contains_key(name.as_str())).map(|name| quote(name)).collect();
    if found.is_empty() && create == CreateMode::IfEmpty {
        return Ok(Plan::Create(ddl::app_tables(dialect, names)));
    }
    for name in core {
        if !tables.contains_key(name.as_str()) {
            let hint = if found.is_empty() {
                "none of the application's tables exist and none are to be created".to_owned()
            } else {
                format!("the schema is incomplete: found only {}", found.join(", "))
            };
            return Err(OpenError::MissingTable { table: name.clone(), hint });
        }
    }
    for (name, given) in [(&names.webauthn, "webauthn"), (&names.refresh, "refresh tracker")] {
        if let Some(name) = name
            && !tables.contains_key(name.as_str())
        {
            return Err(OpenError::MissingTable {
                table: name.clone(),
                hint: format!("it is given as the name of the {given} table"),
            });
        }
    }
    resolve(dialect, names, tables).map(|schema| Plan::Ready(Box::new(schema)))
}

fn resolve(dialect: Dialect, names: &SchemaNames, tables: &Tables) -> Result<Schema, OpenError> {
    let user = table(tables, &names.user, &["id", "email", "password", "active", "fs_uniquifier"])?;
    let role = table(tables, &names.role, &["id", "name"])?;
    let links = table(tables, &names.roles_users, &["user_id", "role_id"])?;
    if user.iter().any(|c| c.name == "id" && c.kind != ColumnKind::Int) {
        return Err(OpenError::Setup(format!("the column \"id\" of \"{}\" is not an integer", names.user)));
    }
    let webauthn = optional(tables, names.webauthn_candidates(), names.webauthn.is_some(), &WEBAUTHN_COLUMNS)?;
    let refresh = optional(tables, names.refresh_candidates(), names.refresh.is_some(), &REFRESH_COLUMNS)?;
    let links_keyed = links.iter().any(|column| column.primary);
    let user = Layout::new(&names.user, user);
    let role = Layout::new(&names.role, role);
    let version = guess(&user, links_keyed, webauthn.is_some(), refresh.is_some());
    let missing = USER_COLUMNS.into_iter().filter(|name| !user.has(name)).collect();
    Ok(Schema {
        dialect,
        links: quote(&names.roles_users),
        links_keyed,
        user,
        role,
        webauthn,
        refresh,
        version,
        missing,
    })
}

/// A table that a database may lack. One that has the name by default but other columns is the application's own.
fn optional(
    tables: &Tables,
    candidates: Vec<&str>,
    is_named: bool,
    needed: &[&str],
) -> Result<Option<Layout>, OpenError> {
    for name in candidates.into_iter().filter(|name| tables.contains_key(*name)) {
        match table(tables, name, needed) {
            Ok(columns) => return Ok(Some(Layout::new(name, columns))),
            Err(error) if is_named => return Err(error),
            Err(_) => {}
        }
    }
    Ok(None)
}

fn table<'t>(tables: &'t Tables, name: &str, needed: &[&str]) -> Result<&'t [Column], OpenError> {
    let columns = tables.get(name).ok_or_else(|| OpenError::MissingTable {
        table: name.to_owned(),
        hint: "the schema is incomplete".to_owned(),
    })?;
    for column in needed {
        if !columns.iter().any(|c| c.name == *column) {
            return Err(OpenError::MissingColumn { table: name.to_owned(), column: (*column).to_owned() });
        }
    }
    Ok(columns)
}

/// Names the bundled model by what each version added.
fn guess(user: &Layout, links_keyed: bool, webauthn: bool, refresh: bool) -> String {
    let has = |names: &[&str]| names.iter().all(|name| user.has(name));
    let v1 = has(&["tf_totp_secret", "login_count", "create_datetime"]);
    let v2 = v1 && has(&["us_totp_secrets", "us_phone_number"]);
    let v3 = v2 && webauthn && has(&["fs_webauthn_user_handle", "mf_recovery_codes"]);
    let v4 = v3 && refresh;
    match (links_keyed, v1, v2, v3, v4) {
        (true, _, _, _, true) => "sqla v2",
        (true, _, _, true, _) => "sqla v1",
        (false, _, _, _, true) => "fsqla v4",
        (false, _, _, true, _) => "fsqla v3",
        (false, _, true, ..) => "fsqla v2",
        (false, true, ..) => "fsqla v1",
        _ => "custom",
    }
    .to_owned()
}
