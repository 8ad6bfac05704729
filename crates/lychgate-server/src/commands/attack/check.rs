//! One thing that is tried, and what may come of it.

use super::{Account, Target, account, headers, input, paths, protocol, tls, trust};

/// Something to try.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    /// A word for it, the same in every version.
    pub(super) id: &'static str,
    /// Its numbers in docs/THREATS.md.
    pub(super) threats: &'static [&'static str],
    /// What it shows of ASVS 5.0.
    pub(super) asvs: &'static [&'static str],
    /// What holds where nothing is found.
    pub(super) holds: &'static str,
    /// What it cannot do without.
    pub(super) needs: Needs,
    /// Tries it.
    pub(super) run: fn(&Target, Option<&Account>) -> Result,
}

/// What a check cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// A user to sign in as.
    Account,
}

/// What was found, a line each; nothing if all is well.
pub(super) type Result = std::result::Result<Vec<String>, Stop>;

/// Why a check says neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It does not apply here, or was not asked for.
    Skipped(String),
    /// The server did not answer. That is a finding: it answered before.
    Silent(String),
}

impl Stop {
    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }
}

/// Whether the code of the program has to say that something is wrong.
pub(super) fn is_finding(result: &Result) -> bool {
    match result {
        Ok(found) => !found.is_empty(),
        Err(Stop::Silent(_)) => true,
        Err(Stop::Skipped(_)) => false,
    }
}

/// Every check, in the order in which they run. What all replies have to hold comes last.
pub(super) fn all() -> impl Iterator<Item = Check> {
    let groups = [
        headers::CHECKS,
        trust::CHECKS,
        tls::CHECKS,
        // Before those that a limit of wrong requests may answer to.
        account::CHECKS,
        paths::CHECKS,
        protocol::CHECKS,
        input::CHECKS,
        LAST,
    ];
    groups.into_iter().flatten().copied()
}

/// What every reply so far has to hold.
const LAST: &[Check] = &[
    Check {
        id: "no-server-errors",
        threats: &["T39", "T144"],
        asvs: &["V16.5.3"],
        holds: "Nothing that was sent brought the server to an error of its own",
        needs: Needs::Nothing,
        run: |target, _| Ok(target.failures()),
    },
    Check {
        id: "no-details",
        threats: &["T145"],
        asvs: &["V16.5.1"],
        holds: "No reply shows files, statements or stacks",
        needs: Needs::Nothing,
        run: |target, _| Ok(target.details()),
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn checks_are_named_once_and_numbered() {
        let mut ids = BTreeSet::new();
        for check in all() {
            assert!(ids.insert(check.id), "{} is there twice", check.id);
            let number = |text: &str, first: char| {
                text.strip_prefix(first).is_some_and(|rest| rest.split('.').all(|part| part.parse::<u16>().is_ok()))
            };
            assert!(check.threats.iter().all(|threat| number(threat, 'T')), "{check:?}");
            assert!(check.asvs.iter().all(|id| number(id, 'V') && id.split('.').count() == 3), "{check:?}");
            assert!(!(check.threats.is_empty() && check.asvs.is_empty()), "{check:?}");
        }
    }
}
