//! Somebody, as access control sees them.

use std::{borrow::Cow, collections::BTreeSet};

use super::{ItemSet, Need, Permission};

/// Who acts, how they proved it, and what they provide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user's `fs_uniquifier`; nothing for somebody unknown.
    pub id: Option<String>,
    /// How the identity was proved, such as `session` or `token`; or the type of the user, where the application has
    /// types.
    pub auth_type: Option<Cow<'static, str>>,
    /// The needs that this identity provides.
    pub provides: BTreeSet<Need>,
}

impl Identity {
    /// Nobody known: provides nothing.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Whether this identity provides `need`, by itself or as one of all items.
    #[must_use]
    pub fn has(&self, need: &Need) -> bool {
        self.provides.contains(need) || need.of_every_item().is_some_and(|every| self.provides.contains(&every))
    }

    /// The items of type `kind` on which this identity is allowed `method`.
    #[must_use]
    pub fn items(&self, method: &str, kind: &str) -> ItemSet {
        ItemSet::of(&self.provides, method, kind)
    }

    /// Whether `permission` allows this identity.
    #[must_use]
    pub fn can(&self, permission: &Permission) -> bool {
        permission.allows(self)
    }
}
