//! Filling in Python-style placeholders.

use std::{
    collections::BTreeSet,
    fmt::{Display, Write},
};

/// The names of the placeholders of a text.
pub(super) fn placeholders(text: &str) -> BTreeSet<&str> {
    let parts = text.split('%').skip(1).filter_map(|part| part.strip_prefix('(')?.split_once(')'));
    parts.map(|(name, _)| name).collect()
}

/// Replaces `%(name)s` and `%(name)d` by the value of that name and `%%` by `%`, in one pass.
///
/// A value is never looked at again, so that what a user typed cannot name a placeholder. The
/// conversion letter may be missing: one text of the reference lacks it, and applications may have
/// copied that.
pub(super) fn fill(text: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        rest = match replace(from, values, &mut out) {
            Some(after) => after,
            None => {
                out.push('%');
                from.strip_prefix('%').unwrap_or_default()
            }
        };
    }
    out.push_str(rest);
    out
}

/// Writes the value of the placeholder that `from` begins with and returns what follows; `None` if
/// there is none.
fn replace<'a>(from: &'a str, values: &[(&str, &dyn Display)], out: &mut String) -> Option<&'a str> {
    if let Some(after) = from.strip_prefix("%%") {
        out.push('%');
        return Some(after);
    }
    let (name, after) = from.strip_prefix("%(")?.split_once(')')?;
    let (_, value) = values.iter().find(|(known, _)| *known == name)?;
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
    Some(after.strip_prefix(['s', 'd']).unwrap_or(after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn placeholders_are_filled_in() {
        for (text, want) in [
            ("Hello %(name)s!", "Hello Ann!"),
            ("%(n)d of %(n)s", "3 of 3"),
            ("100%%", "100%"),
            ("%%(name)s", "%(name)s"),
            ("%(other)s stays", "%(other)s stays"),
            ("50% of %(n)d", "50% of 3"),
            ("at most %(n) characters", "at most 3 characters"),
            ("%", "%"),
            ("%(", "%("),
            ("%(name", "%(name"),
            ("", ""),
        ] {
            assert_eq!(fill(text, &[("name", &"Ann"), ("n", &3)]), want);
        }
    }

    #[test]
    fn values_are_not_looked_at_again() {
        assert_eq!(fill("%(a)s %(b)s", &[("a", &"%(b)s"), ("b", &"%%")]), "%(b)s %%");
    }

    proptest! {
        #[test]
        fn text_without_a_sign_stays(text in "[^%]*") {
            prop_assert_eq!(fill(&text, &[("a", &1)]), text);
        }

        #[test]
        fn never_panics(text in "(%|\\(|\\)|a|s|é)*") {
            let _ = fill(&text, &[("a", &"%(a)s")]);
        }
    }
}
