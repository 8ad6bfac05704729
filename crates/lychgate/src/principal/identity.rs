//! Somebody, as access control sees them.

use std::collections::BTreeSet;

use super::{Need, Permission};

/// Who acts, how they proved it, and what they provide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user's `fs_uniquifier`; nothing for somebody unknown.
    pub id: Option<String>,
    /// How the identity was proved, such as `session` or `token`.
    pub auth_type: Option<&'static str>,
    /// The needs that this identity provides.
    pub provides: BTreeSet<Need>,
}

impl Identity {
    /// Nobody known: provides nothing.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Whether `permission` allows this identity.
    #[must_use]
    pub fn can(&self, permission: &Permission) -> bool {
        permission.allows(self)
    }
}
