//! Roles and what they permit; a change says first whom it is about.

use std::collections::BTreeSet;

use lychgate::{
    Effect, Need, RoleChange,
    store::{Batch, Role},
};
use serde_json::{Value, json};

use crate::ask::{Answer, Ask, Stop, object};

/// Users of a role are counted up to this.
const COUNTED: u32 = 1001;

/// So many of the people whom a change concerns are named.
const CONCERNED: usize = 50;

async fn value(ask: &Ask, role: &Role) -> Result<Value, Stop> {
    let users = ask.gate().store().count_with_role(&role.name, COUNTED).await?;
    Ok(json!({
        "name": role.name,
        "description": role.description,
        "permissions": role.permissions,
        "users": users.min(i64::from(COUNTED) - 1),
        "more": users >= i64::from(COUNTED),
        "is_admin": role.name == ask.gate().admin_role(),
    }))
}

pub(crate) async fn list(ask: Ask) -> Answer {
    let made = async {
        let mut roles = Vec::new();
        for role in ask.gate().store().roles().await? {
            roles.push(value(&ask, &role).await?);
        }
        Ok::<_, Stop>(json!({"roles": roles}))
    };
    let values = made.await.map_err(|stop| ask.stop(stop))?;
    Ok(ask.page("admin/roles.html", "roles", object(values)))
}

/// What a change would do to people: the first of them.
pub(crate) async fn add_effects(ask: &Ask, change: &RoleChange, values: &mut Value) -> Result<(), Stop> {
    let found = ask.gate().would_change(change, None, CONCERNED).await?;
    let names = |needs: &[Need]| needs.iter().map(ToString::to_string).collect::<Vec<_>>();
    let one = |effect: &Effect| {
        json!({"id": effect.user.id, "email": effect.user.email, "gains": names(&effect.gained),
            "loses": names(&effect.lost), "opens": effect.opened, "closes": effect.closed})
    };
    values["concerned"] = found.people.iter().map(one).collect::<Vec<_>>().into();
    values["concerned_more"] = found.next.is_some().into();
    Ok(())
}

/// Permissions as they are typed or sent: separated by commas or lines, each once.
fn typed(ask: &Ask) -> Vec<String> {
    let all = ask.fields("permissions").flat_map(|text| text.split([',', '\n']));
    let all: BTreeSet<&str> = all.map(str::trim).filter(|name| !name.is_empty()).collect();
    all.into_iter().map(str::to_owned).collect()
}

async fn named(ask: &Ask) -> Result<std::sync::Arc<Role>, Stop> {
    ask.gate().store().role_by_name(ask.field("role")).await?.ok_or_else(Stop::missing)
}

pub(crate) async fn create(ask: Ask) -> Answer {
    let (name, description) = (ask.field("role"), ask.field("description"));
    if name.len() > 80 || description.len() > 255 {
        return Ok(ask.refused("The name has at most 80 characters, the description 255.", "/roles"));
    }
    let description = Some(description).filter(|text| !text.is_empty());
    let note = |batch: &mut Batch| ask.operator.note_own_in(batch, &format!("made the role {name}"));
    let (store, now) = (ask.gate().store(), ask.operator.now());
    match store.create_role_with(name, description, Some(&typed(&ask)), now, note).await {
        Ok(_) => Ok(ask.done("The role is made.", "/roles", json!({}))),
        Err(error) => Err(ask.stop(error.into())),
    }
}

/// Replaces what a role permits. Asked without `confirm` it changes nothing, and says who would gain and lose what.
pub(crate) async fn permissions(ask: Ask) -> Answer {
    let made = async {
        let role = named(&ask).await?;
        let wanted = typed(&ask);
        let had: BTreeSet<&String> = role.permissions.iter().collect();
        let gained: Vec<&String> = wanted.iter().filter(|name| !had.contains(name)).collect();
        let lost: Vec<&&String> = had.iter().filter(|name| !wanted.contains(name)).collect();
        if gained.is_empty() && lost.is_empty() {
            return Ok(ask.refused("There was nothing to change.", "/roles"));
        }
        if !ask.ticked("confirm") {
            let change = RoleChange::Permissions { role: role.name.clone(), permissions: wanted.clone() };
            let mut values = json!({
                "action": "permissions",
                "role": value(&ask, &role).await?,
                "gained": gained,
                "lost": lost,
                "wanted": wanted,
            });
            add_effects(&ask, &change, &mut values).await?;
            return Ok(ask.page("admin/confirm.html", "roles", object(values)));
        }
        let what = format!("role {}: permissions {}", role.name, wanted.join(", "));
        let note = |batch: &mut Batch| ask.operator.note_own_in(batch, &what);
        let (store, now) = (ask.gate().store(), ask.operator.now());
        if !store.change_permissions_with(&role.name, now, |_| wanted.clone(), note).await? {
            return Err(Stop::missing());
        }
        Ok(ask.done("The role is changed.", "/roles", json!({"gained": gained, "lost": lost})))
    };
    made.await.map_err(|stop| ask.stop(stop))
}

/// Deletes a role, which everybody loses who has it. Asked without `confirm` it says how many.
pub(crate) async fn delete(ask: Ask) -> Answer {
    let made = async {
        let role = named(&ask).await?;
        if role.name == ask.gate().admin_role() {
            return Ok(ask.refused("The role of administrators has to stay.", "/roles"));
        }
        if !ask.ticked("confirm") {
            let mut values = json!({"action": "delete-role", "role": value(&ask, &role).await?});
            add_effects(&ask, &RoleChange::Delete { role: role.name.clone() }, &mut values).await?;
            return Ok(ask.page("admin/confirm.html", "roles", object(values)));
        }
        let note = |batch: &mut Batch| ask.operator.note_own_in(batch, &format!("deleted the role {}", role.name));
        if !ask.gate().store().delete_role_with(&role.name, note).await? {
            return Err(Stop::missing());
        }
        Ok(ask.done("The role is deleted.", "/roles", json!({})))
    };
    made.await.map_err(|stop| ask.stop(stop))
}
