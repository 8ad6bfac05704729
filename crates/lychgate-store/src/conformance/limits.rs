//! Counts of attempts and rising marks: what many do at once counts as if they came one by one.

use time::Duration;

use super::start;
use crate::error::ErrorKind;
use crate::store::Store;

pub(super) async fn run(store: &Store) {
    counting(store).await;
    marks(store).await;
    races(store).await;
    purging(store).await;
    odd(store).await;
}

const WINDOW: Duration = Duration::minutes(15);

async fn counting(store: &Store) {
    let now = start();
    for _ in 0..3 {
        assert!(store.count_attempt("guess/1", 3, WINDOW, now).await.unwrap());
    }
    for minutes in [0, 5, 14] {
        assert!(!store.count_attempt("guess/1", 3, WINDOW, now + Duration::minutes(minutes)).await.unwrap());
    }
    assert!(store.count_attempt("guess/2", 3, WINDOW, now).await.unwrap());
    // What is refused does not lengthen the window.
    assert!(store.count_attempt("guess/1", 3, WINDOW, now + WINDOW).await.unwrap());
    let (count, until) = store.mark("guess/1").await.unwrap().unwrap();
    assert_eq!((count, until), (1, now + WINDOW * 2));
    // A higher limit counts on.
    assert!(store.count_attempt("guess/1", 5, WINDOW, now + WINDOW).await.unwrap());
    assert_eq!(store.mark("guess/1").await.unwrap().unwrap().0, 2);
    store.clear_attempts("guess/1").await.unwrap();
    store.clear_attempts("guess/1").await.unwrap();
    assert_eq!(store.mark("guess/1").await.unwrap(), None);
}

async fn marks(store: &Store) {
    let until = start() + WINDOW;
    assert_eq!(store.mark("used/1").await.unwrap(), None);
    assert!(store.raise_mark("used/1", 7, until).await.unwrap());
    assert!(!store.raise_mark("used/1", 7, until).await.unwrap());
    assert!(!store.raise_mark("used/1", 6, until).await.unwrap());
    assert!(store.raise_mark("used/1", 9, until + WINDOW).await.unwrap());
    assert_eq!(store.mark("used/1").await.unwrap(), Some((9, until + WINDOW)));
    // In a batch it takes the rest with it.
    let mut batch = store.batch();
    batch.meta_set("beside a mark", "x").raise_mark("used/1", 9, until);
    assert_eq!(*store.commit(batch).await.unwrap_err().kind(), ErrorKind::Unmet(1));
    assert_eq!(store.meta_get("beside a mark").await.unwrap(), None);
    let mut batch = store.batch();
    batch.raise_mark("used/1", 10, until).clear_attempts("used/1");
    store.commit(batch).await.unwrap();
    assert_eq!(store.mark("used/1").await.unwrap(), None);
}

async fn races(store: &Store) {
    let (now, until) = (start(), start() + WINDOW);
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let counted = store.count_attempt("race/count", 5, WINDOW, now).await.unwrap();
                (counted, store.raise_mark("race/mark", 1, until).await.unwrap())
            })
        })
        .collect();
    let (mut counted, mut raised) = (0, 0);
    for task in tasks {
        let (count, mark) = task.await.unwrap();
        counted += usize::from(count);
        raised += usize::from(mark);
    }
    assert_eq!((counted, raised), (5, 1));
}

async fn purging(store: &Store) {
    assert!(store.purge_limits(start() - Duration::seconds(1)).await.unwrap() == 0);
    assert!(store.mark("race/mark").await.unwrap().is_some());
    assert!(store.purge_limits(start() + WINDOW * 3).await.unwrap() > 0);
    assert_eq!(store.mark("race/mark").await.unwrap(), None);
}

async fn odd(store: &Store) {
    let now = start();
    let long = "x".repeat(257);
    for (key, limit, window) in [("", 1, WINDOW), (&*long, 1, WINDOW), ("x", 0, WINDOW), ("x", 1, Duration::ZERO)] {
        assert!(store.count_attempt(key, limit, window, now).await.is_err(), "{key} {limit} {window}");
    }
    assert!(store.raise_mark("", 1, now).await.is_err());
    assert!(store.raise_mark("nul \0", 1, now).await.is_err());
    assert_eq!(store.mark("").await.unwrap(), None);
    assert_eq!(store.mark("nul \0").await.unwrap(), None);
}
