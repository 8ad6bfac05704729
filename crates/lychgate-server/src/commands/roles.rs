//! `lychgate roles`: roles, their permissions, and who has them.

use std::sync::Arc;

use clap::{Args, Subcommand};
use lychgate::{Lychgate, Need, RoleChange, audit::Audited};
use lychgate_store::{Batch, ErrorKind, Role, Store, StoreError, UserQuery};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::users;
use crate::{
    cli::Global,
    exit::Exit,
    open,
    output::{self, done},
    prompt,
};

/// The most people who are named before a change.
const CONCERNED: usize = 200;
/// The most users that are counted for a role.
const COUNTED: u32 = 1000;

#[derive(Debug, Subcommand)]
#[command(rename_all = "snake_case")]
pub(crate) enum Roles {
    /// Create a role
    Create(Create),
    /// Give a user a role
    Add(Membership),
    /// Take a role from a user
    Remove(Membership),
    /// Give a role permissions, beside those that it has
    AddPermissions(Permissions),
    /// Take permissions from a role
    RemovePermissions(Permissions),
    /// List roles
    List(List),
    /// Show a role
    Show(Show),
    /// Delete a role and take it from everybody
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The name
    name: String,
    /// What the role is for
    #[arg(long, short, value_name = "TEXT")]
    description: Option<String>,
    /// What the role may do: names with commas between them
    #[arg(long, short, value_name = "LIST")]
    permissions: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Membership {
    /// Whom: e-mail address, username …
    user: String,
    /// The role's name
    role: String,
    #[command(flatten)]
    preview: Preview,
}

#[derive(Debug, Args)]
pub(crate) struct Permissions {
    /// The role's name
    role: String,
    /// Names with commas between them
    permissions: String,
    #[command(flatten)]
    preview: Preview,
}

// Seeing a change before it is made.
#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// Say only who would gain or lose what, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: as JSON
    #[arg(long, requires = "dry_run")]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The role's name
    role: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The role's name
    role: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    preview: Preview,
}

impl Roles {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let gate = open::gate(global, None, false).await?;
        let result = self.run_with(&gate).await;
        open::closing(&gate, result).await
    }

    async fn run_with(self, gate: &Lychgate) -> Result<(), Exit> {
        let (store, now) = (gate.store(), OffsetDateTime::now_utc());
        match self {
            Self::Create(create) => create_role(gate, create, now).await,
            Self::Add(Membership { user, role, preview }) => {
                let found = users::find(gate, &user).await?;
                find(store, &role).await?;
                if found.has_role(&role) {
                    return Err(Exit::usage("Cannot add role to user."));
                }
                if preview.dry_run {
                    let change = RoleChange::Give { user_id: found.id, role };
                    return preview.show(gate, &change).await;
                }
                let mut batch = store.batch();
                batch.add_role(found.id, &role);
                gate.audit().note(&mut batch, Audited::new("role-added").about(found.id).with("role", role.as_str()));
                users::commit(gate, batch).await?;
                done(format_args!("Role \"{role}\" added to user \"{user}\" successfully."));
                Ok(())
            }
            Self::Remove(Membership { user, role, preview }) => {
                let found = users::find(gate, &user).await?;
                find(store, &role).await?;
                if !found.has_role(&role) {
                    return Err(Exit::usage("Cannot remove role from user."));
                }
                if preview.dry_run {
                    let change = RoleChange::Take { user_id: found.id, role };
                    return preview.show(gate, &change).await;
                }
                let mut batch = store.batch();
                batch.remove_role(found.id, &role);
                gate.audit().note(&mut batch, Audited::new("role-removed").about(found.id).with("role", role.as_str()));
                users::commit(gate, batch).await?;
                done(format_args!("Role \"{role}\" removed from user \"{user}\" successfully."));
                Ok(())
            }
            Self::AddPermissions(Permissions { role, permissions, preview }) => {
                let more = split(&permissions);
                if preview.dry_run {
                    let permissions = [find(store, &role).await?.permissions.as_slice(), more.as_slice()].concat();
                    return preview.show(gate, &RoleChange::Permissions { role, permissions }).await;
                }
                let note = |batch: &mut Batch| enter(gate, batch, "permissions-added", &role, &permissions);
                let change = |had: &[String]| [had, more.as_slice()].concat();
                permissions_changed(store.change_permissions_with(&role, now, change, note).await)?;
                done(format_args!("Permission(s) \"{permissions}\" added to role \"{role}\" successfully."));
                Ok(())
            }
            Self::RemovePermissions(Permissions { role, permissions, preview }) => {
                let less = split(&permissions);
                if preview.dry_run {
                    let had = &find(store, &role).await?.permissions;
                    let permissions = had.iter().filter(|item| !less.contains(item)).cloned().collect();
                    return preview.show(gate, &RoleChange::Permissions { role, permissions }).await;
                }
                let note = |batch: &mut Batch| enter(gate, batch, "permissions-removed", &role, &permissions);
                let change = |had: &[String]| had.iter().filter(|item| !less.contains(item)).cloned().collect();
                permissions_changed(store.change_permissions_with(&role, now, change, note).await)?;
                done(format_args!("Permission(s) \"{permissions}\" removed from role \"{role}\" successfully."));
                Ok(())
            }
            Self::List(List { json }) => list(store, json).await,
            Self::Show(show) => show_role(store, show).await,
            Self::Delete(delete) => delete_role(gate, delete).await,
        }
    }
}

impl Preview {
    /// Whom a change of roles is about, and what it does to each.
    async fn show(&self, gate: &Lychgate, change: &RoleChange) -> Result<(), Exit> {
        lychgate_admin::describe(gate);
        let (mut people, mut after) = (Vec::new(), None);
        while people.len() < CONCERNED {
            let found = gate.would_change(change, after.as_deref(), CONCERNED - people.len()).await?;
            people.extend(found.people);
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        let names = |needs: &[Need]| needs.iter().map(ToString::to_string).collect::<Vec<_>>();
        if self.json {
            let people: Vec<_> = people
                .iter()
                .map(|one| {
                    json!({"id": one.user.id, "email": one.user.email, "gains": names(&one.gained),
                        "loses": names(&one.lost), "opens": one.opened, "closes": one.closed})
                })
                .collect();
            output::json(&json!({"people": people, "more": after.is_some()}));
            return Ok(());
        }
        if people.is_empty() {
            output::line("Nobody gains or loses anything.");
            return Ok(());
        }
        let rows = people.iter().map(|one| {
            let (gained, lost) = (names(&one.gained).join(", "), names(&one.lost).join(", "));
            vec![one.user.email.clone(), gained, lost, one.opened.join(", "), one.closed.join(", ")]
        });
        output::table(&["USER", "GAINS", "LOSES", "OPENS", "CLOSES"], rows);
        if after.is_some() {
            output::complain("There are more.");
        }
        output::complain("Nothing was changed, as this only looks.");
        Ok(())
    }
}

async fn find(store: &Store, name: &str) -> Result<Arc<Role>, Exit> {
    store.role_by_name(name).await?.ok_or_else(|| Exit::usage("Cannot find role."))
}

/// Enters a change of a role in the audit log, in the transaction of the change.
fn enter(gate: &Lychgate, batch: &mut Batch, kind: &str, role: &str, permissions: &str) {
    gate.audit().note(batch, Audited::new(kind).with("role", role).with("permissions", permissions));
}

async fn create_role(gate: &Lychgate, create: Create, now: OffsetDateTime) -> Result<(), Exit> {
    let store = gate.store();
    let Create { name, description, permissions } = create;
    let permissions = permissions.as_deref().map(split);
    let given = permissions.as_deref().unwrap_or_default().join(", ");
    let note = |batch: &mut Batch| enter(gate, batch, "role-created", &name, &given);
    let made = store.create_role_with(&name, description.as_deref(), permissions.as_deref(), now, note).await;
    made.map_err(|error| match error.kind() {
        ErrorKind::Conflict { .. } => Exit::usage(format!("Role \"{name}\" already exists.")),
        _ => unsuitable(error),
    })?;
    done(format_args!("Role \"{name}\" created successfully."));
    Ok(())
}

fn permissions_changed(changed: Result<bool, StoreError>) -> Result<(), Exit> {
    match changed {
        Ok(true) => Ok(()),
        Ok(false) => Err(Exit::usage("Cannot find role.")),
        Err(error) => Err(unsuitable(error)),
    }
}

fn unsuitable(error: StoreError) -> Exit {
    match error.kind() {
        ErrorKind::Invalid(text) if text.ends_with("has no column \"permissions\"") => {
            Exit::usage("Role model does not support permissions")
        }
        ErrorKind::Invalid(text) => Exit::usage(text),
        _ => error.into(),
    }
}

/// The items of a comma list.
fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn value(role: &Role) -> Value {
    let mut permissions = role.permissions.clone();
    permissions.sort_unstable();
    json!({"name": role.name, "description": role.description, "permissions": permissions})
}

async fn list(store: &Store, json: bool) -> Result<(), Exit> {
    let roles = store.roles().await?;
    if json {
        output::json(&roles.iter().map(|role| value(role)).collect());
        return Ok(());
    }
    let rows = roles.iter().map(|role| {
        let mut permissions = role.permissions.clone();
        permissions.sort_unstable();
        vec![role.name.clone(), role.description.clone().unwrap_or_default(), permissions.join(", ")]
    });
    output::table(&["ROLE", "DESCRIPTION", "PERMISSIONS"], rows);
    Ok(())
}

async fn show_role(store: &Store, show: Show) -> Result<(), Exit> {
    let role = find(store, &show.role).await?;
    let query = UserQuery { role: Some(role.name.clone()), limit: COUNTED, ..UserQuery::default() };
    let count = store.users_page(&query).await?.items.len();
    if show.json {
        let mut value = value(&role);
        if let Some(members) = value.as_object_mut() {
            members.insert("users".to_owned(), count.into());
        }
        output::json(&value);
        return Ok(());
    }
    let mut permissions = role.permissions.clone();
    permissions.sort_unstable();
    let more = if count == COUNTED as usize { " or more" } else { "" };
    let rows = [
        vec!["name".to_owned(), role.name.clone()],
        vec!["description".to_owned(), role.description.clone().unwrap_or_default()],
        vec!["permissions".to_owned(), permissions.join(", ")],
        vec!["users".to_owned(), format!("{count}{more}")],
    ];
    output::table(&["WHAT", "VALUE"], rows);
    Ok(())
}

async fn delete_role(gate: &Lychgate, delete: Delete) -> Result<(), Exit> {
    let store = gate.store();
    let role = find(store, &delete.role).await?;
    if delete.preview.dry_run {
        return delete.preview.show(gate, &RoleChange::Delete { role: role.name.clone() }).await;
    }
    if !delete.yes {
        let name = output::printable(&role.name);
        prompt::confirm(&format!("Delete the role \"{name}\" and take it from everybody who has it?"))?;
    }
    let had = role.permissions.join(", ");
    let note = |batch: &mut Batch| enter(gate, batch, "role-deleted", &role.name, &had);
    let deleted = store.delete_role_with(&role.name, note).await.map_err(|error| match error.kind() {
        ErrorKind::Referenced => Exit::failed("rows of other tables refer to this role"),
        _ => error.into(),
    })?;
    if !deleted {
        return Err(Exit::usage("Cannot find role."));
    }
    done(format_args!("Role \"{}\" has been deleted.", role.name));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_trimmed() {
        assert_eq!(split(" read, write ,,"), ["read", "write"]);
        assert!(split("").is_empty());
    }
}
