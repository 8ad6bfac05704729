//! Who may do what, and why: for administrators, the command line and applications.

mod change;
mod people;

use std::{collections::BTreeSet, sync::Arc};

use lychgate_store::{Refusal, Role, User};

use crate::{
    accounts::{AccountError, Problem},
    failure::{Error, Failure},
    flow::account::AccountStatus,
    gate::Lychgate,
    principal::{Explanation, Identity, Need, Origin, Permission, Rights},
    web::extract::CurrentUser,
};

pub use self::{
    change::{Effect, RoleChange},
    people::{Allowed, People},
};

/// Where a need of a user comes from.
pub(crate) fn origins(user: &User, need: &Need) -> Vec<Origin> {
    if *need == Need::user(user.fs_uniquifier.clone()) {
        return vec![Origin::Account];
    }
    let gives = |role: &Role| {
        *need == Need::role(role.name.clone())
            || role.permissions.iter().any(|name| *need == Need::permission(name.clone()))
    };
    let roles = user.roles.iter().filter(|role| gives(role)).map(|role| Origin::Role(role.name.clone()));
    let found: Vec<Origin> = roles.collect();
    if found.is_empty() { vec![Origin::Application] } else { found }
}

/// What a user with these roles provides: being themselves, the roles, their permissions, and what the application adds.
pub(crate) fn provides(user: &User, roles: &[Arc<Role>], added: &[Need]) -> BTreeSet<Need> {
    let mut provides: BTreeSet<Need> = added.iter().cloned().collect();
    provides.insert(Need::user(user.fs_uniquifier.clone()));
    for role in roles {
        provides.insert(Need::role(role.name.clone()));
        provides.extend(role.permissions.iter().map(|name| Need::permission(name.clone())));
    }
    provides
}

/// A refused request, and how it is with it now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExplainedRefusal {
    /// What was noted then.
    pub refusal: Refusal,
    /// Who it was, if they were known and are there still.
    pub user: Option<Arc<User>>,
}

/// A route that somebody may call or not, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExplainedRoute {
    /// The route's path, as it was declared.
    pub path: String,
    /// Who may call it, in words.
    pub guard: String,
    /// Whether they may, as far as rights and the state of the account go; nothing where it depends on something else, as
    /// on how recently they proved who they are.
    pub allowed: Option<bool>,
    /// Why, where it is a matter of rights.
    pub why: Option<Explanation>,
}

impl Lychgate {
    /// What a user provides to permissions outside of a request, with what the application's loaders add.
    ///
    /// # Errors
    ///
    /// If a loader fails.
    pub async fn identity_of(&self, user: &Arc<User>) -> Result<Identity, AccountError> {
        let added = self.resolve(self.added_needs(user).await.map_err(Problem::from))?;
        Ok(Identity {
            id: Some(user.fs_uniquifier.clone()),
            auth_type: None,
            provides: provides(user, &user.roles, &added),
        })
    }

    /// Why `permission` allows a user or not, and from where each right comes.
    ///
    /// # Errors
    ///
    /// If a loader fails.
    pub async fn explain(&self, user: &Arc<User>, permission: &Permission) -> Result<Explanation, AccountError> {
        let identity = self.identity_of(user).await?;
        Ok(permission.explain_with(&identity, &|need| origins(user, need)))
    }

    /// Whether a user may call a route, and why: one of Lychgate's own, or one that [`Builder::guarded`](crate::Builder)
    /// declared. `path` is a path as clients write it. Nothing if no such route is known.
    ///
    /// # Errors
    ///
    /// If the database or a loader fails.
    pub async fn explain_route(&self, user: &Arc<User>, path: &str) -> Result<Option<ExplainedRoute>, AccountError> {
        let usable = self.accounts().standing(user).await?.status == AccountStatus::Active;
        if let Some((declared, guard)) = self.guards().iter().find(|(declared, _)| fits(declared, path)) {
            let why = match guard.permission() {
                Some(permission) => Some(self.explain(user, &permission).await?),
                None => None,
            };
            let refused = !usable || why.as_ref().is_some_and(|why| !why.holds);
            let allowed = if refused { Some(false) } else { guard.is_about_rights_alone().then_some(true) };
            return Ok(Some(ExplainedRoute { path: declared.clone(), guard: guard.to_string(), allowed, why }));
        }
        let routes = self.route_list();
        let Some(route) = routes.iter().find(|route| fits(&route.path, path)) else { return Ok(None) };
        let allowed = match route.guard {
            "anyone" => Some(true),
            "signed in" => Some(usable),
            _ if !usable => Some(false),
            _ => None,
        };
        Ok(Some(ExplainedRoute { path: route.path.clone(), guard: route.guard.to_owned(), allowed, why: None }))
    }

    /// What was noted of a refused request under the reference that its reply shows; nothing if it is forgotten or never
    /// was.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn explain_refusal(&self, reference: &str) -> Result<Option<ExplainedRefusal>, AccountError> {
        let found = async {
            let Some(refusal) = self.store().refusal(reference).await? else { return Ok(None) };
            let user = match refusal.user_id {
                Some(id) => self.store().user_by_id(id).await?,
                None => None,
            };
            Ok(Some(ExplainedRefusal { refusal, user }))
        };
        self.resolve(found.await)
    }

    /// The user's rights with those to all of these items of one type, which the application's loader
    /// ([`Builder::item_needs`](crate::Builder)) reads at once: a page that lists many makes one query, not one each.
    ///
    /// # Errors
    ///
    /// If there is no loader for the type.
    pub async fn preload(&self, user: &CurrentUser, kind: &str, ids: &[i64]) -> Result<Rights, Error> {
        let missing = || Error(Failure::internal(format_args!("no item needs are loaded for {kind:?}")));
        let loader = self.item_loader(kind).ok_or_else(missing)?;
        let needs = loader(Arc::clone(&user.0.user), ids.to_vec()).await;
        // Whatever it gives beside that is not asked for here.
        let wanted: BTreeSet<i64> = ids.iter().copied().collect();
        let of_page = needs.into_iter().filter(|need| {
            need.item_kind() == Some(kind)
                && matches!(need.value(), crate::principal::NeedValue::Int(id) if wanted.contains(id))
        });
        Ok(user.rights_with(of_page))
    }

    /// A permission that the application named, for `can("…")` in templates and for the command line.
    #[must_use]
    pub fn named_permission(&self, name: &str) -> Option<&Permission> {
        self.permissions().get(name)
    }
}

/// Whether a declared path, with its `{names}`, is that of a client's path.
fn fits(declared: &str, path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (mut declared, mut path) = (declared.split('/'), path.split('/'));
    loop {
        match (declared.next(), path.next()) {
            (None, None) => return true,
            (Some(part), Some(rest)) if part.starts_with("{*") => return !rest.is_empty(),
            (Some(part), Some(given)) => {
                let is_name = part.starts_with('{') && part.ends_with('}');
                if !(part == given || is_name && !given.is_empty()) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fit_what_was_declared() {
        for (declared, path, expected) in [
            ("/reports", "/reports", true),
            ("/reports", "/reports?year=1", true),
            ("/reports", "/reports/", false),
            ("/documents/{id}", "/documents/27", true),
            ("/documents/{id}", "/documents/", false),
            ("/documents/{id}", "/documents/27/edit", false),
            ("/documents/{id}/edit", "/documents/27/edit", true),
            ("/files/{*rest}", "/files/a/b", true),
            ("/files/{*rest}", "/files/", false),
            ("/", "/", true),
        ] {
            assert_eq!(fits(declared, path), expected, "{declared} {path}");
        }
    }
}
