//! One user: what they have and may do, and what can be done about it.

use std::collections::HashMap;

use axum::response::Response;
use lychgate::{
    Refused, RoleChange,
    store::{AuditQuery, User},
};
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, Stop, object},
    impersonate, keys, roles,
    view::{brief, iso, session},
};

/// How much of what happened is shown.
const ACTIVITIES: u32 = 50;

/// Entries of the audit log in which the origin of roles is looked for.
const ENTRIES: u32 = 500;

/// Who gave each role when, as far as the audit log knows it.
async fn origins(ask: &Ask, user_id: i64) -> Result<HashMap<String, Value>, Stop> {
    let kinds = ["administered", "role-added"].map(str::to_owned).to_vec();
    let query = AuditQuery { about: Some(user_id), kinds, limit: ENTRIES, ..AuditQuery::default() };
    let mut origins: HashMap<String, Value> = HashMap::new();
    for entry in ask.gate().audit().page(&query).await? {
        let (what, added) = (entry.detail("what"), entry.detail("role"));
        let given = what.strip_prefix("role ").and_then(|rest| rest.strip_suffix(" given"));
        let role = given.map_or(added, str::to_owned);
        // The newest comes first.
        if role.is_empty() || origins.contains_key(&role) {
            continue;
        }
        let by = match entry.actor_id {
            Some(id) => ask.gate().store().user_by_id(id).await?.map(|by| by.email.clone()),
            None => Some(entry.actor.clone()),
        };
        origins.insert(role, json!({"by": by, "at": iso(entry.at), "ago": ask.operator.ago(entry.at)}));
    }
    Ok(origins)
}

pub(crate) async fn show(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    let made = async {
        let (operator, store) = (&ask.operator, ask.gate().store());
        let given = origins(&ask, user.id).await?;
        let roles: Vec<Value> = user
            .roles
            .iter()
            .map(|role| json!({"name": role.name, "permissions": role.permissions, "origin": given.get(&role.name)}))
            .collect();
        let mut permissions: Vec<&str> =
            user.roles.iter().flat_map(|role| role.permissions.iter()).map(String::as_str).collect();
        permissions.sort_unstable();
        permissions.dedup();
        let sessions = store.sessions_of(user.id).await?;
        let live: Vec<Value> = sessions
            .iter()
            .filter(|one| one.is_live(operator.now()))
            .take(100)
            .map(|one| session(operator, one))
            .collect();
        let keys_of_user = store.credentials_of(user.id).await?;
        let standing = ask.gate().accounts().standing(&user).await?;
        let passkeys: Vec<Value> = keys_of_user
            .iter()
            .map(|key| json!({"name": key.name, "usage": key.usage, "added_at": iso(key.created_at), "last_used": operator.ago(key.last_used_at)}))
            .collect();
        let activity: Vec<Value> = store
            .activity_of(user.id, ACTIVITIES)
            .await?
            .iter()
            .map(|one| {
                json!({
                    "text": operator.describe(one),
                    "kind": one.kind,
                    "detail": one.detail,
                    "at": iso(one.at),
                    "ago": operator.ago(one.at),
                    "address": one.address,
                    "device": operator.device(one.user_agent.as_deref().unwrap_or_default()),
                })
            })
            .collect();
        let state = store.account_state(user.id).await?;
        let waits = ask.gate().accounts().waits_until(&user).await?;
        let missing: Vec<String> =
            store.roles().await?.iter().map(|role| role.name.clone()).filter(|name| !user.has_role(name)).collect();
        Ok::<_, Stop>(json!({
            "subject": brief(operator, &user, keys_of_user.len(), &standing),
            "has_password": user.password.as_deref().is_some_and(|hash| !hash.is_empty()),
            "phone": user.us_phone_number,
            "recovery_codes": user.mf_recovery_codes.len(),
            "sign_ins": user.login_count,
            "last_sign_in_from": user.current_login_ip,
            "deletion_due_at": state.and_then(|state| state.deletion_due_at).and_then(iso),
            "subject_roles": roles,
            "missing_roles": missing,
            "subject_permissions": permissions,
            "sessions": live,
            "passkey_list": passkeys,
            "api_keys": keys::keys(operator, &store.api_keys(Some(user.id)).await?),
            "refresh_families": keys::families(operator, &store.refresh_families_of(user.id).await?),
            "activity": activity,
            "impersonation": impersonate::may(&ask, &user).await?,
            "passwords_wait_until": waits.and_then(iso),
            "is_self": user.id == operator.user().id(),
        }))
    };
    let values = made.await.map_err(|stop| ask.stop(stop))?;
    Ok(ask.page("admin/user.html", "users", object(values)))
}

pub(crate) fn result(ask: &Ask, user: &User, done: Result<(), Refused>, text: &'static str) -> Response {
    let to = format!("/users/{}", user.id);
    match done {
        Ok(()) => ask.done(text, &to, json!({})),
        Err(why) => ask.refused(why.to_string(), &to),
    }
}

pub(crate) async fn activate(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    let done = ask.operator.set_active(&user, true).await;
    Ok(result(&ask, &user, done, "The account can be used."))
}

pub(crate) async fn deactivate(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    let done = ask.operator.set_active(&user, false).await;
    Ok(result(&ask, &user, done, "The account cannot be used any more."))
}

/// Deletes the account if its address was typed, or a program sent `confirm`.
pub(crate) async fn delete(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    if ask.field("confirm") != user.email {
        return Ok(ask.refused("Type the address of the account to delete it.", &format!("/users/{}", user.id)));
    }
    match ask.operator.delete(&user).await {
        Ok(()) => Ok(ask.done("The account is deleted.", "/users", json!({}))),
        Err(why) => Ok(result(&ask, &user, Err(why), "")),
    }
}

pub(crate) async fn reset_access(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    let done = ask.operator.reset_access(&user).await;
    Ok(result(&ask, &user, done, "Second factors, passkeys, sessions and tokens are gone."))
}

pub(crate) async fn send_reset(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    let done = ask.operator.send_reset(&user).await;
    Ok(result(&ask, &user, done, "A mail to choose a new password is on its way."))
}

pub(crate) async fn end_session(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    let done = ask.operator.end_session(user.id, ask.field("session")).await;
    Ok(result(&ask, &user, done, "The session has ended."))
}

pub(crate) async fn end_sessions(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    let done = ask.operator.end_sessions(&user).await;
    Ok(result(&ask, &user, done, "All sessions have ended."))
}

/// What giving or taking a role would do to somebody, where that is asked first.
async fn asked_first(ask: &Ask, user: &User, give: bool) -> Result<Option<Response>, Response> {
    if !ask.ticked("ask") || ask.ticked("confirm") {
        return Ok(None);
    }
    let (user_id, role) = (user.id, ask.field("role").to_owned());
    let made = async {
        ask.gate().store().role_by_name(&role).await?.ok_or_else(Stop::missing)?;
        let mut values = json!({
            "action": if give { "give-role" } else { "take-role" },
            "role_name": role,
            "person": {"id": user.id, "email": user.email},
        });
        let change = match give {
            true => RoleChange::Give { user_id, role },
            false => RoleChange::Take { user_id, role },
        };
        roles::add_effects(ask, &change, &mut values).await?;
        Ok(values)
    };
    let values = made.await.map_err(|stop| ask.stop(stop))?;
    Ok(Some(ask.page("admin/confirm.html", "users", object(values))))
}

pub(crate) async fn give_role(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    if let Some(asked) = asked_first(&ask, &user, true).await? {
        return Ok(asked);
    }
    let done = ask.operator.give_role(&user, ask.field("role")).await;
    Ok(result(&ask, &user, done, "The role is given."))
}

pub(crate) async fn take_role(ask: Ask) -> Answer {
    let user = ask.subject().await?;
    if let Some(asked) = asked_first(&ask, &user, false).await? {
        return Ok(asked);
    }
    let done = ask.operator.take_role(&user, ask.field("role")).await;
    Ok(result(&ask, &user, done, "The role is taken away."))
}
