//! Counts in the memory of this process, as many as there is room for.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
};

use lychgate_store::{RateRule, RateState};
use parking_lot::Mutex;
use time::OffsetDateTime;

use super::store::{LimitStore, Spent, StoreFuture};

const SHARDS: usize = 16;
/// Counts that a shard has room for: with the others about 25 MB at most.
const ROOM: usize = 8_192;

#[derive(Debug)]
struct Kept {
    state: RateState,
    /// When it makes no difference any more, in microseconds since the unix epoch.
    until: i64,
}

/// Counts in memory. Where there is no more room, those that end first give way.
#[derive(Debug)]
pub(crate) struct Memory {
    shards: Vec<Mutex<HashMap<Box<str>, Kept>>>,
    /// Seeded at random, so that nobody can aim at one shard.
    hasher: RandomState,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    fn shard(&self, key: &str) -> &Mutex<HashMap<Box<str>, Kept>> {
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are as good as any")]
        let at = self.hasher.hash_one(key) as usize % self.shards.len();
        &self.shards[at]
    }

    fn spend_now(&self, key: &str, rule: &RateRule, cost: u32, now: OffsetDateTime) -> Spent {
        let mut shard = self.shard(key).lock();
        let before = shard.get(key).map(|kept| kept.state);
        let (admitted, state) = rule.spend(before, cost, now);
        if !admitted {
            return Spent { admitted, state: before };
        }
        let until = rule.sums(cost, now).until;
        match shard.get_mut(key) {
            Some(kept) => *kept = Kept { state, until },
            None => {
                if shard.len() >= ROOM {
                    make_room(&mut shard, micros(now));
                }
                shard.insert(key.into(), Kept { state, until });
            }
        }
        Spent { admitted, state: Some(state) }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// Drops what is over, or else the eighth that ends first.
fn make_room(shard: &mut HashMap<Box<str>, Kept>, now: i64) {
    shard.retain(|_, kept| kept.until > now);
    if shard.len() < ROOM {
        return;
    }
    let mut ends: Vec<i64> = shard.values().map(|kept| kept.until).collect();
    let (_, end, _) = ends.select_nth_unstable(ROOM / 8);
    let end = *end;
    shard.retain(|_, kept| kept.until > end);
}

impl LimitStore for Memory {
    fn spend<'a>(&'a self, key: &'a str, rule: &'a RateRule, cost: u32, now: OffsetDateTime) -> StoreFuture<'a, Spent> {
        Box::pin(async move { Ok(self.spend_now(key, rule, cost, now)) })
    }

    fn look<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<RateState>> {
        Box::pin(async move { Ok(self.shard(key).lock().get(key).map(|kept| kept.state)) })
    }
}
