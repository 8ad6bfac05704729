//! Rows that were read before, each good only as long as nothing has changed since.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use moka::sync::Cache;

use crate::api_keys::ApiKey;
use crate::records::{Role, SessionRecord, User};

/// Entries per kind at most.
const ENTRIES: u64 = 100_000;

/// One kind of record by its key.
///
/// An entry carries the epoch from before its row was read. It is used only while the epoch is still the same, so a
/// change between the two, or at any time later, makes it worthless. That a key is unknown is not kept.
pub(crate) struct Kept<T> {
    cache: Cache<String, (u64, Arc<T>)>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl<T: Send + Sync + 'static> Kept<T> {
    fn new(entries: u64) -> Self {
        Self { cache: Cache::new(entries), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    pub(crate) fn get(&self, key: &str, epoch: Option<u64>) -> Option<Arc<T>> {
        let found = self.cache.get(key).filter(|(stamp, _)| Some(*stamp) == epoch);
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        found.map(|(_, record)| record)
    }

    /// How many look-ups were answered, and how many were not.
    fn counts(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    pub(crate) fn put(&self, key: &str, epoch: Option<u64>, record: &Arc<T>) {
        if let Some(epoch) = epoch {
            self.cache.insert(key.to_owned(), (epoch, record.clone()));
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

    /// Hits and misses of each kind.
    pub(crate) fn counts(&self) -> Vec<(&'static str, u64, u64)> {
        let named = |name, (hits, misses): (u64, u64)| (name, hits, misses);
        vec![
            named("user", self.users.counts()),
            named("token_user", self.token_users.counts()),
            named("user_by_id", self.users_by_id.counts()),
            named("session", self.sessions.counts()),
            named("api_key", self.api_keys.counts()),
            named("redemption", self.redeemed.counts()),
            named("roles", self.roles.counts()),
        ]
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
