//! What a change of roles would do, before it is made.

use std::sync::Arc;

use lychgate_store::{Role, User};

use super::{People, people::Walk, provides};
use crate::{
    accounts::{AccountError, Problem},
    failure::Failure,
    gate::Lychgate,
    principal::{Identity, Need},
};

/// A change of roles that is not made yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoleChange {
    /// A user gets a role.
    Give {
        /// The key of the user's row.
        user_id: i64,
        /// The name of the role.
        role: String,
    },
    /// A role is taken from a user.
    Take {
        /// The key of the user's row.
        user_id: i64,
        /// The name of the role.
        role: String,
    },
    /// A role gets these permissions instead of its own.
    Permissions {
        /// The name of the role.
        role: String,
        /// All permissions that it then has.
        permissions: Vec<String>,
    },
    /// A role is deleted.
    Delete {
        /// The name of the role.
        role: String,
    },
}

/// What a change of roles does to somebody.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Effect {
    /// To whom.
    pub user: Arc<User>,
    /// What they then have and had not.
    pub gained: Vec<Need>,
    /// What they had and then have not.
    pub lost: Vec<Need>,
    /// The routes and named permissions that open to them.
    pub opened: Vec<String>,
    /// The routes and named permissions that close to them.
    pub closed: Vec<String>,
}

impl Lychgate {
    /// Who gains or loses what by a change of roles, before it is made; at most `limit` people whom it concerns, from
    /// `after` on. Nothing is changed.
    ///
    /// # Errors
    ///
    /// If the database or a loader fails, there is no such user or role, or `after` is none of ours.
    pub async fn would_change(
        &self,
        change: &RoleChange,
        after: Option<&str>,
        limit: usize,
    ) -> Result<People<Effect>, AccountError> {
        let found = async {
            let (RoleChange::Give { role, .. }
            | RoleChange::Take { role, .. }
            | RoleChange::Permissions { role, .. }
            | RoleChange::Delete { role }) = change;
            let gone = |what: &str| Problem::Failure(Failure::internal(format_args!("there is no such {what}")));
            let role = self.store().role_by_name(role).await?.ok_or_else(|| gone("role"))?;
            let mut people = Vec::new();
            if let RoleChange::Give { user_id, .. } | RoleChange::Take { user_id, .. } = change {
                let user = self.store().user_by_id(*user_id).await?.ok_or_else(|| gone("user"))?;
                people.extend(self.effect(user, &role, change).await?);
                return Ok(People { people, next: None });
            }
            let mut walk = Walk::new(vec![Some(role.name.clone())], after)?;
            while let Some(user) = walk.next(self).await? {
                people.extend(self.effect(user, &role, change).await?);
                if people.len() >= limit.max(1) {
                    break;
                }
            }
            Ok(People { people, next: walk.place() })
        };
        self.resolve(found.await)
    }

    /// What a change does to one user; nothing if nothing.
    async fn effect(&self, user: Arc<User>, role: &Role, change: &RoleChange) -> Result<Option<Effect>, Problem> {
        let mut roles: Vec<Arc<Role>> = user.roles.iter().filter(|own| own.name != role.name).cloned().collect();
        match change {
            RoleChange::Give { .. } => roles.push(Arc::new(role.clone())),
            RoleChange::Take { .. } | RoleChange::Delete { .. } => {}
            RoleChange::Permissions { permissions, .. } => {
                let mut changed = role.clone();
                changed.permissions.clone_from(permissions);
                roles.push(Arc::new(changed));
            }
        }
        let before = self.added_needs(&user).await?;
        let then = {
            // The application's loaders may go by the roles.
            let mut changed = (*user).clone();
            changed.roles.clone_from(&roles);
            let changed = Arc::new(changed);
            self.added_needs(&changed).await?
        };
        let before = Identity { provides: provides(&user, &user.roles, &before), ..Identity::anonymous() };
        let then = Identity { provides: provides(&user, &roles, &then), ..Identity::anonymous() };
        let gained: Vec<Need> = then.provides.difference(&before.provides).cloned().collect();
        let lost: Vec<Need> = before.provides.difference(&then.provides).cloned().collect();
        if gained.is_empty() && lost.is_empty() {
            return Ok(None);
        }
        let named = self.permissions().iter().map(|(name, permission)| (name.clone(), permission.clone()));
        let guarded = self.guards().iter().filter_map(|(path, guard)| Some((path.clone(), guard.permission()?)));
        let (mut opened, mut closed) = (Vec::new(), Vec::new());
        for (name, permission) in named.chain(guarded) {
            match (permission.allows(&before), permission.allows(&then)) {
                (false, true) => opened.push(name),
                (true, false) => closed.push(name),
                _ => {}
            }
        }
        Ok(Some(Effect { user, gained, lost, opened, closed }))
    }
}
