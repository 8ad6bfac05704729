//! What is asked of an identity.

use std::fmt;

use super::{Allowance, Asked, Explanation, Identity, Need, Origin};

/// A condition on what an [`Identity`] provides; `any`, `all`, `and`, `or` and `not` mean what they say.
///
/// ```
/// use lychgate::{Identity, Need, Permission};
///
/// let editors = Permission::any([Need::role("editor"), Need::role("admin")]);
/// let mut joe = Identity::anonymous();
/// assert!(!joe.can(&editors));
/// joe.provides.insert(Need::role("editor"));
/// assert!(joe.can(&editors));
/// assert!(!joe.can(&editors.clone().and(!Permission::any([Need::role("editor")]))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission(Rule);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Any(Vec<Need>),
    All(Vec<Need>),
    And(Box<Rule>, Box<Rule>),
    Or(Box<Rule>, Box<Rule>),
    Not(Box<Rule>),
}

impl Permission {
    /// At least one of `needs`. An empty list allows nobody.
    pub fn any(needs: impl IntoIterator<Item = Need>) -> Self {
        Self(Rule::Any(needs.into_iter().collect()))
    }

    /// Every one of `needs`. An empty list allows everybody.
    pub fn all(needs: impl IntoIterator<Item = Need>) -> Self {
        Self(Rule::All(needs.into_iter().collect()))
    }

    /// Both this and `other`.
    #[must_use]
    pub fn and(self, other: Permission) -> Self {
        Self(Rule::And(Box::new(self.0), Box::new(other.0)))
    }

    /// This or `other`.
    #[must_use]
    pub fn or(self, other: Permission) -> Self {
        Self(Rule::Or(Box::new(self.0), Box::new(other.0)))
    }

    /// Whoever `identity` is, why it fulfils the condition or not.
    ///
    /// ```
    /// use lychgate::{Identity, Need, Permission};
    ///
    /// let editors = Permission::any([Need::role("editor"), Need::role("admin")]);
    /// let why = editors.explain(&Identity::anonymous());
    /// assert!(!why.holds);
    /// assert_eq!(why.missing().join(", "), "role editor, role admin");
    /// ```
    #[must_use]
    pub fn explain(&self, identity: &Identity) -> Explanation {
        self.explain_with(identity, &|_| Vec::new())
    }

    /// As [`explain`](Self::explain), with where each need that is held comes from.
    pub(crate) fn explain_with(&self, identity: &Identity, origins: &dyn Fn(&Need) -> Vec<Origin>) -> Explanation {
        self.0.explain(identity, origins)
    }

    /// Every need that the condition asks about, each once.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let mut found = Vec::new();
        self.0.collect(&mut found);
        found.sort();
        found.dedup();
        found
    }

    /// Whether `identity` fulfils the condition.
    #[must_use]
    pub fn allows(&self, identity: &Identity) -> bool {
        self.0.holds(identity)
    }
}

impl std::ops::Not for Permission {
    type Output = Permission;

    fn not(self) -> Permission {
        Self(Rule::Not(Box::new(self.0)))
    }
}

impl From<Need> for Permission {
    fn from(need: Need) -> Self {
        Self::any([need])
    }
}

impl From<Allowance> for Permission {
    fn from(allowance: Allowance) -> Self {
        let (needs, excludes) = allowance.into_parts();
        let wanted = needs.map_or_else(|| Self::all([]), Self::any);
        if excludes.is_empty() { wanted } else { wanted.and(!Self::any(excludes)) }
    }
}

impl Rule {
    fn collect(&self, found: &mut Vec<Need>) {
        match self {
            Rule::Any(needs) | Rule::All(needs) => found.extend(needs.iter().cloned()),
            Rule::And(a, b) | Rule::Or(a, b) => {
                a.collect(found);
                b.collect(found);
            }
            Rule::Not(rule) => rule.collect(found),
        }
    }

    fn explain(&self, identity: &Identity, origins: &dyn Fn(&Need) -> Vec<Origin>) -> Explanation {
        let leaf = |need: &Need| {
            let holds = identity.has(need);
            let by = if identity.provides.contains(need) { Some(need.clone()) } else { need.of_every_item() };
            let from = by.filter(|_| holds).map(|by| origins(&by)).unwrap_or_default();
            Explanation { asked: Asked::Need(need.clone()), holds, from, parts: Vec::new() }
        };
        let (asked, parts) = match self {
            Rule::Any(needs) | Rule::All(needs) if needs.len() == 1 => return leaf(&needs[0]),
            Rule::Any(needs) => (Asked::Any, needs.iter().map(leaf).collect()),
            Rule::All(needs) => (Asked::All, needs.iter().map(leaf).collect()),
            Rule::And(a, b) => (Asked::All, vec![a.explain(identity, origins), b.explain(identity, origins)]),
            Rule::Or(a, b) => (Asked::Any, vec![a.explain(identity, origins), b.explain(identity, origins)]),
            Rule::Not(rule) => (Asked::Not, vec![rule.explain(identity, origins)]),
        };
        Explanation { asked, holds: self.holds(identity), from: Vec::new(), parts }
    }

    fn holds(&self, identity: &Identity) -> bool {
        match self {
            Rule::Any(needs) => needs.iter().any(|need| identity.has(need)),
            Rule::All(needs) => needs.iter().all(|need| identity.has(need)),
            Rule::And(a, b) => a.holds(identity) && b.holds(identity),
            Rule::Or(a, b) => a.holds(identity) || b.holds(identity),
            Rule::Not(rule) => !rule.holds(identity),
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, word: &str, needs: &[Need]| match needs {
            [one] => write!(f, "{one}"),
            _ => {
                write!(f, "{word} of (")?;
                for (at, need) in needs.iter().enumerate() {
                    write!(f, "{}{need}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        };
        match self {
            Rule::Any(needs) => list(f, "any", needs),
            Rule::All(needs) => list(f, "all", needs),
            Rule::And(a, b) => write!(f, "({a} and {b})"),
            Rule::Or(a, b) => write!(f, "({a} or {b})"),
            Rule::Not(rule) => write!(f, "not {rule}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_table() {
        let a = || Permission::any([Need::role("a")]);
        let b = || Permission::any([Need::role("b")]);
        let rows = [
            (Permission::any([]), [false, false, false, false]),
            (Permission::all([]), [true, true, true, true]),
            (a(), [false, true, false, true]),
            (Permission::any([Need::role("a"), Need::role("b")]), [false, true, true, true]),
            (Permission::all([Need::role("a"), Need::role("b")]), [false, false, false, true]),
            (a().and(b()), [false, false, false, true]),
            (a().or(b()), [false, true, true, true]),
            (!a(), [true, false, true, false]),
            (a().and(!b()), [false, true, false, false]),
        ];
        let provides: [&[&'static str]; 4] = [&[], &["a"], &["b"], &["a", "b"]];
        for (permission, expected) in rows {
            for (roles, allowed) in provides.iter().zip(expected) {
                let mut identity = Identity::anonymous();
                identity.provides.extend(roles.iter().map(|&role| Need::role(role)));
                assert_eq!(permission.allows(&identity), allowed, "{permission} for {roles:?}");
            }
        }
    }
}
