//! `lychgate users list` and `show`.

use clap::Args;
use lychgate::Lychgate;
use lychgate_store::{User, UserQuery};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use crate::{exit::Exit, output};

/// The most users that the database gives at once.
const PAGE: u32 = 1000;

/// List users, in the order in which they were made
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those whose e-mail address or username holds this
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those who have this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only those who may sign in
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// Only those who may not sign in
    #[arg(long)]
    inactive: bool,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Show a user
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Whom: e-mail address, username …
    user: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(crate) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let active = (self.active || self.inactive).then_some(self.active);
        let mut query = UserQuery { search: self.search, role: self.role, active, ..UserQuery::default() };
        let mut left = self.limit;
        let mut users = Vec::new();
        while left > 0 {
            query.limit = left.min(PAGE);
            let page = gate.store().users_page(&query).await?;
            left -= u32::try_from(page.items.len()).unwrap_or(PAGE).min(left);
            users.extend(page.items);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        if self.json {
            output::json(&users.iter().map(|user| brief(user)).collect());
            return Ok(());
        }
        let rows = users.iter().map(|user| {
            let roles: Vec<&str> = user.roles.iter().map(|role| role.name.as_str()).collect();
            vec![
                user.id.to_string(),
                user.email.clone(),
                user.username.clone().unwrap_or_default(),
                yes(user.active),
                yes(user.confirmed_at.is_some()),
                roles.join(", "),
                short(user.current_login_at),
            ]
        });
        output::table(&["ID", "EMAIL", "USERNAME", "ACTIVE", "CONFIRMED", "ROLES", "LAST SIGN-IN"], rows);
        Ok(())
    }
}

impl Show {
    pub(crate) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let user = super::find(gate, &self.user).await?;
        let mut value = full(&user);
        let standing = gate.accounts().standing(&user).await?;
        if let Some(value) = value.as_object_mut() {
            value.insert("state".to_owned(), standing.status.word().into());
            value.insert("state_until".to_owned(), stamp(standing.until).into());
            value.insert("state_reason".to_owned(), standing.reason.into());
        }
        if self.json {
            output::json(&value);
            return Ok(());
        }
        let rows = value.as_object().into_iter().flatten().map(|(name, value)| {
            let text = match value {
                Value::Null => String::new(),
                Value::Bool(flag) => yes(*flag),
                Value::String(text) => text.clone(),
                Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
                other => other.to_string(),
            };
            vec![name.clone(), text]
        });
        output::table(&["WHAT", "VALUE"], rows);
        Ok(())
    }
}

fn brief(user: &User) -> Value {
    let roles: Vec<&str> = user.roles.iter().map(|role| role.name.as_str()).collect();
    json!({
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "active": user.active,
        "confirmed_at": stamp(user.confirmed_at),
        "roles": roles,
        "last_sign_in_at": stamp(user.current_login_at),
    })
}

/// What an administrator may know: no password, secret, code or uniquifier, and no column that may be one.
fn full(user: &User) -> Value {
    let mut permissions: Vec<&str> =
        user.roles.iter().flat_map(|role| role.permissions.iter().map(String::as_str)).collect();
    permissions.sort_unstable();
    permissions.dedup();
    let mut value = brief(user);
    let more = json!({
        "permissions": permissions,
        "has_password": user.password.is_some(),
        "phone": user.us_phone_number,
        "second_factor": user.tf_primary_method,
        "recovery_codes": user.mf_recovery_codes.len(),
        "last_sign_in_from": user.current_login_ip,
        "previous_sign_in_at": stamp(user.last_login_at),
        "sign_ins": user.login_count,
        "created_at": stamp(user.create_datetime),
        "changed_at": stamp(user.update_datetime),
    });
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}

fn stamp(time: Option<OffsetDateTime>) -> Option<String> {
    time?.format(&Rfc3339).ok()
}

fn short(time: Option<OffsetDateTime>) -> String {
    let text = time.map(|time| time.format(format_description!("[year]-[month]-[day] [hour]:[minute]")));
    text.and_then(Result::ok).unwrap_or_default()
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}
