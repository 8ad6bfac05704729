//! Rows that were read before, each good only as long as nothing has changed since.

use std::sync::Arc;

use moka::sync::Cache;

use crate::api_keys::ApiKey;
use crate::records::{Role, SessionRecord, User};

/// Entries per kind at most.
const ENTRIES: u64 = 100_000;

/// One kind of record by its key.
///
/// An entry carries the epoch from before its row was read. It is used only while the epoch is still the same, so a
/// change between the two, or at any time later, makes it worthless. That a key is unknown is not kept.
pub(crate) struct Kept<T>(Cache<String, (u64, Arc<T>)>);

impl<T: Send + Sync + 'static> Kept<T> {
    fn new(entries: u64) -> Self {
        Self(Cache::new(entries))
    }

    pub(crate) fn get(&self, key: &str, epoch: Option<u64>) -> Option<Arc<T>> {
        let (stamp, record) = self.0.get(key)?;
        (Some(stamp) == epoch).then_some(record)
    }

    pub(crate) fn put(&self, key: &str, epoch: Option<u64>, record: &Arc<T>) {
        if let Some(epoch) = epoch {
            self.0.insert(key.to_owned(), (epoch, record.clone()));
        }
    }
}

/// All kinds that are kept.
pub(crate) struct Caches {
    pub(crate) users: Kept<User>,
    pub(crate) token_users: Kept<User>,
    pub(crate) users_by_id: Kept<User>,
    pub(crate) sessions: Kept<SessionRecord>,
    /// By digest.
    pub(crate) api_keys: Kept<ApiKey>,
    /// Whether something was redeemed, by its kind and key.
    pub(crate) redeemed: Kept<bool>,
    /// All roles, under the empty key.
    pub(crate) roles: Kept<Vec<Arc<Role>>>,
}

impl Caches {
    pub(crate) fn new() -> Self {
        Self {
            users: Kept::new(ENTRIES),
            token_users: Kept::new(ENTRIES),
            users_by_id: Kept::new(ENTRIES),
            sessions: Kept::new(ENTRIES),
            api_keys: Kept::new(ENTRIES),
            redeemed: Kept::new(ENTRIES),
            roles: Kept::new(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_good_for_its_epoch_only() {
        let kept = Kept::new(10);
        kept.put("a", Some(3), &Arc::new(7));
        assert_eq!(kept.get("a", Some(3)), Some(Arc::new(7)));
        assert_eq!(kept.get("a", Some(4)), None);
        assert_eq!(kept.get("a", None), None);
        kept.put("b", None, &Arc::new(8));
        assert_eq!(kept.get("b", None), None);
    }
}
