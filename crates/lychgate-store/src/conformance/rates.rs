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
