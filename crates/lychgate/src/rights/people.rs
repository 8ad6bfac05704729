//! Whom a permission allows.

use std::sync::Arc;

use lychgate_store::{Role, User, UserQuery};

use super::{origins, provides};
use crate::{
    accounts::{AccountError, Problem},
    failure::Failure,
    gate::Lychgate,
    principal::{Explanation, Identity, Need, Permission},
};

/// Users looked at for one answer.
const MOST_LOOKED_AT: usize = 5000;
/// Users read at once.
const PAGE: u32 = 500;

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

impl Lychgate {
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
}

/// Goes through the users of several roles, each once, or through all, page by page and within bounds.
pub(super) struct Walk {
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
    pub(super) fn new(sources: Vec<Option<String>>, from: Option<&str>) -> Result<Self, Problem> {
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
    pub(super) fn place(&self) -> Option<String> {
        (!self.over).then(|| format!("{}.{}.{}", self.source, self.given, self.after.as_deref().unwrap_or_default()))
    }

    pub(super) async fn next(&mut self, gate: &Lychgate) -> Result<Option<Arc<User>>, Problem> {
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
