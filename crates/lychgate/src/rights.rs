//! Who may do what, and why: for administrators, the command line and applications.

use std::{collections::BTreeSet, sync::Arc};

use lychgate_store::{Refusal, Role, User, UserQuery};

use crate::{
    accounts::{AccountError, Problem},
    failure::{Error, Failure},
    flow::account::AccountStatus,
    gate::Lychgate,
    principal::{Explanation, Identity, Need, Origin, Permission, Rights},
    web::extract::CurrentUser,
};

/// Users looked at for one answer.
const MOST_LOOKED_AT: usize = 5000;
/// Users read at once.
const PAGE: u32 = 500;

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

/// Somebody whom a permission allows, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Allowed {
    /// Who.
    pub user: Arc<User>,
    /// Why.
    pub why: Explanation,
}

/// Some of the people of whom something is true.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct People<T> {
    /// They.
    pub people: Vec<T>,
    /// Where the others begin, if there may be others.
    pub next: Option<String>,
}

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
        let allowed = match &*route.guard {
            "anyone" => Some(true),
            "signed in" => Some(usable),
            _ if !usable => Some(false),
            _ => None,
        };
        Ok(Some(ExplainedRoute { path: route.path.clone(), guard: route.guard.to_string(), allowed, why: None }))
    }

    /// Whom `permission` allows, and why; at most `limit`, from `after` on, which is `next` of the answer before. Accounts
    /// that may not be used are left out.
    ///
    /// Where only roles can open it, only people with such a role are looked at. Otherwise everybody is, some thousands for
    /// each answer, so that an answer may hold few people or none and still have a `next`.
    ///
    /// # Errors
    ///
    /// If the database or a loader fails, or `after` is none of ours.
    pub async fn who_can(
        &self,
        permission: &Permission,
        after: Option<&str>,
        limit: usize,
    ) -> Result<People<Allowed>, AccountError> {
        let found = async {
            let sources = self.sources(permission).await?;
            let mut people = Vec::new();
            let mut walk = Walk::new(sources, after)?;
            while let Some(user) = walk.next(self).await? {
                if user.active {
                    let added = self.added_needs(&user).await?;
                    let identity = Identity { provides: provides(&user, &user.roles, &added), ..Identity::anonymous() };
                    if permission.allows(&identity) {
                        let why = permission.explain_with(&identity, &|need| origins(&user, need));
                        people.push(Allowed { user, why });
                    }
                }
                if people.len() >= limit.max(1) {
                    break;
                }
            }
            Ok(People { people, next: walk.place() })
        };
        self.resolve(found.await)
    }

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

    /// The roles whose holders can be allowed, or everybody.
    async fn sources(&self, permission: &Permission) -> Result<Vec<Option<String>>, Problem> {
        let everybody = permission.allows(&Identity::anonymous()) || self.adds_needs();
        let asked = permission.needs();
        let by_role = |need: &Need| need.item_kind().is_none() && matches!(need.method(), "role" | "fsperm");
        if everybody || asked.iter().any(|need| !by_role(need)) {
            return Ok(vec![None]);
        }
        let roles = self.store().roles().await?;
        let gives = |role: &Role| {
            let has = |need: &Need| {
                *need == Need::role(role.name.clone())
                    || role.permissions.iter().any(|name| *need == Need::permission(name.clone()))
            };
            asked.iter().any(has)
        };
        Ok(roles.iter().filter(|role| gives(role)).map(|role| Some(role.name.clone())).collect())
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

/// Goes through the users of several roles, each once, or through all, page by page and within bounds.
struct Walk {
    sources: Vec<Option<String>>,
    source: usize,
    /// The place behind the last user that was given out.
    after: Option<String>,
    page: std::vec::IntoIter<Arc<User>>,
    next: Option<String>,
    given: usize,
    looked_at: usize,
    started: bool,
    over: bool,
}

impl Walk {
    /// From the beginning, or from a [`place`](Self::place).
    fn new(sources: Vec<Option<String>>, from: Option<&str>) -> Result<Self, Problem> {
        let wrong = || Problem::Failure(Failure::internal("that is no place in this list"));
        let (source, given, after) = match from {
            None => (0, 0, None),
            Some(text) => {
                let mut parts = text.splitn(3, '.');
                let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok()).ok_or_else(wrong);
                let (source, given) = (number()?, number()?);
                (source, given, parts.next().filter(|after| !after.is_empty()).map(str::to_owned))
            }
        };
        let over = source >= sources.len();
        let page = Vec::new().into_iter();
        Ok(Self { sources, source, after, page, next: None, given, looked_at: 0, started: false, over })
    }

    /// Where to go on: the source, how many of the page were given out, and where the page begins.
    fn place(&self) -> Option<String> {
        (!self.over).then(|| format!("{}.{}.{}", self.source, self.given, self.after.as_deref().unwrap_or_default()))
    }

    async fn next(&mut self, gate: &Lychgate) -> Result<Option<Arc<User>>, Problem> {
        loop {
            if let Some(user) = self.page.next() {
                self.given += 1;
                let earlier = self.sources.get(..self.source).unwrap_or_default();
                if earlier.iter().flatten().any(|role| user.has_role(role)) {
                    continue;
                }
                return Ok(Some(user));
            }
            if self.started {
                match self.next.take() {
                    Some(next) => self.after = Some(next),
                    None => {
                        self.source += 1;
                        self.after = None;
                    }
                }
                self.given = 0;
            }
            if self.source >= self.sources.len() {
                self.over = true;
                return Ok(None);
            }
            if self.looked_at >= MOST_LOOKED_AT {
                return Ok(None);
            }
            self.started = true;
            let role = self.sources.get(self.source).cloned().flatten();
            let query = UserQuery { role, after: self.after.clone(), limit: PAGE, ..UserQuery::default() };
            let page = gate.store().users_page(&query).await?;
            self.looked_at += page.items.len().max(1);
            self.next = page.next;
            let mut items = page.items.into_iter();
            for _ in 0..self.given {
                items.next();
            }
            self.page = items;
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
