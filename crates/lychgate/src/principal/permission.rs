//! What is asked of an identity.

use std::fmt;

use super::{Identity, Need};

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

impl Rule {
    fn holds(&self, identity: &Identity) -> bool {
        match self {
            Rule::Any(needs) => needs.iter().any(|need| identity.provides.contains(need)),
            Rule::All(needs) => needs.iter().all(|need| identity.provides.contains(need)),
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
