//! What the words of the audit log are for people.

use crate::texts::{Text, say};

/// A word of the audit log, and what it is for people.
type Kind = (&'static str, fn() -> Text);

/// What is entered in the audit log. A test sees that none is missing.
const KINDS: [Kind; 62] = [
    ("access-reset", || say("Access reset")),
    ("account-deleted", || say("Account deleted by its owner")),
    ("administered", || say("Changed by an administrator")),
    ("api-key-added", || say("API key made")),
    ("api-key-revoked", || say("API key taken back")),
    ("approved", || say("Account approved")),
    ("code-sent", || say("Code sent")),
    ("data-exported", || say("Data downloaded")),
    ("declined", || say("Account declined")),
    ("deletion-asked", || say("Deletion of the account asked for")),
    ("deletion-cancelled", || say("Deletion of the account cancelled")),
    ("email-changed", || say("Address changed")),
    ("email-confirmed", || say("Address confirmed")),
    ("invitation-revoked", || say("Invitation taken back")),
    ("limited", || say("A limit was reached")),
    ("locked", || say("Account locked")),
    ("lockout-began", || say("Locked out after wrong passwords")),
    ("lockout-lifted", || say("Lockout ended")),
    ("message-dropped", || say("Dead letter dropped")),
    ("message-retried", || say("Dead letter set going again")),
    ("others-ended", || say("All other sessions ended")),
    ("passkey-added", || say("Passkey added")),
    ("passkey-removed", || say("Passkey removed")),
    ("password-changed", || say("Password changed")),
    ("password-reset", || say("Password chosen by a mailed link")),
    ("password-set", || say("Password set from the command line")),
    ("permissions-added", || say("Permissions added to a role")),
    ("permissions-removed", || say("Permissions taken from a role")),
    ("phone-changed", || say("Telephone number changed")),
    ("program-ended", || say("Access of a program ended")),
    ("proved-again", || say("Proved again who it is")),
    ("recovery-code-used", || say("Recovery code used")),
    ("recovery-codes-replaced", || say("New recovery codes")),
    ("refresh-family-begun", || say("Refresh tokens handed out")),
    ("refresh-family-ended", || say("Refresh tokens ended")),
    ("refresh-token-reused", || say("Refresh token used twice")),
    ("refused", || say("Request refused")),
    ("role-added", || say("Role given")),
    ("role-created", || say("Role made")),
    ("role-deleted", || say("Role deleted")),
    ("role-removed", || say("Role taken away")),
    ("second-factor-changed", || say("Second factor changed")),
    ("second-factor-passed", || say("Second factor passed")),
    ("secured", || say("Secured by the link of a notice")),
    ("session-ended", || say("Session ended by its owner")),
    ("sign-in", || say("Signed in")),
    ("sign-in-failed", || say("Sign-in failed")),
    ("sign-in-methods-changed", || say("Ways to sign in changed")),
    ("sign-in-refused", || say("Sign-in refused: the account may not be used")),
    ("sign-out", || say("Signed out")),
    ("support-began", || say("An administrator acts as this user")),
    ("support-ended", || say("An administrator no longer acts as this user")),
    ("support-request", || say("Request of an administrator who acts as this user")),
    ("suspended", || say("Account suspended")),
    ("unlocked", || say("Account unlocked")),
    ("unsuspended", || say("Suspension ended")),
    ("user-activated", || say("Account switched on")),
    ("user-created", || say("Account made")),
    ("user-deactivated", || say("Account switched off")),
    ("user-deleted", || say("Account deleted")),
    ("user-invited", || say("Invited")),
    ("username-changed", || say("Username changed")),
];

/// What an entry of the audit log is about, for people; nothing for one of an application's own.
pub(crate) fn kind(word: &str) -> Option<Text> {
    KINDS.iter().find(|(known, _)| *known == word).map(|(_, text)| text())
}

/// All kinds with their texts.
pub(crate) fn kinds() -> impl Iterator<Item = (&'static str, Text)> {
    KINDS.iter().map(|(word, text)| (*word, text()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{
        collections::BTreeSet,
        path::{Path, PathBuf},
    };

    use super::*;

    fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, all);
            } else if path.extension().is_some_and(|end| end == "rs") {
                all.push(path);
            }
        }
    }

    /// What the toolkit and the command line enter, as far as a literal says it, and what the documentation names.
    fn entered() -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files = Vec::new();
        for folder in ["crates/lychgate/src", "crates/lychgate-server/src"] {
            sources(&root.join(folder), &mut files);
        }
        let mut found = BTreeSet::new();
        for file in files {
            let code = std::fs::read_to_string(file).unwrap();
            let code = code.split("#[cfg(test)]").next().unwrap();
            for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
                let after = line.split("Audited::new(\"").skip(1);
                found.extend(after.filter_map(|rest| rest.split('"').next().map(str::to_owned)));
                // The table of what owners are told, too.
                let words = line.trim_start().strip_prefix("(What::").and_then(|rest| rest.split('"').nth(1));
                found.extend(words.map(str::to_owned));
            }
        }
        let page = std::fs::read_to_string(root.join("docs/features/audit.md")).unwrap();
        for row in page.lines().filter(|line| line.starts_with("| `") && !line.starts_with("| `lychgate")) {
            let first = row.split('|').nth(1).unwrap();
            found.extend(first.split('`').skip(1).step_by(2).map(str::to_owned));
        }
        found
    }

    #[test]
    fn every_kind_is_said_in_words_and_once() {
        let known: BTreeSet<String> = KINDS.iter().map(|(word, _)| (*word).to_owned()).collect();
        assert_eq!(known.len(), KINDS.len());
        assert!(KINDS.is_sorted_by_key(|(word, _)| *word));
        let entered = entered();
        assert!(entered.len() > 50, "{entered:?}");
        let missing: Vec<_> = entered.difference(&known).collect();
        let stale: Vec<_> = known.difference(&entered).collect();
        assert!(missing.is_empty() && stale.is_empty(), "without words: {missing:?}; never entered: {stale:?}");
    }
}
