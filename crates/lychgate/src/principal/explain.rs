//! Why a permission allows somebody, or does not.

use std::fmt;

use super::Need;

/// Why a permission allows somebody or not: one node for each part of it.
///
/// Its text is a tree, a line for each part, as `lychgate explain` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// What this part asks for.
    pub asked: Asked,
    /// Whether it is so.
    pub holds: bool,
    /// Where a need that is held comes from.
    pub from: Vec<Origin>,
    /// The parts of it.
    pub parts: Vec<Explanation>,
}

/// What one part of a permission asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked {
    /// This need.
    Need(Need),
    /// At least one of the parts.
    Any,
    /// Every one of the parts.
    All,
    /// That the part is not so.
    Not,
}

/// Where a need comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Origin {
    /// From being this user.
    Account,
    /// From a role.
    Role(String),
    /// From a loader of the application.
    Application,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Account => f.write_str("the account itself"),
            Origin::Role(name) => write!(f, "role {name}"),
            Origin::Application => f.write_str("the application"),
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::Need(need) => need.fmt(f),
            Asked::Any => f.write_str("any of"),
            Asked::All => f.write_str("all of"),
            Asked::Not => f.write_str("not"),
        }
    }
}

impl Explanation {
    /// What is in the way, in words: needs that are not held, and, as `not …`, those that are held and must not be.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect(true, &mut found);
        found
    }

    fn collect(&self, wanted: bool, found: &mut Vec<String>) {
        if self.holds == wanted {
            return;
        }
        match &self.asked {
            Asked::Need(need) if wanted => found.push(need.to_string()),
            Asked::Need(need) => found.push(format!("not {need}")),
            Asked::Any | Asked::All if self.parts.is_empty() => {
                found.push(if wanted { "nothing opens it" } else { "nothing closes it" }.to_owned());
            }
            Asked::Any | Asked::All => self.parts.iter().for_each(|part| part.collect(wanted, found)),
            Asked::Not => self.parts.iter().for_each(|part| part.collect(!wanted, found)),
        }
    }

    /// As JSON: `asked`, `holds`, `from` and `parts`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let from: Vec<String> = self.from.iter().map(ToString::to_string).collect();
        let parts: Vec<_> = self.parts.iter().map(Self::to_json).collect();
        serde_json::json!({"asked": self.asked.to_string(), "holds": self.holds, "from": from, "parts": parts})
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let sign = if self.holds { "yes" } else { "no " };
        write!(f, "{sign} {:indent$}{}", "", self.asked, indent = depth * 2)?;
        for (at, origin) in self.from.iter().enumerate() {
            write!(f, "{}{origin}", if at == 0 { " (from " } else { ", " })?;
        }
        if !self.from.is_empty() {
            f.write_str(")")?;
        }
        if self.parts.is_empty() && !matches!(self.asked, Asked::Need(_)) {
            f.write_str(" nothing")?;
        }
        for part in &self.parts {
            f.write_str("\n")?;
            part.write(f, depth + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::principal::{Identity, Permission};

    #[test]
    fn it_says_what_is_in_the_way() {
        let (a, b, c) = (|| Need::role("a"), || Need::role("b"), || Need::role("c"));
        let provides = |needs: &[Need]| Identity { provides: needs.iter().cloned().collect(), ..Identity::anonymous() };
        for (permission, held, missing) in [
            (Permission::any([a(), b()]), vec![], vec!["role a", "role b"]),
            (Permission::any([a(), b()]), vec![b()], vec![]),
            (Permission::all([a(), b()]), vec![b()], vec!["role a"]),
            (!Permission::from(a()), vec![a()], vec!["not role a"]),
            (Permission::from(a()).and(!Permission::any([b(), c()])), vec![a(), c()], vec!["not role c"]),
            (!(Permission::from(a()).or(b().into())), vec![a(), b()], vec!["not role a", "not role b"]),
            (Permission::any([]), vec![a()], vec!["nothing opens it"]),
            (!Permission::all([]), vec![], vec!["nothing closes it"]),
        ] {
            let identity = provides(&held);
            let why = permission.explain(&identity);
            assert_eq!(
                (why.holds, why.missing()),
                (permission.allows(&identity), missing.iter().map(|s| (*s).to_owned()).collect()),
                "{permission}"
            );
            assert_eq!(why.holds, why.missing().is_empty());
        }
    }

    #[test]
    fn it_is_a_tree_with_origins() {
        let mut joe = Identity::anonymous();
        joe.provides.insert(Need::permission("read"));
        let permission = Permission::any([Need::role("admin"), Need::permission("read")]).and(Need::role("x").into());
        let from = |need: &Need| vec![Origin::Role(format!("{}er", need.value()))];
        let why = permission.explain_with(&joe, &from);
        let text =
            "no  all of\nyes   any of\nno      role admin\nyes     permission read (from role reader)\nno    role x";
        assert_eq!(why.to_string(), text);
        assert_eq!(why.to_json()["parts"][0]["parts"][1]["from"][0], "role reader");
    }
}
