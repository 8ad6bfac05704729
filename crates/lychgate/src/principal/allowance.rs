//! Needs and excludes, with the algebra of Flask-Principal's permissions.

use std::collections::BTreeSet;

use super::{Identity, Need, Permission};

/// What Flask-Principal calls a permission: at least one of `needs`, and none of `excludes`. For rules that come from
/// there; new ones are clearer as a [`Permission`], which this becomes by `into()`.
///
/// It differs in one thing. Taking away the last need, which over there makes a permission that allows *everybody*
/// (`Permission(a) | Permission(a)`), here makes one that allows nobody.
///
/// ```
/// use lychgate::{Allowance, Identity, Need, Permission};
///
/// let writers = Allowance::of([Need::role("author"), Need::role("editor")]);
/// let banned = Allowance::denial([Need::role("banned")]);
/// let rule: Permission = writers.union(&banned).into();
/// let mut joe = Identity::anonymous();
/// joe.provides.insert(Need::role("author"));
/// assert!(joe.can(&rule));
/// joe.provides.insert(Need::role("banned"));
/// assert!(!joe.can(&rule));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// None asks for nothing.
    needs: Option<BTreeSet<Need>>,
    excludes: BTreeSet<Need>,
}

impl Allowance {
    /// At least one of `needs`; as over there, an empty list asks for nothing.
    pub fn of(needs: impl IntoIterator<Item = Need>) -> Self {
        let needs: BTreeSet<Need> = needs.into_iter().collect();
        Self { needs: Some(needs).filter(|needs| !needs.is_empty()), excludes: BTreeSet::new() }
    }

    /// None of `excludes`.
    pub fn denial(excludes: impl IntoIterator<Item = Need>) -> Self {
        Self { needs: None, excludes: excludes.into_iter().collect() }
    }

    /// What one of them needs is enough, and what one of them excludes is too much (`&` over there).
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let needs = match (&self.needs, &other.needs) {
            (None, needs) | (needs, None) => needs.clone(),
            (Some(a), Some(b)) => Some(a | b),
        };
        Self { needs, excludes: &self.excludes | &other.excludes }
    }

    /// Without the needs and excludes of `other` (`|` over there, which is no "or"). Without its last need it allows
    /// nobody.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let taken = other.needs.clone().unwrap_or_default();
        Self { needs: self.needs.as_ref().map(|needs| needs - &taken), excludes: &self.excludes - &other.excludes }
    }

    /// Needs become excludes, and the other way round.
    #[must_use]
    pub fn reverse(&self) -> Self {
        Self {
            needs: Some(self.excludes.clone()).filter(|needs| !needs.is_empty()),
            excludes: self.needs.clone().unwrap_or_default(),
        }
    }

    /// Whether `other` has all its needs and excludes (`in` over there).
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        let none = BTreeSet::new();
        let of = |allowance: &Self| allowance.needs.clone().unwrap_or_else(|| none.clone());
        of(self).is_subset(&of(other)) && self.excludes.is_subset(&other.excludes)
    }

    /// Whether `identity` has what is needed and nothing that is excluded.
    #[must_use]
    pub fn allows(&self, identity: &Identity) -> bool {
        Permission::from(self.clone()).allows(identity)
    }

    pub(super) fn into_parts(self) -> (Option<BTreeSet<Need>>, BTreeSet<Need>) {
        (self.needs, self.excludes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the reference's truth table, over what somebody provides: nothing, a, b, both, c.
    #[test]
    fn truth_table() {
        let (a, b) = (|| Need::role("a"), || Need::role("b"));
        let p = |needs: &[Need]| Allowance::of(needs.iter().cloned());
        let d = |excludes: &[Need]| Allowance::denial(excludes.iter().cloned());
        let (yes, no) = (true, false);
        let rows = [
            ("P()", p(&[]), [yes, yes, yes, yes, yes]),
            ("D()", d(&[]), [yes, yes, yes, yes, yes]),
            ("P(a)", p(&[a()]), [no, yes, no, yes, no]),
            ("P(a,b)", p(&[a(), b()]), [no, yes, yes, yes, no]),
            ("D(a)", d(&[a()]), [yes, no, yes, no, yes]),
            ("P(a) reversed", p(&[a()]).reverse(), [yes, no, yes, no, yes]),
            ("P(a) & D(b)", p(&[a()]).union(&d(&[b()])), [no, yes, no, no, no]),
            ("P(a) & D(b) reversed", p(&[a()]).union(&d(&[b()])).reverse(), [no, no, yes, no, no]),
            ("P(a) & P(b)", p(&[a()]).union(&p(&[b()])), [no, yes, yes, yes, no]),
            ("P(a) & D(a)", p(&[a()]).union(&d(&[a()])), [no; 5]),
            ("P(a,b) | P(b)", p(&[a(), b()]).difference(&p(&[b()])), [no, yes, no, yes, no]),
            // The reference allows everybody here.
            ("P(a) | P(a)", p(&[a()]).difference(&p(&[a()])), [no; 5]),
            ("P() | P(a)", p(&[]).difference(&p(&[a()])), [yes; 5]),
            ("D(a) | D(a)", d(&[a()]).difference(&d(&[a()])), [yes; 5]),
        ];
        let provides: [&[&'static str]; 5] = [&[], &["a"], &["b"], &["a", "b"], &["c"]];
        for (name, allowance, expected) in rows {
            for (roles, allowed) in provides.iter().zip(expected) {
                let mut identity = Identity::anonymous();
                identity.provides.extend(roles.iter().map(|&role| Need::role(role)));
                assert_eq!(allowance.allows(&identity), allowed, "{name} for {roles:?}");
                assert_eq!(Permission::from(allowance.clone()).allows(&identity), allowed, "{name} as a permission");
            }
        }
    }

    #[test]
    fn subsets() {
        let (a, b) = (Allowance::of([Need::role("a")]), Allowance::of([Need::role("a"), Need::role("b")]));
        let both = b.union(&Allowance::denial([Need::role("c")]));
        for (one, other, expected) in [
            (&a, &a, true),
            (&a, &b, true),
            (&b, &a, false),
            (&b, &both, true),
            (&both, &b, false),
            (&Allowance::default(), &a, true),
            (&a, &Allowance::default(), false),
        ] {
            assert_eq!(one.is_subset(other), expected, "{one:?} in {other:?}");
        }
    }
}
