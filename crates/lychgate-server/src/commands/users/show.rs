//! `lychgate users show`: all that an administrator may know of one user.

use std::collections::HashMap;

use clap::Args;
use lychgate::{Lychgate, Operator};
use lychgate_store::{AuditQuery, User};
use serde_json::{Map, Value, json};

use super::list::{brief, stamp, yes};
use crate::{exit::Exit, output};

/// How much of what happened is shown.
const ACTIVITIES: u32 = 10;
/// Entries of the audit log in which the origin of roles is looked for.
const ENTRIES: u32 = 500;

/// Show a user: state, roles and who gave them, factors, sessions, keys, what happened last
///
/// Never a password, a code or a secret.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Whom: e-mail address, username …
    user: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let user = super::find(gate, &self.user).await?;
        let mut value = full(&user);
        let standing = gate.accounts().standing(&user).await?;
        value.insert("state".to_owned(), standing.status.word().into());
        value.insert("state_since".to_owned(), stamp(standing.since).into());
        value.insert("state_until".to_owned(), stamp(standing.until).into());
        value.insert("state_reason".to_owned(), standing.reason.into());
        value.insert("state_by".to_owned(), standing.by.into());
        let due = gate.store().account_state(user.id).await?.and_then(|state| state.deletion_due_at);
        value.insert("deletion_due_at".to_owned(), stamp(due).into());
        let (plain, lists) = (Value::Object(value), lists(gate, &user).await?);
        if self.json {
            let mut all = plain;
            if let Value::Object(all) = &mut all {
                all.extend(lists.into_iter().map(|list| (list.name.to_owned(), list.items.into())));
            }
            output::json(&all);
            return Ok(());
        }
        let rows = plain.as_object().into_iter().flatten().map(|(name, value)| vec![name.clone(), text(value)]);
        output::table(&["WHAT", "VALUE"], rows);
        for list in lists.iter().filter(|list| !list.items.is_empty()) {
            output::line("");
            output::line(list.heading);
            let rows = list.items.iter().map(|item| list.columns.iter().map(|name| text(&item[*name])).collect());
            let headings: Vec<String> = list.columns.iter().map(|name| upper(name)).collect();
            output::table(&headings.iter().map(String::as_str).collect::<Vec<_>>(), rows);
        }
        Ok(())
    }
}

fn upper(name: &str) -> String {
    name.replace('_', " ").to_uppercase()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => yes(*flag),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Things of one kind that a user has.
struct List {
    name: &'static str,
    heading: &'static str,
    /// What the table shows of each.
    columns: &'static [&'static str],
    items: Vec<Value>,
}

async fn lists(gate: &Lychgate, user: &User) -> Result<[List; 6], Exit> {
    let (store, now) = (gate.store(), gate.now());
    let given = origins(gate, user.id).await?;
    let roles = user.roles.iter().map(|role| {
        let (by, at) = given.get(&role.name).cloned().unwrap_or_default();
        json!({"name": role.name, "permissions": role.permissions, "given_by": by, "given_at": at})
    });
    let passkeys = store.credentials_of(user.id).await?;
    let passkeys = passkeys.iter().map(|key| {
        json!({"name": key.name, "usage": key.usage, "added_at": stamp(Some(key.created_at)),
            "last_used_at": stamp(Some(key.last_used_at)), "transports": key.transports})
    });
    let sessions = store.sessions_of(user.id).await?;
    let sessions = sessions.iter().filter(|one| one.is_live(now)).map(|one| {
        json!({"id": Operator::public_session_id(&one.sid), "via": one.via, "address": one.address,
            "signed_in_at": stamp(Some(one.created_at)), "last_seen_at": stamp(Some(one.last_seen_at)),
            "user_agent": one.user_agent})
    });
    let keys = gate.accounts().api_keys(Some(user)).await?;
    let keys = keys.iter().filter(|key| key.revoked_at.is_none()).map(|key| {
        json!({"id": key.id, "name": key.name, "may": key.scopes, "live": key.is_live(now),
            "expires_at": stamp(key.expires_at), "last_used_at": stamp(key.last_used_at)})
    });
    let families = store.refresh_families_of(user.id).await?;
    let families = families.iter().filter(|one| one.revoked_at.is_none() && now < one.expires_at).map(|one| {
        json!({"id": Operator::public_session_id(&one.family), "name": one.name, "uses": one.generation,
            "last_used_at": stamp(Some(one.last_used_at)), "expires_at": stamp(Some(one.expires_at))})
    });
    let activity = store.activity_of(user.id, ACTIVITIES).await?;
    let activity = activity.iter().map(|one| {
        json!({"at": stamp(Some(one.at)), "kind": one.kind, "detail": one.detail, "address": one.address,
            "user_agent": one.user_agent})
    });
    let list = |name, heading, columns, items| List { name, heading, columns, items };
    Ok([
        list("role_origins", "Roles", &["name", "permissions", "given_by", "given_at"], roles.collect()),
        list("passkeys", "Passkeys", &["name", "usage", "added_at", "last_used_at", "transports"], passkeys.collect()),
        list("sessions", "Sessions", &["id", "via", "address", "signed_in_at", "last_seen_at"], sessions.collect()),
        list("api_keys", "API keys", &["id", "name", "may", "live", "last_used_at"], keys.collect()),
        list(
            "refresh_tokens",
            "Refresh tokens",
            &["id", "name", "uses", "last_used_at", "expires_at"],
            families.collect(),
        ),
        list("activity", "What happened last", &["at", "kind", "detail", "address", "user_agent"], activity.collect()),
    ])
}

/// Who gave a role, and when.
type Origin = (Option<String>, Option<String>);

/// Who gave each role when, as far as the audit log knows it.
async fn origins(gate: &Lychgate, user_id: i64) -> Result<HashMap<String, Origin>, Exit> {
    let kinds = ["administered", "role-added"].map(str::to_owned).to_vec();
    let query = AuditQuery { about: Some(user_id), kinds, limit: ENTRIES, ..AuditQuery::default() };
    let mut origins: HashMap<String, Origin> = HashMap::new();
    for entry in gate.audit().page(&query).await? {
        let (what, added) = (entry.detail("what"), entry.detail("role"));
        let given = what.strip_prefix("role ").and_then(|rest| rest.strip_suffix(" given"));
        let role = given.map_or(added, str::to_owned);
        // The newest comes first.
        if role.is_empty() || origins.contains_key(&role) {
            continue;
        }
        let by = match entry.actor_id {
            Some(id) => gate.store().user_by_id(id).await?.map(|by| by.email.clone()),
            None => Some(entry.actor.clone()),
        };
        origins.insert(role, (by, stamp(Some(entry.at))));
    }
    Ok(origins)
}

/// What an administrator may know: no password, secret, code or uniquifier, and no column that may be one.
fn full(user: &User) -> Map<String, Value> {
    let mut permissions: Vec<&str> =
        user.roles.iter().flat_map(|role| role.permissions.iter().map(String::as_str)).collect();
    permissions.sort_unstable();
    permissions.dedup();
    let more = json!({
        "permissions": permissions,
        "has_password": user.password.as_deref().is_some_and(|hash| !hash.is_empty()),
        "phone": user.us_phone_number,
        "recovery_codes": user.mf_recovery_codes.len(),
        "last_sign_in_from": user.current_login_ip,
        "previous_sign_in_at": stamp(user.last_login_at),
        "sign_ins": user.login_count,
        "changed_at": stamp(user.update_datetime),
    });
    let mut all = match brief(user) {
        Value::Object(all) => all,
        _ => Map::new(),
    };
    if let Value::Object(more) = more {
        all.extend(more);
    }
    all
}
