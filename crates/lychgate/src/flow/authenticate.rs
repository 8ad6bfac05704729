//! Who is meant, and is the password right?

use std::sync::Arc;

use lychgate_passwords::Verdict;
use lychgate_store::User;

use crate::{clock::Moment, failure::Failure, gate::Lychgate, identity};

/// Longest identity text that is looked up.
const MAX_IDENTITY: usize = 320;

/// Finds a user by any identity attribute: the first whose mapper accepts the text decides.
pub(crate) async fn find(gate: &Lychgate, text: &str) -> Result<Option<Arc<User>>, Failure> {
    for attribute in gate.settings().identity_attributes() {
        if let Some(value) = identity::map(gate.identity_rules(), attribute.mapper.mapper(), text) {
            return by_attribute(gate, &attribute.name, &value, attribute.case_insensitive).await;
        }
    }
    Ok(None)
}

/// A name as counts know it: as the first attribute that accepts it would look for it, or else in lower case.
pub(crate) fn folded(gate: &Lychgate, text: &str) -> String {
    let attributes = gate.settings().identity_attributes();
    let mapped = attributes.iter().find_map(|attribute| {
        identity::map(gate.identity_rules(), attribute.mapper.mapper(), text)
            .map(|value| if attribute.case_insensitive { value.to_lowercase() } else { value })
    });
    mapped.unwrap_or_else(|| text.to_lowercase())
}

/// Finds a user by one column.
pub(crate) async fn by_attribute(
    gate: &Lychgate,
    column: &str,
    value: &str,
    case_insensitive: bool,
) -> Result<Option<Arc<User>>, Failure> {
    // PostgreSQL cannot hold a NUL in text, so nobody has one in a name.
    if value.is_empty() || value.len() > MAX_IDENTITY || value.contains('\0') || !gate.store().has_user_column(column) {
        return Ok(None);
    }
    Ok(gate.store().user_by_identity(column, value, case_insensitive).await?)
}

/// Compares a password; takes as long for nobody as for somebody, and renews a hash that is out of date.
pub(crate) async fn password_matches(
    gate: &Lychgate,
    user: Option<&User>,
    password: &str,
    now: Moment,
) -> Result<bool, Failure> {
    let stored = user.and_then(|user| user.password.as_deref()).filter(|hash| !hash.is_empty());
    match gate.hashing().verify(password, stored).await? {
        Verdict::Match { needs_rehash } => {
            if let (true, Some(user), Some(stored)) = (needs_rehash, user, stored) {
                rehash(gate, user, stored, password, now).await;
            }
            Ok(true)
        }
        Verdict::Refused(reason) => {
            tracing::warn!(user_id = user.map(|user| user.id), %reason, "a stored password hash was not used");
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// Replaces a hash of an old scheme. The sign-in does not depend on it.
async fn rehash(gate: &Lychgate, user: &User, stored: &str, password: &str, now: Moment) {
    let renewed = match gate.hashing().hash(password).await {
        Ok(Ok(hash)) => gate.store().set_password_if(user.id, Some(stored), &hash, None, now.datetime()).await,
        Ok(Err(error)) => return tracing::warn!(user_id = user.id, %error, "a password was not hashed anew"),
        Err(_) => return,
    };
    if let Err(error) = renewed {
        tracing::warn!(user_id = user.id, %error, "a renewed password hash was not stored");
    }
}
