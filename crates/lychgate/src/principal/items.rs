//! Rights to single items, for pages that list many of them.

use std::collections::BTreeSet;

use super::{Identity, Need, NeedValue, Permission};

/// The items of one type on which somebody is allowed something: the condition of a list.
///
/// ```
/// use lychgate::{Identity, ItemSet, Need, NeedValue};
///
/// let mut joe = Identity::anonymous();
/// joe.provides.extend([3, 7].map(|id| Need::item("edit", id, "document")));
/// let (condition, values) = joe.items("edit", "document").condition("d.id", 2);
/// assert_eq!(condition, "d.id IN ($2, $3)");
/// assert_eq!(values, [NeedValue::Int(3), NeedValue::Int(7)]);
/// assert_eq!(joe.items("delete", "document").condition("d.id", 1).0, "1 = 0");
/// joe.provides.insert(Need::every("edit", "document"));
/// assert_eq!(joe.items("edit", "document"), ItemSet::All);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemSet {
    /// All of them, as somebody with [`Need::every`] has.
    All,
    /// These and no others.
    Ids(BTreeSet<NeedValue>),
}

impl ItemSet {
    pub(super) fn of(provides: &BTreeSet<Need>, method: &str, kind: &str) -> Self {
        let of_kind = provides.iter().filter(|need| need.method() == method && need.item_kind() == Some(kind));
        let mut ids = BTreeSet::new();
        for need in of_kind {
            if *need.value() == NeedValue::Every {
                return Self::All;
            }
            ids.insert(need.value().clone());
        }
        Self::Ids(ids)
    }

    /// Whether it holds this item.
    #[must_use]
    pub fn contains(&self, id: impl Into<NeedValue>) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(&id.into()),
        }
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Ids(ids) if ids.is_empty())
    }

    /// The condition for a query, true for these items alone, and the values to bind. Values are never part of the text;
    /// place-holders are counted from `first`: `$1`, `$2`, which SQLite and PostgreSQL both take. `column` is yours to
    /// write and is not quoted.
    ///
    /// A database takes some ten thousands of values in one query. Whoever has more items than that is better served by a
    /// join with the table that the needs come from.
    #[must_use]
    pub fn condition(&self, column: &'static str, first: usize) -> (String, Vec<NeedValue>) {
        match self {
            Self::All => ("1 = 1".to_owned(), Vec::new()),
            Self::Ids(ids) if ids.is_empty() => ("1 = 0".to_owned(), Vec::new()),
            Self::Ids(ids) => {
                let marks: Vec<String> = (first..first + ids.len()).map(|at| format!("${at}")).collect();
                (format!("{column} IN ({})", marks.join(", ")), ids.iter().cloned().collect())
            }
        }
    }
}

/// Somebody's rights together with those to the items of one page, which were loaded at once.
#[derive(Clone, Debug)]
pub struct Rights(Identity);

impl Rights {
    pub(crate) fn new(identity: &Identity, more: impl IntoIterator<Item = Need>) -> Self {
        let mut identity = identity.clone();
        identity.provides.extend(more);
        Self(identity)
    }

    /// Whether `permission` allows them.
    #[must_use]
    pub fn can(&self, permission: &Permission) -> bool {
        permission.allows(&self.0)
    }

    /// Whether they are allowed `method` on the item `id` of type `kind`.
    #[must_use]
    pub fn can_on(&self, method: &'static str, id: impl Into<NeedValue>, kind: &'static str) -> bool {
        self.0.has(&Need::item(method, id, kind))
    }

    /// The identity with all its needs.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_each_of_them() {
        let mut joe = Identity::anonymous();
        joe.provides.insert(Need::every("edit", "document"));
        for (need, held) in [
            (Need::item("edit", 27, "document"), true),
            (Need::item("edit", "27", "document"), true),
            (Need::item("delete", 27, "document"), false),
            (Need::item("edit", 27, "invoice"), false),
            (Need::new("edit", 27), false),
            (Need::new("edit", "every"), false),
        ] {
            assert_eq!(joe.has(&need), held, "{need}");
            assert_eq!(joe.can(&Permission::from(need.clone())), held, "{need}");
            assert_eq!(joe.can(&!Permission::from(need.clone())), !held, "{need}");
        }
        // An item whose name is a word of ours is one item.
        let mut jill = Identity::anonymous();
        jill.provides.insert(Need::item("edit", 1, "document"));
        assert!(!jill.items("edit", "document").contains(2) && jill.items("edit", "document").contains(1));
        assert!(jill.items("edit", "invoice").is_empty());
        for word in ["*", "every"] {
            jill.provides.insert(Need::item("edit", word, "document"));
            assert!(!jill.has(&Need::item("edit", 2, "document")) && jill.items("edit", "document") != ItemSet::All);
        }
    }
}
