//! The outbox: entered with the change it tells of, claimed by one at a time, never lost.

use std::collections::HashSet;

use time::Duration;

use super::{new_user, start};
use crate::error::ErrorKind;
use crate::outbox::{OutboxItem, OutboxState};
use crate::store::Store;

fn item(id: &str) -> OutboxItem {
    OutboxItem::new(id, "mail", format!("{id}@lp.com"), format!("payload of {id}"), start())
}

async fn enqueue(store: &Store, items: &[OutboxItem]) {
    let mut batch = store.batch();
    for item in items {
        batch.enqueue(item);
    }
    store.commit(batch).await.unwrap();
}

async fn read(store: &Store, id: &str) -> OutboxItem {
    store.outbox_item(id).await.unwrap().unwrap()
}

pub(super) async fn run(store: &Store) {
    entering(store).await;
    claiming(store).await;
    results(store).await;
    race(store).await;
    purging(store).await;
}

async fn entering(store: &Store) {
    assert!(store.outbox_list(None, 10).await.unwrap().is_empty());
    let taken = store.create_user(new_user("letter"), start()).await.unwrap();
    // The change that the letter tells of is refused, so there is no letter.
    let mut batch = store.batch();
    batch.enqueue(&item("never")).create_user(&new_user("letter"), start());
    assert!(store.commit(batch).await.is_err());
    assert_eq!(store.outbox_item("never").await.unwrap(), None);
    assert!(store.delete_user(taken.id).await.unwrap());

    let first = item("first");
    enqueue(store, std::slice::from_ref(&first)).await;
    assert_eq!(read(store, "first").await, first);
    let mut again = store.batch();
    again.enqueue(&first);
    assert!(store.commit(again).await.is_err());
    for broken in [
        OutboxItem { id: String::new(), ..item("x") },
        OutboxItem { kind: String::new(), ..item("x") },
        OutboxItem { id: "x".repeat(65), ..item("x") },
        OutboxItem { recipient: "x".repeat(321), ..item("x") },
        OutboxItem { payload: "nul \0".to_owned(), ..item("x") },
        OutboxItem { payload: "x".repeat(2 << 20), ..item("x") },
    ] {
        let mut batch = store.batch();
        batch.enqueue(&broken);
        assert!(matches!(store.commit(batch).await.unwrap_err().kind(), ErrorKind::Invalid(_)));
    }
    for id in ["", "nul\0", "unknown", &"x".repeat(5000)] {
        assert_eq!(store.outbox_item(id).await.unwrap(), None);
    }
}

async fn claiming(store: &Store) {
    let later = OutboxItem { due_at: start() + Duration::minutes(5), ..item("later") };
    enqueue(store, &[later, item("second")]).await;
    let lease = start() + Duration::minutes(2);
    assert!(store.outbox_claim(9, lease, start() - Duration::SECOND).await.unwrap().is_empty());
    assert!(store.outbox_claim(0, lease, start()).await.unwrap().is_empty());
    let claimed = store.outbox_claim(9, lease, start()).await.unwrap();
    let ids: Vec<&str> = claimed.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["first", "second"]);
    assert!(claimed.iter().all(|item| item.attempts == 1 && item.due_at == lease));
    assert_eq!(claimed[0].payload, "payload of first");
    // Nobody gets them while the claim lasts; whoever dies with them loses nothing.
    assert!(store.outbox_claim(9, lease, lease - Duration::SECOND).await.unwrap().is_empty());
    let again = store.outbox_claim(1, lease + Duration::minutes(2), lease).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].attempts, 2);
}

async fn results(store: &Store) {
    let later = start() + Duration::hours(1);
    assert!(store.outbox_sent("first", false, later).await.unwrap());
    let first = read(store, "first").await;
    assert_eq!((first.state, first.sent_at, first.payload.as_str()), (OutboxState::Sent, Some(later), ""));
    assert!(!store.outbox_failed("first", "too late", None).await.unwrap());
    assert!(!store.outbox_retry("first", later).await.unwrap());
    assert!(!store.outbox_sent("unknown", false, later).await.unwrap());

    assert!(store.outbox_failed("second", "no\r\nroute", Some(later)).await.unwrap());
    let second = read(store, "second").await;
    assert_eq!((second.state, second.due_at), (OutboxState::Waiting, later));
    assert_eq!(second.last_error.as_deref(), Some("no  route"));
    assert!(store.outbox_failed("second", &"ü".repeat(9999), None).await.unwrap());
    let second = read(store, "second").await;
    assert_eq!(second.state, OutboxState::Dead);
    assert_eq!(second.last_error.unwrap().chars().count(), 500);
    assert_eq!(second.payload, "payload of second");
    let far = later + Duration::days(400);
    let claimed = store.outbox_claim(9, far, later).await.unwrap();
    assert!(claimed.iter().all(|item| item.id == "later"));

    let dead = store.outbox_list(Some(OutboxState::Dead), 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(store.outbox_retry("second", later).await.unwrap());
    assert!(!store.outbox_retry("second", later).await.unwrap());
    let second = read(store, "second").await;
    assert_eq!((second.state, second.attempts, second.due_at), (OutboxState::Waiting, 0, later));
    assert!(store.outbox_sent("second", true, later).await.unwrap());
    let second = read(store, "second").await;
    assert_eq!((second.payload.as_str(), second.last_error, second.attempts), ("payload of second", None, 1));
    assert!(store.outbox_sent("later", false, later).await.unwrap());
    assert_eq!(store.outbox_list(None, 2).await.unwrap().len(), 2);
    assert_eq!(store.outbox_list(None, 10).await.unwrap().len(), 3);
}

/// However many claim at once, each item is claimed once.
async fn race(store: &Store) {
    let items: Vec<OutboxItem> = (0..40).map(|number| item(&format!("race{number}"))).collect();
    enqueue(store, &items).await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            for _ in 0..10 {
                mine.extend(store.outbox_claim(3, start() + Duration::hours(1), start()).await.unwrap());
            }
            mine
        }));
    }
    let mut seen = HashSet::new();
    for task in tasks {
        for item in task.await.unwrap() {
            assert_eq!(item.attempts, 1);
            assert!(seen.insert(item.id));
        }
    }
    // Those who came second may have gone away with fewer than they wanted.
    for item in store.outbox_claim(100, start() + Duration::hours(1), start()).await.unwrap() {
        assert!(seen.insert(item.id));
    }
    assert_eq!(seen.len(), 40);
    for id in seen {
        assert!(store.outbox_sent(&id, false, start()).await.unwrap());
    }
}

async fn purging(store: &Store) {
    let old = OutboxItem { created_at: start() - Duration::days(60), ..item("old") };
    let waiting = OutboxItem { created_at: start() - Duration::days(60), ..item("waiting") };
    enqueue(store, &[old, waiting]).await;
    assert!(store.outbox_failed("old", "gone", None).await.unwrap());
    assert_eq!(store.outbox_purge(start() - Duration::days(30)).await.unwrap(), 1);
    assert_eq!(store.outbox_item("old").await.unwrap(), None);
    assert_eq!(read(store, "waiting").await.state, OutboxState::Waiting);
    assert!(store.outbox_failed("waiting", "gone", None).await.unwrap());
    assert!(store.outbox_purge(start() + Duration::days(1)).await.unwrap() > 40);
    assert!(store.outbox_list(None, 10).await.unwrap().is_empty());
}
