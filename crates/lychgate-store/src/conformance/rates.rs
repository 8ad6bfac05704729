//! Rates: the database comes to the same sums as the arithmetic, and to no other when many ask at once.

use time::Duration;

use super::start;
use crate::rates::{Counting, RateRule};
use crate::store::Store;

const ALL: [Counting; 3] = [Counting::Fixed, Counting::Sliding, Counting::Gcra];

pub(super) async fn run(store: &Store) {
    for counting in ALL {
        same_sums(store, counting).await;
        races(store, counting).await;
    }
    tries(store).await;
    let rule = RateRule::new(Counting::Fixed, 1, Duration::SECOND).unwrap();
    assert!(store.spend("", &rule, 1, start()).await.is_err());
    assert!(store.spend(&"x".repeat(257), &rule, 1, start()).await.is_err());
    assert!(store.purge_rates(start() + Duration::days(9)).await.unwrap() > 0);
    assert_eq!(store.rate("same/Gcra").await.unwrap(), None);
}

/// Steps of a clock that mostly goes on, sometimes stands still and twice goes back.
async fn same_sums(store: &Store, counting: Counting) {
    let rule = RateRule::new(counting, 7, Duration::MINUTE).unwrap();
    let key = format!("same/{counting:?}");
    let (mut kept, mut now) = (None, start());
    for step in 0_i64..80 {
        let cost = if step % 11 == 3 { 3 } else { 1 };
        let (expected, after) = rule.spend(kept, cost, now);
        let (admitted, found) = store.spend(&key, &rule, cost, now).await.unwrap();
        assert_eq!(admitted, expected, "{counting:?} step {step}");
        if expected {
            kept = Some(after);
        }
        assert_eq!(found, kept, "{counting:?} step {step}");
        assert_eq!(store.rate(&key).await.unwrap(), kept, "{counting:?} step {step}");
        now += match step {
            30 => Duration::seconds(-50),
            55 => Duration::hours(-2),
            70 => Duration::hours(5),
            _ => Duration::milliseconds((step * step * 37) % 9_000),
        };
    }
}

async fn races(store: &Store, counting: Counting) {
    let rule = RateRule::new(counting, 5, Duration::HOUR).unwrap();
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.spend(&format!("race/{counting:?}"), &rule, 1, start()).await.unwrap().0 })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        admitted += usize::from(task.await.unwrap());
    }
    assert_eq!(admitted, 5, "{counting:?}");
}

async fn tries(store: &Store) {
    let (now, key) = (start(), "wrong/user/1/all");
    let until = |at| at + Duration::DAY;
    let note = async |seen, at| {
        let mut batch = store.batch();
        batch.note_attempt(key, seen, at, until(at)).note_attempt("wrong/user/11/all", None, at, until(at));
        store.commit(batch).await.is_ok()
    };
    assert!(note(Some(None), now).await);
    let first = store.rate(key).await.unwrap();
    assert_eq!(first.map(|state| state.spent), Some(1));
    assert!(!note(Some(None), now).await, "somebody else was first");
    assert!(note(Some(first), now + Duration::SECOND).await);
    assert!(!note(Some(first), now + Duration::SECOND).await, "it has risen since");
    assert!(note(None, now).await);
    let mut batch = store.batch();
    batch.take_back_attempt(key).take_back_attempt("wrong/nobody");
    store.commit(batch).await.unwrap();
    assert_eq!(store.rate(key).await.unwrap().map(|state| state.spent), Some(2));
    // What is over begins anew.
    assert!(note(Some(None), now + Duration::days(2)).await);
    assert_eq!(store.rate(key).await.unwrap().map(|state| state.spent), Some(1));
    let mut batch = store.batch();
    batch.forget_attempts("wrong/user/1/");
    store.commit(batch).await.unwrap();
    assert_eq!(store.rate(key).await.unwrap(), None);
    assert!(store.rate("wrong/user/11/all").await.unwrap().is_some());
}
